//! Integer arithmetic of up to 64 bits, and extensions.
//!
//! i8 and i16 are computed in 32 bits. The bits above a value's type are undefined, unless
//! [`Lower::zero_extends`](crate::lower::context::Lower::zero_extends) says otherwise.

use super::compare::bool_extended;
use super::inputs::*;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::context::Lowered;
use crate::lower::vocabulary::{Arithmetic, Extensions};
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size};
use crate::rule;

impl Extensions for X86_64 {
    fn zero_extends(data: &InstData, ty: Type) -> bool {
        use Opcode::*;
        matches!(
            (data.opcode, ty),
            (Load, types::I8 | types::I16 | types::I32)
                | (Uload8 | Uload16, types::I32)
                | (Iconst, _)
                | (
                    Iadd | Isub
                        | Imul
                        | Ineg
                        | Band
                        | Bor
                        | Bxor
                        | Bnot
                        | Ishl
                        | Ushr
                        | Sshr
                        | Rotl
                        | Rotr
                        | Uextend
                        | Sextend
                        | Udiv
                        | Sdiv
                        | Urem
                        | Srem
                        | Bswap
                        | Iabs,
                    types::I32,
                )
        )
    }

    fn zero_extend(cx: &mut Cx, d: VReg, a: VReg, _: bool) {
        rows::mov_rm(cx, L32, d, Rm::Reg(a));
    }
}

impl Arithmetic for X86_64 {
    fn put_extended(cx: &mut Cx, value: Value, signed: bool, bits: u32) -> VReg {
        match bits {
            64 => put_extended_to_64(cx, value, signed),
            32 => put_extended_to_32(cx, value, signed),
            other => unexpected(other),
        }
    }

    fn copy(cx: &mut Cx, bits: u32, d: VReg, a: VReg) {
        rows::mov_rm(cx, OperandSize::from_bits(bits), d, a);
    }

    fn add(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        rows::add_rm(cx, OperandSize::from_bits(bits), d, a, b);
    }

    fn subtract(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        rows::sub_rm(cx, OperandSize::from_bits(bits), d, a, b);
    }

    fn negate(cx: &mut Cx, bits: u32, d: VReg, a: VReg) {
        rows::neg_r(cx, OperandSize::from_bits(bits), d, a);
    }

    fn bitwise(cx: &mut Cx, bits: u32, opcode: Opcode, d: VReg, (a, b): (VReg, VReg), _: bool) {
        let size = OperandSize::from_bits(bits);
        alu(opcode).expect("the opcode is bitwise").push(cx, size, d, a, Input::Rm(Rm::Reg(b)));
    }

    fn mask(cx: &mut Cx, bits: u32, d: VReg, a: VReg, mask: i64) {
        match i32::try_from(mask) {
            Ok(mask) => rows::and_ri(cx, OperandSize::from_bits(bits), d, a, mask),
            Err(_) => {
                let mask = cx.kept_constant(mask as u64);
                rows::and_rm(cx, OperandSize::from_bits(bits), d, a, mask);
            }
        }
    }

    fn shift(cx: &mut Cx, bits: u32, opcode: Opcode, d: VReg, a: VReg, amount: u32) {
        match opcode {
            Opcode::Ishl => rows::shl_ri(cx, OperandSize::from_bits(bits), d, a, amount as i32),
            Opcode::Ushr => rows::shr_ri(cx, OperandSize::from_bits(bits), d, a, amount as i32),
            Opcode::Sshr => rows::sar_ri(cx, OperandSize::from_bits(bits), d, a, amount as i32),
            other => unexpected(other),
        }
    }

    fn multiply(cx: &mut Cx, bits: u32, d: VReg, a: VReg, factor: i64) {
        match i32::try_from(factor) {
            Ok(imm) => rows::imul_rmi(cx, OperandSize::from_bits(bits), d, a, imm),
            Err(_) => {
                let factor = cx.kept_constant(factor as u64);
                rows::imul_rm(cx, OperandSize::from_bits(bits), d, a, factor);
            }
        }
    }

    fn multiply_high(cx: &mut Cx, signed: bool, d: VReg, a: VReg, factor: u64) {
        let factor = cx.kept_constant(factor);
        let low = cx.tmp(RegClass::Int);
        match signed {
            true => rows::imul_wide(cx, Q64, low, d, factor, a),
            false => rows::mul_wide(cx, Q64, low, d, factor, a),
        }
    }
}

/// Lowers iadd and isub of up to 64 bits.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, b) = operands_in_order(cx, &data);
    let d = cx.def(inst);
    if data.opcode != Opcode::Iadd || !add_by_lea(cx, d, a, b, data.ty) {
        push_setting_flags(cx, inst);
    }
    Ok(())
}

/// Lowers an addition to `lea` where that saves an instruction: both operands are needed afterwards, one is
/// shifted, or one is a sum with a constant. Returns whether it does.
fn add_by_lea(cx: &mut Cx, d: VReg, a: Value, b: Value, ty: Type) -> bool {
    let size = alu_size(ty);
    if let Some(imm) = cx.imm32(b) {
        if !cx.is_used(a) {
            return false;
        }
        rule!(cx, "iadd.lea_imm");
        let a = cx.put(a);
        rows::lea_rm(cx, size, d, Amode::base(a, imm));
        return true;
    }
    let (a, b, offset) = match (sum_with_constant(cx, a), sum_with_constant(cx, b)) {
        (Some((a, offset)), _) => (a, b, offset),
        (None, Some((b, offset))) => (a, b, offset),
        (None, None) => (a, b, 0),
    };
    for (base, index) in [(a, b), (b, a)] {
        if let Some((index, scale)) = shifted_index(cx, index) {
            rule!(cx, "iadd.lea_scaled");
            let base = cx.put(base);
            let index = cx.put(index);
            rows::lea_rm(cx, size, d, Amode::indexed(base, index, scale, offset));
            return true;
        }
    }
    let survives = |value| !cx.dies_here(value) && cx.constant(value).is_none();
    if offset != 0 || survives(a) && survives(b) {
        rule!(cx, "iadd.lea");
        let (a, b) = (cx.put(a), cx.put(b));
        rows::lea_rm(cx, size, d, Amode::indexed(a, b, 0, offset));
        return true;
    }
    false
}

/// The summands of a value that is not needed in a register so far, if one is a constant.
fn sum_with_constant(cx: &Cx, value: Value) -> Option<(Value, i32)> {
    let data = cx.def_by(value, Opcode::Iadd).filter(|_| !cx.is_used(value))?;
    Some((Value(data.a), cx.imm32(Value(data.b))?))
}

/// Lowers ineg of up to 64 bits.
pub fn negate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::neg_r(cx, alu_size(data.ty), d, a);
    Ok(())
}

/// The operand and amount of a left shift by 1 to 3 that nothing else uses.
fn shifted_index(cx: &Cx, value: Value) -> Option<(Value, u8)> {
    let data = &cx.f.insts[cx.unique(value)?];
    if data.opcode != Opcode::Ishl {
        return None;
    }
    match cx.constant(Value(data.b))? {
        amount @ 1..=3 => Some((Value(data.a), amount as u8)),
        _ => None,
    }
}

/// Lowers imul of up to 64 bits.
pub fn multiply(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    match cx.imm32(b) {
        Some(factor @ (3 | 5 | 9)) => {
            rule!(cx, "imul.lea");
            let a = cx.put(a);
            rows::lea_rm(cx, size, d, Amode::indexed(a, a, (factor - 1).trailing_zeros() as u8, 0));
        }
        Some(factor) if factor > 0 && factor & (factor - 1) == 0 => {
            rule!(cx, "imul.shift");
            let a = cx.put(a);
            rows::shl_ri(cx, size, d, a, factor.trailing_zeros() as i32);
        }
        Some(factor) => {
            rule!(cx, "imul.imm");
            let a = reg_mem(cx, a);
            rows::imul_rmi(cx, size, d, a, factor);
        }
        None => {
            let b = reg_mem(cx, b);
            let a = cx.put(a);
            rows::imul_rm(cx, size, d, a, b);
        }
    }
    Ok(())
}

/// Lowers uextend and sextend to at most 64 bits.
pub fn extend(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Sextend;
    let source = Value(data.a);
    let (from, to) = (cx.ty(source), alu_size(data.ty));
    if !signed && cx.zero_extends(source) {
        rule!(cx, "uextend.free");
        let result = cx.f.first_result(inst);
        cx.same(result, source);
        return Ok(());
    }
    if !signed
        && let Some(compare) = cx.unique(source)
        && bool_extended(cx, inst, compare)
    {
        return Ok(());
    }
    let d = cx.def(inst);
    let source = match sink_load(cx, source, from) {
        Some(amode) => {
            rule!(cx, "extend.load");
            Rm::Mem(amode)
        }
        None => Rm::Reg(cx.put(source)),
    };
    match (from, signed) {
        (types::I8, false) => rows::movzb_rm(cx, L32, d, source),
        (types::I16, false) => rows::movzw_rm(cx, L32, d, source),
        (types::I32, false) => rows::mov_rm(cx, L32, d, source),
        (types::I8, true) => rows::movsb_rm(cx, to, d, source),
        (types::I16, true) => rows::movsw_rm(cx, to, d, source),
        (types::I32, true) => rows::movslq_rm(cx, d, source),
        (other, _) => unexpected(other),
    }
    Ok(())
}
