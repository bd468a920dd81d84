//! Operand values: what an instruction can take besides a register.

use super::super::Aarch64;
use super::super::operands::OperandSize;
use super::super::rows;
use crate::ir::*;
use crate::mach::lower::Lower;
use regalloc2::{RegClass, VReg};

/// The lowering context of this target.
pub type Cx<'a> = Lower<'a, Aarch64>;
/// 32 bits.
pub const L: OperandSize = OperandSize::L32;
/// 64 bits.
pub const Q: OperandSize = OperandSize::Q64;

/// The value extended from its type to 32 bits, if it has less.
pub fn put_extended(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    let source = cx.put(value);
    if cx.ty(value).bits() >= 32 {
        return source;
    }
    let extended = cx.tmp(RegClass::Int);
    extend(cx, L, extended, source, cx.ty(value), signed);
    extended
}

/// Extends a value of type `from` to `to`.
pub fn extend(cx: &mut Cx, to: OperandSize, d: VReg, source: VReg, from: Type, signed: bool) {
    match (from.bits(), signed) {
        (8, false) => rows::uxtb(cx, d, source),
        (16, false) => rows::uxth(cx, d, source),
        (8, true) => rows::sxtb(cx, to, d, source),
        (16, true) => rows::sxth(cx, to, d, source),
        (32, true) if to == Q => rows::sxtw(cx, d, source),
        (32, _) => rows::mov_r(cx, L, d, source),
        _ => rows::mov_r(cx, Q, d, source),
    }
}
