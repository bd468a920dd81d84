//! Arithmetic with carry and overflow, and what else is made of flags: bmask; bitselect on integers.
//!
//! Unlike other arithmetic these operations are done in exactly the type's size, so that the processor's carry
//! and overflow flags are the results asked for.

use super::super::amode::{Cond, OperandSize, Rm};
use super::super::rows;
use super::compare::{Test, trap_on};
use super::int::{self, Alu};
use super::operands::*;
use super::wide::operand;
use crate::ir::*;
use crate::lower::context::Unsupported;
use crate::lower::known_values::subtracts;
use crate::lower::wide;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

const B: OperandSize = OperandSize::B8;
const Q: OperandSize = OperandSize::Q64;

/// Lowers an opcode that gives a result and whether it overflowed, and uadd_overflow_trap.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let cond = push(cx, inst, CHAIN);
    if data.opcode == Opcode::UaddOverflowTrap {
        trap_on(cx, Test::One(cond), data.trap_code());
        return Ok(());
    }
    let flag = Value(cx.f.inst_results(inst)[1]);
    if cx.is_used(flag) {
        let d = cx.reg(flag);
        rows::set_r(cx, d, cond);
    }
    Ok(())
}

/// How many operations, each taking the carry of the one before, are pushed together.
const CHAIN: u32 = 16;

/// If `inst` comes right before the instruction being lowered and `flag`, used by nothing else, is whether it overflowed:
/// lowers it here, where its flags are still set for the instruction.
pub fn fuse(cx: &mut Cx, inst: Inst, flag: Value) -> Option<Cond> {
    let next = cx.current();
    fuse_before(cx, inst, flag, next, CHAIN)
}

fn fuse_before(cx: &mut Cx, inst: Inst, flag: Value, next: Inst, chain: u32) -> Option<Cond> {
    cx.sink_overflow(inst, flag, next).then(|| push(cx, inst, chain))
}

/// Pushes the arithmetic of such an opcode; gives the condition that says that it overflowed.
fn push(cx: &mut Cx, inst: Inst, chain: u32) -> Cond {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    let value = Value(cx.f.inst_results(inst)[0]);
    let cond = match data.opcode {
        UaddOverflow | UsubOverflow | UaddOverflowCin | UsubOverflowBin | UaddOverflowTrap => Cond::B,
        _ => Cond::O,
    };
    let subtracts = subtracts(data.opcode);
    match data.opcode {
        UmulOverflow | SmulOverflow => multiply(cx, &data, value),
        UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin => {
            with_carry(cx, inst, if subtracts { &int::SBB } else { &int::ADC }, value, chain);
        }
        _ if data.ty == types::I128 => {
            let d = cx.put_pair(value);
            wide::add_or_subtract(cx, subtracts, d, (a, b));
        }
        _ => without_carry(cx, subtracts, &data, value),
    }
    cond
}

fn without_carry(cx: &mut Cx, subtracts: bool, data: &InstData, value: Value) {
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    if !subtracts {
        (a, b) = cx.commute(a, b);
    }
    let size = exact_size(data.ty);
    let b = exact_operand(cx, b);
    let a = cx.put(a);
    if subtracts && !cx.is_used(value) {
        rule!(cx, "overflow.compare");
        match b {
            Operand::Imm(imm) => rows::cmp_mi(cx, size, Rm::Reg(a), imm),
            Operand::Rm(b) => rows::cmp_rm(cx, size, a, b),
        }
        return;
    }
    let d = cx.reg(value);
    let alu = if subtracts { &int::SUB } else { &int::ADD };
    alu.push(cx, size, d, a, b);
}

/// An operand of an operation of exactly its size: narrow memory operands too.
fn exact_operand(cx: &mut Cx, value: Value) -> Operand {
    if let Some(imm) = imm32(cx, value) {
        return Operand::Imm(imm);
    }
    match sink_load(cx, value, cx.ty(value)) {
        Some(amode) => Operand::Rm(Rm::Mem(amode)),
        None => Operand::Rm(Rm::Reg(cx.put(value))),
    }
}

fn with_carry(cx: &mut Cx, inst: Inst, alu: &Alu, value: Value, chain: u32) {
    let data = cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    if data.ty == types::I128 {
        let d = cx.put_pair(value);
        let b = wide::halves(cx, b, true);
        let (b_low, b_high) = (operand(cx, b.0), operand(cx, b.1));
        let (a_low, a_high) = cx.put_pair(a);
        set_carry(cx, inst, Value(data.c), chain);
        alu.push(cx, Q, d.0, a_low, b_low);
        alu.push(cx, Q, d.1, a_high, b_high);
        return;
    }
    let d = cx.reg(value);
    let b = exact_operand(cx, b);
    let a = cx.put(a);
    set_carry(cx, inst, Value(data.c), chain);
    alu.push(cx, exact_size(data.ty), d, a, b);
}

/// Sets the carry flag if `carry`, which `inst` takes, is not zero.
fn set_carry(cx: &mut Cx, inst: Inst, carry: Value, chain: u32) {
    use Opcode::*;
    if let Some(source) = cx.unique(carry)
        && matches!(
            cx.f.insts[source].opcode,
            UaddOverflow | UsubOverflow | UaddOverflowCin | UsubOverflowBin
        )
        && chain > 0
        && fuse_before(cx, source, carry, inst, chain - 1).is_some()
    {
        return;
    }
    let carry = cx.put(carry);
    let sum = cx.tmp(RegClass::Int);
    // Adding 255 to the byte carries unless it is zero.
    rows::add_ri(cx, B, sum, carry, -1);
}

fn multiply(cx: &mut Cx, data: &InstData, value: Value) {
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let signed = data.opcode == Opcode::SmulOverflow;
    let size = exact_size(data.ty);
    let d = cx.reg(value);
    if signed
        && size != B
        && let Some(imm) = imm32(cx, b)
    {
        rule!(cx, "smul_overflow.imm");
        let a = cx.put(a);
        rows::imul_rmi(cx, size, d, a, imm);
        return;
    }
    let (a, b) = (cx.put(a), cx.put(b));
    match (signed, size) {
        (false, B) => rows::mulb_wide(cx, d, a, b),
        (true, B) => rows::imulb_wide(cx, d, a, b),
        (false, _) => {
            let high = cx.tmp(RegClass::Int);
            rows::mul_wide(cx, size, d, high, a, b);
        }
        (true, _) => rows::imul_rm(cx, size, d, a, b),
    }
}

/// bmask from any integer to any: negation sets the carry flag unless it is of zero.
pub fn mask(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    let (mut reg, high) = cx.put_parts(source);
    let mut size = exact_size(cx.ty(source));
    if let Some(high) = high {
        let either = cx.tmp(RegClass::Int);
        rows::or_rm(cx, Q, either, reg, high);
        (reg, size) = (either, Q);
    }
    let negated = cx.tmp(RegClass::Int);
    rows::neg_r(cx, size, negated, reg);
    rows::sbb_rm(cx, alu_size(data.ty), d, negated, negated);
    if let Some(d_high) = d_high {
        cx.alias(d_high, d);
    }
    Ok(())
}

/// bitselect on integers: `((a ^ b) & mask) ^ b`.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Result {
    let size = alu_size(cx.f.insts[inst].ty);
    crate::lower::wide::bit_select(cx, inst, |cx, d, mask, a, b| select_bits(cx, size, d, mask, a, b));
    Ok(())
}

fn select_bits(cx: &mut Cx, size: OperandSize, d: VReg, mask: VReg, a: VReg, b: VReg) {
    let (differing, chosen) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::xor_rm(cx, size, differing, a, b);
    rows::and_rm(cx, size, chosen, differing, mask);
    rows::xor_rm(cx, size, d, chosen, b);
}
