//! Where each value lives.
//!
//! A value that only its own block uses has one range. The others are taken in batches of 64: for each block
//! of a *window*, words say which of them are used there but not defined, are defined there, are live into
//! the block and out of it. A window reaches from the first definition to the last use. A sweep from its
//! last block to the first finds what is live, back edges apart. What is live into a loop's header is live
//! throughout the loop, so a second pass from the first block to the last adds that; where a window ends
//! within such a loop, it is extended. If there are loops with several entries, or blocks that do not stand
//! in order, the sweep is repeated until nothing changes instead. Then one pass from the first block to the
//! last opens and closes ranges where the words of neighbours differ, so that blocks that a value lives
//! through are one range as far as they stand in a row.
//!
//! Values that live long are batched apart from the others, whose windows would become as long.
//!
//! Invariant: a definition stands before all blocks that its value is live into.

use super::positions::{Pos, Range};
use super::values::{Definition, END};
use super::{Input, State};
use crate::entity::Span;

/// How many values are in a batch.
const BATCH: usize = u64::BITS as usize;

/// From how many blocks on a value lives long.
const LONG: u32 = 256;

/// A block of a window: a bit of each word for each value of the batch.
#[derive(Clone, Copy, Debug, Default)]
struct Liveness {
    /// Used here, but not defined.
    used: u64,
    defined: u64,
    into: u64,
    out: u64,
}

/// A value of a batch.
#[derive(Clone, Copy, Debug, Default)]
struct Member {
    vreg: u32,
    /// The beginning of its current range.
    from: Pos,
    /// The ends of its last uses in blocks that have no value live out of them: in [`Batches::ends`], the
    /// first block last.
    ends: Span,
    /// How many ranges it has.
    count: u32,
}

/// Working memory.
#[derive(Debug, Default)]
pub(super) struct Batches {
    short: Vec<u32>,
    long: Vec<u32>,
    window: Vec<Liveness>,
    members: Vec<Member>,
    ends: Vec<(u32, Pos)>,
    /// Ranges in the order of their ends, each with the number of its member.
    found: Vec<(u32, Range)>,
}

impl State {
    /// Finds the ranges of all values.
    #[inline(never)]
    pub(super) fn find_ranges(&mut self, input: &Input) -> Result<(), String> {
        self.ranges.clear();
        for value in &mut self.values.all {
            if value.exposed != END {
                continue;
            }
            let start = self.ranges.len() as u32;
            if value.last > value.def {
                self.ranges.push(Range { from: value.def, to: value.last });
            }
            value.ranges = Span { start, end: self.ranges.len() as u32 };
        }
        let mut batches = std::mem::take(&mut self.batches);
        batches.short.clear();
        batches.long.clear();
        for &vreg in &self.values.exposed_first {
            if self.values.all[vreg as usize].definition == Definition::None {
                return Err(undefined(vreg));
            }
            let is_long = self.flow.blocks.len() as u32 > LONG
                && self.last_block(vreg) - self.values.all[vreg as usize].block >= LONG;
            if is_long { &mut batches.long } else { &mut batches.short }.push(vreg);
        }
        let Batches { short, long, .. } = &batches;
        let lists = [short, long].map(|list| list.len().div_ceil(BATCH));
        for (is_long, count) in lists.into_iter().enumerate() {
            for at in 0..count {
                let list = if is_long == 1 { &batches.long } else { &batches.short };
                let batch = &list[at * BATCH..list.len().min((at + 1) * BATCH)];
                batches.members.clear();
                batches.members.extend(batch.iter().map(|&vreg| Member { vreg, ..Member::default() }));
                self.find_batch(input, &mut batches)?;
            }
        }
        self.batches = batches;
        Ok(())
    }

    /// About the last block that a value lives in.
    fn last_block(&self, vreg: u32) -> u32 {
        let value = &self.values.all[vreg as usize];
        let mut last = value.block;
        let mut at = value.exposed;
        while let Some(exposed) = self.values.exposed.get(at as usize) {
            last = last.max(self.flow.loops.last_without(exposed.block, value.block));
            at = exposed.next;
        }
        last
    }

    /// Finds the ranges of a batch.
    fn find_batch(&mut self, input: &Input, batches: &mut Batches) -> Result<(), String> {
        let blocks = batches.members.iter().map(|member| self.values.all[member.vreg as usize].block);
        let first = blocks.min().unwrap_or(0);
        let exposed = batches.members.iter().map(|member| self.values.all[member.vreg as usize].exposed);
        let last = exposed.map(|at| self.values.exposed[at as usize].block).max().unwrap_or(0);
        batches.window.clear();
        batches.window.resize((last + 1).saturating_sub(first) as usize, Liveness::default());
        batches.ends.clear();
        for number in 0..batches.members.len() {
            let vreg = batches.members[number].vreg;
            let value = &self.values.all[vreg as usize];
            batches.window[(value.block - first) as usize].defined |= 1 << number;
            let start = batches.ends.len() as u32;
            if self.values.exposed[value.exposed as usize].block <= value.block {
                return Err(undefined(vreg));
            }
            let mut at = value.exposed;
            while let Some(exposed) = self.values.exposed.get(at as usize) {
                if exposed.block <= value.block {
                    return Err(undefined(vreg));
                }
                batches.window[(exposed.block - first) as usize].used |= 1 << number;
                batches.ends.push((exposed.block, exposed.end));
                at = exposed.next;
            }
            batches.members[number].ends = Span { start, end: batches.ends.len() as u32 };
        }
        self.sweep(input, first, &mut batches.window);
        self.collect(first, batches)
    }

    /// Finds what is live into and out of the blocks of a window.
    fn sweep(&self, input: &Input, first: u32, window: &mut Vec<Liveness>) {
        if !self.sweep_once(input, first, window) {
            return;
        }
        if self.flow.is_regular {
            return self.add_loops(first, window);
        }
        while self.sweep_once(input, first, window) {}
    }

    /// Goes over a window from its last block to the first; returns whether anything is live into a block
    /// with a back edge that was not before, and so out of later blocks, too. Extends the window by these.
    fn sweep_once(&self, input: &Input, first: u32, window: &mut Vec<Liveness>) -> bool {
        let vcode = input.vcode;
        let mut again = false;
        for at in (0..window.len()).rev() {
            let number = first as usize + at;
            let mut out = 0;
            for succ in vcode.blocks[number].edges.of(&vcode.succs) {
                let succ = (succ.index() as u32).wrapping_sub(first) as usize;
                out |= window.get(succ).map_or(0, |succ| succ.into);
            }
            let block = &mut window[at];
            let into = block.used | out & !block.defined;
            let changed = into != block.into;
            (block.into, block.out) = (into, out);
            if changed && self.flow.blocks[number].has_back_edge {
                again = true;
                let last = self.flow.preds(number).iter().map(|pred| pred.index() as u32).max();
                let size = last.map_or(0, |last| (last + 1).saturating_sub(first) as usize);
                window.resize(size.max(window.len()), Liveness::default());
            }
        }
        again
    }

    /// Makes what is live into a loop's header live throughout the loop.
    fn add_loops(&self, first: u32, window: &mut Vec<Liveness>) {
        let mut at = 0;
        while at < window.len() {
            let number = first + at as u32;
            if let Some(around) = self.flow.loops.around(number) {
                let into = |header: u32| match header.checked_sub(first) {
                    Some(at) => window[at as usize].into,
                    None => 0,
                };
                let [outer, inner] = around.headers.map(into);
                let block = &mut window[at];
                block.into |= outer;
                block.out |= outer | inner;
                if block.into != 0 && around.headers[1] == number {
                    block.out |= block.into;
                    let size = (around.last + 1 - first) as usize;
                    window.resize(size.max(window.len()), Liveness::default());
                }
            }
            at += 1;
        }
    }

    /// Makes ranges of what was found.
    fn collect(&mut self, first: u32, batches: &mut Batches) -> Result<(), String> {
        let Batches { window, members, ends, found, .. } = batches;
        found.clear();
        let mut before = 0;
        let mut close = |member: &mut Member, number: usize, to: Pos| {
            if member.from < to {
                member.count += 1;
                found.push((number as u32, Range { from: member.from, to }));
            }
        };
        let blocks = &self.flow.blocks[first as usize..];
        for (at, (live, block)) in window.iter().zip(blocks).enumerate() {
            let changed = before ^ live.into | live.into & !live.out | live.defined;
            for number in bits(changed) {
                let (bit, member) = (1u64 << number, &mut members[number]);
                if before & bit != 0 && live.into & bit == 0 {
                    close(member, number, block.start);
                }
                if live.into & bit != 0 {
                    if before & bit == 0 {
                        member.from = block.start;
                    }
                    if live.out & bit == 0 {
                        let end = next_end(member, ends, first + at as u32, block.start);
                        close(member, number, end);
                    }
                } else if live.defined & bit != 0 {
                    let value = &self.values.all[member.vreg as usize];
                    if live.out & bit == 0 {
                        return Err(undefined(member.vreg));
                    }
                    member.from = value.def;
                }
            }
            before = live.out;
        }
        let end = blocks[window.len() - 1].end;
        for number in bits(before) {
            close(&mut members[number], number, end);
        }
        if let Some(number) = bits(window[0].into).next() {
            return Err(undefined(members[number].vreg));
        }
        self.list_ranges(batches);
        Ok(())
    }

    /// Lists the ranges of each member one after the other.
    fn list_ranges(&mut self, batches: &Batches) {
        let mut next = [0; BATCH];
        let mut start = self.ranges.len() as u32;
        for (member, next) in batches.members.iter().zip(&mut next) {
            *next = start;
            let end = start + member.count;
            self.values.all[member.vreg as usize].ranges = Span { start, end };
            start = end;
        }
        self.ranges.resize(start as usize, Range { from: 0, to: 0 });
        for &(number, range) in &batches.found {
            let next = &mut next[number as usize];
            self.ranges[*next as usize] = range;
            *next += 1;
        }
    }
}

/// The end of a value's last use in a block.
fn next_end(member: &mut Member, ends: &[(u32, Pos)], block: u32, start: Pos) -> Pos {
    // Those in blocks that it is live out of were not asked for.
    while member.ends.start < member.ends.end {
        member.ends.end -= 1;
        let (of, end) = ends[member.ends.end as usize];
        if of == block {
            return end;
        }
    }
    start
}

/// The numbers of the bits that are set.
#[inline]
fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = set.trailing_zeros() as usize;
        let found = (set != 0).then_some(bit);
        set &= set.wrapping_sub(1);
        found
    })
}

fn undefined(vreg: u32) -> String {
    format!("v{vreg} is read where nothing has defined it")
}
