//! Shifts and rotations of i128.
//!
//! By a constant they are moves of halves and extractions from two registers. By a variable amount both halves are shifted
//! by the amount modulo 64, as the processor does, what crosses over is shifted by one and then by the complement of the
//! amount, and the halves are exchanged by conditional moves if it is 64 or more.

use super::super::Aarch64;
use super::super::operands::Cond;
use super::super::regs::ZERO;
use super::super::rows;
use super::int::shift_left;
use super::operands::*;
use crate::ir::*;
use crate::lower::vocabulary::Materialization;
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
            let amount = match cx.ty(amount) {
                types::I128 => cx.low_half(amount),
                _ => cx.put(amount),
            };
            by_register(cx, inst, data, amount);
        }
    }
}

fn by_constant(cx: &mut Cx, inst: Inst, data: &InstData, amount: i32) {
    let d = result(cx, inst);
    if data.opcode == Opcode::Ishl && amount >= 64 {
        let low = cx.low_half(Value(data.a));
        shift_half(cx, Opcode::Ishl, d.1, low, amount - 64);
        Aarch64::make_bits(cx, d.0, 0);
        return;
    }
    let a = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Rotl => rotate_right(cx, d, a, (128 - amount) & 127),
        Opcode::Rotr => rotate_right(cx, d, a, amount),
        _ if amount == 0 => {
            cx.alias(d.0, a.0);
            cx.alias(d.1, a.1);
        }
        Opcode::Ishl => {
            rows::extr(cx, Q, d.1, a.1, a.0, 64 - amount);
            shift_left(cx, Q, d.0, a.0, amount);
        }
        opcode if amount >= 64 => {
            shift_half(cx, opcode, d.0, a.1, amount - 64);
            match opcode {
                Opcode::Ushr => Aarch64::make_bits(cx, d.1, 0),
                _ => rows::asr_ri(cx, Q, d.1, a.1, 63),
            }
        }
        opcode => {
            rows::extr(cx, Q, d.0, a.1, a.0, amount);
            shift_half(cx, opcode, d.1, a.1, amount);
        }
    }
}

/// Shifts a half by less than 64.
fn shift_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, amount: i32) {
    match opcode {
        _ if amount == 0 => cx.alias(d, a),
        Opcode::Ishl => shift_left(cx, Q, d, a, amount),
        Opcode::Ushr => rows::lsr_ri(cx, Q, d, a, amount),
        _ => rows::asr_ri(cx, Q, d, a, amount),
    }
}

fn rotate_right(cx: &mut Cx, d: Pair, a: Pair, amount: i32) {
    let (a, amount) = if amount >= 64 { ((a.1, a.0), amount - 64) } else { (a, amount) };
    if amount == 0 {
        cx.alias(d.0, a.0);
        cx.alias(d.1, a.1);
        return;
    }
    rows::extr(cx, Q, d.0, a.1, a.0, amount);
    rows::extr(cx, Q, d.1, a.0, a.1, amount);
}

fn by_register(cx: &mut Cx, inst: Inst, data: &InstData, amount: VReg) {
    use Opcode::*;
    let d = result(cx, inst);
    let a = cx.put_pair(Value(data.a));
    let complement = cx.tmp(RegClass::Int);
    MVN.unary(cx, L, complement, amount);
    let t = tmp_pair(cx);
    // What each half is if the amount is 64 or more.
    let far = match data.opcode {
        Ishl => {
            funnel_left(cx, t.1, a.1, a.0, amount, complement);
            rows::lsl_rr(cx, Q, t.0, a.0, amount);
            (ZERO, t.0)
        }
        Ushr => {
            funnel_right(cx, t.0, a.0, a.1, amount, complement);
            rows::lsr_rr(cx, Q, t.1, a.1, amount);
            (t.1, ZERO)
        }
        Sshr => {
            let sign = cx.tmp(RegClass::Int);
            funnel_right(cx, t.0, a.0, a.1, amount, complement);
            rows::asr_rr(cx, Q, t.1, a.1, amount);
            rows::asr_ri(cx, Q, sign, a.1, 63);
            (t.1, sign)
        }
        Rotl => {
            funnel_left(cx, t.1, a.1, a.0, amount, complement);
            funnel_left(cx, t.0, a.0, a.1, amount, complement);
            (t.1, t.0)
        }
        _ => {
            funnel_right(cx, t.0, a.0, a.1, amount, complement);
            funnel_right(cx, t.1, a.1, a.0, amount, complement);
            (t.1, t.0)
        }
    };
    TST.flags(cx, L, amount, mask(64, L));
    rows::csel(cx, Q, d.0, far.0, t.0, Cond::Ne);
    rows::csel(cx, Q, d.1, far.1, t.1, Cond::Ne);
}

/// `d` = `a` shifted left by an amount modulo 64, filled from the top of `b`.
fn funnel_left(cx: &mut Cx, d: VReg, a: VReg, b: VReg, amount: VReg, complement: VReg) {
    let [halved, low, high] = [(); 3].map(|()| cx.tmp(RegClass::Int));
    rows::lsr_ri(cx, Q, halved, b, 1);
    rows::lsr_rr(cx, Q, low, halved, complement);
    rows::lsl_rr(cx, Q, high, a, amount);
    ORR.to(cx, Q, d, high, low);
}

/// `d` = `a` shifted right by an amount modulo 64, filled from the bottom of `b`.
fn funnel_right(cx: &mut Cx, d: VReg, a: VReg, b: VReg, amount: VReg, complement: VReg) {
    let [doubled, low, high] = [(); 3].map(|()| cx.tmp(RegClass::Int));
    shift_left(cx, Q, doubled, b, 1);
    rows::lsl_rr(cx, Q, high, doubled, complement);
    rows::lsr_rr(cx, Q, low, a, amount);
    ORR.to(cx, Q, d, high, low);
}
