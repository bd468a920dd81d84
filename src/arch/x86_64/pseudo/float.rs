//! Expands pseudo-instructions on floats that branch inside. Their usual path is short.
//! `isa/x86_64/float.inst` describes their operands.

use crate::arch::x86_64::branch::Branches;
use crate::arch::x86_64::operands::Cond;
use crate::arch::x86_64::{Direct, rows};
use crate::diag::unexpected;
use crate::emit::buffer::{BranchForms, CodeBuffer};
use crate::emit::inst_view::{EmitContext, InstView};
use crate::ir::TrapCode;
use crate::machine::inst::Label;
use crate::machine::reg::VReg;
use crate::machine::size::{L32, Q64};

/// Emits a conditional branch.
fn branch(buffer: &mut CodeBuffer, cond: Cond, label: Label) {
    buffer.branch::<Branches>(cond as u8, 0, label);
}

/// Emits a jump.
fn jump(buffer: &mut CodeBuffer, label: Label) {
    buffer.branch::<Branches>(Branches::JUMP, 0, label);
}

/// Copies a float register if a condition holds.
pub fn float_select(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, chosen) = (view.sized_operand(0).0, view.sized_operand(2).0);
    let done = buffer.label();
    buffer.branch::<Branches>(Branches::complement(view.small), 0, done);
    rows::movap_rr(&mut Direct::of(cx, buffer), L32, d, chosen);
    buffer.bind(done);
}

/// Emits `fmin`.
pub fn float_min(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    extreme(view, cx, buffer, false);
}

/// Emits `fmax`.
pub fn float_max(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    extreme(view, cx, buffer, true);
}

/// Emits a minimum or maximum. `mins` and `maxs` compute it, except for equal operands (zeros may differ in
/// sign) and NaNs.
fn extreme(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer, greatest: bool) {
    let ((d, size), (b, _)) = (view.sized_operand(0), view.sized_operand(2));
    let [differ, nan, done] = [(); 3].map(|()| buffer.label());
    rows::ucomis_rm(&mut Direct::of(cx, buffer), size, d, b);
    branch(buffer, Cond::Ne, differ);
    branch(buffer, Cond::P, nan);
    let sink = &mut Direct::of(cx, buffer);
    match greatest {
        false => rows::orp_rm(sink, L32, d, d, b),
        true => rows::andp_rm(sink, L32, d, d, b),
    }
    jump(buffer, done);
    buffer.bind(nan);
    rows::adds_rm(&mut Direct::of(cx, buffer), size, d, d, b);
    jump(buffer, done);
    buffer.bind(differ);
    let sink = &mut Direct::of(cx, buffer);
    match greatest {
        false => rows::mins_rm(sink, size, d, d, b),
        true => rows::maxs_rm(sink, size, d, d, b),
    }
    buffer.bind(done);
}

/// Replaces a NaN by the canonical NaN, which is in memory.
pub fn canonical_nan(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, size) = view.sized_operand(0);
    let done = buffer.label();
    rows::ucomis_rm(&mut Direct::of(cx, buffer), size, d, d);
    branch(buffer, Cond::Np, done);
    rows::movs_load(&mut Direct::of(cx, buffer), size, d, view.amode(2, 0));
    buffer.bind(done);
}

/// Converts an unsigned 64-bit integer to a float. A number with the top bit set is halved, keeping its
/// lowest bit for the rounding, then converted and doubled.
pub fn float_from_unsigned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, size) = view.sized_operand(0);
    let [half, a] = [1, 2].map(|index| view.operand(index));
    let [large, even, done] = [(); 3].map(|()| buffer.label());
    let convert = |buffer: &mut CodeBuffer, source: VReg| match size {
        L32 => rows::cvtsi2ss_rm(&mut Direct::of(cx, buffer), Q64, d, d, source),
        Q64 => rows::cvtsi2sd_rm(&mut Direct::of(cx, buffer), Q64, d, d, source),
        other => unexpected(other),
    };
    let sink = &mut Direct::of(cx, buffer);
    rows::zero_x(sink, d);
    rows::test_mr(sink, Q64, a, a);
    branch(buffer, Cond::S, large);
    convert(buffer, a);
    jump(buffer, done);
    buffer.bind(large);
    let sink = &mut Direct::of(cx, buffer);
    rows::mov_rm(sink, Q64, half, a);
    rows::shr_ri(sink, Q64, half, half, 1);
    branch(buffer, Cond::Ae, even);
    rows::or_ri(&mut Direct::of(cx, buffer), Q64, half, half, 1);
    buffer.bind(even);
    convert(buffer, half);
    rows::adds_rm(&mut Direct::of(cx, buffer), size, d, d, d);
    buffer.bind(done);
}

/// Emits the traps of a conversion to an integer: one for NaN, another for overflow.
pub fn trap_conversion(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (a, size) = view.sized_operand(0);
    let nan = buffer.trap_stub(TrapCode::BAD_CONVERSION_TO_INTEGER);
    let overflow = buffer.trap_stub(TrapCode::INTEGER_OVERFLOW);
    let done = buffer.label();
    buffer.branch::<Branches>(Branches::complement(view.small), 0, done);
    rows::ucomis_rm(&mut Direct::of(cx, buffer), size, a, view.amode(1, 0));
    branch(buffer, Cond::P, nan);
    branch(buffer, Cond::Ne, overflow);
    buffer.bind(done);
}

/// Corrects a saturating conversion to an integer. If the result is the lowest integer, which stands for
/// every input out of range, it becomes 0 for a NaN and the highest integer for a positive input.
pub fn saturate(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let ((d, size), (x, float_size)) = (view.sized_operand(0), view.sized_operand(2));
    let [nan, done] = [(); 2].map(|()| buffer.label());
    // Only the lowest integer overflows when 1 is subtracted.
    rows::cmp_mi(&mut Direct::of(cx, buffer), size, d, 1);
    branch(buffer, Cond::No, done);
    rows::ucomis_rm(&mut Direct::of(cx, buffer), float_size, x, view.amode(3, 0));
    branch(buffer, Cond::P, nan);
    branch(buffer, Cond::B, done);
    rows::dec_r(&mut Direct::of(cx, buffer), size, d, d);
    jump(buffer, done);
    buffer.bind(nan);
    rows::zero_r(&mut Direct::of(cx, buffer), d);
    buffer.bind(done);
}
