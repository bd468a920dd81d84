//! Arithmetic with carry and overflow.
//!
//! Unlike other arithmetic, these operations are done in exactly the type's size, so that the processor's
//! carry and overflow flags are the results.

use super::compare::Test;
use super::inputs::*;
use crate::arch::x86_64::operands::{Cond, Rm};
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::compare::FlagTest;
use crate::lower::overflow::{OverflowLowering, fuse_before};
use crate::lower::wide;
use crate::machine::reg::RegClass;
use crate::machine::size::{B8, L32, O128, Q64, W16, exact_size};
use crate::rule;

impl OverflowLowering for X86_64 {
    fn overflowing(cx: &mut Cx, inst: Inst, chain: u32) -> Test {
        use Opcode::*;
        let data = cx.f.insts[inst];
        let (a, b) = (Value(data.a), Value(data.b));
        let value = Value(cx.f.inst_results(inst)[0]);
        let cond = match data.opcode {
            UaddOverflow | UsubOverflow | UaddOverflowCin | UsubOverflowBin | UaddOverflowTrap => Cond::B,
            SaddOverflow | SsubOverflow | SaddOverflowCin | SsubOverflowBin | UmulOverflow | SmulOverflow => {
                Cond::O
            }
            other => unexpected(other),
        };
        let subtracts = data.opcode.overflow_subtracts();
        match data.opcode {
            UmulOverflow | SmulOverflow => multiply(cx, &data, value),
            UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin => {
                with_carry(cx, inst, if subtracts { &SBB } else { &ADC }, value, chain);
            }
            UaddOverflow | SaddOverflow | UsubOverflow | SsubOverflow | UaddOverflowTrap => {
                match Shape::of(data.ty) {
                    Shape::Wide => {
                        let d = cx.put_pair(value);
                        wide::add_or_subtract(cx, subtracts, d, (a, b));
                    }
                    Shape::Int => without_carry(cx, subtracts, &data, value),
                    other => unexpected(other),
                }
            }
            other => unexpected(other),
        }
        FlagTest::One(cond)
    }
}

/// Pushes an addition or subtraction without carry.
fn without_carry(cx: &mut Cx, subtracts: bool, data: &InstData, value: Value) {
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    if !subtracts {
        (a, b) = cx.commute(a, b);
    }
    let size = exact_size(data.ty);
    let b = exact_input(cx, b);
    let a = cx.put(a);
    if subtracts && !cx.is_used(value) {
        rule!(cx, "overflow.compare");
        match b {
            Input::Imm(imm) => rows::cmp_mi(cx, size, Rm::Reg(a), imm),
            Input::Rm(b) => rows::cmp_rm(cx, size, a, b),
        }
        return;
    }
    let d = cx.reg(value);
    let alu = if subtracts { &SUB } else { &ADD };
    alu.push(cx, size, d, a, b);
}

/// Asks for an operand of an operation of exactly its size, for which narrow loads can be folded too.
fn exact_input(cx: &mut Cx, value: Value) -> Input {
    if let Some(imm) = cx.imm32(value) {
        return Input::Imm(imm);
    }
    match sink_load(cx, value, cx.ty(value)) {
        Some(amode) => Input::Rm(Rm::Mem(amode)),
        None => Input::Rm(Rm::Reg(cx.put(value))),
    }
}

/// Pushes an addition or subtraction with carry.
fn with_carry(cx: &mut Cx, inst: Inst, alu: &AluRows, value: Value, chain: u32) {
    let data = cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    if data.ty == types::I128 {
        let d = cx.put_pair(value);
        let b = wide::halves(cx, b, true);
        let (b_low, b_high) = (half_input(cx, b.0), half_input(cx, b.1));
        let (a_low, a_high) = cx.put_pair(a);
        set_carry(cx, inst, Value(data.c), chain);
        alu.push(cx, Q64, d.0, a_low, b_low);
        alu.push(cx, Q64, d.1, a_high, b_high);
        return;
    }
    let d = cx.reg(value);
    let b = exact_input(cx, b);
    let a = cx.put(a);
    set_carry(cx, inst, Value(data.c), chain);
    alu.push(cx, exact_size(data.ty), d, a, b);
}

/// Sets the carry flag that `inst` takes if `carry` is not zero, else clears it.
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
    // Adding 255 to the low byte carries unless it is zero.
    rows::add_ri(cx, B8, sum, carry, -1);
}

/// Pushes a multiplication.
fn multiply(cx: &mut Cx, data: &InstData, value: Value) {
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let signed = data.opcode == Opcode::SmulOverflow;
    let size = exact_size(data.ty);
    let d = cx.reg(value);
    if signed
        && size != B8
        && let Some(imm) = cx.imm32(b)
    {
        rule!(cx, "smul_overflow.imm");
        let a = cx.put(a);
        rows::imul_rmi(cx, size, d, a, imm);
        return;
    }
    let (a, b) = (cx.put(a), cx.put(b));
    match (signed, size) {
        (false, B8) => rows::mulb_wide(cx, d, a, b),
        (true, B8) => rows::imulb_wide(cx, d, a, b),
        (false, W16 | L32 | Q64) => {
            let high = cx.tmp(RegClass::Int);
            rows::mul_wide(cx, size, d, high, a, b);
        }
        (true, W16 | L32 | Q64) => rows::imul_rm(cx, size, d, a, b),
        (_, O128) => unexpected(size),
    }
}
