//! Shifts and rotations of i128.
//!
//! By a constant they are moves of halves and insertions of one half's bits in the other. By a variable amount both halves
//! are shifted by the amount modulo 64, as the processor does, and exchanged on the condition that it is 64 or more.

use super::super::cond::Cond;
use super::super::rows;
use super::compare::move_if;
use super::constant::constant;
use super::operands::*;
use super::shift::{half_by, put_amount};
use crate::ir::*;
use crate::lower::wide::{Pair, result, tmp_pair};
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// ishl, ushr, sshr, rotl, rotr of i128.
pub fn lower(cx: &mut Cx, inst: Inst, data: &InstData) {
    let amount = Value(data.b);
    match cx.constant_amount(amount) {
        Some(amount) => {
            rule!(cx, "wide_shift.imm");
            by_constant(cx, inst, data, amount as i32 & 127);
        }
        None => {
            let amount = put_amount(cx, amount);
            by_register(cx, inst, data, amount);
        }
    }
}

fn by_constant(cx: &mut Cx, inst: Inst, data: &InstData, amount: i32) {
    let d = result(cx, inst);
    if data.opcode == Opcode::Ishl && amount >= 64 {
        let low = cx.low_half(Value(data.a));
        half_by(cx, Opcode::Ishl, d.1, low, amount - 64);
        constant(cx, d.0, 0);
        return;
    }
    let a = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Rotl => rotate_left(cx, d, a, amount),
        Opcode::Rotr => rotate_left(cx, d, a, (128 - amount) & 127),
        _ if amount == 0 => {
            cx.alias(d.0, a.0);
            cx.alias(d.1, a.1);
        }
        Opcode::Ishl => {
            double_left(cx, d.1, a.1, a.0, amount);
            half_by(cx, Opcode::Ishl, d.0, a.0, amount);
        }
        opcode if amount >= 64 => {
            half_by(cx, opcode, d.0, a.1, amount - 64);
            match opcode {
                Opcode::Ushr => constant(cx, d.1, 0),
                _ => rows::sra_rri(cx, G, d.1, a.1, 63),
            }
        }
        opcode => {
            double_left(cx, d.0, a.1, a.0, 64 - amount);
            half_by(cx, opcode, d.1, a.1, amount);
        }
    }
}

/// `d` = the upper half of `upper:lower << amount`, for an amount of 1 to 63.
fn double_left(cx: &mut Cx, d: VReg, upper: VReg, lower: VReg, amount: i32) {
    let shifted = cx.tmp(RegClass::Int);
    rows::sll_rri(cx, G, shifted, upper, amount);
    rows::risbg_rr(cx, d, shifted, lower, 64 - amount, 63, amount);
}

fn rotate_left(cx: &mut Cx, d: Pair, a: Pair, amount: i32) {
    let (a, amount) = if amount >= 64 { ((a.1, a.0), amount - 64) } else { (a, amount) };
    if amount == 0 {
        cx.alias(d.0, a.0);
        cx.alias(d.1, a.1);
        return;
    }
    double_left(cx, d.0, a.0, a.1, amount);
    double_left(cx, d.1, a.1, a.0, amount);
}

/// How far a half is shifted: as the amount says, or by 63 less it.
#[derive(Clone, Copy)]
struct Amounts {
    by: VReg,
    rest: VReg,
}

fn by_register(cx: &mut Cx, inst: Inst, data: &InstData, amount: VReg) {
    let d = result(cx, inst);
    let a = cx.put_pair(Value(data.a));
    let t = tmp_pair(cx);
    let rest = cx.tmp(RegClass::Int);
    rows::xilf(cx, rest, amount, 63);
    let by = Amounts { by: amount, rest };
    // What each half is if the amount is 64 or more.
    let far = match data.opcode {
        Opcode::Ishl => {
            left(cx, t.1, a.1, a.0, by);
            rows::sll_rrc(cx, G, t.0, a.0, amount);
            (cx.constant_register(0), t.0)
        }
        Opcode::Ushr => {
            right(cx, t.0, a.0, a.1, by);
            rows::srl_rrc(cx, G, t.1, a.1, amount);
            (t.1, cx.constant_register(0))
        }
        Opcode::Sshr => {
            let sign = cx.tmp(RegClass::Int);
            right(cx, t.0, a.0, a.1, by);
            rows::sra_rrc(cx, G, t.1, a.1, amount);
            rows::sra_rri(cx, G, sign, a.1, 63);
            (t.1, sign)
        }
        Opcode::Rotl => {
            left(cx, t.0, a.0, a.1, by);
            left(cx, t.1, a.1, a.0, by);
            (t.1, t.0)
        }
        _ => {
            right(cx, t.0, a.0, a.1, by);
            right(cx, t.1, a.1, a.0, by);
            (t.1, t.0)
        }
    };
    rows::tmll(cx, amount, 64);
    move_if(cx, G, d.0, Cond::O, far.0, t.0);
    move_if(cx, G, d.1, Cond::O, far.1, t.1);
}

/// `d = a << amount`, with what leaves `from` at the top put in below.
fn left(cx: &mut Cx, d: VReg, a: VReg, from: VReg, amounts: Amounts) {
    let [shifted, half, brought] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    rows::sll_rrc(cx, G, shifted, a, amounts.by);
    rows::srl_rri(cx, G, half, from, 1);
    rows::srl_rrc(cx, G, brought, half, amounts.rest);
    rows::o_rrr(cx, G, d, shifted, brought);
}

/// `d = a >> amount`, with what leaves `from` at the bottom put in above.
fn right(cx: &mut Cx, d: VReg, a: VReg, from: VReg, amounts: Amounts) {
    let [shifted, double, brought] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    rows::srl_rrc(cx, G, shifted, a, amounts.by);
    rows::sll_rri(cx, G, double, from, 1);
    rows::sll_rrc(cx, G, brought, double, amounts.rest);
    rows::o_rrr(cx, G, d, shifted, brought);
}
