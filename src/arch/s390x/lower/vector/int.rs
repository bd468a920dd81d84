//! Lane-wise arithmetic of integers.

use super::memory::make_constant;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;

/// The size of an integer vector's lanes.
pub(super) fn lane_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.lane_bits())
}

/// Temporary vectors.
pub(super) fn tmps<const N: usize>(cx: &mut Cx) -> [VReg; N] {
    [(); N].map(|()| cx.tmp(RegClass::Float))
}

/// Lowers iadd and isub.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    match data.opcode {
        Opcode::Iadd => rows::va(cx, size, d, a, b),
        Opcode::Isub => rows::vs(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers ineg.
pub fn negate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::vlc(cx, lane_size(data.ty), d, a);
    Ok(())
}

/// Lowers iabs.
pub fn absolute(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::vlp(cx, lane_size(data.ty), d, a);
    Ok(())
}

/// Lowers smin, smax, umin and umax.
pub fn min_max(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    match data.opcode {
        Opcode::Smin => rows::vmn(cx, size, d, a, b),
        Opcode::Smax => rows::vmx(cx, size, d, a, b),
        Opcode::Umin => rows::vmnl(cx, size, d, a, b),
        Opcode::Umax => rows::vmxl(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers saturating sums and differences.
pub fn saturate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    let [wrapped, overflows] = tmps(cx);
    match data.opcode {
        Opcode::UaddSat => {
            rows::va(cx, size, wrapped, a, b);
            rows::vchl(cx, size, overflows, a, wrapped);
            rows::vo(cx, d, wrapped, overflows);
        }
        Opcode::UsubSat => {
            rows::vs(cx, size, wrapped, a, b);
            rows::vchl(cx, size, overflows, b, a);
            rows::vnc(cx, d, wrapped, overflows);
        }
        Opcode::SaddSat => {
            // A sum overflows if its sign differs from that of both operands.
            let [from_a, from_b] = tmps(cx);
            rows::va(cx, size, wrapped, a, b);
            rows::vx(cx, from_a, a, wrapped);
            rows::vx(cx, from_b, b, wrapped);
            rows::vn(cx, overflows, from_a, from_b);
            saturate_signed(cx, size, d, a, wrapped, overflows);
        }
        Opcode::SsubSat => {
            // A difference overflows if the signs of the operands differ, and that of the first changes.
            let [from_a, differ] = tmps(cx);
            rows::vs(cx, size, wrapped, a, b);
            rows::vx(cx, from_a, a, wrapped);
            rows::vx(cx, differ, a, b);
            rows::vn(cx, overflows, from_a, differ);
            saturate_signed(cx, size, d, a, wrapped, overflows);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// `d` = `wrapped`, or in lanes where `overflows` has the top bit, the extreme value with the sign of `a`.
fn saturate_signed(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, wrapped: VReg, overflows: VReg) {
    let [mask, sign, most, extreme] = tmps(cx);
    let last = size.bits() as i32 - 1;
    let bytes = size.bytes() as usize;
    rows::vesra_i(cx, size, mask, overflows, last);
    rows::vesra_i(cx, size, sign, a, last);
    make_constant(cx, most, std::array::from_fn(|at| if at % bytes == 0 { 0x7F } else { 0xFF }));
    rows::vx(cx, extreme, sign, most);
    rows::vsel(cx, d, extreme, wrapped, mask);
}

/// Lowers avg_round.
pub fn average(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    rows::vavgl(cx, lane_size(data.ty), d, a, b);
    Ok(())
}
