//! Lane-wise arithmetic of integers.

use super::shift::right;
use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, Q64};

/// The size of an integer vector's lanes.
pub(super) fn lane_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.lane_bits())
}

/// Lowers iadd and isub.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    match data.opcode {
        Opcode::Iadd => rows::vadd(cx, size, d, a, b),
        Opcode::Isub => rows::vsub(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers ineg.
pub fn negate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::vneg(cx, lane_size(data.ty), d, a);
    Ok(())
}

/// Lowers iabs.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::vabs(cx, lane_size(data.ty), d, a);
    Ok(())
}

/// Lowers smin, smax, umin and umax.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    if size == Q64 {
        min_max_64(cx, data.opcode, d, a, b);
        return Ok(());
    }
    match data.opcode {
        Opcode::Smin => rows::vsmin(cx, size, d, a, b),
        Opcode::Smax => rows::vsmax(cx, size, d, a, b),
        Opcode::Umin => rows::vumin(cx, size, d, a, b),
        Opcode::Umax => rows::vumax(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// A minimum or maximum of lanes of 64 bits, for which there are comparisons only.
fn min_max_64(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: VReg) {
    let greater = cx.tmp(RegClass::Float);
    match opcode {
        Opcode::Smin | Opcode::Smax => rows::vcmgt(cx, Q64, greater, a, b),
        Opcode::Umin | Opcode::Umax => rows::vcmhi(cx, Q64, greater, a, b),
        other => unexpected(other),
    }
    match opcode {
        Opcode::Smin | Opcode::Umin => rows::bsl_16b(cx, d, greater, b, a),
        Opcode::Smax | Opcode::Umax => rows::bsl_16b(cx, d, greater, a, b),
        other => unexpected(other),
    }
}

/// Lowers saturating sums and differences.
pub fn saturate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    match data.opcode {
        Opcode::SaddSat => rows::vsqadd(cx, size, d, a, b),
        Opcode::SsubSat => rows::vsqsub(cx, size, d, a, b),
        Opcode::UaddSat => rows::vuqadd(cx, size, d, a, b),
        Opcode::UsubSat => rows::vuqsub(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers avg_round.
pub fn average(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    if size != Q64 {
        rows::vurhadd(cx, size, d, a, b);
        return Ok(());
    }
    // The rounded-up average of lanes of 64 bits is (a | b) - ((a ^ b) >> 1).
    let [either, differ, half] = [(); 3].map(|()| cx.tmp(RegClass::Float));
    rows::orr_16b(cx, either, a, b);
    rows::eor_16b(cx, differ, a, b);
    rows::vushr(cx, Q64, half, differ, right(Q64, 1));
    rows::vsub(cx, Q64, d, either, half);
    Ok(())
}
