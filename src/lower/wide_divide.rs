//! Division and remainder of i128: calls of library routines, after checks for operands that trap.

use super::call::{CallLowering, LibcallValue, wide_libcall};
use super::context::{Lower, Lowered};
use super::wide::{Pair, WideLowering, result};
use crate::diag::unexpected;
use crate::ir::*;
use crate::machine::symbol::LibCall;
use crate::rule;

/// How a target checks the operands of an i128 division.
pub trait WideDivision: WideLowering + CallLowering {
    /// Traps if an i128 is zero.
    fn trap_if_zero(cx: &mut Lower<'_, Self>, a: Pair, code: TrapCode);

    /// Traps if `a` is the lowest i128 and `b` is -1.
    fn trap_if_lowest_by_minus_one(cx: &mut Lower<'_, Self>, a: Pair, b: Pair, code: TrapCode);
}

/// Lowers `udiv`, `sdiv`, `urem` and `srem` of i128.
pub fn divide<I: WideDivision>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let d = result(cx, inst);
    let divisor = cx.wide_constant(Value(data.b));
    let a = cx.put_pair(Value(data.a));
    let b = cx.put_pair(Value(data.b));
    if divisor.is_none_or(|divisor| divisor == 0) {
        I::trap_if_zero(cx, b, TrapCode::INTEGER_DIVISION_BY_ZERO);
    }
    if data.opcode == Opcode::Sdiv && divisor.is_none_or(|divisor| divisor == -1) {
        I::trap_if_lowest_by_minus_one(cx, a, b, TrapCode::INTEGER_OVERFLOW);
    }
    let routine = match data.opcode {
        Opcode::Udiv => LibCall::UdivI128,
        Opcode::Sdiv => LibCall::SdivI128,
        Opcode::Urem => LibCall::UremI128,
        Opcode::Srem => LibCall::SremI128,
        other => unexpected(other),
    };
    rule!(cx, "divide.wide");
    wide_libcall(cx, routine, &[LibcallValue::Wide(a), LibcallValue::Wide(b)], LibcallValue::Wide(d));
    Ok(())
}
