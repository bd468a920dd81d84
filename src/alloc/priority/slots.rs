//! Spill slots: one for each bundle that has anything in memory, shared by bundles that do not live in the
//! same part of the function. Those that are accessed most are nearest to the stack pointer, where
//! displacements are short.

use super::values::END;
use super::{Effort, State};
use crate::machine::reg::{RegClass, spill_units};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Working memory.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// Bundles with a slot: start, end (exclusive), number of the bundle.
    bundles: Vec<(u32, u32, u32)>,
    /// By width: slots in use, the one that is free first on top.
    used: [BinaryHeap<Reverse<(u32, u32)>>; 2],
    /// By width: free slots, the lowest on top.
    free: [BinaryHeap<Reverse<u32>>; 2],
    /// How many units there are.
    pub(super) count: u32,
    /// While numbers are given: of each slot, its width, how often it is accessed, and its number.
    all: Vec<Slot>,
    order: Vec<u32>,
}

/// A slot.
#[derive(Clone, Copy, Debug)]
struct Slot {
    width: u32,
    accesses: u32,
    number: u32,
}

impl Slots {
    /// A slot that nothing else has.
    pub(super) fn fresh(&mut self, class: RegClass) -> u32 {
        let width = spill_units(class) as u32;
        let slot = self.count.next_multiple_of(width);
        self.count = slot + width;
        slot
    }
}

impl State {
    /// Gives slots to all bundles with a member that is stored.
    #[inline(never)]
    pub(super) fn assign_slots(&mut self) {
        let slots = &mut self.slots;
        slots.count = 0;
        slots.all.clear();
        slots.bundles.clear();
        for &number in &self.split_bundles {
            let bundle = &self.bundles[number as usize];
            let members = bundle.members.of(&self.members);
            if members.iter().any(|&member| self.values.all[member as usize].stored) {
                let ranges = bundle.ranges.of(&self.ranges);
                slots.bundles.push((ranges[0].from, ranges[ranges.len() - 1].to, number));
            }
        }
        slots.bundles.sort_unstable();
        for heap in &mut slots.used {
            heap.clear();
        }
        for heap in &mut slots.free {
            heap.clear();
        }
        for at in 0..slots.bundles.len() {
            let (from, to, number) = slots.bundles[at];
            let bundle = &mut self.bundles[number as usize];
            debug_assert_eq!(bundle.slot, END, "a bundle has one slot");
            let width = spill_units(bundle.class) as u32;
            let kind = width as usize - 1;
            while let Some(&Reverse((end, slot))) = slots.used[kind].peek()
                && end <= from
            {
                slots.used[kind].pop();
                slots.free[kind].push(Reverse(slot));
            }
            let slot = match slots.free[kind].pop() {
                Some(Reverse(slot)) => slot,
                None => {
                    slots.all.push(Slot { width, accesses: 0, number: 0 });
                    slots.all.len() as u32 - 1
                }
            };
            slots.used[kind].push(Reverse((to, slot)));
            bundle.slot = slot;
        }
        self.number_slots();
    }

    /// Numbers the slots, with high effort those with most accesses first.
    fn number_slots(&mut self) {
        let slots = &mut self.slots.all;
        self.slots.order.clear();
        self.slots.order.extend(0..slots.len() as u32);
        if self.effort == Effort::High {
            for location in self.moves.in_memory() {
                slots[self.bundles[location as usize].slot as usize].accesses += 1;
            }
            self.slots.order.sort_by_key(|&slot| Reverse(slots[slot as usize].accesses));
        }
        let mut odd = None;
        let mut count = 0u32;
        for &slot in &self.slots.order {
            let slot = &mut slots[slot as usize];
            let wide = slot.width > 1;
            slot.number = match odd.filter(|_| !wide) {
                Some(number) => {
                    odd = None;
                    number
                }
                None => {
                    let number = count.next_multiple_of(slot.width);
                    if number != count {
                        odd = Some(count);
                    }
                    count = number + slot.width;
                    number
                }
            };
        }
        self.slots.count = count;
        for &(_, _, bundle) in &self.slots.bundles {
            let bundle = &mut self.bundles[bundle as usize];
            bundle.slot = slots[bundle.slot as usize].number;
        }
    }
}
