//! Selection without branches: select, bmask, minima and maxima, absolute values.

use super::compare::{Test, int_cond, set_by_flags, test_in_flags};
use super::inputs::*;
use crate::arch::aarch64::operands::Cond;
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::ir::*;
use crate::lower::compare::{Complement, FlagTest};
use crate::lower::context::Lowered;
use crate::lower::select::Selection;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, Q64, alu_size, exact_size};
use crate::rule;

/// Lowers select and select_spectre_guard.
pub fn select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (chosen, other) = (Value(data.b), Value(data.c));
    if data.ty.is_float() {
        select_float(cx, inst, &data);
    } else if data.ty == types::I128 {
        let result = cx.f.first_result(inst);
        let d = cx.put_pair(result);
        let (chosen, other) = (cx.put_pair(chosen), cx.put_pair(other));
        let test = test_in_flags(cx, Value(data.a));
        move_by_flags(cx, Q64, d.0, test, chosen.0, other.0);
        move_by_flags(cx, Q64, d.1, test, chosen.1, other.1);
    } else if !select_modified(cx, inst, &data) {
        let d = cx.def(inst);
        let (chosen, other) = (put_or_zero(cx, chosen), put_or_zero(cx, other));
        let test = test_in_flags(cx, Value(data.a));
        move_by_flags(cx, alu_size(data.ty), d, test, chosen, other);
    }
    if data.opcode == Opcode::SelectSpectreGuard {
        rows::csdb(cx);
    }
    Ok(())
}

/// Lowers a select of floats.
fn select_float(cx: &mut Cx, inst: Inst, data: &InstData) {
    let size = exact_size(data.ty);
    let d = cx.def(inst);
    let (chosen, other) = (cx.put(Value(data.b)), cx.put(Value(data.c)));
    let test = test_in_flags(cx, Value(data.a));
    choose(cx, d, test, chosen, other, RegClass::Float, &|cx, d, a, b, cond| {
        rows::fcsel(cx, size, d, a, b, cond)
    });
}

impl Selection for Aarch64 {
    fn move_if(cx: &mut Cx, d: VReg, test: Test, chosen: VReg, other: VReg) {
        let test = test.in_flags(cx);
        move_by_flags(cx, Q64, d, test, chosen, other);
    }
}

/// `d = chosen` if a test of the flags holds, else `other`. Either may be the zero register.
pub fn move_by_flags(
    cx: &mut Cx,
    size: OperandSize,
    d: VReg,
    test: FlagTest<Cond>,
    chosen: VReg,
    other: VReg,
) {
    choose(cx, d, test, chosen, other, RegClass::Int, &|cx, d, a, b, cond| {
        rows::csel(cx, size, d, a, b, cond)
    });
}

/// `d = chosen` if a test of the flags holds, else `other`, by instructions that `push` adds for one
/// condition.
fn choose(
    cx: &mut Cx,
    d: VReg,
    test: FlagTest<Cond>,
    chosen: VReg,
    other: VReg,
    class: RegClass,
    push: &dyn Fn(&mut Cx, VReg, VReg, VReg, Cond),
) {
    match test {
        FlagTest::One(cond) => push(cx, d, chosen, other, cond),
        FlagTest::Either(a, b) => {
            let first = cx.tmp(class);
            push(cx, first, chosen, other, a);
            push(cx, d, chosen, first, b);
        }
        FlagTest::Both(..) => choose(cx, d, test.complement(), other, chosen, class, push),
    }
}

/// The change that `csinc`, `csinv` and `csneg` make to the second operand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Adds 1.
    Increment,
    /// Complements.
    Invert,
    /// Negates.
    Negate,
}

/// Lowers a select between a value and a register plus 1, its complement or its negation. Returns whether it
/// is one.
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
    let inner = inner.map_or(ZERO, |inner| put_or_zero(cx, inner));
    let plain = put_or_zero(cx, plain);
    let test = test_in_flags(cx, Value(data.a));
    match if swapped { test.complement() } else { test } {
        FlagTest::One(cond) => push_modified(cx, size, change, d, plain, inner, cond),
        FlagTest::Both(first, second) => {
            let either = cx.tmp(RegClass::Int);
            push_modified(cx, size, change, either, plain, inner, first);
            push_modified(cx, size, change, d, either, inner, second);
        }
        FlagTest::Either(first, second) => {
            let either = cx.tmp(RegClass::Int);
            push_modified(cx, size, change, either, plain, inner, first);
            rows::csel(cx, size, d, plain, either, second);
        }
    }
    true
}

/// `d = a` if a condition holds, else the change of `b`.
fn push_modified(cx: &mut Cx, size: OperandSize, change: Change, d: VReg, a: VReg, b: VReg, cond: Cond) {
    match change {
        Change::Increment => rows::csinc(cx, size, d, a, b, cond),
        Change::Invert => rows::csinv(cx, size, d, a, b, cond),
        Change::Negate => rows::csneg(cx, size, d, a, b, cond),
    }
}

/// The operand and kind of the change that a value is. An operand of `None` is zero.
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

/// Lowers smin, smax, umin and umax of up to 64 bits.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let cc = data.opcode.min_max_order();
    let size = alu_size(data.ty);
    let a = put_extended_to_32(cx, Value(data.a), cc.is_signed());
    let b = put_extended_to_32(cx, Value(data.b), cc.is_signed());
    let d = cx.def(inst);
    CMP.flags(cx, size, a, b);
    rows::csel(cx, size, d, a, b, int_cond(cc));
    Ok(())
}

/// Lowers iabs of up to 64 bits.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = alu_size(data.ty);
    let a = put_extended_to_32(cx, Value(data.a), true);
    let d = cx.def(inst);
    CMP.flags(cx, size, a, 0);
    rows::csneg(cx, size, d, a, a, Cond::Pl);
    Ok(())
}

/// Lowers bmask from any integer type to any.
pub fn mask(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    match test_in_flags(cx, Value(data.a)) {
        FlagTest::One(cond) => rows::csinv_z(cx, Q64, d, cond.complement()),
        test => {
            let bit = cx.tmp(RegClass::Int);
            set_by_flags(cx, bit, test);
            NEG.unary(cx, Q64, d, bit);
        }
    }
    if let Some(d_high) = d_high {
        cx.alias(d_high, d);
    }
    Ok(())
}
