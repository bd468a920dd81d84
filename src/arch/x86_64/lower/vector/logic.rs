//! Bitwise operations, and selections by a scalar or by bits.

use super::compare::sign_mask;
use super::memory::{commutative, operand};
use super::ops::{AND, OR, XOR};
use super::{blend, blend_bits, has_avx512, has_sse41, lane_size, ones};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::lower::select::move_float_if;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::condition::condition;
use crate::lower::context::Lowered;
use crate::lower::vector::is_lane_mask;
use crate::machine::size::{B8, L32};
use crate::rule;

/// Lowers band, bor and bxor.
pub fn logic(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let op = match data.opcode {
        Opcode::Band => &AND,
        Opcode::Bor => &OR,
        Opcode::Bxor => &XOR,
        other => unexpected(other),
    };
    commutative(cx, op, d, &data);
    Ok(())
}

/// Lowers bnot.
pub fn complement(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    if has_avx512(cx) {
        let a = cx.put(Value(data.a));
        rows::vpternlogq_rmi(cx, d, a, a, a, 0b0101_0101);
        return Ok(());
    }
    let a = operand(cx, Value(data.a));
    let ones = ones(cx);
    XOR.push(cx, L32, d, ones, a);
    Ok(())
}

/// Lowers bitselect.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let is_mask = is_lane_mask(cx, Value(data.a));
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    if is_mask {
        rule!(cx, "bitselect.mask");
        blend(cx, d, control, ones, zeros);
    } else {
        blend_bits(cx, d, control, ones, zeros);
    }
    Ok(())
}

/// Lowers blendv.
pub fn lane_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    let size = lane_size(data.ty);
    if has_sse41(cx) && size == B8 {
        rule!(cx, "blendv.bytes");
        blend(cx, d, control, ones, zeros);
        return Ok(());
    }
    let mask = sign_mask(cx, size, control);
    blend(cx, d, mask, ones, zeros);
    Ok(())
}

/// Lowers select and select_spectre_guard.
pub fn select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (chosen, other) = (cx.put(Value(data.b)), cx.put(Value(data.c)));
    let test = condition(cx, Value(data.a), true);
    move_float_if(cx, L32, d, test, chosen, other);
    Ok(())
}
