//! Counting the ones in each lane, which one instruction does for lanes of every width.

use super::int::lane_size;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::ir::*;
use crate::lower::context::Lowered;

/// Lowers popcnt, the only opcode of its family that the language has on vectors.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::vpopct(cx, lane_size(data.ty), d, a);
    Ok(())
}
