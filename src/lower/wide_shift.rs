//! Shifts and rotations of i128.
//!
//! By a constant, they are moves of halves and shifts of two registers as one ([`WideShifts::double_shift`]).
//! By a variable amount, both halves are shifted by the amount modulo 64, as processors do, and exchanged if
//! the amount is 64 or more.

use super::context::{Lower, Lowered};
use super::wide::{Pair, WideLowering, result, tmp_pair};
use crate::diag::unexpected;
use crate::ir::*;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// A variable amount. Only its low six bits count in the shift of a half.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// The amount itself.
    pub by: VReg,
    /// The amount that shifts the bits crossing over from the other half; see
    /// [`WideShifts::crossing_amount`].
    pub crossing: VReg,
}

/// The direction of a shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Towards the highest bit.
    Left,
    /// Towards the lowest bit.
    Right,
}

/// How a target shifts two registers as one.
pub trait WideShifts: WideLowering {
    /// `d` = the high half of `a << amount`, or the low half of `a >> amount`, for an amount of 1 to 63.
    fn double_shift(cx: &mut Lower<'_, Self>, direction: Direction, d: VReg, a: Pair, amount: u32);

    /// `d` = the high half of `a << amount`, or the low half of `a >> amount`, for an amount modulo 64 in a
    /// register.
    fn double_shift_by(cx: &mut Lower<'_, Self>, direction: Direction, d: VReg, a: Pair, amount: Amount);

    /// Rotates by an amount modulo 64 in a register.
    fn rotate_by(cx: &mut Lower<'_, Self>, direction: Direction, d: Pair, a: Pair, amount: Amount) {
        let (low, high) = rotated(direction, a);
        Self::double_shift_by(cx, direction, d.0, low, amount);
        Self::double_shift_by(cx, direction, d.1, high, amount);
    }

    /// Computes [`Amount::crossing`] for an amount.
    fn crossing_amount(_: &mut Lower<'_, Self>, amount: VReg) -> VReg {
        amount
    }

    /// `d` = `ishl`, `ushr` or `sshr` of a half by an amount modulo 64 in a register.
    fn shift_half_by(cx: &mut Lower<'_, Self>, opcode: Opcode, d: VReg, a: VReg, amount: VReg);

    /// Returns a register that is zero.
    fn zero(cx: &mut Lower<'_, Self>) -> VReg {
        cx.constant_register(0)
    }

    /// `d = far` if bit 6 of the amount is 1, else `near`.
    fn choose_by_amount(cx: &mut Lower<'_, Self>, d: Pair, amount: VReg, far: Pair, near: Pair);
}

/// Returns the pairs whose double shifts are the low and the high half of a rotation.
pub fn rotated(direction: Direction, a: Pair) -> (Pair, Pair) {
    match direction {
        Direction::Left => ((a.1, a.0), a),
        Direction::Right => (a, (a.1, a.0)),
    }
}

/// Lowers `ishl`, `ushr`, `sshr`, `rotl` and `rotr` of i128.
pub fn lower<I: WideShifts>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let amount = Value(data.b);
    match cx.constant_amount(amount) {
        Some(amount) => {
            rule!(cx, "wide_shift.imm");
            by_constant(cx, inst, data, amount as u32 & 127);
        }
        None => {
            let amount = cx.put_amount(amount);
            by_register(cx, inst, data, amount);
        }
    }
    Ok(())
}

/// Lowers a shift or rotation by a constant.
fn by_constant<I: WideShifts>(cx: &mut Lower<'_, I>, inst: Inst, data: &InstData, amount: u32) {
    let d = result(cx, inst);
    if data.opcode == Opcode::Ishl && amount >= 64 {
        let low = cx.low_half(Value(data.a));
        shift_half(cx, Opcode::Ishl, d.1, low, amount - 64);
        I::make_bits(cx, d.0, 0);
        return;
    }
    let a = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Rotl => rotate_left(cx, d, a, amount),
        Opcode::Rotr => rotate_left(cx, d, a, (128 - amount) & 127),
        Opcode::Ishl | Opcode::Ushr | Opcode::Sshr if amount == 0 => alias(cx, d, a),
        Opcode::Ishl => {
            I::double_shift(cx, Direction::Left, d.1, a, amount);
            shift_half(cx, Opcode::Ishl, d.0, a.0, amount);
        }
        opcode @ (Opcode::Ushr | Opcode::Sshr) if amount >= 64 => {
            shift_half(cx, opcode, d.0, a.1, amount - 64);
            match opcode {
                Opcode::Ushr => I::make_bits(cx, d.1, 0),
                Opcode::Sshr => I::shift(cx, 64, Opcode::Sshr, d.1, a.1, 63),
                other => unexpected(other),
            }
        }
        Opcode::Ushr | Opcode::Sshr => {
            I::double_shift(cx, Direction::Right, d.0, a, amount);
            shift_half(cx, data.opcode, d.1, a.1, amount);
        }
        other => unexpected(other),
    }
}

/// Makes `d` an alias of `a`.
fn alias<I: WideShifts>(cx: &mut Lower<'_, I>, d: Pair, a: Pair) {
    cx.alias(d.0, a.0);
    cx.alias(d.1, a.1);
}

/// Shifts a half by an amount below 64.
fn shift_half<I: WideShifts>(cx: &mut Lower<'_, I>, opcode: Opcode, d: VReg, a: VReg, amount: u32) {
    match amount {
        0 => cx.alias(d, a),
        _ => I::shift(cx, 64, opcode, d, a, amount),
    }
}

/// Rotates by a constant.
fn rotate_left<I: WideShifts>(cx: &mut Lower<'_, I>, d: Pair, a: Pair, amount: u32) {
    let (a, amount) = if amount >= 64 { ((a.1, a.0), amount - 64) } else { (a, amount) };
    if amount == 0 {
        return alias(cx, d, a);
    }
    I::double_shift(cx, Direction::Left, d.0, (a.1, a.0), amount);
    I::double_shift(cx, Direction::Left, d.1, a, amount);
}

/// Lowers a shift or rotation by a variable amount.
fn by_register<I: WideShifts>(cx: &mut Lower<'_, I>, inst: Inst, data: &InstData, amount: VReg) {
    let d = result(cx, inst);
    let a = cx.put_pair(Value(data.a));
    let near = tmp_pair(cx);
    let amount = Amount { by: amount, crossing: I::crossing_amount(cx, amount) };
    // The result if the amount is 64 or more.
    let far = match data.opcode {
        Opcode::Ishl => {
            I::double_shift_by(cx, Direction::Left, near.1, a, amount);
            I::shift_half_by(cx, Opcode::Ishl, near.0, a.0, amount.by);
            (I::zero(cx), near.0)
        }
        Opcode::Ushr => {
            I::double_shift_by(cx, Direction::Right, near.0, a, amount);
            I::shift_half_by(cx, Opcode::Ushr, near.1, a.1, amount.by);
            (near.1, I::zero(cx))
        }
        Opcode::Sshr => {
            let sign = cx.tmp(RegClass::Int);
            I::double_shift_by(cx, Direction::Right, near.0, a, amount);
            I::shift_half_by(cx, Opcode::Sshr, near.1, a.1, amount.by);
            I::shift(cx, 64, Opcode::Sshr, sign, a.1, 63);
            (near.1, sign)
        }
        Opcode::Rotl | Opcode::Rotr => {
            let direction = if data.opcode == Opcode::Rotl { Direction::Left } else { Direction::Right };
            I::rotate_by(cx, direction, near, a, amount);
            (near.1, near.0)
        }
        other => unexpected(other),
    };
    I::choose_by_amount(cx, d, amount.by, far, near);
}
