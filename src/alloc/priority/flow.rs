//! Blocks as the allocator sees them: where they are, what loops they are in, how often they run.
//!
//! A block's level stands for how often it runs: [`ORDINARY`] outside of loops, one more for each loop around
//! it, two fewer if it is cold. A level is eight times as frequent as the one below.

use super::loops::Loops;
use super::positions::{Pos, gap};
use crate::entity::Span;
use crate::machine::reg::VBlock;
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
    /// Its predecessors: in [`Flow::pred_list`].
    preds: Span,
    /// The first of the row of blocks up to it each of which has only the one before as predecessor.
    lead: u32,
    /// Where the first header from it on begins; [`Pos::MAX`] if there is none.
    next_header: Pos,
    /// How often it runs.
    pub(super) level: u8,
    /// Whether it is rarely executed, in whatever loop.
    cold: bool,
    /// Whether it is the header of a loop.
    pub(super) header: bool,
    /// Whether a block that does not stand before it leads to it.
    pub(super) has_back_edge: bool,
}

/// How many blocks share an entry of [`Flow::pred_bounds`].
const STRETCH: usize = 64;

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
    /// Predecessors of all blocks.
    pred_list: Vec<VBlock>,
    /// For each [`STRETCH`] blocks, the first and the last of their predecessors.
    pred_bounds: Vec<(u32, u32)>,
    pub(super) loops: Loops,
    /// Whether blocks lead to ones that do not stand behind them only where a loop's block leads to its
    /// header, and loops are entered at their headers only.
    pub(super) is_regular: bool,
}

impl Flow {
    /// Finds the blocks of a function.
    #[inline(never)]
    pub(super) fn compute(&mut self, vcode: &VCode) {
        self.pred_list.clear();
        self.pred_list.extend_from_slice(&vcode.preds);
        self.list_blocks(vcode);
        self.is_regular = true;
        if self.blocks.iter().any(|block| block.has_back_edge) {
            self.find_loops(vcode);
        }
        self.list_runs();
    }

    fn find_loops(&mut self, vcode: &VCode) {
        let mut next_header = Pos::MAX;
        if self.loops.find(vcode) {
            for (at, block) in self.blocks.iter_mut().enumerate().rev() {
                block.header = self.loops.is_header(at as u32);
                if block.header {
                    next_header = block.start;
                }
                block.next_header = next_header;
                let depth = self.loops.depth(at as u32);
                block.level = (u32::from(block.level) + depth).min(HIGHEST.into()) as u8;
            }
        }
        self.is_regular = self.loops.are_regular()
            && (0..self.blocks.len()).filter(|&block| self.blocks[block].has_back_edge).all(|block| {
                let mut late = self.preds(block).iter().filter(|pred| pred.index() >= block);
                late.all(|pred| self.loops.leads_back(pred.index() as u32, block as u32))
            });
    }

    fn list_blocks(&mut self, vcode: &VCode) {
        self.loops.clear();
        self.blocks.clear();
        self.block_of.clear();
        self.block_of.reserve(vcode.insts.len());
        let mut lead = 0;
        self.pred_bounds.clear();
        let stretches = vcode.blocks.len().div_ceil(STRETCH);
        self.pred_bounds.resize(stretches, (u32::MAX, 0));
        for (number, block) in vcode.blocks.iter().enumerate() {
            let Span { start, end } = block.insts;
            self.block_of.resize(end as usize, number as u32);
            let preds = block.preds.of(&vcode.preds);
            if !matches!(preds, [pred] if pred.index() + 1 == number) {
                lead = number as u32;
            }
            let (first, last) = &mut self.pred_bounds[number / STRETCH];
            for pred in preds {
                *first = (*first).min(pred.index() as u32);
                *last = (*last).max(pred.index() as u32);
            }
            self.blocks.push(Block {
                start: gap(start),
                end: gap(end),
                preds: block.preds,
                lead,
                next_header: Pos::MAX,
                level: if block.cold { 0 } else { ORDINARY },
                cold: block.cold,
                header: false,
                has_back_edge: preds.iter().any(|pred| pred.index() >= number),
            });
        }
    }

    /// Lists the runs of blocks of one level, where cold ones count as any.
    fn list_runs(&mut self) {
        self.runs.clear();
        for block in &self.blocks {
            let level = if block.cold { block.level + ORDINARY } else { block.level };
            match self.runs.last_mut() {
                Some(run) if run.level == level => run.to = block.end,
                _ => self.runs.push(Run { from: block.start, to: block.end, level }),
            }
        }
    }

    /// The predecessors of a block.
    #[inline]
    pub(super) fn preds(&self, block: usize) -> &[VBlock] {
        self.blocks[block].preds.of(&self.pred_list)
    }

    /// How many blocks from `block` on are known to be reached from within `[lo, hi)` only.
    #[inline]
    pub(super) fn entered_within(&self, block: usize, lo: Pos, hi: Pos) -> usize {
        if !block.is_multiple_of(STRETCH) {
            return 0;
        }
        let (first, last) = self.pred_bounds[block / STRETCH];
        let is_within =
            first > last || self.blocks[first as usize].end > lo && self.blocks[last as usize].end <= hi;
        if is_within { STRETCH } else { 0 }
    }

    /// The first of the row of blocks up to `block` each of which can only be reached from the one before.
    #[inline]
    pub(super) fn lead(&self, block: u32) -> u32 {
        self.blocks[block as usize].lead
    }

    /// Where the first loop header from a block on begins.
    #[inline]
    pub(super) fn next_header(&self, block: u32) -> Pos {
        self.blocks.get(block as usize).map_or(Pos::MAX, |block| block.next_header)
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
