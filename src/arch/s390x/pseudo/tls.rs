//! Addresses of thread-local variables: the sequences that linkers recognise, and may replace by that of a simpler model.
//!
//! An address is the thread pointer, which is in two access registers, plus a distance that linker or run-time system
//! know. Where code has no field for that, it is a constant behind the code.

use super::super::encode::LONG;
use super::super::regs::{R1, R12};
use super::super::{Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::{InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::VReg;
use crate::machine::reloc::RelocKind;
use crate::machine::size::OperandSize;
use crate::machine::symbol::{LibCall, SymbolRef};

const G: OperandSize = OperandSize::Q64;

/// The general-dynamic model. The routine wants the global offset table in r12, and gives the distance in r2.
pub fn tls_general_dynamic(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, offset) = view.symbol(1);
    // larl %r12, _GLOBAL_OFFSET_TABLE_
    let table = SymbolRef::LibCall(LibCall::ElfGlobalOffsetTable);
    buffer.reloc(buffer.position() + 2, RelocKind::S390GotPcDbl, table, 2);
    buffer.put(&[0xC0, (R12.hw_enc() as u8) << 4, 0, 0, 0, 0]);
    let d = view.operand(0);
    load_constant(d, RelocKind::S390TlsGd64, symbol, 0, cx, buffer);
    // brasl %r14, __tls_get_offset@PLT:tls_gdcall:symbol
    let start = buffer.position();
    buffer.reloc(start, RelocKind::S390TlsGdCall, symbol, 0);
    let routine = SymbolRef::LibCall(LibCall::ElfTlsGetOffset);
    buffer.reloc(start + 2, RelocKind::S390Plt32Dbl, routine, 2);
    buffer.put(&[0xC0, 0xE5, 0, 0, 0, 0]);
    add_thread_pointer(d, offset, cx, buffer);
}

/// The initial-exec model: the distance is in the global offset table.
pub fn tls_initial_exec(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, offset) = view.symbol(0);
    // lgrl d, symbol@INDNTPOFF
    buffer.reloc(buffer.position() + 2, RelocKind::S390TlsIeEnt, symbol, 2);
    buffer.put(&[0xC4, view.register(0) << 4 | 8, 0, 0, 0, 0]);
    add_thread_pointer(view.operand(0), offset, cx, buffer);
}

/// The local-exec model: the distance is known when the program is linked.
pub fn tls_local_exec(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, offset) = view.symbol(0);
    load_constant(view.operand(0), RelocKind::S390TlsLe64, symbol, offset, cx, buffer);
    add_thread_pointer(view.operand(0), 0, cx, buffer);
}

/// Loads a constant that a relocation fills in.
fn load_constant(
    d: VReg,
    kind: RelocKind,
    symbol: SymbolRef,
    addend: i64,
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
) {
    let label = buffer.label();
    buffer.constant(label, &[0; 8], 8);
    buffer.constant_reloc(label, kind, symbol, addend);
    rows::l_rm(&mut Direct::of(cx, buffer), G, d, Amode::at(Place::Label(label), 0));
}

/// `d += thread pointer + offset`
fn add_thread_pointer(d: VReg, offset: i64, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let sink = &mut Direct::of(cx, buffer);
    let pointer = physical(R1);
    rows::ear_upper(sink, pointer);
    rows::sll_rri(sink, G, pointer, pointer, 32);
    rows::ear_lower(sink, pointer, pointer);
    // The address must not be one that the encoder computes in the same register.
    match i32::try_from(offset) {
        Ok(offset) if LONG.contains(&offset) => rows::la(sink, d, Amode::indexed(d, pointer, 0, offset)),
        _ => {
            rows::la(sink, d, Amode::indexed(d, pointer, 0, 0));
            rows::afi_ri(sink, G, d, d, offset as i32);
        }
    }
}
