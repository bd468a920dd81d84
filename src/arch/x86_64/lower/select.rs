//! Selection without branches: select, bmask, minima and maxima, absolute values.

use super::compare::{Test, int_cond};
use super::float;
use super::float::{
    AND, AND_NOT, GREATER, LESSER, MASK_EQUAL, MASK_LESS, MASK_LESS_OR_EQUAL, MASK_NOT_EQUAL, MASK_NOT_LESS,
    MASK_NOT_LESS_OR_EQUAL, MASK_ORDERED, MASK_UNORDERED, Op, blend,
};
use super::inputs::*;
use crate::arch::x86_64::operands::Cond;
use crate::arch::x86_64::{X86_64, rows};
use crate::ir::*;
use crate::lower::compare::{Complement, FlagTest};
use crate::lower::condition::condition;
use crate::lower::context::Lowered;
use crate::lower::float::{Extreme, extreme, selecting_comparison};
use crate::lower::select::Selection;
use crate::lower::vocabulary::Materialization;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, Q64, alu_size, exact_size};
use crate::options::OptLevel;
use crate::rule;

/// Lowers select and select_spectre_guard.
pub fn select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (chosen, other) = (Value(data.b), Value(data.c));
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    if data.ty.is_int() {
        let (chosen, chosen_high) = cx.put_parts(chosen);
        let (other, other_high) = cx.put_parts(other);
        let size = alu_size(data.ty);
        let by_branch = data.opcode == Opcode::Select && waits_for_memory(cx, Value(data.a));
        let test = condition(cx, Value(data.a), true);
        if let (true, FlagTest::One(cond), None) = (by_branch, test, d_high) {
            rule!(cx, "select.branch");
            rows::select_r(cx, size, d, other, chosen, cond);
            return Ok(());
        }
        move_int_if(cx, size, d, test, chosen, other);
        if let (Some(d), Some(chosen), Some(other)) = (d_high, chosen_high, other_high) {
            move_int_if(cx, size, d, test, chosen, other);
        }
        return Ok(());
    }
    select_float(cx, &data, d);
    Ok(())
}

/// Whether a condition compares what is loaded for it alone. A branch is predicted before the load is done,
/// where a conditional move waits for it; as many instructions are executed.
fn waits_for_memory(cx: &Cx, control: Value) -> bool {
    let is_load = |value: u32| {
        cx.unique(Value(value)).is_some_and(|inst| cx.f.insts[inst].opcode.effects().has(Effects::LOAD))
    };
    let Some(compare) = cx.unique(control).map(|inst| &cx.f.insts[inst]) else { return false };
    cx.flags.opt_level() == OptLevel::Speed
        && compare.opcode == Opcode::Icmp
        && (is_load(compare.a) || is_load(compare.b))
}

impl Selection for X86_64 {
    fn move_if(cx: &mut Cx, d: VReg, test: Test, chosen: VReg, other: VReg) {
        move_int_if(cx, Q64, d, test, chosen, other);
    }
}

/// `d = chosen` if a test holds, else `other`, for integers.
fn move_int_if(cx: &mut Cx, size: OperandSize, d: VReg, test: Test, chosen: VReg, other: VReg) {
    match test {
        FlagTest::One(cond) => rows::cmov_rm(cx, size, d, other, chosen, cond),
        FlagTest::Either(a, b) => {
            let first = cx.tmp(RegClass::Int);
            rows::cmov_rm(cx, size, first, other, chosen, a);
            rows::cmov_rm(cx, size, d, first, chosen, b);
        }
        FlagTest::Both(..) => move_int_if(cx, size, d, test.complement(), other, chosen),
    }
}

/// Lowers a select of floats.
fn select_float(cx: &mut Cx, data: &InstData, d: VReg) {
    let (control, chosen, other) = (Value(data.a), Value(data.b), Value(data.c));
    let size = exact_size(data.ty);
    if let Some(compare) = selecting_comparison(cx, data)
        && (select_extreme(cx, d, compare, chosen, other) || select_by_mask(cx, d, compare, chosen, other))
    {
        return;
    }
    if let (Some(chosen), Some(other)) = (cx.float_constant(chosen), cx.float_constant(other)) {
        rule!(cx, "select.float_constants");
        let [on_true, on_false, bits] = [(); 3].map(|()| cx.tmp(RegClass::Int));
        X86_64::make_bits(cx, on_true, chosen);
        X86_64::make_bits(cx, on_false, other);
        let test = condition(cx, control, true);
        move_int_if(cx, size, bits, test, on_true, on_false);
        rows::mov_xr(cx, size, d, bits);
        return;
    }
    let (chosen, other) = (cx.put(chosen), cx.put(other));
    let test = condition(cx, control, true);
    move_float_if(cx, size, d, test, chosen, other);
}

/// Lowers `a < b ? a : b` and the like to `mins` or `maxs`, which compute just that, NaNs and zeros included.
/// Returns whether it is one.
fn select_extreme(cx: &mut Cx, d: VReg, compare: &InstData, chosen: Value, other: Value) -> bool {
    let Some(Extreme { lesser, a, b }) = extreme(compare, chosen, other) else { return false };
    rule!(cx, "select.float_extreme");
    let second = float::operand(cx, b, false);
    let first = cx.put(a);
    let op = if lesser { &LESSER } else { &GREATER };
    op.push(cx, exact_size(cx.ty(a)), d, first, second);
    true
}

/// The instruction that compares and gives a mask, with its operands in order, if there is one.
fn mask_compare(cc: FloatCc, a: Value, b: Value) -> Option<(&'static Op, Value, Value)> {
    use FloatCc::*;
    Some(match cc {
        Equal => (&MASK_EQUAL, a, b),
        NotEqual => (&MASK_NOT_EQUAL, a, b),
        Ordered => (&MASK_ORDERED, a, b),
        Unordered => (&MASK_UNORDERED, a, b),
        LessThan => (&MASK_LESS, a, b),
        LessThanOrEqual => (&MASK_LESS_OR_EQUAL, a, b),
        GreaterThan => (&MASK_LESS, b, a),
        GreaterThanOrEqual => (&MASK_LESS_OR_EQUAL, b, a),
        UnorderedOrGreaterThanOrEqual => (&MASK_NOT_LESS, a, b),
        UnorderedOrGreaterThan => (&MASK_NOT_LESS_OR_EQUAL, a, b),
        UnorderedOrLessThanOrEqual => (&MASK_NOT_LESS, b, a),
        UnorderedOrLessThan => (&MASK_NOT_LESS_OR_EQUAL, b, a),
        OrderedNotEqual | UnorderedOrEqual => return None,
    })
}

/// Lowers a select of floats by masks of a comparison. Returns whether there is one.
fn select_by_mask(cx: &mut Cx, d: VReg, compare: &InstData, chosen: Value, other: Value) -> bool {
    let comparison = mask_compare(compare.float_cc(), Value(compare.a), Value(compare.b));
    let Some((op, a, b)) = comparison else { return false };
    let size = exact_size(cx.ty(chosen));
    let second = float::operand(cx, b, false);
    let first = cx.put(a);
    let control = op.value(cx, size, first, second);
    if cx.float_constant(other) == Some(0) {
        rule!(cx, "select.float_or_zero");
        let chosen = cx.put(chosen);
        AND.push(cx, size, d, control, chosen);
    } else if cx.float_constant(chosen) == Some(0) {
        rule!(cx, "select.zero_or_float");
        let other = cx.put(other);
        AND_NOT.push(cx, size, d, control, other);
    } else {
        rule!(cx, "select.float_mask");
        let (chosen, other) = (cx.put(chosen), cx.put(other));
        blend(cx, size, d, control, chosen, other);
    }
    true
}

/// `d = chosen` if a test holds, else `other`, for floats. The whole register is copied.
pub fn move_float_if(cx: &mut Cx, size: OperandSize, d: VReg, test: Test, chosen: VReg, other: VReg) {
    match test {
        FlagTest::One(cond) => rows::select_x(cx, size, d, other, chosen, cond),
        FlagTest::Either(a, b) => {
            let first = cx.tmp(RegClass::Float);
            rows::select_x(cx, size, first, other, chosen, a);
            rows::select_x(cx, size, d, first, chosen, b);
        }
        FlagTest::Both(..) => move_float_if(cx, size, d, test.complement(), other, chosen),
    }
}

/// Lowers smin, smax, umin and umax of up to 64 bits: compare and conditional move.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let cc = data.opcode.min_max_order();
    let signed = matches!(data.opcode, Opcode::Smin | Opcode::Smax);
    let size = alu_size(data.ty);
    let a = put_extended_to_32(cx, Value(data.a), signed);
    let b = put_extended_to_32(cx, Value(data.b), signed);
    let d = cx.def(inst);
    rows::cmp_rm(cx, size, a, b);
    rows::cmov_rm(cx, size, d, b, a, int_cond(cc));
    Ok(())
}

/// Lowers iabs of up to 64 bits.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = alu_size(data.ty);
    let a = put_extended_to_32(cx, Value(data.a), true);
    let negated = cx.tmp(RegClass::Int);
    let d = cx.def(inst);
    rows::neg_r(cx, size, negated, a);
    // The sign flag is that of the negated value. If it is set, the operand was positive.
    rows::cmov_rm(cx, size, d, negated, a, Cond::S);
    Ok(())
}

/// Lowers bmask from any integer type to any. Negation sets the carry flag unless the operand is zero.
pub fn mask(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    let (mut reg, high) = cx.put_parts(source);
    let mut size = exact_size(cx.ty(source));
    if let Some(high) = high {
        let either = cx.tmp(RegClass::Int);
        rows::or_rm(cx, Q64, either, reg, high);
        (reg, size) = (either, Q64);
    }
    let negated = cx.tmp(RegClass::Int);
    rows::neg_r(cx, size, negated, reg);
    rows::sbb_rm(cx, alu_size(data.ty), d, negated, negated);
    if let Some(d_high) = d_high {
        cx.alias(d_high, d);
    }
    Ok(())
}
