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

/// Contents of places at the start of blocks.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Number of places.
    places: usize,
    /// Whether anything is known of a block: some path reaches it.
    known: Vec<bool>,
    /// The contents of all places at the start of each block.
    contents: Vec<SetId>,
    /// The contents at the end of the current block, and behind one of its edges.
    state: Vec<SetId>,
    passed_on: Vec<SetId>,
    /// Virtual registers that are arguments of the current edge, or parameters of its destination.
    involved: Vec<bool>,
    /// Arguments of the current edge, with their parameters.
    passed: Vec<(u32, u32)>,
}

impl Entries {
    /// The contents at the start of a block; `None` if no path reaches it.
    pub(super) fn of(&self, block: usize) -> Option<&[SetId]> {
        self.known[block].then(|| &self.contents[block * self.places..][..self.places])
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
        self.places = places.count();
        self.known.clear();
        self.known.resize(count, false);
        self.contents.resize(count * self.places, NOTHING);
        self.involved.clear();
        self.involved.resize(vcode.vreg_count(), false);
        self.known[0] = true;
        self.contents[..self.places].fill(NOTHING);
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
        self.known.fill(false);
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
        if !self.known[block] || edges.is_empty() {
            return;
        }
        let mut state = std::mem::take(&mut self.state);
        state.clear();
        state.extend_from_slice(&self.contents[block * self.places..][..self.places]);
        run_block(function, rows, places, block, &mut state);
        let mut passed_on = std::mem::take(&mut self.passed_on);
        for edge in edges {
            let to = edge.to.index();
            let has_params = vcode.blocks[to].params.start != vcode.blocks[to].params.end;
            if has_params {
                passed_on.clone_from(&state);
                self.pass(vcode, edge, &mut passed_on, sets);
            }
            let arriving = if has_params { &passed_on } else { &state };
            let entry = &mut self.contents[to * self.places..][..self.places];
            if !std::mem::replace(&mut self.known[to], true) {
                entry.copy_from_slice(arriving);
                dirty[to] = true;
                continue;
            }
            for (old, &new) in entry.iter_mut().zip(arriving) {
                if *old != new {
                    let both = sets.meet(*old, new);
                    dirty[to] |= both != *old;
                    *old = both;
                }
            }
        }
        self.state = state;
        self.passed_on = passed_on;
    }

    /// Changes contents to those behind an edge: what held an argument holds the parameter, too, and nothing
    /// else does.
    fn pass(&mut self, vcode: &VCode, edge: &Edge, contents: &mut [SetId], sets: &mut Sets) {
        let params = vcode.blocks[edge.to.index()].params.of(&vcode.params);
        let args = edge.args.of(&vcode.edge_args);
        self.passed.clear();
        self.passed.extend(args.iter().zip(params).map(|(a, p)| (a.vreg() as u32, p.vreg() as u32)));
        for &(arg, param) in &self.passed {
            self.involved[arg as usize] = true;
            self.involved[param as usize] = true;
        }
        let mut members = Vec::new();
        for set in contents.iter_mut().filter(|set| **set != NOTHING) {
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
