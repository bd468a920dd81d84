//! Objects: compiled functions and data items to the bytes of a relocatable file.
//!
//! Everything a module defines is declared first, so that a reference finds its definition wherever
//! the definition stands; then code and data are laid out in source order, so that the bytes depend on
//! nothing but the source. A name becomes a symbol of the file when something in the file refers to it:
//! an import that is declared and not used never asks the linker for anything.
//!
//! Relocations name symbols, but those of the writer's own tables (unwind information, trap sites)
//! name sections: a weak function's symbol may turn out to be another definition's.
//!
//! This is the only place that knows the `object` crate.

pub mod disasm;
mod eh_frame;
mod elf;
pub mod handlers;
mod sections;
mod symbols;
pub mod traps;

use object::elf::RelocationType;
use object::write::{Object, Relocation, SectionId, StandardSection, SymbolId};
use object::{BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolKind};

use crate::diag::{Diagnostic, Severity};
use crate::ir::{DataItem, DataKind, Linkage, Module, Params};
use crate::mach::compiled::{CompiledStencil, RelocKind, SymbolRef};
use crate::options::{Arch, Flags, Target};
use elf::Machine;
use sections::{Role, SectionIndex, Sections};
use symbols::Symbols;

/// A function with its code.
#[derive(Clone, Copy, Debug)]
pub struct FunctionDef<'a> {
    /// Where the source defines it.
    pub offset: usize,
    /// Its names.
    pub params: &'a Params,
    /// Who sees it.
    pub linkage: Linkage,
    /// Its section, if not the usual one.
    pub section: Option<&'a str>,
    /// Alignment in bytes that the source asks for: a power of two, or 1.
    pub align: u32,
    /// Its code.
    pub code: &'a CompiledStencil,
}

/// What an object is made from.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// Data, and what is said of symbols.
    pub module: &'a Module,
    /// Functions in source order.
    pub functions: Vec<FunctionDef<'a>>,
}

/// How an object is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// A section for each function.
    pub function_sections: bool,
    /// A section for each data item.
    pub data_sections: bool,
}

/// The bytes of an object, or what is wrong with its contents.
pub fn write(
    target: &Target,
    flags: &Flags,
    layout: Layout,
    contents: &Contents<'_>,
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    if !target.is_elf() {
        return Err(vec![Diagnostic::error(0, format!("objects for {target} are not supported yet"))]);
    }
    let mut writer = Writer::new(target.arch(), flags.is_pic(), layout);
    let defined = writer.declare(contents);
    writer.place_functions(&contents.functions, &defined);
    writer.place_data(&contents.module.data, &defined[contents.functions.len()..]);
    if flags.unwind_info() {
        writer.write_unwind(&contents.functions);
    }
    writer.write_lists(&contents.functions);
    writer.finish()
}

/// Where something is: a section and a byte offset in it.
#[derive(Clone, Copy, Debug)]
struct Place {
    section: SectionIndex,
    offset: u64,
}

/// An object being made.
struct Writer<'a> {
    object: Object<'a>,
    arch: Arch,
    machine: &'static Machine,
    pic: bool,
    sections: Sections,
    symbols: Symbols<'a>,
    /// Where each function is.
    places: Vec<Place>,
    errors: Vec<Diagnostic>,
}

impl<'a> Writer<'a> {
    fn new(arch: Arch, pic: bool, layout: Layout) -> Self {
        let endian = if arch.is_big_endian() { Endianness::Big } else { Endianness::Little };
        let machine = elf::machine(arch);
        let mut object = Object::new(BinaryFormat::Elf, machine.architecture, endian);
        let sections = Sections::new(&mut object, layout);
        Writer {
            object,
            arch,
            machine,
            pic,
            sections,
            symbols: Symbols::default(),
            places: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Makes the symbols of all definitions: of the functions, then of the data.
    fn declare(&mut self, contents: &Contents<'a>) -> Vec<SymbolId> {
        let (functions, data) = (&contents.functions, &contents.module.data);
        contents.module.symbols.iter().for_each(|item| self.symbols.set_attributes(item));
        let mut defined = Vec::with_capacity(functions.len() + data.len());
        let functions =
            functions.iter().map(|def| (&def.params.name, def.linkage, SymbolKind::Text, def.offset));
        let data = data.iter().map(|item| (&item.name, item.linkage, symbol_kind(item), item.offset));
        for (name, linkage, kind, offset) in functions.chain(data) {
            defined.push(self.symbols.define(&mut self.object, name, linkage, kind, offset));
        }
        defined
    }

    fn place_functions(&mut self, defs: &[FunctionDef<'a>], defined: &[SymbolId]) {
        self.places.reserve(defs.len());
        for (def, &symbol) in defs.iter().zip(defined) {
            let align = def.align.max(def.code.align).into();
            let chosen = self.sections.choose(&mut self.object, Role::Text, def.section, symbol);
            let place = self.place(chosen, &def.code.code, def.code.code.len() as u64, align, def.offset);
            self.places.push(place);
            self.define_at(symbol, place, def.code.code.len() as u64);
            self.relocate_code(def, place);
        }
    }

    fn relocate_code(&mut self, def: &FunctionDef<'a>, place: Place) {
        let section = self.sections.id(place.section);
        self.symbols.enter_function(def.params);
        for reloc in &def.code.relocs {
            let row = elf::reloc(reloc.kind);
            let symbol = match reloc.symbol {
                SymbolRef::Name(name) => self.symbols.external(&mut self.object, name, def.offset),
                SymbolRef::LibCall(call) => self.symbols.libcall(&mut self.object, call),
            };
            if row.thread_local {
                self.symbols.mark_thread_local(&mut self.object, symbol);
            }
            let at = place.offset + u64::from(reloc.offset);
            self.relocate(section, at, symbol, reloc.addend, row.number(self.machine));
        }
    }

    fn place_data(&mut self, items: &'a [DataItem], defined: &[SymbolId]) {
        for (item, &symbol) in items.iter().zip(defined) {
            let role = role(item, self.pic);
            let chosen = self.sections.choose(&mut self.object, role, item.section.as_deref(), symbol);
            let bytes = item.memory(self.arch.is_big_endian());
            let align = item.align.max(self.arch.data_alignment());
            let place = self.place(chosen, &bytes, item.size, align.into(), item.offset);
            self.define_at(symbol, place, item.size);
            let section = self.sections.id(place.section);
            for reloc in &item.relocs {
                let symbol = self.symbols.reference(&mut self.object, &reloc.name, item.offset);
                let at = place.offset + reloc.offset;
                self.relocate(section, at, symbol, reloc.addend, self.machine.absolute);
            }
        }
    }

    /// Puts bytes, and zeros up to `size`, in a section.
    fn place(
        &mut self,
        chosen: Result<SectionIndex, String>,
        bytes: &[u8],
        size: u64,
        align: u64,
        offset: usize,
    ) -> Place {
        let fill = self.machine.fill;
        let placed = chosen.and_then(|section| {
            let at = self.sections.append(section, bytes, size, align, fill)?;
            Ok(Place { section, offset: at })
        });
        placed.unwrap_or_else(|message| {
            self.errors.push(Diagnostic::error(offset, message));
            Place { section: SectionIndex::TEXT, offset: 0 }
        })
    }

    fn define_at(&mut self, symbol: SymbolId, place: Place, size: u64) {
        self.object.set_symbol_data(symbol, self.sections.id(place.section), place.offset, size);
    }

    fn relocate(
        &mut self,
        section: SectionId,
        offset: u64,
        symbol: SymbolId,
        addend: i64,
        r_type: RelocationType,
    ) {
        let flags = RelocationFlags::Elf { r_type };
        self.object
            .add_relocation(section, Relocation { offset, symbol, addend, flags })
            .expect("relocations with ELF numbers are taken as they are");
    }

    /// Adds one of the writer's own tables, whose relocations refer to places.
    fn add_table(&mut self, section: SectionId, table: Table, r_type: RelocationType) {
        for (offset, place) in table.relocs {
            let symbol = self.object.section_symbol(self.sections.id(place.section));
            self.relocate(section, offset, symbol, place.offset as i64, r_type);
        }
        self.object.set_section_data(section, table.bytes, 8);
    }

    fn write_unwind(&mut self, defs: &[FunctionDef<'a>]) {
        let functions = self.places.iter().zip(defs).map(|(&place, def)| (place, def.code));
        match eh_frame::build(self.arch, functions) {
            Ok(table) if table.bytes.is_empty() => {}
            Ok(table) => {
                let section = self.object.section_id(StandardSection::EhFrame);
                self.add_table(section, table, self.machine.relative);
            }
            Err(error) => self.errors.push(bug(format!("unwind information: {error}"))),
        }
    }

    /// The sections of our own: trap sites and exception handlers.
    fn write_lists(&mut self, defs: &[FunctionDef<'a>]) {
        let functions = || self.places.iter().zip(defs).map(|(&place, def)| (place, def.code));
        let big_endian = self.arch.is_big_endian();
        let lists = [
            (traps::SECTION, traps::build(big_endian, functions())),
            (handlers::SECTION, handlers::build(big_endian, functions())),
        ];
        for (name, table) in lists {
            if !table.bytes.is_empty() {
                let name = name.as_bytes().to_vec();
                let section = self.object.add_section(Vec::new(), name, SectionKind::Other);
                self.add_table(section, table, self.machine.absolute);
            }
        }
    }

    fn finish(mut self) -> Result<Vec<u8>, Vec<Diagnostic>> {
        self.errors.extend(self.symbols.take_errors());
        if !self.errors.is_empty() {
            self.errors.sort_by_key(|error| error.offset);
            return Err(self.errors);
        }
        self.sections.finish(&mut self.object);
        elf::forbid_executable_stack(&mut self.object);
        self.object.write().map_err(|error| vec![bug(format!("object: {error}"))])
    }
}

/// One of the writer's own tables: its bytes, and where in it which places' addresses go.
#[derive(Default)]
struct Table {
    bytes: Vec<u8>,
    relocs: Vec<(u64, Place)>,
}

fn symbol_kind(item: &DataItem) -> SymbolKind {
    match item.kind {
        DataKind::Rodata | DataKind::Data => SymbolKind::Data,
        DataKind::Tls => SymbolKind::Tls,
    }
}

/// What kind of section a data item goes to.
fn role(item: &DataItem, pic: bool) -> Role {
    match item.kind {
        DataKind::Rodata if pic && !item.relocs.is_empty() => Role::ReadOnlyAfterRelocation,
        DataKind::Rodata => Role::ReadOnly,
        DataKind::Data if item.is_zero() => Role::Zero,
        DataKind::Data => Role::Data,
        DataKind::Tls if item.is_zero() => Role::ThreadZero,
        DataKind::Tls => Role::ThreadData,
    }
}

fn bug(message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Bug, ..Diagnostic::error(0, message) }
}

/// The number in ELF of a kind of relocation.
pub fn reloc_number(kind: RelocKind, arch: Arch) -> u32 {
    elf::reloc(kind).number(elf::machine(arch)).0
}

#[cfg(test)]
mod tests;
