//! Division, remainder, and the high half of products.
//!
//! The processor has one exception for division by zero and for a quotient that does not fit; CLIF has two
//! trap codes. Up to 32 bits, a signed quotient always fits 64 bits, so the instruction traps for zero only,
//! and overflow is checked in the quotient. For 64 bits, zero is checked before. The remainder of the lowest
//! integer by -1 is 0 in CLIF, so a divisor of -1 is replaced by 1. i128 is divided by library routines.

use super::compare::Test;
use super::inputs::*;
use super::logic::push_complement;
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::compare::Comparisons;
use crate::lower::context::Lowered;
use crate::lower::divide_constant;
use crate::lower::divide_constant::DivisionLowering;
use crate::lower::wide::Pair;
use crate::lower::wide_divide::WideDivision;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, Q64, alu_size, exact_size};
use crate::rule;

const ZERO: TrapCode = TrapCode::INTEGER_DIVISION_BY_ZERO;
const OVERFLOW: TrapCode = TrapCode::INTEGER_OVERFLOW;

/// Lowers udiv, sdiv, urem and srem of up to 64 bits.
pub fn divide(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if divide_constant::divide(cx, inst, &data) {
        return Ok(());
    }
    let d = cx.def(inst);
    let other = cx.tmp(RegClass::Int);
    let (quotient, remainder) = match data.opcode {
        Opcode::Udiv | Opcode::Sdiv => (d, other),
        Opcode::Urem | Opcode::Srem => (other, d),
        other => unexpected(other),
    };
    match (data.opcode, data.ty) {
        (Opcode::Udiv | Opcode::Urem, _) => divide_unsigned(cx, &data, quotient, remainder),
        (Opcode::Sdiv | Opcode::Srem, types::I64) => divide_signed_64(cx, &data, quotient, remainder),
        (Opcode::Sdiv | Opcode::Srem, types::I8 | types::I16 | types::I32) => {
            divide_signed_32(cx, &data, quotient, remainder)
        }
        (other, _) => unexpected(other),
    }
    Ok(())
}

/// Pushes an unsigned division.
fn divide_unsigned(cx: &mut Cx, data: &InstData, quotient: VReg, remainder: VReg) {
    let size = alu_size(data.ty);
    let memory = if data.ty.bits() >= 32 { sink_load(cx, Value(data.b), data.ty) } else { None };
    let low = put_extended_to_32(cx, Value(data.a), false);
    match memory {
        Some(m) => {
            let high = cx.constant_register(0);
            rows::dl_rm(cx, size, remainder, quotient, high, low, m, ZERO.0);
        }
        None => {
            let divisor = put_extended_to_32(cx, Value(data.b), false);
            let high = cx.constant_register(0);
            rows::dl_rr(cx, size, remainder, quotient, high, low, divisor, ZERO.0);
        }
    }
}

/// Pushes a signed division of up to 32 bits.
fn divide_signed_32(cx: &mut Cx, data: &InstData, quotient: VReg, remainder: VReg) {
    let memory = if data.ty == types::I32 { sink_load(cx, Value(data.b), data.ty) } else { None };
    let dividend = put_extended_to_64(cx, Value(data.a), true);
    match memory {
        Some(m) => rows::dsgf_rm(cx, remainder, quotient, dividend, m, ZERO.0),
        None => {
            let divisor = put_extended_to_32(cx, Value(data.b), true);
            rows::dsgf_rr(cx, remainder, quotient, dividend, divisor, ZERO.0);
        }
    }
    if data.opcode == Opcode::Sdiv {
        // The quotient has 64 bits. This is the only one too large for the type.
        let limit = 1i64 << (data.ty.bits() - 1);
        rows::clfi_ri(cx, Q64, quotient, limit as i32);
        S390x::trap_on(cx, Test::Code(Cond::E), OVERFLOW);
    }
}

/// Pushes a signed division of 64 bits.
fn divide_signed_64(cx: &mut Cx, data: &InstData, quotient: VReg, remainder: VReg) {
    let dividend = cx.put(Value(data.a));
    let divisor = cx.put(Value(data.b));
    if data.opcode == Opcode::Sdiv {
        let is_zero = Test::Immediate { size: Q64, signed: true, a: divisor, imm: 0, cond: Cond::E };
        S390x::trap_on(cx, is_zero, ZERO);
        rows::dsg_rr(cx, remainder, quotient, dividend, divisor, OVERFLOW.0);
        return;
    }
    let replaced = cx.tmp(RegClass::Int);
    rows::chi_ri(cx, Q64, divisor, -1);
    rows::lochi_ri(cx, Q64, replaced, divisor, 1, Cond::E);
    rows::dsg_rr(cx, remainder, quotient, dividend, replaced, ZERO.0);
}

/// Lowers umulhi and smulhi of up to 64 bits.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Smulhi;
    let d = cx.def(inst);
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    if data.ty != types::I64 {
        rule!(cx, "mulhi.narrow");
        let a = put_extended_to_64(cx, a, signed);
        let b = put_extended_to_64(cx, b, signed);
        let product = cx.tmp(RegClass::Int);
        rows::ms_rrr(cx, Q64, product, a, b);
        rows::srl_rri(cx, Q64, d, product, data.ty.bits() as i32);
        return Ok(());
    }
    let low = cx.tmp(RegClass::Int);
    match sink_load(cx, b, types::I64) {
        Some(m) => {
            let a = cx.put(a);
            match signed {
                true => rows::mg_rm(cx, d, low, a, m),
                false => rows::mlg_rm(cx, d, low, a, m),
            }
        }
        None => {
            let (a, b) = (cx.put(a), cx.put(b));
            match signed {
                true => rows::mg_rrr(cx, d, low, a, b),
                false => rows::mlg_rr(cx, d, low, a, b),
            }
        }
    }
    Ok(())
}

impl DivisionLowering for S390x {
    fn negate_or_trap(cx: &mut Cx, ty: Type, d: VReg, a: VReg) {
        if ty.bits() >= 32 {
            rows::lc_rr(cx, exact_size(ty), d, a);
            S390x::trap_on(cx, Test::Code(Cond::O), OVERFLOW);
            return;
        }
        // Only the lowest value, other than zero, is its own negation.
        let extended = cx.tmp(RegClass::Int);
        extend_register(cx, extended, a, ty, true);
        rows::chi_ri(cx, L32, extended, -1 << (ty.bits() - 1));
        S390x::trap_on(cx, Test::Code(Cond::E), OVERFLOW);
        rows::lc_rr(cx, L32, d, extended);
    }

    fn at_least(cx: &mut Cx, d: VReg, a: VReg, limit: u64) {
        let limit = cx.constant_register(limit);
        let zero = cx.constant_register(0);
        rows::cl_rr(cx, Q64, a, limit);
        rows::lochi_ri(cx, Q64, d, zero, 1, Cond::Eh);
    }
}

impl WideDivision for S390x {
    fn trap_if_zero(cx: &mut Cx, a: Pair, code: TrapCode) {
        let either = cx.tmp(RegClass::Int);
        rows::o_rrr(cx, Q64, either, a.0, a.1);
        Self::trap_on(cx, Test::Code(Cond::E), code);
    }

    /// Tests the bor of all differences from these operands for zero.
    fn trap_if_lowest_by_minus_one(cx: &mut Cx, a: Pair, b: Pair, code: TrapCode) {
        let [top, dividend, ones, divisor, either] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
        rows::xihf(cx, top, a.1, i32::MIN);
        rows::o_rrr(cx, Q64, dividend, top, a.0);
        rows::n_rrr(cx, Q64, ones, b.0, b.1);
        push_complement(cx, Q64, divisor, ones, false);
        rows::o_rrr(cx, Q64, either, dividend, divisor);
        Self::trap_on(cx, Test::Code(Cond::E), code);
    }
}
