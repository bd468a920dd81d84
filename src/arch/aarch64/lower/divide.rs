//! Division and remainder, the high half of products, and the arithmetic that division by constants is made of.
//!
//! The processor's division does not trap: by zero it gives zero, and the lowest integer by -1 gives itself. So both
//! are checked before, and the remainder needs no check for the second. i8 and i16 are divided in 32 bits, i128 by
//! library routines.

use super::super::Aarch64;
use super::super::operands::{Bitmask, Cond, OperandSize, Shift};
use super::super::rows;
use super::compare::{Condition, Test, set, trap_on};
use super::int;
use super::operands::*;
use crate::ir::*;
use crate::lower::call;
use crate::lower::context::{Lower, Unsupported};
use crate::lower::divide_constant::{self, DivisionLowering};
use crate::lower::wide;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::symbol::LibCall;
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

const ZERO_DIVISOR: TrapCode = TrapCode::INTEGER_DIVISION_BY_ZERO;
const OVERFLOW: TrapCode = TrapCode::INTEGER_OVERFLOW;

/// udiv, sdiv, urem, srem.
pub fn divide(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    if data.ty == types::I128 {
        divide_wide(cx, inst, &data);
    } else if !divide_constant::divide(cx, inst, &data) {
        divide_registers(cx, inst, &data);
    }
    Ok(())
}

fn divide_registers(cx: &mut Cx, inst: Inst, data: &InstData) {
    let signed = matches!(data.opcode, Opcode::Sdiv | Opcode::Srem);
    let d = cx.def(inst);
    let size = alu_size(data.ty);
    let dividend = put_extended(cx, Value(data.a), signed);
    let divisor = put_extended(cx, Value(data.b), signed);
    trap_on(cx, Condition::Zero { size, register: divisor, holds_if_zero: true }, ZERO_DIVISOR);
    let narrow = data.ty.bits() < 32;
    if data.opcode == Opcode::Sdiv && !narrow {
        // The dividend less one overflows only from the lowest; it is compared if the divisor is -1.
        CMN.flags(cx, size, divisor, 1);
        rows::ccmp_ri(cx, size, dividend, 1, 0, Cond::Eq);
        trap_on(cx, Condition::Flags(Test::One(Cond::Vs)), OVERFLOW);
    }
    let quotient = match data.opcode {
        Opcode::Udiv | Opcode::Sdiv => d,
        _ => cx.tmp(RegClass::Int),
    };
    match signed {
        true => rows::sdiv_rr(cx, size, quotient, dividend, divisor),
        false => rows::udiv_rr(cx, size, quotient, dividend, divisor),
    }
    match data.opcode {
        Opcode::Urem | Opcode::Srem => rows::msub(cx, size, d, quotient, divisor, dividend),
        Opcode::Sdiv if narrow => {
            // In 32 bits the quotient is right, and too large in this case only.
            let (imm, high) = imm12(1 << (data.ty.bits() - 1)).expect("a power of two below 2^24 fits");
            CMP.flags(cx, L, quotient, Source::Imm(imm, high));
            trap_on(cx, Condition::Flags(Test::One(Cond::Eq)), OVERFLOW);
        }
        _ => {}
    }
}

fn divide_wide(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = wide::result(cx, inst);
    let divisor = cx.wide_constant(Value(data.b));
    let a = cx.put_pair(Value(data.a));
    let b = cx.put_pair(Value(data.b));
    if divisor.is_none_or(|divisor| divisor == 0) {
        let register = ORR.in_new(cx, Q, b.0, b.1);
        trap_on(cx, Condition::Zero { size: Q, register, holds_if_zero: true }, ZERO_DIVISOR);
    }
    if data.opcode == Opcode::Sdiv && divisor.is_none_or(|divisor| divisor == -1) {
        trap_if_lowest_by_minus_one(cx, a, b);
    }
    let routine = match data.opcode {
        Opcode::Udiv => LibCall::UdivI128,
        Opcode::Sdiv => LibCall::SdivI128,
        Opcode::Urem => LibCall::UremI128,
        _ => LibCall::SremI128,
    };
    rule!(cx, "divide.wide");
    call::libcall(cx, routine, &[a.0, a.1, b.0, b.1], &[d.0, d.1]);
}

/// Traps if `a` is the lowest i128 and `b` is -1.
fn trap_if_lowest_by_minus_one(cx: &mut Cx, a: wide::Pair, b: wide::Pair) {
    let ones = AND.in_new(cx, Q, b.0, b.1);
    // The dividend less one overflows only if its high half does with nothing in the low half.
    CMN.flags(cx, Q, ones, 1);
    rows::ccmp_ri(cx, Q, a.0, 0, 0, Cond::Eq);
    rows::ccmp_ri(cx, Q, a.1, 1, 0, Cond::Eq);
    trap_on(cx, Condition::Flags(Test::One(Cond::Vs)), OVERFLOW);
}

/// umulhi and smulhi up to 64 bits.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Result {
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
    let (a, b) = (put_extended(cx, a, signed), put_extended(cx, b, signed));
    let product = cx.tmp(RegClass::Int);
    match signed {
        true => rows::smull(cx, product, a, b),
        false => rows::umull(cx, product, a, b),
    }
    rows::lsr_ri(cx, Q, d, product, data.ty.bits() as i32);
    Ok(())
}

/// The size of so many bits.
fn size_of(bits: u32) -> OperandSize {
    OperandSize::from_bits(bits)
}

impl DivisionLowering for Aarch64 {
    fn put_extended(cx: &mut Lower<'_, Self>, value: Value, signed: bool, bits: u32) -> VReg {
        match bits {
            64 => put_extended_wide(cx, value, signed),
            _ => put_extended(cx, value, signed),
        }
    }

    fn copy(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg) {
        rows::mov_r(cx, size_of(bits), d, a);
    }

    fn add(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, b: VReg) {
        ADD.to(cx, size_of(bits), d, a, b);
    }

    fn subtract(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, b: VReg) {
        SUB.to(cx, size_of(bits), d, a, b);
    }

    fn negate(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg) {
        NEG.unary(cx, size_of(bits), d, a);
    }

    fn negate_or_trap(cx: &mut Lower<'_, Self>, ty: Type, d: VReg, a: VReg) {
        let size = alu_size(ty);
        if ty.bits() >= 32 {
            rows::negs_r(cx, size, d, a);
        } else {
            // At the top its negation overflows as the register's does.
            let up = 32 - ty.bits() as i32;
            let (top, negated) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
            int::shift_left(cx, size, top, a, up);
            rows::negs_r(cx, size, negated, top);
            rows::lsr_ri(cx, size, d, negated, up);
        }
        trap_on(cx, Condition::Flags(Test::One(Cond::Vs)), OVERFLOW);
    }

    fn mask(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, mask: i64) {
        let size = size_of(bits);
        let mask = bits_of(mask, size);
        match Bitmask::new(mask, size) {
            Some(mask) => AND.to(cx, size, d, a, Source::Mask(mask)),
            None => {
                let mask = cx.constant_register(mask);
                AND.to(cx, size, d, a, mask);
            }
        }
    }

    fn shift(cx: &mut Lower<'_, Self>, bits: u32, opcode: Opcode, d: VReg, a: VReg, amount: u32) {
        let (size, amount) = (size_of(bits), amount as i32);
        match opcode {
            Opcode::Ishl => int::shift_left(cx, size, d, a, amount),
            Opcode::Ushr => rows::lsr_ri(cx, size, d, a, amount),
            _ => rows::asr_ri(cx, size, d, a, amount),
        }
    }

    fn multiply(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, factor: i64) {
        int::multiply_by(cx, size_of(bits), d, a, factor);
    }

    fn multiply_high(cx: &mut Lower<'_, Self>, signed: bool, d: VReg, a: VReg, factor: u64) {
        let factor = cx.constant_register(factor);
        match signed {
            true => rows::smulh(cx, d, a, factor),
            false => rows::umulh(cx, d, a, factor),
        }
    }

    fn at_least(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, limit: u64) {
        let limit = cx.constant_register(limit);
        CMP.flags(cx, Q, a, limit);
        set(cx, d, Test::One(Cond::Hs));
    }

    fn remainder(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, x: VReg, quotient: VReg, divisor: i64) {
        let size = size_of(bits);
        let divisor = cx.constant_register(bits_of(divisor, size));
        rows::msub(cx, size, d, quotient, divisor, x);
    }

    fn extended_product(cx: &mut Lower<'_, Self>, signed: bool, d: VReg, a: Value, factor: i64) -> VReg {
        if signed && factor > i32::MAX as i64 {
            let a = put_extended_wide(cx, a, true);
            int::multiply_by(cx, Q, d, a, factor);
            return a;
        }
        rule!(cx, "divide.widening");
        let a = put_extended(cx, a, signed);
        let factor = cx.constant_register(factor as u64);
        match signed {
            true => rows::smull(cx, d, a, factor),
            false => rows::umull(cx, d, a, factor),
        }
        a
    }

    fn round_up(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, rounded_down: VReg, x: VReg, negated: bool) {
        let (size, sign_bit) = (size_of(bits), bits as i32 - 1);
        if negated {
            let sign = cx.tmp(RegClass::Int);
            rows::asr_ri(cx, size, sign, x, sign_bit);
            SUB.to(cx, size, d, sign, rounded_down);
        } else {
            ADD.to(cx, size, d, rounded_down, Source::Shifted(x, Shift::Lsr, sign_bit));
        }
    }

    fn bias(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, x: VReg, shift: u32) {
        let size = size_of(bits);
        let mut sign = x;
        if shift > 1 {
            sign = cx.tmp(RegClass::Int);
            rows::asr_ri(cx, size, sign, x, bits as i32 - 1);
        }
        ADD.to(cx, size, d, x, Source::Shifted(sign, Shift::Lsr, (bits - shift) as i32));
    }
}
