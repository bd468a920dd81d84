//! Division and remainder, and the high half of products.
//!
//! The processor has one exception for division by zero and for a quotient that does not fit, CLIF two trap
//! codes. Up to 32 bits the quotient of signed numbers always fits 64, so that the instruction traps for zero only, and the
//! overflow is found in the quotient. Of 64 bits, zero is checked before; for the remainder of the lowest integer
//! by -1, which is 0 in CLIF, a divisor of -1 is replaced by 1. i128 is divided by library routines.

use super::super::cond::Cond;
use super::super::{S390x, rows};
use super::compare::{Test, trap_if_zero, trap_on};
use super::operands::*;
use super::{field, int, logic, shift};
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::call::{LibcallValue, wide_libcall};
use crate::lower::context::Unsupported;
use crate::lower::divide_constant;
use crate::lower::divide_constant::DivisionLowering;
use crate::lower::wide::{Pair, result};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;
use crate::machine::symbol::LibCall;
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

const ZERO: TrapCode = TrapCode::INTEGER_DIVISION_BY_ZERO;
const OVERFLOW: TrapCode = TrapCode::INTEGER_OVERFLOW;

/// udiv, sdiv, urem, srem.
pub fn divide(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    if data.ty == types::I128 {
        divide_wide(cx, inst, &data);
        return Ok(());
    }
    if divide_constant::divide(cx, inst, &data) {
        return Ok(());
    }
    let d = cx.def(inst);
    let other = cx.tmp(RegClass::Int);
    let (quotient, remainder) = match data.opcode {
        Opcode::Udiv | Opcode::Sdiv => (d, other),
        _ => (other, d),
    };
    match (data.opcode, data.ty) {
        (Opcode::Udiv | Opcode::Urem, _) => divide_unsigned(cx, &data, quotient, remainder),
        (_, types::I64) => divide_signed_64(cx, &data, quotient, remainder),
        _ => divide_signed_32(cx, &data, quotient, remainder),
    }
    Ok(())
}

fn divide_unsigned(cx: &mut Cx, data: &InstData, quotient: VReg, remainder: VReg) {
    let size = alu_size(data.ty);
    let memory = if data.ty.bits() >= 32 { sink_load(cx, Value(data.b), data.ty) } else { None };
    let low = put_extended(cx, Value(data.a), false);
    match memory {
        Some(m) => {
            let high = cx.constant_register(0);
            rows::dl_rm(cx, size, remainder, quotient, high, low, m, ZERO.0);
        }
        None => {
            let divisor = put_extended(cx, Value(data.b), false);
            let high = cx.constant_register(0);
            rows::dl_rr(cx, size, remainder, quotient, high, low, divisor, ZERO.0);
        }
    }
}

fn divide_signed_32(cx: &mut Cx, data: &InstData, quotient: VReg, remainder: VReg) {
    let memory = if data.ty == types::I32 { sink_load(cx, Value(data.b), data.ty) } else { None };
    let dividend = put_extended_wide(cx, Value(data.a), true);
    match memory {
        Some(m) => rows::dsgf_rm(cx, remainder, quotient, dividend, m, ZERO.0),
        None => {
            let divisor = put_extended(cx, Value(data.b), true);
            rows::dsgf_rr(cx, remainder, quotient, dividend, divisor, ZERO.0);
        }
    }
    if data.opcode == Opcode::Sdiv {
        // The quotient has 64 bits: this is the only one that is too large.
        let limit = 1i64 << (data.ty.bits() - 1);
        rows::clfi_ri(cx, G, quotient, limit as i32);
        trap_on(cx, Test::Code(Cond::E), OVERFLOW);
    }
}

fn divide_signed_64(cx: &mut Cx, data: &InstData, quotient: VReg, remainder: VReg) {
    let dividend = cx.put(Value(data.a));
    let divisor = cx.put(Value(data.b));
    if data.opcode == Opcode::Sdiv {
        trap_if_zero(cx, G, divisor, ZERO);
        rows::dsg_rr(cx, remainder, quotient, dividend, divisor, OVERFLOW.0);
        return;
    }
    let replaced = cx.tmp(RegClass::Int);
    rows::chi_ri(cx, G, divisor, -1);
    rows::lochi_ri(cx, G, replaced, divisor, 1, Cond::E);
    rows::dsg_rr(cx, remainder, quotient, dividend, replaced, ZERO.0);
}

fn divide_wide(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = result(cx, inst);
    let divisor = cx.wide_constant(Value(data.b));
    let a = cx.put_pair(Value(data.a));
    let b = cx.put_pair(Value(data.b));
    if divisor.is_none_or(|divisor| divisor == 0) {
        let either = cx.tmp(RegClass::Int);
        rows::o_rrr(cx, G, either, b.0, b.1);
        trap_on(cx, Test::Code(Cond::E), ZERO);
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
    wide_libcall(cx, routine, &[LibcallValue::Wide(a), LibcallValue::Wide(b)], LibcallValue::Wide(d));
}

/// Traps if `a` is the lowest i128 and `b` is -1: if what differs from that is zero.
fn trap_if_lowest_by_minus_one(cx: &mut Cx, a: Pair, b: Pair) {
    let [top, dividend, ones, divisor, either] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    rows::xihf(cx, top, a.1, i32::MIN);
    rows::o_rrr(cx, G, dividend, top, a.0);
    rows::n_rrr(cx, G, ones, b.0, b.1);
    logic::push_complement(cx, G, divisor, ones, false);
    rows::o_rrr(cx, G, either, dividend, divisor);
    trap_on(cx, Test::Code(Cond::E), OVERFLOW);
}

/// umulhi and smulhi up to 64 bits.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Smulhi;
    let d = cx.def(inst);
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    if data.ty != types::I64 {
        rule!(cx, "mulhi.narrow");
        let a = put_extended_wide(cx, a, signed);
        let b = put_extended_wide(cx, b, signed);
        let product = cx.tmp(RegClass::Int);
        rows::ms_rrr(cx, G, product, a, b);
        rows::srl_rri(cx, G, d, product, data.ty.bits() as i32);
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

fn size(bits: u32) -> OperandSize {
    OperandSize::from_bits(bits)
}

impl DivisionLowering for S390x {
    fn put_extended(cx: &mut Cx, value: Value, signed: bool, bits: u32) -> VReg {
        put_extended_to(cx, value, signed, bits)
    }

    fn copy(cx: &mut Cx, _: u32, d: VReg, a: VReg) {
        cx.alias(d, a);
    }

    fn add(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        int::ADD.push(cx, size(bits), d, a, int::Operand::Register(b), true);
    }

    fn subtract(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        int::SUB.push(cx, size(bits), d, a, int::Operand::Register(b), false);
    }

    fn negate(cx: &mut Cx, bits: u32, d: VReg, a: VReg) {
        rows::lc_rr(cx, size(bits), d, a);
    }

    fn negate_or_trap(cx: &mut Cx, ty: Type, d: VReg, a: VReg) {
        if ty.bits() >= 32 {
            rows::lc_rr(cx, size(ty.bits()), d, a);
            trap_on(cx, Test::Code(Cond::O), OVERFLOW);
            return;
        }
        // Only the lowest value is its own negation and not zero.
        let extended = cx.tmp(RegClass::Int);
        extend_register(cx, extended, a, ty, true);
        rows::chi_ri(cx, W, extended, -1 << (ty.bits() - 1));
        trap_on(cx, Test::Code(Cond::E), OVERFLOW);
        rows::lc_rr(cx, W, d, extended);
    }

    fn mask(cx: &mut Cx, bits: u32, d: VReg, a: VReg, mask: i64) {
        // In 32 bits anything may be above.
        let mask = if bits == 32 && mask > 0 { mask as u32 as u64 } else { mask as u64 };
        field::push(cx, d, a, 0, mask);
    }

    fn shift(cx: &mut Cx, bits: u32, opcode: Opcode, d: VReg, a: VReg, amount: u32) {
        shift::shift_register(cx, size(bits), opcode, d, a, amount as i32);
    }

    fn multiply(cx: &mut Cx, bits: u32, d: VReg, a: VReg, factor: i64) {
        int::multiply_by(cx, size(bits), d, a, factor);
    }

    fn multiply_high(cx: &mut Cx, signed: bool, d: VReg, a: VReg, factor: u64) {
        let factor = cx.constant_register(factor);
        let low = cx.tmp(RegClass::Int);
        match signed {
            true => rows::mg_rrr(cx, d, low, factor, a),
            false => rows::mlg_rr(cx, d, low, factor, a),
        }
    }

    fn at_least(cx: &mut Cx, d: VReg, a: VReg, limit: u64) {
        let limit = cx.constant_register(limit);
        let zero = cx.constant_register(0);
        rows::cl_rr(cx, G, a, limit);
        rows::lochi_ri(cx, G, d, zero, 1, Cond::Eh);
    }
}
