//! Bitwise operations on integers of up to 64 bits.

use super::inputs::*;
use crate::arch::x86_64::rows;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::VReg;
use crate::machine::size::{L32, alu_size};
use crate::rule;

/// Lowers band, bor and bxor of up to 64 bits.
pub fn logic(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, b) = operands_in_order(cx, &data);
    let d = cx.def(inst);
    if data.opcode != Opcode::Band || !and_by_extension(cx, d, a, b, data.ty) {
        push_setting_flags(cx, inst);
    }
    Ok(())
}

/// Lowers bnot of up to 64 bits.
pub fn complement(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::not_r(cx, alu_size(data.ty), d, a);
    Ok(())
}

/// Lowers `band` with 0xff, 0xffff or 0xffffffff to a zero extension. Returns whether it is one.
fn and_by_extension(cx: &mut Cx, d: VReg, a: Value, b: Value, ty: Type) -> bool {
    let Some(mask) = cx.constant(b) else { return false };
    if ty.bits() < 32 {
        return false;
    }
    match mask {
        0xff => {
            let a = cx.put(a);
            rows::movzb_rm(cx, L32, d, a);
        }
        0xffff => {
            let a = cx.put(a);
            rows::movzw_rm(cx, L32, d, a);
        }
        0xffff_ffff if ty == types::I64 => {
            let a = cx.put(a);
            rows::mov_rm(cx, L32, d, a);
        }
        _ => return false,
    }
    rule!(cx, "band.zero_extension");
    true
}
