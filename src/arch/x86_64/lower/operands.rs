//! Operand values: what an instruction can take besides a register.
//!
//! Address modes, loads and constants that are folded into an instruction are decided here, once, for
//! every row that can take them.

use super::super::X86_64;
use super::super::amode::{OperandSize, Rm};
use super::super::rows;
use crate::ir::*;
use crate::lower::address::near_symbol;
use crate::lower::context::Lower;
use crate::machine::amode::AddressForms;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

pub(crate) use crate::lower::address::{access, sink_load};

/// What an address can be: base, index shifted by up to 3, and 32 bits of displacement, whatever is accessed; or a near symbol.
pub const ADDRESS_FORMS: AddressForms = AddressForms {
    displacement: |_, _, _| true,
    index: |shift, _| shift <= 3,
    extended_index: false,
    indexed_slot: true,
    sums: false,
    far: |_, _| false,
    symbol: |symbol| near_symbol(symbol.disp.into()).is_some(),
};

/// The lowering context of this target.
pub type Cx<'a> = Lower<'a, X86_64>;

/// The size arithmetic on a type is done in: at least 32 bits, whose upper part is then undefined.
#[inline]
pub fn alu_size(ty: Type) -> OperandSize {
    if ty.bits() <= 32 { OperandSize::L32 } else { OperandSize::Q64 }
}

/// The size of a type itself.
#[inline]
pub fn exact_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.bits())
}

/// A constant that fits a sign-extended 32-bit immediate of an operation on `ty`.
#[inline]
pub fn imm32(cx: &Cx, value: Value) -> Option<i32> {
    i32::try_from(cx.signed_constant(value)?).ok()
}

/// A value that is read, in a register or in memory. Memory only if the access is as wide as the
/// operation: for narrow types there is no such operation.
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
pub enum Operand {
    /// A sign-extended immediate.
    Imm(i32),
    /// A register or memory.
    Rm(Rm),
}

/// A value as immediate, memory or register, in this order of preference.
pub fn operand(cx: &mut Cx, value: Value) -> Operand {
    match imm32(cx, value) {
        Some(imm) => Operand::Imm(imm),
        None => Operand::Rm(reg_mem(cx, value)),
    }
}

/// The value zero- or sign-extended from its type to 32 bits (or as it is, if it has 32 or more).
pub fn put_extended(cx: &mut Cx, value: Value, signed: bool) -> VReg {
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
        (false, types::I8) => rows::movzb_rm(cx, OperandSize::L32, extended, source),
        (false, _) => rows::movzw_rm(cx, OperandSize::L32, extended, source),
        (true, types::I8) => rows::movsb_rm(cx, OperandSize::L32, extended, source),
        (true, _) => rows::movsw_rm(cx, OperandSize::L32, extended, source),
    }
    extended
}

/// Extends an operand of type `from`, up to 64 bits, to 64.
pub fn extend_operand(cx: &mut Cx, d: VReg, source: Rm, from: Type, signed: bool) {
    match (from, signed) {
        (types::I8, false) => rows::movzb_rm(cx, OperandSize::L32, d, source),
        (types::I8, true) => rows::movsb_rm(cx, OperandSize::Q64, d, source),
        (types::I16, false) => rows::movzw_rm(cx, OperandSize::L32, d, source),
        (types::I16, true) => rows::movsw_rm(cx, OperandSize::Q64, d, source),
        (types::I32, false) => rows::mov_rm(cx, OperandSize::L32, d, source),
        (types::I32, true) => rows::movslq_rm(cx, d, source),
        _ => rows::mov_rm(cx, OperandSize::Q64, d, source),
    }
}
