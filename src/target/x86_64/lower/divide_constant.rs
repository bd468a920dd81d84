//! Division by constants, without dividing.
//!
//! Powers of two are shifts. For another divisor, the quotient is the high part of the product with a multiplier: see
//! [`crate::mach::reciprocal`]. For signed division x is a magnitude, and a
//! negative quotient, rounded down by the shift, is one too low. An i32 result has zeros above, as `int::zero_extends` says.

use super::super::amode::{Cond, OperandSize};
use super::super::rows;
use super::compare::{Test, trap_on};
use super::divide::put_extended_wide;
use super::mem::constant_register;
use super::operands::*;
use crate::ir::*;
use crate::mach::reciprocal::multiplier;
use crate::rule;
use regalloc2::{RegClass, VReg};

const Q: OperandSize = OperandSize::Q64;

/// Lowers udiv, sdiv, urem or srem of up to 64 bits if the divisor is a constant other than zero.
pub fn divide(cx: &mut Cx, inst: Inst, data: &InstData) -> bool {
    let Some(bits @ 1..) = cx.constant(Value(data.b)) else { return false };
    let signed = cx.signed_constant(Value(data.b)).expect("it is a constant");
    let result = cx.f.first_result(inst);
    let minus_one = data.opcode == Opcode::Sdiv && signed == -1;
    if !cx.is_used(result) && !minus_one {
        return true;
    }
    let d = cx.reg(result);
    let operation = Division { d, ty: data.ty, dividend: Value(data.a) };
    match data.opcode {
        Opcode::Udiv => operation.unsigned_quotient(cx, bits, d),
        Opcode::Urem => operation.unsigned_remainder(cx, bits),
        Opcode::Sdiv => operation.signed_quotient(cx, signed, d),
        _ => operation.signed_remainder(cx, signed),
    }
    true
}

struct Division {
    d: VReg,
    ty: Type,
    dividend: Value,
}

/// `d = a * factor`.
fn multiply(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, factor: i64) {
    match i32::try_from(factor) {
        Ok(imm) => rows::imul_rmi(cx, size, d, a, imm),
        Err(_) => {
            let factor = constant_register(cx, factor as u64);
            rows::imul_rm(cx, size, d, a, factor);
        }
    }
}

/// The high half of the unsigned product with a constant.
fn high_product(cx: &mut Cx, a: VReg, factor: u64) -> VReg {
    let factor = constant_register(cx, factor);
    let (low, high) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::mul_wide(cx, Q, low, high, factor, a);
    high
}

fn shifted_right(cx: &mut Cx, a: VReg, amount: u32) -> VReg {
    let d = cx.tmp(RegClass::Int);
    rows::shr_ri(cx, Q, d, a, amount as i32);
    d
}

impl Division {
    fn size(&self) -> OperandSize {
        alu_size(self.ty)
    }

    /// `self.d = x - quotient * divisor`.
    fn remainder(&self, cx: &mut Cx, x: VReg, quotient: VReg, divisor: i64) {
        let product = cx.tmp(RegClass::Int);
        multiply(cx, self.size(), product, quotient, divisor);
        rows::sub_rm(cx, self.size(), self.d, x, product);
    }

    fn unsigned_remainder(&self, cx: &mut Cx, divisor: u64) {
        let mask = divisor - 1;
        if !divisor.is_power_of_two() {
            let quotient = cx.tmp(RegClass::Int);
            self.unsigned_quotient(cx, divisor, quotient);
            let x = cx.put(self.dividend);
            self.remainder(cx, x, quotient, divisor as i64);
            return;
        }
        rule!(cx, "urem.power_of_two");
        let x = cx.put(self.dividend);
        match i32::try_from(mask) {
            Ok(0) => rows::zero_r(cx, self.d),
            Ok(mask) => rows::and_ri(cx, self.size(), self.d, x, mask),
            Err(_) => {
                let mask = constant_register(cx, mask);
                rows::and_rm(cx, Q, self.d, x, mask);
            }
        }
    }

    fn unsigned_quotient(&self, cx: &mut Cx, divisor: u64, d: VReg) {
        if divisor.is_power_of_two() {
            rule!(cx, "udiv.power_of_two");
            let x = put_extended(cx, self.dividend, false);
            match divisor {
                1 => rows::mov_rm(cx, self.size(), d, x),
                _ => rows::shr_ri(cx, self.size(), d, x, divisor.trailing_zeros() as i32),
            }
            return;
        }
        match self.ty {
            types::I64 => self.unsigned_quotient_64(cx, divisor, d),
            _ => self.unsigned_quotient_32(cx, divisor, d),
        }
    }

    /// Up to 32 bits: the product fits 64.
    fn unsigned_quotient_32(&self, cx: &mut Cx, divisor: u64, d: VReg) {
        let bits = self.ty.bits();
        let x = put_extended_wide(cx, self.dividend, false);
        let (factor, power) = multiplier(divisor, bits, bits);
        if factor >> 32 != 0 {
            rule!(cx, "udiv.multiply_high");
            let quotient = high_product(cx, x, (u64::MAX / divisor) + 1);
            cx.alias(d, quotient);
            return;
        }
        rule!(cx, "udiv.multiply");
        let product = cx.tmp(RegClass::Int);
        multiply(cx, Q, product, x, factor as i64);
        rows::shr_ri(cx, Q, d, product, power as i32);
    }

    fn unsigned_quotient_64(&self, cx: &mut Cx, divisor: u64, d: VReg) {
        let x = cx.put(self.dividend);
        if divisor >> 63 != 0 {
            rule!(cx, "udiv.compare");
            let (divisor, zero) = (constant_register(cx, divisor), cx.tmp(RegClass::Int));
            rows::zero_r(cx, zero);
            rows::cmp_rm(cx, Q, x, divisor);
            rows::set_rz(cx, d, zero, Cond::Ae);
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
            // What is left of the dividend has fewer bits, for which a smaller multiplier does.
            rule!(cx, "udiv.even");
            let x = shifted_right(cx, x, zeros);
            let (factor, power) = multiplier(divisor >> zeros, 64 - zeros, 64);
            let high = high_product(cx, x, factor as u64);
            shift_or_alias(cx, d, high, power - 64);
            return;
        }
        // A multiplier of 65 bits: its top bit adds the dividend, halved so that the sum fits.
        rule!(cx, "udiv.multiply_add");
        let high = high_product(cx, x, factor as u64);
        let (rest, sum) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        rows::sub_rm(cx, Q, rest, x, high);
        let half = shifted_right(cx, rest, 1);
        rows::add_rm(cx, Q, sum, half, high);
        shift_or_alias(cx, d, sum, power - 65);
    }

    fn signed_quotient(&self, cx: &mut Cx, divisor: i64, d: VReg) {
        if divisor == -1 {
            rule!(cx, "sdiv.negate");
            let x = cx.put(self.dividend);
            rows::neg_r(cx, exact_size(self.ty), d, x);
            trap_on(cx, Test::One(Cond::O), TrapCode::INTEGER_OVERFLOW);
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
        let sign = cx.tmp(RegClass::Int);
        rows::sar_ri(cx, Q, sign, x, 63);
        match divisor > 0 {
            true => rows::sub_rm(cx, self.size(), d, rounded_down, sign),
            false => rows::sub_rm(cx, self.size(), d, sign, rounded_down),
        }
    }

    /// The dividend, extended to 64 bits, and its quotient by a magnitude, one too low if it is negative.
    fn signed_product_32(&self, cx: &mut Cx, magnitude: u64) -> (VReg, VReg) {
        let bits = self.ty.bits();
        let x = put_extended_wide(cx, self.dividend, true);
        let (factor, power) = multiplier(magnitude, bits - 1, bits);
        let (product, quotient) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        multiply(cx, Q, product, x, factor as i64);
        rows::sar_ri(cx, Q, quotient, product, power as i32);
        (x, quotient)
    }

    /// The same of 64 bits.
    fn signed_product_64(&self, cx: &mut Cx, magnitude: u64) -> (VReg, VReg) {
        let x = cx.put(self.dividend);
        let (factor, power) = multiplier(magnitude, 63, 64);
        let factor_register = constant_register(cx, factor as u64);
        let (low, mut high) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        rows::imul_wide(cx, Q, low, high, factor_register, x);
        if factor >> 63 != 0 {
            // As a signed number it counted as 2^64 too little.
            let sum = cx.tmp(RegClass::Int);
            rows::add_rm(cx, Q, sum, high, x);
            high = sum;
        }
        let quotient = cx.tmp(RegClass::Int);
        rows::sar_ri(cx, Q, quotient, high, power as i32 - 64);
        (x, quotient)
    }

    /// The dividend in the operation's size plus what makes shifting it round towards zero.
    fn biased(&self, cx: &mut Cx, magnitude: u64) -> (VReg, VReg) {
        let size = self.size();
        let width = size.bits();
        let x = put_extended(cx, self.dividend, true);
        let shift = magnitude.trailing_zeros();
        let (bias, sum) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        if shift == 1 {
            rows::shr_ri(cx, size, bias, x, width as i32 - 1);
        } else {
            let sign = cx.tmp(RegClass::Int);
            rows::sar_ri(cx, size, sign, x, width as i32 - 1);
            rows::shr_ri(cx, size, bias, sign, (width - shift) as i32);
        }
        rows::add_rm(cx, size, sum, bias, x);
        (x, sum)
    }

    fn signed_shift(&self, cx: &mut Cx, magnitude: u64, negative: bool, d: VReg) {
        let size = self.size();
        if magnitude == 1 {
            let x = cx.put(self.dividend);
            rows::mov_rm(cx, size, d, x);
            return;
        }
        let (_, sum) = self.biased(cx, magnitude);
        let shift = magnitude.trailing_zeros() as i32;
        if !negative {
            rows::sar_ri(cx, size, d, sum, shift);
            return;
        }
        let quotient = cx.tmp(RegClass::Int);
        rows::sar_ri(cx, size, quotient, sum, shift);
        rows::neg_r(cx, size, d, quotient);
    }

    fn signed_remainder(&self, cx: &mut Cx, divisor: i64) {
        let magnitude = divisor.unsigned_abs();
        if magnitude == 1 {
            rows::zero_r(cx, self.d);
            return;
        }
        if !magnitude.is_power_of_two() {
            let quotient = cx.tmp(RegClass::Int);
            self.signed_quotient(cx, magnitude as i64, quotient);
            let x = cx.put(self.dividend);
            self.remainder(cx, x, quotient, magnitude as i64);
            return;
        }
        rule!(cx, "srem.power_of_two");
        let size = self.size();
        let (x, sum) = self.biased(cx, magnitude);
        let multiple = cx.tmp(RegClass::Int);
        match i32::try_from((magnitude as i64).wrapping_neg()) {
            Ok(mask) => rows::and_ri(cx, size, multiple, sum, mask),
            Err(_) => {
                let quotient = cx.tmp(RegClass::Int);
                let shift = magnitude.trailing_zeros() as i32;
                rows::shr_ri(cx, size, quotient, sum, shift);
                rows::shl_ri(cx, size, multiple, quotient, shift);
            }
        }
        rows::sub_rm(cx, size, self.d, x, multiple);
    }
}

fn shift_or_alias(cx: &mut Cx, d: VReg, a: VReg, amount: u32) {
    match amount {
        0 => cx.alias(d, a),
        _ => rows::shr_ri(cx, Q, d, a, amount as i32),
    }
}
