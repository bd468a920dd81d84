//! Lane-wise arithmetic of integers.

use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::size::OperandSize;

/// Lowers iadd and isub.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = OperandSize::from_bits(data.ty.lane_bits());
    match data.opcode {
        Opcode::Iadd => rows::vadd(cx, size, d, a, b),
        _ => rows::vsub(cx, size, d, a, b),
    }
    Ok(())
}
