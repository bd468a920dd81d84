//! Conversions between integers and floats, and between f32 and f64.
//!
//! Before z15, processors convert integers of 64 bits only. Those of 32 bits go by way of f64, which
//! holds them exactly, and saturate when they become narrow again.

use super::float::canonical;
use super::int::{lane_size, tmps};
use super::memory::make_constant;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::VReg;
use crate::machine::size::{L32, OperandSize, Q64};
use crate::rule;

/// Lowers fvpromote_low and fvdemote.
pub fn change_width(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    match data.opcode {
        Opcode::FvpromoteLow => canonical(cx, d, types::F64X2, |cx, d| promote(cx, d, a, true)),
        Opcode::Fvdemote => canonical(cx, d, types::F32X4, |cx, d| {
            let [zero] = tmps(cx);
            make_constant(cx, zero, [0; 16]);
            demote(cx, d, [a, zero]);
        }),
        other => unexpected(other),
    }
    Ok(())
}

/// The f32 lanes of the left half, or the right one, as f64.
fn promote(cx: &mut Cx, d: VReg, a: VReg, is_left: bool) {
    let [spread] = tmps(cx);
    match is_left {
        true => rows::vmrh(cx, L32, spread, a, a),
        false => rows::vmrl(cx, L32, spread, a, a),
    }
    rows::vldeb(cx, d, spread);
}

/// The f64 lanes of two vectors as f32. Zeros stay zeros.
fn demote(cx: &mut Cx, d: VReg, halves: [VReg; 2]) {
    let [first, second] = halves.map(|half| {
        let [rounded] = tmps(cx);
        rows::vledb(cx, rounded, half);
        rounded
    });
    let [indices] = tmps(cx);
    make_constant(cx, indices, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
    rows::vperm(cx, d, first, second, indices);
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
    if size == Q64 {
        return match signed {
            true => rows::vcdgb(cx, d, a),
            false => rows::vcdlgb(cx, d, a),
        };
    }
    if cx.flags.has_vxrs_ext2() {
        rule!(cx, "vector.convert_singles");
        return match signed {
            true => rows::vcefb(cx, d, a),
            false => rows::vcelfb(cx, d, a),
        };
    }
    let [left, right, first, second] = tmps(cx);
    if signed {
        rows::vuph(cx, L32, left, a);
        rows::vupl(cx, L32, right, a);
    } else {
        rows::vuplh(cx, L32, left, a);
        rows::vupll(cx, L32, right, a);
    }
    rows::vcdgb(cx, first, left);
    rows::vcdgb(cx, second, right);
    demote(cx, d, [first, second]);
}

/// Converts the first two lanes from f32 to f64.
pub fn promote_first(cx: &mut Cx, d: VReg, a: VReg) {
    promote(cx, d, a, true);
}

/// Converts lanes of f64 or f32 to signed integers with saturation; a NaN gives the smallest value.
fn to_signed(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg) {
    if size == Q64 {
        return rows::vcgdb(cx, d, a);
    }
    if cx.flags.has_vxrs_ext2() {
        rule!(cx, "vector.convert_singles");
        return rows::vcfeb(cx, d, a);
    }
    let [left, right, first, second] = tmps(cx);
    promote(cx, left, a, true);
    promote(cx, right, a, false);
    rows::vcgdb(cx, first, left);
    rows::vcgdb(cx, second, right);
    rows::vpks(cx, L32, d, first, second);
}

/// Lowers fcvt_to_sint_sat and fcvt_to_uint_sat.
pub fn to_int_saturated(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    lanes_to_int(cx, lane_size(data.ty), data.opcode == Opcode::FcvtToSintSat, d, a);
    Ok(())
}

/// Converts float lanes to integers of the same size with saturation.
pub fn lanes_to_int(cx: &mut Cx, size: OperandSize, signed: bool, d: VReg, a: VReg) {
    if signed {
        let [converted, is_number] = tmps(cx);
        to_signed(cx, size, converted, a);
        rows::vfce(cx, size, is_number, a, a);
        return rows::vn(cx, d, converted, is_number);
    }
    // A NaN gives zero.
    if size == Q64 {
        return rows::vclgdb(cx, d, a);
    }
    if cx.flags.has_vxrs_ext2() {
        rule!(cx, "vector.convert_singles");
        return rows::vclfeb(cx, d, a);
    }
    let [left, right, first, second] = tmps(cx);
    promote(cx, left, a, true);
    promote(cx, right, a, false);
    rows::vclgdb(cx, first, left);
    rows::vclgdb(cx, second, right);
    rows::vpkls(cx, L32, d, first, second);
}

/// Lowers x86_cvtt2dq: what is out of range gives the smallest value.
pub fn to_int_x86(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = lane_size(data.ty);
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    // 2^31 or 2^63: from there on, integers saturate to the largest value.
    let limit = if size == L32 { [0x4F, 0, 0, 0, 0x4F, 0, 0, 0] } else { [0x43, 0xE0, 0, 0, 0, 0, 0, 0] };
    let [converted, bound, too_large, smallest] = tmps(cx);
    let bytes = size.bytes() as usize;
    to_signed(cx, size, converted, a);
    make_constant(cx, bound, std::array::from_fn(|at| limit[at % 8]));
    rows::vfche(cx, size, too_large, a, bound);
    make_constant(cx, smallest, std::array::from_fn(|at| if at % bytes == 0 { 0x80 } else { 0 }));
    rows::vsel(cx, d, smallest, converted, too_large);
    Ok(())
}
