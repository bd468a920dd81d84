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
mod sections;
mod symbols;
pub mod traps;

use object::elf::RelocationType;
use object::write::{Object, Relocation, SectionId, StandardSection, SymbolId};
use object::{BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolKind};

use crate::diag::{Diagnostic, Severity};
use crate::ir::{Name, Params};
use crate::mach::compiled::{CompiledStencil, SymbolRef};
use crate::options::{Arch, Flags, Target};
use elf::Machine;
use sections::{Role, SectionIndex, Sections};
use symbols::Symbols;

/// Who can see a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Linkage {
    /// Everybody.
    #[default]
    Export,
    /// Its object file.
    Local,
    /// The linked file it becomes part of.
    Hidden,
    /// Everybody, unless another definition takes its place.
    Weak,
}

/// What a `symbol` item says of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SymbolDef<'a> {
    /// The name in CLIF.
    pub name: &'a Name,
    /// The name for the linker, if not the usual one.
    pub linker_name: Option<&'a str>,
    /// As an import, it may stay undefined.
    pub weak: bool,
    /// As an import, it is defined in the same linked file.
    pub hidden: bool,
}

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
    pub align: u64,
    /// Its code.
    pub code: &'a CompiledStencil,
}

/// What kind of memory a data item needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataKind {
    /// Constant.
    Rodata,
    /// Writable.
    Data,
    /// One for each thread.
    Tls,
}

/// An address in a data item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataReloc<'a> {
    /// Its byte offset in the item.
    pub at: u64,
    /// Of which symbol.
    pub name: &'a Name,
    /// Plus this.
    pub addend: i64,
}

/// A data item.
#[derive(Clone, Debug)]
pub struct DataDef<'a> {
    /// Where the source defines it.
    pub offset: usize,
    /// Its name.
    pub name: &'a Name,
    /// Who sees it.
    pub linkage: Linkage,
    /// The memory it needs.
    pub kind: DataKind,
    /// Its section, if not the usual one.
    pub section: Option<&'a str>,
    /// Alignment in bytes: a power of two.
    pub align: u64,
    /// Its first bytes; zeros follow up to its size. Empty if it is all zeros.
    pub bytes: &'a [u8],
    /// Its size.
    pub size: u64,
    /// The addresses in it.
    pub relocs: Vec<DataReloc<'a>>,
}

/// What an object is made from.
#[derive(Clone, Debug, Default)]
pub struct Contents<'a> {
    /// `symbol` items.
    pub symbols: Vec<SymbolDef<'a>>,
    /// Functions in source order.
    pub functions: Vec<FunctionDef<'a>>,
    /// Data items in source order.
    pub data: Vec<DataDef<'a>>,
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
    writer.place_data(&contents.data, &defined[contents.functions.len()..]);
    if flags.unwind_info() {
        writer.write_unwind(&contents.functions);
    }
    writer.write_traps(&contents.functions);
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
        contents.symbols.iter().for_each(|&def| self.symbols.set_attributes(def));
        let functions = contents
            .functions
            .iter()
            .map(|def| (&def.params.name, def.linkage, SymbolKind::Text, def.offset));
        let data =
            contents.data.iter().map(|def| (def.name, def.linkage, def.kind.symbol_kind(), def.offset));
        let mut defined = Vec::with_capacity(contents.functions.len() + contents.data.len());
        for (name, linkage, kind, offset) in functions.chain(data) {
            defined.push(self.symbols.define(&mut self.object, name, linkage, kind, offset));
        }
        defined
    }

    fn place_functions(&mut self, defs: &[FunctionDef<'a>], defined: &[SymbolId]) {
        self.places.reserve(defs.len());
        for (def, &symbol) in defs.iter().zip(defined) {
            let align = def.align.max(def.code.align.into());
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

    fn place_data(&mut self, defs: &[DataDef<'a>], defined: &[SymbolId]) {
        for (def, &symbol) in defs.iter().zip(defined) {
            let role = def.role(self.pic);
            let chosen = self.sections.choose(&mut self.object, role, def.section, symbol);
            let place = self.place(chosen, def.bytes, def.size, def.align, def.offset);
            self.define_at(symbol, place, def.size);
            let section = self.sections.id(place.section);
            for reloc in &def.relocs {
                let symbol = self.symbols.reference(&mut self.object, reloc.name, def.offset);
                let number = self.machine.absolute;
                self.relocate(section, place.offset + reloc.at, symbol, reloc.addend, number);
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

    fn write_traps(&mut self, defs: &[FunctionDef<'a>]) {
        let functions = self.places.iter().zip(defs).map(|(&place, def)| (place, def.code));
        let table = traps::build(self.arch.is_big_endian(), functions);
        if !table.bytes.is_empty() {
            let name = traps::SECTION.as_bytes().to_vec();
            let section = self.object.add_section(Vec::new(), name, SectionKind::Other);
            self.add_table(section, table, self.machine.absolute);
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

impl DataKind {
    fn symbol_kind(self) -> SymbolKind {
        match self {
            DataKind::Rodata | DataKind::Data => SymbolKind::Data,
            DataKind::Tls => SymbolKind::Tls,
        }
    }
}

impl DataDef<'_> {
    /// What kind of section it goes to.
    fn role(&self, pic: bool) -> Role {
        let zero = self.relocs.is_empty() && self.bytes.is_empty();
        match self.kind {
            DataKind::Rodata if pic && !self.relocs.is_empty() => Role::ReadOnlyAfterRelocation,
            DataKind::Rodata => Role::ReadOnly,
            DataKind::Data if zero => Role::Zero,
            DataKind::Data => Role::Data,
            DataKind::Tls if zero => Role::ThreadZero,
            DataKind::Tls => Role::ThreadData,
        }
    }
}

fn bug(message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Bug, ..Diagnostic::error(0, message) }
}

#[cfg(test)]
mod tests;
