//! Natural loops: what can reach a back edge without passing the block it goes back to, the header,
//! which dominates it all. Loops with the same header count as one.
//!
//! Headers are taken innermost first. A loop is found by walking backwards from its back edges; an
//! inner loop met on the way is joined whole and walked on from its header, so that each edge is
//! walked once and the cost is near linear. Cycles with several entries (irreducible ones) are no
//! loops here.

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
    /// Where it is entered.
    pub header: Block,
    /// The innermost loop around it.
    pub parent: Option<Loop>,
    /// How many loops it is in, itself included.
    pub depth: u32,
    /// A loop around it as known so far, or itself: the chain is compressed as it is followed.
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
    /// Forgets all loops.
    pub fn clear(&mut self) {
        self.loops.clear();
        self.innermost.clear();
    }

    /// Replaces the contents with the loops of a function.
    pub fn compute(&mut self, cfg: &Cfg, order: &Order, dominators: &Dominators) {
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

    /// Adds the loop of `header`, whose back edges come from the blocks in the worklist.
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

    /// The outermost loop found so far around `inner`, which may be itself.
    fn outermost(&mut self, inner: Loop) -> Loop {
        let mut at = inner;
        while self.loops[at].outer != at {
            let outer = self.loops[at].outer;
            self.loops[at].outer = self.loops[outer].outer;
            at = outer;
        }
        at
    }

    /// The loops, inner ones before those around them.
    pub fn all(&self) -> &Map<Loop, LoopData> {
        &self.loops
    }

    /// The innermost loop that `block` is in.
    #[inline]
    pub fn innermost(&self, block: Block) -> Option<Loop> {
        self.innermost[block]
    }

    /// How many loops `block` is in.
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
