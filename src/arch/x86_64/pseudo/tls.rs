//! Addresses of thread-local variables: the sequences that linkers recognise, and may replace by that of a simpler model.

use super::super::Direct;
use super::super::amode::{Amode, OperandSize, Place};
use super::super::regs::RDI;
use super::super::rows;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::{InstView, physical};
use crate::machine::reloc::RelocKind;
use crate::machine::symbol::{LibCall, SymbolRef};

/// The address of a thread-local variable by the general-dynamic model, padded as linkers expect it.
pub fn tls_general_dynamic(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    let symbol = SymbolRef::unpack(view.words[1]);
    // data16 lea symbol@tlsgd(%rip), %rdi
    buffer.put(&[0x66, 0x48, 0x8D, 0x3D]);
    buffer.reloc(buffer.position(), RelocKind::X86TlsGd, symbol, -4);
    buffer.put4(0);
    // data16 data16 rex.W call __tls_get_addr@PLT
    buffer.put(&[0x66, 0x66, 0x48, 0xE8]);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, SymbolRef::LibCall(LibCall::ElfTlsGetAddr), -4);
    buffer.put4(0);
}

/// The address of a thread-local variable by the initial-exec model: its distance from the thread pointer is in the
/// global offset table.
pub fn tls_initial_exec(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let register = view.register(0);
    // movq symbol@gottpoff(%rip), register
    buffer.put(&[0x48 | register >> 3 << 2, 0x8B, 0x05 | (register & 7) << 3]);
    buffer.reloc(buffer.position(), RelocKind::X86GotTpOff, SymbolRef::unpack(view.words[0]), -4);
    buffer.put4(0);
    let d = view.operand(0);
    buffer.put1(FS);
    rows::add_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, d, d, ABSOLUTE_0);
}

/// The same by the local-exec model: its distance from the thread pointer is known when the program is linked.
pub fn tls_local_exec(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let d = view.operand(0);
    buffer.put1(FS);
    rows::mov_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, d, ABSOLUTE_0);
    let any_of_four_bytes = Amode::base(d, i32::MAX);
    rows::lea_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, d, any_of_four_bytes);
    let field = buffer.position() - 4;
    buffer.bytes_from(field).fill(0);
    let (symbol, addend) = (SymbolRef::unpack(view.words[0]), view.words[1] as i32);
    buffer.reloc(field, RelocKind::X86TpOff32, symbol, addend.into());
}

/// The address of a thread-local variable by the function of its descriptor in Mach-O.
pub fn tls_macho(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    // movq symbol@TLVP(%rip), %rdi
    buffer.put(&[0x48, 0x8B, 0x3D]);
    buffer.reloc(buffer.position(), RelocKind::X86Tlv, SymbolRef::unpack(view.words[1]), -4);
    buffer.put4(0);
    rows::call_rm(&mut Direct::of(cx, buffer), 0, Amode::base(physical(RDI), 0), &[]);
}

/// The prefix of the segment that begins at the thread pointer.
const FS: u8 = 0x64;

/// The address 0: in that segment, the thread pointer is stored there.
const ABSOLUTE_0: Amode = Amode::at(Place::Registers, 0);
