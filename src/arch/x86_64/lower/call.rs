//! Calls: the instructions from which [`crate::lower::call`] composes them.

use super::inputs::*;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::ir::*;
use crate::lower::call::{CallLowering, CallRows, Callee};
use crate::machine::amode::Amode;
use crate::machine::call_site::AfterCall;
use crate::machine::reg::{Operand, RegClass};
use crate::machine::size::Q64;
use crate::rule;

impl CallLowering for X86_64 {
    const CALL_ROWS: CallRows = CallRows {
        args: rows::ARGS,
        return_: rows::RET_FRAME,
        try_symbol: rows::TRY_SYMBOL,
        try_register: rows::TRY_REGISTER,
    };

    fn store_constant(cx: &mut Cx, value: Value, to: Amode, _: Type) -> bool {
        let Some(imm) = cx.imm32(value) else { return false };
        rule!(cx, "call.stack_immediate");
        rows::mov_mi(cx, Q64, to, imm);
        true
    }

    fn call(cx: &mut Cx, clobbers: u32, callee: Callee, after: AfterCall, operands: &[Operand]) {
        let [pops, listed] = after.pack().map(u32::cast_signed);
        match (near(cx, callee), after.is_nothing()) {
            (Callee::Symbol { symbol, .. }, true) => rows::call_symbol(cx, clobbers, symbol, 0, operands),
            (Callee::Symbol { symbol, .. }, false) => {
                rows::call_pops(cx, clobbers, symbol, 0, pops, listed, operands);
            }
            (Callee::Address(address), true) => rows::call_rm(cx, clobbers, Rm::Reg(address), operands),
            (Callee::Address(address), false) => {
                rows::call_popr(cx, clobbers, address, pops, listed, operands);
            }
        }
    }

    fn tail_call(cx: &mut Cx, callee: Callee, bytes: u32, uses: &[Operand]) {
        match near(cx, callee) {
            Callee::Symbol { symbol, .. } => rows::tail_calls(cx, symbol, 0, bytes as i32, 0, uses),
            Callee::Address(address) => rows::tail_callr(cx, address, bytes as i32, uses),
        }
    }
}

/// Replaces a callee that is a symbol, and may be out of reach of a call, by its address.
fn near(cx: &mut Cx, callee: Callee) -> Callee {
    match callee {
        Callee::Symbol { colocated, .. } if colocated || cx.flags.is_pic() => {
            rule!(cx, "call.symbol");
            callee
        }
        Callee::Symbol { symbol, .. } => {
            let address = cx.tmp(RegClass::Int);
            rows::movabs_sym(cx, address, symbol, 0);
            Callee::Address(address)
        }
        Callee::Address(_) => callee,
    }
}
