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
//! Unwind tables of ELF are printed as `.cfi_` directives. All other sections without code are printed as
//! data.

mod aarch64;
mod code;
mod data;
mod elf;
mod macho;
mod s390x;
mod x86_64;

use std::collections::HashMap;
use std::fmt::Display;

use object::{Architecture, RelocationFlags};

use super::decoder::{Syntax, decoder};
use crate::machine::compiled::CompiledStencil;
use crate::options::{Arch, Flags, Target};

/// A relocated field: an expression for the assembler is made from it.
struct Field {
    /// Offset in the section.
    at: u64,
    kind: RelocationFlags,
    /// The symbol's name, as the assembler takes it.
    symbol: String,
    /// The symbol whose address is subtracted.
    subtracted: Option<String>,
    /// Whether the object defines the symbol.
    is_defined: bool,
    addend: i64,
}

impl Field {
    /// The number of the relocation, in ELF.
    fn elf(&self) -> Option<object::elf::RelocationType> {
        match self.kind {
            RelocationFlags::Elf { r_type } => Some(r_type),
            _ => None,
        }
    }

    /// The number of the relocation, in Mach-O.
    fn macho(&self) -> Option<object::macho::RelocationType> {
        match self.kind {
            RelocationFlags::MachO { r_type, .. } => Some(r_type),
            _ => None,
        }
    }

    /// The error that instructions have no such relocation in assembly.
    fn unknown(&self) -> String {
        format!("assembly has no instruction with relocation {:?}", self.kind)
    }

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
    data: fn(RelocationFlags) -> Option<(&'static str, u64, bool)>,
    /// How the names of labels begin that are no symbols.
    label: &'static str,
    /// Whether directives enclose data in code.
    marks_data: bool,
}

/// A label that an instruction refers to.
struct Label {
    name: String,
    /// Offset in the section.
    at: u64,
}

/// Returns the language of a target, and what the disassembler calls its architecture.
fn dialect(target: &Target) -> (&'static Dialect, Architecture) {
    match (target.arch(), target.is_elf()) {
        (Arch::X86_64, true) => (&x86_64::DIALECT, Architecture::X86_64),
        (Arch::X86_64, false) => (&x86_64::MACH_O, Architecture::X86_64),
        (Arch::Aarch64, true) => (&aarch64::DIALECT, Architecture::Aarch64),
        (Arch::Aarch64, false) => (&aarch64::MACH_O, Architecture::Aarch64),
        (Arch::S390x, _) => (&s390x::DIALECT, Architecture::S390x),
    }
}

/// The address that an instruction, at an address and with this text, refers to by its distance.
pub(super) fn destination(arch: Arch, at: u64, bytes: &[u8], line: &str) -> Option<u64> {
    let (mnemonic, operands) = line.split_once(' ').unwrap_or((line, ""));
    let (mnemonic, operands) = (mnemonic.to_string(), operands.to_string());
    (dialect(&Target::of(arch)).0.destination)(&Inst { at, bytes: bytes.to_vec(), mnemonic, operands })
}

/// Why an object cannot be printed.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) message: String,
    /// The section that it is about, if it is one.
    pub(super) section: Option<String>,
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Refusal { message, section: None }
    }
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
) -> Result<String, Refusal> {
    let (dialect, architecture) = dialect(target);
    let functions = functions.iter().map(|named| (named.name.as_slice(), named.code)).collect();
    let mut printer = Printer {
        dialect,
        decoder: decoder(architecture, syntax)?,
        att: match (target.arch(), syntax) {
            (Arch::X86_64, Syntax::Intel) => Some(decoder(architecture, Syntax::Usual)?),
            _ => None,
        },
        big_endian: target.arch().is_big_endian(),
        signs_with_key_b: target.arch() == Arch::Aarch64 && flags.sign_return_address_with_bkey(),
        unwind: target.is_elf() && flags.unwind_info(),
        functions,
        labels: 0,
        out: (dialect.begin)(flags, syntax),
    };
    match target.is_elf() {
        true => elf::print(&mut printer, object)?,
        false => macho::print(&mut printer, object, target)?,
    }
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
    functions: HashMap<&'a [u8], &'a CompiledStencil>,
    /// The number of labels made so far.
    labels: usize,
    out: String,
}

/// A symbol of a section.
struct Place<'a> {
    name: &'a [u8],
    /// The name, as the assembler takes it.
    spelled: String,
    start: u64,
    end: u64,
    /// Directives about it, and its label.
    head: String,
    /// The directive at its end.
    tail: Option<String>,
}

/// What is in a section.
struct Body<'b> {
    bytes: &'b [u8],
    size: u64,
    align: u64,
    /// Whether it is all zeros and takes no space in the object.
    is_zero: bool,
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

    /// Prints what is in a section, whose symbols and fields are in the order of their offsets.
    fn section(&mut self, body: &Body<'_>, places: &[Place<'_>], fields: &[Field]) -> Result<(), String> {
        let Body { bytes, size, align, is_zero } = *body;
        let mut bounds: Vec<u64> = places.iter().flat_map(|place| [place.start, place.end]).collect();
        bounds.extend([0, size]);
        bounds.sort_unstable();
        bounds.dedup();
        let mut waiting = places.iter().peekable();
        let mut open: Vec<&Place<'_>> = Vec::new();
        for (number, &at) in bounds.iter().enumerate() {
            for place in open.extract_if(.., |place| place.end == at) {
                if let Some(tail) = &place.tail {
                    self.line_about(&[&place.spelled], std::slice::from_ref(tail));
                }
            }
            while let Some(place) = waiting.next_if(|place| place.start == at) {
                self.out.push_str(&place.head);
                open.extend((place.end > at).then_some(place));
            }
            let Some(&end) = bounds.get(number + 1) else { break };
            // A function that another symbol divides is printed as data.
            let is_whole = |place: &&&Place<'_>| place.start == at && place.end == end;
            let mut whole = open.iter().filter(is_whole);
            let function = whole.find_map(|place| self.functions.get(place.name));
            match function.copied() {
                Some(code) => self.function(code, bytes, (at, end), fields)?,
                None if is_zero => self.line(format_args!(".zero {}", end - at)),
                None if open.is_empty() && self.padding(bytes, (at, end), align) => {}
                None => self.data(bytes, (at, end), fields)?,
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

    /// Makes a new label.
    fn label(&mut self) -> String {
        self.labels += 1;
        format!("{}{}", self.dialect.label, self.labels)
    }
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
