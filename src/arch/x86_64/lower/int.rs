//! Integer arithmetic up to 64 bits, extensions, comparisons and selection.
//!
//! i8 and i16 are computed in 32 bits; the bits above a value's type are undefined unless
//! `zero_extends` says otherwise.

use super::super::X86_64;
use super::super::amode::{Amode, Cond, OperandSize, Rm};
use super::super::rows;
use super::compare::int_cond;
use super::operands::*;
use crate::ir::*;
use crate::lower::context::Unsupported;
use crate::lower::known_values::min_max_order;
use crate::lower::vocabulary::Extensions;
use crate::machine::reg::{RegClass, VReg};
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
        rows::mov_rm(cx, OperandSize::L32, d, Rm::Reg(a));
    }
}

type Result = std::result::Result<(), Unsupported>;

/// An operation `d = a op b` on registers, memory and immediates: the rows of one operator.
pub struct Alu {
    rm: fn(&mut Cx<'_>, OperandSize, VReg, VReg, Rm),
    ri: fn(&mut Cx<'_>, OperandSize, VReg, VReg, i32),
    /// Of read-modify-write: memory with register, and with immediate.
    pub mr: fn(&mut Cx<'_>, OperandSize, Amode, VReg),
    /// See `mr`.
    pub mi: fn(&mut Cx<'_>, OperandSize, Amode, i32),
}

macro_rules! alu {
    ($rm:ident $ri:ident $mr:ident $mi:ident) => {
        Alu {
            rm: |cx, size, d, a, b| rows::$rm(cx, size, d, a, b),
            ri: |cx, size, d, a, b| rows::$ri(cx, size, d, a, b),
            mr: |cx, size, m, b| rows::$mr(cx, size, b, m),
            mi: |cx, size, m, b| rows::$mi(cx, size, m, b),
        }
    };
}

impl Alu {
    /// Pushes `d = a op b`.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, b: Operand) {
        match b {
            Operand::Imm(imm) => (self.ri)(cx, size, d, a, imm),
            Operand::Rm(b) => (self.rm)(cx, size, d, a, b),
        }
    }
}

/// Addition.
pub static ADD: Alu = alu!(add_rm add_ri add_mr add_mi);
/// Subtraction.
pub static SUB: Alu = alu!(sub_rm sub_ri sub_mr sub_mi);
/// Addition with the carry flag.
pub static ADC: Alu = alu!(adc_rm adc_ri adc_mr adc_mi);
/// Subtraction with the carry flag as borrow.
pub static SBB: Alu = alu!(sbb_rm sbb_ri sbb_mr sbb_mi);
static AND: Alu = alu!(and_rm and_ri and_mr and_mi);
static OR: Alu = alu!(or_rm or_ri or_mr or_mi);
/// Exclusive or.
pub static XOR: Alu = alu!(xor_rm xor_ri xor_mr xor_mi);

/// The rows of an opcode that is one two-operand instruction.
pub fn alu(opcode: Opcode) -> Option<&'static Alu> {
    match opcode {
        Opcode::Iadd => Some(&ADD),
        Opcode::Isub => Some(&SUB),
        Opcode::Band => Some(&AND),
        Opcode::Bor => Some(&OR),
        Opcode::Bxor => Some(&XOR),
        _ => None,
    }
}

/// iadd, isub, band, bor, bxor.
pub fn binary(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (a, b) = operands_in_order(cx, &data);
    let d = cx.def(inst);
    let done = match data.opcode {
        Opcode::Iadd => add_by_lea(cx, d, a, b, data.ty),
        Opcode::Band => and_by_extension(cx, d, a, b, data.ty),
        _ => false,
    };
    if !done {
        binary_with_flags(cx, inst);
    }
    Ok(())
}

/// The same as one instruction that sets the flags by the result.
pub fn binary_with_flags(cx: &mut Cx, inst: Inst) {
    let data = cx.f.insts[inst];
    let (a, b) = operands_in_order(cx, &data);
    let rows = alu(data.opcode).expect("dispatched by opcode");
    let d = cx.def(inst);
    let b = operand(cx, b);
    match b {
        Operand::Imm(_) => rule!(cx, "alu.imm"),
        Operand::Rm(_) => rule!(cx, "alu.rm"),
    }
    let a = cx.put(a);
    rows.push(cx, alu_size(data.ty), d, a, b);
}

/// The operands, the one to be overwritten first.
fn operands_in_order(cx: &Cx, data: &InstData) -> (Value, Value) {
    let (a, b) = (Value(data.a), Value(data.b));
    match data.opcode {
        Opcode::Isub => (a, b),
        _ => cx.commute(a, b),
    }
}

/// Addition by `lea` where it saves a move: both operands are needed afterwards, or one is shifted.
fn add_by_lea(cx: &mut Cx, d: VReg, a: Value, b: Value, ty: Type) -> bool {
    let size = alu_size(ty);
    let survives = cx.is_used(a);
    if let Some(imm) = imm32(cx, b) {
        if !survives {
            return false;
        }
        rule!(cx, "iadd.lea_imm");
        let a = cx.put(a);
        rows::lea_rm(cx, size, d, Amode::base(a, imm));
        return true;
    }
    for (base, index) in [(a, b), (b, a)] {
        if let Some((index, scale)) = shifted_index(cx, index) {
            rule!(cx, "iadd.lea_scaled");
            let base = cx.put(base);
            let index = cx.put(index);
            rows::lea_rm(cx, size, d, Amode::indexed(base, index, scale, 0));
            return true;
        }
    }
    if survives && cx.is_used(b) && cx.constant(b).is_none() && cx.constant(a).is_none() {
        rule!(cx, "iadd.lea");
        let (a, b) = (cx.put(a), cx.put(b));
        rows::lea_rm(cx, size, d, Amode::indexed(a, b, 0, 0));
        return true;
    }
    false
}

/// A value used once that is another shifted left by 1 to 3.
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

/// `band` with 0xff, 0xffff or 0xffffffff is a zero extension.
fn and_by_extension(cx: &mut Cx, d: VReg, a: Value, b: Value, ty: Type) -> bool {
    let Some(mask) = cx.constant(b) else { return false };
    if ty.bits() < 32 {
        return false;
    }
    match mask {
        0xff => {
            let a = cx.put(a);
            rows::movzb_rm(cx, OperandSize::L32, d, a);
        }
        0xffff => {
            let a = cx.put(a);
            rows::movzw_rm(cx, OperandSize::L32, d, a);
        }
        0xffff_ffff if ty == types::I64 => {
            let a = cx.put(a);
            rows::mov_rm(cx, OperandSize::L32, d, a);
        }
        _ => return false,
    }
    rule!(cx, "band.zero_extension");
    true
}

/// ineg, bnot.
pub fn unary(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    match data.opcode {
        Opcode::Ineg => rows::neg_r(cx, size, d, a),
        _ => rows::not_r(cx, size, d, a),
    }
    Ok(())
}

/// imul up to 64 bits.
pub fn multiply(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    match imm32(cx, b) {
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

/// uextend and sextend up to 64 bits.
pub fn extend(cx: &mut Cx, inst: Inst) -> Result {
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
        && super::compare::bool_extended(cx, inst, compare)
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
        (types::I8, false) => rows::movzb_rm(cx, OperandSize::L32, d, source),
        (types::I16, false) => rows::movzw_rm(cx, OperandSize::L32, d, source),
        (_, false) => rows::mov_rm(cx, OperandSize::L32, d, source),
        (types::I8, true) => rows::movsb_rm(cx, to, d, source),
        (types::I16, true) => rows::movsw_rm(cx, to, d, source),
        (_, true) => rows::movslq_rm(cx, d, source),
    }
    Ok(())
}

/// ishl, ushr, sshr, rotl, rotr up to 64 bits.
pub fn shift(cx: &mut Cx, inst: Inst) -> Result {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let (value, amount) = (Value(data.a), Value(data.b));
    let narrow = data.ty.bits() < 32;
    let rotates = matches!(data.opcode, Rotl | Rotr);
    let size = if rotates { exact_size(data.ty) } else { alu_size(data.ty) };
    let mask = data.ty.bits() - 1;
    let d = cx.def(inst);
    if let Some(amount) = cx.constant_amount(amount) {
        rule!(cx, "shift.imm");
        let a = shifted_operand(cx, data.opcode, value);
        let amount = (amount as u32 & mask) as i32;
        match data.opcode {
            Ishl if amount == 1 && cx.is_used(value) => {
                rows::lea_rm(cx, size, d, Amode::indexed(a, a, 0, 0));
            }
            Ishl => rows::shl_ri(cx, size, d, a, amount),
            Ushr => rows::shr_ri(cx, size, d, a, amount),
            Sshr => rows::sar_ri(cx, size, d, a, amount),
            Rotl => rows::rol_ri(cx, size, d, a, amount),
            _ => rows::ror_ri(cx, size, d, a, amount),
        }
        return Ok(());
    }
    let amount = match cx.ty(amount) {
        types::I128 => cx.put_pair(amount).0,
        _ => cx.put(amount),
    };
    let a = shifted_operand(cx, data.opcode, value);
    if cx.flags.has_bmi2() && !narrow && !rotates {
        rule!(cx, "shift.bmi2");
        match data.opcode {
            Ishl => rows::shlx(cx, size, d, amount, a),
            Ushr => rows::shrx(cx, size, d, amount, a),
            _ => rows::sarx(cx, size, d, amount, a),
        }
        return Ok(());
    }
    let amount = if narrow && !rotates {
        // The processor counts modulo 32.
        let masked = cx.tmp(RegClass::Int);
        rows::and_ri(cx, OperandSize::L32, masked, amount, mask as i32);
        masked
    } else {
        amount
    };
    match data.opcode {
        Ishl => rows::shl_rc(cx, size, d, a, amount),
        Ushr => rows::shr_rc(cx, size, d, a, amount),
        Sshr => rows::sar_rc(cx, size, d, a, amount),
        Rotl => rows::rol_rc(cx, size, d, a, amount),
        _ => rows::ror_rc(cx, size, d, a, amount),
    }
    Ok(())
}

/// What is shifted, extended as a right shift needs it.
fn shifted_operand(cx: &mut Cx, opcode: Opcode, value: Value) -> VReg {
    match opcode {
        Opcode::Ushr => put_extended(cx, value, false),
        Opcode::Sshr => put_extended(cx, value, true),
        _ => cx.put(value),
    }
}

/// smin, smax, umin, umax up to 64 bits: compare and conditional move.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let cc = min_max_order(data.opcode);
    let signed = matches!(data.opcode, Opcode::Smin | Opcode::Smax);
    let size = alu_size(data.ty);
    let a = put_extended(cx, Value(data.a), signed);
    let b = put_extended(cx, Value(data.b), signed);
    let d = cx.def(inst);
    rows::cmp_rm(cx, size, a, b);
    rows::cmov_rm(cx, size, d, b, a, int_cond(cc));
    Ok(())
}

/// iabs up to 64 bits.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let size = alu_size(data.ty);
    let a = put_extended(cx, Value(data.a), true);
    let negated = cx.tmp(RegClass::Int);
    let d = cx.def(inst);
    rows::neg_r(cx, size, negated, a);
    // The sign flag is that of the negated value: where it is set, the operand was positive.
    rows::cmov_rm(cx, size, d, negated, a, Cond::S);
    Ok(())
}
