//! Natural loops: the blocks that can reach a back edge without passing through its target, the header, which
//! dominates them all. Loops with the same header count as one.
//!
//! Headers are processed innermost first. The blocks of a loop are found by walking backwards from its back
//! edges. When the walk meets an inner loop, it takes in that loop whole and continues from its header, so
//! that each edge is followed once and the cost is nearly linear. Cycles with several entries (irreducible
//! ones) are not considered loops.

use super::{Cfg, Dominators, Order};
use crate::entity;
use crate::entity::{Entity, Map};
use crate::ir::Block;

entity!(
    /// A natural loop; an inner one has a lower number than those around it.
    Loop, "loop"
);

/// One loop.
#[derive(Clone, Copy, Debug)]
pub struct LoopData {
    /// The block through which it is entered.
    pub header: Block,
    /// The innermost loop around it.
    pub parent: Option<Loop>,
    /// The nesting depth: 1 for a loop that is in no other.
    pub depth: u32,
    /// An enclosing loop, or the loop itself if none has been found yet. Chains are compressed as they are
    /// followed.
    outer: Loop,
}

/// The loops of a function.
#[derive(Default, Debug)]
pub struct Loops {
    loops: Map<Loop, LoopData>,
    innermost: Map<Block, Option<Loop>>,
    worklist: Vec<Block>,
}

impl Loops {
    /// Removes all loops.
    pub(super) fn clear(&mut self) {
        self.loops.clear();
        self.innermost.clear();
    }

    /// Replaces the contents with the loops of a function.
    pub(super) fn compute(&mut self, cfg: &Cfg, order: &Order, dominators: &Dominators) {
        self.clear();
        self.innermost.resize(cfg.block_count(), None);
        for &header in order.rpo().iter().rev() {
            let back = |&&pred: &&Block| dominators.dominates(header, pred);
            self.worklist.extend(cfg.preds(header).iter().filter(back));
            if !self.worklist.is_empty() {
                self.add_loop(header, cfg, order);
            }
        }
        for n in (0..self.loops.len()).rev() {
            let outside = self.loops[Loop::new(n)].parent.map_or(0, |parent| self.loops[parent].depth);
            self.loops[Loop::new(n)].depth = outside + 1;
        }
    }

    /// Adds the loop of `header`, given the sources of its back edges in the worklist.
    fn add_loop(&mut self, header: Block, cfg: &Cfg, order: &Order) {
        let this = Loop::new(self.loops.len());
        self.loops.push(LoopData { header, parent: None, depth: 0, outer: this });
        self.innermost[header] = Some(this);
        while let Some(block) = self.worklist.pop() {
            let entered = match self.innermost[block] {
                None => {
                    self.innermost[block] = Some(this);
                    block
                }
                Some(inner) => {
                    let inner = self.outermost(inner);
                    if inner == this {
                        continue;
                    }
                    self.loops[inner].parent = Some(this);
                    self.loops[inner].outer = this;
                    self.loops[inner].header
                }
            };
            let preds = cfg.preds(entered).iter();
            self.worklist.extend(preds.filter(|&&pred| order.is_reachable(pred)));
        }
    }

    /// The outermost loop found so far that encloses `inner`, or `inner` itself.
    fn outermost(&mut self, inner: Loop) -> Loop {
        let mut at = inner;
        while self.loops[at].outer != at {
            let outer = self.loops[at].outer;
            self.loops[at].outer = self.loops[outer].outer;
            at = outer;
        }
        at
    }

    /// All loops, inner ones before those that enclose them.
    pub fn all(&self) -> &Map<Loop, LoopData> {
        &self.loops
    }

    /// The innermost loop that `block` is in.
    #[inline]
    pub fn innermost(&self, block: Block) -> Option<Loop> {
        self.innermost[block]
    }

    /// The number of loops that `block` is in.
    #[inline]
    pub fn depth(&self, block: Block) -> u32 {
        self.innermost[block].map_or(0, |at| self.loops[at].depth)
    }

    /// Whether `block` is the header of a loop.
    #[inline]
    pub fn is_header(&self, block: Block) -> bool {
        self.innermost[block].is_some_and(|at| self.loops[at].header == block)
    }
}
