//! Permutations of bytes: `shuffle`, whose indices are constant, and `swizzle` and `x86_pshufb`.
//!
//! A shuffle is one instruction if its indices have a pattern; else two byte shuffles whose results are
//! joined, or before SSSE3 moves of single bytes.

use super::lane::{insert_word, word_of};
use super::memory::make_constant;
use super::ops::{ADD_UNSIGNED, AND, EQUAL, OR, SHUFFLE_BYTES, UNPACK_HIGH, UNPACK_LOW};
use super::{has_byte_permutations, has_ssse3, repeated, zero};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::rows;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::shuffle::Shuffle;
use crate::lower::vector::vector_constant;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, Q64, W16};
use crate::rule;

/// `a` with its 32-bit lanes in another order, two bits for each.
pub fn shuffle_words32(cx: &mut Cx, a: VReg, order: i32) -> VReg {
    let d = cx.tmp(RegClass::Float);
    rows::pshufd_rmi(cx, d, a, order);
    d
}

/// `d` = two 32-bit lanes of `a`, then two of `b`.
pub fn shuffle_two(cx: &mut Cx, d: VReg, a: VReg, b: VReg, order: i32) {
    match cx.flags.has_avx() {
        true => rows::vshufps_rmi(cx, d, a, b, order),
        false => rows::shufps_rmi(cx, d, a, b, order),
    }
}

/// Lowers shuffle, swizzle and x86_pshufb.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if data.opcode == Opcode::Shuffle {
        return shuffle(cx, inst);
    }
    let d = cx.def(inst);
    let is_swizzle = data.opcode == Opcode::Swizzle;
    let (of, by) = (Value(data.a), Value(data.b));
    if let (true, Some(indices)) = (has_ssse3(cx), vector_constant(cx, by)) {
        rule!(cx, "swizzle.constant");
        let past = if is_swizzle { 16 } else { 128 };
        let indices = indices.map(|index| if index < past { index & 15 } else { 0x80 });
        let (of, indices) = (cx.put(of), Rm::Mem(super::memory::pool(cx, indices)));
        SHUFFLE_BYTES.push(cx, B8, d, of, indices);
        return Ok(());
    }
    let (of, by) = (cx.put(of), cx.put(by));
    match (has_ssse3(cx), is_swizzle) {
        (true, true) => {
            // Indices above 15 get their top bit set.
            let limit = repeated(cx, B8, 0x70);
            let indices = ADD_UNSIGNED.value(cx, B8, by, limit);
            SHUFFLE_BYTES.push(cx, B8, d, of, indices);
        }
        (true, false) => SHUFFLE_BYTES.push(cx, B8, d, of, by),
        (false, true) => by_comparisons(cx, d, of, by),
        (false, false) => {
            let counted = repeated(cx, B8, 0x8F);
            let indices = AND.value(cx, L32, by, counted);
            by_comparisons(cx, d, of, indices);
        }
    }
    Ok(())
}

/// `d` = bytes of `of` by indices, of which those above 15 give 0: each byte where the indices are its
/// number.
fn by_comparisons(cx: &mut Cx, d: VReg, of: VReg, by: VReg) {
    let mut joined = zero(cx);
    for number in 0..16u8 {
        let wanted = repeated(cx, B8, number.into());
        let mask = EQUAL.value(cx, B8, by, wanted);
        let unpack = if number < 8 { &UNPACK_LOW } else { &UNPACK_HIGH };
        let pairs = unpack.value(cx, B8, of, of);
        // The words of `pairs` are the bytes 0 to 7 or 8 to 15.
        let all = splat_word(cx, pairs, i32::from(number % 8));
        let chosen = AND.value(cx, L32, all, mask);
        joined = OR.value(cx, L32, joined, chosen);
    }
    cx.alias(d, joined);
}

/// A word in all lanes.
fn splat_word(cx: &mut Cx, a: VReg, number: i32) -> VReg {
    let half = cx.tmp(RegClass::Float);
    let order = (number & 3) * 0b0101_0101;
    if number < 4 {
        rows::pshuflw_rmi(cx, half, a, order);
        return shuffle_words32(cx, half, 0);
    }
    rows::pshufhw_rmi(cx, half, a, order);
    shuffle_words32(cx, half, 0b1010_1010)
}

/// Lowers shuffle.
fn shuffle(cx: &mut Cx, inst: Inst) -> Lowered {
    let shuffle = Shuffle::of(cx, inst)?;
    let result = cx.f.first_result(inst);
    if shuffle.is_copy() {
        rule!(cx, "shuffle.copy");
        cx.same(result, shuffle.a);
        return Ok(());
    }
    let (indices, is_single) = (shuffle.indices, shuffle.is_single());
    let (a, b) = (cx.put(shuffle.a), cx.put(shuffle.b));
    let d = cx.reg(result);
    let done = match is_single {
        true => shuffle_one(cx, d, &indices, a),
        false => shuffle_pattern(cx, d, &indices, a, b),
    };
    if !done {
        shuffle_any(cx, d, &indices, a, b, is_single);
    }
    Ok(())
}

/// The lanes of `bytes` bytes that indices select, if they select whole lanes.
fn whole_lanes<const LANES: usize>(indices: &[u8; 16]) -> Option<[u8; LANES]> {
    let bytes = 16 / LANES;
    let mut lanes = [0; LANES];
    for (lane, indices) in lanes.iter_mut().zip(indices.chunks(bytes)) {
        let first = indices[0];
        let is_lane = indices.iter().zip(first..).all(|(&index, wanted)| index == wanted);
        if !(first as usize).is_multiple_of(bytes) || !is_lane {
            return None;
        }
        *lane = first / bytes as u8;
    }
    Some(lanes)
}

/// The order of four lanes, two bits for each.
fn order_of(lanes: [u8; 4]) -> i32 {
    lanes.iter().rev().fold(0, |order, &lane| order << 2 | i32::from(lane & 3))
}

/// Lowers a shuffle of one vector to one instruction. Returns whether there is one.
fn shuffle_one(cx: &mut Cx, d: VReg, indices: &[u8; 16], a: VReg) -> bool {
    if let Some(lanes) = whole_lanes::<4>(indices) {
        rule!(cx, "shuffle.pshufd");
        rows::pshufd_rmi(cx, d, a, order_of(lanes));
        return true;
    }
    let Some([l0, l1, l2, l3, h0, h1, h2, h3]) = whole_lanes::<8>(indices) else {
        return shuffle_pattern(cx, d, indices, a, a);
    };
    let (low, high) = ([l0, l1, l2, l3], [h0, h1, h2, h3]);
    if high == [4, 5, 6, 7] && low.iter().all(|&word| word < 4) {
        rule!(cx, "shuffle.pshuflw");
        rows::pshuflw_rmi(cx, d, a, order_of(low));
        return true;
    }
    if low == [0, 1, 2, 3] && high.iter().all(|&word| word >= 4) {
        rule!(cx, "shuffle.pshufhw");
        rows::pshufhw_rmi(cx, d, a, order_of(high));
        return true;
    }
    shuffle_pattern(cx, d, indices, a, a)
}

/// Lowers a shuffle to an instruction with two operands. Returns whether there is one.
fn shuffle_pattern(cx: &mut Cx, d: VReg, indices: &[u8; 16], a: VReg, b: VReg) -> bool {
    let from = |index: u8| if a == b { index & 15 } else { index };
    for size in [B8, W16, L32, Q64] {
        let bytes = size.bits() as usize / 8;
        for (op, start) in [(&UNPACK_LOW, 0), (&UNPACK_HIGH, 8)] {
            let turns = |first: u8, second: u8| {
                (0..16).all(|at| {
                    let (pair, rest) = (at / (2 * bytes), at % (2 * bytes));
                    let vector = if rest < bytes { first } else { second };
                    let byte = start + pair * bytes + rest % bytes;
                    from(indices[at]) == from(vector + byte as u8)
                })
            };
            let operands = if turns(0, 16) {
                (a, b)
            } else if turns(16, 0) {
                (b, a)
            } else {
                continue;
            };
            rule!(cx, "shuffle.unpack");
            op.push(cx, size, d, operands.0, operands.1);
            return true;
        }
    }
    if let Some(lanes @ [l0, l1, l2, l3]) = whole_lanes::<4>(indices) {
        if l0 < 4 && l1 < 4 && l2 >= 4 && l3 >= 4 {
            rule!(cx, "shuffle.shufps");
            shuffle_two(cx, d, a, b, order_of(lanes));
            return true;
        }
        if l0 >= 4 && l1 >= 4 && l2 < 4 && l3 < 4 {
            rule!(cx, "shuffle.shufps");
            shuffle_two(cx, d, b, a, order_of(lanes));
            return true;
        }
    }
    align(cx, d, indices, a, b)
}

/// Lowers a shuffle that selects 16 bytes in a row of both vectors (SSSE3). Returns whether it is one.
fn align(cx: &mut Cx, d: VReg, indices: &[u8; 16], a: VReg, b: VReg) -> bool {
    let modulus = if a == b { 16 } else { 32 };
    let first = indices[0];
    let in_a_row = indices.iter().zip(first..).all(|(&index, wanted)| index == wanted % modulus);
    if !has_ssse3(cx) || !in_a_row {
        return false;
    }
    rule!(cx, "shuffle.palignr");
    // The first operand is the one with the high bytes.
    let (high, low) = if first < 16 { (b, a) } else { (a, b) };
    let count = i32::from(first % 16);
    match cx.flags.has_avx() {
        true => rows::vpalignr_rmi(cx, d, high, low, count),
        false => rows::palignr_rmi(cx, d, high, low, count),
    }
    true
}

/// Lowers any shuffle.
fn shuffle_any(cx: &mut Cx, d: VReg, indices: &[u8; 16], a: VReg, b: VReg, is_single: bool) {
    if !has_ssse3(cx) {
        return shuffle_words(cx, d, indices, a, b);
    }
    let of_a = indices.map(|index| if index < 16 { index } else { 0x80 });
    let of_a = Rm::Mem(super::memory::pool(cx, of_a));
    if is_single {
        rule!(cx, "shuffle.pshufb");
        return SHUFFLE_BYTES.push(cx, B8, d, a, of_a);
    }
    if has_byte_permutations(cx) {
        rule!(cx, "shuffle.permute");
        let by = cx.tmp(RegClass::Float);
        make_constant(cx, by, *indices);
        return rows::vpermt2b_rm(cx, d, a, by, b);
    }
    rule!(cx, "shuffle.two_pshufb");
    let of_b = indices.map(|index| if index < 16 { 0x80 } else { index - 16 });
    let of_b = Rm::Mem(super::memory::pool(cx, of_b));
    let first = SHUFFLE_BYTES.value(cx, B8, a, of_a);
    let second = SHUFFLE_BYTES.value(cx, B8, b, of_b);
    OR.push(cx, L32, d, first, second);
}

/// Lowers any shuffle by moves of words and bytes through general registers.
fn shuffle_words(cx: &mut Cx, d: VReg, indices: &[u8; 16], a: VReg, b: VReg) {
    let mut joined = cx.tmp(RegClass::Float);
    make_constant(cx, joined, [0; 16]);
    for (number, pair) in indices.chunks(2).enumerate() {
        let source = |index: u8| (if index < 16 { a } else { b }, i32::from(index % 16));
        let word = if pair[0] % 2 == 0 && pair[1] == pair[0] + 1 {
            let (vector, byte) = source(pair[0]);
            word_of(cx, vector, byte / 2)
        } else {
            let [low, high] = [pair[0], pair[1]].map(|index| {
                let (vector, byte) = source(index);
                byte_of(cx, vector, byte)
            });
            let (shifted, both) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
            rows::shl_ri(cx, L32, shifted, high, 8);
            rows::or_rm(cx, L32, both, shifted, low);
            both
        };
        joined = insert_word(cx, joined, word, number as i32);
    }
    cx.alias(d, joined);
}

/// A byte, extended with zeros.
fn byte_of(cx: &mut Cx, a: VReg, number: i32) -> VReg {
    let word = word_of(cx, a, number / 2);
    let byte = cx.tmp(RegClass::Int);
    match number % 2 {
        0 => rows::movzb_rm(cx, L32, byte, word),
        _ => rows::shr_ri(cx, L32, byte, word, 8),
    }
    byte
}
