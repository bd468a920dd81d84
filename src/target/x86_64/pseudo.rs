//! What expands pseudo-instructions: one function for each `expand = name` of the rows.

use super::encode::InstView;
use crate::mach::buffer::CodeBuffer;
use crate::mach::compiled::{LibCall, RelocKind, SymbolRef};
use crate::mach::isa::EmitContext;

/// The address of a thread-local variable by the general-dynamic model: the padded sequence that linkers recognise
/// and may replace by that of a simpler model.
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
