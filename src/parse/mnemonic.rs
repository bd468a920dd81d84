//! Finds an opcode by its name, in a hash table that is built from the opcode table at compile time.

use super::bytes8;
use super::cursor::Cursor;
use crate::ir::Opcode;
use crate::ir::opcode::ALL;

const SLOTS: usize = 1024;
const EMPTY: u8 = u8::MAX;
const _: () = assert!(ALL.len() < EMPTY as usize, "an opcode's code fits a slot");

/// The hash table, with open addressing: an opcode is in the first slot from its hash on that was free.
static TABLE: [u8; SLOTS] = {
    let mut table = [EMPTY; SLOTS];
    let mut code = 0;
    while code < ALL.len() {
        let name = ALL[code].name().as_bytes();
        let mut slot = slot(bytes8::prefix(name), name.len());
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = code as u8;
        code += 1;
    }
    table
};

/// The first eight bytes of each opcode's name.
static BEGINNINGS: [u64; ALL.len()] = {
    let mut table = [0; ALL.len()];
    let mut code = 0;
    while code < ALL.len() {
        table[code] = bytes8::prefix(ALL[code].name().as_bytes());
        code += 1;
    }
    table
};

/// The slot to start at, for a name of `len` bytes that starts with `beginning`.
#[inline(always)]
const fn slot(beginning: u64, len: usize) -> usize {
    ((beginning ^ len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize % SLOTS
}

/// Moves past a word, and returns it with the opcode that it spells.
#[inline(always)]
pub(super) fn read<'a>(cur: &mut Cursor<'a>) -> (&'a [u8], Option<Opcode>) {
    let bytes = cur.peek8(0);
    let len = bytes8::before_punctuation(bytes);
    if len < 8
        && let Some(opcode) = lookup(bytes8::first(bytes, len), len, |_| true)
    {
        let word = &cur.text[cur.pos..cur.pos + len];
        cur.pos += len;
        return (word, Some(opcode));
    }
    read_any(cur)
}

/// Like [`read`], for words of any length.
fn read_any<'a>(cur: &mut Cursor<'a>) -> (&'a [u8], Option<Opcode>) {
    let word = cur.word();
    (word, named(word))
}

/// The opcode with a name.
pub(super) fn named(word: &[u8]) -> Option<Opcode> {
    lookup(bytes8::prefix(word), word.len(), |opcode| opcode.name().as_bytes() == word)
}

/// The opcode whose name has `len` bytes, starts with `beginning`, and for which `right` holds.
#[inline(always)]
fn lookup(beginning: u64, len: usize, right: impl Fn(Opcode) -> bool) -> Option<Opcode> {
    let mut slot = slot(beginning, len);
    loop {
        let code = TABLE[slot];
        if code == EMPTY {
            return None;
        }
        if BEGINNINGS[code as usize] == beginning && right(ALL[code as usize]) {
            return Some(ALL[code as usize]);
        }
        slot = (slot + 1) % SLOTS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opcode_is_found() {
        let lookup = |name: &str| read(&mut Cursor::new(name.as_bytes())).1;
        for &opcode in ALL {
            assert_eq!(lookup(opcode.name()), Some(opcode));
        }
        assert_eq!(lookup(""), None);
        assert_eq!(lookup("iaddd"), None);
    }
}
