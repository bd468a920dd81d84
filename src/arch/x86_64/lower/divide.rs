//! Division, remainder, and the high half of products.
//!
//! The processor has one exception for division by zero and for a quotient that does not fit; CLIF has two
//! trap codes. Where only one of them is possible, the instruction itself traps with it; otherwise zero is
//! checked before, and the exception is an overflow. The remainder of the lowest integer by -1 is 0 in CLIF
//! but an exception in the processor, so a divisor of -1 is replaced by 1, which leaves the same remainder.
//! i8 and i16 are divided in 32 bits, i128 by library routines. Division by constants is in
//! `lower::divide_constant`.

use super::inputs::*;
use crate::arch::x86_64::operands::Cond;
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::{Comparisons, FlagTest};
use crate::lower::context::Lowered;
use crate::lower::divide_constant;
use crate::lower::divide_constant::DivisionLowering;
use crate::lower::wide::Pair;
use crate::lower::wide_divide::WideDivision;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size, exact_size};
use crate::rule;

const ZERO: TrapCode = TrapCode::INTEGER_DIVISION_BY_ZERO;
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
    let (other, high) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    let (quotient, remainder) = match data.opcode {
        Opcode::Udiv | Opcode::Sdiv => (d, other),
        Opcode::Urem | Opcode::Srem => (other, d),
        other => unexpected(other),
    };
    if !signed {
        rows::zero_r(cx, high);
        rows::div_wide(cx, size, quotient, remainder, dividend, high, divisor, ZERO.0);
        return;
    }
    let narrow = data.ty.bits() < 32;
    let mut fault = ZERO;
    let mut divisor = divisor;
    if !narrow && data.opcode == Opcode::Sdiv {
        rows::test_mr(cx, size, divisor, divisor);
        X86_64::trap_on(cx, FlagTest::One(Cond::E), ZERO);
        fault = OVERFLOW;
    } else if !narrow {
        divisor = without_minus_one(cx, size, divisor);
    }
    match size {
        Q64 => rows::cqto(cx, high, dividend),
        L32 => rows::cltd(cx, high, dividend),
        other => unexpected(other),
    }
    rows::idiv_wide(cx, size, quotient, remainder, dividend, high, divisor, fault.0);
    if narrow && data.opcode == Opcode::Sdiv {
        // The 32-bit quotient is exact, and too large for the type in this case only.
        rows::cmp_mi(cx, L32, quotient, 1 << (data.ty.bits() - 1));
        X86_64::trap_on(cx, FlagTest::One(Cond::E), OVERFLOW);
    }
}

/// Replaces a divisor of -1 by 1.
fn without_minus_one(cx: &mut Cx, size: OperandSize, divisor: VReg) -> VReg {
    let one = cx.constant_register(1);
    let replaced = cx.tmp(RegClass::Int);
    rows::cmp_mi(cx, size, divisor, -1);
    rows::cmov_rm(cx, size, replaced, divisor, one, Cond::E);
    replaced
}

/// Lowers umulhi and smulhi of up to 64 bits.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Smulhi;
    let d = cx.def(inst);
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let ty = data.ty;
    if ty.bits() < 32 {
        rule!(cx, "mulhi.narrow");
        let a = put_extended_to_32(cx, a, signed);
        let b = put_extended_to_32(cx, b, signed);
        let product = cx.tmp(RegClass::Int);
        rows::imul_rm(cx, L32, product, a, b);
        rows::shr_ri(cx, L32, d, product, ty.bits() as i32);
        return Ok(());
    }
    let b = reg_mem(cx, b);
    let a = cx.put(a);
    let low = cx.tmp(RegClass::Int);
    match signed {
        true => rows::imul_wide(cx, exact_size(ty), low, d, a, b),
        false => rows::mul_wide(cx, exact_size(ty), low, d, a, b),
    }
    Ok(())
}

impl DivisionLowering for X86_64 {
    fn negate_or_trap(cx: &mut Cx, ty: Type, d: VReg, a: VReg) {
        rows::neg_r(cx, exact_size(ty), d, a);
        X86_64::trap_on(cx, FlagTest::One(Cond::O), TrapCode::INTEGER_OVERFLOW);
    }

    fn at_least(cx: &mut Cx, d: VReg, a: VReg, limit: u64) {
        let (limit, zero) = (cx.constant_register(limit), cx.tmp(RegClass::Int));
        rows::zero_r(cx, zero);
        rows::cmp_rm(cx, Q64, a, limit);
        rows::set_rz(cx, d, zero, Cond::Ae);
    }
}

impl WideDivision for X86_64 {
    fn trap_if_zero(cx: &mut Cx, a: Pair, code: TrapCode) {
        let either = cx.tmp(RegClass::Int);
        rows::or_rm(cx, Q64, either, a.0, a.1);
        Self::trap_on(cx, FlagTest::One(Cond::E), code);
    }

    /// Tests the bor of all differences from these operands for zero.
    fn trap_if_lowest_by_minus_one(cx: &mut Cx, a: Pair, b: Pair, code: TrapCode) {
        let [top, dividend, ones, divisor, either] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
        rows::btc_ri(cx, Q64, top, a.1, 63);
        rows::or_rm(cx, Q64, dividend, top, a.0);
        rows::and_rm(cx, Q64, ones, b.0, b.1);
        rows::not_r(cx, Q64, divisor, ones);
        rows::or_rm(cx, Q64, either, dividend, divisor);
        Self::trap_on(cx, FlagTest::One(Cond::E), code);
    }
}
