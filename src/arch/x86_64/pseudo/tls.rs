//! Expands addresses of thread-local variables: the sequences that linkers recognise and may replace by those
//! of a simpler model.

use crate::arch::x86_64::regs::RDI;
use crate::arch::x86_64::{Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::reloc::RelocKind;
use crate::machine::size::Q64;
use crate::machine::symbol::{LibCall, SymbolRef};

/// Emits a thread-local address by the general-dynamic model, padded as linkers expect it.
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

/// Emits a thread-local address by the initial-exec model: the offset is in the global offset table.
pub fn tls_initial_exec(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let register = view.register(0);
    // movq symbol@gottpoff(%rip), register
    buffer.put(&[0x48 | register >> 3 << 2, 0x8B, 0x05 | (register & 7) << 3]);
    buffer.reloc(buffer.position(), RelocKind::X86GotTpOff, SymbolRef::unpack(view.words[0]), -4);
    buffer.put4(0);
    let d = view.operand(0);
    buffer.put1(FS);
    rows::add_rm(&mut Direct::of(cx, buffer), Q64, d, d, ABSOLUTE_0);
}

/// Emits a thread-local address by the local-exec model: the offset is known at link time.
pub fn tls_local_exec(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let d = view.operand(0);
    buffer.put1(FS);
    rows::mov_rm(&mut Direct::of(cx, buffer), Q64, d, ABSOLUTE_0);
    // A displacement that takes four bytes, which the relocation fills in.
    let four_bytes = Amode::base(d, i32::MAX);
    rows::lea_rm(&mut Direct::of(cx, buffer), Q64, d, four_bytes);
    let field = buffer.position() - 4;
    buffer.bytes_from(field).fill(0);
    let (symbol, addend) = (SymbolRef::unpack(view.words[0]), view.words[1] as i32);
    buffer.reloc(field, RelocKind::X86TpOff32, symbol, addend.into());
}

/// Emits a thread-local address on Mach-O: calls the function that the variable's descriptor begins with.
pub fn tls_macho(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    // movq symbol@TLVP(%rip), %rdi
    buffer.put(&[0x48, 0x8B, 0x3D]);
    buffer.reloc(buffer.position(), RelocKind::X86Tlv, SymbolRef::unpack(view.words[1]), -4);
    buffer.put4(0);
    rows::call_rm(&mut Direct::of(cx, buffer), 0, Amode::base(physical(RDI), 0), &[]);
}

/// The prefix of the segment that the thread pointer is the base of.
const FS: u8 = 0x64;

/// Address 0, where that segment stores the thread pointer itself.
const ABSOLUTE_0: Amode = Amode::at(Place::Registers, 0);
