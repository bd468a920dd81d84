//! Counting bits: bytes first, by a table of nibbles or by halves, then sums of the bytes of each lane.

use super::ops::{ADD, AND, LEFT, MULTIPLY_ADD_WORDS, RIGHT, SHUFFLE_BYTES, SUBTRACT, SUM_DIFFERENCES};
use super::{has_bit_counts, has_ssse3, lane_size, repeated, zero};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, Q64, W16};
use crate::rule;

/// Lowers popcnt.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if data.opcode != Opcode::Popcnt {
        return Err(cx.unsupported(format!("{} has no vector form", data.opcode.name())));
    }
    let result = cx.f.first_result(inst);
    let size = lane_size(data.ty);
    let a = cx.put(Value(data.a));
    if size == W16 && has_bit_counts(cx) {
        let counts = cx.tmp(RegClass::Float);
        rows::vpopcnt_rm(cx, W16, counts, a);
        cx.define_as(result, counts);
        return Ok(());
    }
    let bytes = counts_of_bytes(cx, a);
    let counts = match size {
        B8 => bytes,
        Q64 => {
            let zero = zero(cx);
            SUM_DIFFERENCES.value(cx, Q64, bytes, zero)
        }
        W16 | L32 => {
            let moved = LEFT.value(cx, W16, bytes, 8);
            let sums = ADD.value(cx, B8, bytes, moved);
            let words = RIGHT.value(cx, W16, sums, 8);
            if size == L32 {
                let ones = repeated(cx, W16, 1);
                MULTIPLY_ADD_WORDS.value(cx, L32, words, ones)
            } else {
                words
            }
        }
        other => unexpected(other),
    };
    cx.define_as(result, counts);
    Ok(())
}

/// Counts of bytes.
fn counts_of_bytes(cx: &mut Cx, a: VReg) -> VReg {
    if has_bit_counts(cx) {
        rule!(cx, "vector.count_bits");
        let counts = cx.tmp(RegClass::Float);
        rows::vpopcnt_rm(cx, B8, counts, a);
        return counts;
    }
    if has_ssse3(cx) { by_table(cx, a) } else { by_halves(cx, a) }
}

/// Counts of bytes: a shuffle looks up the counts of both nibbles.
fn by_table(cx: &mut Cx, a: VReg) -> VReg {
    let nibble = repeated(cx, B8, 0x0F);
    let low = AND.value(cx, L32, a, nibble);
    let high = RIGHT.value(cx, W16, a, 4);
    let high = AND.value(cx, L32, high, nibble);
    let table = cx.tmp(RegClass::Float);
    super::memory::make_constant(cx, table, std::array::from_fn(|at| at.count_ones() as u8));
    let low = SHUFFLE_BYTES.value(cx, B8, table, low);
    let high = SHUFFLE_BYTES.value(cx, B8, table, high);
    ADD.value(cx, B8, low, high)
}

/// Counts of bytes, from those of pairs and of nibbles.
fn by_halves(cx: &mut Cx, a: VReg) -> VReg {
    let (bits, pairs, nibbles) = (repeated(cx, B8, 0x55), repeated(cx, B8, 0x33), repeated(cx, B8, 0x0F));
    let high = RIGHT.value(cx, W16, a, 1);
    let high = AND.value(cx, L32, high, bits);
    let counts = SUBTRACT.value(cx, B8, a, high);
    let high = RIGHT.value(cx, W16, counts, 2);
    let high = AND.value(cx, L32, high, pairs);
    let low = AND.value(cx, L32, counts, pairs);
    let counts = ADD.value(cx, B8, low, high);
    let high = RIGHT.value(cx, W16, counts, 4);
    let sums = ADD.value(cx, B8, counts, high);
    AND.value(cx, L32, sums, nibbles)
}
