//! Arithmetic with carry and overflow.
//!
//! For 32 and 64 bits, the processor's carry and overflow flags are the results. After a subtraction, carry
//! means that there was no borrow. i8 and i16 are extended first and computed in 32 bits; they overflowed if
//! the result differs from its own extension.

use super::compare::Test;
use super::inputs::*;
use crate::arch::aarch64::operands::{Cond, Shift};
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::ir::*;
use crate::lower::overflow::{OverflowLowering, fuse_before};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size};
use crate::rule;

impl OverflowLowering for Aarch64 {
    fn overflowing(cx: &mut Cx, inst: Inst, chain: u32) -> Test {
        let data = cx.f.insts[inst];
        let value = Value(cx.f.inst_results(inst)[0]);
        if matches!(data.opcode, Opcode::UmulOverflow | Opcode::SmulOverflow) {
            return Test::one(multiply(cx, &data, value));
        }
        let (a, b) = (Value(data.a), Value(data.b));
        let narrow = data.ty.bits() < 32;
        let subtracts = data.opcode.overflow_subtracts();
        let carry = data.opcode.takes_carry();
        if data.ty == types::I128 {
            let d = cx.put_pair(value);
            let (a, b) = (half_registers(cx, a), half_registers(cx, b));
            if carry {
                set_carry(cx, inst, &data, chain);
                with_carry(cx, Q64, subtracts, d.0, a.0, b.0);
            } else {
                let operation = if subtracts { SUBS } else { ADDS };
                operation.to(cx, Q64, d.0, a.0, b.0);
            }
            with_carry(cx, Q64, subtracts, d.1, a.1, b.1);
        } else if narrow {
            let signed = data.opcode.overflow_is_signed();
            let d = cx.reg(value);
            let (a, b) = (put_extended_to_32(cx, a, signed), put_extended_to_32(cx, b, signed));
            if carry {
                set_carry(cx, inst, &data, 0);
                with_carry(cx, L32, subtracts, d, a, b);
            } else {
                let operation = if subtracts { SUB } else { ADD };
                operation.to(cx, L32, d, a, b);
            }
            return Test::one(compare_extension(cx, d, data.ty, signed));
        } else {
            push_registers(cx, inst, &data, value, chain);
        }
        Test::one(match (data.opcode.overflow_is_signed(), subtracts) {
            (true, _) => Cond::Vs,
            (false, true) => Cond::Lo,
            (false, false) => Cond::Hs,
        })
    }
}

/// Pushes an addition or subtraction of 32 or 64 bits that sets the flags.
fn push_registers(cx: &mut Cx, inst: Inst, data: &InstData, value: Value, chain: u32) {
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let subtracts = data.opcode.overflow_subtracts();
    let size = alu_size(data.ty);
    let d = cx.reg(value);
    if data.opcode.takes_carry() {
        let (a, b) = (put_or_zero(cx, a), put_or_zero(cx, b));
        set_carry(cx, inst, data, chain);
        with_carry(cx, size, subtracts, d, a, b);
        return;
    }
    if !subtracts && cx.constant(a).is_some() {
        (a, b) = (b, a);
    }
    let a = cx.put(a);
    let b = match cx.constant(b).and_then(imm12) {
        Some((imm, false)) => Input::from(imm),
        _ => sum_operand(cx, b, data.ty),
    };
    let operation = if subtracts { SUBS } else { ADDS };
    operation.to(cx, size, d, a, b);
}

/// Pushes `d = a ± b ± carry`, which sets the flags.
fn with_carry(cx: &mut Cx, size: OperandSize, subtracts: bool, d: VReg, a: VReg, b: VReg) {
    if subtracts { SBCS } else { ADCS }.to(cx, size, d, a, b);
}

/// Compares a narrow result with its extension, from which it differs after an overflow.
fn compare_extension(cx: &mut Cx, d: VReg, ty: Type, signed: bool) -> Cond {
    CMP.flags(cx, L32, d, Input::Extended(d, extension(ty, signed), 0));
    Cond::Ne
}

/// Sets the carry flag that `inst` takes: set if the carry is not zero, or if the borrow is zero.
fn set_carry(cx: &mut Cx, inst: Inst, data: &InstData, chain: u32) {
    use Opcode::*;
    let carry = Value(data.c);
    let subtracts = data.opcode.overflow_subtracts();
    if let Some(source) = cx.unique(carry)
        && chain > 0
        && cx.f.insts[source].ty.bits() >= 32
        && matches!(
            (cx.f.insts[source].opcode, subtracts),
            (UaddOverflow | UaddOverflowCin, false) | (UsubOverflow | UsubOverflowBin, true)
        )
        && fuse_before(cx, source, carry, inst, chain - 1).is_some()
    {
        return;
    }
    let register = put_extended_to_32(cx, carry, false);
    if subtracts {
        CMP.flags(cx, L32, ZERO, register);
    } else {
        CMP.flags(cx, L32, register, 1);
    }
}

/// Pushes a multiplication; returns the condition that it overflowed.
fn multiply(cx: &mut Cx, data: &InstData, value: Value) -> Cond {
    let (a, b) = (Value(data.a), Value(data.b));
    let signed = data.opcode == Opcode::SmulOverflow;
    let d = cx.reg(value);
    if data.ty == types::I64 {
        let (a, b) = (cx.put(a), cx.put(b));
        let high = cx.tmp(RegClass::Int);
        rows::mul_rr(cx, Q64, d, a, b);
        match signed {
            true => {
                rows::smulh(cx, high, a, b);
                CMP.flags(cx, Q64, high, Input::Shifted(d, Shift::Asr, 63));
            }
            false => {
                rows::umulh(cx, high, a, b);
                CMP.flags(cx, Q64, high, 0);
            }
        }
        return Cond::Ne;
    }
    let (a, b) = (put_extended_to_32(cx, a, signed), put_extended_to_32(cx, b, signed));
    if data.ty.bits() < 32 {
        rows::mul_rr(cx, L32, d, a, b);
        return compare_extension(cx, d, data.ty, signed);
    }
    rule!(cx, "mul_overflow.widening");
    let product = cx.tmp(RegClass::Int);
    match signed {
        true => {
            rows::smull(cx, product, a, b);
            CMP.flags(cx, Q64, product, Input::Extended(product, extension(data.ty, true), 0));
        }
        false => {
            rows::umull(cx, product, a, b);
            TST.flags(cx, Q64, product, mask(0xFFFF_FFFF << 32, Q64));
        }
    }
    rows::mov_r(cx, L32, d, product);
    Cond::Ne
}
