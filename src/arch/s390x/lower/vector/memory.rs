//! Loads, stores and constants of vectors, and moves of their halves.
//!
//! Only the first sixteen vector registers are allocated, whose left halves scalars are in. Calls pass
//! vectors in the others: `CallLowering::unallocated` moves them from and to there.

use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::access;
use crate::lower::context::Lowered;
use crate::lower::vector_moves::VectorMoves;
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, O128, OperandSize, Q64, W16, exact_size};
use crate::rule;

/// Materialises a constant, given its bytes. One instruction makes all whose bytes are 0 and 255, and all
/// whose lanes are the same number of 16 bits.
pub fn make_constant(cx: &mut Cx, d: VReg, bytes: [u8; 16]) {
    if bytes.iter().all(|byte| matches!(byte, 0 | 0xFF)) {
        let mask = bytes.iter().fold(0, |mask, byte| mask << 1 | i32::from(byte & 1));
        return rows::vgbm(cx, d, mask);
    }
    if let Some((size, number)) = replicated(bytes) {
        rule!(cx, "vector.replicated");
        return rows::vrepi(cx, size, d, number.into());
    }
    let number = cx.vcode.constant(&bytes);
    rows::vl(cx, d, Amode::at(Place::Constant(number), 0));
}

/// The number of which a constant consists, extended by its sign to the size of lanes.
fn replicated(bytes: [u8; 16]) -> Option<(OperandSize, i16)> {
    [B8, W16, L32, Q64].into_iter().find_map(|size| {
        let (lane, _) = bytes.split_at(size.bits() as usize / 8);
        let (high, low) = lane.split_at(lane.len().saturating_sub(2));
        let number = match *low {
            [byte] => i16::from(byte as i8),
            [first, second] => i16::from_be_bytes([first, second]),
            _ => return None,
        };
        let sign = if number < 0 { 0xFF } else { 0 };
        let is_lane = |other: &[u8]| other == lane;
        (high.iter().all(|byte| *byte == sign) && bytes.chunks(lane.len()).all(is_lane))
            .then_some((size, number))
    })
}

/// Lowers loads of vectors.
pub fn load(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) || data.ty.lane_bits() == 8 {
        rows::vl(cx, d, amode);
        return Ok(());
    }
    let size = OperandSize::from_bits(data.ty.lane_bits());
    if cx.flags.has_vxrs_ext2() && size != O128 {
        rule!(cx, "vector.load_reversed");
        rows::vlbr(cx, size, d, amode);
        return Ok(());
    }
    let raw = cx.tmp(RegClass::Float);
    rows::vl(cx, raw, amode);
    S390x::reverse_bytes(cx, d, raw, data.ty.lane_bits());
    Ok(())
}

/// Lowers loads of 64 bits that widen each lane.
pub fn load_widening(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let size = match data.opcode {
        Uload8x8 | Sload8x8 => B8,
        Uload16x4 | Sload16x4 => W16,
        Uload32x2 | Sload32x2 => L32,
        other => unexpected(other),
    };
    let amode = access(cx, &data);
    let mut narrow = cx.tmp(RegClass::Float);
    rows::fl_rm(cx, exact_size(types::F64), narrow, amode);
    if cx.swaps(&cx.mem_flags(&data)) && size != B8 {
        let raw = narrow;
        narrow = cx.tmp(RegClass::Float);
        S390x::reverse_bytes(cx, narrow, raw, size.bits());
    }
    match data.opcode {
        Sload8x8 | Sload16x4 | Sload32x2 => rows::vuph(cx, size, d, narrow),
        Uload8x8 | Uload16x4 | Uload32x2 => rows::vuplh(cx, size, d, narrow),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers stores of vectors.
pub fn store(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let bits = cx.ty(Value(data.a)).lane_bits();
    let mut source = cx.put(Value(data.a));
    let swaps = cx.swaps(&cx.mem_flags(&data)) && bits != 8;
    if swaps && cx.flags.has_vxrs_ext2() && bits <= 64 {
        rule!(cx, "vector.store_reversed");
        let amode = access(cx, &data);
        rows::vstbr(cx, OperandSize::from_bits(bits), source, amode);
        return Ok(());
    }
    if swaps {
        let raw = source;
        source = cx.tmp(RegClass::Float);
        S390x::reverse_bytes(cx, source, raw, bits);
    }
    let amode = access(cx, &data);
    rows::vst(cx, source, amode);
    Ok(())
}

impl VectorMoves for S390x {
    fn reverse_bytes(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        let bytes = bits as u8 / 8;
        let indices = cx.tmp(RegClass::Float);
        make_constant(cx, indices, std::array::from_fn(|at| at as u8 ^ (bytes - 1)));
        rows::vperm(cx, d, a, a, indices);
    }

    fn join_halves(cx: &mut Cx, d: VReg, [first, second]: [VReg; 2]) {
        rows::vlvgp(cx, d, first, second);
    }

    fn split_halves(cx: &mut Cx, halves: [VReg; 2], a: VReg) {
        for (half, lane) in halves.into_iter().zip(0..) {
            rows::vlgv(cx, Q64, half, a, lane);
        }
    }

    fn load_first(cx: &mut Cx, d: VReg, from: Amode, bits: u32) {
        if bits > 16 {
            return rows::fl_rm(cx, OperandSize::from_bits(bits), d, from);
        }
        let halfword = cx.tmp(RegClass::Int);
        rows::llh_rm(cx, Q64, halfword, from);
        Self::first_from_int(cx, d, halfword, bits);
    }

    fn store_first(cx: &mut Cx, a: VReg, to: Amode, bits: u32) {
        if bits > 16 {
            return rows::fst_mr(cx, OperandSize::from_bits(bits), a, to);
        }
        let halfword = cx.tmp(RegClass::Int);
        rows::vlgv(cx, W16, halfword, a, 0);
        rows::st_mr(cx, W16, halfword, to);
    }

    fn first_from_int(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        match bits {
            16 => {
                let left = cx.tmp(RegClass::Int);
                rows::sll_rri(cx, L32, left, a, 16);
                rows::vlvgf(cx, d, left);
            }
            32 => rows::vlvgf(cx, d, a),
            64 => rows::ldgr(cx, d, a),
            other => unexpected(other),
        }
    }

    fn int_from_first(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        rows::vlgv(cx, OperandSize::from_bits(bits), d, a, 0);
    }

    fn join_first(cx: &mut Cx, d: VReg, [a, b]: [VReg; 2], bits: u32) {
        rows::vmrh(cx, OperandSize::from_bits(bits), d, a, b);
    }

    fn drop_first(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        rows::vesl_i(cx, Q64, d, a, bits as i32);
    }
}
