//! Interns memory flags: a hash table from packed flags to their reference, so that the cost of each access
//! does not grow with the number of different flags in the function.

use crate::ir::{Endianness, MemFlags, MemFlagsRef};

const MIN_SLOTS: usize = 64;

/// A hash table with open addressing. Keys are packed flags; a zero key marks an empty slot.
#[derive(Debug, Default)]
pub(super) struct FlagTable {
    slots: Vec<(u64, u32)>,
    used: usize,
    last: (u64, u32),
}

impl FlagTable {
    /// Empties the table, and shrinks it so that emptying it for the next function is cheap.
    pub fn clear(&mut self) {
        if self.used > 0 {
            self.slots.truncate(MIN_SLOTS);
            self.slots.fill((0, 0));
        }
        self.used = 0;
        self.last = (0, 0);
    }

    /// Enters flags that have references already: the n-th has reference n.
    pub fn fill<'a>(&mut self, known: impl Iterator<Item = &'a MemFlags>) {
        for (n, &flags) in known.enumerate() {
            self.intern(flags, |_| MemFlagsRef(n as u32));
        }
    }

    /// The reference of `flags`. Calls `add` to make one if they are new.
    #[inline]
    pub fn intern(&mut self, flags: MemFlags, add: impl FnOnce(MemFlags) -> MemFlagsRef) -> MemFlagsRef {
        let key = pack(&flags);
        if self.last.0 == key {
            return MemFlagsRef(self.last.1);
        }
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.slot(key);
        if self.slots[slot].0 == 0 {
            self.slots[slot] = (key, add(flags).0);
            self.used += 1;
        }
        self.last = self.slots[slot];
        MemFlagsRef(self.last.1)
    }

    /// The slot that holds `key`, or else the empty slot where it belongs.
    fn slot(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.slots[slot].0 != key && self.slots[slot].0 != 0 {
            slot = (slot + 1) & mask;
        }
        slot
    }

    #[cold]
    fn grow(&mut self) {
        let bigger = vec![(0, 0); (self.slots.len() * 2).max(MIN_SLOTS)];
        for entry in std::mem::replace(&mut self.slots, bigger) {
            if entry.0 != 0 {
                let slot = self.slot(entry.0);
                self.slots[slot] = entry;
            }
        }
    }
}

/// Packs flags in a word that is never zero.
fn pack(flags: &MemFlags) -> u64 {
    let endianness = match flags.endianness {
        None => 0,
        Some(Endianness::Little) => 1,
        Some(Endianness::Big) => 2,
    };
    1 << 63
        | flags.trap.map_or(0, |code| code.0 as u64)
        | (flags.aligned as u64) << 8
        | (flags.readonly as u64) << 9
        | (flags.can_move as u64) << 10
        | endianness << 11
        | flags.region.map_or(0, |region| region.0 as u64 + 1) << 13
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Region;

    #[test]
    fn equal_flags_share_a_reference() {
        let mut table = FlagTable::default();
        for round in 0..2 {
            let mut all = Vec::new();
            for i in 0..2000u32 {
                let flags =
                    MemFlags { region: Some(Region(i % 1000)), aligned: round == 1, ..Default::default() };
                let found = table.intern(flags, |new| {
                    all.push(new);
                    MemFlagsRef(all.len() as u32 - 1)
                });
                assert_eq!(found.0, i % 1000);
            }
            assert_eq!(all.len(), 1000);
            table.clear();
        }
    }
}
