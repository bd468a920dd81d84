//! f128: arithmetic, comparisons and conversions.
//!
//! A target with instructions for f128 supplies them as [`QuadLowering`]; others call the routines that C
//! compilers call for `__float128` and `long double`, which [`by_calls`] does for them. What is the same
//! either way is here: how conversions to integers trap and saturate, NaNs are made canonical, and signs
//! change.
//!
//! An f128 fills a vector register, and moves like a vector: see `lower/vector.rs`.

use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::call::CallLowering;
use crate::lower::context::{Lower, Lowered};
use crate::lower::half::{self, HalfLowering};
use crate::lower::vocabulary::Lowering;
use crate::lower::whole_registers::WholeRegisters;
use crate::lower::wide::{Pair, tmp_pair};
use crate::machine::reg::{RegClass, VReg};

pub mod by_calls;

/// How a target computes on f128. Conversions call library routines unless the target has instructions.
pub trait QuadLowering: CallLowering + WholeRegisters {
    /// Whether arithmetic, comparisons and conversions call library routines.
    const CALLS: bool;

    /// `d` = an operation of the family [`Family::FloatArithmetic`]. Behind its operands, the last one is
    /// repeated.
    fn quad_arithmetic(cx: &mut Lower<'_, Self>, opcode: Opcode, d: VReg, operands: [VReg; 3]);

    /// `d = a`, an f32 or f64.
    fn promote_to_quad(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, from: Type) {
        by_calls::promote(cx, d, a, from);
    }

    /// `d = a`, rounded once to f32 or f64.
    fn demote_quad(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, to: Type) {
        by_calls::demote(cx, d, a, to);
    }

    /// `d = a`, an integer of 64 bits.
    fn quad_from_int(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, signed: bool) {
        by_calls::from_int(cx, d, a, signed);
    }

    /// `d = a`, an i128.
    fn quad_from_wide(cx: &mut Lower<'_, Self>, d: VReg, a: Pair, signed: bool) {
        by_calls::from_wide(cx, d, a, signed);
    }

    /// `d = a`, rounded towards zero to an integer of 64 bits; undefined if it does not fit.
    fn quad_to_int(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, signed: bool) {
        by_calls::to_int(cx, d, a, signed);
    }

    /// `d = a`, rounded towards zero to an i128; undefined if it does not fit.
    fn quad_to_wide(cx: &mut Lower<'_, Self>, d: Pair, a: VReg, signed: bool) {
        by_calls::to_wide(cx, d, a, signed);
    }

    /// `d = a`, rounded to odd to f32 unless it is too small for any normal f16.
    fn demote_to_odd(cx: &mut Lower<'_, Self>, d: VReg, a: VReg);
}

/// Only the sign bit.
const SIGN: u128 = 1 << 127;
/// The bit that makes a NaN quiet.
const QUIET: u128 = 1 << 111;

/// Returns a new register with a float of a type, given its bits.
pub fn constant<I: Lowering>(cx: &mut Lower<'_, I>, ty: Type, bits: u128) -> VReg {
    let mut bytes = bits.to_le_bytes();
    if I::ENDIANNESS == Endianness::Big {
        bytes[..ty.bytes() as usize].reverse();
    }
    let d = cx.tmp(RegClass::Float);
    I::make_vector(cx, d, bytes);
    d
}

/// Returns the canonical NaN of a type.
pub(super) fn canonical_nan(ty: Type) -> u128 {
    let fraction = FloatFormat::new(ty.bits()).fraction;
    (1 << (ty.bits() - 1)) - (1 << (fraction - 1))
}

/// Returns the bits of a power of two.
pub const fn power_of_two(exponent: i32) -> u128 {
    ((16383 + exponent) as u128) << 112
}

/// Refuses what needs routines that the system has not.
fn require_routines<I: QuadLowering>(cx: &Lower<'_, I>) -> Lowered {
    match has_routines(cx) {
        true => Ok(()),
        false => Err(cx.unsupported("macOS has no library routines for f128")),
    }
}

/// Whether the system has routines for f128, if they are needed.
pub(super) fn has_routines<I: QuadLowering>(cx: &Lower<'_, I>) -> bool {
    !I::CALLS || !cx.flags.is_macos()
}

/// Lowers arithmetic.
pub(super) fn arithmetic<I: QuadLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let is_sign = matches!(data.opcode, Fneg | Fabs | Fcopysign);
    if !is_sign {
        require_routines(cx)?;
    }
    let (args, last) = ([data.a, data.b, data.c], data.fixed_args() - 1);
    let operands = [0, 1, 2].map(|n: usize| cx.put(Value(args[n.min(last)])));
    let d = cx.def(inst);
    if is_sign || !cx.flags.enable_nan_canonicalization() {
        I::quad_arithmetic(cx, data.opcode, d, operands);
        return Ok(());
    }
    let raw = cx.tmp(RegClass::Float);
    I::quad_arithmetic(cx, data.opcode, raw, operands);
    replace_nan(cx, d, data.ty, raw, raw);
    Ok(())
}

/// `d` = the canonical NaN of a type if `source`, an f128, is a NaN, else `a`.
fn replace_nan<I: QuadLowering>(cx: &mut Lower<'_, I>, d: VReg, ty: Type, source: VReg, a: VReg) {
    let nan = constant(cx, ty, canonical_nan(ty));
    let test = I::compare_quads(cx, FloatCc::Unordered, source, source);
    I::select_whole(cx, d, test, nan, a);
}

/// Operations on the sign of a float of type `ty`.
pub fn sign_operation<I: WholeRegisters>(
    cx: &mut Lower<'_, I>,
    opcode: Opcode,
    ty: Type,
    d: VReg,
    [a, b, _]: [VReg; 3],
) {
    let sign_bit = 1 << (ty.bits() - 1);
    let mask = constant(cx, ty, if opcode == Opcode::Fneg { sign_bit } else { sign_bit - 1 });
    if opcode != Opcode::Fcopysign {
        let operation = if opcode == Opcode::Fneg { Opcode::Bxor } else { Opcode::Band };
        return I::bitwise_whole(cx, operation, d, a, mask);
    }
    let bit = constant(cx, ty, sign_bit);
    let [magnitude, sign] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    I::bitwise_whole(cx, Opcode::Band, magnitude, a, mask);
    I::bitwise_whole(cx, Opcode::Band, sign, b, bit);
    I::bitwise_whole(cx, Opcode::Bor, d, magnitude, sign);
}

/// Lowers `fcmp`.
pub(super) fn compare<I: QuadLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    require_routines(cx)?;
    let data = cx.f.insts[inst];
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let d = cx.def(inst);
    let test = I::compare_quads(cx, data.float_cc(), a, b);
    I::set(cx, d, test);
    Ok(())
}

/// Lowers `fpromote` and `fdemote` to or from f128.
pub(super) fn change_width<I: QuadLowering + HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    let (from, to) = (cx.ty(source), data.ty);
    if from == to {
        cx.same(cx.f.first_result(inst), source);
        return Ok(());
    }
    require_routines(cx)?;
    let (a, d) = (cx.put(source), cx.def(inst));
    let canonical = cx.flags.enable_nan_canonicalization();
    let raw = if canonical { cx.tmp(RegClass::Float) } else { d };
    match (from, to) {
        (types::F16, types::F128) => half::promote_to_quad(cx, raw, a),
        (types::F32 | types::F64, types::F128) => I::promote_to_quad(cx, raw, a, from),
        (types::F128, types::F16) => half::demote_quad(cx, raw, a),
        (types::F128, types::F32 | types::F64) => I::demote_quad(cx, raw, a, to),
        other => unexpected(other),
    }
    if canonical {
        replace_nan(cx, d, to, if to == types::F128 { raw } else { a }, raw);
    }
    Ok(())
}

/// Lowers `fcvt_from_sint` and `fcvt_from_uint`.
pub(super) fn from_int<I: QuadLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    require_routines(cx)?;
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    let signed = data.opcode == Opcode::FcvtFromSint;
    match cx.ty(source) {
        types::I128 => {
            let (a, d) = (cx.put_pair(source), cx.def(inst));
            I::quad_from_wide(cx, d, a, signed);
        }
        ty @ (types::I8 | types::I16 | types::I32 | types::I64) => {
            let (a, d) = (I::put_extended(cx, source, signed, 64), cx.def(inst));
            I::quad_from_int(cx, d, a, signed || ty != types::I64);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// The range of an integer type: what is beyond it on either side, as f128.
struct Range {
    /// The least number that is too large.
    above: u128,
    /// A number below the range, and whether it is itself beyond it.
    below: (u128, bool),
}

impl Range {
    fn of(bits: u32, signed: bool) -> Self {
        let power = |exponent: u32| power_of_two(exponent as i32);
        match (signed, bits) {
            (false, _) => Range { above: power(bits), below: (SIGN | power(0), true) },
            // One less is no f128.
            (true, 128) => Range { above: power(127), below: (SIGN | power(127), false) },
            (true, _) => {
                let one = 1 << (112 - (bits - 1));
                Range { above: power(bits - 1), below: (SIGN | power(bits - 1) | one, true) }
            }
        }
    }

    /// The comparison with the number below the range.
    fn is_below(&self) -> FloatCc {
        if self.below.1 { FloatCc::LessThanOrEqual } else { FloatCc::LessThan }
    }
}

/// Lowers `fcvt_to_sint` and `fcvt_to_uint`.
pub(super) fn to_int_or_trap<I: QuadLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    require_routines(cx)?;
    let data = cx.f.insts[inst];
    let a = cx.put(Value(data.a));
    let signed = data.opcode == Opcode::FcvtToSint;
    let range = Range::of(data.ty.bits(), signed);
    let [above, below] = [range.above, range.below.0].map(|bits| constant(cx, types::F128, bits));
    for (cc, bound, code) in [
        (FloatCc::Unordered, a, TrapCode::BAD_CONVERSION_TO_INTEGER),
        (FloatCc::GreaterThanOrEqual, above, TrapCode::INTEGER_OVERFLOW),
        (range.is_below(), below, TrapCode::INTEGER_OVERFLOW),
    ] {
        let test = I::compare_quads(cx, cc, a, bound);
        I::trap_on(cx, test, code);
    }
    let (d, d_high) = cx.parts(cx.f.first_result(inst));
    match d_high {
        Some(d_high) => I::quad_to_wide(cx, (d, d_high), a, signed),
        None => I::quad_to_int(cx, d, a, signed || data.ty != types::I64),
    }
    Ok(())
}

/// Lowers `fcvt_to_sint_sat` and `fcvt_to_uint_sat`.
pub(super) fn to_int_saturated<I: QuadLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    require_routines(cx)?;
    let data = cx.f.insts[inst];
    let a = cx.put(Value(data.a));
    let signed = data.opcode == Opcode::FcvtToSintSat;
    let (bits, range) = (data.ty.bits(), Range::of(data.ty.bits(), signed));
    let greatest = u128::MAX >> (128 - bits + u32::from(signed));
    let least = if signed { !greatest } else { 0 };
    let (d, d_high) = cx.parts(cx.f.first_result(inst));
    let mut value = tmp_pair(cx);
    match d_high {
        Some(_) => I::quad_to_wide(cx, value, a, signed),
        None => I::quad_to_int(cx, value.0, a, signed || data.ty != types::I64),
    }
    let is_wide = d_high.is_some();
    value = replace_if(cx, value, is_wide, a, (FloatCc::GreaterThanOrEqual, range.above), greatest);
    value = replace_if(cx, value, is_wide, a, (range.is_below(), range.below.0), least);
    value = replace_if(cx, value, is_wide, a, (FloatCc::Unordered, range.above), 0);
    cx.alias(d, value.0);
    if let Some(d_high) = d_high {
        cx.alias(d_high, value.1);
    }
    Ok(())
}

/// Returns an integer with `constant` in its place if a comparison of `a` with a number holds. Only an i128
/// has a second half.
fn replace_if<I: QuadLowering>(
    cx: &mut Lower<'_, I>,
    value: Pair,
    is_wide: bool,
    a: VReg,
    (cc, number): (FloatCc, u128),
    replacement: u128,
) -> Pair {
    let number = constant(cx, types::F128, number);
    let low = cx.constant_register(replacement as u64);
    let high = is_wide.then(|| cx.constant_register((replacement >> 64) as u64));
    let d = tmp_pair(cx);
    let test = I::compare_quads(cx, cc, a, number);
    I::move_if(cx, d.0, test, low, value.0);
    if let Some(high) = high {
        I::move_if(cx, d.1, test, high, value.1);
    }
    d
}
