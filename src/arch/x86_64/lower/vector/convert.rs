//! Conversions between integer and float lanes, and between f32 and f64.
//!
//! There are instructions for signed integers of 32 bits only. Others are split into halves, each of which is
//! exact as a float, so that only the last addition rounds. Conversions to integers of 64 bits are scalar
//! ones.

use super::compare::sign_mask;
use super::float::{canonical, lane_type};
use super::memory::operand;
use super::ops::{
    ADD, AND, AND_NOT, FLOAT_ADD, FLOAT_EQUAL, FLOAT_GREATER, FLOAT_LESS_OR_EQUAL, FLOAT_MULTIPLY,
    FLOAT_SUBTRACT, FROM_INT, FROM_QUAD, FROM_UNSIGNED, FROM_UNSIGNED_QUAD, OR, RIGHT, TO_INT, UNPACK_LOW,
    XOR,
};
use super::{constant, has_avx512, has_quads, lane_size, repeated, zero};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::float::number_bits;
use crate::lower::vector::Lanes;
use crate::lower::vector_moves::VectorMoves;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64};
use crate::rule;

/// Lowers fvpromote_low and fvdemote.
pub fn change_width(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (d, a) = (cx.def(inst), cx.put(Value(data.a)));
    match data.opcode {
        Opcode::FvpromoteLow => canonical(cx, d, Q64, |cx, d| rows::cvtps2pd_r(cx, d, a)),
        Opcode::Fvdemote => canonical(cx, d, L32, |cx, d| rows::cvtpd2ps_rm(cx, d, a)),
        other => unexpected(other),
    }
    Ok(())
}

/// Makes the error that a conversion between these types is not supported.
fn refuse<T>(cx: &Cx, data: &InstData) -> Lowered<T> {
    let (from, name) = (cx.ty(Value(data.a)), data.opcode.name());
    Err(cx.unsupported(format!("{name} from {from} to {} is not supported yet on x86_64", data.ty)))
}

/// Lowers fcvt_from_sint and fcvt_from_uint.
pub fn from_int(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    let signed = data.opcode == Opcode::FcvtFromSint;
    match (Lanes::of(cx.ty(source)), Lanes::of(data.ty)) {
        (Lanes::I32, Lanes::F32) if signed => {
            let (d, a) = (cx.def(inst), operand(cx, source));
            FROM_INT.push(cx, L32, d, a);
        }
        (Lanes::I32, Lanes::F32) => {
            let (d, a) = (cx.def(inst), cx.put(source));
            lanes_from_int(cx, L32, false, d, a);
        }
        (Lanes::I64, Lanes::F64) => from_quad(cx, inst, source, signed),
        _ => return refuse(cx, &data),
    }
    Ok(())
}

/// Converts integer lanes to floats of the same size.
pub fn lanes_from_int(cx: &mut Cx, size: OperandSize, signed: bool, d: VReg, a: VReg) {
    match (size, signed) {
        (L32, true) => FROM_INT.push(cx, L32, d, a),
        (L32, false) if has_avx512(cx) => FROM_UNSIGNED.push(cx, L32, d, a),
        (L32, false) => {
            let mask = repeated(cx, L32, 0xFFFF);
            let low = AND.value(cx, L32, a, mask);
            let high = RIGHT.value(cx, L32, a, 16);
            let [low, high] = [low, high].map(|half| FROM_INT.value(cx, L32, half));
            let scale = number(cx, L32, 65536.0);
            let high = FLOAT_MULTIPLY.value(cx, L32, high, scale);
            FLOAT_ADD.push(cx, L32, d, high, low);
        }
        (Q64, _) => quads_from_int(cx, signed, d, a),
        (other, _) => unexpected(other),
    }
}

/// Converts the two low f32 lanes to f64.
pub fn promote_first(cx: &mut Cx, d: VReg, a: VReg) {
    rows::cvtps2pd_r(cx, d, a);
}

/// A number in all lanes, in memory.
fn number(cx: &mut Cx, size: OperandSize, number: f64) -> Rm {
    repeated(cx, size, number_bits(lane_type(size), number))
}

/// Converts integers of 64 bits. As the low bits of the floats 2^52 and 2^84, halves are exact.
fn from_quad(cx: &mut Cx, inst: Inst, source: Value, signed: bool) {
    let d = cx.def(inst);
    let widening = if signed { Opcode::SwidenLow } else { Opcode::UwidenLow };
    if let Some(narrow) = cx.def_by(source, widening).map(|data| Value(data.a)) {
        rule!(cx, "vector.convert_widened");
        let narrow = cx.put(narrow);
        if signed {
            return rows::cvtdq2pd_r(cx, d, narrow);
        }
        let exponents = repeated(cx, L32, 0x4330_0000);
        let floats = UNPACK_LOW.value(cx, L32, narrow, exponents);
        let base = number(cx, Q64, TWO_52);
        return FLOAT_SUBTRACT.push(cx, Q64, d, floats, base);
    }
    let a = cx.put(source);
    quads_from_int(cx, signed, d, a);
}

/// Converts lanes of 64 bits.
fn quads_from_int(cx: &mut Cx, signed: bool, d: VReg, a: VReg) {
    if has_quads(cx) {
        let op = if signed { &FROM_QUAD } else { &FROM_UNSIGNED_QUAD };
        return op.push(cx, Q64, d, a);
    }
    let mask = repeated(cx, Q64, 0xFFFF_FFFF);
    let low = AND.value(cx, L32, a, mask);
    let exponent = repeated(cx, Q64, TWO_52.to_bits());
    let low = OR.value(cx, L32, low, exponent);
    let high = RIGHT.value(cx, Q64, a, 32);
    // With the sign bit flipped, 2^63 more is subtracted in the end.
    let (bits, base) = match signed {
        true => (TWO_84.to_bits() | 1 << 31, TWO_84 + TWO_63 + TWO_52),
        false => (TWO_84.to_bits(), TWO_84 + TWO_52),
    };
    let bits = repeated(cx, Q64, bits);
    let high = XOR.value(cx, L32, high, bits);
    let base = number(cx, Q64, base);
    let high = FLOAT_SUBTRACT.value(cx, Q64, high, base);
    FLOAT_ADD.push(cx, Q64, d, high, low);
}

const TWO_52: f64 = (1u64 << 52) as f64;
const TWO_63: f64 = (1u64 << 63) as f64;
const TWO_84: f64 = (1u128 << 84) as f64;

/// The size of the lanes of a conversion from floats to integers, which must be the same.
fn conversion_size(cx: &Cx, data: &InstData) -> Lowered<OperandSize> {
    let from = cx.ty(Value(data.a));
    match (Lanes::of(from), Lanes::of(data.ty)) {
        (Lanes::F32, Lanes::I32) | (Lanes::F64, Lanes::I64) => Ok(lane_size(from)),
        _ => refuse(cx, data),
    }
}

/// Lowers x86_cvtt2dq.
pub fn to_int_x86(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = conversion_size(cx, &data)?;
    let a = cx.put(Value(data.a));
    let result = truncated(cx, size, a);
    cx.define_as(cx.f.first_result(inst), result);
    Ok(())
}

/// Floats as signed integers of their width; the smallest one for a NaN and for what is out of range.
fn truncated(cx: &mut Cx, size: OperandSize, a: VReg) -> VReg {
    if size == L32 {
        return TO_INT.value(cx, L32, a);
    }
    let [high, d] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    if has_quads(cx) {
        rows::vcvttpd2qq_r(cx, d, a);
        return d;
    }
    rows::pshufd_rmi(cx, high, a, 0b1110_1110);
    let halves = [a, high].map(|scalar| {
        let integer = cx.tmp(RegClass::Int);
        rows::cvttsd2si_rm(cx, Q64, integer, scalar);
        integer
    });
    X86_64::join_halves(cx, d, halves);
    d
}

/// Lowers fcvt_to_sint_sat and fcvt_to_uint_sat.
pub fn to_int_saturated(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = conversion_size(cx, &data)?;
    let (d, a) = (cx.def(inst), cx.put(Value(data.a)));
    lanes_to_int(cx, size, data.opcode == Opcode::FcvtToSintSat, d, a);
    Ok(())
}

/// Converts float lanes to integers of the same size with saturation.
pub fn lanes_to_int(cx: &mut Cx, size: OperandSize, signed: bool, d: VReg, a: VReg) {
    let limit = if size == L32 { (1u64 << 31) as f64 } else { TWO_63 };
    if signed {
        let numbers = FLOAT_EQUAL.value(cx, size, a, a);
        let a = AND.value(cx, L32, a, numbers);
        return signed_from(cx, d, size, a, limit);
    }
    // NaNs and what is negative become 0: `maxp` gives its second operand for a NaN.
    let zero = zero(cx);
    let a = FLOAT_GREATER.value(cx, size, a, zero);
    let small = truncated(cx, size, a);
    // From the limit on, the smallest integer is wanted, and what exceeds it. What is below gives 0.
    let limit_lanes = number(cx, size, limit);
    let excess = FLOAT_SUBTRACT.value(cx, size, a, limit_lanes);
    let large = cx.tmp(RegClass::Float);
    signed_from(cx, large, size, excess, limit);
    let negative = sign_mask(cx, size, large);
    let large = AND_NOT.value(cx, L32, negative, large);
    ADD.push(cx, size, d, small, large);
}

/// `d` = floats that are no NaNs as signed integers, the greatest one from `limit` on.
fn signed_from(cx: &mut Cx, d: VReg, size: OperandSize, a: VReg, limit: f64) {
    let integers = truncated(cx, size, a);
    let limits = constant(cx, size, number_bits(lane_type(size), limit));
    let above = FLOAT_LESS_OR_EQUAL.value(cx, size, limits, a);
    XOR.push(cx, L32, d, integers, above);
}
