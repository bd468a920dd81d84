//! What expands thread-local addresses.

use super::super::Direct;
use super::super::address::{LOAD, page_and_offset};
use super::super::operands::{Amode, OperandSize};
use super::super::regs::{X0, X1, X16};
use super::super::rows;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::{InstView, physical};
use crate::machine::reloc::RelocKind;

const X: OperandSize = OperandSize::Q64;

/// The address of a thread-local variable by its descriptor: the sequence that linkers recognise and may replace by
/// that of a simpler model.
pub fn descriptor(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, _) = view.symbol(1);
    let (x0, x1) = (physical(X0), physical(X1));
    let mut refer = |kind, instruction: u32| {
        buffer.reloc(buffer.position(), kind, symbol, 0);
        buffer.put4(instruction);
    };
    refer(RelocKind::Aarch64TlsDescPage21, 0x9000_0000); // adrp x0
    refer(RelocKind::Aarch64TlsDescLdLo12, 0xF940_0001); // ldr x1, [x0]
    refer(RelocKind::Aarch64TlsDescAddLo12, 0x9100_0000); // add x0, x0
    buffer.reloc(buffer.position(), RelocKind::Aarch64TlsDescCall, symbol, 0);
    let sink = &mut Direct::of(cx, buffer);
    rows::blr(sink, 0, x1, &[]);
    rows::mrs_tp(sink, x1);
    rows::add_rr(sink, X, x0, x0, x1);
}

/// The address of a thread-local variable by its offset in the global offset table.
pub fn initial(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, pointer) = (view.operand(0), physical(X16));
    let kinds = (RelocKind::Aarch64TlsIePage21, RelocKind::Aarch64TlsIeLo12, LOAD);
    page_and_offset(d, kinds, (view.symbol(0).0, 0), buffer);
    let sink = &mut Direct::of(cx, buffer);
    rows::mrs_tp(sink, pointer);
    rows::add_rr(sink, X, d, d, pointer);
}

/// The address of a thread-local variable of the executable.
pub fn local(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, (symbol, addend)) = (view.operand(0), view.symbol(0));
    let sink = &mut Direct::of(cx, buffer);
    rows::mrs_tp(sink, d);
    for (kind, high) in [(RelocKind::Aarch64TlsLeHi12, true), (RelocKind::Aarch64TlsLeLo12, false)] {
        let buffer = sink.buffer();
        buffer.reloc(buffer.position(), kind, symbol, addend);
        match high {
            true => rows::add_ri12(sink, X, d, d, 0),
            false => rows::add_ri(sink, X, d, d, 0),
        }
    }
}

/// The address of a thread-local variable by the function that Mach-O's descriptor of it begins with.
pub fn macho(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, _) = view.symbol(1);
    let (x0, x1) = (physical(X0), physical(X1));
    let kinds = (RelocKind::Aarch64TlvPage21, RelocKind::Aarch64TlvLo12, LOAD);
    page_and_offset(x0, kinds, (symbol, 0), buffer);
    let sink = &mut Direct::of(cx, buffer);
    rows::ldr(sink, X, x1, Amode::base(x0, 0));
    rows::blr(sink, 0, x1, &[]);
}
