//! Arithmetic with carry and overflow.
//!
//! For 32 and 64 bits, the condition code tells carry, borrow and overflow. Narrower arithmetic, and that of
//! 32 bits with a carry, is done in 64 bits, where the exact result shows whether it fits. There is no signed
//! arithmetic with carry; for 64 and 128 bits, the signs of operands and result tell the overflow.

use super::compare::{TEST_HALF, Test};
use super::field::only_half;
use super::inputs::*;
use super::int::push_add_constant;
use super::wide::{BORROW, CARRY, with_carry};
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::Comparisons;
use crate::lower::condition::condition;
use crate::lower::overflow::{OverflowLowering, fuse_before};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{Q64, alu_size};
use crate::rule;

impl OverflowLowering for S390x {
    fn overflowing(cx: &mut Cx, inst: Inst, chain: u32) -> Test {
        let data = cx.f.insts[inst];
        let value = Value(cx.f.inst_results(inst)[0]);
        let carry = data.opcode.takes_carry().then_some(Value(data.c));
        if matches!(data.opcode, Opcode::UmulOverflow | Opcode::SmulOverflow) {
            return Test::Code(multiply(cx, &data, value));
        }
        Test::Code(match (data.ty, carry) {
            (types::I8 | types::I16, _) | (types::I32, Some(_)) => in_wider(cx, &data, value, carry),
            (types::I32 | types::I64, None) => without_carry(cx, &data, value),
            (types::I64, Some(_)) | (types::I128, _) => by_halves(cx, inst, value, carry, chain),
            (other, _) => unexpected(other),
        })
    }
}

/// Pushes arithmetic of 32 or 64 bits without carry; returns the condition that it overflowed.
fn without_carry(cx: &mut Cx, data: &InstData, value: Value) -> Cond {
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let subtracts = data.opcode.overflow_subtracts();
    if !subtracts {
        (a, b) = cx.commute(a, b);
    }
    let (alu, cond) = match (data.opcode.overflow_is_signed(), subtracts) {
        (true, false) => (&ADD, Cond::O),
        (true, true) => (&SUB, Cond::O),
        (false, false) => (&ADD_LOGICAL, CARRY),
        (false, true) => (&SUB_LOGICAL, BORROW),
    };
    let size = alu_size(data.ty);
    let overwrite = cx.dies_here(a);
    let d = cx.reg(value);
    if let Some(imm) = imm16(cx, b).filter(|_| !subtracts) {
        rule!(cx, "overflow.imm");
        let a = cx.put(a);
        match data.opcode.overflow_is_signed() {
            true => push_add_constant(cx, size, d, a, imm, overwrite),
            false => rows::alhsi_rri(cx, size, d, a, imm),
        }
        return cond;
    }
    let b = alu.input(cx, b, data.ty);
    let a = cx.put(a);
    alu.push(cx, size, d, a, b, overwrite);
    cond
}

/// Pushes arithmetic of up to 32 bits, in 64 bits; returns the condition that it overflowed.
fn in_wider(cx: &mut Cx, data: &InstData, value: Value, carry: Option<Value>) -> Cond {
    let signed = data.opcode.overflow_is_signed();
    let alu = if data.opcode.overflow_subtracts() { &SUB } else { &ADD };
    let carry = carry.map(|carry| carry_bit(cx, carry));
    let a = put_extended_to_64(cx, Value(data.a), signed);
    let b = put_extended_to_64(cx, Value(data.b), signed);
    let d = cx.reg(value);
    match carry {
        None => alu.push(cx, Q64, d, a, Input::Register(b), false),
        Some(carry) => {
            let sum = cx.tmp(RegClass::Int);
            alu.push(cx, Q64, sum, a, Input::Register(b), false);
            alu.push(cx, Q64, d, sum, Input::Register(carry), false);
        }
    }
    match signed {
        true => fits_signed(cx, d, data.ty),
        false => {
            // This bit is set in a sum that is too large and in a negative difference.
            let (number, half) = only_half(1 << data.ty.bits()).expect("a single bit is in one halfword");
            TEST_HALF[number as usize](cx, d, half as i32);
            Cond::Lho
        }
    }
}

/// Tests whether a 64-bit result does not fit a signed type.
fn fits_signed(cx: &mut Cx, result: VReg, ty: Type) -> Cond {
    let extended = cx.tmp(RegClass::Int);
    extend_register(cx, extended, result, ty, true);
    rows::c_rr(cx, Q64, extended, result);
    Cond::Lh
}

/// Asks for a carry as 0 or 1, in 64 bits.
fn carry_bit(cx: &mut Cx, carry: Value) -> VReg {
    let is_bool = cx.def_inst(carry).is_some_and(|inst| {
        let opcode = cx.f.insts[inst].opcode;
        matches!(opcode, Opcode::Icmp | Opcode::Fcmp)
            || opcode.gives_overflow() && Value(cx.f.inst_results(inst)[1]) == carry
    });
    if is_bool || cx.constant(carry).is_some_and(|bits| bits <= 1) {
        return cx.put(carry);
    }
    let d = cx.tmp(RegClass::Int);
    let test = condition(cx, carry, false);
    S390x::set(cx, d, test);
    d
}

/// Pushes arithmetic of 64 bits with carry, or of i128; returns the condition that it overflowed.
fn by_halves(cx: &mut Cx, inst: Inst, value: Value, carry: Option<Value>, chain: u32) -> Cond {
    let data = cx.f.insts[inst];
    let subtract = data.opcode.overflow_subtracts();
    let (d, d_high) = cx.parts(value);
    let (a, a_high) = cx.put_parts(Value(data.a));
    let (b, b_high) = cx.put_parts(Value(data.b));
    match carry {
        Some(carry) => {
            set_carry(cx, inst, carry, chain);
            with_carry(cx, subtract, d, a, Input::Register(b));
        }
        None => {
            let alu = if subtract { &SUB_LOGICAL } else { &ADD_LOGICAL };
            alu.push(cx, Q64, d, a, Input::Register(b), false);
        }
    }
    let mut top = (d, a, b);
    if let (Some(d), Some(a), Some(b)) = (d_high, a_high, b_high) {
        with_carry(cx, subtract, d, a, Input::Register(b));
        top = (d, a, b);
    }
    match (data.opcode.overflow_is_signed(), subtract) {
        (true, _) => signs_overflow(cx, subtract, top),
        (false, true) => BORROW,
        (false, false) => CARRY,
    }
}

/// Tests whether the sign of `d = a ± b` is wrong.
fn signs_overflow(cx: &mut Cx, subtract: bool, (d, a, b): (VReg, VReg, VReg)) -> Cond {
    let [of_result, of_operands, both] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    rows::x_rrr(cx, Q64, of_result, d, a);
    rows::x_rrr(cx, Q64, of_operands, b, if subtract { a } else { d });
    rows::n_rrr(cx, Q64, both, of_result, of_operands);
    rows::tmhh(cx, both, 0x8000);
    Cond::Lho
}

/// Sets the condition code that `inst` takes: as after an operation that carried or borrowed if `carry` is
/// not zero, else as after one that did not.
fn set_carry(cx: &mut Cx, inst: Inst, carry: Value, chain: u32) {
    let subtract = cx.f.insts[inst].opcode.overflow_subtracts();
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
            rows::sl_rrr(cx, Q64, d, zero, carry);
        }
        // Adding all ones carries unless `carry` is zero.
        false => rows::alhsi_rri(cx, Q64, d, carry, -1),
    }
}

/// Whether the condition code after `inst` tells the carry or, with `subtract`, the borrow.
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

/// Pushes a multiplication; returns the condition that it overflowed.
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
        rows::chi_ri(cx, Q64, high, 0);
        return Cond::Lh;
    }
    let a = put_extended_to_64(cx, a, signed);
    let b = put_extended_to_64(cx, b, signed);
    rows::ms_rrr(cx, Q64, d, a, b);
    if signed {
        return fits_signed(cx, d, data.ty);
    }
    rows::clfi_ri(cx, Q64, d, (u32::MAX >> (32 - data.ty.bits())) as i32);
    Cond::H
}
