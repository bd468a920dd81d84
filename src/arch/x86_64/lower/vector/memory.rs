//! Loads, stores and constants of vectors, and moves of their halves.
//!
//! A load is folded into an instruction only if that may access any address: with AVX, or if the load is
//! `aligned`.

use super::{has_sse41, has_ssse3};
use crate::arch::x86_64::lower::float::Op;
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{access, sink_load};
use crate::lower::context::Lowered;
use crate::lower::vector::vector_constant;
use crate::lower::vector_moves::VectorMoves;
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, W16};
use crate::rule;

/// Loads a whole register.
pub fn load_whole(cx: &mut Cx, d: VReg, from: Amode) {
    rows::movup_load(cx, L32, d, from);
}

/// Stores a whole register.
pub fn store_whole(cx: &mut Cx, register: VReg, to: Amode) {
    rows::movup_store(cx, L32, register, to);
}

/// Returns the address of 16 bytes in the constant pool.
pub fn pool(cx: &mut Cx, bytes: [u8; 16]) -> Amode {
    Amode::at(Place::Constant(cx.vcode.constant(&bytes)), 0)
}

/// Materialises a constant, given its bytes.
pub fn make_constant(cx: &mut Cx, d: VReg, bytes: [u8; 16]) {
    match bytes {
        _ if bytes == [0; 16] => rows::zero_x(cx, d),
        _ if bytes == [0xFF; 16] => rows::ones_x(cx, d),
        _ => {
            let from = pool(cx, bytes);
            rows::movap_load(cx, L32, d, from);
        }
    }
}

/// Asks for a vector as a memory operand if it is a constant other than zero and ones, or a load that may be
/// folded; else in a register.
pub fn operand(cx: &mut Cx, value: Value) -> Rm {
    if let Some(bytes) = vector_constant(cx, value)
        && bytes != [0; 16]
        && bytes != [0xFF; 16]
    {
        rule!(cx, "vector.operand_constant");
        return Rm::Mem(pool(cx, bytes));
    }
    if may_fold(cx, value)
        && let Some(amode) = sink_load(cx, value, cx.ty(value))
    {
        rule!(cx, "vector.operand_load");
        return Rm::Mem(amode);
    }
    Rm::Reg(cx.put(value))
}

/// Whether a value is loaded from an address that any instruction may access, as all of its operand.
fn may_fold(cx: &Cx, value: Value) -> bool {
    let is_whole = cx.ty(value).bits() == 128;
    let is_aligned = || cx.def_by(value, Opcode::Load).is_some_and(|load| cx.mem_flags(load).aligned);
    is_whole && (cx.flags.has_avx() || is_aligned())
}

/// Pushes a commutative operation on two vectors.
pub fn commutative(cx: &mut Cx, op: &Op, d: VReg, data: &InstData) {
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    binary(cx, op, d, a, b);
}

/// Pushes an operation on two vectors.
pub fn binary(cx: &mut Cx, op: &Op, d: VReg, a: Value, b: Value) {
    let size = super::lane_size(cx.ty(a));
    let b = operand(cx, b);
    let a = cx.put(a);
    op.push(cx, size, d, a, b);
}

/// Lowers loads of vectors.
pub fn load(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) || data.ty.lane_bits() == 8 {
        load_whole(cx, d, amode);
        return Ok(());
    }
    let raw = cx.tmp(RegClass::Float);
    load_whole(cx, raw, amode);
    X86_64::reverse_bytes(cx, d, raw, data.ty.lane_bits());
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
        X86_64::reverse_bytes(cx, source, raw, bits);
    }
    let amode = access(cx, &data);
    store_whole(cx, source, amode);
    Ok(())
}

impl VectorMoves for X86_64 {
    fn reverse_bytes(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        if has_ssse3(cx) {
            let bytes = bits as u8 / 8;
            let indices = pool(cx, std::array::from_fn(|at| at as u8 ^ (bytes - 1)));
            rows::pshufb_rm(cx, d, a, indices);
            return;
        }
        let words = reverse_words(cx, a, bits);
        let [low, high] = [(); 2].map(|()| cx.tmp(RegClass::Float));
        rows::psrl_ri(cx, W16, low, words, 8);
        rows::psll_ri(cx, W16, high, words, 8);
        rows::por_rm(cx, d, low, high);
    }

    fn join_halves(cx: &mut Cx, d: VReg, [first, second]: [VReg; 2]) {
        let low = cx.tmp(RegClass::Float);
        rows::mov_xr(cx, Q64, low, first);
        if has_sse41(cx) {
            rows::pinsr_rmi(cx, Q64, d, low, second, 1);
            return;
        }
        let high = cx.tmp(RegClass::Float);
        rows::mov_xr(cx, Q64, high, second);
        rows::punpckl_rm(cx, Q64, d, low, high);
    }

    fn split_halves(cx: &mut Cx, [first, second]: [VReg; 2], a: VReg) {
        rows::mov_rx(cx, Q64, first, a);
        if has_sse41(cx) {
            rows::pextr_rxi(cx, Q64, second, a, 1);
            return;
        }
        let high = cx.tmp(RegClass::Float);
        rows::pshufd_rmi(cx, high, a, 0b1110_1110);
        rows::mov_rx(cx, Q64, second, high);
    }

    fn load_first(cx: &mut Cx, d: VReg, from: Amode, bits: u32) {
        if bits > 16 {
            return rows::movs_load(cx, OperandSize::from_bits(bits), d, from);
        }
        let word = cx.tmp(RegClass::Int);
        rows::movzw_rm(cx, L32, word, from);
        rows::mov_xr(cx, L32, d, word);
    }

    fn store_first(cx: &mut Cx, a: VReg, to: Amode, bits: u32) {
        if bits > 16 {
            return rows::movs_store(cx, OperandSize::from_bits(bits), a, to);
        }
        let word = cx.tmp(RegClass::Int);
        rows::mov_rx(cx, L32, word, a);
        rows::mov_mr(cx, W16, word, to);
    }

    fn first_from_int(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        rows::mov_xr(cx, OperandSize::from_bits(bits).max(L32), d, a);
    }

    fn int_from_first(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        rows::mov_rx(cx, OperandSize::from_bits(bits).max(L32), d, a);
    }

    fn join_first(cx: &mut Cx, d: VReg, [a, b]: [VReg; 2], bits: u32) {
        rows::punpckl_rm(cx, OperandSize::from_bits(bits), d, a, b);
    }

    fn drop_first(cx: &mut Cx, d: VReg, a: VReg, bits: u32) {
        rows::psrl_ri(cx, Q64, d, a, bits as i32);
    }
}

/// Reverses the order of 16-bit words in each lane of `bits` bits.
fn reverse_words(cx: &mut Cx, a: VReg, bits: u32) -> VReg {
    // Pairs of words are exchanged, or four words reversed.
    let order = match bits {
        16 => return a,
        32 => 0b1011_0001,
        64 | 128 => 0b0001_1011,
        other => unexpected(other),
    };
    let [low, both] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    rows::pshuflw_rmi(cx, low, a, order);
    rows::pshufhw_rmi(cx, both, low, order);
    if bits < 128 {
        return both;
    }
    let all = cx.tmp(RegClass::Float);
    rows::pshufd_rmi(cx, all, both, 0b0100_1110);
    all
}
