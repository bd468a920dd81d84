//! A module: the items of a file besides its functions, for the object writer.

use super::{Name, SourceItems, StructTypes};
use std::borrow::Cow;
use std::sync::Arc;

/// The visibility of a symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Linkage {
    /// Visible to other objects and to programs that load this one.
    #[default]
    Export,
    /// Visible in this file only.
    Local,
    /// Visible in the linked unit only.
    Hidden,
    /// As a definition, gives way to another one; as an import, may stay undefined.
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

    /// The word and a space; nothing for the default.
    pub fn prefix(self) -> &'static str {
        match self {
            Linkage::Export => "",
            Linkage::Local => "local ",
            Linkage::Hidden => "hidden ",
            Linkage::Weak => "weak ",
        }
    }
}

/// A `symbol` item: the linker's name for a symbol, and how it is imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SymbolItem {
    /// The name in CLIF text.
    pub name: Name,
    /// The linkage; as an import, [`Weak`](Linkage::Weak) or [`Hidden`](Linkage::Hidden).
    pub linkage: Linkage,
    /// The linker's name, if it differs.
    pub link_name: Option<Box<str>>,
    /// The address, if it is known when the file is compiled.
    pub address: Option<u64>,
    /// Byte offset of the item in the file.
    pub offset: usize,
}

/// The kind of memory that data is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataKind {
    /// Read-only.
    Rodata,
    /// Writable.
    Data,
    /// Thread-local: an instance for each thread.
    Tls,
}

impl DataKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            DataKind::Rodata => "rodata",
            DataKind::Data => "data",
            DataKind::Tls => "tls",
        }
    }
}

/// A field of data that depends on where a symbol is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldKind {
    /// The symbol's address, in 8 bytes.
    Address,
    /// The distance to the symbol from the beginning of the data item, in 4 bytes.
    Distance,
}

impl FieldKind {
    /// Size of the field in bytes.
    pub fn bytes(self) -> u32 {
        match self {
            FieldKind::Address => 8,
            FieldKind::Distance => 4,
        }
    }
}

/// The address of a symbol in data, or the distance to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataReloc {
    /// Byte offset in the data.
    pub offset: u64,
    /// What the field has.
    pub kind: FieldKind,
    /// The name of the symbol.
    pub name: Name,
    /// The addend.
    pub addend: i64,
}

/// The group of a function or data item, `comdat`. Of the groups of one name, linkers keep one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Group {
    /// It is in no group.
    #[default]
    None,
    /// A group that has its own name.
    Own,
    /// The group of this name, which is that of another item.
    Of(Name),
}

/// What the text of a function asks of the inliner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Inlining {
    /// Nothing: small functions are inlined, and local ones that are called once.
    #[default]
    Usual,
    /// `inline`: large ones too.
    Wanted,
    /// `noinline`: calls stay calls.
    Never,
    /// `cold`: calls stay calls, and the code is out of the way of other code.
    Cold,
}

impl Inlining {
    /// The words that ask for something, and what for.
    pub const WORDS: [(&'static str, Inlining); 3] =
        [("inline", Inlining::Wanted), ("noinline", Inlining::Never), ("cold", Inlining::Cold)];

    /// What a word asks for, if it is such a word.
    pub fn parse(word: &[u8]) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| known.as_bytes() == word).map(|(_, inlining)| *inlining)
    }

    /// The word for this; `None` for nothing.
    pub fn word(self) -> Option<&'static str> {
        Self::WORDS.iter().find(|(_, inlining)| *inlining == self).map(|(word, _)| *word)
    }
}

/// Where a function goes in the object, as its text says, and what it asks of the inliner.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placement<'a> {
    /// Linkage of the function.
    pub linkage: Linkage,
    /// Section, if the text names one.
    pub section: Option<&'a str>,
    /// Alignment in bytes, if the text asks for one.
    pub align: Option<u32>,
    /// Group, if the text speaks of one.
    pub group: Option<&'a Group>,
    /// What it asks of the inliner.
    pub inlining: Inlining,
}

/// An `alias` item: a further name for what the file defines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AliasItem {
    /// The name.
    pub name: Name,
    /// The linkage of the name.
    pub linkage: Linkage,
    /// The name of what it stands for.
    pub target: Name,
    /// Byte offset of the item in the file.
    pub offset: usize,
}

/// A data item: `rodata`, `data` or `tls`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataItem {
    /// The name; without one, the object has no symbol for the data.
    pub name: Option<Name>,
    /// Byte offset of the item in the file.
    pub offset: usize,
    /// The linkage.
    pub linkage: Linkage,
    /// The kind of memory.
    pub kind: DataKind,
    /// The section, if it isn't the default one.
    pub section: Option<Box<str>>,
    /// The name of its group, if it is in one: see [`Group`].
    pub group: Group,
    /// The alignment, a power of two.
    pub align: u32,
    /// The initial bytes; zeros follow up to `size`. Empty for data that is all zeros and takes no space in
    /// the object.
    pub bytes: Vec<u8>,
    /// Size in bytes.
    pub size: u64,
    /// Runs of numbers of more than one byte, in order. `bytes` has them in little-endian order.
    pub numbers: Vec<NumberRun>,
    /// Addresses in the data, in order. `bytes` has zeros there.
    pub relocs: Vec<DataReloc>,
}

/// A run of numbers of the same size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumberRun {
    /// Byte offset of the first number.
    pub start: u64,
    /// Byte offset of the end of the last number.
    pub end: u64,
    /// Size of each number in bytes.
    pub size: u32,
}

impl DataItem {
    /// The initial bytes in the byte order of a machine.
    pub(crate) fn bytes_of(&self, big_endian: bool) -> Cow<'_, [u8]> {
        let mut bytes = Cow::Borrowed(&self.bytes[..]);
        for run in self.numbers.iter().filter(|_| big_endian) {
            let range = run.start as usize..run.end as usize;
            bytes.to_mut()[range].chunks_exact_mut(run.size as usize).for_each(<[u8]>::reverse);
        }
        bytes
    }

    /// Records that a number of `size` bytes has just been appended.
    pub(crate) fn note_number(&mut self, size: u32) {
        let start = self.size - size as u64;
        match self.numbers.last_mut() {
            _ if size == 1 => {}
            Some(run) if run.end == start && run.size == size => run.end = self.size,
            _ => self.numbers.push(NumberRun { start, end: self.size, size }),
        }
    }

    /// Whether the data is all zeros.
    pub(crate) fn is_zero(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// A `file` item: a source file for debug information.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileItem {
    /// The number by which [`LocItem`]s refer to the file.
    pub number: u32,
    /// The path.
    pub path: Box<str>,
    /// The MD5 checksum of its contents, if the front end says it.
    pub md5: Option<[u8; 16]>,
}

/// A `loc` item: what a source location such as `@1f` stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocItem {
    /// The number after `@`.
    pub srcloc: u32,
    /// The number of the file.
    pub file: u32,
    /// The line, counted from 1; 0 if unknown.
    pub line: u32,
    /// The column, counted from 1; 0 if unknown.
    pub column: u32,
}

/// A `personality` item: the routine that decides for the system's unwinder where an exception continues.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonalityItem {
    /// The name of the routine.
    pub name: Name,
    /// Byte offset of the item in the file.
    pub offset: usize,
}

/// What the exceptions with a tag are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TagMeaning {
    /// Those of a type: the personality compares it with the type of an exception.
    Type(Name),
    /// Any exception, for a handler that cleans up and lets the exception go on.
    Cleanup,
}

/// A `tag` item: what a tag of exception handlers stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagItem {
    /// The number of the tag.
    pub number: u32,
    /// The exceptions that have it.
    pub meaning: TagMeaning,
    /// Byte offset of the item in the file.
    pub offset: usize,
}

/// All items of a module, in the order of the text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Module {
    /// `symbol` items.
    pub symbols: Vec<SymbolItem>,
    /// `type` items.
    pub types: Arc<StructTypes>,
    /// Data items.
    pub data: Vec<DataItem>,
    /// `alias` items.
    pub aliases: Vec<AliasItem>,
    /// `file` items.
    pub files: Vec<FileItem>,
    /// `loc` items.
    pub locs: Vec<LocItem>,
    /// The `personality` item, if there is one.
    pub personality: Option<PersonalityItem>,
    /// `tag` items, in the order of their numbers.
    pub tags: Vec<TagItem>,
    /// `source` items.
    pub source: SourceItems,
}

impl Module {
    /// Whether debug information describes the lines of the CLIF itself: the file does not say what its
    /// source locations stand for.
    pub fn describes_clif(&self) -> bool {
        self.locs.is_empty() || self.files.is_empty()
    }

    /// Whether debug information says where values of the CLIF are: they are described themselves, or hold
    /// variables of the front end's language.
    pub fn tracks_values(&self) -> bool {
        let in_functions = |source: &SourceItems| source.variables.iter().any(|item| item.function.is_some());
        if self.source.is_empty() { self.describes_clif() } else { in_functions(&self.source) }
    }

    /// What a tag stands for.
    pub fn meaning_of(&self, tag: u32) -> Option<&TagMeaning> {
        let found = self.tags.binary_search_by_key(&tag, |item| item.number);
        found.ok().map(|at| &self.tags[at].meaning)
    }

    /// Checks the tags of the handlers of one call, in the order of the text; `None` takes any exception. The
    /// error says which handler the system's unwinder has no way to reach as the text says.
    pub(crate) fn check_handlers(&self, tags: impl Iterator<Item = Option<u32>>) -> Result<(), String> {
        if self.personality.is_none() {
            return Ok(());
        }
        let mut cleanup = None;
        for tag in tags {
            if let Some(cleanup) = cleanup {
                return Err(format!("tag{cleanup} is a cleanup, and must be the last handler of its call"));
            }
            let Some(tag) = tag else { continue };
            match self.meaning_of(tag) {
                None => return Err(format!("tag{tag} is not defined")),
                Some(TagMeaning::Cleanup) => cleanup = Some(tag),
                Some(TagMeaning::Type(_)) => {}
            }
        }
        Ok(())
    }
}
