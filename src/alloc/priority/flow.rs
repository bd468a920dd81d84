//! Blocks as the allocator sees them: where they are, what loops they are in, how often they run.
//!
//! A block's level stands for how often it runs: [`ORDINARY`] outside of loops, one more for each loop around
//! it, two fewer if it is cold. A level is eight times as frequent as the one below.

use super::loops::Loops;
use super::positions::{Pos, gap};
use crate::entity::Span;
use crate::machine::vcode::VCode;

/// The level of a block outside of all loops that is not cold.
pub(super) const ORDINARY: u8 = 2;

/// The highest level; deeper loops count the same.
const HIGHEST: u8 = 8;

/// How often blocks of a level run, for each run of a cold one.
const FREQUENCIES: [f32; HIGHEST as usize + 1] =
    [1.0, 8.0, 64.0, 512.0, 4096.0, 32768.0, 262144.0, 2097152.0, 16777216.0];

/// How often blocks of a level run.
#[inline]
pub(super) fn frequency(level: u8) -> f32 {
    FREQUENCIES[usize::from(level)]
}

/// A block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Its first position.
    pub(super) start: Pos,
    /// The position behind its last.
    pub(super) end: Pos,
    /// How often it runs.
    pub(super) level: u8,
    /// Whether it is the header of a loop.
    pub(super) header: bool,
}

/// Consecutive blocks of one level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) from: Pos,
    pub(super) to: Pos,
    pub(super) level: u8,
}

/// The blocks of a function.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) blocks: Vec<Block>,
    /// The block of each instruction.
    pub(super) block_of: Vec<u32>,
    /// The blocks in runs of one level.
    pub(super) runs: Vec<Run>,
    /// By block: the ranges of their predecessors in `pred_list`.
    pred_ranges: Vec<Span>,
    pred_list: Vec<u32>,
    /// For each block, the first of the row of blocks up to it each of which has only the one before as
    /// predecessor.
    lead: Vec<u32>,
    /// For each block, where the first header from there on begins; [`Pos::MAX`] if there is none.
    next_header: Vec<Pos>,
    pub(super) loops: Loops,
}

impl Flow {
    /// Finds the blocks of a function.
    #[inline(never)]
    pub(super) fn compute(&mut self, vcode: &VCode) {
        self.blocks.clear();
        self.block_of.clear();
        self.runs.clear();
        for (number, block) in vcode.blocks.iter().enumerate() {
            let Span { start, end } = block.insts;
            self.block_of.resize(end as usize, number as u32);
            let level = if block.cold { 0 } else { ORDINARY };
            self.blocks.push(Block { start: gap(start), end: gap(end), level, header: false });
        }
        if self.loops.find(vcode) {
            for (at, block) in self.blocks.iter_mut().enumerate() {
                block.header = self.loops.is_header(at as u32);
                let depth = self.loops.depth(at as u32);
                block.level = (u32::from(block.level) + depth).min(HIGHEST.into()) as u8;
            }
        }
        self.pred_ranges.clear();
        self.pred_ranges.extend(vcode.blocks.iter().map(|block| block.preds));
        self.pred_list.clear();
        self.pred_list.extend(vcode.preds.iter().map(|pred| pred.index() as u32));
        self.lead.clear();
        for number in 0..self.blocks.len() {
            let lead = match *self.preds(number) {
                [pred] if pred as usize + 1 == number => self.lead[number - 1],
                _ => number as u32,
            };
            self.lead.push(lead);
        }
        self.next_header.clear();
        self.next_header.resize(self.blocks.len() + 1, Pos::MAX);
        for (at, block) in self.blocks.iter().enumerate().rev() {
            self.next_header[at] = if block.header { block.start } else { self.next_header[at + 1] };
        }
        for (at, block) in self.blocks.iter().enumerate() {
            let mut block = *block;
            if vcode.blocks[at].cold {
                block.level += ORDINARY;
            }
            match self.runs.last_mut() {
                Some(run) if run.level == block.level => run.to = block.end,
                _ => self.runs.push(Run { from: block.start, to: block.end, level: block.level }),
            }
        }
    }

    /// The predecessors of a block.
    #[inline]
    pub(super) fn preds(&self, block: usize) -> &[u32] {
        self.pred_ranges[block].of(&self.pred_list)
    }

    /// The first of the row of blocks up to `block` each of which can only be reached from the one before.
    #[inline]
    pub(super) fn lead(&self, block: u32) -> u32 {
        self.lead[block as usize]
    }

    /// Where the first loop header from a block on begins.
    #[inline]
    pub(super) fn next_header(&self, block: u32) -> Pos {
        self.next_header[block as usize]
    }

    /// The number of the block that a position is in.
    #[inline]
    pub(super) fn block_at(&self, pos: Pos) -> u32 {
        self.block_of[(pos / 3) as usize]
    }

    /// The level of the block that a position is in.
    #[inline]
    pub(super) fn level_at(&self, pos: Pos) -> u8 {
        self.blocks[self.block_at(pos) as usize].level
    }
}
