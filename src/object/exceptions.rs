//! What the system's unwinder is told about exceptions: the tables of functions with landing pads, and the
//! places where it finds the personality routine and the types of exceptions.
//!
//! In ELF, an address that another file may define is kept in a variable, and read-only tables have the
//! distance to that. In Mach-O, linkers make such variables by themselves.

use std::collections::HashMap;

use object::SymbolKind;
use object::write::SymbolId;

use super::role::Role;
use super::sections::{SectionIndex, SectionOffset};
use super::{Contents, FunctionDef, Writer, lsda, symbols};
use crate::diag::Diagnostic;
use crate::ir::{Name, TagMeaning};
use crate::machine::reloc::RelocKind;
use crate::machine::unwind::Handler;
use crate::options::Arch;

/// What functions with landing pads refer to.
#[derive(Default)]
pub(super) struct Exceptions {
    /// The reference to the personality routine, if there are such functions.
    pub(super) personality: Option<Indirect>,
    /// The table of each function, in source order; empty if there are none.
    pub(super) tables: Vec<Option<SectionOffset>>,
}

/// An address that is referred to through a variable.
#[derive(Clone, Copy)]
pub(super) enum Indirect {
    /// The variable, which has the address.
    Variable(SectionOffset),
    /// A symbol, for which the linker makes the variable.
    Symbol(SymbolId),
}

impl Exceptions {
    /// The table of a function.
    pub(super) fn table(&self, function: usize) -> Option<SectionOffset> {
        self.tables.get(function).copied().flatten()
    }
}

impl<'a> Writer<'a> {
    /// Writes the tables of functions with landing pads, if the file names a personality.
    pub(super) fn write_exceptions(&mut self, contents: &Contents<'a>, unwinds: bool) -> Exceptions {
        let module = contents.module;
        let mut exceptions = Exceptions::default();
        let Some(personality) = &module.personality else { return exceptions };
        let functions = &contents.functions;
        if functions.iter().all(|def| def.code.landing_pads.is_empty()) {
            return exceptions;
        }
        if !unwinds {
            let message = "a personality needs unwind tables: enable the setting `unwind_info`";
            self.errors.push(Diagnostic::error(personality.offset, message));
            return exceptions;
        }
        if !self.have_valid_handlers(contents) {
            return exceptions;
        }
        exceptions.personality = Some(self.indirect(&personality.name, personality.offset));
        let mut types = HashMap::new();
        exceptions.tables.resize(functions.len(), None);
        for (number, def) in functions.iter().enumerate() {
            if !def.code.landing_pads.is_empty() {
                exceptions.tables[number] = self.write_table(contents, def, number, &mut types);
            }
        }
        exceptions
    }

    /// Whether the handlers of all functions have tags that the file defines. Reports those that don't.
    fn have_valid_handlers(&mut self, contents: &Contents<'a>) -> bool {
        let before = self.errors.len();
        for def in &contents.functions {
            for call in def.code.handlers.chunk_by(|a, b| a.return_offset == b.return_offset) {
                let tags = call.iter().filter_map(Handler::tag);
                if let Err(message) = contents.module.check_handlers(tags) {
                    self.errors.push(Diagnostic::error(def.offset, message));
                }
            }
        }
        self.errors.len() == before
    }

    /// Writes the table of a function. Returns its place.
    fn write_table(
        &mut self,
        contents: &Contents<'a>,
        def: &FunctionDef<'a>,
        number: usize,
        types: &mut HashMap<u32, Indirect>,
    ) -> Option<SectionOffset> {
        let module = contents.module;
        let table = lsda::build(def.code, module);
        let section = self.table_section(self.places[number].section);
        let place =
            self.place(section, &table.bytes, table.bytes.len() as u64, lsda::ALIGN as u64, def.offset);
        if self.format.atoms {
            let atom = symbols::add_local(&mut self.object, format!("GCC_except_table{number}").into_bytes());
            self.object.symbol_mut(atom).kind = SymbolKind::Data;
            self.define_at(atom, place, table.bytes.len() as u64);
        }
        for (offset, tag) in table.relocs {
            let Some(TagMeaning::Type(name)) = module.meaning_of(tag as u32) else { continue };
            let at = SectionOffset { offset: place.offset + offset, ..place };
            let reference = match types.get(&(tag as u32)) {
                Some(&reference) => reference,
                None => *types.entry(tag as u32).or_insert(self.indirect(name, def.offset)),
            };
            match reference {
                Indirect::Variable(variable) => {
                    let symbol = self.object.section_symbol(self.sections.id(variable.section));
                    self.relocate(at, RelocKind::Rel32, symbol, variable.offset as i64, def.offset);
                }
                Indirect::Symbol(symbol) => self.relocate(at, got_distance(self.arch), symbol, 0, def.offset),
            }
        }
        Some(place)
    }

    /// The section of tables for functions in a section of code: one of its own, if the code has that.
    fn table_section(&mut self, code: SectionIndex) -> Result<SectionIndex, String> {
        let name = self.format.exception_tables;
        let text = self.format.sections[Role::Text as usize];
        let own = self.sections.name(code).strip_prefix(text).filter(|_| !self.format.atoms);
        let name = own.map_or(name.to_string(), |suffix| format!("{name}{suffix}"));
        self.sections.named(&mut self.object, Role::ReadOnly, &name)
    }

    /// Makes a reference to a name through a variable.
    fn indirect(&mut self, name: &'a Name, offset: usize) -> Indirect {
        let symbol = self.symbols.reference(&mut self.object, name, None, offset);
        if self.format.atoms {
            return Indirect::Symbol(symbol);
        }
        const SIZE: u64 = 8;
        let role = Role::ReadOnlyAfterRelocation;
        let section = self.sections.named(&mut self.object, role, self.format.sections[role as usize]);
        let place = self.place(section, &[0; SIZE as usize], SIZE, SIZE, offset);
        self.relocate(place, RelocKind::Abs64, symbol, 0, offset);
        Indirect::Variable(place)
    }
}

/// The distance from a field in data to the variable that Mach-O's linker makes for a symbol.
pub(super) fn got_distance(arch: Arch) -> RelocKind {
    match arch {
        Arch::X86_64 => RelocKind::X86GotPcRelX,
        Arch::Aarch64 => RelocKind::Aarch64GotRel32,
        Arch::S390x => unreachable!("there are no Mach-O files for s390x"),
    }
}
