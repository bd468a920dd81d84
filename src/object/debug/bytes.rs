//! Bytes of a section being written.
//!
//! There are millions of them, most written one or two at a time, so that this is a plain vector and knows
//! the byte order itself.

use gimli::write::{Relocation, RelocationTarget};
use gimli::{RunTimeEndian, SectionId};

use super::ENCODING;
use super::sections::Finished;

/// Bytes, with what the linker fills in.
#[derive(Default)]
pub(super) struct Bytes {
    bytes: Vec<u8>,
    big_endian: bool,
    relocs: Vec<Relocation>,
}

impl Bytes {
    pub(super) fn new(endian: RunTimeEndian) -> Self {
        Bytes { big_endian: endian == RunTimeEndian::Big, ..Bytes::default() }
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

    /// Forgets what was written, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.relocs.clear();
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
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
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    /// Writes a number in signed LEB128.
    #[inline]
    pub(super) fn signed(&mut self, mut number: i64) {
        while !(-0x40..0x40).contains(&number) {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8 & 0x7f);
    }

    /// Writes a number in decimal digits.
    pub(super) fn decimal(&mut self, mut number: u32) {
        let mut digits = [0; 10];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        digits[at..].iter().for_each(|&digit| self.byte(digit));
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
        }
        let mut bytes = Bytes::default();
        [0, 9, 10, u32::MAX].into_iter().for_each(|number| bytes.decimal(number));
        assert_eq!(bytes.slice(), b"09104294967295");
    }
}
