//! References to names that stand for addresses: `symbol %f = 0x7f001000`.
//!
//! Data has the address itself. Code that loads an address from the global offset table loads it from a
//! constant of the file instead: GNU ld moves the entries of such symbols together with a
//! position-independent program. Calls and other direct references are left to the linker, which knows
//! whether they reach.

use object::SymbolKind;
use object::write::SymbolId;

use super::role::Role;
use super::sections::SectionOffset;
use super::{Writer, symbols};
use crate::machine::reloc::RelocKind;

/// The kind of relocation for a reference to a constant in place of an entry of the global offset table.
fn of_constant(kind: RelocKind) -> Option<RelocKind> {
    match kind {
        RelocKind::X86RexGotPcRelX | RelocKind::X86GotPcRelX => Some(RelocKind::X86Pc32),
        RelocKind::Aarch64GotPage21 => Some(RelocKind::Aarch64Page21),
        RelocKind::Aarch64GotLo12 => Some(RelocKind::Aarch64Ldst64Lo12),
        RelocKind::S390GotEnt => Some(RelocKind::S390Pc32Dbl),
        _ => None,
    }
}

impl Writer<'_> {
    /// Resolves a reference to a symbol that stands for an address. Returns what is left for a relocation, or
    /// `None` if nothing is.
    pub(super) fn resolve_address(
        &mut self,
        at: SectionOffset,
        (kind, symbol, addend): (RelocKind, SymbolId, i64),
        offset: usize,
    ) -> Option<(RelocKind, SymbolId)> {
        let Some(address) = self.symbols.address_of(symbol) else { return Some((kind, symbol)) };
        let big_endian = self.arch.is_big_endian();
        let bytes = |value: u64| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        if kind == RelocKind::Abs64 {
            self.sections.write_field(at, &bytes(address.wrapping_add_signed(addend)));
            return None;
        }
        let Some(direct) = of_constant(kind) else { return Some((kind, symbol)) };
        if let Some(constant) = self.symbols.constant_of(symbol) {
            return Some((direct, constant));
        }
        // Assembly, unlike objects, has one symbol of a name.
        let name = [b"l_address.", &self.object.symbol(symbol).name[..]].concat();
        let constant = symbols::add_local(&mut self.object, name);
        let section = self.sections.named(
            &mut self.object,
            Role::ReadOnly,
            self.format.sections[Role::ReadOnly as usize],
        );
        let place = self.place(section, &bytes(address), 8, 8, offset);
        self.object.symbol_mut(constant).kind = SymbolKind::Data;
        self.define_at(constant, place, 8);
        self.symbols.set_constant(symbol, constant);
        Some((direct, constant))
    }
}
