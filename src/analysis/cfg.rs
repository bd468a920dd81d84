//! The edges between blocks, in both directions.
//!
//! An edge is a block call of a block's last instruction, so a block that the instruction names twice is a
//! successor twice. Successors are in the order in which the instruction names them, predecessors in layout
//! order.

use crate::entity::Map;
use crate::ir::{Block, Inst, Stencil};

/// A range of one of the edge arrays.
type Range = (u32, u32);

/// Successors and predecessors of every block.
#[derive(Default, Debug)]
pub(crate) struct Cfg {
    succs: Vec<Block>,
    succ_ranges: Map<Block, Range>,
    preds: Vec<Block>,
    pred_ranges: Map<Block, Range>,
}

impl Cfg {
    /// Replaces the contents with the edges of `stencil`.
    pub(crate) fn compute(&mut self, stencil: &Stencil) {
        let count = stencil.blocks.len();
        self.succs.clear();
        self.succ_ranges.clear();
        self.succ_ranges.resize(count, (0, 0));
        self.pred_ranges.clear();
        self.pred_ranges.resize(count, (0, 0));
        for &block in &stencil.layout {
            self.add_successors(stencil, block);
        }
        self.fill_predecessors(stencil);
    }

    /// Records the edges out of `block`, and counts the edges into each of its successors in the ends of
    /// `pred_ranges`.
    fn add_successors(&mut self, stencil: &Stencil, block: Block) {
        let start = self.succs.len() as u32;
        if let Some(last) = stencil.terminator(block) {
            stencil.visit_block_calls(&stencil.insts[last], |call| {
                let target = stencil.block_calls[call].block;
                if stencil.blocks.get(target).is_some_and(|data| data.defined) {
                    self.succs.push(target);
                    self.pred_ranges[target].1 += 1;
                }
            });
        }
        self.succ_ranges[block] = (start, self.succs.len() as u32);
    }

    /// Turns the counts in `pred_ranges` into ranges, and fills these with predecessors.
    fn fill_predecessors(&mut self, stencil: &Stencil) {
        let mut at = 0;
        for range in self.pred_ranges.values_mut() {
            let count = range.1;
            *range = (at, at);
            at += count;
        }
        self.preds.clear();
        self.preds.resize(self.succs.len(), Block(0));
        for &block in &stencil.layout {
            let (start, end) = self.succ_ranges[block];
            for &target in &self.succs[start as usize..end as usize] {
                let range = &mut self.pred_ranges[target];
                self.preds[range.1 as usize] = block;
                range.1 += 1;
            }
        }
    }

    /// The targets of the edges out of `block`.
    #[inline]
    pub(crate) fn succs(&self, block: Block) -> &[Block] {
        let (start, end) = self.succ_ranges[block];
        &self.succs[start as usize..end as usize]
    }

    /// The sources of the edges into `block`, including unreachable blocks.
    #[inline]
    pub(crate) fn preds(&self, block: Block) -> &[Block] {
        let (start, end) = self.pred_ranges[block];
        &self.preds[start as usize..end as usize]
    }

    /// The number of block numbers, including those that the text does not use.
    #[inline]
    pub(crate) fn block_count(&self) -> usize {
        self.succ_ranges.len()
    }
}

/// The block that contains instruction `inst` of the layout.
pub(crate) fn block_of(stencil: &Stencil, inst: Inst) -> Block {
    let after = stencil.layout.partition_point(|&block| stencil.blocks[block].start <= inst.0);
    stencil.layout[after - 1]
}
