//! Permutations of bytes.

use super::int::tmps;
use super::memory::make_constant;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::shuffle::{Interleave, Shuffle};
use crate::machine::size::B8;
use crate::rule;

/// Lowers shuffle, swizzle and x86_pshufb.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (x, y) = (Value(data.a), Value(data.b));
    if data.opcode == Opcode::Shuffle {
        return shuffle(cx, inst);
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

/// Lowers shuffle, without a table of indices if these have a pattern for which there is an instruction.
fn shuffle(cx: &mut Cx, inst: Inst) -> Lowered {
    let shuffle = Shuffle::of(cx, inst)?;
    if shuffle.is_copy() {
        rule!(cx, "shuffle.copy");
        cx.same(cx.f.first_result(inst), shuffle.a);
        return Ok(());
    }
    let d = cx.def(inst);
    let (a, b) = (cx.put(shuffle.a), cx.put(shuffle.b));
    if let Some((size, lane)) = shuffle.repeated_lane() {
        rule!(cx, "shuffle.splat");
        rows::vrep(cx, size, d, a, lane);
    } else if let Some(from) = shuffle.consecutive() {
        rule!(cx, "shuffle.consecutive");
        rows::vsldb(cx, d, a, b, from);
    } else if let Some((_, size)) = shuffle.interleaves(&[Interleave::ZipLow]) {
        // The low lanes are in the left half.
        rule!(cx, "shuffle.merge");
        rows::vmrh(cx, size, d, a, b);
    } else if let Some((_, size)) = shuffle.interleaves(&[Interleave::ZipHigh]) {
        rule!(cx, "shuffle.merge");
        rows::vmrl(cx, size, d, a, b);
    } else {
        rule!(cx, "shuffle.table");
        let [indices] = tmps(cx);
        make_constant(cx, indices, shuffle.indices);
        rows::vperm(cx, d, a, b, indices);
    }
    Ok(())
}
