//! Prints names and module items as text.
//!
//! Data is printed as strings, integers and addresses: `f32 0x1.0p0` comes out as `i32 0x3f800000`.

use super::*;
use std::fmt::{self, Display, Formatter};

/// The shortest run of zeros that is printed as `zero n`.
const ZERO_RUN: usize = 8;

impl Display for Name {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Name::User(namespace, index) => write!(f, "u{namespace}:{index}"),
            Name::UserRef(n) => write!(f, "userextname{n}"),
            Name::Text(text) if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                write!(f, "%{text}")
            }
            Name::Text(text) => write!(f, "%{}", Quoted(text.as_bytes())),
        }
    }
}

/// A text in quotes, with escapes.
pub(super) struct Quoted<'a>(pub &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str("\"")?;
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '"' | '\\' => write!(f, "\\{c}")?,
                    '\n' => f.write_str("\\n")?,
                    '\t' => f.write_str("\\t")?,
                    '\r' => f.write_str("\\r")?,
                    '\0'..' ' | '\x7f' => write!(f, "\\x{:02x}", c as u32)?,
                    _ => write!(f, "{c}")?,
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        f.write_str("\"")
    }
}

impl Display for SymbolItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{}symbol {}", self.linkage.prefix(), self.name)?;
        match (&self.link_name, self.address) {
            (Some(name), _) => write!(f, " = {}", Quoted(name.as_bytes())),
            (None, Some(address)) => write!(f, " = {address:#x}"),
            (None, None) => Ok(()),
        }
    }
}

impl Display for FileItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "file {} {}", self.number, Quoted(self.path.as_bytes()))?;
        match self.md5 {
            Some(md5) => write!(f, " md5 \"{:032x}\"", u128::from_be_bytes(md5)),
            None => Ok(()),
        }
    }
}

impl Display for LocItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "loc @{:04x} = {}:{}:{}", self.srcloc, self.file, self.line, self.column)
    }
}

impl Display for PersonalityItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "personality {}", self.name)
    }
}

impl Display for TagItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match &self.meaning {
            TagMeaning::Type(name) => write!(f, "tag {} = {name}", self.number),
            TagMeaning::Cleanup => write!(f, "tag {} = cleanup", self.number),
        }
    }
}

impl Display for DataItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{}{}", self.linkage.prefix(), self.kind.name())?;
        self.name.iter().try_for_each(|name| write!(f, " {name}"))?;
        if let Some(section) = &self.section {
            write!(f, " section {}", Quoted(section.as_bytes()))?;
        }
        write!(f, " align {}{} = ", self.align, self.group)?;
        let mut values = Values { f, any: false };
        let mut at = 0;
        let mut numbers = self.numbers.iter().peekable();
        let mut relocs = self.relocs.iter().peekable();
        loop {
            let next_reloc = relocs.peek().map_or(u64::MAX, |reloc| reloc.offset);
            if let Some(run) = numbers.next_if(|run| run.start < next_reloc) {
                let (start, end) = (run.start as usize, run.end as usize);
                values.bytes(&self.bytes[at..start])?;
                values.numbers(run.size, &self.bytes[start..end])?;
                at = end;
            } else if let Some(reloc) = relocs.next() {
                values.bytes(&self.bytes[at..reloc.offset as usize])?;
                let addend = if reloc.addend == 0 { String::new() } else { format!("{:+}", reloc.addend) };
                match (reloc.kind, &self.name) {
                    (FieldKind::Distance, Some(own)) => {
                        values.value(format_args!("i32 {}{addend} - {own}", reloc.name))?;
                    }
                    (FieldKind::Address | FieldKind::Distance, _) => {
                        values.value(format_args!("{}{addend}", reloc.name))?;
                    }
                }
                at = (reloc.offset + u64::from(reloc.kind.bytes())) as usize;
            } else {
                break;
            }
        }
        values.bytes(&self.bytes[at..])?;
        match self.size - self.bytes.len() as u64 {
            0 if values.any => Ok(()),
            zeros => values.value(format_args!("zero {zeros}")),
        }
    }
}

impl Display for Group {
    /// Prints it as the end of a header, with a space before it.
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Group::None => Ok(()),
            Group::Own => f.write_str(" comdat"),
            Group::Of(name) => write!(f, " comdat {name}"),
        }
    }
}

impl Display for AliasItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{}alias {} = {}", self.linkage.prefix(), self.name, self.target)
    }
}

impl Display for Module {
    /// Prints one item on each line.
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        self.types.items().iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.symbols.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.personality.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.tags.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.data.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.aliases.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.files.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.locs.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.source.fmt(f)
    }
}

/// Prints initial values, separated by commas.
struct Values<'a, 'b> {
    f: &'a mut Formatter<'b>,
    any: bool,
}

impl Values<'_, '_> {
    fn value(&mut self, text: fmt::Arguments) -> fmt::Result {
        self.f.write_str(if self.any { ", " } else { "" })?;
        self.any = true;
        self.f.write_fmt(text)
    }

    /// Prints numbers of `size` bytes each.
    fn numbers(&mut self, size: u32, bytes: &[u8]) -> fmt::Result {
        self.value(format_args!("i{}", 8 * size))?;
        bytes.chunks_exact(size as usize).try_for_each(|number| {
            let value = number.iter().rev().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
            write!(self.f, " {value:#x}")
        })
    }

    /// Prints bytes as strings, and long runs of zeros as `zero n`.
    fn bytes(&mut self, mut bytes: &[u8]) -> fmt::Result {
        while !bytes.is_empty() {
            let zeros = bytes.iter().position(|&b| b != 0).unwrap_or(bytes.len());
            if zeros >= ZERO_RUN {
                self.value(format_args!("zero {zeros}"))?;
                bytes = &bytes[zeros..];
                continue;
            }
            let run = bytes[zeros..].windows(ZERO_RUN).position(|window| window == [0; ZERO_RUN]);
            let (text, rest) = bytes.split_at(run.map_or(bytes.len(), |at| at + zeros));
            self.value(format_args!("{}", Quoted(text)))?;
            bytes = rest;
        }
        Ok(())
    }
}
