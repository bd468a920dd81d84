//! What registers and spill slots have in common, while a block is emitted.
//!
//! The allocator stores a value to its slot and loads it again without asking whether a register
//! still has it. While a block is emitted, this keeps for each register the slot whose value it has too; a load
//! of such a slot becomes a move or nothing, and a store of what the slot has is left out.
//!
//! Each store to a slot makes what was known of the slot worthless: it gives the slot a new version, which is what
//! registers are compared with, so that they need not be searched.
//!
//! Invariant: slots are written by the allocator's moves only, registers by those and by instructions.

use regalloc2::{Allocation, PReg, PRegSet};

/// What registers agree with; reused from block to block and function to function.
#[derive(Debug)]
pub struct Copies {
    /// By register: a slot and which version of it the register agrees with.
    agrees: [(u32, u32); PReg::NUM_INDEX],
    /// Registers of which that holds.
    known: PRegSet,
    slots: Vec<Slot>,
}

/// A spill slot.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// How often it was written.
    version: u32,
    /// The last register that agreed with it.
    holder: PReg,
}

impl Default for Copies {
    fn default() -> Self {
        Copies { agrees: [(0, 0); PReg::NUM_INDEX], known: PRegSet::empty(), slots: Vec::new() }
    }
}

impl Copies {
    /// Forgets everything: at the start of a block.
    pub fn clear(&mut self) {
        self.known = PRegSet::empty();
    }

    /// Makes room for a function's slots.
    pub fn begin(&mut self, slots: usize) {
        self.clear();
        self.slots.clear();
        self.slots.resize(slots, Slot { version: 0, holder: PReg::invalid() });
    }

    /// Whether anything is known.
    pub fn is_empty(&self) -> bool {
        self.known == PRegSet::empty()
    }

    /// What a move from `from` to `to` can be done by instead: another source, or `None` if it is not needed.
    pub fn replace(&mut self, from: Allocation, to: Allocation) -> Option<Allocation> {
        match (from.as_reg(), to.as_reg(), from.as_stack(), to.as_stack()) {
            (Some(reg), _, _, Some(slot)) => {
                let slot = slot.index();
                if self.agree(reg, slot) {
                    return None;
                }
                self.slots[slot].version += 1;
                self.learn(reg, slot);
                Some(from)
            }
            (_, Some(reg), Some(slot), _) => {
                let slot = slot.index();
                if self.agree(reg, slot) {
                    return None;
                }
                let holder = self.slots[slot].holder;
                let held =
                    holder != PReg::invalid() && holder.class() == reg.class() && self.agree(holder, slot);
                self.learn(reg, slot);
                Some(if held { Allocation::reg(holder) } else { from })
            }
            (Some(source), Some(reg), _, _) => {
                match self.known.contains(source) {
                    true => {
                        self.agrees[reg.index()] = self.agrees[source.index()];
                        self.known.add(reg);
                    }
                    false => self.forget(reg),
                }
                Some(from)
            }
            _ => Some(from),
        }
    }

    /// An instruction writes a register.
    #[inline]
    pub fn forget(&mut self, reg: PReg) {
        self.known.remove(reg);
    }

    /// An instruction writes several.
    #[inline]
    pub fn forget_all(&mut self, regs: PRegSet) {
        self.known.intersect_from(regs.invert());
    }

    /// Whether a register has what a slot has.
    #[inline]
    fn agree(&self, reg: PReg, slot: usize) -> bool {
        self.known.contains(reg) && self.agrees[reg.index()] == (slot as u32, self.slots[slot].version)
    }

    fn learn(&mut self, reg: PReg, slot: usize) {
        self.agrees[reg.index()] = (slot as u32, self.slots[slot].version);
        self.slots[slot].holder = reg;
        self.known.add(reg);
    }
}
