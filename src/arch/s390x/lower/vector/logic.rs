//! Bitwise operations, and selections by a scalar or by bits.

use super::int::{lane_size, tmps};
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::condition::condition;
use crate::lower::context::Lowered;

/// Lowers band, bor and bxor.
pub fn logic(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    match data.opcode {
        Opcode::Band => rows::vn(cx, d, a, b),
        Opcode::Bor => rows::vo(cx, d, a, b),
        Opcode::Bxor => rows::vx(cx, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers bnot.
pub fn complement(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::vno(cx, d, a, a);
    Ok(())
}

/// Lowers bitselect.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    rows::vsel(cx, d, ones, zeros, control);
    Ok(())
}

/// Lowers blendv: the top bit of each lane of the first operand selects.
pub fn lane_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    let [mask] = tmps(cx);
    rows::vesra_i(cx, lane_size(data.ty), mask, control, data.ty.lane_bits() as i32 - 1);
    rows::vsel(cx, d, ones, zeros, mask);
    Ok(())
}

/// Lowers select and select_spectre_guard.
pub fn select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (chosen, other) = (cx.put(Value(data.b)), cx.put(Value(data.c)));
    let cond = condition(cx, Value(data.a), true).code(cx);
    rows::select_v(cx, d, other, chosen, cond);
    Ok(())
}
