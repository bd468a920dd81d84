//! Where each value lives.
//!
//! A value that only its own block uses has one range. For each other one, its uses are followed backwards
//! through the predecessors up to the definition, in two sets of blocks: those it is live into and
//! those it is live out of. Blocks it lives through become one range as far as they stand in a row.
//! The cost is that of the blocks a value lives in; there is no table of blocks by values.
//!
//! Invariant: a definition stands before all blocks that its value is live into.

use super::positions::Range;
use super::values::{END, Value};
use super::{Input, State};
use crate::entity::Span;

/// Sets of blocks, empty between values.
#[derive(Debug, Default)]
pub(super) struct Walk {
    into: Vec<u64>,
    out: Vec<u64>,
    stack: Vec<u32>,
    /// The ends of uses in blocks, the first block last.
    ends: Vec<(u32, u32)>,
}

const WORD: usize = u64::BITS as usize;

#[inline]
fn bit(block: u32) -> (usize, u64) {
    (block as usize / WORD, 1 << (block as usize % WORD))
}

impl Walk {
    fn prepare(&mut self, blocks: usize) {
        let words = blocks.div_ceil(WORD);
        for set in [&mut self.into, &mut self.out] {
            set.clear();
            set.resize(words, 0);
        }
        self.stack.clear();
    }

    /// Enters a block that the value is live into; returns whether it was new.
    #[inline]
    fn enter(&mut self, block: u32) {
        let (word, bit) = bit(block);
        if self.into[word] & bit == 0 {
            self.into[word] |= bit;
            self.stack.push(block);
        }
    }
}

impl State {
    /// Finds the ranges of all values.
    pub(super) fn find_ranges(&mut self, input: &Input) -> Result<(), String> {
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
                self.follow(input, &value).ok_or_else(|| undefined(vreg))?;
                self.collect(&value);
            }
            self.values.all[vreg].ranges = Span { start, end: self.ranges.len() as u32 };
        }
        Ok(())
    }

    /// Fills the sets of blocks; `None` if the value is not defined on some way to a use.
    fn follow(&mut self, input: &Input, value: &Value) -> Option<()> {
        self.walk.ends.clear();
        let mut at = value.exposed;
        while let Some(exposed) = self.values.exposed.get(at as usize) {
            self.walk.ends.push((exposed.block, exposed.end));
            self.walk.enter(exposed.block);
            at = exposed.next;
        }
        let vcode = input.vcode;
        while let Some(block) = self.walk.stack.pop() {
            let preds = vcode.blocks[block as usize].preds;
            if preds.is_empty() {
                return None;
            }
            for pred in preds.of(&vcode.preds) {
                let pred = pred.index() as u32;
                let (word, bit) = bit(pred);
                if self.walk.out[word] & bit == 0 {
                    self.walk.out[word] |= bit;
                    if pred != value.block {
                        self.walk.enter(pred);
                    }
                }
            }
        }
        Some(())
    }

    /// Makes ranges of the sets and empties them.
    fn collect(&mut self, value: &Value) {
        let flow = &self.flow;
        let (word, own) = bit(value.block);
        let is_out = self.walk.out[word] & own != 0;
        let to = if is_out { flow.blocks[value.block as usize].end } else { value.last };
        let mut open = Range { from: value.def, to };
        for at in word..self.walk.into.len() {
            let (into, out) =
                (std::mem::take(&mut self.walk.into[at]), std::mem::take(&mut self.walk.out[at]));
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
