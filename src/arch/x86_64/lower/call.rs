//! What calls are made of on x86_64; [`crate::lower::call`] puts it together.

use super::super::X86_64;
use super::super::amode::{Amode, OperandSize, Rm};
use super::super::rows;
use super::divide::put_extended_wide;
use super::mem;
use super::operands::*;
use crate::ir::*;
use crate::lower::call::{CallLowering, CallRows, Callee};
use crate::machine::reg::{Operand, RegClass, VReg};
use crate::rule;

impl CallLowering for X86_64 {
    const CALL_ROWS: CallRows = CallRows {
        args: rows::ARGS,
        return_: rows::RET_FRAME,
        try_symbol: rows::TRY_SYMBOL,
        try_register: rows::TRY_REGISTER,
    };

    fn store_part(cx: &mut Cx, reg: VReg, to: Amode, ty: Type) {
        match ty.is_int() {
            true => rows::mov_mr(cx, OperandSize::Q64, reg, to),
            false => rows::movs_store(cx, exact_size(ty), reg, to),
        }
    }

    fn load_part(cx: &mut Cx, reg: VReg, from: Amode, ty: Type) {
        match ty.is_int() {
            true => mem::load_int(cx, reg, from, ty, false),
            false => rows::movs_load(cx, exact_size(ty), reg, from),
        }
    }

    fn store_constant(cx: &mut Cx, value: Value, to: Amode, _: Type) -> bool {
        let Some(imm) = imm32(cx, value) else { return false };
        rule!(cx, "call.stack_immediate");
        rows::mov_mi(cx, OperandSize::Q64, to, imm);
        true
    }

    fn address(cx: &mut Cx, d: VReg, of: Amode) {
        rows::lea_rm(cx, OperandSize::Q64, d, of);
    }

    fn put_extended_64(cx: &mut Cx, value: Value, signed: bool) -> VReg {
        put_extended_wide(cx, value, signed)
    }

    fn call(cx: &mut Cx, clobbers: u32, callee: Callee, pops: u32, operands: &[Operand]) {
        match (near(cx, callee), pops) {
            (Callee::Symbol { symbol, .. }, 0) => rows::call_symbol(cx, clobbers, symbol, 0, operands),
            (Callee::Symbol { symbol, .. }, _) => {
                rows::call_pops(cx, clobbers, symbol, 0, pops as i32, operands);
            }
            (Callee::Address(address), 0) => rows::call_rm(cx, clobbers, Rm::Reg(address), operands),
            (Callee::Address(address), _) => rows::call_popr(cx, clobbers, address, pops as i32, operands),
        }
    }

    fn tail_call(cx: &mut Cx, callee: Callee, bytes: u32, uses: &[Operand]) {
        match near(cx, callee) {
            Callee::Symbol { symbol, .. } => rows::tail_calls(cx, symbol, 0, bytes as i32, 0, uses),
            Callee::Address(address) => rows::tail_callr(cx, address, bytes as i32, uses),
        }
    }
}

/// The callee, by its address if it is a symbol that may be out of reach of a call.
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
