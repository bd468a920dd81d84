//! Shifts and rotations of i128.
//!
//! By a constant they are moves of halves and double shifts. By a variable amount both halves are shifted
//! by the amount modulo 64, as the processor does, and exchanged by conditional moves if it is 64 or more.

use super::super::amode::{Cond, OperandSize, Rm};
use super::super::rows;
use super::operands::*;
use crate::ir::*;
use crate::lower::wide::{Pair, result, tmp_pair};
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

const Q: OperandSize = OperandSize::Q64;

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
        rows::zero_r(cx, d.0);
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
            rows::shld_rri(cx, Q, d.1, a.1, a.0, amount);
            rows::shl_ri(cx, Q, d.0, a.0, amount);
        }
        opcode if amount >= 64 => {
            shift_half(cx, opcode, d.0, a.1, amount - 64);
            match opcode {
                Opcode::Ushr => rows::zero_r(cx, d.1),
                _ => rows::sar_ri(cx, Q, d.1, a.1, 63),
            }
        }
        opcode => {
            rows::shrd_rri(cx, Q, d.0, a.0, a.1, amount);
            shift_half(cx, opcode, d.1, a.1, amount);
        }
    }
}

/// Shifts a half by less than 64.
fn shift_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, amount: i32) {
    match opcode {
        _ if amount == 0 => cx.alias(d, a),
        Opcode::Ishl => rows::shl_ri(cx, Q, d, a, amount),
        Opcode::Ushr => rows::shr_ri(cx, Q, d, a, amount),
        _ => rows::sar_ri(cx, Q, d, a, amount),
    }
}

fn rotate_left(cx: &mut Cx, d: Pair, a: Pair, amount: i32) {
    let (a, amount) = if amount >= 64 { ((a.1, a.0), amount - 64) } else { (a, amount) };
    if amount == 0 {
        cx.alias(d.0, a.0);
        cx.alias(d.1, a.1);
        return;
    }
    rows::shld_rri(cx, Q, d.0, a.0, a.1, amount);
    rows::shld_rri(cx, Q, d.1, a.1, a.0, amount);
}

fn by_register(cx: &mut Cx, inst: Inst, data: &InstData, amount: VReg) {
    let d = result(cx, inst);
    let a = cx.put_pair(Value(data.a));
    let t = tmp_pair(cx);
    // What each half is if the amount is 64 or more.
    let far = match data.opcode {
        Opcode::Ishl => {
            rows::shld_rrc(cx, Q, t.1, a.1, a.0, amount);
            rows::shl_rc(cx, Q, t.0, a.0, amount);
            (cx.constant_register(0), t.0)
        }
        Opcode::Ushr => {
            rows::shrd_rrc(cx, Q, t.0, a.0, a.1, amount);
            rows::shr_rc(cx, Q, t.1, a.1, amount);
            (t.1, cx.constant_register(0))
        }
        Opcode::Sshr => {
            let sign = cx.tmp(RegClass::Int);
            rows::shrd_rrc(cx, Q, t.0, a.0, a.1, amount);
            rows::sar_rc(cx, Q, t.1, a.1, amount);
            rows::sar_ri(cx, Q, sign, a.1, 63);
            (t.1, sign)
        }
        Opcode::Rotl => {
            rows::shld_rrc(cx, Q, t.0, a.0, a.1, amount);
            rows::shld_rrc(cx, Q, t.1, a.1, a.0, amount);
            (t.1, t.0)
        }
        _ => {
            rows::shrd_rrc(cx, Q, t.0, a.0, a.1, amount);
            rows::shrd_rrc(cx, Q, t.1, a.1, a.0, amount);
            (t.1, t.0)
        }
    };
    rows::test_mi(cx, OperandSize::B8, Rm::Reg(amount), 64);
    rows::cmov_rm(cx, Q, d.0, t.0, far.0, Cond::Ne);
    rows::cmov_rm(cx, Q, d.1, t.1, far.1, Cond::Ne);
}
