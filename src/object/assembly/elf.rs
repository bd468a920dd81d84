//! Assembly for ELF: sections, symbols and relocations.

use std::collections::{HashMap, HashSet};

use object::elf::{self, SectionFlags, SectionHeader64, SectionType};
use object::read::elf::{ElfFile64, SectionHeader as _};
use object::read::{
    Object as _, ObjectComdat as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SectionIndex,
};
use object::{Endianness, SymbolSection};

use super::{Body, Field, Place, Printer, quoted, text};

/// Prints an object.
pub(super) fn print(printer: &mut Printer<'_>, object: &[u8]) -> Result<(), String> {
    let file = ElfFile64::<Endianness>::parse(object).map_err(text)?;
    let mut writer = Writer { printer, file: &file, ambiguous: ambiguous(&file) };
    writer.sections()?;
    writer.absolute();
    writer.undefined();
    Ok(())
}

/// An object that is being printed.
struct Writer<'p, 'q, 'a> {
    printer: &'p mut Printer<'q>,
    file: &'a ElfFile64<'a, Endianness>,
    /// Names that the object refers to and that a local symbol has too.
    ambiguous: HashSet<&'a [u8]>,
}

impl<'a> Writer<'_, '_, 'a> {
    fn sections(&mut self) -> Result<(), String> {
        let mut seen: HashMap<&[u8], u32> = HashMap::new();
        let groups = groups(self.file)?;
        for section in self.file.sections() {
            let header = section.elf_section_header();
            let kind = header.sh_type(self.file.endian());
            let name = section.name_bytes().map_err(text)?;
            let is_table = matches!(kind, elf::SHT_SYMTAB | elf::SHT_STRTAB | elf::SHT_RELA | elf::SHT_GROUP);
            if is_table || self.printer.unwind && name == b".eh_frame" {
                continue;
            }
            if let Some(words) = (name == b".comment").then(|| section.data().ok()).flatten().and_then(ident)
            {
                self.printer.line(format_args!(".ident \"{words}\""));
                continue;
            }
            let before = seen.entry(name).or_default();
            let group = groups.get(&section.index()).map(Vec::as_slice);
            let directive = directive(self.file, header, name, group, *before)?;
            *before += 1;
            self.printer.line(directive);
            let align = section.align().max(1);
            if align > 1 {
                self.printer.line(format_args!(".p2align {}", align.trailing_zeros()));
            }
            self.section(section.index(), kind == elf::SHT_NOBITS)?;
        }
        Ok(())
    }

    /// Prints what is in a section.
    fn section(&mut self, index: SectionIndex, is_zero: bool) -> Result<(), String> {
        let section = self.file.section_by_index(index).map_err(text)?;
        self.printer.out.push_str(&format!("{}:\n", section_label(index)));
        let bytes = section.data().map_err(text)?;
        let places = self.places(index)?;
        let mut fields = self.fields(index)?;
        fields.sort_by_key(|field| field.at);
        let body = Body { bytes, size: section.size(), align: section.align(), is_zero };
        self.printer.section(&body, &places, &fields)
    }

    /// The symbols of a section that are printed, by offset.
    fn places(&self, index: SectionIndex) -> Result<Vec<Place<'a>>, String> {
        let mut places = Vec::new();
        for symbol in self.file.symbols().filter(|symbol| symbol.section() == SymbolSection::Section(index)) {
            let name = symbol.name_bytes().map_err(text)?;
            let entry = symbol.elf_symbol();
            // Assemblers make symbols of sections and mapping symbols by themselves.
            if name.is_empty() || name.starts_with(b"$") || entry.st_type() == elf::STT_SECTION {
                continue;
            }
            let start = symbol.address();
            let spelled = self.spelled(name, symbol.is_local());
            let (head, tail) = (head(&spelled, entry), Some(format!(".size {spelled}, .-{spelled}")));
            places.push(Place { name, spelled, start, end: start + symbol.size(), head, tail });
        }
        places.sort_by_key(|place| (place.start, place.end));
        Ok(places)
    }

    /// The relocated fields of a section.
    fn fields(&self, index: SectionIndex) -> Result<Vec<Field>, String> {
        let section = self.file.section_by_index(index).map_err(text)?;
        let field = |(at, reloc): (u64, object::read::Relocation)| {
            let RelocationTarget::Symbol(symbol) = reloc.target() else {
                return Err("a relocation without a symbol".to_string());
            };
            let symbol = self.file.symbol_by_index(symbol).map_err(text)?;
            let name = symbol.name_bytes().map_err(text)?;
            let (name, is_defined) = match symbol.section() {
                SymbolSection::Section(index) if symbol.elf_symbol().st_type() == elf::STT_SECTION => {
                    (section_label(index), true)
                }
                SymbolSection::Section(_) => (self.spelled(name, symbol.is_local()), true),
                _ => (quoted(name), false),
            };
            Ok(Field {
                at,
                kind: reloc.flags(),
                symbol: name,
                subtracted: None,
                is_defined,
                addend: reloc.addend(),
            })
        };
        section.relocations().map(field).collect()
    }

    /// Prints the symbols that stand for addresses.
    fn absolute(&mut self) {
        for symbol in self.file.symbols().filter(|symbol| symbol.section() == SymbolSection::Absolute) {
            let entry = symbol.elf_symbol();
            if let (Ok(name), false) = (symbol.name_bytes(), entry.st_type() == elf::STT_FILE) {
                let name = self.spelled(name, entry.st_bind() == elf::STB_LOCAL);
                self.printer.out.push_str(&attributes(&name, entry));
                self.printer.line(format_args!(".set {name}, {:#x}", symbol.address()));
            }
        }
    }

    /// Prints the attributes of undefined symbols.
    fn undefined(&mut self) {
        for symbol in self.file.symbols().filter(|symbol| symbol.section() == SymbolSection::Undefined) {
            let entry = symbol.elf_symbol();
            let is_plain = entry.st_bind() == elf::STB_GLOBAL && entry.st_visibility() == elf::STV_DEFAULT;
            if let (Ok(name), false) = (symbol.name_bytes(), is_plain) {
                self.printer.out.push_str(&attributes(&quoted(name), entry));
            }
        }
    }

    /// A symbol's name as the assembler takes it. In assembly, a name stands for one symbol, so a local one
    /// gets another name if it must.
    fn spelled(&self, name: &[u8], is_local: bool) -> String {
        match is_local && self.ambiguous.contains(name) {
            true => quoted(&[name, b".local"].concat()),
            false => quoted(name),
        }
    }
}

/// The directives and the label that a symbol's definition begins with.
fn head(name: &str, entry: &elf::Sym64<Endianness>) -> String {
    let kind = match entry.st_type() {
        elf::STT_FUNC => "function",
        elf::STT_OBJECT => "object",
        elf::STT_TLS => "tls_object",
        _ => "notype",
    };
    format!("\n{}\t.type {name}, @{kind}\n{name}:\n", attributes(name, entry))
}

/// The directives for a symbol's binding and visibility.
fn attributes(name: &str, entry: &elf::Sym64<Endianness>) -> String {
    let bind = match entry.st_bind() {
        elf::STB_GLOBAL => format!("\t.globl {name}\n"),
        elf::STB_WEAK => format!("\t.weak {name}\n"),
        _ => String::new(),
    };
    let visibility = match entry.st_visibility() {
        elf::STV_HIDDEN => format!("\t.hidden {name}\n"),
        elf::STV_PROTECTED => format!("\t.protected {name}\n"),
        _ => String::new(),
    };
    bind + &visibility
}

/// Returns the names that both a local symbol and another symbol have.
fn ambiguous<'a>(file: &'a ElfFile64<'a, Endianness>) -> HashSet<&'a [u8]> {
    let named = |symbol: object::read::elf::ElfSymbol64<'a, 'a, Endianness>| symbol.name_bytes().ok();
    let others: HashSet<&[u8]> =
        file.symbols().filter(|symbol| !symbol.is_local()).filter_map(named).collect();
    let locals = file.symbols().filter(|symbol| symbol.is_local()).filter_map(named);
    locals.filter(|name| others.contains(name)).collect()
}

/// Returns the words of a section of remarks, if it has one remark of plain characters.
fn ident(section: &[u8]) -> Option<&str> {
    let words = std::str::from_utf8(section.strip_prefix(&[0])?.strip_suffix(&[0])?).ok()?;
    let is_plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    words.chars().all(is_plain).then_some(words)
}

/// The label at the beginning of a section, for references to the section.
fn section_label(index: SectionIndex) -> String {
    format!(".Lsection{}", index.0)
}

/// A section's name, in quotes where assemblers need them.
fn section_name(name: &[u8]) -> String {
    match String::from_utf8_lossy(name) {
        name if name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-$".contains(c)) => name.into_owned(),
        name => quoted(name.as_bytes()),
    }
}

/// Letters of section flags.
const LETTERS: [(SectionFlags, char); 9] = [
    (elf::SHF_ALLOC, 'a'),
    (elf::SHF_WRITE, 'w'),
    (elf::SHF_EXECINSTR, 'x'),
    (elf::SHF_TLS, 'T'),
    (elf::SHF_MERGE, 'M'),
    (elf::SHF_STRINGS, 'S'),
    (elf::SHF_GROUP, 'G'),
    (elf::SHF_LINK_ORDER, 'o'),
    (elf::SHF_EXCLUDE, 'e'),
];

/// Names of section types.
const TYPES: [(SectionType, &str); 6] = [
    (elf::SHT_PROGBITS, "progbits"),
    (elf::SHT_NOBITS, "nobits"),
    (elf::SHT_NOTE, "note"),
    (elf::SHT_INIT_ARRAY, "init_array"),
    (elf::SHT_FINI_ARRAY, "fini_array"),
    (elf::SHT_PREINIT_ARRAY, "preinit_array"),
];

/// Returns the names of the groups that sections are in.
fn groups(file: &ElfFile64<'_, Endianness>) -> Result<HashMap<SectionIndex, Vec<u8>>, String> {
    let mut groups = HashMap::new();
    for group in file.comdats() {
        let name = group.name_bytes().map_err(text)?;
        groups.extend(group.sections().map(|section| (section, name.to_vec())));
    }
    Ok(groups)
}

/// Returns the directive that begins a section, whose group has this name. `before` is the number of sections
/// of its name so far.
fn directive(
    file: &ElfFile64<'_, Endianness>,
    header: &SectionHeader64<Endianness>,
    name: &[u8],
    group: Option<&[u8]>,
    before: u32,
) -> Result<String, String> {
    let flags = header.sh_flags(file.endian());
    let letters: String =
        LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, letter)| *letter).collect();
    let kind = header.sh_type(file.endian());
    let kind = match TYPES.iter().find(|(known, _)| *known == kind) {
        Some((_, name)) => (*name).to_string(),
        None => format!("{:#x}", kind.0),
    };
    let mut line = format!(".section {},\"{letters}\",@{kind}", section_name(name));
    if flags.contains(elf::SHF_MERGE) {
        line += &format!(",{}", header.sh_entsize(file.endian()));
    }
    if let Some(group) = group {
        line += &format!(",{},comdat", quoted(group));
    }
    if flags.contains(elf::SHF_LINK_ORDER) {
        line += &format!(",{}", section_label(SectionIndex(header.sh_link(file.endian()) as usize)));
    } else if before > 0 {
        line += &format!(",unique,{before}");
    }
    Ok(line)
}
