//! Operands: what an instruction can take besides a register.
//!
//! Address modes, loads and constants are folded into instructions here, once for all rows that can take
//! them.

use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{near_symbol, sink_load};
use crate::lower::context::Lower;
use crate::lower::wide::Half;
use crate::machine::amode::{AddressForms, Amode};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size};
use crate::rule;

/// The address forms of all accesses: a base, an index shifted by up to 3, and a displacement of 32 bits; or
/// a near symbol.
pub const ADDRESS_FORMS: AddressForms = AddressForms {
    displacement: |_, _, _| true,
    index: |shift, _| shift <= 3,
    extended_index: false,
    indexed_slot: true,
    sums: false,
    far: |_, _| false,
    symbol: |symbol| near_symbol(symbol.disp.into()).is_some(),
};

/// The lowering context of x86_64.
pub type Cx<'a> = Lower<'a, X86_64>;

/// Asks for a value as a register or memory operand. It is memory only if the access is as wide as the
/// operation; operations on narrow types are wider.
pub fn reg_mem(cx: &mut Cx, value: Value) -> Rm {
    let ty = cx.ty(value);
    if matches!(ty, types::I32 | types::I64)
        && let Some(amode) = sink_load(cx, value, ty)
    {
        rule!(cx, "operand.load");
        return Rm::Mem(amode);
    }
    Rm::Reg(cx.put(value))
}

/// The second operand of an arithmetic operation.
pub enum Input {
    /// A sign-extended immediate.
    Imm(i32),
    /// A register or memory.
    Rm(Rm),
}

/// Asks for a value as an immediate, memory or a register, in this order of preference.
pub fn input(cx: &mut Cx, value: Value) -> Input {
    match cx.imm32(value) {
        Some(imm) => Input::Imm(imm),
        None => Input::Rm(reg_mem(cx, value)),
    }
}

/// Asks for a value in a register, extended from its type to at least 32 bits.
pub fn put_extended_to_32(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    let ty = cx.ty(value);
    if ty.bits() >= 32 {
        return cx.put(value);
    }
    if !signed && cx.zero_extends(value) {
        return cx.put(value);
    }
    let source = cx.put(value);
    let extended = cx.tmp(RegClass::Int);
    match (signed, ty) {
        (false, types::I8) => rows::movzb_rm(cx, L32, extended, source),
        (false, types::I16) => rows::movzw_rm(cx, L32, extended, source),
        (true, types::I8) => rows::movsb_rm(cx, L32, extended, source),
        (true, types::I16) => rows::movsw_rm(cx, L32, extended, source),
        (_, other) => unexpected(other),
    }
    extended
}

/// Pushes `d = source`, extended from type `from` to 64 bits.
pub fn extend_operand(cx: &mut Cx, d: VReg, source: Rm, from: Type, signed: bool) {
    match (from, signed) {
        (types::I8, false) => rows::movzb_rm(cx, L32, d, source),
        (types::I8, true) => rows::movsb_rm(cx, Q64, d, source),
        (types::I16, false) => rows::movzw_rm(cx, L32, d, source),
        (types::I16, true) => rows::movsw_rm(cx, Q64, d, source),
        (types::I32, false) => rows::mov_rm(cx, L32, d, source),
        (types::I32, true) => rows::movslq_rm(cx, d, source),
        (types::I64, _) => rows::mov_rm(cx, Q64, d, source),
        (other, _) => unexpected(other),
    }
}

/// Asks for a value in a register, extended from its type to 64 bits.
pub fn put_extended_to_64(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    if cx.ty(value) == types::I64 || !signed && cx.zero_extends(value) {
        return cx.put(value);
    }
    let d = cx.tmp(RegClass::Int);
    extend_into(cx, d, value, signed);
    d
}

/// Extends a value to 64 bits in `d`.
pub fn extend_into(cx: &mut Cx, d: VReg, source: Value, signed: bool) {
    let from = cx.ty(source);
    let source = match sink_load(cx, source, from) {
        Some(amode) => Rm::Mem(amode),
        None => Rm::Reg(cx.put(source)),
    };
    extend_operand(cx, d, source, from, signed);
}

/// The rows of an operation `d = a op b`, by kind of second operand.
pub struct AluRows {
    /// A register or memory.
    rm: fn(&mut Cx<'_>, OperandSize, VReg, VReg, Rm),
    /// An immediate.
    ri: fn(&mut Cx<'_>, OperandSize, VReg, VReg, i32),
    /// A register, combined with memory that is modified.
    pub mr: fn(&mut Cx<'_>, OperandSize, Amode, VReg),
    /// An immediate, combined with memory that is modified.
    pub mi: fn(&mut Cx<'_>, OperandSize, Amode, i32),
}

macro_rules! alu {
    ($rm:ident $ri:ident $mr:ident $mi:ident) => {
        AluRows {
            rm: |cx, size, d, a, b| rows::$rm(cx, size, d, a, b),
            ri: |cx, size, d, a, b| rows::$ri(cx, size, d, a, b),
            mr: |cx, size, m, b| rows::$mr(cx, size, b, m),
            mi: |cx, size, m, b| rows::$mi(cx, size, m, b),
        }
    };
}

impl AluRows {
    /// Pushes `d = a op b`.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, b: Input) {
        match b {
            Input::Imm(imm) => (self.ri)(cx, size, d, a, imm),
            Input::Rm(b) => (self.rm)(cx, size, d, a, b),
        }
    }
}

/// Addition.
pub static ADD: AluRows = alu!(add_rm add_ri add_mr add_mi);
/// Subtraction.
pub static SUB: AluRows = alu!(sub_rm sub_ri sub_mr sub_mi);
/// Addition with the carry flag.
pub static ADC: AluRows = alu!(adc_rm adc_ri adc_mr adc_mi);
/// Subtraction with the carry flag as borrow.
pub static SBB: AluRows = alu!(sbb_rm sbb_ri sbb_mr sbb_mi);
/// Bitwise and.
pub static AND: AluRows = alu!(and_rm and_ri and_mr and_mi);
/// Bitwise or.
pub static OR: AluRows = alu!(or_rm or_ri or_mr or_mi);
/// Exclusive or.
pub static XOR: AluRows = alu!(xor_rm xor_ri xor_mr xor_mi);

/// The rows of an opcode that one two-operand instruction does.
pub fn alu(opcode: Opcode) -> Option<&'static AluRows> {
    match opcode {
        Opcode::Iadd => Some(&ADD),
        Opcode::Isub => Some(&SUB),
        Opcode::Band => Some(&AND),
        Opcode::Bor => Some(&OR),
        Opcode::Bxor => Some(&XOR),
        _ => None,
    }
}

/// Lowers iadd, isub, band, bor or bxor to one instruction, which sets the flags by the result.
pub fn push_setting_flags(cx: &mut Cx, inst: Inst) {
    let data = cx.f.insts[inst];
    let (a, b) = operands_in_order(cx, &data);
    let rows = alu(data.opcode).expect("the caller dispatched by opcode");
    let d = cx.def(inst);
    let b = input(cx, b);
    match b {
        Input::Imm(_) => rule!(cx, "alu.imm"),
        Input::Rm(_) => rule!(cx, "alu.rm"),
    }
    let a = cx.put(a);
    rows.push(cx, alu_size(data.ty), d, a, b);
}

/// Orders the operands of such an opcode: the one to be overwritten comes first.
pub fn operands_in_order(cx: &Cx, data: &InstData) -> (Value, Value) {
    let (a, b) = (Value(data.a), Value(data.b));
    match data.opcode {
        Opcode::Isub => (a, b),
        Opcode::Iadd | Opcode::Imul | Opcode::Band | Opcode::Bor | Opcode::Bxor => cx.commute(a, b),
        other => unexpected(other),
    }
}

/// A half as the second operand of arithmetic.
pub fn half_input(cx: &mut Cx, half: Half) -> Input {
    match half {
        Half::Register(reg) => Input::Rm(Rm::Reg(reg)),
        Half::Memory(amode) => Input::Rm(Rm::Mem(amode)),
        Half::Constant(bits) => match i32::try_from(bits) {
            Ok(imm) => Input::Imm(imm),
            Err(_) => Input::Rm(Rm::Reg(cx.kept_constant(bits as u64))),
        },
    }
}
