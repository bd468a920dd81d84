//! Compact numbers for values and blocks whose numbers are too large to be indices.
//!
//! The number of a value or block in the text is its index in the tables of the IR, whose size must stay
//! proportional to the text. Some front ends number values throughout a module, so that a small function can
//! refer to `v1000000`. Such a function is parsed a second time, and each number is replaced by its rank
//! among the numbers in the function's text.

use super::cursor::{Cursor, is_word};

/// The numbers in the text of a function, sorted and without duplicates. The index of a number replaces it.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Numbers of values.
    pub values: Vec<u32>,
    /// Numbers of blocks.
    pub blocks: Vec<u32>,
    /// Numbers of stack slots, which are not replaced.
    pub slots: Vec<u32>,
}

impl Numbering {
    /// Collects the numbers in the text of a function.
    pub fn new(text: &[u8]) -> Self {
        let mut numbering = Numbering::default();
        let mut cur = Cursor::new(text);
        while !cur.at_end() {
            match cur.peek() {
                b';' => cur.skip_line(),
                b'"' if cur.quoted().is_some() => {}
                b'%' => {
                    cur.pos += 1;
                    cur.word();
                }
                byte if is_word(byte) => {
                    if let Some(value) = cur.entity(b"v") {
                        numbering.values.push(value);
                    } else if let Some(block) = cur.entity(b"block") {
                        numbering.blocks.push(block);
                    } else if let Some(slot) = cur.entity(b"ss") {
                        numbering.slots.push(slot);
                    } else {
                        cur.word();
                    }
                }
                _ => cur.pos += 1,
            }
        }
        for numbers in [&mut numbering.values, &mut numbering.blocks, &mut numbering.slots] {
            numbers.sort_unstable();
            numbers.dedup();
        }
        numbering
    }
}
