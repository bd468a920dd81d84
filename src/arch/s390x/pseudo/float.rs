//! Expands pseudo-instructions on floats that branch inside.

use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView};
use crate::lower::compare::Complement;

/// Copies a float register if a condition holds.
pub fn float_select(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let ((d, size), chosen) = (view.sized_operand(0), view.operand(2));
    let past = buffer.label();
    let sink = &mut Direct::of(cx, buffer);
    let cond = Cond::from_code(view.small as u16);
    rows::brc_label(sink, cond.complement(), past);
    rows::fl_rr(sink, size, d, chosen);
    buffer.bind(past);
}

/// Copies a vector register if a condition holds.
pub fn vector_select(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, chosen) = (view.operand(0), view.operand(2));
    let past = buffer.label();
    let sink = &mut Direct::of(cx, buffer);
    rows::brc_label(sink, Cond::from_code(view.small as u16).complement(), past);
    rows::vlr(sink, d, chosen);
    buffer.bind(past);
}

/// Replaces a NaN by the canonical NaN, which is in memory.
pub fn canonical_nan(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, size) = view.sized_operand(0);
    let nan = view.amode(2, 0);
    let past = buffer.label();
    let sink = &mut Direct::of(cx, buffer);
    rows::fcmp_rr(sink, size, d, d);
    rows::brc_label(sink, Cond::O.complement(), past);
    rows::fl_rm(sink, size, d, nan);
    buffer.bind(past);
}
