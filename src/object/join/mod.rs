//! Joins the objects of a large file's pieces to one ELF file, as `ld -r` does, without holding it: sections,
//! relocations and symbols are appended to files without names (`spool`), and are copied together at the end.
//! What stays in memory is an index of the symbols by name (`names`).
//!
//! All definitions are declared before the first piece is added, in the order of the text. So each has its
//! number before a piece refers to it, wherever it is defined.

#[cfg(test)]
pub(super) mod contents;
mod names;
mod spool;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use object::elf::{self, FileHeader64, Rela64, SectionHeader64, Sym64};
use object::read::elf::{FileHeader as _, Rela as _, SectionHeader as _, SectionTable, Sym as _};
use object::{Endianness, SymbolIndex};

use crate::ir::Linkage;
use crate::machine::symbol::LibCall;
use names::{Class, Names, SymbolNumber};
use spool::Spool;

type Header = FileHeader64<Endianness>;
type InputSection = SectionHeader64<Endianness>;

const HEADER_SIZE: u64 = size_of::<Header>() as u64;
const SECTION_SIZE: u64 = size_of::<InputSection>() as u64;
const SYMBOL_SIZE: usize = size_of::<Sym64<Endianness>>();
const RELOC_SIZE: usize = size_of::<Rela64<Endianness>>();
/// The flags of sections that are not loaded.
const SHF_NONE: u64 = 0;

/// What determines which section of the file a section of a piece is appended to.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: Vec<u8>,
    kind: u32,
    flags: u64,
    /// The section that it describes, if it has the flag `SHF_LINK_ORDER`.
    link: Option<usize>,
    entry_size: u64,
}

impl Key {
    /// Whether all pieces have the same contents, and the file has them once.
    fn is_note(&self) -> bool {
        self.kind == elf::SHT_NOTE.0 || [&b".comment"[..], b".note.GNU-stack"].contains(&&*self.name)
    }
}

/// A section of the file.
struct Section {
    key: Key,
    align: u64,
    /// The contents.
    bytes: Spool,
    /// Size of a section that has no contents in the file.
    zeros: u64,
    /// Relocation records, whose symbols are [`SymbolNumber`]s.
    relocs: Spool,
    symbol: SymbolNumber,
}

/// A symbol's record in the symbol table, except its name.
#[derive(Clone, Copy, Default)]
struct Record {
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    size: u64,
}

/// The records of a class of symbols.
struct Records {
    /// Those of declared functions, whose pieces come in order.
    functions: Spool,
    /// Number of declared functions.
    count: usize,
    /// Those of the other symbols.
    rest: Vec<Record>,
}

/// Joins the objects of pieces.
pub struct Joiner {
    directory: std::path::PathBuf,
    names: Names,
    sections: Vec<Section>,
    by_key: HashMap<Key, usize>,
    locals: Records,
    globals: Records,
    /// Whole records of private symbols.
    private: Spool,
    private_count: usize,
    /// Names of private symbols that are in the string table.
    private_names: HashMap<Vec<u8>, u32>,
    /// Library routines that have the name of a local definition.
    routines: HashMap<Vec<u8>, SymbolNumber>,
    /// The first piece's header.
    header: Vec<u8>,
    endian: Endianness,
}

/// A section of a piece: its section of the file, and where it begins in that.
type Place = Option<(usize, u64)>;

impl Joiner {
    /// Starts a file, whose parts are kept in `directory`.
    pub fn new(directory: &Path) -> Self {
        let records = || Records { functions: Spool::new(directory), count: 0, rest: Vec::new() };
        Joiner {
            directory: directory.into(),
            names: Names::new(directory),
            sections: Vec::new(),
            by_key: HashMap::new(),
            locals: records(),
            globals: records(),
            private: Spool::new(directory),
            private_count: 0,
            private_names: HashMap::new(),
            routines: HashMap::new(),
            header: Vec::new(),
            endian: Endianness::Little,
        }
    }

    /// Declares a function by its name in the symbol table. Returns whether the name is new.
    pub fn declare_function(&mut self, name: &[u8], linkage: Linkage) -> io::Result<bool> {
        let class = class_of(linkage);
        let added = self.names.add(name, class)?;
        let records = self.records(class);
        records.count += usize::from(added.is_ok());
        Ok(added.is_ok())
    }

    /// Declares data or an alias, after all functions. Returns whether the name is new.
    pub fn declare(&mut self, name: &[u8], linkage: Linkage) -> io::Result<bool> {
        let added = self.names.add(name, class_of(linkage))?;
        if let Ok(symbol) = added {
            self.record_mut(symbol);
        }
        Ok(added.is_ok())
    }

    fn records(&mut self, class: Class) -> &mut Records {
        if class == Class::Local { &mut self.locals } else { &mut self.globals }
    }

    /// The record of a symbol that is not a declared function; new ones are undefined.
    fn record_mut(&mut self, symbol: SymbolNumber) -> &mut Record {
        let records = self.records(symbol.class());
        let at = symbol.number() - records.count;
        if records.rest.len() <= at {
            records.rest.resize(at + 1, Record::default());
        }
        &mut records.rest[at]
    }

    /// Adds the next piece, an ELF file.
    pub fn add(&mut self, piece: &[u8]) -> io::Result<()> {
        let header = Header::parse(piece).map_err(io::Error::other)?;
        self.endian = header.endian().map_err(io::Error::other)?;
        if self.header.is_empty() {
            self.header = piece[..HEADER_SIZE as usize].to_vec();
        }
        let sections = header.sections(self.endian, piece).map_err(io::Error::other)?;
        let places = self.add_sections(piece, &sections)?;
        let symbols = self.add_symbols(piece, &sections, &places)?;
        self.add_relocs(piece, &sections, &places, &symbols)
    }

    fn add_sections<'a>(
        &mut self,
        piece: &'a [u8],
        sections: &SectionTable<'a, Header>,
    ) -> io::Result<Vec<Place>> {
        let endian = self.endian;
        let mut places: Vec<Place> = vec![None; sections.len()];
        // Sections that describe others come after these.
        for describes in [false, true] {
            for (index, section) in sections.enumerate() {
                let kind = section.sh_type(endian);
                let flags = section.sh_flags(endian);
                let is_table =
                    [elf::SHT_NULL, elf::SHT_SYMTAB, elf::SHT_STRTAB, elf::SHT_RELA, elf::SHT_SYMTAB_SHNDX];
                if is_table.contains(&kind) || flags.contains(elf::SHF_LINK_ORDER) != describes {
                    continue;
                }
                let link = section.sh_link(endian) as usize;
                let link =
                    if describes { places.get(link).copied().flatten().map(|place| place.0) } else { None };
                let key = Key {
                    name: sections.section_name(endian, section).map_err(io::Error::other)?.to_vec(),
                    kind: kind.0,
                    flags: flags.0,
                    link,
                    entry_size: section.sh_entsize(endian),
                };
                places[index.0] = Some(self.append_section(piece, section, key)?);
            }
        }
        Ok(places)
    }

    /// Appends a section of a piece to the section of the file that it belongs in.
    fn append_section(&mut self, piece: &[u8], section: &InputSection, key: Key) -> io::Result<(usize, u64)> {
        let known = self.by_key.get(&key).copied();
        if let Some(at) = known.filter(|_| key.is_note()) {
            return Ok((at, 0));
        }
        let at = known.map_or_else(|| self.new_section(key), Ok)?;
        let align = section.sh_addralign(self.endian).max(1);
        let is_code = section.sh_flags(self.endian).contains(elf::SHF_EXECINSTR);
        let fill = if is_code { self.fill() } else { 0 };
        let to = &mut self.sections[at];
        to.align = to.align.max(align);
        if section.sh_type(self.endian) == elf::SHT_NOBITS {
            let start = to.zeros.next_multiple_of(align);
            to.zeros = start + section.sh_size(self.endian);
            return Ok((at, start));
        }
        let start = to.bytes.align(align, fill)?;
        to.bytes.append(section.data(self.endian, piece).map_err(io::Error::other)?)?;
        Ok((at, start))
    }

    /// The byte between functions.
    fn fill(&self) -> u8 {
        let machine = Header::parse(&*self.header).map(|header| header.e_machine.get(self.endian));
        match machine {
            Ok(machine) if machine == elf::EM_X86_64 => super::format::fill(crate::options::Arch::X86_64),
            _ => 0,
        }
    }

    fn new_section(&mut self, key: Key) -> io::Result<usize> {
        let index = self.sections.len();
        let number = u16::try_from(index + 1).ok().filter(|number| *number < elf::SHN_LORESERVE);
        let number = number.ok_or_else(|| io::Error::other("too many sections"))?;
        let record = Record { info: elf::STT_SECTION.0, section: number, ..Record::default() };
        let symbol = self.add_private(0, record)?;
        let [bytes, relocs] = [&self.directory; 2].map(Spool::new);
        self.sections.push(Section { key: key.clone(), align: 1, bytes, zeros: 0, relocs, symbol });
        self.by_key.insert(key, index);
        Ok(index)
    }

    fn add_private(&mut self, name: u32, record: Record) -> io::Result<SymbolNumber> {
        let bytes = record.bytes(name, self.endian);
        self.private.append(&bytes)?;
        self.private_count += 1;
        Ok(SymbolNumber::new(Class::Private, self.private_count - 1))
    }

    /// Adds the symbols of a piece. Returns for each its symbol of the file and, for sections, where the
    /// piece's section begins.
    fn add_symbols<'a>(
        &mut self,
        piece: &'a [u8],
        sections: &SectionTable<'a, Header>,
        places: &[Place],
    ) -> io::Result<Vec<(SymbolNumber, u64)>> {
        let symbols = sections.symbols(self.endian, piece, elf::SHT_SYMTAB).map_err(io::Error::other)?;
        let mut numbers = vec![(SymbolNumber::new(Class::Private, 0), 0)];
        for (index, symbol) in symbols.enumerate().skip(1) {
            let section = symbols.symbol_section(self.endian, symbol, index).map_err(io::Error::other)?;
            let place = section.and_then(|section| places[section.0]);
            if symbol.st_type() == elf::STT_SECTION {
                let (section, start) = place.ok_or_else(|| io::Error::other("a symbol of no section"))?;
                numbers.push((self.sections[section].symbol, start));
                continue;
            }
            let name = symbols.symbol_name(self.endian, symbol).map_err(io::Error::other)?;
            let record = Record {
                info: symbol.st_info().0,
                other: symbol.st_other().0,
                section: place.map_or(symbol.st_shndx(self.endian).0, |(section, _)| section as u16 + 1),
                value: symbol.st_value(self.endian) + place.map_or(0, |(_, start)| start),
                size: symbol.st_size(self.endian),
            };
            numbers.push((self.add_symbol(name, record)?, 0));
        }
        Ok(numbers)
    }

    fn add_symbol(&mut self, name: &[u8], record: Record) -> io::Result<SymbolNumber> {
        let is_undefined = record.section == elf::SHN_UNDEF.0;
        let known = self.names.find(name)?;
        if !is_undefined && record.info >> 4 == elf::STB_LOCAL.0 {
            return match known {
                Some(symbol) if symbol.class() == Class::Local && !record.is_mark() => {
                    self.define(symbol, record)?;
                    Ok(symbol)
                }
                Some(_) | None => {
                    let name = self.private_name(name)?;
                    self.add_private(name, record)
                }
            };
        }
        let symbol = match known {
            Some(symbol)
                if is_undefined
                    && symbol.class() == Class::Local
                    && record.other == 0
                    && is_routine(name) =>
            {
                return self.routine(name, record);
            }
            Some(symbol) => symbol,
            None => self.names.add(name, Class::Global)?.unwrap_or_else(|known| known),
        };
        self.define(symbol, record)?;
        Ok(symbol)
    }

    /// The symbol of a library routine that is not the local definition of its name.
    fn routine(&mut self, name: &[u8], record: Record) -> io::Result<SymbolNumber> {
        if let Some(&symbol) = self.routines.get(name) {
            return Ok(symbol);
        }
        // No symbol has this name, so that it is a new one; the string table gets the routine's name.
        let symbol = self.names.add_hidden(name)?;
        *self.record_mut(symbol) = record;
        self.routines.insert(name.to_vec(), symbol);
        Ok(symbol)
    }

    fn private_name(&mut self, name: &[u8]) -> io::Result<u32> {
        if let Some(&at) = self.private_names.get(name) {
            return Ok(at);
        }
        let at = self.names.add_string(name)?;
        // Marks have few names.
        if name.len() <= 4 {
            self.private_names.insert(name.to_vec(), at);
        }
        Ok(at)
    }

    /// Takes over what a piece says of a symbol.
    fn define(&mut self, symbol: SymbolNumber, record: Record) -> io::Result<()> {
        let is_undefined = record.section == elf::SHN_UNDEF.0;
        let (endian, name) = (self.endian, self.names.offset(symbol));
        let records = self.records(symbol.class());
        if symbol.number() >= records.count {
            let known = self.record_mut(symbol);
            if known.section == elf::SHN_UNDEF.0 && (!is_undefined || known.info == 0) {
                *known = record;
            }
            return Ok(());
        }
        if is_undefined {
            return Ok(());
        }
        if records.functions.len() != (symbol.number() * SYMBOL_SIZE) as u64 {
            return Err(io::Error::other("functions of pieces are not in the order of the text"));
        }
        records.functions.append(&record.bytes(name, endian))
    }

    fn add_relocs<'a>(
        &mut self,
        piece: &'a [u8],
        sections: &SectionTable<'a, Header>,
        places: &[Place],
        symbols: &[(SymbolNumber, u64)],
    ) -> io::Result<()> {
        let endian = self.endian;
        for section in sections.iter() {
            let Some((relocs, _)) = section.rela(endian, piece).map_err(io::Error::other)? else { continue };
            let place = places[section.sh_info(endian) as usize];
            let (at, start) = place.ok_or_else(|| io::Error::other("relocations of no section"))?;
            for reloc in relocs {
                let symbol = reloc.symbol(endian, false).unwrap_or(SymbolIndex(0));
                let (symbol, more) = symbols[symbol.0];
                let offset = reloc.r_offset(endian) + start;
                let info = u64::from(symbol.0) << 32 | u64::from(reloc.r_type(endian, false).0);
                let addend = reloc.r_addend(endian).wrapping_add(more as i64) as u64;
                let words = [offset, info, addend].map(|word| long(endian, word));
                self.sections[at].relocs.append(words.as_flattened())?;
            }
        }
        Ok(())
    }

    /// Writes the file.
    pub fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        let endian = self.endian;
        let before = |class: Class| match class {
            Class::Private => 1,
            Class::Local => 1 + self.private_count,
            Class::Global => 1 + self.private_count + self.names.len(Class::Local),
        };
        let ends = [Class::Private, Class::Local, Class::Global].map(before);
        let index_of = |symbol: SymbolNumber| ends[symbol.class() as usize] + symbol.number();
        let symbol_count = before(Class::Global) + self.names.len(Class::Global);
        let mut layout =
            Layout { endian, end: HEADER_SIZE, names: vec![0], headers: vec![[0; SECTION_SIZE as usize]] };
        let relocated = self.sections.iter().filter(|section| section.relocs.len() > 0).count();
        let symbol_table = self.sections.len() + relocated + 1;
        for section in &self.sections {
            layout.section(section);
        }
        for (at, section) in self.sections.iter().enumerate().filter(|(_, section)| section.relocs.len() > 0)
        {
            let name = [b".rela", &*section.key.name].concat();
            let of = [symbol_table as u32, at as u32 + 1];
            let kind = [elf::SHT_RELA.0.into(), elf::SHF_INFO_LINK.0, 8, RELOC_SIZE as u64];
            layout.header(&name, kind, section.relocs.len(), of);
        }
        let kind = [elf::SHT_SYMTAB.0.into(), SHF_NONE, 8, SYMBOL_SIZE as u64];
        let of = [symbol_table as u32 + 1, before(Class::Global) as u32];
        layout.header(b".symtab", kind, (symbol_count * SYMBOL_SIZE) as u64, of);
        let strings = [elf::SHT_STRTAB.0.into(), SHF_NONE, 1, 0];
        layout.header(b".strtab", strings, self.names.strings.len(), [0; 2]);
        let names_length = (layout.names.len() + b".shstrtab\0".len()) as u64;
        layout.header(b".shstrtab", strings, names_length, [0; 2]);
        let mut out = Output { out, position: 0 };
        out.write_all(&self.file_header(&layout))?;
        let mut relocs = Vec::new();
        for section in self.sections {
            if section.bytes.len() > 0 {
                out.align(section.align)?;
            }
            section.bytes.write_to(&mut out)?;
            relocs.push(section.relocs);
        }
        for relocs in relocs.into_iter().filter(|relocs| relocs.len() > 0) {
            out.align(8)?;
            relocs.rewrite(&mut out, |record: &mut [u8; RELOC_SIZE]| renumber(endian, record, index_of))?;
        }
        out.align(8)?;
        out.write_all(&[0; SYMBOL_SIZE])?;
        self.private.write_to(&mut out)?;
        let names = self.names;
        for (class, records) in [(Class::Local, self.locals), (Class::Global, self.globals)] {
            if records.functions.len() != (records.count * SYMBOL_SIZE) as u64 {
                return Err(io::Error::other("a piece lacks functions"));
            }
            records.functions.write_to(&mut out)?;
            for (at, record) in records.rest.iter().enumerate() {
                let name = names.offset(SymbolNumber::new(class, records.count + at));
                out.write_all(&record.bytes(name, endian))?;
            }
        }
        names.strings.write_to(&mut out)?;
        out.write_all(&layout.names)?;
        out.align(8)?;
        out.write_all(layout.headers.as_flattened())?;
        out.flush()
    }

    /// The first piece's header, with the numbers of this file.
    fn file_header(&self, layout: &Layout) -> Vec<u8> {
        let mut bytes = self.header.clone();
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(std::mem::offset_of!(Header, e_shoff), &long(self.endian, layout.end.next_multiple_of(8)));
        let count = layout.headers.len() as u16;
        put(std::mem::offset_of!(Header, e_shnum), &short(self.endian, count));
        put(std::mem::offset_of!(Header, e_shstrndx), &short(self.endian, count - 1));
        bytes
    }
}

/// Puts the final number of a symbol into a relocation record.
fn renumber(endian: Endianness, record: &mut [u8; RELOC_SIZE], index_of: impl Fn(SymbolNumber) -> usize) {
    let at = if endian == Endianness::Little { 12 } else { 8 };
    let field: [u8; 4] = record[at..at + 4].try_into().expect("four bytes");
    let number =
        if endian == Endianness::Little { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) };
    record[at..at + 4].copy_from_slice(&word(endian, index_of(SymbolNumber(number)) as u32));
}

/// Where everything is in the file, and its section headers.
struct Layout {
    endian: Endianness,
    end: u64,
    names: Vec<u8>,
    headers: Vec<[u8; SECTION_SIZE as usize]>,
}

impl Layout {
    fn section(&mut self, section: &Section) {
        let Section { key, align, bytes, zeros, .. } = section;
        let link = key.link.map_or(0, |link| link as u32 + 1);
        let kind = [key.kind.into(), key.flags, *align, key.entry_size];
        if key.kind == elf::SHT_NOBITS.0 {
            self.add(&key.name, kind, (self.end, *zeros), [link, 0]);
        } else {
            self.header(&key.name, kind, bytes.len(), [link, 0]);
        }
    }

    /// Adds a section with contents, given type, flags, alignment and size of entries, and its link and info.
    fn header(&mut self, name: &[u8], kind: [u64; 4], size: u64, of: [u32; 2]) {
        let start = if size > 0 { self.end.next_multiple_of(kind[2]) } else { self.end };
        self.end = start + size;
        self.add(name, kind, (start, size), of);
    }

    fn add(
        &mut self,
        name: &[u8],
        [kind, flags, align, entry]: [u64; 4],
        (start, size): (u64, u64),
        of: [u32; 2],
    ) {
        let endian = self.endian;
        let mut bytes = Vec::with_capacity(SECTION_SIZE as usize);
        bytes.extend(word(endian, self.names.len() as u32));
        bytes.extend(word(endian, kind as u32));
        [flags, 0, start, size].into_iter().for_each(|value| bytes.extend(long(endian, value)));
        of.into_iter().for_each(|value| bytes.extend(word(endian, value)));
        [align, entry].into_iter().for_each(|value| bytes.extend(long(endian, value)));
        self.headers.push(bytes.try_into().expect("the size of a section header"));
        self.names.extend(name);
        self.names.push(0);
    }
}

/// Where the file is written.
struct Output<'a> {
    out: &'a mut dyn Write,
    position: u64,
}

impl Output<'_> {
    fn align(&mut self, align: u64) -> io::Result<()> {
        let padding = self.position.next_multiple_of(align) - self.position;
        self.write_all(&vec![0; padding as usize])
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Record {
    /// Whether it marks a place rather than an item.
    fn is_mark(&self) -> bool {
        self.info & 15 == elf::STT_NOTYPE.0
    }

    fn bytes(&self, name: u32, endian: Endianness) -> [u8; SYMBOL_SIZE] {
        let mut bytes = [0; SYMBOL_SIZE];
        bytes[..4].copy_from_slice(&word(endian, name));
        bytes[4..6].copy_from_slice(&[self.info, self.other]);
        bytes[6..8].copy_from_slice(&short(endian, self.section));
        bytes[8..16].copy_from_slice(&long(endian, self.value));
        bytes[16..].copy_from_slice(&long(endian, self.size));
        bytes
    }
}

fn class_of(linkage: Linkage) -> Class {
    match linkage {
        Linkage::Local => Class::Local,
        Linkage::Export | Linkage::Hidden | Linkage::Weak => Class::Global,
    }
}

fn is_routine(name: &[u8]) -> bool {
    LibCall::ALL.iter().any(|call| call.name().as_bytes() == name)
}

fn short(endian: Endianness, value: u16) -> [u8; 2] {
    if endian == Endianness::Little { value.to_le_bytes() } else { value.to_be_bytes() }
}

fn word(endian: Endianness, value: u32) -> [u8; 4] {
    if endian == Endianness::Little { value.to_le_bytes() } else { value.to_be_bytes() }
}

fn long(endian: Endianness, value: u64) -> [u8; 8] {
    if endian == Endianness::Little { value.to_le_bytes() } else { value.to_be_bytes() }
}
