//! Choosing without branches: select, bitselect, bmask, minima and maxima, absolute values.

use super::super::operands::{Cond, OperandSize};
use super::super::regs::ZERO;
use super::super::rows;
use super::compare::{Test, int_cond, test};
use super::operands::*;
use crate::ir::*;
use crate::lower::condition::ConditionCode;
use crate::lower::context::Unsupported;
use crate::lower::known_values::min_max_order;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// select and select_spectre_guard.
pub fn select(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (chosen, other) = (Value(data.b), Value(data.c));
    if data.ty.is_float() {
        select_float(cx, inst, &data);
    } else if data.ty == types::I128 {
        let result = cx.f.first_result(inst);
        let d = cx.put_pair(result);
        let (chosen, other) = (cx.put_pair(chosen), cx.put_pair(other));
        let test = test(cx, Value(data.a));
        move_if(cx, Q, d.0, test, chosen.0, other.0);
        move_if(cx, Q, d.1, test, chosen.1, other.1);
    } else if !select_modified(cx, inst, &data) {
        let d = cx.def(inst);
        let (chosen, other) = (put(cx, chosen), put(cx, other));
        let test = test(cx, Value(data.a));
        move_if(cx, alu_size(data.ty), d, test, chosen, other);
    }
    if data.opcode == Opcode::SelectSpectreGuard {
        rows::csdb(cx);
    }
    Ok(())
}

fn select_float(cx: &mut Cx, inst: Inst, data: &InstData) {
    let size = OperandSize::from_bits(data.ty.bits());
    let d = cx.def(inst);
    let (chosen, other) = (cx.put(Value(data.b)), cx.put(Value(data.c)));
    let test = test(cx, Value(data.a));
    choose(cx, d, test, chosen, other, RegClass::Float, &|cx, d, a, b, cond| {
        rows::fcsel(cx, size, d, a, b, cond)
    });
}

/// `d` = `chosen` if the test holds, else `other`; either may be the zero register.
pub fn move_if(cx: &mut Cx, size: OperandSize, d: VReg, test: Test, chosen: VReg, other: VReg) {
    choose(cx, d, test, chosen, other, RegClass::Int, &|cx, d, a, b, cond| {
        rows::csel(cx, size, d, a, b, cond)
    });
}

fn choose(
    cx: &mut Cx,
    d: VReg,
    test: Test,
    chosen: VReg,
    other: VReg,
    class: RegClass,
    push: &dyn Fn(&mut Cx, VReg, VReg, VReg, Cond),
) {
    match test {
        Test::One(cond) => push(cx, d, chosen, other, cond),
        Test::Either(a, b) => {
            let first = cx.tmp(class);
            push(cx, first, chosen, other, a);
            push(cx, d, chosen, first, b);
        }
        Test::Both(..) => choose(cx, d, test.complement(), other, chosen, class, push),
    }
}

/// What the operand that is not chosen goes through in `csinc`, `csinv` and `csneg`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Increment,
    Invert,
    Negate,
}

/// A select one of whose operands is one more than a register, its complement or its negation.
fn select_modified(cx: &mut Cx, inst: Inst, data: &InstData) -> bool {
    let (chosen, other) = (Value(data.b), Value(data.c));
    let (inner, change, plain, swapped) = if let Some((inner, change)) = modified(cx, other) {
        (inner, change, chosen, false)
    } else if let Some((inner, change)) = modified(cx, chosen) {
        (inner, change, other, true)
    } else {
        return false;
    };
    rule!(cx, "select.modified");
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    let inner = inner.map_or(ZERO, |inner| put(cx, inner));
    let plain = put(cx, plain);
    let test = test(cx, Value(data.a));
    match if swapped { test.complement() } else { test } {
        Test::One(cond) => push_modified(cx, size, change, d, plain, inner, cond),
        Test::Both(first, second) => {
            let either = cx.tmp(RegClass::Int);
            push_modified(cx, size, change, either, plain, inner, first);
            push_modified(cx, size, change, d, either, inner, second);
        }
        Test::Either(first, second) => {
            let either = cx.tmp(RegClass::Int);
            push_modified(cx, size, change, either, plain, inner, first);
            rows::csel(cx, size, d, plain, either, second);
        }
    }
    true
}

fn push_modified(cx: &mut Cx, size: OperandSize, change: Change, d: VReg, a: VReg, b: VReg, cond: Cond) {
    match change {
        Change::Increment => rows::csinc(cx, size, d, a, b, cond),
        Change::Invert => rows::csinv(cx, size, d, a, b, cond),
        Change::Negate => rows::csneg(cx, size, d, a, b, cond),
    }
}

/// What a value is a change of; `None` is zero.
fn modified(cx: &Cx, value: Value) -> Option<(Option<Value>, Change)> {
    match cx.signed_constant(value) {
        Some(1) => return Some((None, Change::Increment)),
        Some(-1) => return Some((None, Change::Invert)),
        _ => {}
    }
    if cx.is_used(value) {
        return None;
    }
    let data = &cx.f.insts[cx.unique(value)?];
    let a = Some(Value(data.a));
    match data.opcode {
        Opcode::Iadd if cx.constant(Value(data.b)) == Some(1) => Some((a, Change::Increment)),
        Opcode::Bnot => Some((a, Change::Invert)),
        Opcode::Ineg => Some((a, Change::Negate)),
        _ => None,
    }
}

/// smin, smax, umin, umax up to 64 bits.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let cc = min_max_order(data.opcode);
    let size = alu_size(data.ty);
    let a = put_extended(cx, Value(data.a), cc.is_signed());
    let b = put_extended(cx, Value(data.b), cc.is_signed());
    let d = cx.def(inst);
    CMP.flags(cx, size, a, b);
    rows::csel(cx, size, d, a, b, int_cond(cc));
    Ok(())
}

/// iabs up to 64 bits.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let size = alu_size(data.ty);
    let a = put_extended(cx, Value(data.a), true);
    let d = cx.def(inst);
    CMP.flags(cx, size, a, 0);
    rows::csneg(cx, size, d, a, a, Cond::Pl);
    Ok(())
}

/// bmask from any integer to any.
pub fn mask_of(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    match test(cx, Value(data.a)) {
        Test::One(cond) => rows::csinv_z(cx, Q, d, cond.complement()),
        test => {
            let bit = cx.tmp(RegClass::Int);
            super::compare::set(cx, bit, test);
            NEG.unary(cx, Q, d, bit);
        }
    }
    if let Some(d_high) = d_high {
        cx.alias(d_high, d);
    }
    Ok(())
}

/// bitselect on integers: `((a ^ b) & mask) ^ b`.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Result {
    let size = alu_size(cx.f.insts[inst].ty);
    crate::lower::wide::bit_select(cx, inst, |cx, d, mask, a, b| select_bits(cx, size, d, mask, a, b));
    Ok(())
}

fn select_bits(cx: &mut Cx, size: OperandSize, d: VReg, mask: VReg, a: VReg, b: VReg) {
    let differing = EOR.in_new(cx, size, a, b);
    let chosen = AND.in_new(cx, size, differing, mask);
    EOR.to(cx, size, d, chosen, b);
}
