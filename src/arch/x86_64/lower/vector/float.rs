//! Arithmetic, signs and rounding of float lanes.
//!
//! `minp` and `maxp` give their second operand for zeros and NaNs, so minima and maxima are computed both
//! ways round and joined. Without SSE4.1 and FMA, rounding and fused multiplication call library routines,
//! lane by lane.

use super::lane::{lane_in, with_lane};
use super::memory::{binary, commutative, operand};
use super::ops::{
    AND, AND_NOT, FLOAT_ADD, FLOAT_DIVIDE, FLOAT_GREATER, FLOAT_LESSER, FLOAT_MULTIPLY, FLOAT_SUBTRACT,
    FLOAT_UNORDERED, OR, RIGHT, ROUND_DOWN, ROUND_NEAREST, ROUND_TO_ZERO, ROUND_UP, SQUARE_ROOT, XOR,
};
use super::{both, has_sse41, lane_size, repeated};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::call;
use crate::lower::context::Lowered;
use crate::lower::float::{magnitude_bits, number_bits, sign_bit, strip_negations};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize};
use crate::machine::symbol::LibCall;
use crate::rule;

// Immediates are rounding modes, with bit 3 to raise no inexact exception.

/// Lowers arithmetic on float lanes.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let size = lane_size(data.ty);
    let d = cx.def(inst);
    match data.opcode {
        Fneg | Fabs | Fcopysign => signs(cx, d, &data, size),
        Fadd | Fsub | Fmul | Fdiv | Sqrt | Fma | Fmin | Fmax | Ceil | Floor | Trunc | Nearest => {
            canonical(cx, d, size, |cx, d| arithmetic(cx, d, &data, size))
        }
        other => unexpected(other),
    }
    Ok(())
}

/// The type of a lane of `size`.
pub fn lane_type(size: OperandSize) -> Type {
    if size == L32 { types::F32 } else { types::F64 }
}

/// Computes `d` by `compute`, and replaces NaNs by the canonical one if the settings ask for that.
pub fn canonical(cx: &mut Cx, d: VReg, size: OperandSize, compute: impl FnOnce(&mut Cx, VReg)) {
    if !cx.flags.enable_nan_canonicalization() {
        return compute(cx, d);
    }
    let raw = cx.tmp(RegClass::Float);
    compute(cx, raw);
    let nans = FLOAT_UNORDERED.value(cx, size, raw, raw);
    let bits = number_bits(lane_type(size), f64::NAN);
    let canonical = repeated(cx, size, bits);
    let chosen = AND.value(cx, L32, nans, canonical);
    let others = AND_NOT.value(cx, L32, nans, raw);
    OR.push(cx, L32, d, chosen, others);
}

/// Lowers fneg, fabs and fcopysign.
fn signs(cx: &mut Cx, d: VReg, data: &InstData, size: OperandSize) {
    let lane = lane_type(size);
    let a = cx.put(Value(data.a));
    match data.opcode {
        Opcode::Fneg => {
            let sign = repeated(cx, size, sign_bit(lane));
            XOR.push(cx, L32, d, a, sign);
        }
        Opcode::Fabs => {
            let magnitude = repeated(cx, size, magnitude_bits(lane));
            AND.push(cx, L32, d, a, magnitude);
        }
        Opcode::Fcopysign => {
            let b = cx.put(Value(data.b));
            let (sign, magnitude) =
                (repeated(cx, size, sign_bit(lane)), repeated(cx, size, magnitude_bits(lane)));
            let sign = AND.value(cx, L32, b, sign);
            let magnitude = AND.value(cx, L32, a, magnitude);
            OR.push(cx, L32, d, magnitude, sign);
        }
        other => unexpected(other),
    }
}

/// Pushes arithmetic, without replacing NaNs.
fn arithmetic(cx: &mut Cx, d: VReg, data: &InstData, size: OperandSize) {
    use Opcode::*;
    match data.opcode {
        Fadd => commutative(cx, &FLOAT_ADD, d, data),
        Fmul => commutative(cx, &FLOAT_MULTIPLY, d, data),
        Fsub => binary(cx, &FLOAT_SUBTRACT, d, Value(data.a), Value(data.b)),
        Fdiv => binary(cx, &FLOAT_DIVIDE, d, Value(data.a), Value(data.b)),
        Sqrt => {
            let a = operand(cx, Value(data.a));
            SQUARE_ROOT.push(cx, size, d, a);
        }
        Fmin => minimum(cx, d, data, size),
        Fmax => maximum(cx, d, data, size),
        Fma => multiply_add(cx, d, data, size),
        Ceil | Floor | Trunc | Nearest => round(cx, d, data, size),
        other => unexpected(other),
    }
}

/// Pushes a minimum. Zeros are joined by `or`, and so are NaNs, which lose their payloads then.
fn minimum(cx: &mut Cx, d: VReg, data: &InstData, size: OperandSize) {
    let (a, b) = both(cx, data);
    let (first, second) = (FLOAT_LESSER.value(cx, size, a, b), FLOAT_LESSER.value(cx, size, b, a));
    let joined = OR.value(cx, L32, first, second);
    let nans = FLOAT_UNORDERED.value(cx, size, joined, joined);
    let joined = OR.value(cx, L32, joined, nans);
    without_payloads(cx, d, size, nans, joined);
}

/// Pushes a maximum. A difference in sign of zeros, and the bits of a NaN, are in the exclusive or of both
/// ways round; subtracted from their `or`, it makes +0 of zeros that differ, and quiet NaNs.
fn maximum(cx: &mut Cx, d: VReg, data: &InstData, size: OperandSize) {
    let (a, b) = both(cx, data);
    let (first, second) = (FLOAT_GREATER.value(cx, size, a, b), FLOAT_GREATER.value(cx, size, b, a));
    let differing = XOR.value(cx, L32, first, second);
    let joined = OR.value(cx, L32, second, differing);
    let joined = FLOAT_SUBTRACT.value(cx, size, joined, differing);
    let nans = FLOAT_UNORDERED.value(cx, size, differing, joined);
    without_payloads(cx, d, size, nans, joined);
}

/// `d` = `a` without the bits below the quiet bit of NaNs.
fn without_payloads(cx: &mut Cx, d: VReg, size: OperandSize, nans: VReg, a: VReg) {
    // The sign, the exponent and the quiet bit are kept.
    let payloads = RIGHT.value(cx, size, nans, if size == L32 { 10 } else { 13 });
    AND_NOT.push(cx, L32, d, payloads, a);
}

/// Pushes a rounding to integral values.
fn round(cx: &mut Cx, d: VReg, data: &InstData, size: OperandSize) {
    use LibCall::*;
    let (op, single, double) = match data.opcode {
        Opcode::Ceil => (&ROUND_UP, CeilF32, CeilF64),
        Opcode::Floor => (&ROUND_DOWN, FloorF32, FloorF64),
        Opcode::Trunc => (&ROUND_TO_ZERO, TruncF32, TruncF64),
        Opcode::Nearest => (&ROUND_NEAREST, NearestF32, NearestF64),
        other => unexpected(other),
    };
    if has_sse41(cx) {
        let a = operand(cx, Value(data.a));
        return op.push(cx, size, d, a);
    }
    let a = cx.put(Value(data.a));
    call_by_lane(cx, d, size, if size == L32 { single } else { double }, &[a]);
}

/// `d` = what a library routine computes of each lane.
fn call_by_lane(cx: &mut Cx, d: VReg, size: OperandSize, routine: LibCall, args: &[VReg]) {
    let mut joined = args[0];
    for lane in 0..128 / size.bits() as i32 {
        let scalars: Vec<VReg> = args.iter().map(|&arg| lane_in(cx, size, arg, lane)).collect();
        let result = cx.tmp(RegClass::Float);
        call::libcall(cx, routine, &scalars, &[result]);
        joined = with_lane(cx, size, joined, result, lane);
    }
    cx.alias(d, joined);
}

/// Pushes a fused multiplication and addition of three operands.
type FmaRow = fn(&mut Cx<'_>, OperandSize, VReg, VReg, VReg, Rm);

/// Fused operations `b * a + c` and `b * c + a`, by `[addend is negated][product is negated]`.
static FUSED: [[[FmaRow; 2]; 2]; 2] = [
    [
        [
            |cx, size, d, a, b, c| rows::vfmadd213p_rm(cx, size, d, a, b, c),
            |cx, size, d, a, b, c| rows::vfmadd231p_rm(cx, size, d, a, b, c),
        ],
        [
            |cx, size, d, a, b, c| rows::vfnmadd213p_rm(cx, size, d, a, b, c),
            |cx, size, d, a, b, c| rows::vfnmadd231p_rm(cx, size, d, a, b, c),
        ],
    ],
    [
        [
            |cx, size, d, a, b, c| rows::vfmsub213p_rm(cx, size, d, a, b, c),
            |cx, size, d, a, b, c| rows::vfmsub231p_rm(cx, size, d, a, b, c),
        ],
        [
            |cx, size, d, a, b, c| rows::vfnmsub213p_rm(cx, size, d, a, b, c),
            |cx, size, d, a, b, c| rows::vfnmsub231p_rm(cx, size, d, a, b, c),
        ],
    ],
];

/// Pushes fma. The operand that is overwritten is one that is not needed any more, if there is one.
fn multiply_add(cx: &mut Cx, d: VReg, data: &InstData, size: OperandSize) {
    let (mut x, mut y, mut z) = (Value(data.a), Value(data.b), Value(data.c));
    if !cx.flags.has_fma() {
        let args = [cx.put(x), cx.put(y), cx.put(z)];
        return call_by_lane(cx, d, size, if size == L32 { LibCall::FmaF32 } else { LibCall::FmaF64 }, &args);
    }
    let negative_product = strip_negations(cx, &mut x) ^ strip_negations(cx, &mut y);
    let negative_addend = strip_negations(cx, &mut z);
    let [overwrites_factor, overwrites_addend] = FUSED[negative_addend as usize][negative_product as usize];
    if cx.is_used(x) && !cx.is_used(y) {
        (x, y) = (y, x);
    }
    if cx.is_used(z) && !cx.is_used(x) {
        rule!(cx, "vector.fma213");
        let z = operand(cx, z);
        let (x, y) = (cx.put(x), cx.put(y));
        overwrites_factor(cx, size, d, x, y, z);
    } else {
        rule!(cx, "vector.fma231");
        let y = operand(cx, y);
        let (x, z) = (cx.put(x), cx.put(z));
        overwrites_addend(cx, size, d, z, x, y);
    }
}
