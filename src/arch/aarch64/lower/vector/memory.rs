//! Loads, stores and constants of vectors, and moves of their halves.

use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::lower::vector::shift::right;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::access;
use crate::lower::context::Lowered;
use crate::lower::vector_moves::VectorMoves;
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};

/// The size of accesses to whole registers.
const WHOLE: OperandSize = OperandSize::from_bits(128);

/// Materialises a constant, given its bytes.
pub fn make_constant(cx: &mut Cx, d: VReg, bytes: [u8; 16]) {
    match bytes {
        _ if bytes == [0; 16] => rows::movi_zero(cx, d),
        _ if bytes == [0xFF; 16] => {
            let zero = cx.tmp(RegClass::Float);
            rows::movi_zero(cx, zero);
            rows::not_16b(cx, d, zero);
        }
        _ => {
            let number = cx.vcode.constant(&bytes);
            rows::ldr_f(cx, WHOLE, d, Amode::at(Place::Constant(number), 0));
        }
    }
}

/// Lowers loads of vectors.
pub fn load(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) || data.ty.lane_bits() == 8 {
        rows::ldr_f(cx, WHOLE, d, amode);
        return Ok(());
    }
    let raw = cx.tmp(RegClass::Float);
    rows::ldr_f(cx, WHOLE, raw, amode);
    Aarch64::reverse_bytes(cx, d, raw, data.ty.lane_bits());
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
    rows::ldr_f(cx, Q64, narrow, amode);
    if cx.swaps(&cx.mem_flags(&data)) && size != B8 {
        let raw = narrow;
        narrow = cx.tmp(RegClass::Float);
        rows::rev_16b(cx, size, narrow, raw);
    }
    match data.opcode {
        Sload8x8 | Sload16x4 | Sload32x2 => rows::vsxtl(cx, size, d, narrow),
        Uload8x8 | Uload16x4 | Uload32x2 => rows::vuxtl(cx, size, d, narrow),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers stores of vectors.
pub fn store(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let bits = cx.ty(Value(data.a)).lane_bits();
    let mut source = cx.put(Value(data.a));
    if cx.swaps(&cx.mem_flags(&data)) && bits != 8 {
        let raw = source;
        source = cx.tmp(RegClass::Float);
        Aarch64::reverse_bytes(cx, source, raw, bits);
    }
    let amode = access(cx, &data);
    rows::str_f(cx, WHOLE, source, amode);
    Ok(())
}

impl VectorMoves for Aarch64 {
    fn reverse_bytes(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        if bits < 128 {
            return rows::rev_16b(cx, OperandSize::from_bits(bits), d, a);
        }
        let halves = cx.tmp(RegClass::Float);
        rows::rev_16b(cx, Q64, halves, a);
        rows::ext_16b(cx, d, halves, halves, 8);
    }

    fn join_halves(cx: &mut Cx, d: VReg, [first, second]: [VReg; 2]) {
        let low = cx.tmp(RegClass::Float);
        rows::fmov_fr(cx, Q64, low, first);
        rows::vset(cx, Q64, d, low, second, 1);
    }

    fn split_halves(cx: &mut Cx, [first, second]: [VReg; 2], a: VReg) {
        rows::fmov_rf(cx, Q64, first, a);
        rows::vget(cx, Q64, second, a, 1);
    }

    fn load_first(cx: &mut Cx, d: VReg, from: Amode, bits: u32) {
        rows::ldr_f(cx, OperandSize::from_bits(bits), d, from);
    }

    fn store_first(cx: &mut Cx, a: VReg, to: Amode, bits: u32) {
        rows::str_f(cx, OperandSize::from_bits(bits), a, to);
    }

    fn first_from_int(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        rows::fmov_fr(cx, OperandSize::from_bits(bits).max(L32), d, a);
    }

    fn int_from_first(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        rows::fmov_rf(cx, OperandSize::from_bits(bits).max(L32), d, a);
    }

    fn join_first(cx: &mut Cx, d: VReg, [a, b]: [VReg; 2], bits: u32) {
        rows::vzip1(cx, OperandSize::from_bits(bits), d, a, b);
    }

    fn drop_first(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        rows::vushr(cx, Q64, d, a, right(Q64, bits as i32));
    }
}
