//! Permutations of bytes.

use super::memory::make_constant;
use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::shuffle::{Interleave, Shuffle};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;
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
        let [mask, valid] = [(); 2].map(|()| cx.tmp(RegClass::Float));
        make_constant(cx, mask, [0x8F; 16]);
        rows::and_16b(cx, valid, indices, mask);
        indices = valid;
    }
    rows::tbl_16b(cx, d, a, indices);
    Ok(())
}

/// Lowers shuffle, by one instruction if its indices have a pattern for which there is one, else by tables.
fn shuffle(cx: &mut Cx, inst: Inst) -> Lowered {
    use Interleave::*;
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
        rows::vdup_lane(cx, size, d, a, lane);
    } else if let Some(size) = shuffle.reversed_lanes() {
        rule!(cx, "shuffle.reverse");
        rows::rev_16b(cx, size, d, a);
    } else if let Some(from) = shuffle.consecutive() {
        rule!(cx, "shuffle.consecutive");
        rows::ext_16b(cx, d, a, b, from);
    } else if let Some((pattern, size)) =
        shuffle.interleaves(&[ZipLow, ZipHigh, Even, Odd, TransposeEven, TransposeOdd])
    {
        rule!(cx, "shuffle.interleave");
        interleave(cx, pattern, size, d, a, b);
    } else if shuffle.is_single() {
        rule!(cx, "shuffle.table");
        let indices = cx.tmp(RegClass::Float);
        make_constant(cx, indices, shuffle.indices);
        rows::tbl_16b(cx, d, a, indices);
    } else {
        rule!(cx, "shuffle.tables");
        // An index out of range of one table gives zero.
        let of_b = shuffle.indices.map(|index| index.wrapping_sub(16));
        let [first, second] = [(a, shuffle.indices), (b, of_b)].map(|(source, bytes)| {
            let [indices, found] = [(); 2].map(|()| cx.tmp(RegClass::Float));
            make_constant(cx, indices, bytes);
            rows::tbl_16b(cx, found, source, indices);
            found
        });
        rows::orr_16b(cx, d, first, second);
    }
    Ok(())
}

fn interleave(cx: &mut Cx, pattern: Interleave, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    match pattern {
        Interleave::ZipLow => rows::vzip1(cx, size, d, a, b),
        Interleave::ZipHigh => rows::vzip2(cx, size, d, a, b),
        Interleave::Even => rows::vuzp1(cx, size, d, a, b),
        Interleave::Odd => rows::vuzp2(cx, size, d, a, b),
        Interleave::TransposeEven => rows::vtrn1(cx, size, d, a, b),
        Interleave::TransposeOdd => rows::vtrn2(cx, size, d, a, b),
    }
}
