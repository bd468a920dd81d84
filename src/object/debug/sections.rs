//! The sections of debug information in the object.
//!
//! Linkers of ELF join the debug sections of their inputs, so every offset in one is relocated. Those of
//! Mach-O leave them where they are, for `dsymutil` to join: offsets are filled in, and an address has a
//! relocation to its section and is filled in as the address in the file.

use gimli::write::{EndianVec, RelocateWriter, Relocation, RelocationTarget};
use gimli::{RunTimeEndian, SectionId};
use object::SectionKind;
use object::write::SectionId as ObjectSection;

use crate::machine::reloc::RelocKind;
use crate::object::Writer;

/// The sections to write, with the names that follow `.debug_` in ELF.
const SECTIONS: [(SectionId, &str); 9] = [
    (SectionId::DebugInfo, "info"),
    (SectionId::DebugAbbrev, "abbrev"),
    (SectionId::DebugLine, "line"),
    (SectionId::DebugLineStr, "line_str"),
    (SectionId::DebugStr, "str"),
    (SectionId::DebugRngLists, "rnglists"),
    (SectionId::DebugLocLists, "loclists"),
    (SectionId::DebugAddr, "addr"),
    (SectionId::DebugFrame, "frame"),
];

/// A section being written, with its relocations.
#[derive(Clone)]
pub(super) struct Section {
    pub(super) bytes: EndianVec<RunTimeEndian>,
    pub(super) relocs: Vec<Relocation>,
}

impl Section {
    pub(super) fn new(endian: RunTimeEndian) -> Self {
        Section { bytes: EndianVec::new(endian), relocs: Vec::new() }
    }
}

/// A finished section.
pub(super) struct Finished {
    pub(super) bytes: Vec<u8>,
    pub(super) relocs: Vec<Relocation>,
}

impl From<Section> for Finished {
    fn from(section: Section) -> Self {
        Finished { bytes: section.bytes.into_vec(), relocs: section.relocs }
    }
}

impl RelocateWriter for Section {
    type Writer = EndianVec<RunTimeEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        self.relocs.push(relocation);
    }
}

impl Writer<'_> {
    /// Adds those debug sections that are not empty to the object.
    pub(super) fn add_debug_sections(&mut self, mut sections: Vec<(SectionId, Finished)>) {
        let used = SECTIONS.into_iter().filter_map(|(id, name)| {
            let at = sections.iter().position(|section| section.0 == id)?;
            let Finished { bytes, relocs } = sections.swap_remove(at).1;
            (!bytes.is_empty()).then_some((id, name, bytes, relocs))
        });
        let used: Vec<_> = used.collect();
        let added: Vec<(SectionId, ObjectSection)> =
            used.iter().map(|(id, name, ..)| (*id, self.add_debug_section(*id, name))).collect();
        let addresses = self.sections.addresses();
        for ((_, _, mut bytes, relocs), &(_, section)) in used.into_iter().zip(&added) {
            for reloc in &relocs {
                self.relocate_debug(section, &mut bytes, reloc, &added, &addresses);
            }
            self.object.set_section_data(section, bytes, 1);
        }
    }

    fn add_debug_section(&mut self, id: SectionId, name: &str) -> ObjectSection {
        let name = [self.format.debug_prefix, name].concat();
        let (segment, name) =
            (self.format.split_name)(&name).expect("the names of our own sections are valid");
        let kind = match id {
            SectionId::DebugStr | SectionId::DebugLineStr if self.format.atoms => SectionKind::DebugString,
            // In ELF, the `object` crate gives the size of entries only for this kind.
            SectionId::DebugStr | SectionId::DebugLineStr => SectionKind::OtherString,
            _ => SectionKind::Debug,
        };
        self.object.add_section(segment.into(), name.into(), kind)
    }

    /// Relocates a field of a debug section, or fills it in.
    fn relocate_debug(
        &mut self,
        section: ObjectSection,
        bytes: &mut [u8],
        reloc: &Relocation,
        added: &[(SectionId, ObjectSection)],
        addresses: &[u64],
    ) {
        let (kind, target, addend, value) = match reloc.target {
            RelocationTarget::Symbol(number) => {
                let data = number.checked_sub(self.places.len());
                let place = data.map_or_else(|| self.places[number], |data| self.data_places[data]);
                let addend = place.offset as i64 + reloc.addend;
                let address = addresses[place.section.number()].wrapping_add_signed(addend);
                (RelocKind::Abs64, self.sections.id(place.section), addend, address)
            }
            RelocationTarget::Section(id) => {
                let target = added.iter().find(|(added, _)| *added == id);
                let (_, target) = *target.expect("sections that are referred to are not empty");
                (RelocKind::Abs32, target, reloc.addend, reloc.addend as u64)
            }
        };
        if self.format.atoms {
            let size = usize::from(reloc.size);
            bytes[reloc.offset..][..size].copy_from_slice(&value.to_le_bytes()[..size]);
        }
        let Some(row) = (self.format.reloc)(kind, self.arch) else { return };
        let symbol = self.object.section_symbol(target);
        let addend = if self.format.atoms { 0 } else { addend };
        self.add_relocation(section, reloc.offset as u64, symbol, addend, row.flags);
    }
}
