//! Division, remainder, and the high half of products.
//!
//! The processor's division does not trap: division by zero gives zero, and the lowest integer divided by -1
//! gives itself. So division checks for both before, and remainder for zero only. i8 and i16 are divided in
//! 32 bits, i128 by library routines.

use super::compare::Test;
use super::inputs::*;
use super::int;
use super::shift::shift_left;
use crate::arch::aarch64::operands::{Cond, Shift};
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::Comparisons;
use crate::lower::context::Lowered;
use crate::lower::divide_constant;
use crate::lower::divide_constant::DivisionLowering;
use crate::lower::wide::Pair;
use crate::lower::wide_divide::WideDivision;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size};
use crate::rule;

const ZERO_DIVISOR: TrapCode = TrapCode::INTEGER_DIVISION_BY_ZERO;
const OVERFLOW: TrapCode = TrapCode::INTEGER_OVERFLOW;

/// Lowers udiv, sdiv, urem and srem of up to 64 bits.
pub fn divide(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if !divide_constant::divide(cx, inst, &data) {
        divide_registers(cx, inst, &data);
    }
    Ok(())
}

/// Lowers a division or remainder of registers.
fn divide_registers(cx: &mut Cx, inst: Inst, data: &InstData) {
    let signed = matches!(data.opcode, Opcode::Sdiv | Opcode::Srem);
    let d = cx.def(inst);
    let size = alu_size(data.ty);
    let dividend = put_extended_to_32(cx, Value(data.a), signed);
    let divisor = put_extended_to_32(cx, Value(data.b), signed);
    Aarch64::trap_on(cx, Test::Zero { size, register: divisor, holds_if_zero: true }, ZERO_DIVISOR);
    let narrow = data.ty.bits() < 32;
    if data.opcode == Opcode::Sdiv && !narrow {
        // If the divisor is -1, compare the dividend with 1, which overflows only for the lowest integer.
        CMN.flags(cx, size, divisor, 1);
        rows::ccmp_ri(cx, size, dividend, 1, 0, Cond::Eq);
        Aarch64::trap_on(cx, Test::one(Cond::Vs), OVERFLOW);
    }
    let quotient = match data.opcode {
        Opcode::Udiv | Opcode::Sdiv => d,
        Opcode::Urem | Opcode::Srem => cx.tmp(RegClass::Int),
        other => unexpected(other),
    };
    match signed {
        true => rows::sdiv_rr(cx, size, quotient, dividend, divisor),
        false => rows::udiv_rr(cx, size, quotient, dividend, divisor),
    }
    match data.opcode {
        Opcode::Urem | Opcode::Srem => rows::msub(cx, size, d, quotient, divisor, dividend),
        Opcode::Sdiv if narrow => {
            // The 32-bit quotient is exact, and too large for the type in this case only.
            let (imm, high) = imm12(1 << (data.ty.bits() - 1)).expect("a power of two below 2^24 fits");
            CMP.flags(cx, L32, quotient, Input::Imm(imm, high));
            Aarch64::trap_on(cx, Test::one(Cond::Eq), OVERFLOW);
        }
        _ => {}
    }
}

/// Lowers umulhi and smulhi of up to 64 bits.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Smulhi;
    let d = cx.def(inst);
    let (a, b) = (Value(data.a), Value(data.b));
    if data.ty == types::I64 {
        let (a, b) = (cx.put(a), cx.put(b));
        match signed {
            true => rows::smulh(cx, d, a, b),
            false => rows::umulh(cx, d, a, b),
        }
        return Ok(());
    }
    let (a, b) = (put_extended_to_32(cx, a, signed), put_extended_to_32(cx, b, signed));
    let product = cx.tmp(RegClass::Int);
    match signed {
        true => rows::smull(cx, product, a, b),
        false => rows::umull(cx, product, a, b),
    }
    rows::lsr_ri(cx, Q64, d, product, data.ty.bits() as i32);
    Ok(())
}

impl DivisionLowering for Aarch64 {
    fn negate_or_trap(cx: &mut Cx, ty: Type, d: VReg, a: VReg) {
        let size = alu_size(ty);
        if ty.bits() >= 32 {
            rows::negs_r(cx, size, d, a);
        } else {
            // Moved to the top of the register, its negation overflows as the register's does.
            let up = 32 - ty.bits() as i32;
            let (top, negated) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
            shift_left(cx, size, top, a, up);
            rows::negs_r(cx, size, negated, top);
            rows::lsr_ri(cx, size, d, negated, up);
        }
        Aarch64::trap_on(cx, Test::one(Cond::Vs), OVERFLOW);
    }

    fn at_least(cx: &mut Cx, d: VReg, a: VReg, limit: u64) {
        let limit = cx.constant_register(limit);
        CMP.flags(cx, Q64, a, limit);
        Aarch64::set(cx, d, Test::one(Cond::Hs));
    }

    fn remainder(cx: &mut Cx, bits: u32, d: VReg, x: VReg, quotient: VReg, divisor: i64) {
        let size = OperandSize::from_bits(bits);
        let divisor = cx.kept_constant(register_bits(divisor, size));
        rows::msub(cx, size, d, quotient, divisor, x);
    }

    fn extended_product(cx: &mut Cx, signed: bool, d: VReg, a: Value, factor: i64) -> VReg {
        if signed && factor > i32::MAX as i64 {
            let a = put_extended_to_64(cx, a, true);
            int::multiply_by(cx, Q64, d, a, factor);
            return a;
        }
        rule!(cx, "divide.widening");
        let a = put_extended_to_32(cx, a, signed);
        let factor = cx.kept_constant(factor as u64);
        match signed {
            true => rows::smull(cx, d, a, factor),
            false => rows::umull(cx, d, a, factor),
        }
        a
    }

    fn round_up(cx: &mut Cx, bits: u32, d: VReg, rounded_down: VReg, x: VReg, negated: bool) {
        let (size, sign_bit) = (OperandSize::from_bits(bits), bits as i32 - 1);
        if negated {
            let sign = cx.tmp(RegClass::Int);
            rows::asr_ri(cx, size, sign, x, sign_bit);
            SUB.to(cx, size, d, sign, rounded_down);
        } else {
            ADD.to(cx, size, d, rounded_down, Input::Shifted(x, Shift::Lsr, sign_bit));
        }
    }

    fn bias(cx: &mut Cx, bits: u32, d: VReg, x: VReg, shift: u32) {
        let size = OperandSize::from_bits(bits);
        let mut sign = x;
        if shift > 1 {
            sign = cx.tmp(RegClass::Int);
            rows::asr_ri(cx, size, sign, x, bits as i32 - 1);
        }
        ADD.to(cx, size, d, x, Input::Shifted(sign, Shift::Lsr, (bits - shift) as i32));
    }
}

impl WideDivision for Aarch64 {
    fn trap_if_zero(cx: &mut Cx, a: Pair, code: TrapCode) {
        let register = ORR.in_new(cx, Q64, a.0, a.1);
        Self::trap_on(cx, Test::Zero { size: Q64, register, holds_if_zero: true }, code);
    }

    fn trap_if_lowest_by_minus_one(cx: &mut Cx, a: Pair, b: Pair, code: TrapCode) {
        let ones = AND.in_new(cx, Q64, b.0, b.1);
        // Comparing the dividend with 1 overflows only if it is the lowest i128.
        CMN.flags(cx, Q64, ones, 1);
        rows::ccmp_ri(cx, Q64, a.0, 0, 0, Cond::Eq);
        rows::ccmp_ri(cx, Q64, a.1, 1, 0, Cond::Eq);
        Self::trap_on(cx, Test::one(Cond::Vs), code);
    }
}
