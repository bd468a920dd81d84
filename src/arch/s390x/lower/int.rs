//! Integer arithmetic of up to 64 bits, and extensions.
//!
//! i8 and i16 are computed in 32 bits. The bits above a value's type are undefined, unless
//! [`Lower::zero_extends`](crate::lower::context::Lower::zero_extends) says otherwise. An instruction that
//! overwrites an operand is preferred to a longer one with three operands if that operand is not needed any
//! more.

use super::field;
use super::inputs::*;
use super::shift::shift_register;
use crate::arch::s390x::{S390x, rows};
use crate::ir::*;
use crate::lower::address::address;
use crate::lower::context::Lowered;
use crate::lower::vocabulary::{Arithmetic, Extensions};
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, alu_size};
use crate::rule;

impl Extensions for S390x {
    const TRUSTS_EXTENSIONS: bool = true;

    fn zero_extends(data: &InstData, ty: Type) -> bool {
        use Opcode::*;
        match data.opcode {
            Load => matches!(ty, types::I8 | types::I16),
            Uload8 | Uload16 | Uextend | Icmp | Fcmp => true,
            Iconst => data.imm64() >> (ty.bits() - 1) == 0,
            _ => false,
        }
    }

    fn extends_if_asked(opcode: Opcode) -> bool {
        opcode == Opcode::Load
    }

    fn zero_extend(cx: &mut Cx, d: VReg, a: VReg, overwrite: bool) {
        match overwrite {
            true => rows::llgf_t(cx, d, a),
            false => rows::llgf_rr(cx, d, a),
        }
    }
}

impl Arithmetic for S390x {
    fn put_extended(cx: &mut Cx, value: Value, signed: bool, bits: u32) -> VReg {
        put_extended_to(cx, value, signed, bits)
    }

    fn copy(cx: &mut Cx, _: u32, d: VReg, a: VReg) {
        cx.alias(d, a);
    }

    fn add(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        ADD.push(cx, OperandSize::from_bits(bits), d, a, Input::Register(b), true);
    }

    fn subtract(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        SUB.push(cx, OperandSize::from_bits(bits), d, a, Input::Register(b), false);
    }

    fn negate(cx: &mut Cx, bits: u32, d: VReg, a: VReg) {
        rows::lc_rr(cx, OperandSize::from_bits(bits), d, a);
    }

    fn bitwise(cx: &mut Cx, bits: u32, opcode: Opcode, d: VReg, (a, b): (VReg, VReg), overwrite: bool) {
        let size = OperandSize::from_bits(bits);
        alu(opcode).expect("the opcode is bitwise").push(cx, size, d, a, Input::Register(b), overwrite);
    }

    fn mask(cx: &mut Cx, bits: u32, d: VReg, a: VReg, mask: i64) {
        // The bits above 32 are undefined, so the mask may clear them.
        let mask = if bits == 32 && mask > 0 { mask as u32 as u64 } else { mask as u64 };
        field::push(cx, d, a, 0, mask);
    }

    fn shift(cx: &mut Cx, bits: u32, opcode: Opcode, d: VReg, a: VReg, amount: u32) {
        shift_register(cx, OperandSize::from_bits(bits), opcode, d, a, amount as i32);
    }

    fn multiply(cx: &mut Cx, bits: u32, d: VReg, a: VReg, factor: i64) {
        multiply_by(cx, OperandSize::from_bits(bits), d, a, factor);
    }

    fn multiply_high(cx: &mut Cx, signed: bool, d: VReg, a: VReg, factor: u64) {
        let factor = cx.kept_constant(factor);
        let low = cx.tmp(RegClass::Int);
        match signed {
            true => rows::mg_rrr(cx, d, low, factor, a),
            false => rows::mlg_rr(cx, d, low, factor, a),
        }
    }
}

/// Orders the operands of a commutative operation: the one that instructions take in more forms comes second.
fn commute(cx: &Cx, a: Value, b: Value) -> (Value, Value) {
    let (a, b) = cx.commute(a, b);
    let folds = |value: Value| {
        cx.def_inst(value).is_some_and(|inst| match cx.f.insts[inst].opcode {
            Opcode::Sextend | Opcode::Uextend | Opcode::Sload16 | Opcode::Sload32 | Opcode::Uload32 => {
                cx.unique(value).is_some() && !cx.is_used(value)
            }
            _ => false,
        })
    };
    let plain = cx.constant(b).is_none() && cx.sinkable_load(b).is_none();
    if plain && folds(a) && !folds(b) { (b, a) } else { (a, b) }
}

/// Lowers iadd and isub of up to 64 bits.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let adds = data.opcode == Opcode::Iadd;
    if adds {
        (a, b) = commute(cx, a, b);
    }
    let d = cx.def(inst);
    if let Some(constant) = cx.signed_constant(b)
        && let Ok(imm) = i32::try_from(if adds { constant } else { constant.wrapping_neg() })
    {
        return add_constant(cx, inst, d, a, imm);
    }
    if adds && data.ty == types::I64 && add_as_address(cx, inst, d) {
        return Ok(());
    }
    let alu = if adds { &ADD } else { &SUB };
    alu.lower(cx, data.ty, d, (a, b), adds);
    Ok(())
}

/// Lowers the addition of a constant.
fn add_constant(cx: &mut Cx, inst: Inst, d: VReg, a: Value, imm: i32) -> Lowered {
    let ty = cx.f.insts[inst].ty;
    let overwrite = cx.dies_here(a);
    if ty == types::I64 {
        if add_as_address(cx, inst, d) {
            return Ok(());
        }
        let short = i16::try_from(imm).is_ok();
        if !overwrite && (is_short(imm) || !short && (INDEXED.displacement)(imm, 0, false)) {
            rule!(cx, "iadd.address_imm");
            let a = cx.put(a);
            rows::la(cx, d, Amode::base(a, imm));
            return Ok(());
        }
    }
    rule!(cx, "iadd.imm");
    let a = cx.put(a);
    push_add_constant(cx, alu_size(ty), d, a, imm, overwrite);
    Ok(())
}

/// `d = a + imm`, which sets the condition code of a signed addition.
pub fn push_add_constant(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, imm: i32, overwrite: bool) {
    match (i16::try_from(imm), overwrite) {
        (Ok(_), true) => rows::ahi_ri(cx, size, d, a, imm),
        (Ok(_), false) => rows::ahi_rri(cx, size, d, a, imm),
        (Err(_), _) => rows::afi_ri(cx, size, d, a, imm),
    }
}

/// Lowers two additions, one of them of a constant, to an address computation. Returns whether it is one.
fn add_as_address(cx: &mut Cx, inst: Inst, d: VReg) -> bool {
    let data = cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    let constant = cx.signed_constant(b).or(cx.signed_constant(a));
    let fits = |constant: i64| i32::try_from(constant).is_ok_and(|imm| (INDEXED.displacement)(imm, 0, true));
    if data.opcode == Opcode::Isub || constant.is_some_and(|constant| !fits(constant)) {
        return false;
    }
    let adds = |value: Value, of_constant: bool| {
        cx.def_by(value, Opcode::Iadd).is_some_and(|inner| {
            let has_constant = cx.constant(Value(inner.a)).or(cx.constant(Value(inner.b))).is_some();
            cx.unique(value).is_some() && !cx.is_used(value) && has_constant == of_constant
        })
    };
    if !adds(a, constant.is_none()) && !adds(b, constant.is_none()) {
        return false;
    }
    let sum = cx.f.first_result(inst);
    let amode = address(cx, &INDEXED, sum, 0, 0);
    rule!(cx, "iadd.address");
    rows::la(cx, d, amode);
    true
}

/// Lowers ineg of up to 64 bits.
pub fn negate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let a = Value(data.a);
    let d = cx.def(inst);
    match extended_word(cx, a, true) {
        Some(word) => {
            rule!(cx, "ineg.extended");
            let word = cx.put(word);
            rows::lcgf_rr(cx, d, word);
        }
        None => {
            let a = cx.put(a);
            rows::lc_rr(cx, alu_size(data.ty), d, a);
        }
    }
    Ok(())
}

/// Lowers imul of up to 64 bits.
pub fn multiply(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, b) = commute(cx, Value(data.a), Value(data.b));
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    match cx.imm32(b) {
        Some(factor) => {
            let a = cx.put(a);
            multiply_by(cx, size, d, a, factor as i64);
        }
        None => {
            let b = MUL.input(cx, b, data.ty);
            let a = cx.put(a);
            // Both forms have the same length.
            MUL.push(cx, size, d, a, b, false);
        }
    }
    Ok(())
}

/// `d = a * factor`.
pub fn multiply_by(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, factor: i64) {
    if factor > 0 && factor & (factor - 1) == 0 {
        rule!(cx, "imul.shift");
        rows::sll_rri(cx, size, d, a, factor.trailing_zeros() as i32);
    } else if i16::try_from(factor).is_ok() {
        rule!(cx, "imul.imm");
        rows::mhi_ri(cx, size, d, a, factor as i32);
    } else if let Ok(factor) = i32::try_from(factor) {
        rule!(cx, "imul.imm");
        rows::msfi_ri(cx, size, d, a, factor);
    } else {
        let factor = cx.kept_constant(factor as u64);
        rows::ms_rrr(cx, size, d, factor, a);
    }
}

/// Lowers uextend and sextend to at most 64 bits.
pub fn extend(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Sextend;
    let source = Value(data.a);
    let result = cx.f.first_result(inst);
    if is_extended(cx, source, signed) {
        rule!(cx, "extend.free");
        cx.same(result, source);
        return Ok(());
    }
    let d = cx.def(inst);
    if signed || !field::extract(cx, d, result, 2) {
        extend_into(cx, d, source, signed);
    }
    Ok(())
}
