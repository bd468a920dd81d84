//! Conversions between integers and floats. Those that need no instruction and those of i128, which are
//! library routines, are lowered here; the target lowers the others.
//!
//! The results of the routines for operands out of range are not relied on.

use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::call::{CallLowering, LibcallValue, wide_libcall};
use crate::lower::context::{Lower, Lowered};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::symbol::LibCall;

/// An f32 or f64 to be converted to an integer.
#[derive(Clone, Copy, Debug)]
pub struct FloatOperand {
    /// Its register.
    pub register: VReg,
    /// Its type.
    pub ty: Type,
}

/// How a target lowers conversions. `d` is the register to define.
pub trait Conversions: CallLowering {
    /// `bitcast` between integers and floats.
    fn bitcast(cx: &mut Lower<'_, Self>, d: VReg, data: &InstData);

    /// `fpromote` and `fdemote`.
    fn change_precision(cx: &mut Lower<'_, Self>, d: VReg, data: &InstData);

    /// `fcvt_from_sint` and `fcvt_from_uint`, from integers of at most 64 bits, to f32 or f64.
    fn from_int(cx: &mut Lower<'_, Self>, d: VReg, data: &InstData, to: Type);

    /// Converts an i32 or i64 in a register to f32 or f64. The flag says whether it is signed; an i32 is.
    fn from_int_register(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, from: (Type, bool), to: Type);

    /// `fcvt_to_sint` and `fcvt_to_uint`, to integers of at most 64 bits; they trap if the value does not
    /// fit.
    fn to_int_or_trap(cx: &mut Lower<'_, Self>, d: VReg, data: &InstData, float: FloatOperand);

    /// `fcvt_to_sint_sat` and `fcvt_to_uint_sat`, to integers of at most 64 bits.
    fn to_int_saturated(cx: &mut Lower<'_, Self>, d: VReg, data: &InstData, float: FloatOperand);

    /// Traps if `float cc number` holds. The number is exact in the type, and the condition code one of
    /// `Unordered`, `GreaterThanOrEqual`, `UnorderedOrLessThan` and `UnorderedOrLessThanOrEqual`.
    fn trap_if(cx: &mut Lower<'_, Self>, float: VReg, ty: Type, cc: FloatCc, number: f64, code: TrapCode);

    /// Returns a register with `chosen` if `float cc number` holds, else `other`: 64-bit integers. The
    /// condition, `(cc, number)`, is as in [`Conversions::trap_if`].
    fn select_if(
        cx: &mut Lower<'_, Self>,
        float: VReg,
        ty: Type,
        condition: (FloatCc, f64),
        chosen: u64,
        other: VReg,
    ) -> VReg;
}

/// Lowers `bitcast` between integers and floats.
pub(crate) fn bitcast<I: Conversions>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (source, result) = (Value(data.a), cx.f.first_result(inst));
    let from = cx.ty(source);
    if from == types::I128 && data.ty == from {
        let (low, high) = cx.parts(result);
        let (source_low, source_high) = cx.put_pair(source);
        cx.alias(low, source_low);
        cx.alias(high.expect("an i128 has two parts"), source_high);
    } else if from.is_int() == data.ty.is_int() {
        cx.same(result, source);
    } else {
        let d = cx.def(inst);
        I::bitcast(cx, d, &data);
    }
    Ok(())
}

/// Lowers `fpromote` and `fdemote` between f32 and f64.
pub(crate) fn change_width<I: Conversions>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    if cx.ty(source) == data.ty {
        cx.same(cx.f.first_result(inst), source);
    } else {
        let d = cx.def(inst);
        I::change_precision(cx, d, &data);
    }
    Ok(())
}

/// Lowers `fcvt_from_sint` and `fcvt_from_uint` to f32 and f64.
pub(crate) fn from_int<I: Conversions>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    int_to_float(cx, d, &data, data.ty);
    Ok(())
}

/// Converts an integer to a float of type `to`: f32 or f64.
pub(super) fn int_to_float<I: Conversions>(cx: &mut Lower<'_, I>, d: VReg, data: &InstData, to: Type) {
    match cx.ty(Value(data.a)) {
        types::I128 => from_i128(cx, d, data, to),
        types::I8 | types::I16 | types::I32 | types::I64 => I::from_int(cx, d, data, to),
        other => unexpected(other),
    }
}

/// Lowers `fcvt_to_sint` and `fcvt_to_uint` from f32 and f64.
pub(crate) fn to_int_or_trap<I: Conversions>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let float = float_operand(cx, inst);
    float_to_int(cx, inst, float, I::to_int_or_trap)
}

/// Lowers `fcvt_to_sint_sat` and `fcvt_to_uint_sat` from f32 and f64.
pub(crate) fn to_int_saturated<I: Conversions>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let float = float_operand(cx, inst);
    float_to_int(cx, inst, float, I::to_int_saturated)
}

fn float_operand<I: Conversions>(cx: &mut Lower<'_, I>, inst: Inst) -> FloatOperand {
    let value = Value(cx.f.insts[inst].a);
    FloatOperand { register: cx.put(value), ty: cx.ty(value) }
}

/// Converts a float to the integer type of `inst`, by `narrow` if that has at most 64 bits.
pub(super) fn float_to_int<I: Conversions>(
    cx: &mut Lower<'_, I>,
    inst: Inst,
    float: FloatOperand,
    narrow: fn(&mut Lower<'_, I>, VReg, &InstData, FloatOperand),
) -> Lowered {
    let data = cx.f.insts[inst];
    if data.ty == types::I128 {
        to_i128(cx, inst, &data, float);
    } else {
        let d = cx.def(inst);
        narrow(cx, d, &data, float);
    }
    Ok(())
}

/// Converts an i128 to a float.
fn from_i128<I: CallLowering>(cx: &mut Lower<'_, I>, d: VReg, data: &InstData, to: Type) {
    use LibCall::*;
    let function = match (data.opcode, to) {
        (Opcode::FcvtFromSint, types::F32) => FloatI128F32,
        (Opcode::FcvtFromSint, _) => FloatI128F64,
        (_, types::F32) => FloatU128F32,
        (Opcode::FcvtFromUint, types::F64) => FloatU128F64,
        (other, _) => unexpected(other),
    };
    let pair = cx.put_pair(Value(data.a));
    wide_libcall(cx, function, &[LibcallValue::Wide(pair)], LibcallValue::Plain(d));
}

/// 2^127.
const TWO_127: f64 = (1u128 << 127) as f64;

/// Converts a float to an i128, in all four ways.
fn to_i128<I: Conversions>(cx: &mut Lower<'_, I>, inst: Inst, data: &InstData, float: FloatOperand) {
    use LibCall::*;
    let FloatOperand { register: float, ty } = float;
    let signed = matches!(data.opcode, Opcode::FcvtToSint | Opcode::FcvtToSintSat);
    let function = match (signed, ty) {
        (true, types::F32) => FixF32I128,
        (true, types::F64) => FixF64I128,
        (false, types::F32) => FixF32U128,
        (false, types::F64) => FixF64U128,
        (_, other) => unexpected(other),
    };
    let result = cx.f.first_result(inst);
    let (low, high) = cx.parts(result);
    let high = high.expect("an i128 has two parts");
    if matches!(data.opcode, Opcode::FcvtToSint | Opcode::FcvtToUint) {
        check_i128(cx, float, ty, signed);
        wide_libcall(cx, function, &[LibcallValue::Plain(float)], LibcallValue::Wide((low, high)));
        return;
    }
    let mut pair = [(); 2].map(|()| cx.tmp(RegClass::Int));
    wide_libcall(cx, function, &[LibcallValue::Plain(float)], LibcallValue::Wide((pair[0], pair[1])));
    let (least, greatest) = if signed { (1 << 127, (1 << 127) - 1) } else { (0, u128::MAX) };
    let (lower, upper) = if signed { (-TWO_127, TWO_127) } else { (0.0, 2.0 * TWO_127) };
    replace_if(cx, &mut pair, float, ty, (FloatCc::GreaterThanOrEqual, upper), greatest);
    replace_if(cx, &mut pair, float, ty, (FloatCc::UnorderedOrLessThanOrEqual, lower), least);
    if signed {
        replace_if(cx, &mut pair, float, ty, (FloatCc::Unordered, 0.0), 0);
    }
    cx.alias(low, pair[0]);
    cx.alias(high, pair[1]);
}

/// Replaces an i128 by a constant if `condition` holds.
fn replace_if<I: Conversions>(
    cx: &mut Lower<'_, I>,
    pair: &mut [VReg; 2],
    float: VReg,
    ty: Type,
    condition: (FloatCc, f64),
    constant: u128,
) {
    for (part, half) in pair.iter_mut().zip([constant as u64, (constant >> 64) as u64]) {
        *part = I::select_if(cx, float, ty, condition, half, *part);
    }
}

/// Traps unless a float is in the range of a signed or unsigned i128.
fn check_i128<I: Conversions>(cx: &mut Lower<'_, I>, float: VReg, ty: Type, signed: bool) {
    I::trap_if(cx, float, ty, FloatCc::Unordered, 0.0, TrapCode::BAD_CONVERSION_TO_INTEGER);
    let upper = if signed { TWO_127 } else { 2.0 * TWO_127 };
    I::trap_if(cx, float, ty, FloatCc::GreaterThanOrEqual, upper, TrapCode::INTEGER_OVERFLOW);
    let (cc, lower) = match signed {
        true => (FloatCc::UnorderedOrLessThan, -TWO_127),
        false => (FloatCc::UnorderedOrLessThanOrEqual, -1.0),
    };
    I::trap_if(cx, float, ty, cc, lower, TrapCode::INTEGER_OVERFLOW);
}
