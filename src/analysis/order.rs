//! Depth-first orders of the blocks that can be reached from the entry.
//!
//! One walk gives the reverse postorder, in which a block comes after all its predecessors but those
//! of back edges, and the spanning tree that dominators are computed from. It takes successors in
//! branch order, so the last one that is not visited otherwise comes next in the reverse postorder.

use super::Cfg;
use crate::entity::Map;
use crate::ir::{Block, Stencil};

/// The number of a block that cannot be reached.
const UNREACHABLE: u32 = u32::MAX;

/// Reverse postorder and depth-first spanning tree.
#[derive(Default, Debug)]
pub struct Order {
    rpo: Vec<Block>,
    rpo_number: Map<Block, u32>,
    /// Blocks in the order in which the walk found them.
    preorder: Vec<Block>,
    preorder_number: Map<Block, u32>,
    /// By preorder number: that of the block it was found from. The entry's own is its own.
    parents: Vec<u32>,
    /// Blocks on the path from the entry, with how many of their successors are done.
    stack: Vec<(Block, u32)>,
}

impl Order {
    /// Replaces the contents with the orders of the function whose edges are `cfg`.
    pub fn compute(&mut self, stencil: &Stencil, cfg: &Cfg) {
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
    pub fn rpo(&self) -> &[Block] {
        &self.rpo
    }

    /// The place of `block` in the reverse postorder; `None` if it cannot be reached.
    #[inline]
    pub fn rpo_number(&self, block: Block) -> Option<usize> {
        let number = self.rpo_number[block];
        (number != UNREACHABLE).then_some(number as usize)
    }

    /// Whether there is a path from the entry to `block`.
    #[inline]
    pub fn is_reachable(&self, block: Block) -> bool {
        self.rpo_number[block] != UNREACHABLE
    }

    /// Reachable blocks in the order in which a depth-first walk finds them.
    pub fn preorder(&self) -> &[Block] {
        &self.preorder
    }

    /// The place of a reachable block in the preorder.
    #[inline]
    pub fn preorder_number(&self, block: Block) -> Option<usize> {
        let number = self.preorder_number[block];
        (number != UNREACHABLE).then_some(number as usize)
    }

    /// By preorder number, that of the parent in the spanning tree; the entry is its own.
    pub fn parents(&self) -> &[u32] {
        &self.parents
    }
}
