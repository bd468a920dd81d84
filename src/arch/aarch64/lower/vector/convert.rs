//! Conversions between integers and floats of the same width, and between f32 and f64.

use super::float::canonical;
use super::int::lane_size;
use super::memory::make_constant;
use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize};

/// Lowers fvpromote_low and fvdemote.
pub fn change_width(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    match data.opcode {
        Opcode::FvpromoteLow => canonical(cx, d, types::F64X2, |cx, d| rows::vfcvtl(cx, d, a)),
        Opcode::Fvdemote => canonical(cx, d, types::F32X4, |cx, d| rows::vfcvtn(cx, d, a)),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers fcvt_from_sint and fcvt_from_uint.
pub fn from_int(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    lanes_from_int(cx, lane_size(data.ty), data.opcode == Opcode::FcvtFromSint, d, a);
    Ok(())
}

/// Converts integer lanes to floats of the same size.
pub fn lanes_from_int(cx: &mut Cx, size: OperandSize, signed: bool, d: VReg, a: VReg) {
    match signed {
        true => rows::vscvtf(cx, size, d, a),
        false => rows::vucvtf(cx, size, d, a),
    }
}

/// Converts float lanes to integers of the same size with saturation.
pub fn lanes_to_int(cx: &mut Cx, size: OperandSize, signed: bool, d: VReg, a: VReg) {
    match signed {
        true => rows::vfcvtzs(cx, size, d, a),
        false => rows::vfcvtzu(cx, size, d, a),
    }
}

/// Converts the first two lanes from f32 to f64.
pub fn promote_first(cx: &mut Cx, d: VReg, a: VReg) {
    rows::vfcvtl(cx, d, a);
}

/// Lowers fcvt_to_sint_sat and fcvt_to_uint_sat, which are what the processor does.
pub fn to_int_saturated(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    lanes_to_int(cx, lane_size(data.ty), data.opcode == Opcode::FcvtToSintSat, d, a);
    Ok(())
}

/// Lowers x86_cvtt2dq: what is out of range gives the smallest value.
pub fn to_int_x86(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    let size = lane_size(data.ty);
    // 2^31 or 2^63, which is the first number that is out of range.
    let limit = if size == L32 { [0, 0, 0, 0x4F, 0, 0, 0, 0x4F] } else { [0, 0, 0, 0, 0, 0, 0xE0, 0x43] };
    let smallest = if size == L32 { [0, 0, 0, 0x80, 0, 0, 0, 0x80] } else { [0, 0, 0, 0, 0, 0, 0, 0x80] };
    let [bound, magnitude, fits, converted, otherwise] = [(); 5].map(|()| cx.tmp(RegClass::Float));
    make_constant(cx, bound, std::array::from_fn(|at| limit[at % 8]));
    rows::vfabs(cx, size, magnitude, a);
    rows::vfcmgt(cx, size, fits, bound, magnitude);
    rows::vfcvtzs(cx, size, converted, a);
    make_constant(cx, otherwise, std::array::from_fn(|at| smallest[at % 8]));
    rows::bsl_16b(cx, d, fits, converted, otherwise);
    Ok(())
}
