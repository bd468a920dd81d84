//! Bytes of a section being written.
//!
//! There are millions of them, most written one or two at a time, so that this is a plain vector and knows
//! the byte order itself. What there is one of for each value is put together in a [`Short`] first.

use gimli::write::{Relocation, RelocationTarget};
use gimli::{RunTimeEndian, SectionId};

use super::ENCODING;
use super::sections::{Finished, Section};

/// Bytes, with what the linker fills in.
#[derive(Default)]
pub(super) struct Bytes {
    bytes: Vec<u8>,
    big_endian: bool,
    relocs: Vec<Relocation>,
}

/// A few bytes. Appending them checks only once whether there is room.
#[derive(Clone)]
pub(super) struct Short {
    bytes: [u8; Short::MOST],
    len: usize,
}

/// Calls `put` with the bytes of a number in LEB128.
#[inline]
fn unsigned_leb128(mut number: u64, mut put: impl FnMut(u8)) {
    while number >= 0x80 {
        put(number as u8 | 0x80);
        number >>= 7;
    }
    put(number as u8);
}

/// Calls `put` with the bytes of a number in signed LEB128.
#[inline]
fn signed_leb128(mut number: i64, mut put: impl FnMut(u8)) {
    while !(-0x40..0x40).contains(&number) {
        put(number as u8 | 0x80);
        number >>= 7;
    }
    put(number as u8 & 0x7f);
}

impl Short {
    /// How many bytes there can be. The longest expressions are shorter.
    const MOST: usize = 48;

    #[inline]
    pub(super) fn new() -> Self {
        Short { bytes: [0; Short::MOST], len: 0 }
    }

    /// What was written.
    pub(super) fn slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets what was written.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.byte(byte));
    }

    /// Appends the first bytes of an array.
    #[inline]
    pub(super) fn extend_from<const N: usize>(&mut self, bytes: &[u8; N], len: usize) {
        self.bytes[self.len..self.len + N].copy_from_slice(bytes);
        self.len += len;
    }

    /// Writes a number in LEB128.
    #[inline]
    pub(super) fn number(&mut self, number: u64) {
        unsigned_leb128(number, |byte| self.byte(byte));
    }

    /// Writes a number in signed LEB128.
    #[inline]
    pub(super) fn signed(&mut self, number: i64) {
        signed_leb128(number, |byte| self.byte(byte));
    }

    /// Writes a number in decimal digits.
    pub(super) fn decimal(&mut self, mut number: u32) {
        let end = self.len + number.checked_ilog10().map_or(1, |log| log as usize + 1);
        for at in (self.len..end).rev() {
            self.bytes[at] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.len = end;
    }
}

impl Bytes {
    pub(super) fn new(endian: RunTimeEndian) -> Self {
        Bytes { big_endian: endian == RunTimeEndian::Big, ..Bytes::default() }
    }

    /// What was written by gimli.
    pub(super) fn from_section(section: Section, endian: RunTimeEndian) -> Self {
        let Finished { bytes, relocs } = section.into();
        Bytes { bytes, relocs, ..Bytes::new(endian) }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Makes room for more.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// What was written.
    pub(super) fn slice(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a few bytes.
    #[inline]
    pub(super) fn append_short(&mut self, short: &Short) {
        let end = self.bytes.len() + short.len;
        self.bytes.extend_from_slice(&short.bytes);
        self.bytes.truncate(end);
    }

    pub(super) fn half(&mut self, half: u16) {
        let bytes = if self.big_endian { half.to_be_bytes() } else { half.to_le_bytes() };
        self.extend(&bytes);
    }

    pub(super) fn word(&mut self, word: u32) {
        let bytes = self.word_bytes(word);
        self.extend(&bytes);
    }

    fn word_bytes(&self, word: u32) -> [u8; 4] {
        if self.big_endian { word.to_be_bytes() } else { word.to_le_bytes() }
    }

    /// Overwrites a word.
    pub(super) fn set_word(&mut self, at: usize, word: u32) {
        let bytes = self.word_bytes(word);
        self.bytes[at..at + 4].copy_from_slice(&bytes);
    }

    pub(super) fn long(&mut self, long: u64) {
        let bytes = if self.big_endian { long.to_be_bytes() } else { long.to_le_bytes() };
        self.extend(&bytes);
    }

    /// Writes a number in LEB128.
    #[inline]
    pub(super) fn number(&mut self, number: u64) {
        unsigned_leb128(number, |byte| self.byte(byte));
    }

    /// Writes a number in signed LEB128.
    #[inline]
    pub(super) fn signed(&mut self, number: i64) {
        signed_leb128(number, |byte| self.byte(byte));
    }

    /// Writes the address of a symbol, by number.
    pub(super) fn address(&mut self, symbol: usize, addend: i64) {
        self.reloc(ENCODING.address_size, RelocationTarget::Symbol(symbol), addend);
        self.long(0);
    }

    /// Writes an offset in another section.
    pub(super) fn offset(&mut self, section: SectionId, offset: usize) {
        self.reloc(4, RelocationTarget::Section(section), offset as i64);
        self.word(0);
    }

    /// Where the next relocation will be, for [`Bytes::set_offset`].
    pub(super) fn next_reloc(&self) -> usize {
        self.relocs.len()
    }

    /// Sets the offset that a relocation says.
    pub(super) fn set_offset(&mut self, reloc: usize, offset: usize) {
        self.relocs[reloc].addend = offset as i64;
    }

    fn reloc(&mut self, size: u8, target: RelocationTarget, addend: i64) {
        self.relocs.push(Relocation { offset: self.bytes.len(), size, target, addend, eh_pe: None });
    }

    /// Appends other bytes.
    pub(super) fn append(&mut self, other: Bytes) {
        let base = self.bytes.len();
        let moved = other.relocs.into_iter();
        self.relocs.extend(moved.map(|reloc| Relocation { offset: base + reloc.offset, ..reloc }));
        self.extend(&other.bytes);
    }

    /// The finished section.
    pub(super) fn into_section(self) -> Finished {
        Finished { bytes: self.bytes, relocs: self.relocs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimli::write::{EndianVec, Writer as _};

    #[test]
    fn numbers_are_written_as_gimli_writes_them() {
        for number in [0, 1, 63, 64, 127, 128, 8191, 8192, 300_000, i64::MAX, -1, -64, -65, -8192, i64::MIN] {
            let mut expected = EndianVec::new(RunTimeEndian::Little);
            expected.write_sleb128(number).expect("it fits");
            expected.write_uleb128(number as u64).expect("it fits");
            let mut bytes = Bytes::new(RunTimeEndian::Little);
            bytes.signed(number);
            bytes.number(number as u64);
            assert_eq!(bytes.slice(), expected.slice(), "{number}");
            let mut short = Short::new();
            short.signed(number);
            short.number(number as u64);
            assert_eq!(short.slice(), expected.slice(), "{number}");
        }
    }

    #[test]
    fn a_few_bytes_are_appended() {
        let mut short = Short::new();
        [0, 9, 10, u32::MAX].into_iter().for_each(|number| short.decimal(number));
        let mut bytes = Bytes::default();
        bytes.append_short(&short);
        bytes.byte(b'.');
        assert_eq!(bytes.slice(), b"09104294967295.");
    }
}
