//! Disassembly: lists the code of an object, with the relocations and trap sites of each instruction beside
//! it.
//!
//! In a relocatable file, addresses are offsets in the function, so that the listing of a function does not
//! depend on what comes before it. A linked file has no relocations any more: its listing has the addresses
//! of the program, and beside an instruction what is at the address that it refers to (`Names`).

mod frames;
mod json;
mod linked;
mod trap_sites;

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, Write};

use capstone::{Capstone, Insn};
use object::read::{File, Object as _, ObjectSection as _, ObjectSymbol as _, ObjectSymbolTable as _};
use object::read::{Relocation, RelocationTarget, Section};
use object::{FileKind, RelocationFlags, SectionKind, SymbolKind, elf, macho};

pub use super::decoder::Syntax;
use super::decoder::decoder;
use crate::machine::compiled::TrapSite;
pub use json::json;
use linked::Names;
use trap_sites::Traps;

/// What a listing shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// The bytes and the text of instructions.
    Bytes,
    /// Only the text of instructions.
    Text,
}

/// Lines of source text by the symbol of a function, each with the offset in the function where it begins.
pub type SourceLines = HashMap<String, Vec<(u32, String)>>;

/// Writes the listing of an object. An error of the kind `InvalidData` means that the object is malformed.
pub fn disassemble(bytes: &[u8], style: Style, out: &mut impl Write) -> io::Result<()> {
    disassemble_with(bytes, style, &SourceLines::new(), out)
}

/// Like [`disassemble`], with lines of source text above the instructions that were made from them.
pub fn disassemble_with(
    bytes: &[u8],
    style: Style,
    sources: &SourceLines,
    out: &mut impl Write,
) -> io::Result<()> {
    let file = parse(bytes)?;
    let decoder = decoder(file.architecture(), Syntax::Usual).map_err(malformed)?;
    let traps = Traps::read(&file)?;
    let names = Names::read(&file);
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        let name = section.name().map_err(malformed)?;
        writeln!(out, "section {name}:")?;
        let relocs = section_relocs(&file, &section);
        let code = section.data().map_err(malformed)?;
        for function in functions(&file, &section, code.len() as u64)? {
            let listing = Listing {
                code: &code[function.start as usize..function.end as usize],
                address: names.as_ref().map_or(0, |_| section.address() + function.start),
                names: names.as_ref(),
                traps: traps.of(section.index(), section.address() + function.start),
                relocs: within(&relocs, &function),
                sources: function.names.iter().find_map(|name| sources.get(*name)).map_or(&[], Vec::as_slice),
                function,
            };
            listing.write(&decoder, style, out)?;
        }
    }
    Ok(())
}

fn malformed(error: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

/// Parses an object.
fn parse(bytes: &[u8]) -> io::Result<File<'_>> {
    if bytes.starts_with(b"!<arch>\n") {
        return Err(malformed("an archive: extract its members, for example by `ar x`"));
    }
    match FileKind::parse(bytes) {
        Ok(_) => File::parse(bytes).map_err(malformed),
        Err(_) => Err(malformed("not an object file")),
    }
}

/// Part of a section: a function, or code without a symbol.
struct Function<'a> {
    names: Vec<&'a str>,
    /// Offset of its first byte in the section.
    start: u64,
    /// Offset behind its last byte.
    end: u64,
}

/// The functions of a section by offset, without overlaps. One without a size extends to the next; code in a
/// section without symbols is a function without a name.
fn functions<'a>(file: &File<'a>, section: &Section<'a, '_>, len: u64) -> io::Result<Vec<Function<'a>>> {
    let mut starts: Vec<(u64, u64, &str)> = Vec::new();
    for symbol in file.symbols() {
        if symbol.section_index() != Some(section.index()) || symbol.kind() != SymbolKind::Text {
            continue;
        }
        let start = symbol.address().wrapping_sub(section.address());
        if start < len {
            let end = start.saturating_add(symbol.size()).min(len);
            starts.push((start, end, symbol.name().map_err(malformed)?));
        }
    }
    starts.sort_unstable();
    let mut functions: Vec<Function<'_>> = Vec::with_capacity(starts.len());
    for &(start, end, name) in &starts {
        match functions.last_mut() {
            Some(last) if last.start == start => {
                last.names.push(name);
                last.end = last.end.max(end);
            }
            _ => functions.push(Function { names: vec![name], start, end }),
        }
    }
    let nexts: Vec<u64> = functions.iter().skip(1).map(|next| next.start).chain([len]).collect();
    for (function, next) in functions.iter_mut().zip(nexts) {
        if function.end == function.start || function.end > next {
            function.end = next;
        }
    }
    if functions.is_empty() && len > 0 {
        functions.push(Function { names: Vec::new(), start: 0, end: len });
    }
    Ok(functions)
}

/// A relocation.
struct RelocAt {
    /// Offset in the section.
    at: u64,
    /// The kind, as the format calls it.
    kind: String,
    symbol: String,
    addend: i64,
}

impl Display for RelocAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.symbol)?;
        if self.addend != 0 { write!(f, "{:+}", self.addend) } else { Ok(()) }
    }
}

/// The relocations of a section, sorted by offset.
fn section_relocs(file: &File<'_>, section: &Section<'_, '_>) -> Vec<RelocAt> {
    let mut relocs: Vec<_> = section.relocations().map(|(at, reloc)| reloc_at(file, at, &reloc)).collect();
    relocs.sort_by_key(|reloc| reloc.at);
    relocs
}

fn reloc_at(file: &File<'_>, at: u64, reloc: &Relocation) -> RelocAt {
    let kind = match (reloc.flags(), file) {
        (RelocationFlags::Elf { r_type }, File::Elf64(elf)) => {
            let machine = elf.elf_header().e_machine.get(elf.endian());
            elf::machine_names(machine).r.name(r_type)
        }
        (RelocationFlags::MachO { r_type, .. }, File::MachO64(file)) => {
            macho::machine_names(file.macho_header().cputype.get(file.endian())).reloc.name(r_type)
        }
        _ => None,
    };
    let kind = kind.map_or_else(|| format!("{:?}", reloc.flags()), |name| short(name).to_ascii_lowercase());
    let symbol = match reloc.target() {
        RelocationTarget::Symbol(index) => symbol_name(file, index),
        _ => String::new(),
    };
    RelocAt { at, kind, symbol, addend: reloc.addend() }
}

/// The name of a relocation without the prefix of its format and target.
fn short(name: &str) -> &str {
    let prefixes = ["R_X86_64_", "R_AARCH64_", "R_390_", "X86_64_RELOC_", "ARM64_RELOC_"];
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

fn symbol_name(file: &File<'_>, index: object::SymbolIndex) -> String {
    let Some(symbol) = file.symbol_table().and_then(|table| table.symbol_by_index(index).ok()) else {
        return "?".into();
    };
    let section = || file.section_by_index(symbol.section_index()?).ok()?.name().ok().map(str::to_string);
    match symbol.name() {
        Ok(name) if !name.is_empty() => name.into(),
        _ => section().unwrap_or_else(|| "?".into()),
    }
}

/// The relocations, sorted by offset, that lie in a function.
fn within<'l>(relocs: &'l [RelocAt], function: &Function<'_>) -> &'l [RelocAt] {
    let from = relocs.partition_point(|reloc| reloc.at < function.start);
    let to = relocs.partition_point(|reloc| reloc.at < function.end);
    &relocs[from..to.max(from)]
}

/// The code of a function with its annotations.
struct Listing<'l, 'a> {
    function: Function<'a>,
    code: &'l [u8],
    /// The address to print of the first instruction.
    address: u64,
    /// Of a linked file.
    names: Option<&'l Names<'a>>,
    relocs: &'l [RelocAt],
    traps: &'l [TrapSite],
    sources: &'l [(u32, String)],
}

impl Listing<'_, '_> {
    fn write(&self, decoder: &Capstone, style: Style, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{}: ({} bytes)", self.function.names.join(", "), self.code.len())?;
        let mut insns = decoder.disasm_iter(self.code, self.address).map_err(malformed)?;
        let (mut relocs, mut traps, mut sources) = (self.relocs, self.traps, self.sources);
        let mut references = self.names.map(Names::references);
        while let Some(insn) = insns.next() {
            let end = insn.address() - self.address + insn.len() as u64;
            for (_, line) in take_while(&mut sources, |(at, _)| u64::from(*at) < end) {
                writeln!(out, "{line}")?;
            }
            let relocs = take_while(&mut relocs, |reloc| reloc.at < self.function.start + end);
            let traps = take_while(&mut traps, |site| u64::from(site.offset) < end);
            let reference = references.as_mut().and_then(|references| references.of(&insn));
            let notes = relocs.iter().map(RelocAt::to_string).chain(reference);
            let notes: Vec<String> = notes.chain(traps.iter().map(trap_note)).collect();
            write_insn(&insn, style, &notes, out)?;
        }
        Ok(())
    }
}

/// Splits off the items at the start of a list that pass a test.
fn take_while<'l, T>(list: &mut &'l [T], test: impl Fn(&T) -> bool) -> &'l [T] {
    let (taken, rest) = list.split_at(list.partition_point(test));
    *list = rest;
    taken
}

/// Writes the line of an instruction: offset or address, bytes, text, and notes. The bytes
/// of a long instruction continue on further lines.
fn write_insn(insn: &Insn<'_>, style: Style, notes: &[String], out: &mut impl Write) -> io::Result<()> {
    const BYTES_IN_LINE: usize = 8;
    let mut lines = insn.bytes().chunks(BYTES_IN_LINE).map(hex);
    let text = text_of(insn);
    let first = lines.next().unwrap_or_default();
    let mut line = match style {
        Style::Bytes => format!("{:6x}: {first:<24}{}", insn.address(), text),
        Style::Text => format!("{:6x}: {}", insn.address(), text),
    };
    let notes_at = if style == Style::Bytes { 64 } else { 40 };
    for note in notes {
        let pad = if line.contains(" ; ") { 0 } else { usize::saturating_sub(notes_at, line.len()) };
        line.push_str(&format!("{:pad$} ; {note}", ""));
    }
    writeln!(out, "{line}")?;
    if style == Style::Text {
        return Ok(());
    }
    let mut at = insn.address();
    for bytes in lines {
        at += BYTES_IN_LINE as u64;
        writeln!(out, "{at:6x}: {bytes}")?;
    }
    Ok(())
}

/// The mnemonic and the operands.
fn text_of(insn: &Insn<'_>) -> String {
    let text = [insn.mnemonic().unwrap_or_default(), insn.op_str().unwrap_or_default()].join(" ");
    text.trim_end().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}

fn trap_note(site: &TrapSite) -> String {
    format!("trap {}", site.code)
}
