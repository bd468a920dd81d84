//! f16: computed as f32, which has all its values.
//!
//! Operands are converted to f32, and the result is rounded to f16. For sums, products, quotients and square
//! roots, rounding twice gives the same as rounding once, since the significand of an f32 has at least twice
//! as many bits as that of an f16, and two more. Minima and rounding to integral values are exact.
//!
//! `fma` is computed as f64, where the product is exact. The sum is exact, too, unless one summand is so
//! small that it ends below the last bit that an f64 has next to the other. Then either the larger one is the
//! f16, which is the result, or it is the product, which is out of f16's range.
//!
//! Conversions from f64 and f128 go by way of f32, too. Their first step rounds to odd: a result that is not
//! exact gets an odd last bit, and so stays on its side of every tie of the second step.
//!
//! What differs between targets is [`HalfLowering`]. Targets without instructions for conversions use
//! [`single_by_bits`] and [`half_by_bits`].
//!
//! In a register, an f16 is where the target's C compilers pass it: in the low bits, or on s390x in the
//! leftmost ones. All other bits are undefined.

use super::quad::{self, QuadLowering};
use super::vector_moves::VectorMoves;
use super::whole_registers::WholeRegisters;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::access;
use crate::lower::context::{Lower, Lowered};
use crate::lower::convert::{self, Conversions, FloatOperand};
use crate::machine::reg::{RegClass, VReg};

/// How a target computes on f16, and on f32 and f64 in registers.
pub trait HalfLowering: Conversions + WholeRegisters {
    /// Moves the bits of an f16, f32 or f64 from the low bits of a general register.
    fn float_from_bits(cx: &mut Lower<'_, Self>, d: VReg, bits: VReg, ty: Type);

    /// Moves the bits of an f16, f32 or f64 to the low bits of a general register. Those above are undefined.
    fn float_to_bits(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, ty: Type);

    /// `d = a`, an f16, as an f32.
    fn single_of_half(cx: &mut Lower<'_, Self>, d: VReg, a: VReg);

    /// `d = a`, an f32, rounded to f16.
    fn half_of_single(cx: &mut Lower<'_, Self>, d: VReg, a: VReg);

    /// `d = a`, an f64, rounded once to f16.
    fn half_of_double(cx: &mut Lower<'_, Self>, d: VReg, a: VReg);

    /// `d = a`, a signed integer of 32 bits, as an f32.
    fn single_of_word(cx: &mut Lower<'_, Self>, d: VReg, a: VReg);

    /// `d = a`, between f32 and f64.
    fn convert_float(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, to: Type);

    /// `d` = arithmetic of f32 or f64, without replacing NaNs. Behind its operands, the last one is repeated.
    fn compute(cx: &mut Lower<'_, Self>, opcode: Opcode, ty: Type, d: VReg, operands: [VReg; 3]);

    /// Compares two f32.
    fn compare_singles(cx: &mut Lower<'_, Self>, cc: FloatCc, a: VReg, b: VReg) -> Self::Test;

    /// Pushes arithmetic of f16 itself, if there is an instruction. Returns whether it did.
    fn compute_half(_: &mut Lower<'_, Self>, _: Opcode, _: VReg, _: [VReg; 3]) -> bool {
        false
    }

    /// Whether the target's functions for vectors lower f16 lanes, too: arithmetic, comparisons, and
    /// conversions between lanes of the same width.
    fn has_half_lanes(_: &Lower<'_, Self>) -> bool {
        false
    }

    /// Compares two f16 themselves, if there is an instruction.
    fn compare_halves(_: &mut Lower<'_, Self>, _: FloatCc, _: VReg, _: VReg) -> Option<Self::Test> {
        None
    }
}

/// Returns `a`, an f16, as an f32.
fn single<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg) -> VReg {
    let d = cx.tmp(RegClass::Float);
    I::single_of_half(cx, d, a);
    d
}

/// Returns `a`, an f16, as an f64.
fn double<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg) -> VReg {
    let (middle, d) = (single(cx, a), cx.tmp(RegClass::Float));
    I::convert_float(cx, d, middle, types::F64);
    d
}

/// Lowers loads.
pub(super) fn load<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) {
        I::load_register(cx, d, amode, types::F16);
        return Ok(());
    }
    let raw = cx.tmp(RegClass::Int);
    I::load_register(cx, raw, amode, types::I16);
    let bits = swapped(cx, raw);
    I::float_from_bits(cx, d, bits, types::F16);
    Ok(())
}

/// Lowers stores.
pub(super) fn store<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let source = cx.put(Value(data.a));
    if !cx.swaps(&cx.mem_flags(&data)) {
        let amode = access(cx, &data);
        I::store_register(cx, source, amode, types::F16);
        return Ok(());
    }
    let raw = cx.tmp(RegClass::Int);
    I::float_to_bits(cx, raw, source, types::F16);
    let bits = swapped(cx, raw);
    let amode = access(cx, &data);
    I::store_register(cx, bits, amode, types::I16);
    Ok(())
}

/// Exchanges the two low bytes of a register.
fn swapped<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg) -> VReg {
    let (narrow, high) = (mask(cx, a, 0xFFFF), shift(cx, Opcode::Ishl, a, 8));
    let low = shift(cx, Opcode::Ushr, narrow, 8);
    bitwise(cx, Opcode::Bor, high, low)
}

/// Lowers `bitcast` between f16 and i16.
pub(super) fn bitcast<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    match (cx.ty(source), data.ty) {
        (types::F16, types::F16) => cx.same(cx.f.first_result(inst), source),
        (types::F16, types::I16) => {
            let (a, d) = (cx.put(source), cx.def(inst));
            I::float_to_bits(cx, d, a, types::F16);
        }
        (types::I16, types::F16) => {
            let (a, d) = (cx.put(source), cx.def(inst));
            I::float_from_bits(cx, d, a, types::F16);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers `band`, `bor`, `bxor`, `bnot` and `bitselect`.
pub(super) fn logic<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let a = cx.put(Value(data.a));
    match data.opcode {
        Opcode::Bnot => {
            let ones = quad::constant(cx, types::F16, 0xFFFF);
            let d = cx.def(inst);
            I::bitwise_whole(cx, Opcode::Bxor, d, a, ones);
        }
        Opcode::Bitselect => {
            let (chosen, other) = (cx.put(Value(data.b)), cx.put(Value(data.c)));
            let d = cx.def(inst);
            let differing = whole(cx, Opcode::Bxor, chosen, other);
            let taken = whole(cx, Opcode::Band, differing, a);
            I::bitwise_whole(cx, Opcode::Bxor, d, taken, other);
        }
        opcode @ (Opcode::Band | Opcode::Bor | Opcode::Bxor) => {
            let (b, d) = (cx.put(Value(data.b)), cx.def(inst));
            I::bitwise_whole(cx, opcode, d, a, b);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// A bitwise operation on whole registers, in a new one.
pub(super) fn whole<I: WholeRegisters>(cx: &mut Lower<'_, I>, opcode: Opcode, a: VReg, b: VReg) -> VReg {
    let d = cx.tmp(RegClass::Float);
    I::bitwise_whole(cx, opcode, d, a, b);
    d
}

/// Lowers arithmetic.
pub(super) fn arithmetic<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (args, last) = ([data.a, data.b, data.c], data.fixed_args() - 1);
    let operands = [0, 1, 2].map(|n: usize| cx.put(Value(args[n.min(last)])));
    let d = cx.def(inst);
    compute(cx, data.opcode, d, operands);
    Ok(())
}

/// `d` = arithmetic of f16. Behind its operands, the last one is repeated.
pub(super) fn compute<I: HalfLowering>(cx: &mut Lower<'_, I>, opcode: Opcode, d: VReg, operands: [VReg; 3]) {
    use Opcode::*;
    let is_sign = matches!(opcode, Fneg | Fabs | Fcopysign);
    let raw = if is_sign || !cx.flags.enable_nan_canonicalization() { d } else { cx.tmp(RegClass::Float) };
    if I::compute_half(cx, opcode, raw, operands) {
        if raw != d {
            replace_nan(cx, d, types::F16, raw);
        }
        return;
    }
    match opcode {
        Fneg | Fabs | Fcopysign => quad::sign_operation(cx, opcode, types::F16, d, operands),
        Fma => {
            let [a, b, c] = operands.map(|operand| double(cx, operand));
            let [product, sum] = [(); 2].map(|()| cx.tmp(RegClass::Float));
            I::compute(cx, Fmul, types::F64, product, [a, b, b]);
            I::compute(cx, Fadd, types::F64, sum, [product, c, c]);
            canonical(cx, d, types::F16, |cx, d| I::half_of_double(cx, d, sum));
        }
        Fadd | Fsub | Fmul | Fdiv | Sqrt | Fmin | Fmax | Ceil | Floor | Trunc | Nearest => {
            // An operand that is used twice is converted once.
            let mut converted = [operands[0]; 3];
            for n in 0..3 {
                converted[n] = match operands[..n].iter().position(|&earlier| earlier == operands[n]) {
                    Some(earlier) => converted[earlier],
                    None => single(cx, operands[n]),
                };
            }
            let result = cx.tmp(RegClass::Float);
            I::compute(cx, opcode, types::F32, result, converted);
            canonical(cx, d, types::F16, |cx, d| I::half_of_single(cx, d, result));
        }
        other => unexpected(other),
    }
}

/// Defines `d` by `compute`, and replaces a NaN by the canonical one if the settings ask for that.
fn canonical<I: HalfLowering>(
    cx: &mut Lower<'_, I>,
    d: VReg,
    ty: Type,
    compute: impl FnOnce(&mut Lower<'_, I>, VReg),
) {
    if !cx.flags.enable_nan_canonicalization() {
        return compute(cx, d);
    }
    let raw = cx.tmp(RegClass::Float);
    compute(cx, raw);
    replace_nan(cx, d, ty, raw);
}

/// `d` = the canonical NaN if `raw` is a NaN, else `raw`.
fn replace_nan<I: HalfLowering>(cx: &mut Lower<'_, I>, d: VReg, ty: Type, raw: VReg) {
    let nan = quad::constant(cx, ty, quad::canonical_nan(ty));
    let compared = match ty {
        types::F16 => single(cx, raw),
        types::F64 => {
            let narrow = cx.tmp(RegClass::Float);
            I::convert_float(cx, narrow, raw, types::F32);
            narrow
        }
        types::F32 => raw,
        other => unexpected(other),
    };
    let test = I::compare_singles(cx, FloatCc::Unordered, compared, compared);
    I::select_whole(cx, d, test, nan, raw);
}

/// Compares two f16.
pub(super) fn compare_registers<I: HalfLowering>(
    cx: &mut Lower<'_, I>,
    cc: FloatCc,
    a: VReg,
    b: VReg,
) -> I::Test {
    if let Some(test) = I::compare_halves(cx, cc, a, b) {
        return test;
    }
    let first = single(cx, a);
    let second = if a == b { first } else { single(cx, b) };
    I::compare_singles(cx, cc, first, second)
}

/// Lowers `fcmp`.
pub(super) fn compare<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let d = cx.def(inst);
    let test = compare_registers(cx, data.float_cc(), a, b);
    I::set(cx, d, test);
    Ok(())
}

/// Lowers `fpromote` from f16 to f32 and f64, and `fdemote` from these.
pub(super) fn change_width<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    let from = cx.ty(source);
    if from == data.ty {
        cx.same(cx.f.first_result(inst), source);
        return Ok(());
    }
    let (a, d) = (cx.put(source), cx.def(inst));
    canonical(cx, d, data.ty, |cx, d| match (from, data.ty) {
        (types::F16, types::F32) => I::single_of_half(cx, d, a),
        (types::F16, types::F64) => {
            let middle = single(cx, a);
            I::convert_float(cx, d, middle, types::F64);
        }
        (types::F32, types::F16) => I::half_of_single(cx, d, a),
        (types::F64, types::F16) => I::half_of_double(cx, d, a),
        other => unexpected(other),
    });
    Ok(())
}

/// `d = a`, an f128, rounded once to f16.
pub(super) fn demote_quad<I: HalfLowering + QuadLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg) {
    let middle = cx.tmp(RegClass::Float);
    I::demote_to_odd(cx, middle, a);
    I::half_of_single(cx, d, middle);
}

/// `d = a`, an f16, as an f128.
pub(super) fn promote_to_quad<I: HalfLowering + QuadLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg) {
    let middle = single(cx, a);
    I::promote_to_quad(cx, d, middle, types::F32);
}

/// Lowers `fcvt_from_sint` and `fcvt_from_uint`. What is not exact in f32 is out of f16's range.
pub(super) fn from_int<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let middle = cx.tmp(RegClass::Float);
    convert::int_to_float(cx, middle, &data, types::F32);
    I::half_of_single(cx, d, middle);
    Ok(())
}

/// Lowers `fcvt_to_sint` and `fcvt_to_uint`.
pub(super) fn to_int_or_trap<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let float = converted(cx, inst);
    convert::float_to_int(cx, inst, float, I::to_int_or_trap)
}

/// Lowers `fcvt_to_sint_sat` and `fcvt_to_uint_sat`.
pub(super) fn to_int_saturated<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let float = converted(cx, inst);
    convert::float_to_int(cx, inst, float, I::to_int_saturated)
}

/// The operand of a conversion, as an f32.
fn converted<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> FloatOperand {
    let a = cx.put(Value(cx.f.insts[inst].a));
    FloatOperand { register: single(cx, a), ty: types::F32 }
}

/// `d = a & mask`, 32 bits.
fn mask<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg, mask: i64) -> VReg {
    let d = cx.tmp(RegClass::Int);
    I::mask(cx, 32, d, a, mask);
    d
}

/// Shifts 32 bits.
fn shift<I: HalfLowering>(cx: &mut Lower<'_, I>, opcode: Opcode, a: VReg, amount: u32) -> VReg {
    let d = cx.tmp(RegClass::Int);
    I::shift(cx, 32, opcode, d, a, amount);
    d
}

/// A bitwise operation of 32 bits.
fn bitwise<I: HalfLowering>(cx: &mut Lower<'_, I>, opcode: Opcode, a: VReg, b: VReg) -> VReg {
    let d = cx.tmp(RegClass::Int);
    I::bitwise(cx, 32, opcode, d, (a, b), false);
    d
}

/// `a - b`, 32 bits.
fn difference<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg, b: VReg) -> VReg {
    let d = cx.tmp(RegClass::Int);
    I::subtract(cx, 32, d, a, b);
    d
}

/// `a + b`, 32 bits.
fn sum<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg, b: VReg) -> VReg {
    let d = cx.tmp(RegClass::Int);
    I::add(cx, 32, d, a, b);
    d
}

/// All ones if `a` is less than `b`, else zeros. Both are less than 2^31.
fn is_less<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg, b: VReg) -> VReg {
    let difference = difference(cx, a, b);
    shift(cx, Opcode::Sshr, difference, 31)
}

/// The f32 with these bits.
fn single_of_bits<I: HalfLowering>(cx: &mut Lower<'_, I>, bits: VReg) -> VReg {
    let d = cx.tmp(RegClass::Float);
    I::float_from_bits(cx, d, bits, types::F32);
    d
}

/// The bits of an f32.
fn bits_of_single<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg) -> VReg {
    let d = cx.tmp(RegClass::Int);
    I::float_to_bits(cx, d, a, types::F32);
    d
}

/// `a` times a power of two, as f32.
fn scaled<I: HalfLowering>(cx: &mut Lower<'_, I>, a: VReg, exponent: u32) -> VReg {
    let (bits, d) = (cx.constant_register(u64::from(exponent << 23)), cx.tmp(RegClass::Float));
    let factor = single_of_bits(cx, bits);
    I::compute(cx, Opcode::Fmul, types::F32, d, [a, factor, factor]);
    d
}

// The exponents of 2^112 and 2^-110 as the bits of an f32 have them.
const UP: u32 = 127 + 112;
const DOWN: u32 = 127 - 110;

/// See [`HalfLowering::single_of_half`]: by operations on bits. Exponent and fraction in the places that they
/// have in an f32 are the number times 2^-112, subnormal numbers too. Only infinities and NaNs have another
/// exponent.
pub fn single_by_bits<I: HalfLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg) {
    let bits = cx.tmp(RegClass::Int);
    I::float_to_bits(cx, bits, a, types::F16);
    let (sign, magnitude) = (mask(cx, bits, 0x8000), mask(cx, bits, 0x7FFF));
    let (sign, magnitude) = (shift(cx, Opcode::Ishl, sign, 16), shift(cx, Opcode::Ishl, magnitude, 13));
    let small = single_of_bits(cx, magnitude);
    let number = scaled(cx, small, UP);
    let number = bits_of_single(cx, number);
    let greatest = cx.constant_register((31 << 23) - 1);
    let special = is_less(cx, greatest, magnitude);
    let exponent = mask(cx, special, 0x7F80_0000);
    let number = bitwise(cx, Opcode::Bor, number, exponent);
    let number = bitwise(cx, Opcode::Bor, number, sign);
    I::float_from_bits(cx, d, number, types::F32);
}

/// See [`HalfLowering::half_of_single`]: by operations on bits. Adding a power of two whose last bit is worth
/// as much as the result's rounds the number; the low bits of the sum are the fraction. Scaling up and down
/// before makes numbers that are too large infinite.
pub fn half_by_bits<I: HalfLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg) {
    let bits = bits_of_single(cx, a);
    let magnitude = mask(cx, bits, 0x7FFF_FFFF);
    let number = single_of_bits(cx, magnitude);
    let number = scaled(cx, number, UP);
    let number = scaled(cx, number, DOWN);

    // The exponent, or that of the least normal f16 if that is greater.
    let exponent = shift(cx, Opcode::Ushr, magnitude, 23);
    let least = cx.constant_register(127 - 14);
    let above = difference(cx, exponent, least);
    let below = shift(cx, Opcode::Sshr, above, 31);
    let missing = bitwise(cx, Opcode::Band, above, below);
    let above = difference(cx, above, missing);
    let base = cx.constant_register(127 - 14 + 15);
    let rounding = sum(cx, above, base);
    let rounding = shift(cx, Opcode::Ishl, rounding, 23);
    let rounding = single_of_bits(cx, rounding);
    let rounded = cx.tmp(RegClass::Float);
    I::compute(cx, Opcode::Fadd, types::F32, rounded, [rounding, number, number]);

    let rounded = bits_of_single(cx, rounded);
    let exponent = shift(cx, Opcode::Ushr, rounded, 13);
    let (exponent, fraction) = (mask(cx, exponent, 0x7C00), mask(cx, rounded, 0x0FFF));
    let number = sum(cx, exponent, fraction);

    let infinity = cx.constant_register(0x7F80_0000);
    let is_nan = is_less(cx, infinity, magnitude);
    let nan = cx.constant_register(0x7E00);
    let change = bitwise(cx, Opcode::Bxor, number, nan);
    let change = bitwise(cx, Opcode::Band, change, is_nan);
    let number = bitwise(cx, Opcode::Bxor, number, change);
    let sign = shift(cx, Opcode::Ushr, bits, 16);
    let sign = mask(cx, sign, 0x8000);
    let result = bitwise(cx, Opcode::Bor, number, sign);
    I::float_from_bits(cx, d, result, types::F16);
}

/// `d` = the high bits of `a`, whose `low` low bits become zeros; the bit above them is set if any of them or
/// of `rest` was. As a float, `a` is rounded to odd, unless it is too small for any normal f16.
fn odd_bits<I: HalfLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg, rest: Option<VReg>, low: u32) {
    let ones = (1i64 << low) - 1;
    let [dropped, carried, sticky, joined] = [(); 4].map(|()| cx.tmp(RegClass::Int));
    I::mask(cx, 64, dropped, a, ones);
    let dropped = match rest {
        None => dropped,
        Some(rest) => {
            // The top bit of a number or of its negation is set unless it is zero.
            let [negated, either, any, both] = [(); 4].map(|()| cx.tmp(RegClass::Int));
            I::negate(cx, 64, negated, rest);
            I::bitwise(cx, 64, Opcode::Bor, either, (negated, rest), false);
            I::shift(cx, 64, Opcode::Ushr, any, either, 63);
            I::bitwise(cx, 64, Opcode::Bor, both, (dropped, any), false);
            both
        }
    };
    let bound = cx.constant_register(ones as u64);
    I::add(cx, 64, carried, dropped, bound);
    I::mask(cx, 64, sticky, carried, 1 << low);
    I::bitwise(cx, 64, Opcode::Bor, joined, (a, sticky), false);
    I::mask(cx, 64, d, joined, !ones);
}

/// See [`HalfLowering::half_of_double`]: an f64 rounded to odd is exact in f32.
pub fn half_of_double_by_bits<I: HalfLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg) {
    let [bits, odd] = [(); 2].map(|()| cx.tmp(RegClass::Int));
    I::float_to_bits(cx, bits, a, types::F64);
    odd_bits(cx, odd, bits, None, 52 - 23);
    let [exact, middle] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    I::float_from_bits(cx, exact, odd, types::F64);
    I::convert_float(cx, middle, exact, types::F32);
    I::half_of_single(cx, d, middle);
}

/// See [`QuadLowering::demote_to_odd`]: by operations on bits, on little-endian targets.
pub fn demote_quad_to_odd<I: HalfLowering + QuadLowering + VectorMoves>(
    cx: &mut Lower<'_, I>,
    d: VReg,
    a: VReg,
) {
    let [low, high, odd] = [(); 3].map(|()| cx.tmp(RegClass::Int));
    I::split_halves(cx, [low, high], a);
    odd_bits(cx, odd, high, Some(low), 112 - 64 - 23);
    let (zero, exact) = (cx.constant_register(0), cx.tmp(RegClass::Float));
    I::join_halves(cx, exact, [zero, odd]);
    I::demote_quad(cx, d, exact, types::F32);
}
