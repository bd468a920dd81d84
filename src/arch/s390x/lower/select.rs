//! Selection without branches: select, bmask, minima and maxima, absolute values.

use super::compare::{Test, set_to};
use super::inputs::*;
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{S390x, rows};
use crate::ir::*;
use crate::lower::compare::{Comparisons, Complement};
use crate::lower::condition::condition;
use crate::lower::context::Lowered;
use crate::lower::float::{Extreme, extreme, selecting_comparison};
use crate::lower::select::Selection;
use crate::machine::reg::VReg;
use crate::machine::size::{OperandSize, Q64, alu_size, exact_size};
use crate::rule;

/// Lowers select and select_spectre_guard.
pub fn select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (chosen, other) = (Value(data.b), Value(data.c));
    let result = cx.f.first_result(inst);
    if !data.ty.is_int() {
        let d = cx.reg(result);
        select_float(cx, &data, d);
        return Ok(());
    }
    let overwritten = overwritten(cx, chosen, other);
    let test = condition(cx, Value(data.a), true);
    if data.ty != types::I128 {
        let d = cx.reg(result);
        choose(cx, alu_size(data.ty), d, test, [chosen, other], overwritten);
        return Ok(());
    }
    let (d, chosen, other) = (cx.put_pair(result), cx.put_pair(chosen), cx.put_pair(other));
    let cond = test.code(cx);
    move_on(cx, Q64, d.0, cond, chosen.0, other.0);
    move_on(cx, Q64, d.1, cond, chosen.1, other.1);
    Ok(())
}

/// Lowers a select of floats.
fn select_float(cx: &mut Cx, data: &InstData, d: VReg) {
    let (control, chosen, other) = (Value(data.a), Value(data.b), Value(data.c));
    let size = exact_size(data.ty);
    if let Some(comparison) = selecting_comparison(cx, data)
        && let Some(Extreme { lesser, a, b }) = extreme(comparison, chosen, other)
    {
        rule!(cx, "select.float_extreme");
        let (a, b) = (cx.put(a), cx.put(b));
        match lesser {
            true => rows::flesser(cx, size, d, a, b),
            false => rows::fgreater(cx, size, d, a, b),
        }
        return;
    }
    // Overwrite the value that is not needed any more.
    let exchanged = cx.dies_here(chosen) && !cx.dies_here(other);
    let (chosen, other) = (cx.put(chosen), cx.put(other));
    let cond = condition(cx, control, true).code(cx);
    match exchanged {
        true => rows::select_x(cx, size, d, chosen, other, cond.complement()),
        false => rows::select_x(cx, size, d, other, chosen, cond),
    }
}

impl Selection for S390x {
    fn move_if(cx: &mut Cx, d: VReg, test: Test, chosen: VReg, other: VReg) {
        let cond = test.code(cx);
        move_on(cx, Q64, d, cond, chosen, other);
    }
}

/// Chooses which of two values a selection between them overwrites: one that is not needed any more,
/// preferably a block parameter, which in a loop becomes the result. The values must not have been asked for
/// yet.
fn overwritten(cx: &Cx, a: Value, b: Value) -> Value {
    let rank = |value: Value| (cx.dies_here(value), cx.def_inst(value).is_none());
    if rank(a) > rank(b) { a } else { b }
}

/// `d = a` if a test holds, else `b`. Without the instruction that has three operands, `overwritten` is
/// overwritten.
fn choose(cx: &mut Cx, size: OperandSize, d: VReg, test: Test, [a, b]: [Value; 2], overwritten: Value) {
    let cond = test.code(cx);
    if let Some(imm) = imm16(cx, a) {
        rule!(cx, "select.imm");
        let b = cx.put(b);
        rows::lochi_ri(cx, size, d, b, imm, cond);
    } else if let Some(imm) = imm16(cx, b) {
        rule!(cx, "select.imm");
        let a = cx.put(a);
        rows::lochi_ri(cx, size, d, a, imm, cond.complement());
    } else {
        let (reg_a, reg_b) = (cx.put(a), cx.put(b));
        match overwritten == a {
            true => move_on(cx, size, d, cond.complement(), reg_b, reg_a),
            false => move_on(cx, size, d, cond, reg_a, reg_b),
        }
    }
}

/// `d = chosen` if a condition holds, else `other`. Without the instruction that has three operands, `other`
/// is overwritten.
pub fn move_on(cx: &mut Cx, size: OperandSize, d: VReg, cond: Cond, chosen: VReg, other: VReg) {
    match cx.flags.has_mie3() {
        true => rows::sel_rrr(cx, size, d, chosen, other, cond),
        false => rows::loc_rr(cx, size, d, other, chosen, cond),
    }
}

/// Lowers smin, smax, umin and umax of up to 64 bits: compare and load on condition.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    let d = cx.def(inst);
    let overwritten = overwritten(cx, a, b);
    // Both values are compared and selected, so the comparison may not fold their loads.
    for value in [a, b] {
        if cx.constant(value).is_none() {
            cx.reg(value);
        }
    }
    let test = S390x::compare_ints(cx, data.opcode.min_max_order(), a, b, false);
    choose(cx, alu_size(data.ty), d, test, [a, b], overwritten);
    Ok(())
}

/// Lowers iabs of up to 64 bits.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let value = Value(data.a);
    let d = cx.def(inst);
    match extended_word(cx, value, true) {
        Some(word) => {
            rule!(cx, "iabs.extended");
            let word = cx.put(word);
            rows::lpgf_rr(cx, d, word);
        }
        None => {
            let a = put_extended_to_32(cx, value, true);
            rows::lp_rr(cx, alu_size(data.ty), d, a);
        }
    }
    Ok(())
}

/// Lowers bmask from any integer type to any.
pub fn mask(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    let test = condition(cx, Value(data.a), true);
    set_to(cx, d, test, -1);
    if let Some(d_high) = d_high {
        cx.alias(d_high, d);
    }
    Ok(())
}
