//! Lane-wise arithmetic of integers, other than products.
//!
//! Not every width has every operation: minima and maxima come from comparisons, saturating sums of wide
//! lanes from their carries and overflows.

use super::compare::{greater, greater_unsigned, sign_mask};
use super::memory::{binary, commutative, operand};
use super::ops::{
    ABSOLUTE, ABSOLUTE_QUAD, ADD, ADD_SIGNED, ADD_UNSIGNED, AND, AND_NOT, AVERAGE, MAX_SIGNED, MAX_UNSIGNED,
    MIN_SIGNED, MIN_UNSIGNED, OR, RIGHT, SUBTRACT, SUBTRACT_SIGNED, SUBTRACT_UNSIGNED, XOR,
};
use super::{blend, both, has_avx512, has_dot_products, has_sse41, has_ssse3, lane_size, repeated, zero};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::vector::{Widened, sum_of_products};
use crate::machine::reg::VReg;
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// Lowers iadd and isub.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    match data.opcode {
        Opcode::Iadd if has_dot_products(cx) && add_products(cx, d, &data) => {}
        Opcode::Iadd => commutative(cx, &ADD, d, &data),
        Opcode::Isub => binary(cx, &SUBTRACT, d, Value(data.a), Value(data.b)),
        other => unexpected(other),
    }
    Ok(())
}

/// Adds sums of neighbouring products to a vector. Returns whether one of the operands is such sums.
fn add_products(cx: &mut Cx, d: VReg, data: &InstData) -> bool {
    for (sums, other) in [(data.a, data.b), (data.b, data.a)] {
        let Some(sums) = cx.def_by(Value(sums), Opcode::IaddPairwise) else { continue };
        let products = sum_of_products(cx, sums).filter(|found| found.signed && sums.ty == types::I32X4);
        if let Some(Widened { vectors: [x, y], .. }) = products {
            rule!(cx, "vector.add_dot_product");
            let [other, x, y] = [Value(other), x, y].map(|value| cx.put(value));
            rows::vpdpwssd_rm(cx, d, other, x, y);
            return true;
        }
    }
    false
}

/// Lowers ineg.
pub fn negate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = operand(cx, Value(data.a));
    let zero = zero(cx);
    SUBTRACT.push(cx, lane_size(data.ty), d, zero, a);
    Ok(())
}

/// Lowers iabs.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = lane_size(data.ty);
    let d = cx.def(inst);
    if has_ssse3(cx) && size != Q64 {
        let a = operand(cx, Value(data.a));
        ABSOLUTE.push(cx, size, d, a);
        return Ok(());
    }
    if size == Q64 && has_avx512(cx) {
        let a = operand(cx, Value(data.a));
        ABSOLUTE_QUAD.push(cx, size, d, a);
        return Ok(());
    }
    let a = cx.put(Value(data.a));
    match size {
        // The negation of the smallest value is itself, which is the greater one without its sign.
        B8 => {
            let zero = zero(cx);
            let negated = SUBTRACT.value(cx, B8, zero, a);
            MIN_UNSIGNED[0].push(cx, B8, d, negated, a);
        }
        W16 | L32 | Q64 => {
            let signs = sign_mask(cx, size, a);
            let flipped = XOR.value(cx, L32, a, signs);
            SUBTRACT.push(cx, size, d, flipped, signs);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers smin, smax, umin and umax.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = lane_size(data.ty);
    let d = cx.def(inst);
    let (ops, first) = match data.opcode {
        Opcode::Smin => (&MIN_SIGNED, W16),
        Opcode::Smax => (&MAX_SIGNED, W16),
        Opcode::Umin => (&MIN_UNSIGNED, B8),
        Opcode::Umax => (&MAX_UNSIGNED, B8),
        other => unexpected(other),
    };
    let exists = if size == Q64 { has_avx512(cx) } else { size == first || has_sse41(cx) };
    if exists {
        rule!(cx, "vector.min_max");
        commutative(cx, &ops[size.bits().trailing_zeros() as usize - 3], d, &data);
        return Ok(());
    }
    let (a, b) = both(cx, &data);
    let signed = matches!(data.opcode, Opcode::Smin | Opcode::Smax);
    let least = matches!(data.opcode, Opcode::Smin | Opcode::Umin);
    extreme(cx, d, size, signed, least, (a, b));
    Ok(())
}

/// `d` = the least or the greatest of each two lanes, by a comparison.
pub fn extreme(cx: &mut Cx, d: VReg, size: OperandSize, signed: bool, least: bool, (a, b): (VReg, VReg)) {
    let a_greater = match signed {
        true => greater(cx, size, a, b),
        false => greater_unsigned(cx, size, a, b),
    };
    let (chosen, other) = if least { (b, a) } else { (a, b) };
    blend(cx, d, a_greater, chosen, other);
}

/// Lowers uadd_sat, sadd_sat, usub_sat and ssub_sat.
pub fn saturate(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let size = lane_size(data.ty);
    let d = cx.def(inst);
    if matches!(size, B8 | W16) {
        match data.opcode {
            UaddSat => commutative(cx, &ADD_UNSIGNED, d, &data),
            SaddSat => commutative(cx, &ADD_SIGNED, d, &data),
            UsubSat => binary(cx, &SUBTRACT_UNSIGNED, d, Value(data.a), Value(data.b)),
            SsubSat => binary(cx, &SUBTRACT_SIGNED, d, Value(data.a), Value(data.b)),
            other => unexpected(other),
        }
        return Ok(());
    }
    let (a, b) = both(cx, &data);
    match data.opcode {
        UaddSat => {
            let sum = ADD.value(cx, size, a, b);
            let carried = greater_unsigned(cx, size, a, sum);
            OR.push(cx, L32, d, sum, carried);
        }
        UsubSat => {
            let difference = SUBTRACT.value(cx, size, a, b);
            let borrowed = greater_unsigned(cx, size, b, a);
            AND_NOT.push(cx, L32, d, borrowed, difference);
        }
        SaddSat => saturate_signed(cx, d, size, true, a, b),
        SsubSat => saturate_signed(cx, d, size, false, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// `d` = the signed sum or difference of wide lanes. It overflows if its sign differs from that of `a`, and
/// the signs of the operands would not explain that.
fn saturate_signed(cx: &mut Cx, d: VReg, size: OperandSize, adds: bool, a: VReg, b: VReg) {
    let op = if adds { &ADD } else { &SUBTRACT };
    let wrapped = op.value(cx, size, a, b);
    let changed = XOR.value(cx, L32, wrapped, a);
    let signs = XOR.value(cx, L32, a, b);
    let overflow = match adds {
        true => AND_NOT.value(cx, L32, signs, changed),
        false => AND.value(cx, L32, signs, changed),
    };
    let overflow = sign_mask(cx, size, overflow);
    // The greatest value, or if `a` is negative, the smallest.
    let negative = sign_mask(cx, size, a);
    let greatest = repeated(cx, size, u64::MAX >> (65 - size.bits()));
    let limit = XOR.value(cx, L32, negative, greatest);
    blend(cx, d, overflow, limit, wrapped);
}

/// Lowers avg_round. For wide lanes, `(a | b) - ((a ^ b) >> 1)`.
pub fn average(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = lane_size(data.ty);
    let d = cx.def(inst);
    if matches!(size, B8 | W16) {
        commutative(cx, &AVERAGE, d, &data);
        return Ok(());
    }
    let (a, b) = both(cx, &data);
    let either = OR.value(cx, L32, a, b);
    let differing = XOR.value(cx, L32, a, b);
    let half = RIGHT.value(cx, size, differing, 1);
    SUBTRACT.push(cx, size, d, either, half);
    Ok(())
}
