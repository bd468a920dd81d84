//! Objects: compiled functions and data items to the bytes of a relocatable file.
//!
//! Everything a module defines is declared first, so that a reference finds its definition wherever
//! the definition stands; then code and data are laid out in source order, so that the bytes depend on
//! nothing but the source. A name becomes a symbol of the file when something in the file refers to it:
//! an import that is declared and not used never asks the linker for anything.
//!
//! Relocations name symbols, but those of the writer's own tables (unwind information, trap sites)
//! name sections where the format allows it: a weak function's symbol may turn out to be another definition's.
//!
//! What differs between ELF and Mach-O is in a table ([`Format`]).
//!
//! This is the only place that knows the `object` crate.

pub mod disasm;
mod eh_frame;
mod elf;
mod format;
mod handlers;
mod macho;
mod own_sections;
mod role;
mod sections;
mod symbols;
mod table;
mod thread_variables;
mod traps;

use object::write::{Mangling, Object, Relocation, SectionId, SymbolId};
use object::{BinaryFormat, Endianness, RelocationFlags, SymbolKind};

use crate::diag::{Diagnostic, Severity};
use crate::ir::{DataItem, DataKind, Linkage, Module, Params};
use crate::machine::compiled::CompiledStencil;
use crate::machine::reloc::RelocKind;
use crate::machine::symbol::SymbolRef;
use crate::options::{Arch, Flags, Target};
use format::{Addend, Format};
use role::Role;
pub use sections::Layout;
use sections::{Place, SectionIndex, Sections};
use symbols::Symbols;

/// All formats.
static FORMATS: [&Format; 2] = [&elf::FORMAT, &macho::FORMAT];

/// The format of a target's objects.
fn format_of(target: &Target) -> &'static Format {
    if target.is_elf() { &elf::FORMAT } else { &macho::FORMAT }
}

/// The format that the `object` crate calls `format`.
fn format_named(format: BinaryFormat) -> Option<&'static Format> {
    FORMATS.into_iter().find(|row| row.binary_format == format)
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

/// The bytes of an object, or what is wrong with its contents.
pub fn write(
    target: &Target,
    flags: &Flags,
    layout: Layout,
    contents: &Contents<'_>,
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let format = format_of(target);
    if format.atoms && !flags.is_pic() {
        let message = format!("{} needs position-independent code: the setting is_pic", format.name);
        return Err(vec![Diagnostic::error(0, message)]);
    }
    let mut writer = Writer::new(format, target.arch(), flags.is_pic(), layout);
    let defined = writer.declare(contents);
    writer.place_functions(&contents.functions, &defined);
    writer.place_data(&contents.module.data, &defined[contents.functions.len()..]);
    if flags.unwind_info() {
        writer.write_unwind(&contents.functions, flags);
    }
    writer.write_lists(&contents.functions, &defined);
    writer.finish(target, flags)
}

/// An object being made.
struct Writer<'a> {
    object: Object<'a>,
    format: &'static Format,
    arch: Arch,
    pic: bool,
    sections: Sections,
    symbols: Symbols<'a>,
    /// Where each function is.
    places: Vec<Place>,
    errors: Vec<Diagnostic>,
}

impl<'a> Writer<'a> {
    fn new(format: &'static Format, arch: Arch, pic: bool, layout: Layout) -> Self {
        let endian = if arch.is_big_endian() { Endianness::Big } else { Endianness::Little };
        let mut object = Object::new(format.binary_format, format::architecture(arch), endian);
        object.set_mangling(Mangling::None);
        let sections = Sections::new(&mut object, format, layout);
        Writer {
            object,
            format,
            arch,
            pic,
            sections,
            symbols: Symbols::new(format),
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
        let has_descriptors = self.format.descriptors.is_some();
        let kind = |item: &DataItem| match item.kind {
            DataKind::Tls if !has_descriptors => SymbolKind::Tls,
            _ => SymbolKind::Data,
        };
        let data = data.iter().map(|item| (&item.name, item.linkage, kind(item), item.offset));
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
        self.symbols.enter_function(def.params);
        for reloc in &def.code.relocs {
            let symbol = match reloc.symbol {
                SymbolRef::Name(name) => self.symbols.external(&mut self.object, name, def.offset),
                SymbolRef::LibCall(call) => self.symbols.libcall(&mut self.object, call),
            };
            let at = Place { offset: place.offset + u64::from(reloc.offset), ..place };
            self.relocate(at, reloc.kind, symbol, reloc.addend, def.offset);
        }
    }

    fn place_data(&mut self, items: &'a [DataItem], defined: &[SymbolId]) {
        for (item, &symbol) in items.iter().zip(defined) {
            let symbol = match self.format.descriptors {
                Some(section) if item.kind == DataKind::Tls => self.add_descriptor(section, item, symbol),
                _ => symbol,
            };
            let role = role(item, self.pic);
            let chosen = self.sections.choose(&mut self.object, role, item.section.as_deref(), symbol);
            let bytes = item.bytes_of(self.arch.is_big_endian());
            let size = item.size.max(self.format.atoms.into());
            let align = item.align.max(self.arch.data_alignment());
            let place = self.place(chosen, &bytes, size, align.into(), item.offset);
            self.define_at(symbol, place, size);
            for reloc in &item.relocs {
                let symbol = self.symbols.reference(&mut self.object, &reloc.name, item.offset);
                let at = Place { offset: place.offset + reloc.offset, ..place };
                self.relocate(at, RelocKind::Abs64, symbol, reloc.addend, item.offset);
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
        let fill = format::fill(self.arch);
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

    /// Adds a relocation of the field at a place; `offset` is where to complain of it.
    fn relocate(&mut self, at: Place, kind: RelocKind, symbol: SymbolId, addend: i64, offset: usize) {
        let Some(reloc) = (self.format.reloc)(kind, self.arch) else {
            let name = self.format.name;
            let message = format!("{name} has no relocation `{kind}`: do the settings fit the target?");
            self.errors.push(Diagnostic::error(offset, message));
            return;
        };
        if let Err(message) = self.symbols.agree_on_threads(&mut self.object, symbol, reloc.thread_local) {
            self.errors.push(Diagnostic::error(offset, message));
            return;
        }
        let fits = |bits: u32| addend << (64 - bits) >> (64 - bits) == addend;
        let addend = match reloc.addend {
            Addend::Record(bits) if fits(bits) => addend,
            Addend::Zero if addend == 0 => 0,
            Addend::Field { bytes, more, done } => {
                let field = addend.wrapping_add(more.into()).to_le_bytes();
                self.sections.write_field(at, &field[..usize::from(bytes)]);
                -i64::from(done)
            }
            Addend::Record(_) | Addend::Zero => {
                let message = format!("{addend} is too far from the symbol for {}", self.format.name);
                self.errors.push(Diagnostic::error(offset, message));
                return;
            }
        };
        self.add_relocation(self.sections.id(at.section), at.offset, symbol, addend, reloc.flags);
    }

    fn add_relocation(
        &mut self,
        section: SectionId,
        offset: u64,
        symbol: SymbolId,
        addend: i64,
        flags: RelocationFlags,
    ) {
        self.object
            .add_relocation(section, Relocation { offset, symbol, addend, flags })
            .expect("relocations with numbers are taken as they are");
    }

    fn finish(mut self, target: &Target, flags: &Flags) -> Result<Vec<u8>, Vec<Diagnostic>> {
        self.errors.extend(self.symbols.take_errors());
        if !self.errors.is_empty() {
            self.errors.sort_by_key(|error| error.offset);
            self.errors.dedup();
            return Err(self.errors);
        }
        self.sections.finish(&mut self.object);
        (self.format.finish)(&mut self.object, target, flags);
        self.object.write().map_err(|error| vec![bug(format!("object: {error}"))])
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

#[cfg(test)]
mod tests;
