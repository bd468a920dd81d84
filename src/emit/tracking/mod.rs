//! Where each value is while the code runs, for debug information.
//!
//! Code is emitted after registers are allocated, by whichever allocator. What registers and spill slots hold
//! follows from the allocations and moves alone: while the code is emitted, [`Tracker`] records what is
//! written where, `flow` then finds what each place holds at the start of each block, and from there
//! [`Tracker`] follows the record and notes for each value the ranges in which some place holds it. A value
//! can so be read as long as anything has it, even after its last use, and never where it is not.
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
mod values;

use super::allocated::AllocatedFunction;
use super::buffer::CodeBuffer;
use crate::machine::call_site::Call;
use crate::machine::description::Machine;
use crate::machine::inst::{MachInst, Props, Row};
use crate::machine::reg::{Allocation, OperandConstraint, OperandKind, OperandPos, VBlock};
use crate::machine::variables::Variables;
use crate::machine::vcode::VCode;
use contents::{COPY, Event, Events, FORGET, Held, OVERWRITE, Places, TRAP, set_bits};
use flow::{Entries, differences, held_after};
use ranges::Ranges;
pub(super) use values::Described;

/// Follows the emission of a function. Positions are those of the code buffer.
pub(crate) trait Watch {
    /// Begins a function.
    fn begin(&mut self, _: &AllocatedFunction) {}
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
    /// Whether anybody asks where each virtual register is: it holds a value, or is passed along an edge.
    is_tracked: Vec<bool>,
    events: Events,
    entries: Entries,
    /// What each place holds.
    state: Vec<Held>,
    ranges: Ranges,
    /// Number of out-of-line traps.
    traps: usize,
    /// The pieces of code, by their start: blocks, then out-of-line traps.
    code: Vec<(u32, VBlock)>,
    /// For each of these traps, the block it belongs to and the places that hold anything there.
    trapped: Vec<(VBlock, Vec<(u32, Held)>)>,
    /// Where the calls end that are single instructions of the machine; the code buffer has the others.
    calls: Vec<u32>,
    /// Number of pieces that are blocks.
    blocks: usize,
    /// Where the code ends.
    end: u32,
    values: values::Tables,
}

impl Tracker {
    /// Says where the values and slots of the function are that has been emitted last.
    pub(super) fn variables<M: Machine>(&mut self, described: &Described) -> Variables {
        self.follow(described.vcode);
        let Tracker { ranges, code, values, places, .. } = self;
        let mut variables = described.variables::<M>(ranges, values, (code, self.end), places);
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

    /// Follows what was recorded, and notes the ranges in which places hold virtual registers.
    fn follow(&mut self, vcode: &VCode) {
        self.entries.solve(vcode, self.places.count(), &self.events);
        self.state.clear();
        self.state.resize(self.places.count(), Held::NOTHING);
        self.trapped.clear();
        self.ranges.begin(vcode);
        let events = std::mem::take(&mut self.events);
        for piece in 0..self.blocks {
            let (start, block) = self.code[piece];
            self.enter(block, start);
            for event in events.of(block.index()) {
                self.event(event, &events, block);
            }
        }
        for trap in 0..self.code.len() - self.blocks {
            let (at, block) = &mut self.code[self.blocks + trap];
            let at = *at;
            let Some((owner, held)) = self.trapped.get_mut(trap) else {
                self.forget(at);
                break;
            };
            *block = *owner;
            let held = std::mem::take(held);
            self.forget(at);
            held.into_iter().for_each(|(place, held)| self.put(place as usize, held, at));
        }
        self.code.truncate(self.blocks + self.trapped.len());
        self.forget(self.end);
        self.events = events;
    }

    /// A block begins.
    fn enter(&mut self, block: VBlock, at: u32) {
        let Tracker { entries, state, ranges, .. } = self;
        let Some(entry) = entries.of(block.index()) else { return self.forget(at) };
        differences(state, entry, |place, held, entered| put(held, ranges, place, entered, at));
    }

    #[inline]
    fn event(&mut self, event: &Event, events: &Events, block: VBlock) {
        match event.place {
            TRAP => {
                let held = self.state.iter().zip(0..).filter(|(held, _)| **held != Held::NOTHING);
                self.trapped.push((block, held.map(|(held, place)| (place, *held)).collect()));
            }
            FORGET => self.forget(event.at),
            OVERWRITE => {
                let (_, bits) = events.overwritten[event.held as usize];
                set_bits(bits).for_each(|place| self.put(place, Held::NOTHING, event.at));
            }
            place => self.put(place as usize, held_after(&self.state, event.held), event.at),
        }
    }

    /// Changes what a place holds from a position on.
    #[inline]
    fn put(&mut self, place: usize, held: Held, at: u32) {
        put(&mut self.state[place], &mut self.ranges, place, held, at);
    }

    fn forget(&mut self, at: u32) {
        for place in 0..self.state.len() {
            self.put(place, Held::NOTHING, at);
        }
    }

    /// Ends the events of the block that was last begun.
    fn end_block(&mut self) {
        if let Some((_, block)) = self.code.last().filter(|_| self.blocks == self.code.len()) {
            self.events.of_blocks[block.index()][1] = self.events.all.len() as u32;
        }
    }
}

/// Changes what a place holds from a position on.
#[inline]
fn put(holds: &mut Held, ranges: &mut Ranges, place: usize, held: Held, at: u32) {
    let old = std::mem::replace(holds, held);
    if old == held {
        return;
    }
    if old.is_short() && held.is_short() {
        old.members().for_each(|gone| ranges.leave(gone, place as u32, at));
        held.members().for_each(|come| ranges.arrive(come, place as u32, at));
        return;
    }
    for gone in old.members().filter(|&member| !held.contains(member)) {
        ranges.leave(gone, place as u32, at);
    }
    for come in held.members().filter(|&member| !old.contains(member)) {
        ranges.arrive(come, place as u32, at);
    }
}

/// Whether an instruction may overwrite something before its last byte has run.
fn overwrites_early(emitted: &Emitted) -> bool {
    let is_early = |operand: &crate::machine::reg::Operand| {
        operand.kind() == OperandKind::Def
            && operand.pos() == OperandPos::Early
            && !matches!(operand.constraint(), OperandConstraint::Reuse(_))
    };
    emitted.row.props.any(Props::PSEUDO.or(Props::CALL))
        || emitted.function.vcode.inst_operands(emitted.inst).iter().any(is_early)
}

impl Watch for Tracker {
    fn begin(&mut self, function: &AllocatedFunction) {
        let AllocatedFunction { vcode, output, .. } = *function;
        self.places.begin(output, vcode.blocks.len());
        self.is_tracked.clear();
        self.is_tracked.resize(vcode.vreg_count(), false);
        for [low, high] in vcode.described() {
            self.is_tracked[low.vreg()] = true;
            self.is_tracked[high.vreg()] = true;
        }
        for register in vcode.edge_args.iter().chain(&vcode.params) {
            self.is_tracked[register.vreg()] = true;
        }
        self.events.begin(vcode.blocks.len());
        self.traps = 0;
        self.blocks = 0;
        self.calls.clear();
        self.code.clear();
    }

    fn block(&mut self, block: VBlock, at: u32) {
        self.end_block();
        self.events.of_blocks[block.index()][0] = self.events.all.len() as u32;
        self.code.push((at, block));
        self.blocks = self.code.len();
    }

    fn moved(&mut self, from: Allocation, to: Allocation, at: u32) {
        if let Some(to) = self.places.index(to) {
            self.events.add(at, to, self.places.index(from).map_or(0, |from| COPY | from));
        }
    }

    fn inst(&mut self, emitted: &Emitted) {
        let Emitted { function, inst, row, allocs, start, end, traps } = *emitted;
        if row.props.any(Props::CALL) && !row.props.any(Props::PSEUDO) {
            self.calls.push(end);
        }
        let early = overwrites_early(emitted);
        let is_return = row.props.any(Props::RETURN);
        let gone = if early || is_return { end.min(start + 1) } else { end };
        if row.props.any(Props::CLOBBERS) {
            self.events.overwrite(gone, function.vcode.clobbers(inst, row), &self.places);
        }
        let results = function.vcode.inst_operands(inst).iter().zip(allocs);
        let results = results.filter(|(operand, _)| operand.kind() == OperandKind::Def);
        if early {
            let places = results.clone().filter_map(|(_, alloc)| self.places.index(*alloc));
            places.for_each(|place| self.events.add(gone, place, 0));
        }
        for _ in self.traps..traps {
            self.events.add(start, TRAP, 0);
        }
        self.traps = traps.max(self.traps);
        if is_return {
            self.events.add(gone, FORGET, 0);
            return;
        }
        for (operand, alloc) in results {
            let register = operand.vreg().vreg();
            if let Some(place) = self.places.index(*alloc) {
                self.events.add(end, place, if self.is_tracked[register] { register as u32 + 1 } else { 0 });
            }
        }
    }

    fn trap(&mut self, number: usize, at: u32) {
        self.end_block();
        debug_assert!(number < self.traps && self.code.len() >= self.blocks, "traps come after blocks");
        // The block is known once the record is followed.
        self.code.push((at, VBlock::new(0)));
    }

    fn end(&mut self, at: u32) {
        self.end_block();
        self.end = at;
    }
}
