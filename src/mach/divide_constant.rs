//! Division by constants, without dividing.
//!
//! Powers of two are shifts. For another divisor, the quotient is the high part of the product with a multiplier: see
//! [`reciprocal`](super::reciprocal). For signed division x is a magnitude, and a
//! negative quotient, rounded down by the shift, is one too low. An i32 result has zeros above it, where arithmetic on 32 bits
//! leaves them.

use super::arithmetic::{Arithmetic, Operator};
use super::lower::Lower;
use super::reciprocal::multiplier;
use super::size::OperandSize;
use crate::ir::*;
use crate::rule;
use regalloc2::{RegClass, VReg};
use std::marker::PhantomData;

const Q: OperandSize = OperandSize::Q64;

/// Lowers udiv, sdiv, urem or srem of up to 64 bits if the divisor is a constant other than zero.
pub fn divide<I: Arithmetic>(cx: &mut Lower<I>, inst: Inst, data: &InstData) -> bool {
    let Some(bits @ 1..) = cx.constant(Value(data.b)) else { return false };
    let signed = cx.signed_constant(Value(data.b)).expect("it is a constant");
    let result = cx.f.first_result(inst);
    let minus_one = data.opcode == Opcode::Sdiv && signed == -1;
    if !cx.is_used(result) && !minus_one {
        return true;
    }
    let d = cx.reg(result);
    let operation = Division::<I> { d, ty: data.ty, dividend: Value(data.a), target: PhantomData };
    match data.opcode {
        Opcode::Udiv => operation.unsigned_quotient(cx, bits, d),
        Opcode::Urem => operation.unsigned_remainder(cx, bits),
        Opcode::Sdiv => operation.signed_quotient(cx, signed, d),
        _ => operation.signed_remainder(cx, signed),
    }
    true
}

struct Division<I> {
    d: VReg,
    ty: Type,
    dividend: Value,
    target: PhantomData<I>,
}

fn shift_or_alias<I: Arithmetic>(cx: &mut Lower<I>, d: VReg, a: VReg, amount: u32) {
    match amount {
        0 => cx.alias(d, a),
        _ => I::with_constant(cx, Operator::Shr, Q, d, a, amount.into()),
    }
}

impl<I: Arithmetic> Division<I> {
    /// The size of the operation.
    fn size(&self) -> OperandSize {
        if self.ty.bits() <= 32 { OperandSize::L32 } else { Q }
    }

    fn unsigned_remainder(&self, cx: &mut Lower<I>, divisor: u64) {
        if !divisor.is_power_of_two() {
            let quotient = cx.tmp(RegClass::Int);
            self.unsigned_quotient(cx, divisor, quotient);
            let x = cx.put(self.dividend);
            I::minus_product(cx, self.size(), self.d, x, quotient, divisor as i64);
            return;
        }
        rule!(cx, "urem.power_of_two");
        match divisor {
            1 => I::load_constant(cx, self.d, 0),
            _ => {
                let x = cx.put(self.dividend);
                I::with_constant(cx, Operator::And, self.size(), self.d, x, (divisor - 1) as i64);
            }
        }
    }

    fn unsigned_quotient(&self, cx: &mut Lower<I>, divisor: u64, d: VReg) {
        if divisor.is_power_of_two() {
            rule!(cx, "udiv.power_of_two");
            let x = I::extended(cx, self.dividend, self.size(), false);
            match divisor {
                1 => I::copy(cx, self.size(), d, x),
                _ => I::with_constant(cx, Operator::Shr, self.size(), d, x, divisor.trailing_zeros().into()),
            }
            return;
        }
        match self.ty {
            types::I64 => self.unsigned_quotient_64(cx, divisor, d),
            _ => self.unsigned_quotient_32(cx, divisor, d),
        }
    }

    /// Up to 32 bits: the product fits 64.
    fn unsigned_quotient_32(&self, cx: &mut Lower<I>, divisor: u64, d: VReg) {
        let bits = self.ty.bits();
        let x = I::extended(cx, self.dividend, Q, false);
        let (factor, power) = multiplier(divisor, bits, bits);
        if factor >> 32 != 0 {
            rule!(cx, "udiv.multiply_high");
            I::high_product(cx, d, x, (u64::MAX / divisor) + 1, false);
            return;
        }
        rule!(cx, "udiv.multiply");
        let product = cx.tmp(RegClass::Int);
        I::with_constant(cx, Operator::Mul, Q, product, x, factor as i64);
        I::with_constant(cx, Operator::Shr, Q, d, product, power.into());
    }

    fn unsigned_quotient_64(&self, cx: &mut Lower<I>, divisor: u64, d: VReg) {
        let x = cx.put(self.dividend);
        if divisor >> 63 != 0 {
            rule!(cx, "udiv.compare");
            I::at_least(cx, d, x, divisor);
            return;
        }
        let high = cx.tmp(RegClass::Int);
        let (factor, power) = multiplier(divisor, 64, 64);
        if let Ok(factor) = u64::try_from(factor) {
            rule!(cx, "udiv.multiply_high");
            I::high_product(cx, high, x, factor, false);
            shift_or_alias(cx, d, high, power - 64);
            return;
        }
        let zeros = divisor.trailing_zeros();
        if zeros > 0 {
            // What is left of the dividend has fewer bits, for which a smaller multiplier does.
            rule!(cx, "udiv.even");
            let rest = cx.tmp(RegClass::Int);
            I::with_constant(cx, Operator::Shr, Q, rest, x, zeros.into());
            let (factor, power) = multiplier(divisor >> zeros, 64 - zeros, 64);
            I::high_product(cx, high, rest, factor as u64, false);
            shift_or_alias(cx, d, high, power - 64);
            return;
        }
        // A multiplier of 65 bits: its top bit adds the dividend, halved so that the sum fits.
        rule!(cx, "udiv.multiply_add");
        I::high_product(cx, high, x, factor as u64, false);
        let [rest, half, sum] = [(); 3].map(|()| cx.tmp(RegClass::Int));
        I::binary(cx, Operator::Sub, Q, rest, x, high);
        I::with_constant(cx, Operator::Shr, Q, half, rest, 1);
        I::binary(cx, Operator::Add, Q, sum, half, high);
        shift_or_alias(cx, d, sum, power - 65);
    }

    fn signed_quotient(&self, cx: &mut Lower<I>, divisor: i64, d: VReg) {
        if divisor == -1 {
            rule!(cx, "sdiv.negate");
            I::negate_or_trap(cx, self.ty, d, self.dividend);
            return;
        }
        let magnitude = divisor.unsigned_abs();
        if magnitude.is_power_of_two() {
            rule!(cx, "sdiv.power_of_two");
            self.signed_shift(cx, magnitude, divisor < 0, d);
            return;
        }
        rule!(cx, "sdiv.multiply");
        let (x, rounded_down) = match self.ty {
            types::I64 => self.signed_product_64(cx, magnitude),
            _ => self.signed_product_32(cx, magnitude),
        };
        I::plus_sign(cx, self.size(), d, rounded_down, x, divisor < 0);
    }

    /// The dividend, extended to 64 bits, and its quotient by a magnitude, one too low if it is negative.
    fn signed_product_32(&self, cx: &mut Lower<I>, magnitude: u64) -> (VReg, VReg) {
        let bits = self.ty.bits();
        let x = I::extended(cx, self.dividend, Q, true);
        let (factor, power) = multiplier(magnitude, bits - 1, bits);
        let (product, quotient) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        I::with_constant(cx, Operator::Mul, Q, product, x, factor as i64);
        I::with_constant(cx, Operator::Sar, Q, quotient, product, power.into());
        (x, quotient)
    }

    /// The same of 64 bits.
    fn signed_product_64(&self, cx: &mut Lower<I>, magnitude: u64) -> (VReg, VReg) {
        let x = cx.put(self.dividend);
        let (factor, power) = multiplier(magnitude, 63, 64);
        let mut high = cx.tmp(RegClass::Int);
        I::high_product(cx, high, x, factor as u64, true);
        if factor >> 63 != 0 {
            // As a signed number it counted as 2^64 too little.
            let sum = cx.tmp(RegClass::Int);
            I::binary(cx, Operator::Add, Q, sum, high, x);
            high = sum;
        }
        if power == 64 {
            return (x, high);
        }
        let quotient = cx.tmp(RegClass::Int);
        I::with_constant(cx, Operator::Sar, Q, quotient, high, power as i64 - 64);
        (x, quotient)
    }

    /// The dividend in the operation's size, and what shifting rounds towards zero.
    fn biased(&self, cx: &mut Lower<I>, magnitude: u64) -> (VReg, VReg) {
        let x = I::extended(cx, self.dividend, self.size(), true);
        let sum = cx.tmp(RegClass::Int);
        I::biased(cx, self.size(), sum, x, magnitude.trailing_zeros());
        (x, sum)
    }

    fn signed_shift(&self, cx: &mut Lower<I>, magnitude: u64, negative: bool, d: VReg) {
        let size = self.size();
        if magnitude == 1 {
            let x = cx.put(self.dividend);
            I::copy(cx, size, d, x);
            return;
        }
        let (_, sum) = self.biased(cx, magnitude);
        let shift = magnitude.trailing_zeros().into();
        if !negative {
            I::with_constant(cx, Operator::Sar, size, d, sum, shift);
            return;
        }
        let quotient = cx.tmp(RegClass::Int);
        I::with_constant(cx, Operator::Sar, size, quotient, sum, shift);
        I::negate(cx, size, d, quotient);
    }

    fn signed_remainder(&self, cx: &mut Lower<I>, divisor: i64) {
        let magnitude = divisor.unsigned_abs();
        if magnitude == 1 {
            I::load_constant(cx, self.d, 0);
            return;
        }
        if !magnitude.is_power_of_two() {
            let quotient = cx.tmp(RegClass::Int);
            self.signed_quotient(cx, magnitude as i64, quotient);
            let x = cx.put(self.dividend);
            I::minus_product(cx, self.size(), self.d, x, quotient, magnitude as i64);
            return;
        }
        rule!(cx, "srem.power_of_two");
        let (x, sum) = self.biased(cx, magnitude);
        let multiple = cx.tmp(RegClass::Int);
        I::with_constant(cx, Operator::And, self.size(), multiple, sum, (magnitude as i64).wrapping_neg());
        I::binary(cx, Operator::Sub, self.size(), self.d, x, multiple);
    }
}
