//! Products of integers, and sums of neighbouring lanes.

use super::int::lane_size;
use super::memory::make_constant;
use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::vector::{Widened, sum_of_widened, widened_product};
use crate::lower::vector_moves::VectorMoves;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// Lowers imul.
pub fn multiply(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let size = lane_size(data.ty);
    for high in [false, true] {
        if let Some(Widened { vectors, signed }) = widened_product(cx, &data, high) {
            rule!(cx, "vector.widened_product");
            let [a, b] = vectors.map(|vector| cx.put(vector));
            let row = match (signed, high) {
                (true, false) => rows::vsmull,
                (true, true) => rows::vsmull_high,
                (false, false) => rows::vumull,
                (false, true) => rows::vumull_high,
            };
            row(cx, OperandSize::from_bits(size.bits() / 2), d, a, b);
            return Ok(());
        }
    }
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    match size {
        Q64 => multiply_64(cx, d, a, b),
        B8 | W16 | L32 => rows::vmul(cx, size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// A product of lanes of 64 bits: that of the low halves, and above it the sum of the products of each low
/// half and the other high half.
fn multiply_64(cx: &mut Cx, d: VReg, a: VReg, b: VReg) {
    let [swapped, crossed, sums, high, low_a, low_b] = [(); 6].map(|()| cx.tmp(RegClass::Float));
    rows::vrev64w(cx, swapped, b);
    rows::vmul(cx, L32, crossed, swapped, a);
    rows::vuaddlp(cx, L32, sums, crossed);
    rows::vshl(cx, Q64, high, sums, 32);
    rows::vxtn(cx, L32, low_a, a);
    rows::vxtn(cx, L32, low_b, b);
    rows::vumlalw(cx, d, high, low_a, low_b);
}

/// Lowers umulhi and smulhi.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let is_signed = data.opcode == Opcode::Smulhi;
    let size = lane_size(data.ty);
    if size == Q64 {
        multiply_high_64(cx, is_signed, d, a, b);
        return Ok(());
    }
    let [low, high] = products(cx, is_signed, size, a, b);
    rows::vuzp2(cx, size, d, low, high);
    Ok(())
}

/// The products of all lanes, in lanes of twice the width: those of the low lanes, and those of the high
/// ones.
fn products(cx: &mut Cx, is_signed: bool, size: OperandSize, a: VReg, b: VReg) -> [VReg; 2] {
    let [low, high] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    if is_signed {
        rows::vsmull(cx, size, low, a, b);
        rows::vsmull_high(cx, size, high, a, b);
    } else {
        rows::vumull(cx, size, low, a, b);
        rows::vumull_high(cx, size, high, a, b);
    }
    [low, high]
}

/// The high halves of products of lanes of 64 bits, in general registers.
fn multiply_high_64(cx: &mut Cx, is_signed: bool, d: VReg, a: VReg, b: VReg) {
    let [first, second, other_first, other_second] = [(); 4].map(|()| cx.tmp(RegClass::Int));
    Aarch64::split_halves(cx, [first, second], a);
    Aarch64::split_halves(cx, [other_first, other_second], b);
    let halves = [(first, other_first), (second, other_second)].map(|(x, y)| {
        let high = cx.tmp(RegClass::Int);
        match is_signed {
            true => rows::smulh(cx, high, x, y),
            false => rows::umulh(cx, high, x, y),
        }
        high
    });
    Aarch64::join_halves(cx, d, halves);
}

/// Lowers sqmul_round_sat and x86_pmulhrsw.
pub fn fixed_point(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let size = lane_size(data.ty);
    if data.opcode == Opcode::SqmulRoundSat {
        rows::vsqrdmulh(cx, size, d, a, b);
        return Ok(());
    }
    // The only product that saturates, to the largest value, is the square of the smallest one, which is its
    // complement.
    let [smallest, a_is, b_is, both, product] = [(); 5].map(|()| cx.tmp(RegClass::Float));
    let bytes = (size.bits() / 8) as usize;
    make_constant(cx, smallest, std::array::from_fn(|at| if at % bytes == bytes - 1 { 0x80 } else { 0 }));
    rows::vcmeq(cx, size, a_is, a, smallest);
    rows::vcmeq(cx, size, b_is, b, smallest);
    rows::and_16b(cx, both, a_is, b_is);
    rows::vsqrdmulh(cx, size, product, a, b);
    rows::eor_16b(cx, d, product, both);
    Ok(())
}

/// Lowers iadd_pairwise and x86_pmaddubsw.
pub fn pairwise(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    if data.opcode == Opcode::IaddPairwise
        && let Some(Widened { vectors: [vector, _], signed }) = sum_of_widened(cx, &data)
    {
        rule!(cx, "vector.sum_of_widened");
        let (a, narrow) = (cx.put(vector), OperandSize::from_bits(data.ty.lane_bits() / 2));
        match signed {
            true => rows::vsaddlp(cx, narrow, d, a),
            false => rows::vuaddlp(cx, narrow, d, a),
        }
        return Ok(());
    }
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    if data.opcode == Opcode::IaddPairwise {
        add_neighbours(cx, lane_size(data.ty), d, [a, b]);
        return Ok(());
    }
    // Signed bytes times unsigned ones fit in 17 bits with the sum of two, so the sums are of 32 bits.
    let signed = widened(cx, true, a);
    let unsigned = widened(cx, false, b);
    let [low, high] = [0, 1].map(|half| {
        let [first, second] = products(cx, true, W16, signed[half], unsigned[half]);
        let sums = cx.tmp(RegClass::Float);
        rows::vaddp(cx, L32, sums, first, second);
        sums
    });
    let narrow = cx.tmp(RegClass::Float);
    rows::vsqxtn(cx, W16, narrow, low);
    rows::vsqxtn_high(cx, W16, d, narrow, high);
    Ok(())
}

/// `d` = the sums of neighbouring lanes of each vector.
pub fn add_neighbours(cx: &mut Cx, size: OperandSize, d: VReg, [a, b]: [VReg; 2]) {
    rows::vaddp(cx, size, d, a, b);
}

/// The bytes of a vector in lanes of 16 bits: the low ones, and the high ones.
fn widened(cx: &mut Cx, is_signed: bool, a: VReg) -> [VReg; 2] {
    let [low, high] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    if is_signed {
        rows::vsxtl(cx, B8, low, a);
        rows::vsxtl_high(cx, B8, high, a);
    } else {
        rows::vuxtl(cx, B8, low, a);
        rows::vuxtl_high(cx, B8, high, a);
    }
    [low, high]
}
