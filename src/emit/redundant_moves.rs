//! What registers and spill slots have in common, while a block is emitted.
//!
//! The allocator stores a value to its slot and loads it again without asking whether a register still has
//! it. While a block is emitted, this knows which registers and slots have the same value; a load of a slot
//! whose value a register has becomes a move or nothing, and a store of what the slot has is left out.
//!
//! A value is a number, given when a register or slot of unknown value is first moved. What a register or
//! slot has is the last value it was given, so that a write to one says nothing of others, and they need not
//! be searched. Numbers up to those of earlier blocks are of no known value.
//!
//! Invariant: slots are written by the allocator's moves only, registers by those and by instructions.

use crate::machine::reg::{Allocation, PReg, PRegSet};

/// A value's number; [`NOTHING`] if nothing is known of it.
type Number = u32;

const NOTHING: Number = 0;

/// The values of registers and slots; reused from block to block and function to function.
#[derive(Debug)]
pub struct Copies {
    regs: [Number; PReg::NUM_INDEX],
    slots: Vec<Slot>,
    /// The last number there is.
    last: Number,
    /// The last number of earlier blocks.
    old: Number,
    /// The registers there are.
    all: PRegSet,
}

/// A spill slot.
#[derive(Clone, Copy, Debug)]
struct Slot {
    value: Number,
    /// The last register that had the value.
    holder: PReg,
}

impl Default for Copies {
    fn default() -> Self {
        Copies {
            regs: [NOTHING; PReg::NUM_INDEX],
            slots: Vec::new(),
            last: NOTHING,
            old: NOTHING,
            all: PRegSet::empty(),
        }
    }
}

impl Copies {
    /// Forgets everything: at the start of a block.
    pub fn clear(&mut self) {
        self.old = self.last;
    }

    /// Makes room for a function's slots. The allocator has the registers `all`.
    pub fn begin(&mut self, slots: usize, all: PRegSet) {
        self.all = all;
        self.regs = [NOTHING; PReg::NUM_INDEX];
        (self.last, self.old) = (NOTHING, NOTHING);
        self.slots.clear();
        self.slots.resize(slots, Slot { value: NOTHING, holder: PReg::invalid() });
    }

    /// Whether nothing is known.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.last == self.old
    }

    /// What a move from `from` to `to` can be done by instead: another source, or `None` if it is not needed.
    #[inline]
    pub fn replace(&mut self, from: Allocation, to: Allocation) -> Option<Allocation> {
        match (from.as_reg(), to.as_reg()) {
            (Some(source), Some(reg)) => {
                self.regs[reg.index()] = self.regs[source.index()];
                Some(from)
            }
            (Some(reg), None) => self.store(reg, to.index()).then_some(from),
            (None, Some(reg)) => self.load(from, reg),
            (None, None) => Some(from),
        }
    }

    /// Whether the register's value is not in the slot yet.
    fn store(&mut self, reg: PReg, slot: usize) -> bool {
        let mut value = self.regs[reg.index()];
        if value <= self.old {
            value = self.new_value();
            self.regs[reg.index()] = value;
        }
        let slot = &mut self.slots[slot];
        let differs = slot.value != value;
        *slot = Slot { value, holder: reg };
        differs
    }

    /// Where to load a slot's value from, if the register does not have it yet.
    fn load(&mut self, from: Allocation, reg: PReg) -> Option<Allocation> {
        let Slot { mut value, holder } = self.slots[from.index()];
        let mut source = from;
        if value <= self.old {
            value = self.new_value();
        } else if self.regs[reg.index()] == value {
            return None;
        } else if self.regs[holder.index()] == value && holder.class() == reg.class() {
            source = Allocation::reg(holder);
        }
        self.slots[from.index()] = Slot { value, holder: reg };
        self.regs[reg.index()] = value;
        Some(source)
    }

    fn new_value(&mut self) -> Number {
        self.last += 1;
        self.last
    }

    /// An instruction writes a register.
    #[inline]
    pub fn forget(&mut self, reg: PReg) {
        self.regs[reg.index()] = NOTHING;
    }

    /// An instruction writes several.
    pub fn forget_all(&mut self, mut regs: PRegSet) {
        regs.intersect_from(self.all);
        for reg in regs {
            self.forget(reg);
        }
    }
}
