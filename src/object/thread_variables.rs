//! Thread-local variables that are accessed through descriptors, as in Mach-O.

use object::write::SymbolId;

use super::role::Role;
use super::sections::SectionOffset;
use super::{Writer, symbols};
use crate::ir::DataItem;
use crate::machine::reloc::RelocKind;
use crate::machine::symbol::LibCall;

/// Size of a descriptor: three words.
const DESCRIPTOR_BYTES: u64 = 24;

impl Writer<'_> {
    /// Adds the descriptor that the symbol of a thread-local variable stands for: the address of the function
    /// that returns the running thread's instance, a word for that function's use, and the address of the
    /// initial value. Returns the symbol of the initial value.
    pub(super) fn add_descriptor(&mut self, section: &str, item: &DataItem, variable: SymbolId) -> SymbolId {
        let name = [&self.object.symbol(variable).name, &b"$tlv$init"[..]].concat();
        let initial_value = symbols::add_local(&mut self.object, name);
        let chosen = self.sections.named(&mut self.object, Role::Data, section);
        let place = self.place(chosen, &[], DESCRIPTOR_BYTES, 8, item.offset);
        self.define_at(variable, place, DESCRIPTOR_BYTES);
        let bootstrap = self.symbols.libcall(&mut self.object, LibCall::TlvBootstrap, None, item.offset);
        for (offset, symbol) in [(0, bootstrap), (16, initial_value)] {
            let at = SectionOffset { offset: place.offset + offset, ..place };
            self.relocate(at, RelocKind::Abs64, symbol, 0, item.offset);
        }
        initial_value
    }
}
