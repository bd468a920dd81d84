//! The section of entries (`.debug_info`), and the shapes of these (`.debug_abbrev`).
//!
//! There is an entry for each value of the CLIF. They are written one after the other rather than kept as a
//! tree, and nothing in them is relocated but what has to be: addresses, and offsets in other sections.

use gimli::{DwAt, DwForm, DwTag, RunTimeEndian, SectionId};

use super::ENCODING;
use super::bytes::{Bytes, Short};
use super::lists::Lists;
use super::sections::Finished;

/// The shape of an entry: its tag, whether it has children, and the attributes.
type Shape = (DwTag, bool, Vec<(DwAt, DwForm)>);

/// Entries being written.
pub(super) struct Info {
    section: Bytes,
    shapes: Vec<Shape>,
    /// Relocations of offsets of lists of ranges, with the numbers of these.
    lists: Vec<(usize, u64)>,
}

/// Bytes from the start of a section to that of the unit's length, which is the first field.
const LENGTH: usize = 4;

impl Info {
    /// Begins with the header of the only unit.
    pub(super) fn new(endian: RunTimeEndian) -> Self {
        let mut out = Bytes::new(endian);
        out.word(0);
        out.half(ENCODING.version);
        out.byte(gimli::DW_UT_compile.0);
        out.byte(ENCODING.address_size);
        out.offset(SectionId::DebugAbbrev, 0);
        Info { section: out, shapes: Vec::new(), lists: Vec::new() }
    }

    /// Entries to be inserted in others, without a header. They have the shapes of those, and nothing in them
    /// is relocated.
    pub(super) fn part(endian: RunTimeEndian) -> Self {
        Info { section: Bytes::new(endian), shapes: Vec::new(), lists: Vec::new() }
    }

    /// Makes room for entries of so many bytes.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.section.reserve(bytes);
    }

    /// Number of bytes so far.
    pub(super) fn size(&self) -> usize {
        self.section.len()
    }

    /// Inserts the entries of a part that are in a range of its bytes.
    pub(super) fn insert(&mut self, part: &Info, range: std::ops::Range<usize>) {
        self.section.extend(&part.section.slice()[range]);
    }

    /// The number of a shape.
    pub(super) fn shape(&mut self, tag: DwTag, children: bool, attributes: &[(DwAt, DwForm)]) -> u64 {
        let is_same = |shape: &Shape| (shape.0, shape.1) == (tag, children) && shape.2 == attributes;
        let found = self.shapes.iter().position(is_same).unwrap_or_else(|| {
            self.shapes.push((tag, children, attributes.to_vec()));
            self.shapes.len() - 1
        });
        found as u64 + 1
    }

    /// Begins an entry; its attributes follow in the order of the shape. Returns its offset.
    pub(super) fn begin(&mut self, shape: u64) -> u32 {
        let at = self.section.len() as u32;
        self.section.number(shape);
        at
    }

    /// Ends the children of an entry.
    pub(super) fn end(&mut self) {
        self.section.byte(0);
    }

    /// Writes a string; it ends at a zero byte.
    pub(super) fn string(&mut self, bytes: &[u8]) {
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        self.section.extend(&bytes[..end]);
        self.section.byte(0);
    }

    /// Writes a number in LEB128.
    pub(super) fn number(&mut self, number: u64) {
        self.section.number(number);
    }

    /// Writes a byte.
    pub(super) fn byte(&mut self, byte: u8) {
        self.section.byte(byte);
    }

    /// Writes a number of 16 bits.
    pub(super) fn half(&mut self, half: u16) {
        self.section.half(half);
    }

    /// Writes the offset of an entry.
    pub(super) fn reference(&mut self, entry: u32) {
        self.section.word(entry);
    }

    /// Writes an entry, or the beginning of one, that was put together.
    #[inline]
    pub(super) fn append(&mut self, entry: &Short) {
        self.section.append_short(entry);
    }

    /// Writes a reference to an entry that is not known yet. Returns where it is, for [`Info::fill_in`].
    pub(super) fn unknown_reference(&mut self) -> u32 {
        let at = self.section.len() as u32;
        self.section.word(0);
        at
    }

    /// Fills in a reference.
    pub(super) fn fill_in(&mut self, at: u32, entry: u32) {
        self.section.set_word(at as usize, entry);
    }

    /// Writes a number in signed LEB128.
    pub(super) fn signed(&mut self, number: i64) {
        self.section.signed(number);
    }

    /// Writes an expression: the address of a symbol, by number, with an offset.
    pub(super) fn data_block(&mut self, symbol: usize, addend: i64) {
        self.section.number(1 + u64::from(ENCODING.address_size));
        self.section.byte(gimli::DW_OP_addr.0);
        self.section.address(symbol, addend);
    }

    /// Writes a block or expression, whose length goes before it.
    pub(super) fn block(&mut self, bytes: &[u8]) {
        self.section.number(bytes.len() as u64);
        self.section.extend(bytes);
    }

    /// Writes the address of a place in a function.
    pub(super) fn function(&mut self, number: usize, addend: i64) {
        self.section.address(number, addend);
    }

    /// Writes a constant address.
    pub(super) fn address(&mut self, address: u64) {
        self.section.long(address);
    }

    /// Writes an offset in another section.
    pub(super) fn offset(&mut self, section: SectionId, offset: usize) {
        self.section.offset(section, offset);
    }

    /// Writes the offset of a list of ranges, given its number.
    pub(super) fn range_list(&mut self, list: u64) {
        self.lists.push((self.section.next_reloc(), list));
        self.section.offset(SectionId::DebugRngLists, 0);
    }

    /// Fills in the offsets of lists, once all lists are written.
    pub(super) fn place_lists(&mut self, ranges: &Lists) {
        for &(reloc, list) in &self.lists {
            self.section.set_offset(reloc, ranges.offset_of(list));
        }
    }

    /// Ends the unit, and returns the sections of entries and of shapes.
    pub(super) fn finish(mut self, endian: RunTimeEndian) -> [(SectionId, Finished); 2] {
        let length = self.section.len() - LENGTH;
        self.section.set_word(0, length as u32);
        let mut shapes = Bytes::new(endian);
        for (number, (tag, children, attributes)) in self.shapes.iter().enumerate() {
            shapes.number(number as u64 + 1);
            shapes.number(tag.0.into());
            shapes.byte((*children).into());
            for (name, form) in attributes {
                shapes.number(name.0.into());
                shapes.number(form.0.into());
            }
            shapes.extend(&[0, 0]);
        }
        shapes.byte(0);
        let entries = (SectionId::DebugInfo, self.section.into_section());
        [entries, (SectionId::DebugAbbrev, shapes.into_section())]
    }
}
