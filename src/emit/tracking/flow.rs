//! What each place holds at the start of each block: what it holds on all paths there.
//!
//! This is the greatest solution, found by going over the blocks until nothing changes. A value that is
//! redefined in each iteration of a loop is never taken for its predecessor: on the path from the function's
//! start, the place holds nothing before the first definition.

use super::contents::{NOTHING, Places, SetId, Sets, visit_writes};
use crate::emit::function::AllocatedFunction;
use crate::machine::inst::Row;
use crate::machine::reg::{Edit, Inst, ProgPoint};
use crate::machine::vcode::{Edge, VCode};

/// Contents of places at the start of blocks; `None` for a block that no path reaches.
#[derive(Debug, Default)]
pub(super) struct Entries {
    blocks: Vec<Option<Box<[SetId]>>>,
    /// Virtual registers that are arguments of the current edge, or parameters of its destination.
    involved: Vec<bool>,
    /// Arguments of the current edge, with their parameters.
    passed: Vec<(u32, u32)>,
}

impl Entries {
    /// The contents at the start of a block.
    pub(super) fn of(&self, block: usize) -> Option<&[SetId]> {
        self.blocks[block].as_deref()
    }

    /// Finds the contents at the start of all blocks.
    pub(super) fn solve(
        &mut self,
        function: &AllocatedFunction,
        rows: &[Row],
        places: Places,
        sets: &mut Sets,
    ) {
        let vcode = function.vcode;
        let count = vcode.blocks.len();
        self.blocks.clear();
        self.blocks.resize(count, None);
        self.involved.clear();
        self.involved.resize(vcode.vreg_count(), false);
        self.blocks[0] = Some(vec![NOTHING; places.count()].into());
        let mut dirty = vec![false; count];
        dirty[0] = true;
        // Each further round is for a loop in a loop. Nobody writes code that needs as many.
        const MOST_ROUNDS: usize = 30;
        for _ in 0..MOST_ROUNDS {
            if !dirty.contains(&true) {
                return;
            }
            for block in 0..count {
                if std::mem::take(&mut dirty[block]) {
                    self.leave(function, rows, places, sets, block, &mut dirty);
                }
            }
        }
        // Nothing is known at the start of any block, which is safe.
        self.blocks.fill(None);
    }

    /// Computes the contents at the end of a block, and what is common to these and the contents at the start
    /// of its successors.
    fn leave(
        &mut self,
        function: &AllocatedFunction,
        rows: &[Row],
        places: Places,
        sets: &mut Sets,
        block: usize,
        dirty: &mut [bool],
    ) {
        let vcode = function.vcode;
        let edges = vcode.blocks[block].edges.of(&vcode.edges);
        let Some(mut state) = self.blocks[block].clone().filter(|_| !edges.is_empty()) else { return };
        run_block(function, rows, places, block, &mut state);
        for edge in edges {
            let to = edge.to.index();
            let passed = self.pass(vcode, edge, &state, sets);
            match &mut self.blocks[to] {
                entry @ None => {
                    *entry = Some(passed);
                    dirty[to] = true;
                }
                Some(entry) => {
                    for (old, new) in entry.iter_mut().zip(&passed) {
                        let both = sets.meet(*old, *new);
                        dirty[to] |= both != *old;
                        *old = both;
                    }
                }
            }
        }
    }

    /// The contents behind an edge: what held an argument holds the parameter, too, and nothing else does.
    fn pass(&mut self, vcode: &VCode, edge: &Edge, state: &[SetId], sets: &mut Sets) -> Box<[SetId]> {
        let mut result: Box<[SetId]> = state.into();
        let params = vcode.blocks[edge.to.index()].params.of(&vcode.params);
        let args = edge.args.of(&vcode.edge_args);
        if params.is_empty() {
            return result;
        }
        self.passed.clear();
        self.passed.extend(args.iter().zip(params).map(|(a, p)| (a.vreg() as u32, p.vreg() as u32)));
        for &(arg, param) in &self.passed {
            self.involved[arg as usize] = true;
            self.involved[param as usize] = true;
        }
        let mut members = Vec::new();
        for set in result.iter_mut().filter(|set| **set != NOTHING) {
            let mut one = 0;
            let old = sets.members(*set, &mut one);
            if !old.iter().any(|&member| self.involved[member as usize]) {
                continue;
            }
            members.clear();
            let is_param = |member: &u32| self.passed.iter().any(|pair| pair.1 == *member);
            members.extend(old.iter().copied().filter(|member| !is_param(member)));
            members.extend(self.passed.iter().filter(|pair| old.contains(&pair.0)).map(|pair| pair.1));
            members.sort_unstable();
            members.dedup();
            *set = sets.of(&members);
        }
        for &(arg, param) in &self.passed {
            self.involved[arg as usize] = false;
            self.involved[param as usize] = false;
        }
        result
    }
}

/// Applies the moves and instructions of a block.
fn run_block(function: &AllocatedFunction, rows: &[Row], places: Places, block: usize, state: &mut [SetId]) {
    let AllocatedFunction { vcode, output, .. } = *function;
    let insts = vcode.blocks[block].insts;
    let before = |inst: u32| ProgPoint::before(Inst::new(inst as usize));
    let first = output.edits.partition_point(|edit| edit.0 < before(insts.start));
    let mut edits = output.edits[first..].iter().peekable();
    for number in insts.start..insts.end {
        while let Some((_, Edit::Move { from, to })) = edits.next_if(|edit| edit.0 <= before(number)) {
            if let Some(to) = places.index(*to) {
                state[to] = places.index(*from).map_or(NOTHING, |from| state[from]);
            }
        }
        let inst = &vcode.insts[number as usize];
        let start = output.inst_alloc_offsets[number as usize] as usize;
        let allocs = &output.allocs[start..start + inst.operand_count as usize];
        let row = &rows[inst.row.0 as usize];
        visit_writes(vcode, inst, row, allocs, places, |place, set| state[place] = set);
    }
}
