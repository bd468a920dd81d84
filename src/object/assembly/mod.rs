//! Assembly: prints an object as text that GNU as and LLVM's assembler make the same object of.
//!
//! The text is made from the bytes of the finished object, so that whatever the writer decides about
//! sections, symbols and relocations is in it without being decided again. What bytes don't tell comes from
//! the compiled functions: where instructions end and constants begin, how the frame changes, what can trap.
//!
//! Capstone prints instructions. Their text determines their bytes except for distances, which become labels
//! or symbols here, and a few encodings that assemblers would choose otherwise, for which they have a prefix.
//! What differs between targets is in a [`Dialect`] each.
//!
//! Unwind tables are printed as `.cfi_` directives. All other sections without code are printed as data.

mod aarch64;
mod code;
mod data;
mod s390x;
mod x86_64;

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use object::elf::{self, SectionFlags, SectionHeader64, SectionType};
use object::read::elf::{ElfFile64, SectionHeader as _};
use object::read::{
    Object as _, ObjectComdat as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SectionIndex,
};
use object::{Endianness, RelocationFlags, SymbolSection};

use super::decoder::{Syntax, decoder};
use crate::machine::compiled::CompiledStencil;
use crate::options::{Arch, Flags, Target};

/// A relocated field: an expression for the assembler is made from it.
struct Field {
    /// Offset in the section.
    at: u64,
    kind: elf::RelocationType,
    /// The symbol's name, as the assembler takes it.
    symbol: String,
    /// Whether the object defines the symbol.
    is_defined: bool,
    addend: i64,
}

impl Field {
    /// The symbol with a suffix such as `@PLT`, plus an offset.
    fn expression(&self, suffix: &str, offset: i64) -> String {
        match offset {
            0 => format!("{}{suffix}", self.symbol),
            _ => format!("{}{suffix}{offset:+}", self.symbol),
        }
    }
}

/// An instruction, as the disassembler prints it.
struct Inst {
    /// Offset in the section.
    at: u64,
    bytes: Vec<u8>,
    mnemonic: String,
    operands: String,
}

impl Inst {
    /// Offset in the section of the next instruction.
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }

    /// The line without changes.
    fn line(&self) -> String {
        format!("{} {}", self.mnemonic, self.operands).trim_end().to_string()
    }

    /// The line with another last operand.
    fn with_last(&self, operand: &str) -> String {
        match self.operands.rsplit_once(", ") {
            Some((before, _)) => format!("{} {before}, {operand}", self.mnemonic),
            None => format!("{} {operand}", self.mnemonic),
        }
    }
}

/// Makes the lines of an instruction.
type Lines = fn(&Inst, &[Field], Option<Label>) -> Result<Vec<String>, String>;

/// The assembly language of a target.
struct Dialect {
    /// What comments begin with.
    comment: &'static str,
    /// Returns the directives that the file begins with.
    begin: fn(&Flags, Syntax) -> String,
    /// Returns the length of the instruction at the start of these bytes, which are not empty, if the
    /// disassembler does not know it.
    length: fn(&[u8]) -> usize,
    /// Returns the offset in the section that an instruction refers to by its distance.
    destination: fn(&Inst) -> Option<u64>,
    /// Returns the lines of an instruction, given its relocated fields and the label it refers to.
    lines: Lines,
    /// Returns the suffix of the symbol and the size in bytes of a relocated field of data, and whether it is
    /// a distance.
    data: fn(elf::RelocationType) -> Option<(&'static str, u64, bool)>,
}

/// A label that an instruction refers to.
struct Label {
    name: String,
    /// Offset in the section.
    at: u64,
}

/// Returns the language of a target.
fn dialect(arch: Arch) -> &'static Dialect {
    match arch {
        Arch::X86_64 => &x86_64::DIALECT,
        Arch::Aarch64 => &aarch64::DIALECT,
        Arch::S390x => &s390x::DIALECT,
    }
}

/// The address that an instruction, at an address and with this text, refers to by its distance.
pub(super) fn destination(arch: Arch, at: u64, bytes: &[u8], line: &str) -> Option<u64> {
    let (mnemonic, operands) = line.split_once(' ').unwrap_or((line, ""));
    let (mnemonic, operands) = (mnemonic.to_string(), operands.to_string());
    (dialect(arch).destination)(&Inst { at, bytes: bytes.to_vec(), mnemonic, operands })
}

/// A function of the object: the name of its symbol, and its code.
pub(super) struct Named<'a> {
    pub(super) name: Vec<u8>,
    pub(super) code: &'a CompiledStencil,
}

/// Prints an object that has these functions.
pub(super) fn print(
    object: &[u8],
    functions: &[Named<'_>],
    target: &Target,
    flags: &Flags,
    syntax: Syntax,
) -> Result<String, String> {
    if !target.is_elf() {
        return Err("assembly is written for ELF targets only; --emit listing works for all".into());
    }
    let file = ElfFile64::<Endianness>::parse(object).map_err(|error| error.to_string())?;
    let functions = functions.iter().map(|named| (named.name.as_slice(), named.code)).collect();
    let mut printer = Printer {
        dialect: dialect(target.arch()),
        decoder: decoder(file.architecture(), syntax)?,
        att: match (target.arch(), syntax) {
            (Arch::X86_64, Syntax::Intel) => Some(decoder(file.architecture(), Syntax::Usual)?),
            _ => None,
        },
        big_endian: target.arch().is_big_endian(),
        signs_with_key_b: target.arch() == Arch::Aarch64 && flags.sign_return_address_with_bkey(),
        unwind: flags.unwind_info(),
        file: &file,
        functions,
        ambiguous: ambiguous(&file),
        labels: 0,
        out: (dialect(target.arch()).begin)(flags, syntax),
    };
    printer.sections()?;
    printer.absolute();
    printer.undefined();
    Ok(printer.out)
}

/// An object that is being printed.
struct Printer<'a> {
    dialect: &'static Dialect,
    decoder: capstone::Capstone,
    /// In Intel syntax, the disassembler for lines in AT&T's: those with names that Intel syntax reserves.
    att: Option<capstone::Capstone>,
    big_endian: bool,
    signs_with_key_b: bool,
    /// Whether functions have unwind tables.
    unwind: bool,
    file: &'a ElfFile64<'a, Endianness>,
    functions: HashMap<&'a [u8], &'a CompiledStencil>,
    /// Names that the object refers to and that a local symbol has too.
    ambiguous: HashSet<&'a [u8]>,
    /// The number of labels made so far.
    labels: usize,
    out: String,
}

/// A symbol of a section.
struct SectionSymbol<'a> {
    name: &'a [u8],
    /// The name, as the assembler takes it.
    spelled: String,
    start: u64,
    end: u64,
    entry: elf::Sym64<Endianness>,
}

fn text(error: impl Display) -> String {
    error.to_string()
}

impl<'a> Printer<'a> {
    fn line(&mut self, line: impl Display) {
        self.out.push_str(&format!("\t{line}\n"));
    }

    /// Writes lines that refer to symbols, in a syntax that takes their names.
    fn line_about(&mut self, symbols: &[&str], lines: &[String]) {
        let switches = self.att.is_some() && symbols.iter().any(|symbol| x86_64::is_reserved(symbol));
        if switches {
            self.line(".att_syntax prefix");
        }
        lines.iter().for_each(|line| self.line(line));
        if switches {
            self.line(".intel_syntax noprefix");
        }
    }

    fn sections(&mut self) -> Result<(), String> {
        let mut seen: HashMap<&[u8], u32> = HashMap::new();
        let groups = groups(self.file)?;
        for section in self.file.sections() {
            let header = section.elf_section_header();
            let kind = header.sh_type(self.file.endian());
            let name = section.name_bytes().map_err(text)?;
            let is_table = matches!(kind, elf::SHT_SYMTAB | elf::SHT_STRTAB | elf::SHT_RELA | elf::SHT_GROUP);
            if is_table || self.unwind && name == b".eh_frame" {
                continue;
            }
            if let Some(words) = (name == b".comment").then(|| section.data().ok()).flatten().and_then(ident)
            {
                self.line(format_args!(".ident \"{words}\""));
                continue;
            }
            let before = seen.entry(name).or_default();
            let group = groups.get(&section.index()).map(Vec::as_slice);
            let directive = directive(self.file, header, name, group, *before)?;
            *before += 1;
            self.line(directive);
            let align = section.align().max(1);
            if align > 1 {
                self.line(format_args!(".p2align {}", align.trailing_zeros()));
            }
            self.section(section.index(), kind == elf::SHT_NOBITS)?;
        }
        Ok(())
    }

    /// Prints what is in a section.
    fn section(&mut self, index: SectionIndex, is_zero: bool) -> Result<(), String> {
        let section = self.file.section_by_index(index).map_err(text)?;
        self.out.push_str(&format!("{}:\n", section_label(index)));
        let bytes = section.data().map_err(text)?;
        let size = section.size();
        let places = self.places(index)?;
        let mut fields = self.fields(index)?;
        fields.sort_by_key(|field| field.at);
        let mut bounds: Vec<u64> = places.iter().flat_map(|place| [place.start, place.end]).collect();
        bounds.extend([0, size]);
        bounds.sort_unstable();
        bounds.dedup();
        let mut waiting = places.iter().peekable();
        let mut open: Vec<&SectionSymbol<'_>> = Vec::new();
        for (number, &at) in bounds.iter().enumerate() {
            for place in open.extract_if(.., |place| place.end == at) {
                let line = format!(".size {0}, .-{0}", place.spelled);
                self.line_about(&[&place.spelled], &[line]);
            }
            while let Some(place) = waiting.next_if(|place| place.start == at) {
                self.declare(place);
                open.extend((place.end > at).then_some(place));
            }
            let Some(&end) = bounds.get(number + 1) else { break };
            // A function that another symbol divides is printed as data.
            let is_whole = |place: &&&SectionSymbol<'_>| place.start == at && place.end == end;
            let mut whole = open.iter().filter(is_whole);
            let function = whole.find_map(|place| self.functions.get(place.name));
            match function.copied() {
                Some(code) => self.function(code, bytes, (at, end), &fields)?,
                None if is_zero => self.line(format_args!(".zero {}", end - at)),
                None if open.is_empty() && self.padding(bytes, (at, end), section.align()) => {}
                None => self.data(bytes, (at, end), &fields)?,
            }
        }
        Ok(())
    }

    /// Prints the bytes between two definitions as alignment, if they are that.
    fn padding(&mut self, bytes: &[u8], (at, end): (u64, u64), align: u64) -> bool {
        let gap = &bytes[at as usize..end as usize];
        let is_last = end == bytes.len() as u64;
        let powers = (1..=align.max(1).trailing_zeros()).find(|power| at.next_multiple_of(1 << power) == end);
        match (gap.first(), powers) {
            // LLVM aligns code by instructions if it is to be filled with zeros.
            (Some(fill), Some(power)) if !is_last && *fill != 0 && gap.iter().all(|byte| byte == fill) => {
                self.line(format_args!(".p2align {power}, {fill:#x}"));
                true
            }
            _ => false,
        }
    }

    /// The symbols of a section that are printed, by offset.
    fn places(&self, index: SectionIndex) -> Result<Vec<SectionSymbol<'a>>, String> {
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
            places.push(SectionSymbol { name, spelled, start, end: start + symbol.size(), entry: *entry });
        }
        places.sort_by_key(|place| (place.start, place.end));
        Ok(places)
    }

    /// The relocated fields of a section.
    fn fields(&self, index: SectionIndex) -> Result<Vec<Field>, String> {
        let section = self.file.section_by_index(index).map_err(text)?;
        let field = |(at, reloc): (u64, object::read::Relocation)| {
            let RelocationFlags::Elf { r_type: kind } = reloc.flags() else {
                return Err("a relocation of another format".to_string());
            };
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
            Ok(Field { at, kind, symbol: name, is_defined, addend: reloc.addend() })
        };
        section.relocations().map(field).collect()
    }

    /// Prints a symbol's attributes and its label.
    fn declare(&mut self, place: &SectionSymbol<'_>) {
        let name = place.spelled.clone();
        self.out.push('\n');
        self.attributes(&name, place.entry.st_bind(), place.entry.st_visibility());
        let kind = match place.entry.st_type() {
            elf::STT_FUNC => "function",
            elf::STT_OBJECT => "object",
            elf::STT_TLS => "tls_object",
            _ => "notype",
        };
        self.line(format_args!(".type {name}, @{kind}"));
        self.out.push_str(&format!("{name}:\n"));
    }

    fn attributes(&mut self, name: &str, bind: elf::SymbolBind, visibility: elf::SymbolVisibility) {
        match bind {
            elf::STB_GLOBAL => self.line(format_args!(".globl {name}")),
            elf::STB_WEAK => self.line(format_args!(".weak {name}")),
            _ => {}
        }
        match visibility {
            elf::STV_HIDDEN => self.line(format_args!(".hidden {name}")),
            elf::STV_PROTECTED => self.line(format_args!(".protected {name}")),
            _ => {}
        }
    }

    /// Prints the symbols that stand for addresses.
    fn absolute(&mut self) {
        for symbol in self.file.symbols().filter(|symbol| symbol.section() == SymbolSection::Absolute) {
            let entry = symbol.elf_symbol();
            if let (Ok(name), false) = (symbol.name_bytes(), entry.st_type() == elf::STT_FILE) {
                let name = self.spelled(name, entry.st_bind() == elf::STB_LOCAL);
                self.attributes(&name, entry.st_bind(), entry.st_visibility());
                self.line(format_args!(".set {name}, {:#x}", symbol.address()));
            }
        }
    }

    /// Prints the attributes of undefined symbols.
    fn undefined(&mut self) {
        for symbol in self.file.symbols().filter(|symbol| symbol.section() == SymbolSection::Undefined) {
            let entry = symbol.elf_symbol();
            let is_plain = entry.st_bind() == elf::STB_GLOBAL && entry.st_visibility() == elf::STV_DEFAULT;
            if let (Ok(name), false) = (symbol.name_bytes(), is_plain) {
                self.attributes(&quoted(name), entry.st_bind(), entry.st_visibility());
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

    /// Makes a new label.
    fn label(&mut self) -> String {
        self.labels += 1;
        format!(".L{}", self.labels)
    }
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

/// A symbol's name, in quotes where assemblers need them.
fn quoted(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
    match name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit() || c == '$') {
        true => name.into_owned(),
        false => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_quoted() {
        assert_eq!(quoted(b"a.b_1$x"), "a.b_1$x");
        assert_eq!(quoted(b"$x"), "\"$x\"");
        assert_eq!(quoted(b"a b\"\\"), "\"a b\\\"\\\\\"");
        assert_eq!(quoted("é".as_bytes()), "\"é\"");
    }
}
