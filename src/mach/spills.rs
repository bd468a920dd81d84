//! What registers and spill slots have in common, while a block is emitted.
//!
//! The allocator stores a value to its slot and loads it again without asking whether a register
//! still has it. While a block is emitted, this keeps for each register the slot whose value it has too; a load
//! of such a slot becomes a move or nothing, and a store of what the slot has is left out.
//!
//! Invariant: slots are written by the allocator's moves only, registers by those and by instructions.

use regalloc2::{Allocation, PReg, PRegSet};

const NONE: u32 = u32::MAX;

/// The slot each register agrees with.
#[derive(Debug)]
pub struct Copies {
    slots: [u32; PReg::NUM_INDEX],
    /// Registers that agree with a slot.
    known: PRegSet,
}

impl Default for Copies {
    fn default() -> Self {
        Copies { slots: [NONE; PReg::NUM_INDEX], known: PRegSet::empty() }
    }
}

impl Copies {
    /// Forgets everything: at the start of a block.
    pub fn clear(&mut self) {
        self.known = PRegSet::empty();
    }

    /// Whether anything is known.
    pub fn is_empty(&self) -> bool {
        self.known == PRegSet::empty()
    }

    /// What a move from `from` to `to` can be done by instead: another source, or `None` if it is not needed.
    pub fn replace(&mut self, from: Allocation, to: Allocation) -> Option<Allocation> {
        match (from.as_reg(), to.as_reg(), from.as_stack(), to.as_stack()) {
            (Some(reg), _, _, Some(slot)) => {
                let slot = slot.index() as u32;
                if self.known.contains(reg) && self.slots[reg.index()] == slot {
                    return None;
                }
                self.forget_slot(slot);
                self.learn(reg, slot);
                Some(from)
            }
            (_, Some(reg), Some(slot), _) => {
                let slot = slot.index() as u32;
                let holder = self
                    .known
                    .into_iter()
                    .find(|known| self.slots[known.index()] == slot && known.class() == reg.class());
                self.learn(reg, slot);
                match holder {
                    Some(holder) if holder == reg => None,
                    Some(holder) => Some(Allocation::reg(holder)),
                    None => Some(from),
                }
            }
            (Some(source), Some(reg), _, _) => {
                match self.known.contains(source) {
                    true => self.learn(reg, self.slots[source.index()]),
                    false => self.forget(reg),
                }
                Some(from)
            }
            _ => Some(from),
        }
    }

    /// An instruction writes a register.
    pub fn forget(&mut self, reg: PReg) {
        self.known.remove(reg);
    }

    /// An instruction writes several.
    pub fn forget_all(&mut self, regs: PRegSet) {
        self.known.intersect_from(regs.invert());
    }

    fn learn(&mut self, reg: PReg, slot: u32) {
        self.slots[reg.index()] = slot;
        self.known.add(reg);
    }

    fn forget_slot(&mut self, slot: u32) {
        for reg in self.known {
            if self.slots[reg.index()] == slot {
                self.known.remove(reg);
            }
        }
    }
}
