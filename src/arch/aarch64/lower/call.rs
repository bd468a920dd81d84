//! What calls are made of on aarch64; [`crate::lower::call`] puts it together.

use super::super::Aarch64;
use super::super::operands::{Amode, OperandSize};
use super::super::regs::ZERO;
use super::super::rows;
use super::operands::*;
use crate::ir::*;
use crate::lower::call::{CallLowering, CallRows, Callee};
use crate::machine::reg::{Operand, RegClass, VReg};
use crate::rule;

impl CallLowering for Aarch64 {
    const CALL_ROWS: CallRows = CallRows {
        args: rows::ARGS,
        return_: rows::RET_FRAME,
        try_symbol: rows::TRY_SYMBOL,
        try_register: rows::TRY_REGISTER,
    };

    fn store_part(cx: &mut Cx, reg: VReg, to: Amode, ty: Type) {
        match ty.is_int() {
            true => rows::str(cx, OperandSize::from_bits(ty.bits()), reg, to),
            false => rows::str_f(cx, OperandSize::from_bits(ty.bits()), reg, to),
        }
    }

    fn load_part(cx: &mut Cx, reg: VReg, from: Amode, ty: Type) {
        match ty.is_int() {
            true => rows::ldr(cx, OperandSize::from_bits(ty.bits()), reg, from),
            false => rows::ldr_f(cx, OperandSize::from_bits(ty.bits()), reg, from),
        }
    }

    fn store_constant(cx: &mut Cx, value: Value, to: Amode, ty: Type) -> bool {
        if cx.constant(value) != Some(0) {
            return false;
        }
        rule!(cx, "call.stack_zero");
        Self::store_part(cx, ZERO, to, ty);
        true
    }

    fn address(cx: &mut Cx, d: VReg, of: Amode) {
        rows::address(cx, d, of);
    }

    fn put_extended_64(cx: &mut Cx, value: Value, signed: bool) -> VReg {
        let (from, source, d) = (cx.ty(value), cx.put(value), cx.tmp(RegClass::Int));
        extend(cx, Q, d, source, from, signed);
        d
    }

    fn call(cx: &mut Cx, clobbers: u32, callee: Callee, pops: u32, operands: &[Operand]) {
        match (callee, pops) {
            (Callee::Symbol { symbol, .. }, 0) => rows::bl(cx, clobbers, symbol, 0, operands),
            (Callee::Symbol { symbol, .. }, _) => {
                rows::call_pops(cx, clobbers, symbol, 0, pops as i32, operands);
            }
            (Callee::Address(address), 0) => rows::blr(cx, clobbers, address, operands),
            (Callee::Address(address), _) => rows::call_popr(cx, clobbers, address, pops as i32, operands),
        }
    }

    fn tail_call(cx: &mut Cx, callee: Callee, bytes: u32, uses: &[Operand]) {
        match callee {
            Callee::Symbol { symbol, .. } => rows::tail_calls(cx, symbol, 0, bytes as i32, uses),
            Callee::Address(address) => rows::tail_callr(cx, address, bytes as i32, uses),
        }
    }
}
