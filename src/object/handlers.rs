//! The section of exception handlers, `.clifc.exceptions` in ELF and `__DATA,__clifc_except` in Mach-O: where
//! an exception that a `try_call` throws continues.
//!
//! It is a sequence of tables, one for each function that has handlers, in the target's byte order:
//!
//! | bytes | what |
//! |-------|------|
//! | 8     | address of the function, relocated |
//! | 4     | n: the number of handlers |
//! | 4     | bytes from the stack pointer at calls up to the canonical frame address |
//! | 16 n  | handlers |
//!
//! A handler has four words of 4 bytes: offset in the function of the call's return address, offset of the
//! handler, tag, and 1 if it takes any tag, otherwise 0. The context of the handlers after it is listed as a
//! handler whose second word is where its value is, in bytes from the stack pointer, and whose last is 2.
//!
//! Handlers are in the order of their calls, and those of a call in the order of the text. To throw, unwind
//! to the frame (`.eh_frame`), restore the stack pointer and, if the function keeps one, the frame pointer,
//! put the payload words into the first result registers and jump to the handler; no other register needs to
//! be restored. The code does not read the frame pointer: unwinding from the handler does.

use super::table::Table;
use crate::machine::compiled::CompiledStencil;

/// Builds the section.
pub(super) fn build<'a>(big_endian: bool, functions: impl Iterator<Item = &'a CompiledStencil>) -> Table {
    let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut table = Table::default();
    for (number, code) in functions.enumerate().filter(|(_, code)| !code.handlers.is_empty()) {
        table.relocs.push((table.bytes.len() as u64, number));
        table.bytes.extend_from_slice(&[0; 8]);
        table.bytes.extend_from_slice(&word(code.handlers.len() as u32));
        table.bytes.extend_from_slice(&word(code.frame_size));
        for handler in &code.handlers {
            let [kind, tag] = handler.takes.pack();
            for value in [handler.return_offset, handler.offset, tag, kind] {
                table.bytes.extend_from_slice(&word(value));
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::unwind::{Handler, Takes};

    #[test]
    fn handlers_are_listed_by_function() {
        let handlers = vec![
            Handler { return_offset: 5, takes: Takes::Tag(7), offset: 40 },
            Handler { return_offset: 5, takes: Takes::Context, offset: 16 },
            Handler { return_offset: 5, takes: Takes::All, offset: 60 },
        ];
        let code =
            [CompiledStencil::default(), CompiledStencil { handlers, frame_size: 24, ..Default::default() }];
        let table = build(false, code.iter());
        assert_eq!(table.relocs.iter().map(|reloc| reloc.0).collect::<Vec<_>>(), [0]);
        let words: Vec<u32> = table.bytes[8..]
            .chunks_exact(4)
            .map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes")))
            .collect();
        assert_eq!(words, [3, 24, 5, 40, 7, 0, 5, 16, 0, 2, 5, 60, 0, 1]);
    }
}
