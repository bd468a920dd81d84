//! Lane-wise arithmetic of integers.

use super::shift::right;
use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::vector::widened_product;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, Q64};
use crate::rule;

/// The size of an integer vector's lanes.
pub(super) fn lane_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.lane_bits())
}

/// Lowers iadd and isub.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    if add_product(cx, d, &data) || add_widened(cx, d, &data) {
        return Ok(());
    }
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    match data.opcode {
        Opcode::Iadd => rows::vadd(cx, size, d, a, b),
        Opcode::Isub => rows::vsub(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Adds or subtracts a product that nothing else needs. Returns whether there is one.
fn add_product(cx: &mut Cx, d: VReg, data: &InstData) -> bool {
    let size = lane_size(data.ty);
    let product = |value: Value| {
        let factors = cx.f.insts[cx.unique(value)?];
        let is_plain = [false, true].iter().all(|&high| widened_product(cx, &factors, high).is_none());
        (factors.opcode == Opcode::Imul && size != Q64 && is_plain).then_some(factors)
    };
    let (first, second) = (Value(data.a), Value(data.b));
    let (other, factors) = match (product(second), data.opcode) {
        (Some(factors), _) => (first, factors),
        (None, Opcode::Isub) => return false,
        (None, _) => match product(first) {
            Some(factors) => (second, factors),
            None => return false,
        },
    };
    rule!(cx, "vector.multiply_add");
    let [other, a, b] = [other, Value(factors.a), Value(factors.b)].map(|value| cx.put(value));
    match data.opcode {
        Opcode::Iadd => rows::vmla(cx, size, d, other, a, b),
        Opcode::Isub => rows::vmls(cx, size, d, other, a, b),
        other => unexpected(other),
    }
    true
}

/// Adds or subtracts the widened half of a vector. Returns whether the second operand is that.
fn add_widened(cx: &mut Cx, d: VReg, data: &InstData) -> bool {
    let (mut first, mut second) = (Value(data.a), Value(data.b));
    let half = |value: Value| (data.ty.bits() == 128).then(|| widened(cx, value)).flatten();
    if data.opcode == Opcode::Iadd && half(second).is_none() {
        (first, second) = (second, first);
    }
    let (known, wanted) = (half(first), half(second));
    let Some((b, wanted)) = wanted else { return false };
    rule!(cx, "vector.add_widened");
    let size = OperandSize::from_bits(data.ty.lane_bits() / 2);
    let both = known.filter(|&(_, half)| half == wanted).map(|(a, _)| a);
    let [a, b] = [both.unwrap_or(first), b].map(|value| cx.put(value));
    let Half { signed, high } = wanted;
    let row = match (data.opcode == Opcode::Isub, both.is_some(), signed, high) {
        (false, true, false, false) => rows::vuaddl,
        (false, true, false, true) => rows::vuaddl_high,
        (false, true, true, false) => rows::vsaddl,
        (false, true, true, true) => rows::vsaddl_high,
        (false, false, false, false) => rows::vuaddw,
        (false, false, false, true) => rows::vuaddw_high,
        (false, false, true, false) => rows::vsaddw,
        (false, false, true, true) => rows::vsaddw_high,
        (true, true, false, false) => rows::vusubl,
        (true, true, false, true) => rows::vusubl_high,
        (true, true, true, false) => rows::vssubl,
        (true, true, true, true) => rows::vssubl_high,
        (true, false, false, false) => rows::vusubw,
        (true, false, false, true) => rows::vusubw_high,
        (true, false, true, false) => rows::vssubw,
        (true, false, true, true) => rows::vssubw_high,
    };
    row(cx, size, d, a, b);
    true
}

/// Half of a vector, as a widening takes it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Half {
    signed: bool,
    high: bool,
}

/// The operand of a widening that nothing else needs.
fn widened(cx: &Cx, value: Value) -> Option<(Value, Half)> {
    let data = cx.f.insts[cx.unique(value)?];
    let (signed, high) = match data.opcode {
        Opcode::SwidenLow => (true, false),
        Opcode::SwidenHigh => (true, true),
        Opcode::UwidenLow => (false, false),
        Opcode::UwidenHigh => (false, true),
        _ => return None,
    };
    Some((Value(data.a), Half { signed, high }))
}

/// Lowers ineg.
pub fn negate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::vneg(cx, lane_size(data.ty), d, a);
    Ok(())
}

/// Lowers iabs.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::vabs(cx, lane_size(data.ty), d, a);
    Ok(())
}

/// Lowers smin, smax, umin and umax.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    if size == Q64 {
        min_max_64(cx, data.opcode, d, a, b);
        return Ok(());
    }
    match data.opcode {
        Opcode::Smin => rows::vsmin(cx, size, d, a, b),
        Opcode::Smax => rows::vsmax(cx, size, d, a, b),
        Opcode::Umin => rows::vumin(cx, size, d, a, b),
        Opcode::Umax => rows::vumax(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// A minimum or maximum of lanes of 64 bits, for which there are comparisons only.
fn min_max_64(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: VReg) {
    let greater = cx.tmp(RegClass::Float);
    match opcode {
        Opcode::Smin | Opcode::Smax => rows::vcmgt(cx, Q64, greater, a, b),
        Opcode::Umin | Opcode::Umax => rows::vcmhi(cx, Q64, greater, a, b),
        other => unexpected(other),
    }
    match opcode {
        Opcode::Smin | Opcode::Umin => rows::bsl_16b(cx, d, greater, b, a),
        Opcode::Smax | Opcode::Umax => rows::bsl_16b(cx, d, greater, a, b),
        other => unexpected(other),
    }
}

/// Lowers saturating sums and differences.
pub fn saturate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    match data.opcode {
        Opcode::SaddSat => rows::vsqadd(cx, size, d, a, b),
        Opcode::SsubSat => rows::vsqsub(cx, size, d, a, b),
        Opcode::UaddSat => rows::vuqadd(cx, size, d, a, b),
        Opcode::UsubSat => rows::vuqsub(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers avg_round.
pub fn average(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    if size != Q64 {
        rows::vurhadd(cx, size, d, a, b);
        return Ok(());
    }
    // The rounded-up average of lanes of 64 bits is (a | b) - ((a ^ b) >> 1).
    let [either, differ, half] = [(); 3].map(|()| cx.tmp(RegClass::Float));
    rows::orr_16b(cx, either, a, b);
    rows::eor_16b(cx, differ, a, b);
    rows::vushr(cx, Q64, half, differ, right(Q64, 1));
    rows::vsub(cx, Q64, d, either, half);
    Ok(())
}
