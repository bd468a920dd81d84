//! Permutations of bytes.

use super::memory::make_constant;
use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// Lowers shuffle, swizzle and x86_pshufb.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (x, y) = (Value(data.a), Value(data.b));
    if data.opcode == Opcode::Shuffle {
        let mask = cx.f.constants.get(Constant(data.c)).and_then(Option::as_deref);
        let mask = mask.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()).unwrap_or_default();
        let d = cx.def(inst);
        let (a, b) = (cx.put(x), cx.put(y));
        shuffle(cx, d, a, b, mask);
        return Ok(());
    }
    let d = cx.def(inst);
    let (a, mut indices) = (cx.put(x), cx.put(y));
    if data.opcode == Opcode::X86Pshufb {
        // Only the top bit makes an index invalid, and four others count.
        let [mask, valid] = [(); 2].map(|()| cx.tmp(RegClass::Float));
        make_constant(cx, mask, [0x8F; 16]);
        rows::and_16b(cx, valid, indices, mask);
        indices = valid;
    }
    rows::tbl_16b(cx, d, a, indices);
    Ok(())
}

/// Shuffles by one instruction if the mask has a pattern for which there is one, else by tables of indices.
fn shuffle(cx: &mut Cx, d: VReg, a: VReg, b: VReg, mask: [u8; 16]) {
    // A shuffle of one vector has indices below 16.
    let (a, b, mask) = match () {
        () if mask.iter().all(|&index| index >= 16) => (b, b, mask.map(|index| index - 16)),
        () if a == b => (a, a, mask.map(|index| index & 15)),
        () => (a, b, mask),
    };
    let is_single = mask.iter().all(|&index| index < 16);
    if let Some((size, lane)) = repeated_lane(&mask) {
        rule!(cx, "shuffle.splat");
        return rows::vdup_lane(cx, size, d, a, lane);
    }
    if let Some(size) = reversed_lanes(&mask) {
        rule!(cx, "shuffle.reverse");
        return rows::rev_16b(cx, size, d, a);
    }
    let second = if is_single { a } else { b };
    if let Some(from) = consecutive(&mask, is_single) {
        rule!(cx, "shuffle.consecutive");
        return rows::ext_16b(cx, d, a, second, from);
    }
    for size in [B8, W16, L32, Q64] {
        if let Some(pattern) = interleaved(&mask, size, is_single) {
            rule!(cx, "shuffle.interleave");
            return interleave(cx, pattern, size, d, a, second);
        }
    }
    if is_single {
        rule!(cx, "shuffle.table");
        let indices = cx.tmp(RegClass::Float);
        make_constant(cx, indices, mask);
        return rows::tbl_16b(cx, d, a, indices);
    }
    rule!(cx, "shuffle.tables");
    let [first, second] = [(a, mask), (b, mask.map(|index| index.wrapping_sub(16)))].map(|(source, mask)| {
        let [indices, found] = [(); 2].map(|()| cx.tmp(RegClass::Float));
        make_constant(cx, indices, mask);
        rows::tbl_16b(cx, found, source, indices);
        found
    });
    rows::orr_16b(cx, d, first, second);
}

/// The lane of the first vector that is repeated in all of the result, the widest one.
fn repeated_lane(mask: &[u8; 16]) -> Option<(OperandSize, i32)> {
    [Q64, L32, W16, B8].into_iter().find_map(|size| {
        let bytes = size.bytes() as usize;
        let first = mask[0] as usize;
        let fits = first.is_multiple_of(bytes) && first < 16;
        let repeats = |(at, &index): (usize, &u8)| index as usize == first + at % bytes;
        (fits && mask.iter().enumerate().all(repeats)).then_some((size, (first / bytes) as i32))
    })
}

/// The size of the lanes whose bytes are reversed.
fn reversed_lanes(mask: &[u8; 16]) -> Option<OperandSize> {
    [W16, L32, Q64].into_iter().find(|size| {
        let last = size.bytes() as usize - 1;
        mask.iter().enumerate().all(|(at, &index)| index as usize == at ^ last)
    })
}

/// Where in both vectors, or in one that is repeated, consecutive bytes begin.
fn consecutive(mask: &[u8; 16], is_single: bool) -> Option<i32> {
    let first = mask[0] as usize;
    let wrap = if is_single { 16 } else { 32 };
    let follows = |(at, &index): (usize, &u8)| index as usize == (first + at) % wrap;
    (first < 16 && mask.iter().enumerate().all(follows)).then_some(first as i32)
}

/// A pattern that takes lanes alternately.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pattern {
    /// The low halves of both vectors, alternately.
    ZipLow,
    /// The high halves of both vectors, alternately.
    ZipHigh,
    /// The even lanes of the first vector, then those of the second.
    Even,
    /// The odd lanes of the first vector, then those of the second.
    Odd,
    /// The even lanes of both vectors, alternately.
    TransposeEven,
    /// The odd lanes of both vectors, alternately.
    TransposeOdd,
}

impl Pattern {
    const ALL: [Pattern; 6] = [
        Pattern::ZipLow,
        Pattern::ZipHigh,
        Pattern::Even,
        Pattern::Odd,
        Pattern::TransposeEven,
        Pattern::TransposeOdd,
    ];

    /// The lane of both vectors, each with `count` lanes, that becomes lane `at`.
    fn lane(self, at: usize, count: usize) -> usize {
        let alternating = at / 2 + at % 2 * count;
        match self {
            Pattern::ZipLow => alternating,
            Pattern::ZipHigh => alternating + count / 2,
            Pattern::Even => at * 2,
            Pattern::Odd => at * 2 + 1,
            Pattern::TransposeEven => at / 2 * 2 + at % 2 * count,
            Pattern::TransposeOdd => at / 2 * 2 + 1 + at % 2 * count,
        }
    }
}

/// The pattern of a mask, in lanes of a size.
fn interleaved(mask: &[u8; 16], size: OperandSize, is_single: bool) -> Option<Pattern> {
    let bytes = size.bytes() as usize;
    let wrap = if is_single { 16 } else { 32 };
    Pattern::ALL.into_iter().find(|pattern| {
        mask.iter().enumerate().all(|(at, &index)| {
            let lane = pattern.lane(at / bytes, 16 / bytes);
            index as usize == (lane * bytes + at % bytes) % wrap
        })
    })
}

fn interleave(cx: &mut Cx, pattern: Pattern, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    match pattern {
        Pattern::ZipLow => rows::vzip1(cx, size, d, a, b),
        Pattern::ZipHigh => rows::vzip2(cx, size, d, a, b),
        Pattern::Even => rows::vuzp1(cx, size, d, a, b),
        Pattern::Odd => rows::vuzp2(cx, size, d, a, b),
        Pattern::TransposeEven => rows::vtrn1(cx, size, d, a, b),
        Pattern::TransposeOdd => rows::vtrn2(cx, size, d, a, b),
    }
}
