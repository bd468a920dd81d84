//! Lists of locations (`.debug_loclists`), of ranges (`.debug_rnglists`), and the addresses that they refer
//! to (`.debug_addr`).
//!
//! Positions are relative to the start of the functions in their section. If there are several such sections,
//! each list names its own by number, so that no list is relocated.

use gimli::{
    DW_LLE_base_addressx, DW_LLE_end_of_list, DW_LLE_offset_pair, DW_RLE_start_length, RunTimeEndian,
    SectionId,
};

use super::bytes::{Bytes, Short};
use super::sections::Finished;
use super::{ENCODING, Run};

/// Bytes of the header of a section of lists or addresses, after the length.
const HEADER: usize = 8;

/// Lists of locations or of ranges being written. Both have the same form, but for the locations.
pub(super) struct Lists {
    section: SectionId,
    /// The lists, one after the other.
    bytes: Bytes,
    /// The entry being written.
    entry: Short,
    /// Where each list begins.
    starts: Vec<u32>,
    /// The number of the first list.
    first: usize,
    /// The number of the section that lists refer to; `None` if there is only one.
    base: Option<usize>,
}

/// Offset of the table of lists in its section.
pub(super) const LISTS: usize = 4 + HEADER;
/// Offset of the first address in its section.
pub(super) const ADDRESSES: usize = 4 + 4;

impl Lists {
    pub(super) fn new(section: SectionId, endian: RunTimeEndian) -> Self {
        Lists {
            section,
            bytes: Bytes::new(endian),
            entry: Short::new(),
            starts: Vec::new(),
            first: 0,
            base: None,
        }
    }

    /// Lists to be appended to others, of which the first will have this number.
    pub(super) fn part(section: SectionId, endian: RunTimeEndian, first: usize, base: Option<usize>) -> Self {
        Lists { first, base, ..Lists::new(section, endian) }
    }

    /// The number of the next list.
    pub(super) fn next(&self) -> usize {
        self.first + self.starts.len()
    }

    /// Makes room for lists of so many bytes.
    pub(super) fn reserve(&mut self, lists: usize, bytes: usize) {
        self.starts.reserve(lists);
        self.bytes.reserve(bytes);
    }

    /// Number of lists.
    pub(super) fn count(&self) -> usize {
        self.starts.len()
    }

    /// Number of bytes so far.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Takes the lists of a part.
    pub(super) fn append(&mut self, part: &mut Lists) {
        debug_assert_eq!(part.first, self.next(), "lists are appended in the order of their numbers");
        let start = self.bytes.len() as u32;
        self.starts.extend(part.starts.drain(..).map(|at| start + at));
        self.bytes.append(std::mem::take(&mut part.bytes));
    }

    /// Sets the section of code that the next lists refer to, if there are several.
    pub(super) fn set_base(&mut self, base: Option<usize>) {
        self.base = base;
    }

    /// Begins a list, and returns its number.
    #[inline]
    pub(super) fn begin(&mut self) -> u64 {
        self.starts.push(self.bytes.len() as u32);
        if let Some(base) = self.base {
            self.bytes.byte(DW_LLE_base_addressx.0);
            self.bytes.number(base as u64);
        }
        self.next() as u64 - 1
    }

    /// Adds a range to the list.
    #[inline]
    pub(super) fn range(&mut self, start: u64, end: u64) {
        self.pair(start, end);
        self.bytes.append_short(&self.entry);
    }

    /// Adds a location to the list.
    #[inline]
    pub(super) fn location(&mut self, start: u64, end: u64, expression: &Short) {
        self.pair(start, end);
        self.entry.number(expression.len() as u64);
        self.bytes.append_short(&self.entry);
        self.bytes.append_short(expression);
    }

    /// Begins the entry of a range.
    #[inline]
    fn pair(&mut self, start: u64, end: u64) {
        self.entry.clear();
        self.entry.byte(DW_LLE_offset_pair.0);
        self.entry.number(start);
        self.entry.number(end);
    }

    /// Ends the list.
    pub(super) fn end(&mut self) {
        self.bytes.byte(DW_LLE_end_of_list.0);
    }

    /// Adds the list of all code.
    pub(super) fn all_code(&mut self, runs: &[Run]) -> u64 {
        let list = self.begin();
        for run in runs {
            self.bytes.byte(DW_RLE_start_length.0);
            self.bytes.address(run.functions[0], 0);
            self.bytes.number(run.size);
        }
        self.end();
        list
    }

    /// The offset of a list in the section that these lists will be in.
    pub(super) fn offset_of(&self, list: u64) -> usize {
        LISTS + 4 * self.starts.len() + self.starts[list as usize] as usize
    }

    /// The section.
    pub(super) fn finish(self, endian: RunTimeEndian) -> (SectionId, Finished) {
        let mut out = Bytes::new(endian);
        let table = 4 * self.starts.len();
        header(&mut out, HEADER + table + self.bytes.len());
        out.word(self.starts.len() as u32);
        for start in self.starts {
            out.word(table as u32 + start);
        }
        out.append(self.bytes);
        (self.section, out.into_section())
    }
}

/// Writes the length of a unit, and what follows it in all of these sections.
fn header(out: &mut Bytes, length: usize) {
    out.word(length as u32);
    out.half(ENCODING.version);
    out.byte(ENCODING.address_size);
    // The size of segment selectors.
    out.byte(0);
}

/// The section of addresses: those of the sections of code.
pub(super) fn addresses(runs: &[Run], endian: RunTimeEndian) -> (SectionId, Finished) {
    let mut out = Bytes::new(endian);
    header(&mut out, 4 + 8 * runs.len());
    runs.iter().for_each(|run| out.address(run.functions[0], 0));
    (SectionId::DebugAddr, out.into_section())
}
