//! Numbers of values and blocks too large to be indices.
//!
//! A number in the text is the index in the IR's tables, which must stay in proportion to the text.
//! Some producers number values throughout a module, though, so that a small function may name
//! `v1000000`. Such a function is read a second time, with each number replaced by its place among
//! those that the function's text names.

use super::cursor::{Cursor, is_word};

/// The numbers that a text names, each once and in order: the place of one is what replaces it.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Of values.
    pub values: Vec<u32>,
    /// Of blocks.
    pub blocks: Vec<u32>,
}

impl Numbering {
    /// That of a function's text.
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
                    } else {
                        cur.word();
                    }
                }
                _ => cur.pos += 1,
            }
        }
        for numbers in [&mut numbering.values, &mut numbering.blocks] {
            numbers.sort_unstable();
            numbers.dedup();
        }
        numbering
    }
}
