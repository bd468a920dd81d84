//! From an opcode's text to the opcode: a hash table made of the opcode table when clifc is compiled.

use super::cursor::{Cursor, is_word};
use crate::ir::Opcode;
use crate::ir::opcode::ALL;

const SLOTS: usize = 1024;
const EMPTY: u8 = u8::MAX;
const _: () = assert!(ALL.len() < EMPTY as usize, "an opcode's code fits a slot");

/// Open addressing: from the hash on, the first slot that is empty or holds the opcode.
static TABLE: [u8; SLOTS] = {
    let mut table = [EMPTY; SLOTS];
    let mut code = 0;
    while code < ALL.len() {
        let mut slot = slot(hash(ALL[code].name().as_bytes()));
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = code as u8;
        code += 1;
    }
    table
};

const SEED: u32 = 0;

/// The hash of a name with one more byte.
#[inline(always)]
const fn add(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x9e37_79b1)
}

/// The first slot for a hash.
#[inline(always)]
const fn slot(hash: u32) -> usize {
    (hash >> 22) as usize % SLOTS
}

const fn hash(name: &[u8]) -> u32 {
    let mut hash = SEED;
    let mut i = 0;
    while i < name.len() {
        hash = add(hash, name[i]);
        i += 1;
    }
    hash
}

/// Moves past a word; gives it, and the opcode that it spells.
#[inline(always)]
pub(super) fn read<'a>(cur: &mut Cursor<'a>) -> (&'a [u8], Option<Opcode>) {
    let start = cur.pos;
    let mut hash = SEED;
    let mut end = start;
    while let Some(&byte) = cur.text.get(end)
        && is_word(byte)
    {
        hash = add(hash, byte);
        end += 1;
    }
    cur.pos = end;
    let word = &cur.text[start..end];
    let mut slot = slot(hash);
    loop {
        let code = TABLE[slot];
        if code == EMPTY {
            return (word, None);
        }
        let opcode = ALL[code as usize];
        if opcode.name().as_bytes() == word {
            return (word, Some(opcode));
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
