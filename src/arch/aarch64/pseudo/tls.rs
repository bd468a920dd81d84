//! Expands addresses of thread-local variables: the sequences that linkers recognise and may replace by those
//! of a simpler model.

use crate::arch::aarch64::address::{ADD, LOAD, PAGE, page_and_offset};
use crate::arch::aarch64::regs::{X0, X1, X16, number_of};
use crate::arch::aarch64::{Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::Amode;
use crate::machine::reloc::RelocKind;
use crate::machine::size::Q64;

/// Emits a thread-local address by the general-dynamic model: by calling the variable's TLS descriptor.
pub fn tls_descriptor(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, _) = view.symbol(1);
    let (x0, x1) = (physical(X0), physical(X1));
    let mut refer = |kind, instruction: u32| {
        buffer.reloc(buffer.position(), kind, symbol, 0);
        buffer.put4(instruction);
    };
    refer(RelocKind::Aarch64TlsDescPage21, PAGE | number_of(x0));
    refer(RelocKind::Aarch64TlsDescLdLo12, LOAD | number_of(x0) << 5 | number_of(x1));
    refer(RelocKind::Aarch64TlsDescAddLo12, ADD | number_of(x0) << 5 | number_of(x0));
    buffer.reloc(buffer.position(), RelocKind::Aarch64TlsDescCall, symbol, 0);
    let sink = &mut Direct::of(cx, buffer);
    rows::blr(sink, 0, x1, &[]);
    rows::mrs_tp(sink, x1);
    rows::add_rr(sink, Q64, x0, x0, x1);
}

/// Emits a thread-local address by the initial-exec model: the offset is in the global offset table.
pub fn tls_initial_exec(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, pointer) = (view.operand(0), physical(X16));
    let kinds = (RelocKind::Aarch64TlsIePage21, RelocKind::Aarch64TlsIeLo12, LOAD);
    page_and_offset(d, kinds, (view.symbol(0).0, 0), buffer);
    let sink = &mut Direct::of(cx, buffer);
    rows::mrs_tp(sink, pointer);
    rows::add_rr(sink, Q64, d, d, pointer);
}

/// Emits a thread-local address by the local-exec model: the offset is known at link time.
pub fn tls_local_exec(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (d, (symbol, addend)) = (view.operand(0), view.symbol(0));
    let sink = &mut Direct::of(cx, buffer);
    rows::mrs_tp(sink, d);
    for (kind, high) in [(RelocKind::Aarch64TlsLeHi12, true), (RelocKind::Aarch64TlsLeLo12, false)] {
        let buffer = sink.buffer();
        buffer.reloc(buffer.position(), kind, symbol, addend);
        match high {
            true => rows::add_ri12(sink, Q64, d, d, 0),
            false => rows::add_ri(sink, Q64, d, d, 0),
        }
    }
}

/// Emits a thread-local address on Mach-O: calls the function that the variable's descriptor begins with.
pub fn tls_macho(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, _) = view.symbol(1);
    let (x0, x1) = (physical(X0), physical(X1));
    let kinds = (RelocKind::Aarch64TlvPage21, RelocKind::Aarch64TlvLo12, LOAD);
    page_and_offset(x0, kinds, (symbol, 0), buffer);
    let sink = &mut Direct::of(cx, buffer);
    rows::ldr(sink, Q64, x1, Amode::base(x0, 0));
    rows::blr(sink, 0, x1, &[]);
}
