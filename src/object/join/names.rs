//! The symbols of a large file by name: eight bytes of memory and four bytes per slot for each. The names are
//! in a file, and are compared there when hashes are equal.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;
use std::io;
use std::path::Path;

use super::spool::Spool;

/// A symbol: its class in the upper two bits, and its number in the class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SymbolNumber(pub(super) u32);

/// The classes of symbols, in the order of the symbol table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// Local symbols that only their own piece refers to: sections, marks.
    Private,
    /// Local symbols with a name.
    Local,
    /// All others.
    Global,
}

const NUMBER_BITS: u32 = 30;

impl SymbolNumber {
    pub(super) fn new(class: Class, number: usize) -> Self {
        debug_assert!(number < 1 << NUMBER_BITS);
        SymbolNumber((class as u32) << NUMBER_BITS | number as u32)
    }

    pub(super) fn class(self) -> Class {
        match self.0 >> NUMBER_BITS {
            0 => Class::Private,
            1 => Class::Local,
            _ => Class::Global,
        }
    }

    pub(super) fn number(self) -> usize {
        (self.0 & ((1 << NUMBER_BITS) - 1)) as usize
    }
}

/// What is kept of each symbol of a class.
#[derive(Default)]
struct Known {
    hashes: Vec<u32>,
    /// Offset of each name in the string table.
    names: Vec<u32>,
}

/// The named symbols of a file, and its string table.
pub(super) struct Names {
    /// Symbols in the order of their hashes, as far as slots are free; `EMPTY` for none.
    slots: Vec<u32>,
    locals: Known,
    globals: Known,
    pub(super) strings: Spool,
}

const EMPTY: u32 = u32::MAX;

impl Names {
    pub(super) fn new(directory: &Path) -> Self {
        Names {
            slots: vec![EMPTY; 1 << 10],
            locals: Known::default(),
            globals: Known::default(),
            strings: Spool::with(directory, vec![0]),
        }
    }

    fn known(&self, class: Class) -> &Known {
        if class == Class::Local { &self.locals } else { &self.globals }
    }

    /// Number of symbols of a class.
    pub(super) fn len(&self, class: Class) -> usize {
        self.known(class).names.len()
    }

    /// Offset of a symbol's name in the string table.
    pub(super) fn offset(&self, symbol: SymbolNumber) -> u32 {
        self.known(symbol.class()).names[symbol.number()]
    }

    /// The symbol of a name.
    pub(super) fn find(&mut self, name: &[u8]) -> io::Result<Option<SymbolNumber>> {
        self.look_up(hash(name), name).map(|slot| match self.slots[slot] {
            EMPTY => None,
            symbol => Some(SymbolNumber(symbol)),
        })
    }

    /// The slot of a name, or the free one for it.
    fn look_up(&mut self, hash: u32, name: &[u8]) -> io::Result<usize> {
        let mut slot = self.first_slot(hash);
        loop {
            let symbol = SymbolNumber(self.slots[slot]);
            if symbol.0 == EMPTY {
                return Ok(slot);
            }
            let known = self.known(symbol.class());
            let at = known.names[symbol.number()];
            let is_equal = known.hashes[symbol.number()] == hash;
            if is_equal && self.strings.has_at(at.into(), &[name, &[0]].concat())? {
                return Ok(slot);
            }
            slot = (slot + 1) % self.slots.len();
        }
    }

    fn first_slot(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }

    /// Adds a symbol; fails with the one that has the name.
    pub(super) fn add(
        &mut self,
        name: &[u8],
        class: Class,
    ) -> io::Result<Result<SymbolNumber, SymbolNumber>> {
        let count = self.locals.names.len() + self.globals.names.len();
        if count * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let hash = hash(name);
        let slot = self.look_up(hash, name)?;
        if self.slots[slot] != EMPTY {
            return Ok(Err(SymbolNumber(self.slots[slot])));
        }
        let at = self.add_string(name)?;
        let known = if class == Class::Local { &mut self.locals } else { &mut self.globals };
        let symbol = SymbolNumber::new(class, known.names.len());
        known.hashes.push(hash);
        known.names.push(at);
        self.slots[slot] = symbol.0;
        Ok(Ok(symbol))
    }

    /// Adds a global symbol that is not found by its name.
    pub(super) fn add_hidden(&mut self, name: &[u8]) -> io::Result<SymbolNumber> {
        let at = self.add_string(name)?;
        self.globals.hashes.push(0);
        self.globals.names.push(at);
        Ok(SymbolNumber::new(Class::Global, self.globals.names.len() - 1))
    }

    /// Adds a string to the string table, and returns its offset.
    pub(super) fn add_string(&mut self, name: &[u8]) -> io::Result<u32> {
        let at =
            u32::try_from(self.strings.len()).map_err(|_| io::Error::other("names take more than 4 GB"))?;
        self.strings.append(name)?;
        self.strings.append(&[0])?;
        Ok(at)
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        // The old table is given up first: the new one follows from the hashes.
        self.slots = Vec::new();
        self.slots = vec![EMPTY; size];
        for class in [Class::Local, Class::Global] {
            for number in 0..self.len(class) {
                let mut slot = self.first_slot(self.known(class).hashes[number]);
                while self.slots[slot] != EMPTY {
                    slot = (slot + 1) % size;
                }
                self.slots[slot] = SymbolNumber::new(class, number).0;
            }
        }
    }
}

fn hash(name: &[u8]) -> u32 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name);
    (hasher.finish() >> 32) as u32
}
