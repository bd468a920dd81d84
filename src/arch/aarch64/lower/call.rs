//! Calls: the instructions from which [`crate::lower::call`] composes them.

use super::inputs::*;
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::ir::*;
use crate::lower::call::{CallLowering, CallRows, Callee};
use crate::lower::vocabulary::MemoryAccess;
use crate::machine::amode::Amode;
use crate::machine::call_site::AfterCall;
use crate::machine::reg::{Operand, RegClass, VReg};
use crate::machine::size::Q64;
use crate::rule;

impl CallLowering for Aarch64 {
    const CALL_ROWS: CallRows = CallRows {
        args: rows::ARGS,
        return_: rows::RET_FRAME,
        try_symbol: rows::TRY_SYMBOL,
        try_register: rows::TRY_REGISTER,
    };

    fn store_constant(cx: &mut Cx, value: Value, to: Amode, ty: Type) -> bool {
        if cx.constant(value) != Some(0) {
            return false;
        }
        rule!(cx, "call.stack_zero");
        Self::store_register(cx, ZERO, to, ty);
        true
    }

    fn put_argument(cx: &mut Cx, value: Value, signed: bool) -> VReg {
        let (from, source, d) = (cx.ty(value), cx.put(value), cx.tmp(RegClass::Int));
        extend_register(cx, Q64, d, source, from, signed);
        d
    }

    fn call(cx: &mut Cx, clobbers: u32, callee: Callee, after: AfterCall, operands: &[Operand]) {
        let [pops, listed] = after.pack().map(u32::cast_signed);
        match (callee, after.is_nothing()) {
            (Callee::Symbol { symbol, .. }, true) => rows::bl(cx, clobbers, symbol, 0, operands),
            (Callee::Symbol { symbol, .. }, false) => {
                rows::call_pops(cx, clobbers, symbol, 0, pops, listed, operands);
            }
            (Callee::Address(address), true) => rows::blr(cx, clobbers, address, operands),
            (Callee::Address(address), false) => {
                rows::call_popr(cx, clobbers, address, pops, listed, operands);
            }
        }
    }

    fn tail_call(cx: &mut Cx, callee: Callee, bytes: u32, uses: &[Operand]) {
        match callee {
            Callee::Symbol { symbol, .. } => rows::tail_calls(cx, symbol, 0, bytes as i32, uses),
            Callee::Address(address) => rows::tail_callr(cx, address, bytes as i32, uses),
        }
    }
}
