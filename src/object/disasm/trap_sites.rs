//! The trap sites of an object, as its section of them says.

use std::collections::HashMap;
use std::io;

use object::SectionIndex;
use object::read::{File, Object as _, ObjectSection as _, ObjectSymbol as _, ObjectSymbolTable as _};
use object::read::{Relocation, RelocationTarget};

use super::malformed;
use crate::machine::compiled::TrapSite;
use crate::object::{format_named, traps};

/// What a function is known by: its section and offset in a relocatable file, and the address alone in a
/// linked one.
pub(super) type FunctionPlace = (Option<SectionIndex>, u64);

/// The trap sites of an object, by function.
pub(super) struct Traps {
    by_function: HashMap<FunctionPlace, Vec<TrapSite>>,
    linked: bool,
}

impl Traps {
    pub(super) fn read(file: &File<'_>) -> io::Result<Self> {
        let linked = file.kind() != object::ObjectKind::Relocatable;
        let mut by_function = HashMap::new();
        let name = format_named(file.format()).map(|format| format.section_of(format.traps));
        let big_endian = !file.is_little_endian();
        for section in file.sections().filter(|section| name.is_some_and(|name| section.name() == Ok(name))) {
            let data = section.data().map_err(malformed)?;
            let tables = traps::read(big_endian, data);
            let tables = tables.ok_or_else(|| malformed("the section of trap sites is malformed"))?;
            let relocs: HashMap<u64, Relocation> = section.relocations().collect();
            for table in tables {
                let place = match relocs.get(&(table.address_at as u64)) {
                    Some(reloc) if !linked => relocated(file, reloc),
                    _ => address(data, table.address_at, big_endian).map(|address| (None, address)),
                };
                by_function.extend(place.map(|place| (place, table.sites)));
            }
        }
        Ok(Traps { by_function, linked })
    }

    /// The trap sites of the function at an address.
    pub(super) fn of(&self, section: SectionIndex, address: u64) -> &[TrapSite] {
        let section = (!self.linked).then_some(section);
        self.by_function.get(&(section, address)).map_or(&[], Vec::as_slice)
    }
}

/// The section and offset that a relocation refers to.
pub(super) fn relocated(file: &File<'_>, reloc: &Relocation) -> Option<FunctionPlace> {
    let RelocationTarget::Symbol(index) = reloc.target() else {
        return None;
    };
    let symbol = file.symbol_table()?.symbol_by_index(index).ok()?;
    Some((symbol.section_index(), symbol.address().wrapping_add_signed(reloc.addend())))
}

fn address(data: &[u8], at: usize, big_endian: bool) -> Option<u64> {
    let bytes = data.get(at..at + 8)?.try_into().ok()?;
    Some(if big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
}
