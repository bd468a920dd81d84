//! Where each value lives.
//!
//! A value that only its own block uses has one range. The others are taken in batches of 64: for each block,
//! words say which of them are used there but not defined, are defined there, are live into the block and
//! out of it. From the blocks that use them, the last one first, what is live goes up the edges until
//! nothing is new. What lies between a block and another that is linked to it ([`regions`](super::regions))
//! is passed over if no value of the batch is used or defined there, and a block that none lives in is never
//! looked at. Then one pass over the blocks that were, from the first to the last, opens and closes ranges
//! where the words of neighbours differ, so that blocks that a value lives through are one range as far as
//! they stand in a row.
//!
//! What lives around blocks that end the function or leave for a common end has a hole in each of them. So
//! that it does not have as many ranges as there are such blocks, long stretches that have nothing to do with
//! the batch are filled where the values can be had in all of their blocks: between widely linked ones.
//!
//! Invariant: a definition stands before all blocks that its value is live into.

use super::State;
use super::block_set::BlockSet;
use super::flow::Flow;
use super::positions::{Pos, Range};
use super::values::{Definition, END};
use crate::entity::Span;

/// How many values are in a batch.
const BATCH: usize = u64::BITS as usize;

/// From how many blocks on a stretch that has nothing to do with a batch is filled.
const LONG: u32 = if cfg!(test) { 8 } else { 256 };

/// A stretch that was filled.
#[derive(Clone, Copy, Debug)]
struct Filled {
    /// The widely linked blocks around it.
    first: u32,
    last: u32,
    /// What was made live through all of it.
    values: u64,
}

/// A block that was looked at: a bit of each word for each value of the batch.
#[derive(Clone, Copy, Debug, Default)]
struct Liveness {
    /// Used here, but not defined.
    used: u64,
    defined: u64,
    into: u64,
    out: u64,
    /// Whether what is live into it is live through all blocks since the last that was looked at.
    passes: bool,
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
    /// By block.
    live: Vec<Liveness>,
    /// The blocks that are looked at.
    seen: BlockSet,
    /// Those out of which more is live than was known when they were last looked at.
    pending: BlockSet,
    filled: Vec<Filled>,
    members: Vec<Member>,
    ends: Vec<(u32, Pos)>,
    /// Ranges in the order of their ends, each with the number of its member.
    found: Vec<(u32, Range)>,
}

impl State {
    /// Finds the ranges of all values.
    #[inline(never)]
    pub(super) fn find_ranges(&mut self) -> Result<(), String> {
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
        if self.values.exposed_first.is_empty() {
            return Ok(());
        }
        let mut batches = std::mem::take(&mut self.batches);
        batches.reset(self.flow.blocks.len());
        let exposed = std::mem::take(&mut self.values.exposed_first);
        for batch in exposed.chunks(BATCH) {
            self.begin_batch(batch, &mut batches)?;
            batches.go_up(&self.flow);
            self.collect(&mut batches)?;
        }
        self.values.exposed_first = exposed;
        self.batches = batches;
        Ok(())
    }

    /// Notes where the values of a batch are defined and used.
    fn begin_batch(&mut self, batch: &[u32], batches: &mut Batches) -> Result<(), String> {
        let Batches { live, seen, pending, filled, members, ends, .. } = batches;
        filled.clear();
        members.clear();
        ends.clear();
        for (number, &vreg) in batch.iter().enumerate() {
            let value = &self.values.all[vreg as usize];
            if value.definition == Definition::None {
                return Err(undefined(vreg));
            }
            live[value.block as usize].defined |= 1 << number;
            seen.insert(value.block);
            let start = ends.len() as u32;
            let mut at = value.exposed;
            while let Some(exposed) = self.values.exposed.get(at as usize) {
                if exposed.block <= value.block {
                    return Err(undefined(vreg));
                }
                live[exposed.block as usize].used |= 1 << number;
                seen.insert(exposed.block);
                pending.insert(exposed.block);
                ends.push((exposed.block, exposed.end));
                at = exposed.next;
            }
            let ends = Span::from(start, ends.len());
            members.push(Member { vreg, from: 0, ends, count: 0 });
        }
        Ok(())
    }

    /// Makes ranges of what was found.
    fn collect(&mut self, batches: &mut Batches) -> Result<(), String> {
        let Batches { live, seen, filled, members, ends, found, .. } = batches;
        found.clear();
        let mut close = |member: &mut Member, number: usize, to: Pos| {
            if member.from < to {
                member.count += 1;
                found.push((number as u32, Range { from: member.from, to }));
            }
        };
        let (mut before, mut next, mut end) = (0, 0, 0);
        let mut lost = live[0].into;
        seen.drain(|number| {
            let live = std::mem::take(&mut live[number as usize]);
            let block = &self.flow.blocks[number as usize];
            let is_between = |one: &&Filled| one.first < next && number <= one.last;
            let kept = if number == next || live.passes {
                live.into
            } else {
                filled.iter().filter(is_between).fold(0, |union, one| union | one.values)
            };
            for number in bits(before & !kept) {
                close(&mut members[number], number, end);
            }
            let changed = (before & kept) ^ live.into | live.into & !live.out | live.defined;
            for bit in bits(changed) {
                let (mask, member) = (1u64 << bit, &mut members[bit]);
                if live.into & mask != 0 {
                    if before & kept & mask == 0 {
                        member.from = block.start;
                    }
                    if live.out & mask == 0 {
                        let end = next_end(member, ends, number, block.start);
                        close(member, bit, end);
                    }
                } else if live.defined & mask != 0 {
                    lost |= mask & !live.out;
                    member.from = self.values.all[member.vreg as usize].def;
                }
            }
            (before, next, end) = (live.out, number + 1, block.end);
        });
        for number in bits(before) {
            close(&mut members[number], number, end);
        }
        if let Some(number) = bits(lost).next() {
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

impl Batches {
    fn reset(&mut self, blocks: usize) {
        self.live.clear();
        self.live.resize(blocks, Liveness::default());
        self.seen.reset(blocks);
        self.pending.reset(blocks);
    }

    /// Makes what is live into a block live out of those before it, until nothing is new.
    fn go_up(&mut self, flow: &Flow) {
        let Batches { live, seen, pending, filled, .. } = self;
        let mut bound = live.len() as u32;
        while let Some(number) = pending.last_before(bound) {
            pending.remove(number);
            bound = number;
            let is_within = |one: &&Filled| one.first < number && number < one.last;
            let more = filled.iter().filter(is_within).fold(0, |union, one| union | one.values);
            let block = &mut live[number as usize];
            block.out |= more;
            let into = block.used | block.out & !block.defined;
            if into == block.into {
                continue;
            }
            block.into = into;
            let before = seen.last_before(number).unwrap_or(number);
            let far = flow.regions.wide.climb(number, before);
            let is_long = number - far >= LONG;
            let linked = if is_long { far } else { flow.regions.links.climb(number, before) };
            block.passes = !is_long && linked != number;
            if is_long {
                filled.push(Filled { first: far, last: number, values: into });
            }
            let mut add = |number: u32| {
                live[number as usize].out |= into;
                seen.insert(number);
                pending.insert(number);
                bound = bound.max(number + 1);
            };
            if linked != number {
                add(linked);
                continue;
            }
            flow.preds(number as usize).iter().for_each(|pred| add(pred.index() as u32));
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
