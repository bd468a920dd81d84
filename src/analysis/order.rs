//! Depth-first orders of the blocks that are reachable from the entry.
//!
//! One walk computes both the reverse postorder, in which a block comes after all its predecessors except
//! those of back edges, and the spanning tree from which dominators are computed. It visits successors in
//! branch order, so in the reverse postorder a block is followed by the last successor that no other block
//! leads to.

use super::Cfg;
use crate::entity::Map;
use crate::ir::{Block, Stencil};

/// The number of an unreachable block.
const UNREACHABLE: u32 = u32::MAX;

/// Reverse postorder and depth-first spanning tree.
#[derive(Default, Debug)]
pub(crate) struct Order {
    rpo: Vec<Block>,
    rpo_number: Map<Block, u32>,
    /// Blocks in the order in which the walk visited them.
    preorder: Vec<Block>,
    preorder_number: Map<Block, u32>,
    /// The preorder number of each block's parent in the spanning tree, by preorder number. The entry is its
    /// own parent.
    parents: Vec<u32>,
    /// Blocks on the path from the entry, with the number of their successors that have been visited.
    stack: Vec<(Block, u32)>,
}

impl Order {
    /// Replaces the contents with the orders of the function whose edges are `cfg`.
    pub(crate) fn compute(&mut self, stencil: &Stencil, cfg: &Cfg) {
        let count = cfg.block_count();
        self.rpo.clear();
        self.preorder.clear();
        self.parents.clear();
        self.rpo_number.clear();
        self.rpo_number.resize(count, UNREACHABLE);
        self.preorder_number.clear();
        self.preorder_number.resize(count, UNREACHABLE);
        if let Some(&entry) = stencil.layout.first() {
            self.walk(entry, cfg);
        }
        self.rpo.reverse();
        for (n, &block) in self.rpo.iter().enumerate() {
            self.rpo_number[block] = n as u32;
        }
    }

    /// Walks from `entry`, leaving the postorder in `rpo`.
    fn walk(&mut self, entry: Block, cfg: &Cfg) {
        self.discover(entry, 0);
        while let Some((block, done)) = self.stack.last_mut() {
            let block = *block;
            let Some(&succ) = cfg.succs(block).get(*done as usize) else {
                self.stack.pop();
                self.rpo.push(block);
                continue;
            };
            *done += 1;
            if self.preorder_number[succ] == UNREACHABLE {
                self.discover(succ, self.preorder_number[block]);
            }
        }
    }

    fn discover(&mut self, block: Block, parent: u32) {
        self.preorder_number[block] = self.preorder.len() as u32;
        self.preorder.push(block);
        self.parents.push(parent);
        self.stack.push((block, 0));
    }

    /// Reachable blocks in reverse postorder; the entry is first.
    #[inline]
    pub(crate) fn rpo(&self) -> &[Block] {
        &self.rpo
    }

    /// Whether there is a path from the entry to `block`.
    #[inline]
    pub(crate) fn is_reachable(&self, block: Block) -> bool {
        self.rpo_number[block] != UNREACHABLE
    }

    /// Reachable blocks in the order in which a depth-first walk visits them.
    pub(crate) fn preorder(&self) -> &[Block] {
        &self.preorder
    }

    /// The index of `block` in the preorder; `None` if it is unreachable.
    #[inline]
    pub(crate) fn preorder_number(&self, block: Block) -> Option<usize> {
        let number = self.preorder_number[block];
        (number != UNREACHABLE).then_some(number as usize)
    }

    /// The preorder number of each block's parent in the spanning tree, by preorder number. The entry is its
    /// own parent.
    pub(crate) fn parents(&self) -> &[u32] {
        &self.parents
    }
}
