//! Permutations of bytes.

use super::int::tmps;
use super::memory::make_constant;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::VReg;
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
        let [mask, valid] = tmps(cx);
        make_constant(cx, mask, [0x8F; 16]);
        rows::vn(cx, valid, indices, mask);
        indices = valid;
    }
    // An index of 16 selects from the zeros.
    let [most, limited, zeros] = tmps(cx);
    make_constant(cx, most, [16; 16]);
    rows::vmnl(cx, B8, limited, indices, most);
    make_constant(cx, zeros, [0; 16]);
    rows::vperm(cx, d, a, zeros, limited);
    Ok(())
}

/// Shuffles by an instruction without a table of indices if the mask has a pattern for which there is one.
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
        return rows::vrep(cx, size, d, a, lane);
    }
    let second = if is_single { a } else { b };
    if let Some(from) = consecutive(&mask, is_single) {
        rule!(cx, "shuffle.consecutive");
        return rows::vsldb(cx, d, a, second, from);
    }
    for size in [B8, W16, L32, Q64] {
        for is_left in [true, false] {
            if is_merge(&mask, size, is_left, is_single) {
                rule!(cx, "shuffle.merge");
                return match is_left {
                    true => rows::vmrh(cx, size, d, a, second),
                    false => rows::vmrl(cx, size, d, a, second),
                };
            }
        }
    }
    rule!(cx, "shuffle.table");
    let [indices] = tmps(cx);
    make_constant(cx, indices, mask);
    rows::vperm(cx, d, a, second, indices);
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

/// Where in both vectors, or in one that is repeated, consecutive bytes begin.
fn consecutive(mask: &[u8; 16], is_single: bool) -> Option<i32> {
    let first = mask[0] as usize;
    let wrap = if is_single { 16 } else { 32 };
    let follows = |(at, &index): (usize, &u8)| index as usize == (first + at) % wrap;
    (first < 16 && mask.iter().enumerate().all(follows)).then_some(first as i32)
}

/// Whether lanes of the left, or right, halves of both vectors alternate.
fn is_merge(mask: &[u8; 16], size: OperandSize, is_left: bool, is_single: bool) -> bool {
    let bytes = size.bytes() as usize;
    let (count, wrap) = (16 / bytes, if is_single { 16 } else { 32 });
    mask.iter().enumerate().all(|(at, &index)| {
        let lane = at / bytes / 2 + at / bytes % 2 * count + if is_left { 0 } else { count / 2 };
        index as usize == (lane * bytes + at % bytes) % wrap
    })
}
