//! What each place holds at the start of each block: what it holds on all paths there.
//!
//! This is found by going over the blocks until nothing changes. A value that is
//! redefined in each iteration of a loop is never taken for its predecessor: on the path from the function's
//! start, the place holds nothing before the first definition.

use super::contents::{NOTHING, Places, SetId, Sets, visit_writes};
use crate::emit::function::AllocatedFunction;
use crate::machine::inst::Row;
use crate::machine::reg::{Edit, Inst, ProgPoint};
use crate::machine::vcode::{Edge, VCode};

/// A place that is written, and what it then holds: a set, or, with [`COPY`], what the place with this index
/// held.
#[derive(Clone, Copy, Debug)]
struct Write {
    place: u32,
    held: u32,
}

/// Marks the index of a place.
const COPY: u32 = 1 << 31;

/// Contents of places at the start of blocks.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Number of places.
    places: usize,
    /// Whether anything is known of a block: some path reaches it.
    known: Vec<bool>,
    /// The contents of all places at the start of each block.
    contents: Vec<SetId>,
    /// How blocks change contents, in their order, and where the writes of each begin.
    writes: Vec<Write>,
    starts: Vec<u32>,
    /// The contents at the end of the current block, and behind one of its edges.
    state: Vec<SetId>,
    passed_on: Vec<SetId>,
    /// What each virtual register is at the current edge: [`ARGUMENT`], [`PARAMETER`] or both.
    roles: Vec<u8>,
    /// Arguments of the current edge, with their parameters.
    passed: Vec<(u32, u32)>,
    /// For each place, the last loops in which it was found to be written, and to be moved to, by the numbers
    /// of their headers plus 1.
    written: Vec<[u32; 2]>,
}

/// An argument of an edge.
const ARGUMENT: u8 = 1;
/// A parameter of the block that an edge leads to.
const PARAMETER: u8 = 2;

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
        self.roles.clear();
        self.roles.resize(vcode.vreg_count(), 0);
        self.written.clear();
        self.written.resize(self.places, [0; 2]);
        self.list_writes(function, rows, places, sets);
        let mut ends = loop_ends(vcode);
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
                    if let Some(end) = ends[block].take() {
                        self.enter_loop(vcode, sets, block, end);
                    }
                    self.leave(vcode, sets, block, &mut dirty);
                }
            }
        }
        // Nothing is known at the start of any block, which is safe.
        self.known.fill(false);
    }

    /// Computes the contents at the end of a block, and what is common to these and the contents at the start
    /// of its successors.
    fn leave(&mut self, vcode: &VCode, sets: &mut Sets, block: usize, dirty: &mut [bool]) {
        let edges = vcode.blocks[block].edges.of(&vcode.edges);
        if !self.known[block] || edges.is_empty() {
            return;
        }
        let mut state = std::mem::take(&mut self.state);
        state.clear();
        state.extend_from_slice(&self.contents[block * self.places..][..self.places]);
        let [first, end] = [self.starts[block], self.starts[block + 1]];
        for &Write { place, held } in &self.writes[first as usize..end as usize] {
            state[place as usize] = if held & COPY != 0 { state[(held & !COPY) as usize] } else { held };
        }
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
            let mut from = 0;
            while let Some(place) = next_difference(entry, arriving, from) {
                let both = sets.meet(entry[place], arriving[place]);
                dirty[to] |= both != entry[place];
                entry[place] = both;
                from = place + 1;
            }
        }
        self.state = state;
        self.passed_on = passed_on;
    }

    /// Lists how the moves and instructions of each block change contents.
    fn list_writes(&mut self, function: &AllocatedFunction, rows: &[Row], places: Places, sets: &Sets) {
        let AllocatedFunction { vcode, output, .. } = *function;
        let before = |inst: u32| ProgPoint::before(Inst::new(inst as usize));
        let mut edits = output.edits.iter().peekable();
        self.writes.clear();
        self.starts.clear();
        for block in &vcode.blocks {
            self.starts.push(self.writes.len() as u32);
            // Moves after a branch are repeated at the start of its successors.
            while edits.next_if(|edit| edit.0 < before(block.insts.start)).is_some() {}
            for number in block.insts.start..block.insts.end {
                while let Some((_, Edit::Move { from, to })) = edits.next_if(|edit| edit.0 <= before(number))
                {
                    if let Some(to) = places.index(*to) {
                        let held = places.index(*from).map_or(NOTHING, |from| COPY | from as u32);
                        self.writes.push(Write { place: to as u32, held });
                    }
                }
                let inst = &vcode.insts[number as usize];
                let start = output.inst_alloc_offsets[number as usize] as usize;
                let allocs = &output.allocs[start..start + inst.operand_count as usize];
                let row = &rows[inst.row.0 as usize];
                visit_writes(vcode, inst, row, allocs, places, |place, register| {
                    let held = register.map_or(NOTHING, |register| sets.single(register));
                    self.writes.push(Write { place: place as u32, held });
                });
            }
        }
        self.starts.push(self.writes.len() as u32);
    }

    /// Changes contents to those behind an edge: what held an argument holds the parameter, too, and nothing
    /// else does.
    fn pass(&mut self, vcode: &VCode, edge: &Edge, contents: &mut [SetId], sets: &mut Sets) {
        let params = vcode.blocks[edge.to.index()].params.of(&vcode.params);
        let args = edge.args.of(&vcode.edge_args);
        self.passed.clear();
        self.passed.extend(args.iter().zip(params).map(|(a, p)| (a.vreg() as u32, p.vreg() as u32)));
        for &(arg, param) in &self.passed {
            self.roles[arg as usize] |= ARGUMENT;
            self.roles[param as usize] |= PARAMETER;
        }
        let mut members = Vec::new();
        for set in contents.iter_mut() {
            // Mostly, it is a single register with which nothing happens.
            let single = set.wrapping_sub(1) as usize;
            if *set == NOTHING || self.roles.get(single) == Some(&0) {
                continue;
            }
            let mut one = 0;
            let old = sets.members(*set, &mut one);
            if old.iter().all(|&member| self.roles[member as usize] == 0) {
                continue;
            }
            members.clear();
            for &member in old {
                let role = self.roles[member as usize];
                members.extend((role & PARAMETER == 0).then_some(member));
                if role & ARGUMENT != 0 {
                    members.extend(self.passed.iter().filter(|pair| pair.0 == member).map(|pair| pair.1));
                }
            }
            members.sort_unstable();
            members.dedup();
            *set = sets.of(&members);
        }
        for &(arg, param) in &self.passed {
            self.roles[arg as usize] = 0;
            self.roles[param as usize] = 0;
        }
    }

    /// Forgets what the places hold at the header of a loop that are written in it but never moved to, apart
    /// from parameters: nothing puts it there again. Without this, all blocks of a loop would be looked at
    /// twice, and of loops in loops even more often.
    fn enter_loop(&mut self, vcode: &VCode, sets: &mut Sets, header: usize, end: u32) {
        let stamp = header as u32 + 1;
        let [first, end] = [self.starts[header], self.starts[end as usize + 1]];
        for &Write { place, held } in &self.writes[first as usize..end as usize] {
            let [written, moved] = &mut self.written[place as usize];
            *written = stamp;
            *moved = if held & COPY != 0 { stamp } else { *moved };
        }
        let params = vcode.blocks[header].params.of(&vcode.params);
        let mut members = Vec::new();
        let contents = &mut self.contents[header * self.places..][..self.places];
        for (set, &[written, moved]) in contents.iter_mut().zip(&self.written) {
            if *set == NOTHING || written != stamp || moved == stamp {
                continue;
            }
            let mut one = 0;
            let is_param = |member: &&u32| params.iter().any(|param| param.vreg() as u32 == **member);
            members.clear();
            members.extend(sets.members(*set, &mut one).iter().filter(is_param));
            *set = sets.of(&members);
        }
    }
}

/// For each block that is the header of a loop, the last block that jumps back to it.
fn loop_ends(vcode: &VCode) -> Vec<Option<u32>> {
    let mut ends = vec![None; vcode.blocks.len()];
    for (number, block) in vcode.blocks.iter().enumerate() {
        for edge in block.edges.of(&vcode.edges).iter().filter(|edge| edge.to.index() <= number) {
            ends[edge.to.index()] = Some(number as u32);
        }
    }
    ends
}

/// The first place, from this one on, that holds something else.
pub(super) fn next_difference(old: &[SetId], new: &[SetId], mut from: usize) -> Option<usize> {
    /// Mostly, many places in a row hold the same.
    const MANY: usize = 8;
    while from < old.len() {
        let many = (old[from..].first_chunk::<MANY>(), new[from..].first_chunk());
        if let (Some(old), Some(new)) = many
            && old == new
        {
            from += MANY;
            continue;
        }
        let end = old.len().min(from + MANY);
        let mut pairs = old[from..end].iter().zip(&new[from..end]);
        match pairs.position(|(old, new)| old != new) {
            Some(number) => return Some(from + number),
            None => from = end,
        }
    }
    None
}
