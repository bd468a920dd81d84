//! Control flow analysis: edges, orders, dominators, loops.
//!
//! Results are computed once per function from its stencil, and shared by the verifier, the optimiser,
//! lowering and register allocation. They are flat arrays indexed by block number, cleared and refilled for
//! the next function, so that a warm [`Analysis`] allocates nothing. All algorithms are iterative and
//! (nearly) linear: a function may be a chain of a hundred thousand blocks, or a table branch to as many.
//!
//! The input need not be verified: edges to blocks that do not exist are left out.

mod cfg;
mod dominators;
pub(crate) mod domtree;
pub mod graph;
pub mod loops;
mod order;

pub(crate) use cfg::Cfg;
pub(crate) use dominators::Dominators;
use loops::Loops;
pub(crate) use order::Order;

use crate::ir::Stencil;

/// Edges, orders, dominators and loops of one function at a time.
#[derive(Default, Debug)]
pub struct Analysis {
    /// Successors and predecessors.
    pub(crate) cfg: Cfg,
    /// Depth-first orders of the blocks.
    pub(crate) order: Order,
    /// The dominator tree.
    pub(crate) dominators: Dominators,
    /// Natural loops; empty until [`Analysis::compute_loops`].
    pub loops: Loops,
    /// Whether the loops are those of the function.
    has_loops: bool,
}

impl Analysis {
    /// Computes edges, orders and dominators, and discards the loops of the previous function.
    pub fn compute(&mut self, stencil: &Stencil) {
        self.cfg.compute(stencil);
        self.order.compute(stencil, &self.cfg);
        self.dominators.compute(&self.cfg, &self.order);
        self.loops.clear();
        self.has_loops = false;
    }

    /// Computes the loops, after [`Analysis::compute`], unless they are known already.
    pub fn compute_loops(&mut self) {
        if !self.has_loops {
            self.loops.compute(&self.cfg, &self.order, &self.dominators);
            self.has_loops = true;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
