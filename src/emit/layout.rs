//! The order in which blocks are emitted. It is computed after allocation, when it is known which blocks are
//! empty.
//!
//! Cold blocks come last. Blocks that only jump are not emitted: branches to them are forwarded. A loop whose
//! header tests at the top is rotated, so that the conditional branch becomes the back edge.

use crate::entity::Span;
use crate::machine::description::Machine;
use crate::machine::inst::Props;
use crate::machine::reg::{Edit, Inst, Output, ProgPoint, VBlock};
use crate::machine::vcode::VCode;

/// The block order of one function; reused from function to function.
#[derive(Debug, Default)]
pub struct BlockLayout {
    order: Vec<VBlock>,
    /// For each block, itself, or the block that it forwards to because all it does is jump.
    forwarded: Vec<VBlock>,
    /// Blocks that are not emitted, grouped by the block that they forward to.
    skipped: Vec<VBlock>,
    /// For each block, the range in `skipped` of the blocks that forward to it.
    ranges: Vec<Span>,
    /// Cold blocks, which come last in `order`.
    cold: Vec<VBlock>,
    /// Index of each block in `order`, or `u32::MAX`.
    positions: Vec<u32>,
    /// For each block, whether an indirect branch goes to it; empty if not computed.
    landings: Vec<bool>,
}

impl BlockLayout {
    /// Computes the order for a function.
    pub(crate) fn compute<M: Machine>(&mut self, vcode: &VCode, output: &Output) {
        self.landings.clear();
        self.find_empty::<M>(vcode, output);
        self.group_skipped();
        self.order.clear();
        self.cold.clear();
        for block in vcode.block_indices() {
            if self.forwarded[block.index()] != block {
                continue;
            }
            if vcode.block(block).cold && block.index() != 0 {
                self.cold.push(block);
            } else {
                self.order.push(block);
            }
        }
        self.rotate_loops(vcode);
        self.order.extend_from_slice(&self.cold);
    }

    /// Finds the blocks that indirect branches go to; call it after [`BlockLayout::compute`].
    pub(crate) fn find_landings<M: Machine>(&mut self, vcode: &VCode) {
        self.landings.clear();
        self.landings.resize(vcode.blocks.len(), false);
        for block in vcode.block_indices() {
            let last = &vcode.insts[vcode.block(block).insts.end as usize - 1];
            if M::rows()[last.row.0 as usize].props.any(Props::INDIRECT) {
                for to in vcode.successors(block) {
                    self.landings[self.forwarded[to.index()].index()] = true;
                }
            }
        }
    }

    /// Whether an indirect branch goes to a block; false unless [`BlockLayout::find_landings`] was called.
    pub(crate) fn is_landing(&self, block: VBlock) -> bool {
        self.landings.get(block.index()).is_some_and(|&lands| lands)
    }

    /// Returns the blocks in emission order.
    pub(crate) fn order(&self) -> &[VBlock] {
        &self.order
    }

    /// Whether to move a latch before its header. This pays if the latch has several predecessors, at most
    /// one of which falls through to it now, or if its only predecessor is a branch whose other destination
    /// can then fall through. Only one latch of a loop can be moved.
    fn goes_before(&self, vcode: &VCode, header: usize, latch: usize) -> bool {
        if self.order[header - 1] > self.order[header] {
            return false;
        }
        let &[pred] = vcode.predecessors(self.order[latch]) else { return true };
        let [a, b] = vcode.successors(pred) else { return false };
        let other = if *a == self.order[latch] { b } else { a };
        let after = self.positions[pred.index()] as usize + 1;
        let next = if after == latch { after + 1 } else { after };
        self.order.get(next) == Some(&self.forwarded[other.index()])
    }

    /// Returns the block that `block` forwards to, or `block` itself.
    pub(crate) fn emitted(&self, block: VBlock) -> VBlock {
        self.forwarded[block.index()]
    }

    /// Returns the blocks that are not emitted because they only jump to `block`.
    pub(crate) fn forwarding_to(&self, block: VBlock) -> &[VBlock] {
        self.ranges[block.index()].of(&self.skipped)
    }

    /// Finds blocks that only jump, and the ends of chains of them.
    fn find_empty<M: Machine>(&mut self, vcode: &VCode, output: &Output) {
        self.forwarded.clear();
        self.forwarded.extend(vcode.block_indices());
        for block in vcode.block_indices().skip(1) {
            let insts = vcode.block(block).insts;
            let inst = &vcode.insts[insts.start as usize];
            if insts.len() != 1 || inst.row != M::JUMP {
                continue;
            }
            let to = VBlock::new(vcode.inst_words(inst)[0] as usize);
            let point = ProgPoint::before(Inst::new(insts.start as usize));
            let edit = output.edits.partition_point(|edit| edit.0 < point);
            let mut moves = output.edits[edit..].iter().take_while(|edit| edit.0 == point);
            let stays = moves.all(|(_, Edit::Move { from, to })| from == to);
            let root = self.root(to);
            if stays && root != block {
                self.forwarded[block.index()] = root;
            }
        }
        for block in vcode.block_indices().skip(1) {
            self.forwarded[block.index()] = self.root(block);
        }
    }

    /// Returns the end of the chain of forwarding blocks from `block`, shortening the chain. There are no
    /// cycles, because a block whose chain ends in itself is not forwarded.
    fn root(&mut self, mut block: VBlock) -> VBlock {
        while self.forwarded[block.index()] != block {
            let next = self.forwarded[block.index()];
            self.forwarded[block.index()] = self.forwarded[next.index()];
            block = next;
        }
        block
    }

    /// Computes `skipped` and `ranges` by a counting sort.
    fn group_skipped(&mut self) {
        self.ranges.clear();
        self.ranges.resize(self.forwarded.len(), Span::default());
        for (block, &to) in self.forwarded.iter().enumerate() {
            if to.index() != block {
                self.ranges[to.index()].end += 1;
            }
        }
        let mut at = 0;
        for range in &mut self.ranges {
            let len = range.end;
            *range = Span::new(at, at);
            at += len;
        }
        self.skipped.clear();
        self.skipped.resize(at as usize, VBlock::invalid());
        for (block, &to) in self.forwarded.iter().enumerate() {
            if to.index() != block {
                let range = &mut self.ranges[to.index()];
                self.skipped[range.end as usize] = VBlock::new(block);
                range.end += 1;
            }
        }
    }

    /// Makes conditional branches the back edges of loops.
    ///
    /// A latch is a block whose only successor, the header, precedes it. If one side of the header's branch
    /// leaves the loop, the header is moved after the latch, whose jump becomes a fallthrough. Otherwise, if
    /// a conditional branch leads to the latch (which then is little more than the moves of a split edge),
    /// the latch is moved before the header. Long loops are left alone: moving the blocks in between would
    /// cost more than linear time, and a jump is a small part of such a loop.
    fn rotate_loops(&mut self, vcode: &VCode) {
        const LONGEST: usize = 200;
        self.positions.clear();
        self.positions.resize(vcode.blocks.len(), u32::MAX);
        for (position, &block) in self.order.iter().enumerate() {
            self.positions[block.index()] = position as u32;
        }
        for latch in 1..self.order.len() {
            let [back] = vcode.successors(self.order[latch]) else { continue };
            let header = self.positions[self.forwarded[back.index()].index()] as usize;
            if header == 0 || header >= latch || latch - header > LONGEST {
                continue;
            }
            let inside = |block: &VBlock| {
                let position = self.positions[self.forwarded[block.index()].index()] as usize;
                position > header && position <= latch
            };
            let leaves = matches!(vcode.successors(self.order[header]), [a, b] if inside(a) != inside(b));
            if leaves {
                self.order[header..=latch].rotate_left(1);
            } else if self.goes_before(vcode, header, latch) {
                // The latch is only reached by a conditional branch: that becomes the back edge.
                self.order[header..=latch].rotate_right(1);
            } else {
                continue;
            }
            for position in header..=latch {
                self.positions[self.order[position].index()] = position as u32;
            }
        }
    }
}
