//! The dominator tree.
//!
//! Lengauer and Tarjan's algorithm with path compression: O(edges × log blocks) for any graph. The simpler
//! iterative algorithms take quadratic time for a long chain of blocks that all branch to one exit, which
//! occurs in real functions. Within this module, a block is represented by its number in the depth-first
//! preorder.
//!
//! Dominance is tested by intervals: a block's preorder number in the dominator tree and the size of its
//! subtree.

use super::{Cfg, Order};
use crate::entity::Map;
use crate::ir::Block;

/// Marks the end of a bucket's list.
const NONE: u32 = u32::MAX;

/// The position of a block in the dominator tree.
#[derive(Clone, Copy, Debug)]
struct Interval {
    /// Preorder number in the tree; `u32::MAX` for unreachable blocks.
    start: u32,
    /// The number of blocks it dominates, including itself; 0 for unreachable blocks.
    size: u32,
}

const OUTSIDE: Interval = Interval { start: u32::MAX, size: 0 };

/// The state of the algorithm for a block.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The semidominator.
    semi: u32,
    /// The immediate dominator; before the last pass, possibly another block with the same immediate
    /// dominator.
    idom: u32,
    /// An ancestor in the spanning tree: at first the parent, after path compression a higher one.
    ancestor: u32,
    /// The block with the lowest semidominator on the path from this one to `ancestor`.
    label: u32,
    /// The first block in the list of those whose semidominator this is.
    bucket: u32,
    /// The next block in the list of those with the same semidominator.
    next: u32,
}

/// Immediate dominators, and dominance in constant time.
#[derive(Default, Debug)]
pub(crate) struct Dominators {
    idoms: Map<Block, Option<Block>>,
    intervals: Map<Block, Interval>,
    nodes: Vec<Node>,
    path: Vec<u32>,
}

impl Dominators {
    /// Replaces the contents with the dominators of the blocks in `order`.
    pub(crate) fn compute(&mut self, cfg: &Cfg, order: &Order) {
        self.semidominators(cfg, order);
        self.immediate_dominators(cfg, order);
        self.number(cfg, order);
    }

    /// Finds semidominators, from the last block to the first, and from them most immediate dominators.
    fn semidominators(&mut self, cfg: &Cfg, order: &Order) {
        self.nodes.clear();
        self.nodes.extend(order.parents().iter().enumerate().map(|(n, &parent)| {
            let n = n as u32;
            Node { semi: n, idom: parent, ancestor: parent, label: n, bucket: NONE, next: NONE }
        }));
        for n in (1..self.nodes.len() as u32).rev() {
            let block = order.preorder()[n as usize];
            let mut semi = n;
            for pred in cfg.preds(block).iter().filter_map(|&pred| order.preorder_number(pred)) {
                let pred = pred as u32;
                // A block with a lower number has not been linked yet, so it is its own candidate.
                let candidate = match pred > n {
                    true => {
                        let lowest = self.lowest(pred, n + 1);
                        self.nodes[lowest].semi
                    }
                    false => pred,
                };
                semi = semi.min(candidate);
            }
            let parent = order.parents()[n as usize];
            self.nodes[n as usize].semi = semi;
            // Otherwise the immediate dominator is the parent, the initial value of `idom`.
            if semi != parent {
                let bucket = &mut self.nodes[semi as usize].bucket;
                let next = std::mem::replace(bucket, n);
                self.nodes[n as usize].next = next;
            }
            self.settle_bucket(parent, n);
        }
    }

    /// Finds the immediate dominator of each block in the bucket of `parent`, or a block with the same
    /// immediate dominator. These blocks are descendants of `child`, which has just been linked to `parent`.
    fn settle_bucket(&mut self, parent: u32, child: u32) {
        let mut member = std::mem::replace(&mut self.nodes[parent as usize].bucket, NONE);
        while member != NONE {
            let lowest = self.lowest(member, child);
            let escapes = self.nodes[lowest].semi < parent;
            let node = &mut self.nodes[member as usize];
            node.idom = if escapes { lowest as u32 } else { parent };
            member = node.next;
        }
    }

    /// The block with the lowest semidominator on the spanning tree's path from `from` up to the first
    /// block below `limit`, that one left out. Blocks from `limit` on are linked.
    fn lowest(&mut self, from: u32, limit: u32) -> usize {
        self.path.clear();
        let mut at = from;
        while self.nodes[at as usize].ancestor >= limit {
            self.path.push(at);
            at = self.nodes[at as usize].ancestor;
        }
        let mut above = self.nodes[at as usize];
        for &n in self.path.iter().rev() {
            let candidate = self.nodes[above.label as usize].semi;
            let lower = candidate < self.nodes[self.nodes[n as usize].label as usize].semi;
            let node = &mut self.nodes[n as usize];
            node.ancestor = above.ancestor;
            if lower {
                node.label = above.label;
            }
            above = *node;
        }
        self.nodes[from as usize].label as usize
    }

    /// Replaces blocks with the same immediate dominator by that dominator, in preorder.
    fn immediate_dominators(&mut self, cfg: &Cfg, order: &Order) {
        self.idoms.clear();
        self.idoms.resize(cfg.block_count(), None);
        for n in 1..self.nodes.len() {
            let Node { semi, idom, .. } = self.nodes[n];
            let idom = if idom == semi { idom } else { self.nodes[idom as usize].idom };
            self.nodes[n].idom = idom;
            self.idoms[order.preorder()[n]] = Some(order.preorder()[idom as usize]);
        }
    }

    /// Numbers the tree in preorder, with children in reverse postorder. Two sweeps suffice because a
    /// dominator precedes the blocks it dominates in the reverse postorder.
    fn number(&mut self, cfg: &Cfg, order: &Order) {
        self.intervals.clear();
        self.intervals.resize(cfg.block_count(), OUTSIDE);
        for &block in order.rpo().iter().rev() {
            self.intervals[block].size += 1;
            if let Some(idom) = self.idoms[block] {
                self.intervals[idom].size += self.intervals[block].size;
            }
        }
        // While children are being placed, `start` is the next free number; it ends up `size` too high.
        for &block in order.rpo() {
            let size = self.intervals[block].size;
            let start = match self.idoms[block] {
                None => 0,
                Some(idom) => {
                    let free = &mut self.intervals[idom].start;
                    *free += size;
                    *free - size
                }
            };
            self.intervals[block].start = start + 1;
        }
        for &block in order.rpo() {
            let interval = &mut self.intervals[block];
            interval.start -= interval.size;
        }
    }

    /// The immediate dominator; `None` for the entry and for unreachable blocks.
    #[inline]
    pub(crate) fn idom(&self, block: Block) -> Option<Block> {
        self.idoms[block]
    }

    /// Whether a reachable block dominates others besides itself.
    pub(crate) fn dominates_others(&self, block: Block) -> bool {
        self.intervals[block].size > 1
    }

    /// The preorder numbers in the dominator tree of the blocks that a block dominates, the first of which is
    /// its own; none for an unreachable block, whose number is greater than all others.
    pub(crate) fn interval(&self, block: Block) -> std::ops::Range<u32> {
        let Interval { start, size } = self.intervals[block];
        start..start.saturating_add(size)
    }

    /// Whether every path from the entry to `b` goes through `a`. A reachable block dominates itself; an
    /// unreachable one neither dominates a block nor is dominated.
    #[inline]
    pub(crate) fn dominates(&self, a: Block, b: Block) -> bool {
        let (a, b) = (self.intervals[a], self.intervals[b]);
        b.start.wrapping_sub(a.start) < a.size
    }
}
