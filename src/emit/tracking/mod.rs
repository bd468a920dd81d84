//! Where each value is while the code runs, for debug information.
//!
//! Code is emitted after registers are allocated, by whichever allocator. What registers and spill slots hold
//! follows from the allocations and moves alone: `flow` finds what each holds at the start of each block,
//! and [`Tracker`] then follows the code as it is emitted, and notes for each value the ranges in which some
//! place holds it. A value can so be read as long as anything has it, even after its last use, and never
//! where it is not.
//!
//! What an instruction overwrites is gone when it has run. If it is several instructions of the machine, or a
//! call, it is gone behind the first byte: there is where it is while its parts run, and where debuggers look
//! for the values of a caller, one byte before the return address.
//!
//! Without debug information, functions are emitted with the `Watch` that does nothing.

mod contents;
mod flow;
mod ranges;
mod scopes;

use super::buffer::CodeBuffer;
use super::function::AllocatedFunction;
use crate::machine::call_site::Call;
use crate::machine::description::Machine;
use crate::machine::inst::{MachInst, Props, Row};
use crate::machine::reg::{Allocation, OperandConstraint, OperandKind, OperandPos, VBlock};
use crate::machine::variables::Variables;
use contents::{NOTHING, Places, SetId, Sets, visit_writes};
use flow::{Entries, next_difference};
pub(super) use ranges::Described;
use ranges::Ranges;

/// Follows the emission of a function. Positions are those of the code buffer.
pub(crate) trait Watch {
    /// Begins a function.
    fn begin(&mut self, _: &AllocatedFunction, _: &'static [Row]) {}
    /// A block begins.
    fn block(&mut self, _: VBlock, _at: u32) {}
    /// A move of the allocator has been emitted, or was not needed.
    fn moved(&mut self, _from: Allocation, _to: Allocation, _at: u32) {}
    /// An instruction has been emitted.
    fn inst(&mut self, _: &Emitted) {}
    /// An out-of-line trap begins, by its number.
    fn trap(&mut self, _: usize, _at: u32) {}
    /// The code ends.
    fn end(&mut self, _at: u32) {}
}

impl Watch for () {}

/// An instruction that has been emitted.
pub(crate) struct Emitted<'a> {
    pub(crate) function: &'a AllocatedFunction<'a>,
    pub(crate) inst: &'a MachInst,
    pub(crate) row: &'static Row,
    pub(crate) allocs: &'a [Allocation],
    /// Where its code begins.
    pub(crate) start: u32,
    /// Where its code ends.
    pub(crate) end: u32,
    /// How many out-of-line traps there are, with its own.
    pub(crate) traps: usize,
}

/// Notes where values are.
#[derive(Default)]
pub struct Tracker {
    places: Places,
    sets: Sets,
    entries: Entries,
    /// What each place holds.
    state: Vec<SetId>,
    ranges: Ranges,
    /// For each out-of-line trap, the block it belongs to and the places that hold anything there.
    traps: Vec<(VBlock, Vec<(u32, SetId)>)>,
    /// The pieces of code, by their start: blocks, and out-of-line traps.
    code: Vec<(u32, VBlock)>,
    /// Where the calls end that are single instructions of the machine; the code buffer has the others.
    calls: Vec<u32>,
    /// Where the code ends.
    end: u32,
}

impl Tracker {
    /// Says where the values and slots of the function are that has been emitted last.
    pub(super) fn variables<M: Machine>(&mut self, described: &Described) -> Variables {
        let mut variables = described.variables::<M>(&mut self.ranges, &self.code, (self.end, self.places));
        variables.calls = self.calls(described.buffer);
        variables
    }

    /// The calls of the function that has been emitted last.
    fn calls(&self, buffer: &CodeBuffer) -> Vec<Call> {
        let single = self.calls.iter().map(|&end| Call { end, is_tail: false });
        let mut calls: Vec<Call> = single.chain(buffer.calls.iter().copied()).collect();
        calls.sort_unstable_by_key(|call| call.end);
        calls.iter_mut().for_each(|call| call.end = buffer.place(call.end));
        calls
    }

    /// Changes what a place holds from a position on.
    fn put(&mut self, place: usize, set: SetId, at: u32) {
        let old = std::mem::replace(&mut self.state[place], set);
        if old == set {
            return;
        }
        if self.sets.is_short(old) && self.sets.is_short(set) {
            if let Some(gone) = old.checked_sub(1) {
                self.ranges.leave(gone, place as u32, at);
            }
            if let Some(come) = set.checked_sub(1) {
                self.ranges.arrive(come, place as u32, at);
            }
            return;
        }
        let (mut first, mut second) = (0, 0);
        let (old, new) = (self.sets.members(old, &mut first), self.sets.members(set, &mut second));
        for &gone in old.iter().filter(|member| !new.contains(member)) {
            self.ranges.leave(gone, place as u32, at);
        }
        for &come in new.iter().filter(|member| !old.contains(member)) {
            self.ranges.arrive(come, place as u32, at);
        }
    }

    fn clear(&mut self, at: u32) {
        for place in 0..self.state.len() {
            self.put(place, NOTHING, at);
        }
    }
}

/// Whether an instruction may overwrite something before its last byte has run.
fn overwrites_early(emitted: &Emitted) -> bool {
    let operands = emitted.function.vcode.inst_operands(emitted.inst);
    let is_early = |operand: &crate::machine::reg::Operand| {
        operand.kind() == OperandKind::Def
            && operand.pos() == OperandPos::Early
            && !matches!(operand.constraint(), OperandConstraint::Reuse(_))
    };
    emitted.row.props.any(Props::PSEUDO.or(Props::CALL)) || operands.iter().any(is_early)
}

impl Watch for Tracker {
    fn begin(&mut self, function: &AllocatedFunction, rows: &'static [Row]) {
        let AllocatedFunction { vcode, output, .. } = *function;
        self.places = Places::new(output, vcode.blocks.len());
        self.sets.begin(vcode);
        self.entries.solve(function, rows, self.places, &mut self.sets);
        self.state.clear();
        self.state.resize(self.places.count(), NOTHING);
        self.traps.clear();
        self.calls.clear();
        self.code.clear();
        let wanted = vcode.described.iter().flat_map(|(_, parts)| parts.map(|reg| reg.vreg()));
        self.ranges.begin(vcode.vreg_count(), wanted);
    }

    fn block(&mut self, block: VBlock, at: u32) {
        self.code.push((at, block));
        let entries = std::mem::take(&mut self.entries);
        match entries.of(block.index()) {
            None => self.clear(at),
            Some(entry) => {
                let mut from = 0;
                while let Some(place) = next_difference(&self.state, entry, from) {
                    self.put(place, entry[place], at);
                    from = place + 1;
                }
            }
        }
        self.entries = entries;
    }

    fn moved(&mut self, from: Allocation, to: Allocation, at: u32) {
        if let Some(to) = self.places.index(to) {
            let set = self.places.index(from).map_or(NOTHING, |from| self.state[from]);
            self.put(to, set, at);
        }
    }

    fn inst(&mut self, emitted: &Emitted) {
        let Emitted { function, inst, row, allocs, start, end, traps } = *emitted;
        if row.props.any(Props::CALL) && !row.props.any(Props::PSEUDO) {
            self.calls.push(end);
        }
        let early = overwrites_early(emitted);
        if early {
            let at = end.min(start + 1);
            let places = self.places;
            visit_writes(function.vcode, inst, row, allocs, places, |place, _| self.put(place, NOTHING, at));
        }
        while self.traps.len() < traps {
            let held = self.state.iter().enumerate().filter(|(_, set)| **set != NOTHING);
            let held = held.map(|(place, set)| (place as u32, *set)).collect();
            self.traps.push((self.code[self.code.len() - 1].1, held));
        }
        if row.props.any(Props::RETURN) {
            return self.clear(end.min(start + 1));
        }
        let places = self.places;
        visit_writes(function.vcode, inst, row, allocs, places, |place, register| {
            let set = register.map_or(NOTHING, |register| self.sets.single(register));
            self.put(place, set, end);
        });
    }

    fn trap(&mut self, number: usize, at: u32) {
        self.clear(at);
        let Some((block, held)) = self.traps.get_mut(number) else { return };
        self.code.push((at, *block));
        for (place, set) in std::mem::take(held) {
            self.put(place as usize, set, at);
        }
    }

    fn end(&mut self, at: u32) {
        self.end = at;
        self.clear(at);
    }
}
