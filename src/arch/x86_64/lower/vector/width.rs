//! Narrowing and widening of integer lanes, and loads that widen.

use super::compare::{greater, sign_mask};
use super::int::extreme;
use super::ops::{
    AND_NOT, MIN_UNSIGNED, PACK_SIGNED, PACK_UNSIGNED, PACK_UNSIGNED_DOUBLE, RIGHT_SIGNED, SUBTRACT,
    SUBTRACT_UNSIGNED, UNPACK_HIGH, UNPACK_LOW, WIDEN_SIGNED, WIDEN_UNSIGNED, XOR,
};
use super::permute::shuffle_two;
use super::{blend, constant, has_sse41, lane_size, repeated, zero};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::access;
use crate::lower::context::Lowered;
use crate::lower::vector_moves::VectorMoves;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// Lowers snarrow, unarrow and uunarrow.
pub fn narrow(cx: &mut Cx, opcode: Opcode, size: OperandSize, d: VReg, [mut a, mut b]: [VReg; 2]) {
    if size == Q64 {
        [a, b] = [a, b].map(|lanes| limited_quad(cx, opcode, lanes));
        return shuffle_two(cx, d, a, b, 0b1000_1000);
    }
    if opcode == Opcode::Uunarrow {
        [a, b] = [a, b].map(|lanes| limited_unsigned(cx, size, lanes));
    }
    match (opcode, size) {
        (Opcode::Snarrow, _) => PACK_SIGNED.push(cx, size, d, a, b),
        (Opcode::Unarrow | Opcode::Uunarrow, W16) => PACK_UNSIGNED.push(cx, W16, d, a, b),
        (Opcode::Unarrow | Opcode::Uunarrow, L32) if has_sse41(cx) => {
            PACK_UNSIGNED_DOUBLE.push(cx, L32, d, a, b)
        }
        (Opcode::Unarrow | Opcode::Uunarrow, L32) => {
            // Packed around zero. What is negative must not wrap around.
            let bias = repeated(cx, L32, 0x8000);
            let [a, b] = [a, b].map(|lanes| {
                let signs = sign_mask(cx, L32, lanes);
                let lanes = AND_NOT.value(cx, L32, signs, lanes);
                SUBTRACT.value(cx, L32, lanes, bias)
            });
            let packed = PACK_SIGNED.value(cx, L32, a, b);
            let signs = repeated(cx, W16, 0x8000);
            XOR.push(cx, L32, d, packed, signs);
        }
        other => unexpected(other),
    }
}

/// Unsigned lanes of 16 or 32 bits, at most what half of their width holds.
fn limited_unsigned(cx: &mut Cx, size: OperandSize, a: VReg) -> VReg {
    let most = repeated(cx, size, if size == W16 { 0xFF } else { 0xFFFF });
    if has_sse41(cx) {
        return MIN_UNSIGNED[if size == W16 { 1 } else { 2 }].value(cx, size, a, most);
    }
    if size == W16 {
        let excess = SUBTRACT_UNSIGNED.value(cx, W16, a, most);
        return SUBTRACT.value(cx, W16, a, excess);
    }
    let (d, limit) = (cx.tmp(RegClass::Float), constant(cx, L32, 0xFFFF));
    extreme(cx, d, L32, false, true, (a, limit));
    d
}

/// Lanes of 64 bits, limited to what their low halves hold.
fn limited_quad(cx: &mut Cx, opcode: Opcode, a: VReg) -> VReg {
    let (least, greatest) = match opcode {
        Opcode::Snarrow => (Some(i64::from(i32::MIN) as u64), i32::MAX as u64),
        Opcode::Unarrow => (Some(0), u64::from(u32::MAX)),
        Opcode::Uunarrow => (None, u64::from(u32::MAX)),
        other => unexpected(other),
    };
    let limit = constant(cx, Q64, greatest);
    let d = cx.tmp(RegClass::Float);
    extreme(cx, d, Q64, least.is_some(), true, (a, limit));
    let Some(least) = least else { return d };
    let limit = constant(cx, Q64, least);
    let below = greater(cx, Q64, limit, d);
    let limited = cx.tmp(RegClass::Float);
    blend(cx, limited, below, limit, d);
    limited
}

/// Lowers swiden_low, swiden_high, uwiden_low and uwiden_high.
pub fn widen(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let size = lane_size(cx.ty(Value(data.a)));
    let signed = matches!(data.opcode, Opcode::SwidenLow | Opcode::SwidenHigh);
    let low = matches!(data.opcode, Opcode::SwidenLow | Opcode::UwidenLow);
    let a = cx.put(Value(data.a));
    widen_half(cx, d, size, a, signed, low);
    Ok(())
}

/// `d` = one half of the lanes, widened.
/// Widens the low lanes.
pub fn widen_first(cx: &mut Cx, size: OperandSize, signed: bool, d: VReg, a: VReg) {
    widen_half(cx, d, size, a, signed, true);
}

fn widen_half(cx: &mut Cx, d: VReg, size: OperandSize, a: VReg, signed: bool, low: bool) {
    if low && has_sse41(cx) {
        let op = if signed { &WIDEN_SIGNED } else { &WIDEN_UNSIGNED };
        return op.push(cx, size, d, a);
    }
    let unpack = if low { &UNPACK_LOW } else { &UNPACK_HIGH };
    match (signed, size) {
        (false, _) => {
            let zero = zero(cx);
            unpack.push(cx, size, d, a, zero);
        }
        (true, L32) => {
            let signs = sign_mask(cx, L32, a);
            unpack.push(cx, L32, d, a, signs);
        }
        // The upper half of each wide lane is shifted down.
        (true, _) => {
            let doubled = unpack.value(cx, size, a, a);
            let bits = size.bits();
            let wide = if size == B8 { W16 } else { L32 };
            RIGHT_SIGNED.push(cx, wide, d, doubled, bits);
        }
    }
}

/// Lowers loads of 64 bits that widen each lane.
pub fn load(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let size = match data.opcode {
        Uload8x8 | Sload8x8 => B8,
        Uload16x4 | Sload16x4 => W16,
        Uload32x2 | Sload32x2 => L32,
        other => unexpected(other),
    };
    let signed = matches!(data.opcode, Sload8x8 | Sload16x4 | Sload32x2);
    let amode = access(cx, &data);
    let swaps = cx.swaps(&cx.mem_flags(&data)) && size != B8;
    if has_sse41(cx) && !swaps {
        rule!(cx, "vector.load_widening");
        let op = if signed { &WIDEN_SIGNED } else { &WIDEN_UNSIGNED };
        op.push(cx, size, d, Rm::Mem(amode));
        return Ok(());
    }
    let mut lanes = cx.tmp(RegClass::Float);
    rows::movs_load(cx, Q64, lanes, amode);
    if swaps {
        let raw = lanes;
        lanes = cx.tmp(RegClass::Float);
        X86_64::reverse_bytes(cx, lanes, raw, size.bits());
    }
    widen_half(cx, d, size, lanes, signed, true);
    Ok(())
}
