//! Products of integers, and sums of neighbouring lanes.

use super::int::{lane_size, tmps};
use super::memory::make_constant;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::vector::{Widened, sum_of_products, sum_of_widened};
use crate::lower::vector_moves::VectorMoves;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// Lowers imul.
pub fn multiply(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    if size != Q64 {
        rows::vml(cx, size, d, a, b);
        return Ok(());
    }
    by_halves(cx, d, a, b, |cx, d, a, b| rows::ms_rrr(cx, Q64, d, a, b));
    Ok(())
}

/// Computes lanes of 64 bits in general registers.
fn by_halves(cx: &mut Cx, d: VReg, a: VReg, b: VReg, compute: impl Fn(&mut Cx, VReg, VReg, VReg)) {
    let [firsts, seconds] = [a, b].map(|vector| {
        let halves = [(); 2].map(|()| cx.tmp(RegClass::Int));
        S390x::split_halves(cx, halves, vector);
        halves
    });
    let results = [0, 1].map(|half| {
        let result = cx.tmp(RegClass::Int);
        compute(cx, result, firsts[half], seconds[half]);
        result
    });
    S390x::join_halves(cx, d, results);
}

/// Lowers umulhi and smulhi.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    let is_signed = data.opcode == Opcode::Smulhi;
    match (size, is_signed) {
        (Q64, _) => by_halves(cx, d, a, b, |cx, high, a, b| {
            let low = cx.tmp(RegClass::Int);
            match is_signed {
                true => rows::mg_rrr(cx, high, low, a, b),
                false => rows::mlg_rr(cx, high, low, a, b),
            }
        }),
        (B8 | W16 | L32, true) => rows::vmh(cx, size, d, a, b),
        (B8 | W16 | L32, false) => rows::vmlh(cx, size, d, a, b),
        (other, _) => unexpected(other),
    }
    Ok(())
}

/// Lowers sqmul_round_sat and x86_pmulhrsw: products of twice the width, rounded and shifted to the right by
/// all bits but the sign. One saturates when the products become narrow again, the other wraps around.
pub fn fixed_point(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    let wide = OperandSize::from_bits(size.bits() * 2);
    let [half, even, odd] = tmps(cx);
    let (bytes, rounded) = (wide.bytes() as usize, size.bytes() as usize);
    make_constant(cx, half, std::array::from_fn(|at| if at % bytes == rounded { 0x40 } else { 0 }));
    rows::vme(cx, size, even, a, b);
    rows::vmo(cx, size, odd, a, b);
    let [even, odd] = [even, odd].map(|product| {
        let [sum, shifted] = tmps(cx);
        rows::va(cx, wide, sum, product, half);
        rows::vesra_i(cx, wide, shifted, sum, size.bits() as i32 - 1);
        shifted
    });
    let [low, high] = tmps(cx);
    rows::vmrh(cx, wide, low, even, odd);
    rows::vmrl(cx, wide, high, even, odd);
    match data.opcode {
        Opcode::SqmulRoundSat => rows::vpks(cx, size, d, low, high),
        Opcode::X86Pmulhrsw => rows::vpk(cx, size, d, low, high),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers iadd_pairwise and x86_pmaddubsw.
pub fn pairwise(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    if data.opcode == Opcode::IaddPairwise && add_widened_neighbours(cx, d, &data) {
        return Ok(());
    }
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    if data.opcode == Opcode::IaddPairwise {
        add_neighbours(cx, lane_size(data.ty), d, [a, b]);
        return Ok(());
    }
    let [left_a, right_a, left_b, right_b] = tmps(cx);
    rows::vuph(cx, B8, left_a, a);
    rows::vupl(cx, B8, right_a, a);
    rows::vuplh(cx, B8, left_b, b);
    rows::vupll(cx, B8, right_b, b);
    let [first, second] = [(left_a, left_b), (right_a, right_b)].map(|(x, y)| {
        let [even, odd, sums] = tmps(cx);
        rows::vme(cx, W16, even, x, y);
        rows::vmo(cx, W16, odd, x, y);
        rows::va(cx, L32, sums, even, odd);
        sums
    });
    rows::vpks(cx, W16, d, first, second);
    Ok(())
}

/// Adds neighbouring lanes, or products of lanes, of vectors that are widened. Returns whether they are.
fn add_widened_neighbours(cx: &mut Cx, d: VReg, data: &InstData) -> bool {
    let size = OperandSize::from_bits(data.ty.lane_bits() / 2);
    if let Some(Widened { vectors, signed }) = sum_of_products(cx, data) {
        rule!(cx, "vector.dot_product");
        let [a, b] = vectors.map(|vector| cx.put(vector));
        let [even] = tmps(cx);
        if signed {
            rows::vme(cx, size, even, a, b);
            rows::vmao(cx, size, d, a, b, even);
        } else {
            rows::vmle(cx, size, even, a, b);
            rows::vmalo(cx, size, d, a, b, even);
        }
        return true;
    }
    let Some(Widened { vectors: [vector, _], signed }) = sum_of_widened(cx, data) else { return false };
    rule!(cx, "vector.sum_of_widened");
    let a = cx.put(vector);
    let (wide, bits) = (lane_size(data.ty), size.bits() as i32);
    let shift = if signed { rows::vesra_i } else { rows::vesrl_i };
    let [left, moved, right] = tmps(cx);
    shift(cx, wide, left, a, bits);
    rows::vesl_i(cx, wide, moved, a, bits);
    shift(cx, wide, right, moved, bits);
    rows::va(cx, wide, d, left, right);
    true
}

/// `d` = the sums of neighbouring lanes of each vector.
pub fn add_neighbours(cx: &mut Cx, size: OperandSize, d: VReg, [a, b]: [VReg; 2]) {
    // In the right lane of each pair, the sum of both.
    let wide = OperandSize::from_bits(size.bits() * 2);
    let [first, second] = [a, b].map(|vector| {
        let [left, sums] = tmps(cx);
        rows::vesrl_i(cx, wide, left, vector, size.bits() as i32);
        rows::va(cx, size, sums, left, vector);
        sums
    });
    rows::vpk(cx, size, d, first, second);
}
