//! Vectors of fewer than 128 bits: what differs from those of 128 bits.
//!
//! Such a vector is in the first lanes of a register. What computes lane by lane is done on all lanes by the
//! functions for 128 bits: the other lanes have arbitrary values, and nothing traps.
//! This file has what must not touch other lanes, which is memory, and what depends on the number of lanes:
//! tests of all lanes, narrowing, widening, sums of neighbours, and conversions between lanes of different
//! widths.

use super::address::access;
use super::by_lanes;
use super::context::{Lower, Lowered, Unsupported};
use super::half::HalfLowering;
use super::vector::{VectorLowering, reorder};
use super::vector_moves::VectorMoves;
use crate::diag::unexpected;
use crate::ir::*;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, Q64};

/// Lowers loads.
pub(super) fn load<I: VectorMoves>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let from = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) || data.ty.lane_bits() == 8 {
        I::load_first(cx, d, from, data.ty.bits());
        return Ok(());
    }
    let raw = cx.tmp(RegClass::Float);
    I::load_first(cx, raw, from, data.ty.bits());
    I::reverse_bytes(cx, d, raw, data.ty.lane_bits());
    Ok(())
}

/// Lowers stores.
pub(super) fn store<I: VectorMoves>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let ty = cx.ty(Value(data.a));
    let mut source = cx.put(Value(data.a));
    if cx.swaps(&cx.mem_flags(&data)) && ty.lane_bits() != 8 {
        let raw = source;
        source = cx.tmp(RegClass::Float);
        I::reverse_bytes(cx, source, raw, ty.lane_bits());
    }
    let to = access(cx, &data);
    I::store_first(cx, source, to, ty.bits());
    Ok(())
}

/// Lowers `bitcast` from or to such a vector. Scalars count as vectors of one lane.
pub(super) fn bitcast<I: VectorMoves>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (source, result) = (Value(data.a), cx.f.first_result(inst));
    let (from, to) = (cx.ty(source), data.ty);
    let order = cx.mem_flags(&data).endianness.unwrap_or(I::ENDIANNESS);
    let lanes = match Shape::of(from) {
        Shape::Int => {
            let (int, lanes) = (cx.put(source), cx.tmp(RegClass::Float));
            I::first_from_int(cx, lanes, int, from.bits());
            lanes
        }
        Shape::Half | Shape::Float | Shape::SmallVector | Shape::SmallHalfVector => cx.put(source),
        other => return Err(refused(cx, &data, from, other)),
    };
    match Shape::of(to) {
        Shape::Int => {
            let (d, ordered) = (cx.reg(result), cx.tmp(RegClass::Float));
            reorder(cx, ordered, lanes, order, from.lane_bits(), to.bits());
            I::int_from_first(cx, d, ordered, to.bits());
        }
        Shape::Half | Shape::Float | Shape::SmallVector | Shape::SmallHalfVector => {
            let d = cx.reg(result);
            reorder(cx, d, lanes, order, from.lane_bits(), to.lane_bits());
        }
        other => return Err(refused(cx, &data, from, other)),
    }
    Ok(())
}

/// The reason why a conversion is not compiled.
fn refused<I: VectorMoves>(cx: &Lower<'_, I>, data: &InstData, from: Type, shape: Shape) -> Unsupported {
    let (name, to, shape) = (data.opcode.name(), data.ty, shape.name());
    cx.unsupported(format!("{name} from {from} to {to} ({shape}) is not supported yet on {}", I::NAME))
}

/// A whole vector that begins with the first bits of `a`; the rest is zeros, or repeats them.
fn whole<I: VectorMoves>(cx: &mut Lower<'_, I>, mut a: VReg, bits: u32, repeats: bool) -> VReg {
    if bits == 128 {
        return a;
    }
    let zero = cx.tmp(RegClass::Float);
    if !repeats {
        I::make_vector(cx, zero, [0; 16]);
    }
    let mut filled = bits;
    while filled < 128 {
        let d = cx.tmp(RegClass::Float);
        I::join_first(cx, d, [a, if repeats { a } else { zero }], filled);
        (a, filled) = (d, 2 * filled);
    }
    a
}

/// The operand of a test of lanes as a whole register, on which the test has the same result.
pub(super) fn filled<I: VectorMoves>(cx: &mut Lower<'_, I>, data: &InstData) -> VReg {
    let a = cx.put(Value(data.a));
    let bits = cx.ty(Value(data.a)).bits();
    whole(cx, a, bits, data.opcode == Opcode::VallTrue)
}

/// Both operands in one vector, the first one's lanes first.
fn joined<I: VectorMoves>(cx: &mut Lower<'_, I>, data: &InstData) -> VReg {
    let bits = cx.ty(Value(data.a)).bits();
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let d = cx.tmp(RegClass::Float);
    I::join_first(cx, d, [a, b], bits);
    d
}

/// Lowers `snarrow`, `unarrow` and `uunarrow`.
pub(super) fn narrow<I: VectorLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (d, both) = (cx.def(inst), joined(cx, &data));
    let size = OperandSize::from_bits(data.ty.lane_bits());
    (I::VECTORS.narrow)(cx, data.opcode, size, d, [both, both]);
    Ok(())
}

/// Lowers `iadd_pairwise`.
pub(super) fn add_neighbours<I: VectorLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (d, both) = (cx.def(inst), joined(cx, &data));
    let size = OperandSize::from_bits(data.ty.lane_bits());
    (I::VECTORS.add_neighbours)(cx, size, d, [both, both]);
    Ok(())
}

/// Lowers `swiden_low` and the like. Of two lanes, the result is a scalar.
pub(super) fn widen<I: VectorLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let ty = cx.ty(Value(data.a));
    let (signed, high) = match data.opcode {
        Opcode::SwidenLow => (true, false),
        Opcode::SwidenHigh => (true, true),
        Opcode::UwidenLow => (false, false),
        Opcode::UwidenHigh => (false, true),
        other => unexpected(other),
    };
    let result = cx.f.first_result(inst);
    let d = cx.reg(result);
    let mut a = cx.put(Value(data.a));
    if high {
        let dropped = cx.tmp(RegClass::Float);
        I::drop_first(cx, dropped, a, ty.bits() / 2);
        a = dropped;
    }
    let size = OperandSize::from_bits(ty.lane_bits());
    if cx.ty(result).is_vector() {
        (I::VECTORS.widen_first)(cx, size, signed, d, a);
        return Ok(());
    }
    let widened = cx.tmp(RegClass::Float);
    (I::VECTORS.widen_first)(cx, size, signed, widened, a);
    I::int_from_first(cx, d, widened, ty.bits());
    Ok(())
}

/// Lowers `fcvt_from_sint` and `fcvt_from_uint`, also from narrower lanes.
pub(super) fn from_int<I: VectorLowering + HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let from = cx.ty(Value(data.a));
    // From wider integers, the float would be rounded twice.
    if data.ty.lane_bits() < 32 || from.lane_bits() > data.ty.lane_bits() {
        return by_lanes::from_int(cx, inst);
    }
    let (d, signed) = (cx.def(inst), data.opcode == Opcode::FcvtFromSint);
    let (mut a, mut size) = (cx.put(Value(data.a)), OperandSize::from_bits(from.lane_bits()));
    while size.bits() < data.ty.lane_bits() {
        let widened = cx.tmp(RegClass::Float);
        (I::VECTORS.widen_first)(cx, size, signed, widened, a);
        (a, size) = (widened, OperandSize::from_bits(2 * size.bits()));
    }
    (I::VECTORS.lanes_from_int)(cx, size, signed, d, a);
    Ok(())
}

/// Lowers `fcvt_to_sint_sat` and `fcvt_to_uint_sat`, also to narrower or wider lanes.
pub(super) fn to_int_saturated<I: VectorLowering + HalfLowering>(
    cx: &mut Lower<'_, I>,
    inst: Inst,
) -> Lowered {
    let data = cx.f.insts[inst];
    let from = cx.ty(Value(data.a));
    if from.lane_bits() < 32 {
        return by_lanes::to_int(cx, inst);
    }
    let signed = data.opcode == Opcode::FcvtToSintSat;
    let (mut a, mut size) = (cx.put(Value(data.a)), OperandSize::from_bits(from.lane_bits()));
    if size.bits() < data.ty.lane_bits() {
        let promoted = cx.tmp(RegClass::Float);
        (I::VECTORS.promote_first)(cx, promoted, a);
        (a, size) = (promoted, Q64);
    }
    let mut converted = cx.tmp(RegClass::Float);
    (I::VECTORS.lanes_to_int)(cx, size, signed, converted, a);
    let narrowing = if signed { Opcode::Snarrow } else { Opcode::Uunarrow };
    while size.bits() > data.ty.lane_bits() {
        let narrow = cx.tmp(RegClass::Float);
        (I::VECTORS.narrow)(cx, narrowing, size, narrow, [converted, converted]);
        (converted, size) = (narrow, OperandSize::from_bits(size.bits() / 2));
    }
    cx.define_as(cx.f.first_result(inst), converted);
    Ok(())
}

/// Lowers `x86_cvtt2dq`.
pub(super) fn to_int_x86<I: VectorLowering + HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let from = cx.ty(Value(data.a));
    match I::VECTORS.to_int_x86 {
        Some(lower) if from.lane_bits() == data.ty.lane_bits() && from.lane_bits() >= 32 => lower(cx, inst),
        Some(_) | None => by_lanes::to_int(cx, inst),
    }
}
