//! Removal of redundant moves between registers and spill slots.
//!
//! The allocator spills and reloads values without checking whether a register still holds them. While a
//! block is emitted, [`Copies`] tracks which registers and slots hold the same value. A reload of a value
//! that a register holds becomes a copy or nothing, and a store of the value that the slot holds already is
//! left out.
//!
//! Values are numbered: a register or slot of unknown value gets a new number when it is first moved. Each
//! register and slot records the number of its current value, so that a write to one does not affect the
//! others, and forgetting needs no search. Numbers given in earlier blocks count as unknown.
//!
//! Invariant: only the allocator's moves write slots; these and instructions write registers.

use crate::machine::reg::{Allocation, PReg, PRegSet};

/// A value's number, or [`UNKNOWN`].
type ValueNumber = u32;

const UNKNOWN: ValueNumber = 0;

/// The values of registers and slots; reused from function to function.
#[derive(Debug)]
pub struct Copies {
    regs: [ValueNumber; PReg::NUM_INDEX],
    slots: Vec<Slot>,
    /// The last number that was given.
    last: ValueNumber,
    /// The last number that was given in earlier blocks.
    old: ValueNumber,
    /// The allocatable registers.
    all: PRegSet,
}

/// The value of a spill slot.
#[derive(Clone, Copy, Debug)]
struct Slot {
    value: ValueNumber,
    /// The register that held the value last.
    holder: PReg,
}

impl Default for Copies {
    fn default() -> Self {
        Copies {
            regs: [UNKNOWN; PReg::NUM_INDEX],
            slots: Vec::new(),
            last: UNKNOWN,
            old: UNKNOWN,
            all: PRegSet::empty(),
        }
    }
}

impl Copies {
    /// Forgets everything, at the start of a block.
    pub(crate) fn clear(&mut self) {
        self.old = self.last;
    }

    /// Begins a function with this many slots and these allocatable registers. A
    /// register of unknown value that is copied gets a number, so that copying it back is found to be
    /// redundant.
    pub(crate) fn begin(&mut self, slots: usize, all: PRegSet) {
        self.all = all;
        self.regs = [UNKNOWN; PReg::NUM_INDEX];
        (self.last, self.old) = (UNKNOWN, UNKNOWN);
        self.slots.clear();
        self.slots.resize(slots, Slot { value: UNKNOWN, holder: PReg::invalid() });
    }

    /// Whether nothing is known.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.last == self.old
    }

    /// Records a move and returns the best source for it, or `None` if the move is redundant.
    #[inline]
    pub(crate) fn replace(&mut self, from: Allocation, to: Allocation) -> Option<Allocation> {
        match (from.as_reg(), to.as_reg()) {
            (Some(source), Some(reg)) => {
                let value = self.value_of(source);
                let old = std::mem::replace(&mut self.regs[reg.index()], value);
                (old != value).then_some(from)
            }
            (Some(reg), None) => self.store(reg, to.index()).then_some(from),
            (None, Some(reg)) => self.load(from, reg),
            (None, None) => Some(from),
        }
    }

    /// Records a store and returns whether it is needed.
    fn store(&mut self, reg: PReg, slot: usize) -> bool {
        let value = self.value_of(reg);
        let slot = &mut self.slots[slot];
        let differs = slot.value != value;
        *slot = Slot { value, holder: reg };
        differs
    }

    /// Records a load and returns its best source, or `None` if the register has the value already.
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

    /// The value in a register, which gets a number if it has none.
    fn value_of(&mut self, reg: PReg) -> ValueNumber {
        let value = self.regs[reg.index()];
        if value > self.old {
            return value;
        }
        let value = self.new_value();
        self.regs[reg.index()] = value;
        value
    }

    fn new_value(&mut self) -> ValueNumber {
        self.last += 1;
        self.last
    }

    /// Forgets the value of a register, when an instruction writes it.
    #[inline]
    pub(crate) fn forget(&mut self, reg: PReg) {
        self.regs[reg.index()] = UNKNOWN;
    }

    /// Forgets the values of several registers.
    pub(crate) fn forget_all(&mut self, mut regs: PRegSet) {
        regs.intersect_from(self.all);
        for reg in regs {
            self.forget(reg);
        }
    }
}
