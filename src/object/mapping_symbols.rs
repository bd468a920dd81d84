//! Mapping symbols: `$x` where instructions begin, `$d` where data does.
//!
//! The constants and jump tables behind a function's instructions are in a section of code. Disassemblers
//! take them for instructions, and linkers that mend processor errata may change them, unless a symbol says
//! otherwise. A mark holds up to the next one in its section.

use super::sections::SectionOffset;
use super::{Writer, symbols};
use crate::machine::compiled::CompiledStencil;
use object::SymbolKind;

/// The last mark of each section of code, by section number: whether it is `$x`.
#[derive(Default)]
pub(super) struct Marks(Vec<bool>);

impl Writer<'_> {
    /// Marks the instructions and data of a function, if the target has such symbols.
    pub(super) fn mark_data(&mut self, place: SectionOffset, code: &CompiledStencil) {
        if !(self.format.has_mapping_symbols)(self.arch) || code.code.is_empty() {
            return;
        }
        let number = place.section.number();
        if self.marks.0.len() <= number {
            self.marks.0.resize(number + 1, false);
        }
        let has_data = (code.text_len as usize) < code.code.len();
        if !self.marks.0[number] {
            self.add_mark(b"$x", place);
        }
        if has_data {
            let offset = place.offset + u64::from(code.text_len);
            self.add_mark(b"$d", SectionOffset { offset, ..place });
        }
        self.marks.0[number] = !has_data;
    }

    fn add_mark(&mut self, name: &[u8], place: SectionOffset) {
        let mark = symbols::add_local(&mut self.object, name.to_vec());
        self.object.symbol_mut(mark).kind = SymbolKind::Label;
        self.define_at(mark, place, 0);
    }
}
