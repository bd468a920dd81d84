//! A module: what a file holds besides functions. Plain data for whoever writes the object.

use std::borrow::Cow;

use super::Name;

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

/// Numbers within data, one after another, each of several bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataNumbers {
    /// Byte offset of the first in the data.
    pub offset: u64,
    /// Bytes of each.
    pub size: u32,
    /// How many there are.
    pub count: u64,
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
    /// Which of the bytes are numbers, in order: here their least significant byte comes first; in memory it does where
    /// the target has it so.
    pub numbers: Vec<DataNumbers>,
    /// How many bytes it is.
    pub size: u64,
    /// Addresses in it, in order; the bytes there are zero.
    pub relocs: Vec<DataReloc>,
}

impl DataItem {
    /// Whether all of it is zero.
    pub fn is_zero(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first bytes as memory has them.
    pub fn memory(&self, big_endian: bool) -> Cow<'_, [u8]> {
        if !big_endian || self.numbers.is_empty() {
            return Cow::Borrowed(&self.bytes);
        }
        let mut bytes = self.bytes.clone();
        for numbers in &self.numbers {
            let (start, size) = (numbers.offset as usize, numbers.size as usize);
            let all = &mut bytes[start..][..size * numbers.count as usize];
            all.chunks_exact_mut(size).for_each(|number| number.reverse());
        }
        Cow::Owned(bytes)
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
