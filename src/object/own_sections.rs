//! The sections that the writer adds of its own accord: unwind information, trap sites, exception handlers,
//! patchable calls, stack maps.
//!
//! Each holds a [`Table`] that refers to functions. Where linkers take files apart by section, such a
//! reference names a section and an offset in it. Where they do so by symbol (`Format::atoms`), it names a
//! symbol, or is a distance that is known already and written here.

use std::collections::{BTreeMap, HashMap};

use object::write::{SectionId, StandardSection, SymbolId};
use object::{SectionFlags, SectionKind};

use super::eh_frame::{Style, Target, Unwind};
use super::exceptions::{self, Exceptions, Indirect};
use super::format::Addend;
use super::sections::SectionOffset;
use super::table::Table;
use super::{
    Contents, FunctionDef, Writer, bug, eh_frame, handlers, patch_sites, stack_maps, symbols, traps,
};
use crate::machine::compiled::CompiledStencil;
use crate::machine::reloc::RelocKind;
use crate::options::Flags;

/// Alignment of the sections.
const TABLE_ALIGN: u64 = 8;

impl<'a> Writer<'a> {
    /// Writes the section of unwind information.
    pub(super) fn write_unwind(&mut self, defs: &[FunctionDef<'a>], exceptions: &Exceptions, flags: &Flags) {
        let style = Style {
            arch: self.arch,
            short: !self.format.atoms,
            signs_with_key_b: flags.sign_return_address_with_bkey(),
        };
        let functions = defs.iter().enumerate();
        let functions = functions.map(|(number, def)| (def.code, exceptions.table(number).is_some()));
        match eh_frame::build(style, functions) {
            Ok(unwind) if unwind.bytes.is_empty() => {}
            Ok(unwind) => {
                let section = self.object.section_id(StandardSection::EhFrame);
                match self.format.atoms {
                    true => self.add_distances(section, unwind, exceptions),
                    false => self.add_unwind(section, unwind, exceptions),
                }
            }
            Err(error) => self.errors.push(bug(format!("unwind information: {error}"))),
        }
    }

    /// Writes the sections of trap sites and exception handlers. The latter are not for the system's
    /// unwinder, which has tables of its own.
    pub(super) fn write_lists(&mut self, contents: &Contents<'a>, defined: &[SymbolId]) {
        let functions = || contents.functions.iter().map(|def| def.code);
        let big_endian = self.arch.is_big_endian();
        let handlers = match contents.module.personality {
            None => handlers::build(big_endian, functions()),
            Some(_) => Table::default(),
        };
        let lists = [
            (self.format.traps, traps::build(big_endian, functions())),
            (self.format.handlers, handlers),
            (self.format.patch_sites, patch_sites::build(big_endian, functions())),
        ];
        for (name, table) in lists {
            if table.bytes.is_empty() {
                continue;
            }
            match self.format.atoms {
                true => {
                    let section = self.add_list_section(name, self.format.list_flags);
                    self.add_atoms(section, table, defined);
                }
                false => {
                    for part in self.by_section(&table) {
                        let section = self.add_list_section(name, self.format.list_flags);
                        if let Some(&(_, function)) = part.relocs.first() {
                            self.join_group(section, self.places[function].section);
                        }
                        self.add_table(section, part, RelocKind::Abs64);
                    }
                }
            }
        }
    }

    /// Writes the section of stack maps: a table for each section of code, or where linkers take files apart
    /// by symbol, for each function.
    pub(super) fn write_stack_maps(&mut self, contents: &Contents<'a>, defined: &[SymbolId]) {
        let (name, flags) = (self.format.stack_maps, self.format.loaded_list_flags);
        let functions = contents.functions.iter().map(|def| def.code).enumerate();
        let functions = functions.filter(|(_, code)| !code.stack_maps.is_empty());
        if self.format.atoms {
            let mut table = Table::default();
            let mut starts = Vec::new();
            for (number, code) in functions {
                let own = stack_maps::build(self.arch, &[(number, code)]);
                let start = table.bytes.len() as u64;
                starts.push(start);
                table.relocs.extend(own.relocs.iter().map(|&(offset, function)| (start + offset, function)));
                table.bytes.extend(own.bytes);
            }
            if !starts.is_empty() {
                let section = self.add_list_section(name, flags);
                self.add_atoms_at(section, table, &starts, defined);
            }
            return;
        }
        let mut by_section: BTreeMap<usize, Vec<(usize, &CompiledStencil)>> = BTreeMap::new();
        for (number, code) in functions {
            by_section.entry(self.places[number].section.number()).or_default().push((number, code));
        }
        for functions in by_section.values() {
            let table = stack_maps::build(self.arch, functions);
            let section = self.add_list_section(name, flags);
            if let Some(first) = functions.first() {
                self.join_group(section, self.places[first.0].section);
            }
            self.add_table(section, table, RelocKind::Abs64);
            // mold does not know that loaded sections can belong to others, but follows relocations.
            if let (Some(needed), Some(first)) =
                ((self.format.reloc)(RelocKind::Needed, self.arch), functions.first())
            {
                let place = self.places[first.0];
                let (code, symbol) = (self.sections.id(place.section), self.object.section_symbol(section));
                self.add_relocation(code, place.offset, symbol, 0, needed.flags);
            }
        }
    }

    pub(super) fn add_list_section(&mut self, name: &str, flags: SectionFlags) -> SectionId {
        let (segment, name) =
            (self.format.split_name)(name).expect("the names of our own sections are valid");
        let section = self.object.add_section(segment.into(), name.into(), SectionKind::Other);
        self.object.section_mut(section).flags = flags;
        section
    }

    /// Splits a table of which each part begins with a function's address: one for each section of code, so
    /// that linkers keep or remove it together with that section.
    fn by_section(&self, table: &Table) -> Vec<Table> {
        let mut parts: Vec<Table> = Vec::new();
        let mut part_of: HashMap<usize, usize> = HashMap::new();
        let ends = table.relocs.iter().skip(1).map(|reloc| reloc.0).chain([table.bytes.len() as u64]);
        for (&(start, function), end) in table.relocs.iter().zip(ends) {
            let number = *part_of.entry(self.places[function].section.number()).or_insert(parts.len());
            if number == parts.len() {
                parts.push(Table::default());
            }
            let part = &mut parts[number];
            part.relocs.push((part.bytes.len() as u64, function));
            part.bytes.extend_from_slice(&table.bytes[start as usize..end as usize]);
        }
        parts
    }

    /// Adds a table whose relocations refer to the places of functions in their sections.
    fn add_table(&mut self, section: SectionId, table: Table, kind: RelocKind) {
        let reloc =
            (self.format.reloc)(kind, self.arch).expect("every format that needs it has the relocation");
        for (offset, function) in table.relocs {
            let place = self.places[function];
            let symbol = self.object.section_symbol(self.sections.id(place.section));
            self.add_relocation(section, offset, symbol, place.offset as i64, reloc.flags);
        }
        self.object.set_section_data(section, table.bytes, TABLE_ALIGN);
    }

    /// Adds a table as atoms, one for each function, which begin with the function's address.
    fn add_atoms(&mut self, section: SectionId, table: Table, functions: &[SymbolId]) {
        let starts: Vec<u64> = table.relocs.iter().map(|reloc| reloc.0).collect();
        self.add_atoms_at(section, table, &starts, functions);
    }

    /// Adds a table as atoms that begin at some offsets.
    pub(super) fn add_atoms_at(
        &mut self,
        section: SectionId,
        table: Table,
        starts: &[u64],
        functions: &[SymbolId],
    ) {
        let reloc = (self.format.reloc)(RelocKind::Abs64, self.arch)
            .expect("every format has a relocation for addresses");
        for &start in starts {
            let atom = symbols::add_local(&mut self.object, b"l_clifc".to_vec());
            self.object.set_symbol_data(atom, section, start, 0);
        }
        for (offset, function) in table.relocs {
            self.add_relocation(section, offset, functions[function], 0, reloc.flags);
        }
        self.object.set_section_data(section, table.bytes, TABLE_ALIGN);
    }

    /// Where what unwind information refers to is; `None` if the linker makes it.
    fn place_of(&self, target: Target, exceptions: &Exceptions) -> Option<SectionOffset> {
        match (target, exceptions.personality) {
            (Target::Function(number), _) => Some(self.places[number]),
            (Target::Handlers(number), _) => exceptions.table(number),
            (Target::Personality, Some(Indirect::Variable(place))) => Some(place),
            (Target::Personality, Some(Indirect::Symbol(_)) | None) => None,
        }
    }

    /// Adds unwind information, with relocations for its 32-bit distances.
    fn add_unwind(&mut self, section: SectionId, unwind: Unwind, exceptions: &Exceptions) {
        let reloc = (self.format.reloc)(RelocKind::Rel32, self.arch)
            .expect("every format that needs it has the relocation");
        for (offset, target) in unwind.relocs {
            let Some(place) = self.place_of(target, exceptions) else { continue };
            let symbol = self.object.section_symbol(self.sections.id(place.section));
            self.add_relocation(section, offset, symbol, place.offset as i64, reloc.flags);
        }
        self.object.set_section_data(section, unwind.bytes, TABLE_ALIGN);
    }

    /// Adds unwind information with 64-bit distances, behind all sections that hold items. The distances are
    /// known already, so they are filled in rather than relocated, except that to the variable of the
    /// personality, which has 32 bits.
    fn add_distances(&mut self, section: SectionId, mut unwind: Unwind, exceptions: &Exceptions) {
        let addresses = self.sections.addresses();
        let base = addresses.last().map_or(0, |end| end.next_multiple_of(TABLE_ALIGN));
        let got = (self.format.reloc)(exceptions::got_distance(self.arch), self.arch)
            .expect("every format that needs it has the relocation");
        for (offset, target) in unwind.relocs {
            let at = &mut unwind.bytes[offset as usize..];
            if let Some(place) = self.place_of(target, exceptions) {
                let address = addresses[place.section.number()] + place.offset;
                at[..8].copy_from_slice(&address.wrapping_sub(base + offset).to_le_bytes());
            } else if let Some(Indirect::Symbol(symbol)) = exceptions.personality {
                let mut addend = 0;
                if let Addend::Field { more, done, .. } = got.addend {
                    at[..4].copy_from_slice(&u32::from(more).to_le_bytes());
                    addend = -i64::from(done);
                }
                self.add_relocation(section, offset, symbol, addend, got.flags);
            }
        }
        self.object.set_section_data(section, unwind.bytes, TABLE_ALIGN);
    }
}
