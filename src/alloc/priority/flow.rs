//! Blocks as the allocator sees them: where they are, what loops they are in, how often they run.
//!
//! Loops are found from the edges alone (Havlak's algorithm): a depth-first search numbers the blocks, then
//! headers are taken innermost first and their bodies walked backwards from the back edges; an inner loop that was
//! found before counts as its header. Each edge is walked once, and cycles with several entries are
//! loops of the entry the search came to first.
//!
//! A block's level stands for how often it runs: [`ORDINARY`] outside of loops, one more for each loop around it,
//! two fewer if it is cold. A level is eight times as frequent as the one below.

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

/// No block.
const NONE: u32 = u32::MAX;

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
    /// For each block, the first of the row of blocks up to it each of which has only the one before as predecessor.
    lead: Vec<u32>,
    /// For each block, where the first header from there on begins; [`Pos::MAX`] if there is none.
    next_header: Vec<Pos>,
    search: Search,
}

/// What the search for loops needs, by block.
#[derive(Debug, Default)]
struct Search {
    /// Number in the depth-first search.
    number: Vec<u32>,
    /// The highest number of those found from the block.
    last: Vec<u32>,
    /// Blocks by number.
    order: Vec<u32>,
    /// The header of the innermost loop that the block is in but not the header of.
    parent: Vec<u32>,
    /// A block that stands for the loops around it that were found so far; itself outside of them.
    outer: Vec<u32>,
    depth: Vec<u32>,
    is_header: Vec<bool>,
    stack: Vec<(u32, u32)>,
    work: Vec<u32>,
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
        if has_backward_edge(vcode) {
            self.search.run(vcode);
            for (at, block) in self.blocks.iter_mut().enumerate() {
                block.header = self.search.is_header[at];
                block.level = (u32::from(block.level) + self.search.depth[at]).min(HIGHEST.into()) as u8;
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

/// Whether there can be a loop.
fn has_backward_edge(vcode: &VCode) -> bool {
    vcode
        .blocks
        .iter()
        .enumerate()
        .any(|(number, block)| block.edges.of(&vcode.succs).iter().any(|succ| succ.index() <= number))
}

fn preds(vcode: &VCode, block: u32) -> &[VBlock] {
    vcode.blocks[block as usize].preds.of(&vcode.preds)
}

impl Search {
    fn run(&mut self, vcode: &VCode) {
        let count = vcode.blocks.len();
        for list in [&mut self.number, &mut self.last, &mut self.parent] {
            list.clear();
            list.resize(count, NONE);
        }
        self.outer.clear();
        self.outer.extend(0..count as u32);
        self.is_header.clear();
        self.is_header.resize(count, false);
        self.depth.clear();
        self.depth.resize(count, 0);
        self.number_blocks(vcode);
        for at in (0..self.order.len()).rev() {
            self.find_loop(vcode, self.order[at]);
        }
        for &block in &self.order {
            let block = block as usize;
            let around = self.parent[block];
            let depth = if around == NONE { 0 } else { self.depth[around as usize] };
            self.depth[block] = depth + u32::from(self.is_header[block]);
        }
    }

    /// Numbers the blocks in the order of a depth-first search.
    fn number_blocks(&mut self, vcode: &VCode) {
        self.order.clear();
        self.number[0] = 0;
        self.order.push(0);
        self.stack.push((0, vcode.blocks[0].edges.start));
        while let Some((block, edge)) = self.stack.last_mut() {
            let at = *block as usize;
            if *edge == vcode.blocks[at].edges.end {
                self.last[at] = self.order.len() as u32 - 1;
                self.stack.pop();
                continue;
            }
            let succ = vcode.succs[*edge as usize].index();
            *edge += 1;
            if self.number[succ] == NONE {
                self.number[succ] = self.order.len() as u32;
                self.order.push(succ as u32);
                self.stack.push((succ as u32, vcode.blocks[succ].edges.start));
            }
        }
    }

    /// Whether the search came to `block` by way of `ancestor`.
    fn is_below(&self, block: u32, ancestor: u32) -> bool {
        let (number, ancestor) = (self.number[block as usize], ancestor as usize);
        number != NONE && self.number[ancestor] <= number && number <= self.last[ancestor]
    }

    /// Finds the loop of `header`, if it is the header of one.
    fn find_loop(&mut self, vcode: &VCode, header: u32) {
        for pred in preds(vcode, header) {
            let pred = pred.index() as u32;
            if self.is_below(pred, header) {
                self.is_header[header as usize] = true;
                self.add(pred, header);
            }
        }
        while let Some(block) = self.work.pop() {
            for pred in preds(vcode, block) {
                self.add(pred.index() as u32, header);
            }
        }
    }

    /// Adds what stands for `block` to the loop of `header`.
    fn add(&mut self, block: u32, header: u32) {
        let block = self.outermost(block);
        if block != header && self.is_below(block, header) {
            self.outer[block as usize] = header;
            self.parent[block as usize] = header;
            self.work.push(block);
        }
    }

    fn outermost(&mut self, mut block: u32) -> u32 {
        while self.outer[block as usize] != block {
            let outer = self.outer[block as usize];
            self.outer[block as usize] = self.outer[outer as usize];
            block = outer;
        }
        block
    }
}
