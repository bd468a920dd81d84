//! Calls: the instructions from which [`crate::lower::call`] composes them.

use super::inputs::*;
use crate::arch::s390x::{S390x, rows};
use crate::ir::*;
use crate::lower::call::{CallLowering, CallRows, Callee, Unallocated};
use crate::machine::amode::Amode;
use crate::machine::call_site::AfterCall;
use crate::machine::reg::{Operand, PReg, RegClass};
use crate::machine::size::exact_size;
use crate::rule;

impl CallLowering for S390x {
    const CALL_ROWS: CallRows = CallRows {
        args: rows::ARGS,
        return_: rows::RET_FRAME,
        try_symbol: rows::TRY_SYMBOL,
        try_register: rows::TRY_REGISTER,
    };

    fn store_constant(cx: &mut Cx, value: Value, to: Amode, ty: Type) -> bool {
        let Some(imm) = imm16(cx, value) else { return false };
        if !is_short(to.disp) || ty == types::I8 {
            return false;
        }
        rule!(cx, "call.stack_immediate");
        rows::mvi_mi(cx, exact_size(ty), to, imm);
        true
    }

    /// Vectors are passed in v24 to v31.
    fn unallocated(register: PReg) -> Option<Unallocated<Self>> {
        let is_outside = register.class() == RegClass::Float && register.hw_enc() >= 16;
        is_outside.then_some(Unallocated {
            set: |cx, register, a| rows::pass_vector(cx, a, register.hw_enc() as i32),
            get: |cx, d, register| rows::passed_vector(cx, d, register.hw_enc() as i32),
        })
    }

    fn call(cx: &mut Cx, clobbers: u32, callee: Callee, after: AfterCall, operands: &[Operand]) {
        let [pops, listed] = after.pack().map(u32::cast_signed);
        match (callee, after.is_nothing()) {
            (Callee::Symbol { symbol, .. }, true) => rows::call_symbol(cx, clobbers, symbol, 0, operands),
            (Callee::Symbol { symbol, .. }, false) => {
                rows::call_pops(cx, clobbers, symbol, 0, pops, listed, operands);
            }
            (Callee::Address(address), true) => rows::call_r(cx, clobbers, address, operands),
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
