//! Data in code: mapping symbols, `$x` where instructions begin and `$d` where data does, or lists of it.
//!
//! The constants and jump tables behind a function's instructions are in a section of code. Disassemblers
//! take them for instructions, and linkers that mend processor errata may change them, unless a symbol says
//! otherwise. A mark holds up to the next one in its section.

use super::sections::{SectionOffset, Sections};
use super::{Writer, data_in_code, symbols};
use crate::machine::compiled::CompiledStencil;
use object::SymbolKind;

/// What is known of data in code.
#[derive(Default)]
pub(super) struct Marks {
    /// The last mark of each section of code, by section number: whether it is `$x`.
    last: Vec<bool>,
    /// The data behind each function, where there are no mapping symbols: its place and size.
    data: Vec<(SectionOffset, u64)>,
}

impl Marks {
    /// The data in code by address, where there are no mapping symbols.
    pub(super) fn data_ranges(&self, sections: &Sections) -> Vec<data_in_code::Range> {
        if self.data.is_empty() {
            return Vec::new();
        }
        let addresses = sections.addresses();
        let address = |place: SectionOffset| addresses[place.section.number()] + place.offset;
        let mut ranges: Vec<_> = self.data.iter().map(|&(place, size)| (address(place), size)).collect();
        ranges.sort_unstable();
        ranges
    }
}

impl Writer<'_> {
    /// Marks the instructions and data of a function, if the target has such symbols.
    pub(super) fn mark_data(&mut self, place: SectionOffset, code: &CompiledStencil) {
        let has_data = (code.text_len as usize) < code.code.len();
        if !(self.format.has_mapping_symbols)(self.arch) || code.code.is_empty() {
            if has_data && self.format.lists_data_in_code {
                let offset = place.offset + u64::from(code.text_len);
                let size = code.code.len() as u64 - u64::from(code.text_len);
                self.marks.data.push((SectionOffset { offset, ..place }, size));
            }
            return;
        }
        let number = place.section.number();
        let last = &mut self.marks.last;
        if last.len() <= number {
            last.resize(number + 1, false);
        }
        if !last[number] {
            self.add_mark(b"$x", place);
        }
        if has_data {
            let offset = place.offset + u64::from(code.text_len);
            self.add_mark(b"$d", SectionOffset { offset, ..place });
        }
        self.marks.last[number] = !has_data;
    }

    fn add_mark(&mut self, name: &[u8], place: SectionOffset) {
        let mark = symbols::add_local(&mut self.object, name.to_vec());
        self.object.symbol_mut(mark).kind = SymbolKind::Label;
        self.define_at(mark, place, 0);
    }
}
