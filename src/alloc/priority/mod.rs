//! clifc's own register allocator: priority colouring over bitmaps of busy registers.
//!
//! Values that copies connect are put together in *bundles*, and bundles get registers in order of their
//! weight: how often they are used for each position that they live at. Whether a register is free over
//! a bundle's ranges is an OR over words ([`busy`]). A bundle for which none is free is split into
//! *pieces*, each of which gets a register of its own or stays in memory. All that may be a copy
//! (fixed and tied operands, arguments of edges) is one, so that colouring has no other constraints than
//! "a register over these ranges".
//!
//! docs/allocator.md has a worked example.
//!
//! The phases, in order; each is a file:
//!
//! 1. [`flow`]: blocks, loops ([`loops`]), what can be passed over ([`regions`]), how often each block runs.
//! 2. [`scan`]: operands, once: definitions, uses, reserved registers, pairs of values that copies connect.
//! 3. [`live`]: the ranges of positions at which each value lives, for 64 values at a time.
//! 4. [`coalesce`]: bundles of values.
//! 5. [`assign`]: registers for bundles and pieces by weight; [`split`] and [`evict`] where none is free.
//! 6. [`rewrite`]: each operand's register or slot, copies in gaps.
//! 7. [`edges`]: moves on edges and between pieces, stores to spill slots.
//! 8. [`slots`] and [`moves`]: spill slots, the order of parallel copies, and the output.
//!
//! What they work on: [`positions`] and ranges of them, [`registers`] by dense numbers, operands taken apart
//! ([`operand`]), and what is known of [`values`]. Afterwards, [`describe`] says where each value is at each
//! position, and which slots hold values at a call.
//!
//! With low effort ([`Effort`]), pairs of values are taken in the order in which they are found, a block's
//! frequency is that of its level, what finds no register is split into rows of blocks at once, a bundle does
//! not get a register that its own uses reserve, and spill slots are in the order of the text.
//!
//! What holds throughout:
//!
//! 1. Members of a bundle are never live at the same position; they share its registers and its slot.
//! 2. A register's busy bits are its reservations and the ranges of the pieces that have it.
//! 3. A piece begins at a block's start, early in an instruction, or at a definition; what it holds comes
//!    from the piece before it, in the gap of that instruction, or from memory.
//! 4. Uses that one instruction makes of a bundle, those in its gap excepted, are in one piece.
//! 5. A slot has a value from just behind its definition on, if anything reads it: a piece never stores at
//!    its end.
//! 6. What a parallel copy reads is where it is at the gap's own position.
//! 7. A bundle's whole piece has the bundle's number; all other pieces come behind.
//! 8. A definition stands before all blocks that its value is live into.

mod assign;
mod block_set;
mod busy;
mod coalesce;
mod describe;
mod edges;
mod evict;
mod flow;
mod live;
mod loops;
mod moves;
mod operand;
mod positions;
mod regions;
mod registers;
mod rewrite;
mod scan;
mod slots;
mod split;
mod values;

use crate::entity::Span;
use crate::machine::inst::{Props, Row};
use crate::machine::reg::{Allocation, Output, PReg, PRegSet, RegClass, RegisterFile};
use crate::machine::vcode::VCode;
use busy::Busy;
use positions::{Pos, Range};
use registers::{CLASSES, Registers};
use std::fmt;
use values::{END, Use, Values};

/// How much work the allocator does for better code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Effort {
    /// As little as it can: what finds no register is split at once, without a look at what the parts cost.
    #[default]
    Low,
    /// All it can.
    High,
}

/// What is allocated.
pub(super) struct Input<'a> {
    vcode: &'a VCode,
    rows: &'static [Row],
}

/// Two values that would best share a register, and how much that saves.
#[derive(Clone, Copy, Debug)]
struct Tie {
    from: u32,
    to: u32,
    weight: f32,
}

/// Values that are to share a register.
#[derive(Clone, Copy, Debug)]
struct Bundle {
    /// Where any of them lives: in [`State::ranges`].
    ranges: Span,
    /// In [`State::members`].
    members: Span,
    class: RegClass,
    /// How often its uses and definitions run.
    cost: f32,
    /// Whether any of its uses is a copy.
    has_hints: bool,
    /// Whether any is to or from a register that is given.
    has_fixed: bool,
    /// Whether it was split, so that its pieces are to be looked through.
    split: bool,
    /// Whether its first piece with uses has been made; then they are in [`State::uses`].
    sorted: bool,
    /// Its register pieces in order, after allocation: in [`State::places`].
    places: Span,
    /// Whether some part of it was left in memory when it was split.
    loose: bool,
    /// The number of its spill slot, if it has one.
    slot: u32,
}

impl Bundle {
    fn new(
        ranges: Span,
        members: Span,
        class: RegClass,
        cost: f32,
        has_hints: bool,
        has_fixed: bool,
    ) -> Self {
        Bundle {
            ranges,
            members,
            class,
            cost,
            has_hints,
            has_fixed,
            split: false,
            sorted: false,
            places: Span::default(),
            loose: false,
            slot: END,
        }
    }
}

/// A bundle's register over a part of its ranges, after allocation.
#[derive(Clone, Copy, Debug)]
struct Place {
    lo: Pos,
    hi: Pos,
    /// The register's index.
    reg: u8,
}

/// The allocator, with the memory it reuses from function to function.
#[derive(Debug, Default)]
pub(super) struct PriorityAllocator {
    state: State,
}

impl PriorityAllocator {
    /// Allocates registers.
    ///
    /// An error is a defect of lowering or of the allocator.
    pub(super) fn run(
        &mut self,
        vcode: &VCode,
        rows: &'static [Row],
        file: &RegisterFile,
        effort: Effort,
        output: &mut Output,
    ) -> Result<(), String> {
        let state = &mut self.state;
        state.effort = effort;
        let input = Input { vcode, rows };
        state.registers.set_up(file)?;
        state.flow.compute(vcode, effort);
        state.scan(&input)?;
        state.find_ranges()?;
        state.coalesce(&input);
        state.assign()?;
        state.find_places();
        state.rewrite(&input, output)?;
        state.connect(&input)?;
        state.finish(&input, output)
    }
}

impl PriorityAllocator {
    /// Those of some registers that operands or moves of the last run write, and maybe more of them.
    pub(super) fn written(&self, among: PRegSet) -> PRegSet {
        let State { registers, pieces, given, .. } = &self.state;
        let mut written = PRegSet::empty();
        for reg in among {
            let class = reg.class() as usize;
            let is_used = |dense: u8| (pieces.used[class] | given[class]) >> dense & 1 != 0;
            if registers.dense(reg).is_some_and(is_used) {
                written.add(reg);
            }
        }
        written
    }

    /// Describes what the last run decided.
    pub(super) fn describe(
        &self,
        vcode: &VCode,
        rows: &'static [Row],
        name: &dyn Fn(PReg) -> String,
        out: &mut dyn fmt::Write,
    ) -> fmt::Result {
        let is_call = |inst: u32| rows[vcode.insts[inst as usize].row.0 as usize].props.any(Props::CALL);
        self.state.describe(&is_call, name, out)
    }
}

/// Everything about the function being allocated.
#[derive(Debug, Default)]
struct State {
    effort: Effort,
    registers: Registers,
    flow: flow::Flow,
    values: Values,
    ties: Vec<Tie>,
    /// Values that the last instruction of a block defines.
    branch_values: Vec<u32>,
    clobber_masks: Vec<[u32; CLASSES]>,
    /// By class, the registers that operands must be in.
    given: [u32; CLASSES],
    /// By class.
    busy: [Busy; CLASSES],
    ranges: Vec<Range>,
    batches: live::Batches,
    webs: coalesce::Webs,
    sums: Vec<f32>,
    bundles: Vec<Bundle>,
    /// Bundles that were split, in the order in which that happened.
    split_bundles: Vec<u32>,
    /// Members of bundles, by number of virtual register.
    members: Vec<u32>,
    /// Uses of bundles that were split, in order.
    uses: Vec<Use>,
    pieces: assign::Pieces,
    places: Vec<Place>,
    /// By virtual register: its register, or what [`rewrite`] has for other values.
    homes: Vec<Allocation>,
    moves: moves::Moves,
    slots: slots::Slots,
}
