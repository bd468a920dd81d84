//! Arithmetic with carry and overflow.
//!
//! Of 32 and 64 bits the processor's carry and overflow flags are the results asked for; after a subtraction carry means
//! that there was no borrow. i8 and i16 are extended first, computed in 32 bits, and have overflowed if the result's
//! extension is not itself.

use super::super::operands::{Cond, OperandSize, Shift};
use super::super::regs::ZERO;
use super::super::rows;
use super::compare::{Condition, Test, set, trap_on};
use super::operands::*;
use super::wide;
use crate::ir::*;
use crate::lower::context::Unsupported;
use crate::lower::known_values::subtracts;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// Lowers an opcode that gives a result and whether it overflowed, and uadd_overflow_trap.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let cond = push(cx, inst, CHAIN);
    if data.opcode == Opcode::UaddOverflowTrap {
        trap_on(cx, Condition::Flags(Test::One(cond)), data.trap_code());
        return Ok(());
    }
    let flag = Value(cx.f.inst_results(inst)[1]);
    if cx.is_used(flag) {
        let d = cx.reg(flag);
        set(cx, d, Test::One(cond));
    }
    Ok(())
}

/// How many operations, each taking the carry of the one before, are pushed together.
const CHAIN: u32 = 16;

/// If `inst` comes right before the instruction being lowered and `flag`, used by nothing else, is whether it overflowed:
/// lowers it here, where its flags are still set for the instruction.
pub fn fuse(cx: &mut Cx, inst: Inst, flag: Value) -> Option<Cond> {
    let next = cx.current();
    cx.sink_overflow(inst, flag, next).then(|| push(cx, inst, CHAIN))
}

fn is_signed(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(opcode, SaddOverflow | SsubOverflow | SmulOverflow | SaddOverflowCin | SsubOverflowBin)
}

fn takes_carry(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(opcode, UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin)
}

/// Pushes the arithmetic of such an opcode; gives the condition that says that it overflowed.
fn push(cx: &mut Cx, inst: Inst, chain: u32) -> Cond {
    let data = cx.f.insts[inst];
    let value = Value(cx.f.inst_results(inst)[0]);
    if matches!(data.opcode, Opcode::UmulOverflow | Opcode::SmulOverflow) {
        return multiply(cx, &data, value);
    }
    let (a, b) = (Value(data.a), Value(data.b));
    let narrow = data.ty.bits() < 32;
    let subtracts = subtracts(data.opcode);
    let carry = takes_carry(data.opcode);
    if data.ty == types::I128 {
        let d = cx.put_pair(value);
        let (a, b) = (wide::registers(cx, a), wide::registers(cx, b));
        if carry {
            set_carry(cx, inst, &data, chain);
            with_carry(cx, Q, subtracts, d.0, a.0, b.0);
        } else {
            let operation = if subtracts { SUBS } else { ADDS };
            operation.to(cx, Q, d.0, a.0, b.0);
        }
        with_carry(cx, Q, subtracts, d.1, a.1, b.1);
    } else if narrow {
        let signed = is_signed(data.opcode);
        let d = cx.reg(value);
        let (a, b) = (put_extended(cx, a, signed), put_extended(cx, b, signed));
        if carry {
            set_carry(cx, inst, &data, 0);
            with_carry(cx, L, subtracts, d, a, b);
        } else {
            let operation = if subtracts { SUB } else { ADD };
            operation.to(cx, L, d, a, b);
        }
        return compare_extension(cx, d, data.ty, signed);
    } else {
        push_registers(cx, inst, &data, value, chain);
    }
    match (is_signed(data.opcode), subtracts) {
        (true, _) => Cond::Vs,
        (false, true) => Cond::Lo,
        (false, false) => Cond::Hs,
    }
}

/// An addition or subtraction of 32 or 64 bits that sets the flags.
fn push_registers(cx: &mut Cx, inst: Inst, data: &InstData, value: Value, chain: u32) {
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let subtracts = subtracts(data.opcode);
    let size = alu_size(data.ty);
    let d = cx.reg(value);
    if takes_carry(data.opcode) {
        let (a, b) = (put(cx, a), put(cx, b));
        set_carry(cx, inst, data, chain);
        with_carry(cx, size, subtracts, d, a, b);
        return;
    }
    if !subtracts && cx.constant(a).is_some() {
        (a, b) = (b, a);
    }
    let a = cx.put(a);
    let b = match cx.constant(b).and_then(imm12) {
        Some((imm, false)) => Source::from(imm),
        _ => sum_operand(cx, b, data.ty),
    };
    let operation = if subtracts { SUBS } else { ADDS };
    operation.to(cx, size, d, a, b);
}

fn with_carry(cx: &mut Cx, size: OperandSize, subtracts: bool, d: VReg, a: VReg, b: VReg) {
    if subtracts { SBCS } else { ADCS }.to(cx, size, d, a, b);
}

/// Compares a narrow result with what it would be if it had not overflowed.
fn compare_extension(cx: &mut Cx, d: VReg, ty: Type, signed: bool) -> Cond {
    CMP.flags(cx, L, d, Source::Extended(d, extension(ty, signed), 0));
    Cond::Ne
}

/// Sets the carry flag to what `inst` takes: a carry that is not zero, or that there is no borrow.
fn set_carry(cx: &mut Cx, inst: Inst, data: &InstData, chain: u32) {
    use Opcode::*;
    let carry = Value(data.c);
    let subtracts = subtracts(data.opcode);
    if let Some(source) = cx.unique(carry)
        && chain > 0
        && cx.f.insts[source].ty.bits() >= 32
        && matches!(
            (cx.f.insts[source].opcode, subtracts),
            (UaddOverflow | UaddOverflowCin, false) | (UsubOverflow | UsubOverflowBin, true)
        )
        && cx.sink_overflow(source, carry, inst)
    {
        push(cx, source, chain - 1);
        return;
    }
    let register = put_extended(cx, carry, false);
    if subtracts {
        CMP.flags(cx, L, ZERO, register);
    } else {
        CMP.flags(cx, L, register, 1);
    }
}

fn multiply(cx: &mut Cx, data: &InstData, value: Value) -> Cond {
    let (a, b) = (Value(data.a), Value(data.b));
    let signed = data.opcode == Opcode::SmulOverflow;
    let d = cx.reg(value);
    if data.ty == types::I64 {
        let (a, b) = (cx.put(a), cx.put(b));
        let high = cx.tmp(RegClass::Int);
        rows::mul_rr(cx, Q, d, a, b);
        match signed {
            true => {
                rows::smulh(cx, high, a, b);
                CMP.flags(cx, Q, high, Source::Shifted(d, Shift::Asr, 63));
            }
            false => {
                rows::umulh(cx, high, a, b);
                CMP.flags(cx, Q, high, 0);
            }
        }
        return Cond::Ne;
    }
    let (a, b) = (put_extended(cx, a, signed), put_extended(cx, b, signed));
    if data.ty.bits() < 32 {
        rows::mul_rr(cx, L, d, a, b);
        return compare_extension(cx, d, data.ty, signed);
    }
    rule!(cx, "mul_overflow.widening");
    let product = cx.tmp(RegClass::Int);
    match signed {
        true => {
            rows::smull(cx, product, a, b);
            CMP.flags(cx, Q, product, Source::Extended(product, extension(data.ty, true), 0));
        }
        false => {
            rows::umull(cx, product, a, b);
            TST.flags(cx, Q, product, mask(0xFFFF_FFFF << 32, Q));
        }
    }
    rows::mov_r(cx, L, d, product);
    Cond::Ne
}
