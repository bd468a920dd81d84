//! Division by constants, without a division instruction.
//!
//! Division by a power of two is a shift. By any other divisor, the quotient is the high part of the product
//! with a multiplier: see `reciprocal`. In signed division, the multiplier is that of the divisor's
//! magnitude, and the shift rounds a negative quotient down, so that it is one too low. For types of up to 32
//! bits the product fits in 64 bits. A target supplies the operations, of 32 or 64 bits:
//! [`DivisionLowering`].

use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::reciprocal::multiplier;
use crate::lower::vocabulary::Lowering;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// What division by constants needs beyond [`Arithmetic`](crate::lower::vocabulary::Arithmetic).
pub trait DivisionLowering: Lowering {
    /// `d = -a`, which traps if that overflows `ty`.
    fn negate_or_trap(cx: &mut Lower<'_, Self>, ty: Type, d: VReg, a: VReg);

    /// `d = (a >= limit)`, as 0 or 1, for unsigned 64-bit integers.
    fn at_least(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, limit: u64);

    /// `d = x - quotient * divisor`.
    fn remainder(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, x: VReg, quotient: VReg, divisor: i64) {
        let product = cx.tmp(RegClass::Int);
        Self::multiply(cx, bits, product, quotient, divisor);
        Self::subtract(cx, bits, d, x, product);
    }

    /// `d` = `a`, extended to 64 bits, times a factor below 2^32. Returns a register with `a` extended to at
    /// least 32 bits.
    fn extended_product(cx: &mut Lower<'_, Self>, signed: bool, d: VReg, a: Value, factor: i64) -> VReg {
        let a = Self::put_extended(cx, a, signed, 64);
        Self::multiply(cx, 64, d, a, factor);
        a
    }

    /// `d` = `rounded_down`, plus one if `x` is negative; with `negated`, the negation of that. `x` has 64
    /// bits or comes from [`DivisionLowering::extended_product`].
    fn round_up(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, rounded_down: VReg, x: VReg, negated: bool) {
        let sign = shifted(cx, 64, Opcode::Sshr, x, 63);
        match negated {
            false => Self::subtract(cx, bits, d, rounded_down, sign),
            true => Self::subtract(cx, bits, d, sign, rounded_down),
        }
    }

    /// `d` = `x`, plus `2^shift - 1` if it is negative, so that shifting it right by `shift` rounds towards
    /// zero.
    fn bias(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, x: VReg, shift: u32) {
        let bias = if shift == 1 {
            shifted(cx, bits, Opcode::Ushr, x, bits - 1)
        } else {
            let sign = shifted(cx, bits, Opcode::Sshr, x, bits - 1);
            shifted(cx, bits, Opcode::Ushr, sign, bits - shift)
        };
        Self::add(cx, bits, d, bias, x);
    }
}

/// Lowers `udiv`, `sdiv`, `urem` or `srem` of up to 64 bits if the divisor is a nonzero constant. Returns
/// whether it did.
pub(crate) fn divide<I: DivisionLowering>(cx: &mut Lower<'_, I>, inst: Inst, data: &InstData) -> bool {
    let Some(bits @ 1..) = cx.constant(Value(data.b)) else { return false };
    let signed = cx.signed_constant(Value(data.b)).expect("it is a constant");
    let result = cx.f.first_result(inst);
    let minus_one = data.opcode == Opcode::Sdiv && signed == -1;
    if !cx.is_used(result) && !minus_one {
        return true;
    }
    let d = cx.reg(result);
    let bits_of_type = if data.ty.bits() <= 32 { 32 } else { 64 };
    let operation = Division { d, ty: data.ty, bits: bits_of_type, dividend: Value(data.a) };
    match data.opcode {
        Opcode::Udiv => operation.unsigned_quotient(cx, bits, d),
        Opcode::Urem => operation.unsigned_remainder(cx, bits),
        Opcode::Sdiv => operation.signed_quotient(cx, signed, d),
        Opcode::Srem => operation.signed_remainder(cx, signed),
        other => unexpected(other),
    }
    true
}

/// A division by a constant.
struct Division {
    d: VReg,
    ty: Type,
    bits: u32,
    dividend: Value,
}

/// Returns the high half of the unsigned product with a constant.
fn high_product<I: DivisionLowering>(cx: &mut Lower<'_, I>, a: VReg, factor: u64) -> VReg {
    let high = cx.tmp(RegClass::Int);
    I::multiply_high(cx, false, high, a, factor);
    high
}

fn shifted<I: DivisionLowering>(
    cx: &mut Lower<'_, I>,
    bits: u32,
    opcode: Opcode,
    a: VReg,
    amount: u32,
) -> VReg {
    let d = cx.tmp(RegClass::Int);
    I::shift(cx, bits, opcode, d, a, amount);
    d
}

fn shift_or_alias<I: DivisionLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg, amount: u32) {
    match amount {
        0 => cx.alias(d, a),
        _ => I::shift(cx, 64, Opcode::Ushr, d, a, amount),
    }
}

impl Division {
    fn unsigned_remainder<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, divisor: u64) {
        if !divisor.is_power_of_two() {
            // The dividend comes first, so that the quotient does not sink its load.
            let x = cx.put(self.dividend);
            let quotient = cx.tmp(RegClass::Int);
            self.unsigned_quotient(cx, divisor, quotient);
            I::remainder(cx, self.bits, self.d, x, quotient, divisor as i64);
            return;
        }
        rule!(cx, "urem.power_of_two");
        let x = cx.put(self.dividend);
        match divisor {
            1 => I::make_bits(cx, self.d, 0),
            _ => I::mask(cx, self.bits, self.d, x, (divisor - 1) as i64),
        }
    }

    fn unsigned_quotient<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, divisor: u64, d: VReg) {
        if divisor.is_power_of_two() {
            rule!(cx, "udiv.power_of_two");
            let x = I::put_extended(cx, self.dividend, false, self.bits);
            match divisor {
                1 => I::copy(cx, self.bits, d, x),
                _ => I::shift(cx, self.bits, Opcode::Ushr, d, x, divisor.trailing_zeros()),
            }
            return;
        }
        match self.bits {
            64 => self.unsigned_quotient_64(cx, divisor, d),
            32 => self.unsigned_quotient_32(cx, divisor, d),
            other => unexpected(other),
        }
    }

    fn unsigned_quotient_32<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, divisor: u64, d: VReg) {
        let bits = self.ty.bits();
        let (factor, power) = multiplier(divisor, bits, bits);
        if factor >> 32 != 0 {
            let x = I::put_extended(cx, self.dividend, false, 64);
            rule!(cx, "udiv.multiply_high");
            let quotient = high_product(cx, x, (u64::MAX / divisor) + 1);
            cx.alias(d, quotient);
            return;
        }
        rule!(cx, "udiv.multiply");
        let product = cx.tmp(RegClass::Int);
        I::extended_product(cx, false, product, self.dividend, factor as i64);
        I::shift(cx, 64, Opcode::Ushr, d, product, power);
    }

    fn unsigned_quotient_64<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, divisor: u64, d: VReg) {
        let x = cx.put(self.dividend);
        if divisor >> 63 != 0 {
            rule!(cx, "udiv.compare");
            I::at_least(cx, d, x, divisor);
            return;
        }
        let (factor, power) = multiplier(divisor, 64, 64);
        if let Ok(factor) = u64::try_from(factor) {
            rule!(cx, "udiv.multiply_high");
            let high = high_product(cx, x, factor);
            shift_or_alias(cx, d, high, power - 64);
            return;
        }
        let zeros = divisor.trailing_zeros();
        if zeros > 0 {
            // The shifted dividend has fewer bits, for which a smaller multiplier suffices.
            rule!(cx, "udiv.even");
            let x = shifted(cx, 64, Opcode::Ushr, x, zeros);
            let (factor, power) = multiplier(divisor >> zeros, 64 - zeros, 64);
            let high = high_product(cx, x, factor as u64);
            shift_or_alias(cx, d, high, power - 64);
            return;
        }
        // The multiplier has 65 bits. Its top bit adds the dividend, which is halved so that the sum fits.
        rule!(cx, "udiv.multiply_add");
        let high = high_product(cx, x, factor as u64);
        let (rest, sum) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        I::subtract(cx, 64, rest, x, high);
        let half = shifted(cx, 64, Opcode::Ushr, rest, 1);
        I::add(cx, 64, sum, half, high);
        shift_or_alias(cx, d, sum, power - 65);
    }

    fn signed_quotient<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, divisor: i64, d: VReg) {
        if divisor == -1 {
            rule!(cx, "sdiv.negate");
            let x = cx.put(self.dividend);
            I::negate_or_trap(cx, self.ty, d, x);
            return;
        }
        let magnitude = divisor.unsigned_abs();
        if magnitude.is_power_of_two() {
            rule!(cx, "sdiv.power_of_two");
            self.signed_shift(cx, magnitude, divisor < 0, d);
            return;
        }
        rule!(cx, "sdiv.multiply");
        let (x, rounded_down) = match self.bits {
            64 => self.signed_product_64(cx, magnitude),
            32 => self.signed_product_32(cx, magnitude),
            other => unexpected(other),
        };
        I::round_up(cx, self.bits, d, rounded_down, x, divisor < 0);
    }

    /// Returns the extended dividend, and its quotient by a magnitude, which is one too low if it is
    /// negative.
    fn signed_product_32<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, magnitude: u64) -> (VReg, VReg) {
        let bits = self.ty.bits();
        let (factor, power) = multiplier(magnitude, bits - 1, bits);
        let product = cx.tmp(RegClass::Int);
        let x = I::extended_product(cx, true, product, self.dividend, factor as i64);
        (x, shifted(cx, 64, Opcode::Sshr, product, power))
    }

    /// Like [`Division::signed_product_32`], for 64 bits.
    fn signed_product_64<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, magnitude: u64) -> (VReg, VReg) {
        let x = cx.put(self.dividend);
        let (factor, power) = multiplier(magnitude, 63, 64);
        let mut high = cx.tmp(RegClass::Int);
        I::multiply_high(cx, true, high, x, factor as u64);
        if factor >> 63 != 0 {
            // As a signed factor it was 2^64 too small.
            let sum = cx.tmp(RegClass::Int);
            I::add(cx, 64, sum, high, x);
            high = sum;
        }
        if power > 64 {
            high = shifted(cx, 64, Opcode::Sshr, high, power - 64);
        }
        (x, high)
    }

    /// Returns the extended dividend, and its sum with the bias that makes shifting round towards zero.
    fn biased<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, magnitude: u64) -> (VReg, VReg) {
        let x = I::put_extended(cx, self.dividend, true, self.bits);
        let sum = cx.tmp(RegClass::Int);
        I::bias(cx, self.bits, sum, x, magnitude.trailing_zeros());
        (x, sum)
    }

    fn signed_shift<I: DivisionLowering>(
        &self,
        cx: &mut Lower<'_, I>,
        magnitude: u64,
        negative: bool,
        d: VReg,
    ) {
        if magnitude == 1 {
            let x = cx.put(self.dividend);
            I::copy(cx, self.bits, d, x);
            return;
        }
        let (_, sum) = self.biased(cx, magnitude);
        let shift = magnitude.trailing_zeros();
        if !negative {
            I::shift(cx, self.bits, Opcode::Sshr, d, sum, shift);
            return;
        }
        let quotient = shifted(cx, self.bits, Opcode::Sshr, sum, shift);
        I::negate(cx, self.bits, d, quotient);
    }

    fn signed_remainder<I: DivisionLowering>(&self, cx: &mut Lower<'_, I>, divisor: i64) {
        let magnitude = divisor.unsigned_abs();
        if magnitude == 1 {
            I::make_bits(cx, self.d, 0);
            return;
        }
        if !magnitude.is_power_of_two() {
            let x = cx.put(self.dividend);
            let quotient = cx.tmp(RegClass::Int);
            self.signed_quotient(cx, magnitude as i64, quotient);
            I::remainder(cx, self.bits, self.d, x, quotient, magnitude as i64);
            return;
        }
        rule!(cx, "srem.power_of_two");
        let (x, sum) = self.biased(cx, magnitude);
        let multiple = cx.tmp(RegClass::Int);
        I::mask(cx, self.bits, multiple, sum, (magnitude as i64).wrapping_neg());
        I::subtract(cx, self.bits, self.d, x, multiple);
    }
}
