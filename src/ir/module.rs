//! A module: what a file holds besides functions. Plain data for whoever writes the object.

use super::Name;
use std::borrow::Cow;

/// How a symbol is seen by others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Linkage {
    /// Defined for others to use.
    #[default]
    Export,
    /// Seen in this file only.
    Local,
    /// Seen in the linked unit only.
    Hidden,
    /// Gives way to another definition; as an import, may be missing.
    Weak,
}

impl Linkage {
    const NAMES: [(&'static str, Linkage); 4] = [
        ("export", Linkage::Export),
        ("local", Linkage::Local),
        ("hidden", Linkage::Hidden),
        ("weak", Linkage::Weak),
    ];

    /// The linkage that `word` spells.
    pub fn parse(word: &[u8]) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| name.as_bytes() == word).map(|row| row.1)
    }

    /// Its text and a space; nothing for the default.
    pub fn prefix(self) -> &'static str {
        match self {
            Linkage::Export => "",
            Linkage::Local => "local ",
            Linkage::Hidden => "hidden ",
            Linkage::Weak => "weak ",
        }
    }
}

/// What a file says of a symbol: its name for the linker, and how it is imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SymbolItem {
    /// The name in CLIF text.
    pub name: Name,
    /// Its linkage: [`Weak`](Linkage::Weak) or [`Hidden`](Linkage::Hidden) as an import.
    pub linkage: Linkage,
    /// The name for the linker, if it is another.
    pub link_name: Option<Box<str>>,
    /// Where the source says so.
    pub offset: usize,
}

/// What kind of memory data is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataKind {
    /// Never written.
    Rodata,
    /// Written.
    Data,
    /// One for each thread.
    Tls,
}

impl DataKind {
    /// Its text.
    pub fn name(self) -> &'static str {
        match self {
            DataKind::Rodata => "rodata",
            DataKind::Data => "data",
            DataKind::Tls => "tls",
        }
    }
}

/// The address of a symbol within data: 8 bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataReloc {
    /// Byte offset in the data.
    pub offset: u64,
    /// The symbol.
    pub name: Name,
    /// What is added to its address.
    pub addend: i64,
}

/// Data with a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataItem {
    /// The name.
    pub name: Name,
    /// Where it stands in the text.
    pub offset: usize,
    /// How others see it.
    pub linkage: Linkage,
    /// What kind of memory it is in.
    pub kind: DataKind,
    /// The section, if not the usual one.
    pub section: Option<Box<str>>,
    /// The alignment: a power of two.
    pub align: u32,
    /// The first bytes; the rest up to `size` are zero. Empty if all are: then it needs no space in a file.
    pub bytes: Vec<u8>,
    /// How many bytes it is.
    pub size: u64,
    /// Runs of numbers of several bytes, in order; `bytes` has the least significant byte of each first.
    pub numbers: Vec<NumberRun>,
    /// Addresses in it, in order; the bytes there are zero.
    pub relocs: Vec<DataReloc>,
}

/// Numbers of one size in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumberRun {
    /// Where the first begins.
    pub start: u64,
    /// Where the last ends.
    pub end: u64,
    /// Bytes of each.
    pub size: u32,
}

impl DataItem {
    /// Its bytes as a machine has them.
    pub fn bytes_of(&self, big_endian: bool) -> Cow<'_, [u8]> {
        let mut bytes = Cow::Borrowed(&self.bytes[..]);
        for run in self.numbers.iter().filter(|_| big_endian) {
            let range = run.start as usize..run.end as usize;
            bytes.to_mut()[range].chunks_exact_mut(run.size as usize).for_each(<[u8]>::reverse);
        }
        bytes
    }

    /// Notes that a number of so many bytes was just appended.
    pub fn note_number(&mut self, size: u32) {
        let start = self.size - size as u64;
        match self.numbers.last_mut() {
            _ if size == 1 => {}
            Some(run) if run.end == start && run.size == size => run.end = self.size,
            _ => self.numbers.push(NumberRun { start, end: self.size, size }),
        }
    }

    /// Whether all of it is zero.
    pub fn is_zero(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// A source file of debug information.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileItem {
    /// Its number in [`LocItem`]s.
    pub number: u32,
    /// Its path.
    pub path: Box<str>,
}

/// What a source location `@1f` stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocItem {
    /// The number after `@`.
    pub srcloc: u32,
    /// The number of a file.
    pub file: u32,
    /// The line, from 1; 0 is none.
    pub line: u32,
    /// The column, from 1; 0 is none.
    pub column: u32,
}

/// All items of a module, in the order of the text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Module {
    /// Names and imports.
    pub symbols: Vec<SymbolItem>,
    /// Data.
    pub data: Vec<DataItem>,
    /// Source files.
    pub files: Vec<FileItem>,
    /// Source locations.
    pub locs: Vec<LocItem>,
}
