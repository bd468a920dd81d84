//! Shifts and rotations of all lanes by the same amount, modulo the lane width.
//!
//! The processor shifts each lane by a signed amount: to the right if it is negative. An amount that is at
//! least the width gives zeros, which rotations rely on.

use super::int::lane_size;
use crate::arch::aarch64::lower::inputs::*;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize};

/// Lowers ishl, ushr, sshr, rotl and rotr.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (value, amount) = (Value(data.a), Value(data.b));
    let size = lane_size(data.ty);
    if let Some(amount) = cx.constant_amount(amount) {
        let amount = (amount & u64::from(size.bits() - 1)) as i32;
        if amount == 0 {
            cx.same(cx.f.first_result(inst), value);
            return Ok(());
        }
        let d = cx.def(inst);
        let a = cx.put(value);
        by_constant(cx, data.opcode, size, d, a, amount);
        return Ok(());
    }
    let d = cx.def(inst);
    let a = cx.put(value);
    let amount = cx.put_amount(amount);
    by_register(cx, data.opcode, size, d, a, amount);
    Ok(())
}

/// The code of a shift to the right by `amount` bits, which is at least one.
pub(super) fn right(size: OperandSize, amount: i32) -> u32 {
    size.bits() - amount as u32
}

/// A shift by a constant, which is not zero.
fn by_constant(cx: &mut Cx, opcode: Opcode, size: OperandSize, d: VReg, a: VReg, amount: i32) {
    match opcode {
        Opcode::Ishl => rows::vshl(cx, size, d, a, amount),
        Opcode::Ushr => rows::vushr(cx, size, d, a, right(size, amount)),
        Opcode::Sshr => rows::vsshr(cx, size, d, a, right(size, amount)),
        Opcode::Rotl | Opcode::Rotr => {
            // The bits shifted out to the right, with those shifted to the left above them.
            let left = if opcode == Opcode::Rotl { amount } else { size.bits() as i32 - amount };
            let low = cx.tmp(RegClass::Float);
            rows::vushr(cx, size, low, a, right(size, size.bits() as i32 - left));
            rows::vsli(cx, size, d, low, a, left);
        }
        other => unexpected(other),
    }
}

/// A shift by an amount in a general register.
fn by_register(cx: &mut Cx, opcode: Opcode, size: OperandSize, d: VReg, a: VReg, amount: VReg) {
    let modulo = AND.in_new(cx, L32, amount, mask(u64::from(size.bits() - 1), L32));
    match opcode {
        Opcode::Ishl => {
            let left = in_lanes(cx, size, modulo);
            rows::vushl(cx, size, d, a, left);
        }
        Opcode::Ushr | Opcode::Sshr => {
            let negative = negative_in_lanes(cx, size, modulo);
            match opcode {
                Opcode::Ushr => rows::vushl(cx, size, d, a, negative),
                Opcode::Sshr => rows::vsshl(cx, size, d, a, negative),
                other => unexpected(other),
            }
        }
        Opcode::Rotl | Opcode::Rotr => {
            // Each bit comes from one of two shifts whose distances differ by the width.
            let (first, bits) = (cx.tmp(RegClass::Int), size.bits() as i32);
            match opcode {
                Opcode::Rotl => rows::sub_ri(cx, L32, first, modulo, bits),
                Opcode::Rotr => NEG.unary(cx, L32, first, modulo),
                other => unexpected(other),
            }
            let second = cx.tmp(RegClass::Int);
            rows::add_ri(cx, L32, second, first, bits);
            let [first, second] = [first, second].map(|amount| in_lanes(cx, size, amount));
            let [low, high] = [(); 2].map(|()| cx.tmp(RegClass::Float));
            rows::vushl(cx, size, low, a, first);
            rows::vushl(cx, size, high, a, second);
            rows::orr_16b(cx, d, low, high);
        }
        other => unexpected(other),
    }
}

/// An amount in all lanes; its lowest byte counts.
fn in_lanes(cx: &mut Cx, size: OperandSize, amount: VReg) -> VReg {
    let all = cx.tmp(RegClass::Float);
    rows::vdup(cx, size, all, amount);
    all
}

/// The negated amount in all lanes.
fn negative_in_lanes(cx: &mut Cx, size: OperandSize, amount: VReg) -> VReg {
    let negative = cx.tmp(RegClass::Int);
    NEG.unary(cx, L32, negative, amount);
    in_lanes(cx, size, negative)
}
