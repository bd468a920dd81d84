//! Shifts and rotations of all lanes by the same amount, which the processor takes modulo the lane width.

use super::int::lane_size;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::RegClass;
use crate::machine::size::L32;

/// Lowers ishl, ushr, sshr, rotl and rotr.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = lane_size(data.ty);
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    if let Some(amount) = cx.constant_amount(Value(data.b)) {
        let amount = (amount & u64::from(size.bits() - 1)) as i32;
        match data.opcode {
            Opcode::Ishl => rows::vesl_i(cx, size, d, a, amount),
            Opcode::Ushr => rows::vesrl_i(cx, size, d, a, amount),
            Opcode::Sshr => rows::vesra_i(cx, size, d, a, amount),
            Opcode::Rotl => rows::verll_i(cx, size, d, a, amount),
            Opcode::Rotr => rows::verll_i(cx, size, d, a, -amount & (size.bits() as i32 - 1)),
            other => unexpected(other),
        }
        return Ok(());
    }
    let amount = cx.put_amount(Value(data.b));
    match data.opcode {
        Opcode::Ishl => rows::vesl_r(cx, size, d, a, amount),
        Opcode::Ushr => rows::vesrl_r(cx, size, d, a, amount),
        Opcode::Sshr => rows::vesra_r(cx, size, d, a, amount),
        Opcode::Rotl => rows::verll_r(cx, size, d, a, amount),
        Opcode::Rotr => {
            let left = cx.tmp(RegClass::Int);
            rows::lc_rr(cx, L32, left, amount);
            rows::verll_r(cx, size, d, a, left);
        }
        other => unexpected(other),
    }
    Ok(())
}
