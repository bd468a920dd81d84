//! Where each value lives.
//!
//! A value that only its own block uses has one range. For each other one, its uses are followed backwards
//! through the predecessors up to the definition, in two sets of blocks: those it is live into and
//! those it is live out of. Blocks it lives through become one range as far as they stand in a row.
//! The cost is that of the blocks a value lives in; there is no table of blocks by values.
//!
//! Invariant: a definition stands before all blocks that its value is live into.

use super::State;
use super::flow::Flow;
use super::positions::Range;
use super::values::{END, Value};
use crate::entity::Span;

/// Sets of blocks, empty between values.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// For 64 blocks each: those the value is live into, and those it is live out of.
    sets: Vec<[u64; 2]>,
    /// The last word of the sets that is not empty.
    last_word: usize,
    stack: Vec<u32>,
    /// The ends of uses in blocks, the first block last.
    ends: Vec<(u32, u32)>,
}

const INTO: usize = 0;
const OUT: usize = 1;
const WORD: usize = u64::BITS as usize;

#[inline]
fn bit(block: u32) -> (usize, u64) {
    (block as usize / WORD, 1 << (block as usize % WORD))
}

impl Walk {
    fn prepare(&mut self, blocks: usize) {
        self.sets.clear();
        self.sets.resize(blocks.div_ceil(WORD), [0; 2]);
        self.stack.clear();
    }

    #[inline]
    fn is_into(&self, block: u32) -> bool {
        let (word, bit) = bit(block);
        self.sets[word][INTO] & bit != 0
    }

    /// Makes the value live out of a block, and goes on with that.
    #[inline]
    fn leave(&mut self, block: u32, definition: u32) {
        let (word, bit) = bit(block);
        let sets = &mut self.sets[word];
        sets[OUT] |= bit;
        if block != definition && sets[INTO] & bit == 0 {
            self.stack.push(block);
        }
    }

    /// Makes the value live throughout a loop that does not define it: from every block of it there is a way
    /// to the use.
    fn enter_loop(&mut self, flow: &Flow, number: u32, definition: u32) -> Option<()> {
        let (header, rows) = flow.loops.blocks(number);
        for &(first, last) in rows {
            self.add_row(INTO, first, last);
            self.add_row(OUT, first, last);
        }
        self.last_word = self.last_word.max(rows.last()?.1 as usize / WORD);
        for &pred in flow.preds(header as usize) {
            if !flow.loops.is_within(pred, number) {
                self.leave(pred, definition);
            }
        }
        Some(())
    }

    /// Adds the blocks from `first` up to `last`, which follow one another, to a set.
    #[inline]
    fn add_row(&mut self, set: usize, first: u32, last: u32) {
        let (from, to) = (first as usize / WORD, last as usize / WORD);
        let (head, tail) =
            (u64::MAX << (first as usize % WORD), u64::MAX >> (WORD - 1 - last as usize % WORD));
        if from == to {
            self.sets[from][set] |= head & tail;
            return;
        }
        self.sets[from][set] |= head;
        self.sets[from + 1..to].iter_mut().for_each(|sets| sets[set] = u64::MAX);
        self.sets[to][set] |= tail;
    }
}

impl State {
    /// Finds the ranges of all values.
    #[inline(never)]
    pub(super) fn find_ranges(&mut self) -> Result<(), String> {
        self.ranges.clear();
        self.walk.prepare(self.flow.blocks.len());
        for vreg in 0..self.values.all.len() {
            let value = self.values.all[vreg];
            let start = self.ranges.len() as u32;
            if value.exposed == END {
                if value.last > value.def {
                    self.ranges.push(Range { from: value.def, to: value.last });
                }
            } else {
                self.follow(&value).ok_or_else(|| undefined(vreg))?;
                self.collect(&value);
            }
            self.values.all[vreg].ranges = Span { start, end: self.ranges.len() as u32 };
        }
        Ok(())
    }

    /// Fills the sets of blocks; `None` if the value is not defined on some way to a use.
    #[inline(never)]
    fn follow(&mut self, value: &Value) -> Option<()> {
        let (walk, flow) = (&mut self.walk, &self.flow);
        walk.ends.clear();
        walk.last_word = value.block as usize / WORD;
        let mut at = value.exposed;
        while let Some(exposed) = self.values.exposed.get(at as usize) {
            walk.ends.push((exposed.block, exposed.end));
            walk.stack.push(exposed.block);
            at = exposed.next;
        }
        while let Some(block) = walk.stack.pop() {
            if walk.is_into(block) {
                continue;
            }
            walk.last_word = walk.last_word.max(block as usize / WORD);
            if let Some(around) = flow.loops.outermost_without(block, value.block) {
                walk.enter_loop(flow, around, value.block)?;
                continue;
            }
            // A row of blocks each of which can only be reached from the one before is entered at once.
            let lead = flow.lead(block);
            if lead <= value.block && value.block < block {
                walk.add_row(INTO, value.block + 1, block);
                walk.add_row(OUT, value.block, block - 1);
                continue;
            }
            walk.add_row(INTO, lead, block);
            if lead < block {
                walk.add_row(OUT, lead, block - 1);
            }
            let preds = flow.preds(lead as usize);
            if preds.is_empty() {
                return None;
            }
            for &pred in preds {
                walk.leave(pred, value.block);
            }
        }
        Some(())
    }

    /// Makes ranges of the sets and empties them.
    #[inline(never)]
    fn collect(&mut self, value: &Value) {
        let flow = &self.flow;
        let (word, own) = bit(value.block);
        let is_out = self.walk.sets[word][OUT] & own != 0;
        let to = if is_out { flow.blocks[value.block as usize].end } else { value.last };
        let mut open = Range { from: value.def, to };
        for at in word..=self.walk.last_word {
            let [into, out] = std::mem::take(&mut self.walk.sets[at]);
            let mut left = into;
            while left != 0 {
                let first = left.trailing_zeros() as usize;
                let through = (into & out) >> first;
                let count = (!through).trailing_zeros() as usize;
                let block = at * WORD + first;
                let (from, to, done) = if count == 0 {
                    // The uses were met from the last block to the first.
                    while self.walk.ends.last().is_some_and(|end| (end.0 as usize) < block) {
                        self.walk.ends.pop();
                    }
                    let end = self.walk.ends.pop().map_or(flow.blocks[block].start, |end| end.1);
                    (flow.blocks[block].start, end, 1)
                } else {
                    (flow.blocks[block].start, flow.blocks[block + count - 1].end, count)
                };
                left = if first + done >= WORD { 0 } else { left >> (first + done) << (first + done) };
                if open.to == from {
                    open.to = to;
                } else {
                    push(&mut self.ranges, open);
                    open = Range { from, to };
                }
            }
        }
        push(&mut self.ranges, open);
    }
}

fn push(ranges: &mut Vec<Range>, range: Range) {
    if range.from < range.to {
        ranges.push(range);
    }
}

fn undefined(vreg: usize) -> String {
    format!("v{vreg} is read where nothing has defined it")
}
