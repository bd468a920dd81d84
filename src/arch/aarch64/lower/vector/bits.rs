//! Counting the ones in each lane: in its bytes, which an instruction does, then in pairs of neighbours.

use super::int::lane_size;
use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::RegClass;
use crate::machine::size::{B8, L32, W16};

/// Lowers popcnt, the only opcode of its family that the language has on vectors: counts the ones of bytes,
/// and adds neighbours until the lanes are wide enough.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let mut count = cx.put(Value(data.a));
    let size = lane_size(data.ty);
    if size == B8 {
        rows::cnt_16b(cx, d, count);
        return Ok(());
    }
    let ones = cx.tmp(RegClass::Float);
    rows::cnt_16b(cx, ones, count);
    count = ones;
    for narrow in [B8, W16, L32] {
        let is_last = narrow.bits() * 2 == size.bits();
        let sums = if is_last { d } else { cx.tmp(RegClass::Float) };
        rows::vuaddlp(cx, narrow, sums, count);
        if is_last {
            break;
        }
        count = sums;
    }
    Ok(())
}
