//! Moves that connect pieces with each other, with memory, and over edges; and the stores to spill slots.
//!
//! An edge's moves are at the end of its source if that has no other successor, else at the start of its
//! destination. Arguments are moved to their parameters; a value that lives on is moved if its bundle was
//! split and its destination's piece does not reach back to the end of the source. What is in memory at the
//! start of a block was stored at its definition.
//!
//! A value is stored if anything reads it from its slot. A parameter that begins in memory is stored by the
//! edges, or was, if the argument shares its slot and is stored itself.

use super::moves::{Group, Location};
use super::positions::{covers, inst_of};
use super::rewrite::is_register;
use super::values::Definition;
use super::{Input, State};
use crate::machine::vcode::Edge;

/// An argument and the parameter it is passed to, and the blocks that the edge connects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub(super) arg: u32,
    pub(super) param: u32,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// An argument of an edge that may be read from memory, or stored to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    passed: Passed,
    /// Where the argument is, and where the parameter begins.
    source: Location,
    target: Location,
}

impl State {
    /// Adds all moves but those of operands.
    #[inline(never)]
    pub(super) fn connect(&mut self, input: &Input) -> Result<(), String> {
        for at in 0..self.split_bundles.len() {
            self.connect_pieces(input, self.split_bundles[at] as usize)?;
        }
        let mut pending = std::mem::take(&mut self.moves.pending);
        pending.clear();
        if !input.vcode.edge_args.is_empty() {
            for block in 0..input.vcode.blocks.len() {
                self.pass_in_registers(input, block, &mut pending)?;
            }
        }
        self.find_stored(input, &pending);
        for one in &pending {
            self.pass(input, one)?;
        }
        self.moves.pending = pending;
        for at in 0..self.branch_values.len() {
            self.pass_result(input, self.branch_values[at])?;
        }
        for at in 0..self.moves.stored.len() {
            self.store(input, self.moves.stored[at]);
        }
        Ok(())
    }

    /// Where the moves of an edge are.
    fn edge_point(&self, input: &Input, from: usize, to: usize) -> Result<(u32, Group), String> {
        let blocks = &input.vcode.blocks;
        if blocks[to].preds.end - blocks[to].preds.start == 1 {
            return Ok((blocks[to].insts.start, Group::Entry));
        }
        let last = blocks[from].insts.end - 1;
        let branch = &input.vcode.insts[last as usize];
        if blocks[from].edges.end - blocks[from].edges.start != 1 || branch.operand_count != 0 {
            return Err(format!("the edge from block {from} to block {to} is critical"));
        }
        Ok((last, Group::Exit))
    }

    /// Brings values into the pieces of a bundle.
    fn connect_pieces(&mut self, input: &Input, bundle: usize) -> Result<(), String> {
        let (members, places) = (self.bundles[bundle].members, self.bundles[bundle].places);
        for member in members.start..members.end {
            let vreg = self.members[member as usize];
            for at in self.values.all[vreg as usize].ranges.start..self.values.all[vreg as usize].ranges.end {
                let range = self.ranges[at as usize];
                let first = places.of(&self.places).partition_point(|place| place.hi <= range.from) as u32;
                for place in places.start + first..places.end {
                    let place = self.places[place as usize];
                    let part = range.clip(place.lo, place.hi);
                    if part.from >= part.to {
                        break;
                    }
                    let mut block = self.flow.block_at(part.from) as usize;
                    if self.flow.blocks[block].start < part.from {
                        if part.from > range.from {
                            let from = self.location(vreg, part.from - 1);
                            self.bring(vreg, from, inst_of(part.from), Group::Gap, place.reg);
                        }
                        block += 1;
                    }
                    self.enter_blocks(input, vreg, block, part.to, (place.lo, place.hi, place.reg))?;
                }
            }
        }
        Ok(())
    }

    /// Brings a value into a piece's register on the edges to blocks from `block` on that begin before `end`.
    fn enter_blocks(
        &mut self,
        input: &Input,
        vreg: u32,
        mut block: usize,
        end: u32,
        place: (u32, u32, u8),
    ) -> Result<(), String> {
        let value = self.values.all[vreg as usize];
        let (lo, hi, reg) = place;
        while block < self.flow.blocks.len() && self.flow.blocks[block].start < end {
            let inner = self.flow.entered_within(block, lo, hi);
            if inner > 0 {
                block += inner;
                continue;
            }
            let start = self.flow.blocks[block].start;
            if value.definition == Definition::Param && value.def == start {
                block += 1;
                continue;
            }
            for at in 0..self.flow.preds(block).len() {
                let pred = self.flow.preds(block)[at].index();
                let end = self.flow.blocks[pred].end;
                let by_branch = value.definition == Definition::Branch && pred == value.block as usize;
                if by_branch || lo < end && end <= hi {
                    continue;
                }
                let (point, group) = self.edge_point(input, pred, block)?;
                let from = self.location(vreg, end - 1);
                self.bring(vreg, from, point, group, reg);
            }
            block += 1;
        }
        Ok(())
    }

    fn bring(&mut self, vreg: u32, from: Location, inst: u32, group: Group, reg: u8) {
        if from.reg().is_none() {
            self.read_slot(vreg);
        }
        self.moves.add(inst, group, from, Location::register(reg));
    }

    /// Finds which parameters and arguments are stored because parameters in memory are read.
    fn find_stored(&mut self, input: &Input, pending: &[Pending]) {
        for one in pending {
            if one.target.reg().is_some() && one.source.reg().is_none() {
                self.read_slot(one.passed.arg);
            }
        }
        while let Some(param) = self.moves.stored_params.pop() {
            let value = self.values.all[param as usize];
            if self.location(param, value.def).reg().is_some() {
                continue;
            }
            for at in 0..self.flow.preds(value.block as usize).len() {
                let pred = self.flow.preds(value.block as usize)[at].index();
                for edge in edges(input, pred).iter().filter(|edge| edge.to.index() == value.block as usize) {
                    let arg = input.vcode.edge_args[(edge.args.start + value.index) as usize].vreg() as u32;
                    if self.argument(pred, arg).reg().is_none() {
                        self.read_slot(arg);
                    }
                }
            }
        }
    }

    /// Where an argument of an edge out of a block is.
    fn argument(&self, block: usize, arg: u32) -> Location {
        let value = &self.values.all[arg as usize];
        if value.definition == Definition::Branch && value.block as usize == block {
            return Location::register(value.fixed);
        }
        self.location(arg, self.flow.blocks[block].end - 1)
    }

    /// Adds the moves of those arguments of a block's edges that are in one register throughout, as their
    /// parameters are; the others are listed.
    fn pass_in_registers(
        &mut self,
        input: &Input,
        block: usize,
        pending: &mut Vec<Pending>,
    ) -> Result<(), String> {
        for edge in edges(input, block).iter().filter(|edge| !edge.args.is_empty()) {
            let to = edge.to.index();
            for (arg, param) in passed(input, edge) {
                let [from, target] = [arg, param].map(|vreg| self.homes[vreg as usize]);
                if is_register(from) && is_register(target) {
                    if from != target {
                        let (point, group) = self.edge_point(input, block, to)?;
                        self.moves.add(point, group, Location::of(from), Location::of(target));
                    }
                } else {
                    let target = self.location(param, self.flow.blocks[to].start);
                    if target != Location::NOWHERE {
                        let source = self.argument(block, arg);
                        let passed = Passed { arg, param, from: block as u32, to: to as u32 };
                        pending.push(Pending { passed, source, target });
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the move of an argument, if it needs one: also of what the block's branch defines.
    fn pass(&mut self, input: &Input, one: &Pending) -> Result<(), String> {
        let &Pending { passed: Passed { arg, param, from, to }, source, target } = one;
        let [a, b] = [arg, param].map(|vreg| &self.values.all[vreg as usize]);
        // What this block's branch defines is stored behind those edges only where it lives on.
        let is_result = a.definition == Definition::Branch && a.block == from;
        let is_there = a.bundle == b.bundle && a.stored && !is_result;
        if target.reg().is_none() && (!b.stored || is_there) {
            return Ok(());
        }
        if source != target {
            let (point, group) = self.edge_point(input, from as usize, to as usize)?;
            self.moves.add(point, group, source, target);
        }
        Ok(())
    }

    /// Moves what a block's last instruction defines in a given register to where the value lives behind the
    /// edges.
    fn pass_result(&mut self, input: &Input, vreg: u32) -> Result<(), String> {
        let value = self.values.all[vreg as usize];
        let block = value.block as usize;
        for edge in edges(input, block) {
            let start = self.flow.blocks[edge.to.index()].start;
            if !covers(value.ranges.of(&self.ranges), start) {
                continue;
            }
            let to = self.location(vreg, start);
            if to.reg().is_some() || value.stored {
                let (point, group) = self.edge_point(input, block, edge.to.index())?;
                self.moves.add(point, group, Location::register(value.fixed), to);
            }
            if to.reg().is_some() && value.stored {
                let first = input.vcode.blocks[edge.to.index()].insts.start;
                self.moves.add(first, Group::Store, to, Location::memory(value.bundle));
            }
        }
        Ok(())
    }

    /// Stores a value behind its definition, if anything reads its slot.
    fn store(&mut self, input: &Input, vreg: u32) {
        let value = self.values.all[vreg as usize];
        let slot = Location::memory(value.bundle);
        match value.definition {
            Definition::None | Definition::Branch => {}
            Definition::Plain | Definition::Tied => {
                let from = self.location(vreg, value.def);
                self.moves.add(inst_of(value.def), Group::After, from, slot);
            }
            Definition::Fixed => {
                let from = Location::register(value.fixed);
                self.moves.add(inst_of(value.def) - 1, Group::After, from, slot);
            }
            Definition::Param => {
                let from = self.location(vreg, value.def);
                if from.reg().is_some() {
                    let first = input.vcode.blocks[value.block as usize].insts.start;
                    self.moves.add(first, Group::Store, from, slot);
                }
            }
        }
    }
}

fn edges<'a>(input: &Input<'a>, block: usize) -> &'a [Edge] {
    input.vcode.blocks[block].edges.of(&input.vcode.edges)
}

/// The arguments of an edge with the parameters they are passed to.
fn passed<'a>(input: &Input<'a>, edge: &Edge) -> impl Iterator<Item = (u32, u32)> + use<'a> {
    let params = input.vcode.blocks[edge.to.index()].params;
    let args = edge.args.of(&input.vcode.edge_args);
    let params = params.of(&input.vcode.params);
    args.iter().zip(params).map(|(arg, param)| (arg.vreg() as u32, param.vreg() as u32))
}
