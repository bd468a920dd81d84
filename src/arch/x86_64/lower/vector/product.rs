//! Products of integer lanes, and sums of neighbours.
//!
//! Bytes are multiplied as halves of words. Wide products come from `pmuludq`, which multiplies the low
//! halves of 64-bit lanes: the even lanes of 32 bits. For the odd ones, both operands are shifted right.

use super::compare::sign_mask;
use super::memory::commutative;
use super::ops::{
    ADD, ADD_NEIGHBOURS, ADD_SIGNED, AND, EQUAL, HIGH_ROUNDED, HIGH_SIGNED, HIGH_UNSIGNED, LEFT,
    MULTIPLY_ADD_BYTES, MULTIPLY_ADD_WORDS, MULTIPLY_DOUBLE, MULTIPLY_QUAD, MULTIPLY_WORDS, OR, PACK_SIGNED,
    PACK_UNSIGNED, RIGHT, RIGHT_SIGNED, SUBTRACT, UNPACK_HIGH, UNPACK_LOW, WIDE_SIGNED, WIDE_UNSIGNED, XOR,
};
use super::permute::shuffle_words32;
use super::{both, constant, has_quads, has_sse41, has_ssse3, lane_size, repeated};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::{X86_64, rows};
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
    match lane_size(data.ty) {
        W16 => commutative(cx, &MULTIPLY_WORDS, d, &data),
        L32 if has_sse41(cx) => commutative(cx, &MULTIPLY_DOUBLE, d, &data),
        B8 => {
            let (a, b) = both(cx, &data);
            let even = MULTIPLY_WORDS.value(cx, W16, a, b);
            let low = repeated(cx, W16, 0xFF);
            let even = AND.value(cx, L32, even, low);
            let (a, b) = (RIGHT.value(cx, W16, a, 8), RIGHT.value(cx, W16, b, 8));
            let odd = MULTIPLY_WORDS.value(cx, W16, a, b);
            let odd = LEFT.value(cx, W16, odd, 8);
            OR.push(cx, L32, d, even, odd);
        }
        L32 => {
            let (a, b) = both(cx, &data);
            let [even, odd] = products(cx, false, a, b);
            // The low halves of both.
            let [even, odd] = [even, odd].map(|lanes| shuffle_words32(cx, lanes, 0b0000_1000));
            UNPACK_LOW.push(cx, L32, d, even, odd);
        }
        Q64 if has_quads(cx) => commutative(cx, &MULTIPLY_QUAD, d, &data),
        Q64 => {
            let (a, b) = both(cx, &data);
            let (a_high, b_high) = (RIGHT.value(cx, Q64, a, 32), RIGHT.value(cx, Q64, b, 32));
            let low = WIDE_UNSIGNED.value(cx, Q64, a, b);
            let first = WIDE_UNSIGNED.value(cx, Q64, a_high, b);
            let second = WIDE_UNSIGNED.value(cx, Q64, a, b_high);
            let middle = ADD.value(cx, Q64, first, second);
            let middle = LEFT.value(cx, Q64, middle, 32);
            ADD.push(cx, Q64, d, low, middle);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// The products of 64 bits of the even and of the odd lanes of 32 bits.
fn products(cx: &mut Cx, signed: bool, a: VReg, b: VReg) -> [VReg; 2] {
    let (a_odd, b_odd) = (RIGHT.value(cx, Q64, a, 32), RIGHT.value(cx, Q64, b, 32));
    if !signed {
        return [WIDE_UNSIGNED.value(cx, Q64, a, b), WIDE_UNSIGNED.value(cx, Q64, a_odd, b_odd)];
    }
    if has_sse41(cx) {
        return [WIDE_SIGNED.value(cx, Q64, a, b), WIDE_SIGNED.value(cx, Q64, a_odd, b_odd)];
    }
    // A negative operand counts 2^32 too much, so the other one is subtracted from the high half.
    let (a_signs, b_signs) = (sign_mask(cx, L32, a), sign_mask(cx, L32, b));
    let first = AND.value(cx, L32, a_signs, b);
    let second = AND.value(cx, L32, b_signs, a);
    let excess = ADD.value(cx, L32, first, second);
    let even_excess = LEFT.value(cx, Q64, excess, 32);
    let odd_excess = upper_halves(cx, excess);
    let even = WIDE_UNSIGNED.value(cx, Q64, a, b);
    let odd = WIDE_UNSIGNED.value(cx, Q64, a_odd, b_odd);
    [SUBTRACT.value(cx, Q64, even, even_excess), SUBTRACT.value(cx, Q64, odd, odd_excess)]
}

/// The high halves of 64-bit lanes, with zeros for the low ones.
fn upper_halves(cx: &mut Cx, a: VReg) -> VReg {
    let mask = repeated(cx, Q64, 0xFFFF_FFFF << 32);
    AND.value(cx, L32, a, mask)
}

/// Lowers umulhi and smulhi.
pub fn multiply_high(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let signed = data.opcode == Opcode::Smulhi;
    match lane_size(data.ty) {
        W16 => commutative(cx, if signed { &HIGH_SIGNED } else { &HIGH_UNSIGNED }, d, &data),
        B8 => {
            let (a, b) = both(cx, &data);
            let ([a_even, a_odd], [b_even, b_odd]) = (bytes(cx, signed, a), bytes(cx, signed, b));
            let even = MULTIPLY_WORDS.value(cx, W16, a_even, b_even);
            let odd = MULTIPLY_WORDS.value(cx, W16, a_odd, b_odd);
            let even = RIGHT.value(cx, W16, even, 8);
            let high = repeated(cx, W16, 0xFF00);
            let odd = AND.value(cx, L32, odd, high);
            OR.push(cx, L32, d, even, odd);
        }
        L32 => {
            let (a, b) = both(cx, &data);
            let [even, odd] = products(cx, signed, a, b);
            let even = RIGHT.value(cx, Q64, even, 32);
            let odd = upper_halves(cx, odd);
            OR.push(cx, L32, d, even, odd);
        }
        Q64 => {
            let (a, b) = both(cx, &data);
            let [a, b] = [a, b].map(|vector| {
                let halves = [(); 2].map(|()| cx.tmp(RegClass::Int));
                X86_64::split_halves(cx, halves, vector);
                halves
            });
            let mut high = a;
            for (high, (a, b)) in high.iter_mut().zip(a.into_iter().zip(b)) {
                let low = cx.tmp(RegClass::Int);
                *high = cx.tmp(RegClass::Int);
                match signed {
                    true => rows::imul_wide(cx, Q64, low, *high, a, b),
                    false => rows::mul_wide(cx, Q64, low, *high, a, b),
                }
            }
            X86_64::join_halves(cx, d, high);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// The even and the odd bytes, extended to words.
fn bytes(cx: &mut Cx, signed: bool, a: VReg) -> [VReg; 2] {
    if !signed {
        let low = repeated(cx, W16, 0xFF);
        return [AND.value(cx, L32, a, low), RIGHT.value(cx, W16, a, 8)];
    }
    let even = LEFT.value(cx, W16, a, 8);
    [RIGHT_SIGNED.value(cx, W16, even, 8), RIGHT_SIGNED.value(cx, W16, a, 8)]
}

/// Lowers sqmul_round_sat and x86_pmulhrsw. Only the square of the smallest value tells them apart.
pub fn fixed_point(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let saturates = data.opcode == Opcode::SqmulRoundSat;
    let (a, b) = both(cx, &data);
    let size = lane_size(data.ty);
    if size == W16 && !has_ssse3(cx) {
        rounded_words(cx, d, saturates, a, b);
        return Ok(());
    }
    let product = match size {
        W16 => HIGH_ROUNDED.value(cx, W16, a, b),
        L32 => rounded_double(cx, a, b),
        other => unexpected(other),
    };
    if !saturates {
        cx.alias(d, product);
        return Ok(());
    }
    let smallest = repeated(cx, size, 1 << (size.bits() - 1));
    let wrapped = EQUAL.value(cx, size, product, smallest);
    XOR.push(cx, L32, d, product, wrapped);
    Ok(())
}

/// `d` = rounded products of words, from their products of 32 bits, which are packed again.
fn rounded_words(cx: &mut Cx, d: VReg, saturates: bool, a: VReg, b: VReg) {
    let (low, high) = (MULTIPLY_WORDS.value(cx, W16, a, b), HIGH_SIGNED.value(cx, W16, a, b));
    let half = repeated(cx, L32, 1 << 14);
    let [first, second] = [&UNPACK_LOW, &UNPACK_HIGH].map(|unpack| {
        let products = unpack.value(cx, W16, low, high);
        let sums = ADD.value(cx, L32, products, half);
        // The lowest 16 bits, with their sign: 2^15 wraps around.
        let sums = if saturates { sums } else { LEFT.value(cx, L32, sums, 1) };
        RIGHT_SIGNED.value(cx, L32, sums, if saturates { 15 } else { 16 })
    });
    PACK_SIGNED.push(cx, L32, d, first, second);
}

/// Rounded products of 32-bit lanes: bits 31 to 62 of the wide products.
fn rounded_double(cx: &mut Cx, a: VReg, b: VReg) -> VReg {
    let half = repeated(cx, Q64, 1 << 30);
    let [even, odd] = products(cx, true, a, b).map(|products| ADD.value(cx, Q64, products, half));
    let even = RIGHT.value(cx, Q64, even, 31);
    let low = repeated(cx, Q64, 0xFFFF_FFFF);
    let even = AND.value(cx, L32, even, low);
    let odd = LEFT.value(cx, Q64, odd, 1);
    let odd = upper_halves(cx, odd);
    OR.value(cx, L32, even, odd)
}

/// Lowers iadd_pairwise and x86_pmaddubsw.
pub fn pairwise(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    if data.opcode == Opcode::X86Pmaddubsw {
        multiply_add_bytes(cx, d, &data);
        return Ok(());
    }
    let products = sum_of_products(cx, &data).filter(|products| products.signed && data.ty == types::I32X4);
    if let Some(Widened { vectors: [x, y], .. }) = products {
        rule!(cx, "vector.dot_product");
        let (x, y) = (cx.put(x), cx.put(y));
        MULTIPLY_ADD_WORDS.push(cx, L32, d, x, y);
        return Ok(());
    }
    if add_widened(cx, d, &data) {
        return Ok(());
    }
    let (a, b) = both(cx, &data);
    add_neighbours(cx, lane_size(data.ty), d, [a, b]);
    Ok(())
}

/// `d` = the sums of neighbouring lanes of each vector.
pub fn add_neighbours(cx: &mut Cx, size: OperandSize, d: VReg, [a, b]: [VReg; 2]) {
    match size {
        W16 | L32 if has_ssse3(cx) => ADD_NEIGHBOURS.push(cx, size, d, a, b),
        B8 => {
            let low = repeated(cx, W16, 0xFF);
            let [a, b] = [a, b].map(|bytes| {
                let odd = RIGHT.value(cx, W16, bytes, 8);
                let sums = ADD.value(cx, B8, bytes, odd);
                AND.value(cx, L32, sums, low)
            });
            PACK_UNSIGNED.push(cx, W16, d, a, b);
        }
        W16 => {
            let [a, b] = [a, b].map(|words| {
                let even = LEFT.value(cx, L32, words, 16);
                let sums = ADD.value(cx, W16, even, words);
                RIGHT_SIGNED.value(cx, L32, sums, 16)
            });
            PACK_SIGNED.push(cx, L32, d, a, b);
        }
        L32 => {
            let [even, odd] = [0b1000_1000, 0b1101_1101].map(|order| {
                let lanes = cx.tmp(RegClass::Float);
                super::permute::shuffle_two(cx, lanes, a, b, order);
                lanes
            });
            ADD.push(cx, L32, d, even, odd);
        }
        other => unexpected(other),
    }
}

/// Adds neighbours of a widened vector, as products with ones. Returns whether it is widened.
fn add_widened(cx: &mut Cx, d: VReg, data: &InstData) -> bool {
    let Some(Widened { vectors: [vector, _], signed }) = sum_of_widened(cx, data) else { return false };
    let size = lane_size(data.ty);
    if size == W16 && !has_ssse3(cx) {
        return false;
    }
    rule!(cx, "vector.sum_of_widened");
    let a = cx.put(vector);
    match (size, signed) {
        (W16, true) => {
            let ones = constant(cx, B8, 1);
            MULTIPLY_ADD_BYTES.push(cx, W16, d, ones, a);
        }
        (W16, false) => {
            let ones = repeated(cx, B8, 1);
            MULTIPLY_ADD_BYTES.push(cx, W16, d, a, ones);
        }
        (L32, true) => {
            let ones = repeated(cx, W16, 1);
            MULTIPLY_ADD_WORDS.push(cx, L32, d, a, ones);
        }
        (L32, false) => {
            // As signed words, they are less by 2^15.
            let (signs, ones) = (repeated(cx, W16, 0x8000), repeated(cx, W16, 1));
            let a = XOR.value(cx, L32, a, signs);
            let sums = MULTIPLY_ADD_WORDS.value(cx, L32, a, ones);
            let missing = repeated(cx, L32, 0x1_0000);
            ADD.push(cx, L32, d, sums, missing);
        }
        (other, _) => unexpected(other),
    }
    true
}

/// Lowers x86_pmaddubsw, whose first operand is the signed one.
fn multiply_add_bytes(cx: &mut Cx, d: VReg, data: &InstData) {
    let (signed, unsigned) = both(cx, data);
    if has_ssse3(cx) {
        return MULTIPLY_ADD_BYTES.push(cx, W16, d, unsigned, signed);
    }
    let ([even, odd], [even_unsigned, odd_unsigned]) = (bytes(cx, true, signed), bytes(cx, false, unsigned));
    let even = MULTIPLY_WORDS.value(cx, W16, even, even_unsigned);
    let odd = MULTIPLY_WORDS.value(cx, W16, odd, odd_unsigned);
    ADD_SIGNED.push(cx, W16, d, even, odd);
}
