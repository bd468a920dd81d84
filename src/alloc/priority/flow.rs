//! Blocks as the allocator sees them: where they are, what loops they are in, how often they run.
//!
//! A block's level says what it is part of: [`ORDINARY`] outside of loops, one more for each loop around it,
//! two fewer if it is cold. What is of one level is kept together.
//!
//! Its *heat* says how often it runs: a level is eight times as frequent as the one below. With high effort,
//! branches divide a block's frequency among its successors of the same level; what comes of that is its
//! *share*. Copies on edges are compared by shares, since many edges may come together; uses are compared by
//! heat: a value that is used behind branches is still worth a register in all of its loop.

use super::Effort;
use super::loops::Loops;
use super::positions::{Pos, gap};
use super::regions::Regions;
use crate::entity::Span;
use crate::machine::reg::VBlock;
use crate::machine::vcode::VCode;

/// The level of a block outside of all loops that is not cold.
const ORDINARY: u8 = 2;

/// The highest level; deeper loops count the same.
const HIGHEST: u8 = 8;

/// How much less often than others of its level a block runs at least.
const LEAST_SHARE: f32 = 1.0 / 64.0;

/// How often something runs: two steps of heat make twice as often.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Heat(u8);

impl Heat {
    /// Steps of heat are the exponent and the first bit behind it of a frequency.
    const SHIFT: u32 = 22;
    /// Of the lowest frequency: that of the lowest level with the least share.
    const BASE: u32 = LEAST_SHARE.to_bits() >> Self::SHIFT;
    /// Steps from a level to the next.
    const OF_LEVEL: u8 = 6;

    /// That of a block of which only the level is known.
    fn of_level(level: u8) -> Heat {
        Heat(12 + level * Self::OF_LEVEL)
    }

    fn of(frequency: f32) -> Heat {
        Heat((frequency.to_bits() >> Self::SHIFT).saturating_sub(Self::BASE) as u8)
    }

    /// That of blocks outside of loops that are not cold.
    pub(super) const ORDINARY: Heat = Heat(12 + ORDINARY * Self::OF_LEVEL);

    /// How often it runs, compared with others.
    #[inline]
    pub(super) fn frequency(self) -> f32 {
        f32::from_bits((u32::from(self.0) + Self::BASE) << Self::SHIFT)
    }
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
    /// How deep it is in loops.
    level: u8,
    /// How often blocks of its level run.
    pub(super) heat: Heat,
    /// How often it runs in proportion to others of its level.
    pub(super) share: Heat,
    /// Whether it is rarely executed, in whatever loop.
    cold: bool,
    /// Whether it is the header of a loop.
    pub(super) header: bool,
    /// Whether a block that does not stand before it leads to it.
    pub(super) has_back_edge: bool,
}

/// From so many blocks on, regions are looked for: fewer are soon gone through.
const MANY: usize = 32;

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
    /// With high effort, the blocks in runs of one level.
    pub(super) runs: Vec<Run>,
    /// Predecessors of all blocks.
    pred_list: Vec<VBlock>,
    /// For each [`STRETCH`] blocks, the first and the last of their predecessors; empty if there are no more.
    pred_bounds: Vec<(u32, u32)>,
    /// While heat is looked for: how often each block runs.
    frequencies: Vec<f32>,
    loops: Loops,
    pub(super) regions: Regions,
}

impl Flow {
    /// Finds the blocks of a function.
    #[inline(never)]
    pub(super) fn compute(&mut self, vcode: &VCode, effort: Effort) {
        self.pred_list.clear();
        self.pred_list.extend_from_slice(&vcode.preds);
        self.list_blocks(vcode);
        if vcode.blocks.len() >= MANY {
            self.regions.find(vcode);
        } else {
            self.regions.clear();
        }
        if self.blocks.iter().any(|block| block.has_back_edge) {
            self.find_loops(vcode);
        }
        match effort {
            Effort::Low => {}
            Effort::High => {
                if !vcode.edge_args.is_empty() {
                    self.divide_frequencies(vcode);
                }
                self.list_runs();
            }
        }
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
                block.heat = Heat::of_level(block.level);
                block.share = block.heat;
            }
        }
    }

    /// Divides the frequency of each block among its successors: evenly, but for those of lower levels, which
    /// get less in proportion. Back edges bring nothing; a header runs eight times for each time that its
    /// loop is entered.
    fn divide_frequencies(&mut self, vcode: &VCode) {
        let step = |level: u8| Heat::of_level(level).frequency();
        self.frequencies.clear();
        self.frequencies.resize(self.blocks.len(), 0.0);
        self.frequencies[0] = step(ORDINARY);
        for (at, block) in vcode.blocks.iter().enumerate() {
            let level = self.blocks[at].level;
            let whole = step(level);
            let factor = if self.blocks[at].header { whole / step(level.saturating_sub(1)) } else { 1.0 };
            let own = (self.frequencies[at] * factor).clamp(whole * LEAST_SHARE, whole);
            self.blocks[at].share = Heat::of(own);
            let succs = block.edges.of(&vcode.succs);
            if let [succ] = succs {
                // A back edge's share is not asked for.
                self.frequencies[succ.index()] += own;
                continue;
            }
            let part = |succ: &VBlock| step(self.blocks[succ.index()].level.min(level));
            let all: f32 = succs.iter().map(part).sum();
            for succ in succs.iter().filter(|succ| succ.index() > at) {
                self.frequencies[succ.index()] += own * part(succ) / all;
            }
        }
    }

    fn list_blocks(&mut self, vcode: &VCode) {
        self.blocks.clear();
        self.block_of.clear();
        self.block_of.reserve(vcode.insts.len());
        let mut lead = 0;
        self.pred_bounds.clear();
        if vcode.blocks.len() > STRETCH {
            self.bound_preds(vcode);
        }
        for (number, block) in vcode.blocks.iter().enumerate() {
            let level = if block.cold { 0 } else { ORDINARY };
            let Span { start, end } = block.insts;
            self.block_of.resize(end as usize, number as u32);
            let preds = block.preds.of(&vcode.preds);
            if !matches!(preds, [pred] if pred.index() + 1 == number) {
                lead = number as u32;
            }
            self.blocks.push(Block {
                start: gap(start),
                end: gap(end),
                preds: block.preds,
                lead,
                next_header: Pos::MAX,
                level,
                heat: Heat::of_level(level),
                share: Heat::of_level(level),
                cold: block.cold,
                header: false,
                has_back_edge: preds.iter().any(|pred| pred.index() >= number),
            });
        }
    }

    /// Finds the bounds of each [`STRETCH`] blocks' predecessors.
    fn bound_preds(&mut self, vcode: &VCode) {
        self.pred_bounds.extend(vcode.blocks.chunks(STRETCH).map(|stretch| {
            let preds = stretch.iter().flat_map(|block| block.preds.of(&vcode.preds));
            preds.fold((u32::MAX, 0), |(first, last), pred| {
                (first.min(pred.index() as u32), last.max(pred.index() as u32))
            })
        }));
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
        let Some(&(first, last)) = self.pred_bounds.get(block / STRETCH) else { return 0 };
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

    /// How often the block runs that a position is in.
    #[inline]
    pub(super) fn heat_at(&self, pos: Pos) -> Heat {
        self.blocks[self.block_at(pos) as usize].heat
    }
}
