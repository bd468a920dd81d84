//! From an opcode's text to the opcode: a hash table made of the opcode table when clifc is compiled.

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
        let mut slot = hash(ALL[code].name().as_bytes());
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = code as u8;
        code += 1;
    }
    table
};

#[inline]
const fn hash(name: &[u8]) -> usize {
    let mut hash = 0u32;
    let mut i = 0;
    while i < name.len() {
        hash = (hash ^ name[i] as u32).wrapping_mul(0x9e37_79b1);
        i += 1;
    }
    (hash >> 22) as usize % SLOTS
}

/// The opcode that `name` spells.
#[inline]
pub(super) fn lookup(name: &[u8]) -> Option<Opcode> {
    let mut slot = hash(name);
    loop {
        let code = TABLE[slot];
        if code == EMPTY {
            return None;
        }
        let opcode = ALL[code as usize];
        if opcode.name().as_bytes() == name {
            return Some(opcode);
        }
        slot = (slot + 1) % SLOTS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opcode_is_found() {
        for &opcode in ALL {
            assert_eq!(lookup(opcode.name().as_bytes()), Some(opcode));
        }
        assert_eq!(lookup(b""), None);
        assert_eq!(lookup(b"iaddd"), None);
    }
}
