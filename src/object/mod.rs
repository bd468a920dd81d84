//! Writes objects: compiled functions and data items become the bytes of a relocatable file.
//!
//! All definitions are declared first, so that a reference finds its definition wherever that stands in the
//! source. Then code and data are laid out in source order, so that the bytes depend only on the source. A
//! name becomes a symbol when something in the file refers to it: an import that is declared but unused
//! requires nothing of the linker.
//!
//! Relocations refer to symbols. Those of the writer's own tables (unwind information, trap sites) refer to
//! sections where the format allows it, because the symbol of a weak function may resolve to a definition in
//! another file.
//!
//! What differs between ELF and Mach-O is one row each of `Format`.
//!
//! This is the only module that uses the `object` crate.
//!
//! | files | what |
//! |---|---|
//! | `format`, `elf`, `macho`, `role` | what differs between formats |
//! | `symbols`, `addresses`, `groups` | names, and groups of definitions |
//! | `sections`, `own_sections`, `link_order` | where items go, and the sections of the writer's own |
//! | `traps`, `handlers`, `patch_sites`, `stack_maps`, `table` | tables for run-time systems |
//! | `exceptions`, `lsda`, `eh_frame`, `compact_unwind` | tables for unwinders |
//! | `mapping_symbols`, `data_in_code`, `thread_variables` | data in code; thread-local data of Mach-O |
//! | `debug` | debug information |
//! | `assembly`, `disasm`, `decoder`, `image` | what is made of a finished object |

mod addresses;
mod assembly;
mod compact_unwind;
mod data_in_code;
mod debug;
mod decoder;
pub mod disasm;
mod eh_frame;
mod elf;
mod exceptions;
mod format;
mod groups;
mod handlers;
mod image;
mod join;
mod link_order;
mod lsda;
mod macho;
mod mapping_symbols;
mod own_sections;
mod patch_sites;
mod role;
mod sections;
mod stack_maps;
mod symbols;
mod table;
mod thread_variables;
mod traps;

use std::collections::HashMap;

use object::write::{Mangling, Object, Relocation, SectionId, Symbol, SymbolId};
use object::{BinaryFormat, Endianness, RelocationFlags, SymbolKind};

use crate::diag::{Diagnostic, Severity};
use crate::ir::{
    AliasItem, DataItem, DataKind, FieldKind, Group, Linkage, Module, Name, Params, fingerprint,
};
use crate::machine::compiled::CompiledStencil;
use crate::machine::reloc::RelocKind;
use crate::machine::symbol::SymbolRef;
use crate::options::{Arch, Flags, Target};
pub use debug::{DebugInfo, DebugLevel, DebugOptions};
use format::{Addend, Format};
use groups::{Groups, Item};
pub use image::{Image, PAGE, Unresolved, image};
pub use join::Joiner;
#[cfg(test)]
pub(crate) use join::contents::contents;
use mapping_symbols::Marks;
use role::Role;
pub use sections::Layout;
use sections::{SectionIndex, SectionOffset, Sections};
pub use symbols::{Contradiction, Import, SymbolNames};
use symbols::{Defined, Symbols};

/// Every object format.
static FORMATS: [&Format; 2] = [&elf::FORMAT, &macho::FORMAT];

/// The format of a target's objects.
fn format_of(target: &Target) -> &'static Format {
    if target.is_elf() { &elf::FORMAT } else { &macho::FORMAT }
}

/// The format that the `object` crate knows as `format`.
fn format_named(format: BinaryFormat) -> Option<&'static Format> {
    FORMATS.into_iter().find(|row| row.binary_format == format)
}

/// A function to write.
#[derive(Clone, Copy, Debug)]
pub struct FunctionDef<'a> {
    /// Byte offset of its definition in the source, for messages.
    pub offset: usize,
    /// Its name, and the names it refers to.
    pub params: &'a Params,
    /// Its linkage.
    pub linkage: Linkage,
    /// The section it asks for; `None` for the default one.
    pub section: Option<&'a str>,
    /// The alignment in bytes that the source asks for: a power of two, 1 if it asks for none.
    pub align: u32,
    /// Its group.
    pub group: &'a Group,
    /// Its machine code.
    pub code: &'a CompiledStencil,
}

/// A function that another part of the module defines.
#[derive(Clone, Debug)]
pub struct OtherFunction {
    /// Its name.
    pub name: Name,
    /// Its linkage.
    pub linkage: Linkage,
    /// Byte offset of its definition in the source.
    pub offset: usize,
}

/// What an object that has a part of a module knows of the rest.
///
/// Other parts may refer to local definitions, so these are hidden in the objects of parts, under names that
/// no other module uses.
#[derive(Clone, Debug)]
pub struct Part {
    /// The functions of other parts.
    pub functions: Vec<OtherFunction>,
    /// Whether this part has the data of the module.
    pub has_data: bool,
    /// What is appended to the names of local definitions, in all parts.
    pub suffix: String,
}

/// The contents of an object.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// Data items and attributes of symbols.
    pub module: &'a Module,
    /// Functions, in source order.
    pub functions: Vec<FunctionDef<'a>>,
    /// The rest of the module, if the object has a part of it only.
    pub part: Option<&'a Part>,
    /// Linker names, for names that `symbol` items don't give one.
    pub names: Option<&'a HashMap<Name, Box<str>>>,
    /// Debug information, if there is to be any.
    pub debug: Option<DebugInfo<'a>>,
    /// Whether to return the symbols of functions, and imports.
    pub describes: bool,
}

/// An object file.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What is accepted, and probably not what was meant.
    pub warnings: Vec<Diagnostic>,
    /// The symbols of functions, in source order, if [`Contents::describes`] is set.
    pub symbols: Vec<String>,
    /// What it refers to and does not define, likewise.
    pub imports: Vec<Import>,
    /// Functions that are imported with other signatures than they are defined with.
    pub contradictions: Vec<Contradiction>,
}

/// Writes an object, or returns the errors in its contents.
pub fn write(
    target: &Target,
    flags: &Flags,
    layout: Layout,
    contents: &Contents<'_>,
) -> Result<Written, Vec<Diagnostic>> {
    let (writer, defined) = fill(target, flags, layout, contents)?;
    let (symbols, imports) = writer.described(contents, &defined);
    Ok(Written { symbols, imports, ..writer.finish(target, flags)? })
}

/// Writes an object, and assembly text that assemblers make the same object of.
pub fn write_assembly(
    target: &Target,
    flags: &Flags,
    layout: Layout,
    contents: &Contents<'_>,
    syntax: disasm::Syntax,
) -> Result<(Written, String), Vec<Diagnostic>> {
    let (writer, defined) = fill(target, flags, layout, contents)?;
    let named = contents.functions.iter().zip(&defined).map(|(def, &symbol)| assembly::Named {
        name: writer.object.symbol(symbol).name.clone(),
        code: def.code,
    });
    let named: Vec<_> = named.collect();
    let (symbols, imports) = writer.described(contents, &defined);
    let written = Written { symbols, imports, ..writer.finish(target, flags)? };
    match assembly::print(&written.bytes, &named, target, flags, syntax) {
        Ok(text) => Ok((written, text)),
        Err(refusal) => {
            let place = refusal.section.and_then(|section| first_in(contents, &section, format_of(target)));
            Err(vec![Diagnostic::unsupported(place.unwrap_or(0), refusal.message)])
        }
    }
}

/// Returns the place in the source of the first definition for which there is a section of this name.
fn first_in(contents: &Contents<'_>, section: &str, format: &Format) -> Option<usize> {
    let in_section = |def: &&FunctionDef<'_>| {
        def.section == Some(section) || section == format.stack_maps && !def.code.stack_maps.is_empty()
    };
    let functions = contents.functions.iter().filter(in_section).map(|def| def.offset);
    let data = contents.module.data.iter().filter(|item| item.section.as_deref() == Some(section));
    functions.chain(data.map(|item| item.offset)).min()
}

/// Places everything in an object that is still to be finished, and returns the symbols of the definitions.
fn fill<'a>(
    target: &Target,
    flags: &Flags,
    layout: Layout,
    contents: &Contents<'a>,
) -> Result<(Writer<'a>, Vec<SymbolId>), Vec<Diagnostic>> {
    let format = format_of(target);
    if format.atoms && !flags.is_pic() {
        let message =
            format!("{} requires position-independent code: enable the setting `is_pic`", format.name);
        return Err(vec![Diagnostic::error(0, message)]);
    }
    let mut writer = Writer::new(format, target.arch(), flags.is_pic(), layout);
    writer.symbols.suffix = contents.part.map_or("", |part| &part.suffix);
    writer.symbols.set_names(contents.names);
    let defined = writer.declare(contents);
    writer.place_functions(&contents.functions, &defined);
    if contents.part.is_none_or(|part| part.has_data) {
        writer.place_data(&contents.module.data);
    }
    writer.place_aliases(&contents.module.aliases);
    let exceptions = writer.write_exceptions(contents, flags.unwind_info());
    if flags.unwind_info() {
        writer.write_unwind(&contents.functions, &exceptions, flags);
        if writer.format.has_compact_unwind {
            writer.write_compact_unwind(&contents.functions, &exceptions, &defined);
        }
    }
    writer.write_lists(contents, &defined);
    writer.write_stack_maps(contents, &defined);
    writer.add_groups();
    if let Some(debug) = contents.debug {
        writer.write_debug(contents, debug, &defined);
    }
    Ok((writer, defined))
}

/// An object being written.
struct Writer<'a> {
    object: Object<'a>,
    format: &'static Format,
    arch: Arch,
    pic: bool,
    sections: Sections,
    symbols: Symbols<'a>,
    /// Where each function was placed, in source order.
    places: Vec<SectionOffset>,
    /// Where each data item was placed, in source order.
    data_places: Vec<SectionOffset>,
    groups: Groups,
    marks: Marks,
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
            data_places: Vec::new(),
            groups: Groups::default(),
            marks: Marks::default(),
            errors: Vec::new(),
        }
    }

    /// Declares all definitions, and returns the symbols of functions in this object.
    fn declare(&mut self, contents: &Contents<'a>) -> Vec<SymbolId> {
        contents.module.symbols.iter().for_each(|item| self.symbols.set_attributes(item));
        self.symbols.reserve(contents.functions.len() + contents.module.data.len());
        let others = contents.part.map_or(&[][..], |part| &part.functions);
        for OtherFunction { name, linkage, offset } in others {
            self.symbols.define_elsewhere(&Defined {
                name,
                linkage: *linkage,
                kind: SymbolKind::Text,
                offset: *offset,
                fingerprint: fingerprint::UNKNOWN,
            });
        }
        let functions = contents.functions.iter().map(|def| Defined {
            name: &def.params.name,
            linkage: def.linkage,
            kind: SymbolKind::Text,
            offset: def.offset,
            fingerprint: def.params.fingerprint,
        });
        let defined = functions.map(|def| self.symbols.define(&mut self.object, &def)).collect();
        let has_descriptors = self.format.descriptors.is_some();
        let has_data = contents.part.is_none_or(|part| part.has_data);
        for item in &contents.module.data {
            let Some(name) = &item.name else { continue };
            let kind = match item.kind {
                DataKind::Tls if !has_descriptors => SymbolKind::Tls,
                DataKind::Tls | DataKind::Rodata | DataKind::Data => SymbolKind::Data,
            };
            let (linkage, offset, fingerprint) = (item.linkage, item.offset, fingerprint::UNKNOWN);
            let item = Defined { name, linkage, kind, offset, fingerprint };
            if has_data {
                self.symbols.define(&mut self.object, &item);
            } else {
                self.symbols.define_elsewhere(&item);
            }
        }
        for item in &contents.module.aliases {
            self.symbols.define_alias(&mut self.object, item);
        }
        defined
    }

    fn place_functions(&mut self, defs: &[FunctionDef<'a>], defined: &[SymbolId]) {
        self.places.reserve(defs.len());
        for (def, &symbol) in defs.iter().zip(defined) {
            let align = def.align.max(def.code.align).into();
            let item =
                Item { role: Role::Text, section: def.section, group: def.group, symbol: Some(symbol) };
            let chosen = self.section_for(&item, def.offset);
            let place = self.place(chosen, &def.code.code, def.code.code.len() as u64, align, def.offset);
            self.places.push(place);
            self.define_at(symbol, place, def.code.code.len() as u64);
            self.mark_data(place, def.code);
            self.relocate_code(def, place);
        }
    }

    fn relocate_code(&mut self, def: &FunctionDef<'a>, place: SectionOffset) {
        self.symbols.enter_function(def.params);
        for reloc in &def.code.relocs {
            let symbol = match reloc.symbol {
                SymbolRef::Name(name) => self.symbols.external(&mut self.object, name, def.offset),
                SymbolRef::LibCall(call) => {
                    let user = Some(&def.params.name);
                    self.symbols.libcall(&mut self.object, call, user, def.offset)
                }
            };
            let at = SectionOffset { offset: place.offset + u64::from(reloc.offset), ..place };
            self.relocate(at, reloc.kind, symbol, reloc.addend, def.offset);
        }
    }

    fn place_data(&mut self, items: &'a [DataItem]) {
        for item in items {
            let symbol = match (&item.name, self.format.descriptors) {
                (None, _) if self.format.atoms => {
                    Some(symbols::add_local(&mut self.object, b"l_unnamed".to_vec()))
                }
                (None, _) => None,
                (Some(name), descriptors) => {
                    let symbol = self.symbols.reference(&mut self.object, name, None, item.offset);
                    Some(match descriptors {
                        Some(section) if item.kind == DataKind::Tls => {
                            self.add_descriptor(section, item, symbol)
                        }
                        _ => symbol,
                    })
                }
            };
            let (role, section) = (role(item, self.pic), item.section.as_deref());
            let chosen = self.section_for(&Item { role, section, group: &item.group, symbol }, item.offset);
            let bytes = item.bytes_of(self.arch.is_big_endian());
            let size = item.size.max(self.format.atoms.into());
            let align = item.align.max(self.arch.data_alignment());
            let place = self.place(chosen, &bytes, size, align.into(), item.offset);
            self.data_places.push(place);
            if let Some(symbol) = symbol {
                self.define_at(symbol, place, size);
            }
            for reloc in &item.relocs {
                let symbol = self.symbols.reference(&mut self.object, &reloc.name, None, item.offset);
                let at = SectionOffset { offset: place.offset + reloc.offset, ..place };
                // A relative relocation counts from the field.
                let (kind, more) = match reloc.kind {
                    FieldKind::Address => (RelocKind::Abs64, 0),
                    FieldKind::Distance if self.format.atoms => {
                        let message = format!("{} has no distances in data: use addresses", self.format.name);
                        self.errors.push(Diagnostic::error(item.offset, message));
                        continue;
                    }
                    FieldKind::Distance => (RelocKind::Rel32, reloc.offset as i64),
                };
                self.relocate(at, kind, symbol, reloc.addend.wrapping_add(more), item.offset);
            }
        }
    }

    /// Gives aliases the places of what they stand for.
    fn place_aliases(&mut self, items: &'a [AliasItem]) {
        for item in items {
            if self.symbols.is_elsewhere(&item.target) {
                continue;
            }
            let [alias, target] = [&item.name, &item.target]
                .map(|name| self.symbols.reference(&mut self.object, name, None, item.offset));
            let Symbol { section, value, size, .. } = *self.object.symbol(target);
            let symbol = self.object.symbol_mut(alias);
            (symbol.section, symbol.value, symbol.size) = (section, value, size);
        }
    }

    /// Appends bytes, zero-filled up to `size`, to a section. On error it is reported at `offset`, and the
    /// result is an arbitrary place.
    fn place(
        &mut self,
        chosen: Result<SectionIndex, String>,
        bytes: &[u8],
        size: u64,
        align: u64,
        offset: usize,
    ) -> SectionOffset {
        let fill = format::fill(self.arch);
        let placed = chosen.and_then(|section| {
            let at = self.sections.append(section, bytes, size, align, fill)?;
            Ok(SectionOffset { section, offset: at })
        });
        placed.unwrap_or_else(|message| {
            self.errors.push(Diagnostic::error(offset, message));
            SectionOffset { section: SectionIndex::TEXT, offset: 0 }
        })
    }

    fn define_at(&mut self, symbol: SymbolId, place: SectionOffset, size: u64) {
        self.object.set_symbol_data(symbol, self.sections.id(place.section), place.offset, size);
    }

    /// Adds a relocation for the field at `at`. Errors are reported at `offset` in the source.
    fn relocate(&mut self, at: SectionOffset, kind: RelocKind, symbol: SymbolId, addend: i64, offset: usize) {
        let Some((kind, symbol)) = self.resolve_address(at, (kind, symbol, addend), offset) else { return };
        let Some(reloc) = (self.format.reloc)(kind, self.arch) else {
            let name = self.format.name;
            let message =
                format!("{name} has no relocation for `{kind}`: the settings may not suit the target");
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
                let message =
                    format!("offset {addend} from the symbol is out of range for {}", self.format.name);
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
            .expect("relocations given by number are accepted");
    }

    /// The names of functions in the symbol table, and imports, if they are asked for.
    fn described(&self, contents: &Contents<'_>, functions: &[SymbolId]) -> (Vec<String>, Vec<Import>) {
        if !contents.describes {
            return (Vec::new(), Vec::new());
        }
        let name = |&symbol| String::from_utf8_lossy(&self.object.symbol(symbol).name).into_owned();
        (functions.iter().map(name).collect(), self.symbols.imports(&self.object))
    }

    fn finish(mut self, target: &Target, flags: &Flags) -> Result<Written, Vec<Diagnostic>> {
        self.errors.extend(self.symbols.take_errors());
        if !self.errors.is_empty() {
            self.errors.sort_by_key(|error| error.offset);
            self.errors.dedup();
            return Err(self.errors);
        }
        let data = self.marks.data_ranges(&self.sections);
        self.sections.finish(&mut self.object);
        (self.format.finish)(&mut self.object, target, flags);
        let mut bytes = self.object.write().map_err(|error| vec![bug(format!("object: {error}"))])?;
        (self.format.complete)(&mut bytes, &data).map_err(|error| vec![bug(format!("object: {error}"))])?;
        let (warnings, contradictions) = (self.symbols.take_warnings(), self.symbols.take_contradictions());
        Ok(Written { bytes, warnings, symbols: Vec::new(), imports: Vec::new(), contradictions })
    }
}

/// The role of the section that a data item belongs in.
fn role(item: &DataItem, pic: bool) -> Role {
    let has_addresses = item.relocs.iter().any(|reloc| reloc.kind == FieldKind::Address);
    match item.kind {
        DataKind::Rodata if pic && has_addresses => Role::ReadOnlyAfterRelocation,
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
