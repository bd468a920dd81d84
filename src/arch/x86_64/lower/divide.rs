//! Division and remainder, and the high half of products.
//!
//! The processor has one fault for division by zero and for a quotient that does not fit, CLIF two trap
//! codes. Where only one of them is possible the instruction itself traps with it; otherwise zero is checked before
//! and the fault is an overflow. The remainder of the lowest integer by -1 is 0 in CLIF and a fault in the processor:
//! as a divisor, -1 is replaced by 1, which leaves the same remainder.
//! i8 and i16 are divided in 32 bits, i128 by library routines; for constant divisors see `divide_constant`.

use super::super::amode::{Cond, OperandSize};
use super::super::rows;
use super::compare::{Test, trap_on};
use super::operands::*;
use super::wide;
use crate::ir::*;
use crate::lower::call;
use crate::lower::context::Unsupported;
use crate::lower::divide_constant;
use crate::lower::wide::{Pair, result};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::symbol::LibCall;
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

const L: OperandSize = OperandSize::L32;
const Q: OperandSize = OperandSize::Q64;
const ZERO: TrapCode = TrapCode::INTEGER_DIVISION_BY_ZERO;
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
    let (other, high) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    let (quotient, remainder) = match data.opcode {
        Opcode::Udiv | Opcode::Sdiv => (d, other),
        _ => (other, d),
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
        trap_on(cx, Test::One(Cond::E), ZERO);
        fault = OVERFLOW;
    } else if !narrow {
        divisor = without_minus_one(cx, size, divisor);
    }
    match size {
        Q => rows::cqto(cx, high, dividend),
        _ => rows::cltd(cx, high, dividend),
    }
    rows::idiv_wide(cx, size, quotient, remainder, dividend, high, divisor, fault.0);
    if narrow && data.opcode == Opcode::Sdiv {
        // In 32 bits the quotient is right, and too large in this case only.
        rows::cmp_mi(cx, L, quotient, 1 << (data.ty.bits() - 1));
        trap_on(cx, Test::One(Cond::E), OVERFLOW);
    }
}

/// The divisor, or 1 if it is -1.
fn without_minus_one(cx: &mut Cx, size: OperandSize, divisor: VReg) -> VReg {
    let one = cx.constant_register(1);
    let replaced = cx.tmp(RegClass::Int);
    rows::cmp_mi(cx, size, divisor, -1);
    rows::cmov_rm(cx, size, replaced, divisor, one, Cond::E);
    replaced
}

fn divide_wide(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = result(cx, inst);
    let divisor = cx.wide_constant(Value(data.b));
    let a = cx.put_pair(Value(data.a));
    let b = cx.put_pair(Value(data.b));
    if divisor.is_none_or(|divisor| divisor == 0) {
        let either = cx.tmp(RegClass::Int);
        rows::or_rm(cx, Q, either, b.0, b.1);
        trap_on(cx, Test::One(Cond::E), ZERO);
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

/// Traps if `a` is the lowest i128 and `b` is -1: if what differs from that is zero.
fn trap_if_lowest_by_minus_one(cx: &mut Cx, a: Pair, b: Pair) {
    let [top, dividend, ones, divisor, either] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    rows::btc_ri(cx, Q, top, a.1, 63);
    rows::or_rm(cx, Q, dividend, top, a.0);
    rows::and_rm(cx, Q, ones, b.0, b.1);
    rows::not_r(cx, Q, divisor, ones);
    rows::or_rm(cx, Q, either, dividend, divisor);
    trap_on(cx, Test::One(Cond::E), OVERFLOW);
}

/// umulhi and smulhi up to 64 bits.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Smulhi;
    let d = cx.def(inst);
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let ty = data.ty;
    if ty.bits() < 32 {
        rule!(cx, "mulhi.narrow");
        let a = put_extended(cx, a, signed);
        let b = put_extended(cx, b, signed);
        let product = cx.tmp(RegClass::Int);
        rows::imul_rm(cx, L, product, a, b);
        rows::shr_ri(cx, L, d, product, ty.bits() as i32);
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

/// The value extended from its type to 64 bits.
pub fn put_extended_wide(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    if cx.ty(value) == types::I64 || !signed && cx.zero_extends(value) {
        return cx.put(value);
    }
    let d = cx.tmp(RegClass::Int);
    wide::extend_into(cx, d, value, signed);
    d
}
