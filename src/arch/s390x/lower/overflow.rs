//! Arithmetic with carry and overflow, and what else is made of conditions: bmask; bitselect on integers.
//!
//! Of 32 and 64 bits, the condition code tells carry, borrow and overflow. Narrower arithmetic is done in 64 bits, where
//! the exact result shows whether it fits; so is that of 32 bits with a carry. There is no signed arithmetic with
//! carry: of 64 and 128 bits, the signs of operands and result tell the overflow.

use super::super::cond::Cond;
use super::super::rows;
use super::compare::{self, TEST_HALF, Test, trap_on};
use super::constant::only_half;
use super::int::{self, Operand};
use super::operands::*;
use super::wide::{self, BORROW, CARRY};
use crate::ir::*;
use crate::lower::context::Unsupported;
use crate::lower::known_values::{gives_overflow, subtracts};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// Lowers an opcode that gives a result and whether it overflowed, and uadd_overflow_trap.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let cond = push(cx, inst, CHAIN);
    if data.opcode == Opcode::UaddOverflowTrap {
        trap_on(cx, Test::Code(cond), data.trap_code());
        return Ok(());
    }
    let flag = Value(cx.f.inst_results(inst)[1]);
    if cx.is_used(flag) {
        let d = cx.reg(flag);
        compare::set(cx, d, Test::Code(cond), 1);
    }
    Ok(())
}

/// How many operations, each taking the carry of the one before, are pushed together.
const CHAIN: u32 = 16;

/// If `inst` comes right before the instruction being lowered and `flag`, used by nothing else, is whether it overflowed:
/// lowers it here, where the condition code is still set for the instruction.
pub fn fuse(cx: &mut Cx, inst: Inst, flag: Value) -> Option<Cond> {
    let next = cx.current();
    fuse_before(cx, inst, flag, next, CHAIN)
}

fn fuse_before(cx: &mut Cx, inst: Inst, flag: Value, next: Inst, chain: u32) -> Option<Cond> {
    cx.sink_overflow(inst, flag, next).then(|| push(cx, inst, chain))
}

/// Whether such an opcode takes its operands as signed.
fn is_signed(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(opcode, SaddOverflow | SsubOverflow | SmulOverflow | SaddOverflowCin | SsubOverflowBin)
}

/// The operand that is the carry or borrow.
fn carry_of(data: &InstData) -> Option<Value> {
    use Opcode::*;
    let takes_one =
        matches!(data.opcode, UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin);
    takes_one.then_some(Value(data.c))
}

/// Pushes the arithmetic of such an opcode; gives the condition that says that it overflowed.
fn push(cx: &mut Cx, inst: Inst, chain: u32) -> Cond {
    let data = cx.f.insts[inst];
    let value = Value(cx.f.inst_results(inst)[0]);
    match (data.opcode, carry_of(&data)) {
        (Opcode::UmulOverflow | Opcode::SmulOverflow, _) => multiply(cx, &data, value),
        (_, None) if data.ty.bits() < 32 => in_wider(cx, &data, value, None),
        (_, Some(carry)) if data.ty.bits() <= 32 => in_wider(cx, &data, value, Some(carry)),
        (_, None) if data.ty != types::I128 => without_carry(cx, &data, value),
        (_, carry) => by_halves(cx, inst, value, carry, chain),
    }
}

fn without_carry(cx: &mut Cx, data: &InstData, value: Value) -> Cond {
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let subtracts = subtracts(data.opcode);
    if !subtracts {
        (a, b) = cx.commute(a, b);
    }
    let (alu, cond) = match (is_signed(data.opcode), subtracts) {
        (true, false) => (&int::ADD, Cond::O),
        (true, true) => (&int::SUB, Cond::O),
        (false, false) => (&int::ADD_LOGICAL, CARRY),
        (false, true) => (&int::SUB_LOGICAL, BORROW),
    };
    let size = alu_size(data.ty);
    let overwrite = cx.dies_here(a);
    let d = cx.reg(value);
    if let Some(imm) = imm16(cx, b).filter(|_| !subtracts) {
        rule!(cx, "overflow.imm");
        let a = cx.put(a);
        match is_signed(data.opcode) {
            true => int::push_add_constant(cx, size, d, a, imm, overwrite),
            false => rows::alhsi_rri(cx, size, d, a, imm),
        }
        return cond;
    }
    let b = alu.operand(cx, b, data.ty);
    let a = cx.put(a);
    alu.push(cx, size, d, a, b, overwrite);
    cond
}

/// Arithmetic of up to 32 bits, in 64.
fn in_wider(cx: &mut Cx, data: &InstData, value: Value, carry: Option<Value>) -> Cond {
    let signed = is_signed(data.opcode);
    let alu = if subtracts(data.opcode) { &int::SUB } else { &int::ADD };
    let carry = carry.map(|carry| carry_bit(cx, carry));
    let a = put_extended_wide(cx, Value(data.a), signed);
    let b = put_extended_wide(cx, Value(data.b), signed);
    let d = cx.reg(value);
    match carry {
        None => alu.push(cx, G, d, a, Operand::Register(b), false),
        Some(carry) => {
            let sum = cx.tmp(RegClass::Int);
            alu.push(cx, G, sum, a, Operand::Register(b), false);
            alu.push(cx, G, d, sum, Operand::Register(carry), false);
        }
    }
    match signed {
        true => fits_signed(cx, d, data.ty),
        false => {
            // Both a sum that is too large and a negative difference have this bit.
            let (number, half) = only_half(1 << data.ty.bits()).expect("it is a single bit");
            TEST_HALF[number as usize](cx, d, half as i32);
            Cond::Lho
        }
    }
}

/// The condition that a result of 64 bits does not fit a signed type.
fn fits_signed(cx: &mut Cx, result: VReg, ty: Type) -> Cond {
    let extended = cx.tmp(RegClass::Int);
    extend_register(cx, extended, result, ty, true);
    rows::c_rr(cx, G, extended, result);
    Cond::Lh
}

/// Whether a carry is there, as 0 or 1 in 64 bits.
fn carry_bit(cx: &mut Cx, carry: Value) -> VReg {
    let is_bool = cx.def_inst(carry).is_some_and(|inst| {
        let opcode = cx.f.insts[inst].opcode;
        matches!(opcode, Opcode::Icmp | Opcode::Fcmp)
            || gives_overflow(opcode) && Value(cx.f.inst_results(inst)[1]) == carry
    });
    if is_bool || cx.constant(carry).is_some_and(|bits| bits <= 1) {
        return cx.put(carry);
    }
    let d = cx.tmp(RegClass::Int);
    let test = compare::condition_on(cx, carry, false);
    compare::set(cx, d, test, 1);
    d
}

/// Arithmetic of 64 bits with carry, and of i128.
fn by_halves(cx: &mut Cx, inst: Inst, value: Value, carry: Option<Value>, chain: u32) -> Cond {
    let data = cx.f.insts[inst];
    let subtract = subtracts(data.opcode);
    let (d, d_high) = cx.parts(value);
    let (a, a_high) = cx.put_parts(Value(data.a));
    let (b, b_high) = cx.put_parts(Value(data.b));
    match carry {
        Some(carry) => {
            set_carry(cx, inst, carry, chain);
            wide::with_carry(cx, subtract, d, a, Operand::Register(b));
        }
        None => {
            let alu = if subtract { &int::SUB_LOGICAL } else { &int::ADD_LOGICAL };
            alu.push(cx, G, d, a, Operand::Register(b), false);
        }
    }
    let mut top = (d, a, b);
    if let (Some(d), Some(a), Some(b)) = (d_high, a_high, b_high) {
        wide::with_carry(cx, subtract, d, a, Operand::Register(b));
        top = (d, a, b);
    }
    match (is_signed(data.opcode), subtract) {
        (true, _) => signs_overflow(cx, subtract, top),
        (false, true) => BORROW,
        (false, false) => CARRY,
    }
}

/// The condition that the sign of `d = a ± b` is wrong.
fn signs_overflow(cx: &mut Cx, subtract: bool, (d, a, b): (VReg, VReg, VReg)) -> Cond {
    let [of_result, of_operands, both] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    rows::x_rrr(cx, G, of_result, d, a);
    rows::x_rrr(cx, G, of_operands, b, if subtract { a } else { d });
    rows::n_rrr(cx, G, both, of_result, of_operands);
    rows::tmhh(cx, both, 0x8000);
    Cond::Lho
}

/// Makes the condition code that of an operation that carried or borrowed, if `carry`, which `inst` takes, is not zero; and
/// else that of one that did not.
fn set_carry(cx: &mut Cx, inst: Inst, carry: Value, chain: u32) {
    let subtract = subtracts(cx.f.insts[inst].opcode);
    if let Some(source) = cx.unique(carry).filter(|&source| chain > 0 && leaves_carry(cx, source, subtract))
        && fuse_before(cx, source, carry, inst, chain - 1).is_some()
    {
        return;
    }
    let carry = carry_bit(cx, carry);
    let d = cx.tmp(RegClass::Int);
    match subtract {
        true => {
            let zero = cx.constant_register(0);
            rows::sl_rrr(cx, G, d, zero, carry);
        }
        // Adding all ones carries unless it is to zero.
        false => rows::alhsi_rri(cx, G, d, carry, -1),
    }
}

/// Whether the condition code after `inst` is that of a carry, or of a borrow if it is to be subtracted.
fn leaves_carry(cx: &Cx, inst: Inst, subtract: bool) -> bool {
    use Opcode::*;
    let data = &cx.f.insts[inst];
    match data.opcode {
        UaddOverflow => !subtract && data.ty.bits() >= 32,
        UsubOverflow => subtract && data.ty.bits() >= 32,
        UaddOverflowCin => !subtract && data.ty.bits() >= 64,
        UsubOverflowBin => subtract && data.ty.bits() >= 64,
        _ => false,
    }
}

fn multiply(cx: &mut Cx, data: &InstData, value: Value) -> Cond {
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let signed = data.opcode == Opcode::SmulOverflow;
    let d = cx.reg(value);
    if signed && data.ty.bits() >= 32 {
        let (a, b) = (cx.put(a), cx.put(b));
        rows::ms_rrr(cx, alu_size(data.ty), d, a, b);
        return Cond::O;
    }
    if data.ty == types::I64 {
        let high = cx.tmp(RegClass::Int);
        let (a, b) = (cx.put(a), cx.put(b));
        rows::mlg_rr(cx, high, d, a, b);
        rows::chi_ri(cx, G, high, 0);
        return Cond::Lh;
    }
    let a = put_extended_wide(cx, a, signed);
    let b = put_extended_wide(cx, b, signed);
    rows::ms_rrr(cx, G, d, a, b);
    if signed {
        return fits_signed(cx, d, data.ty);
    }
    rows::clfi_ri(cx, G, d, (u32::MAX >> (32 - data.ty.bits())) as i32);
    Cond::H
}

/// bmask from any integer to any.
pub fn mask(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    let test = compare::condition(cx, Value(data.a));
    compare::set(cx, d, test, -1);
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
    rows::x_rrr(cx, size, differing, a, b);
    int::AND.push(cx, size, chosen, differing, Operand::Register(mask), true);
    int::XOR.push(cx, size, d, chosen, Operand::Register(b), true);
}
