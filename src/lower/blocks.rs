//! The blocks of VCode: reachable IR blocks in text order, joined where possible, with critical edges split.
//!
//! Lowering goes backwards over the blocks and must meet all uses of a value before its definition. If some
//! block precedes its dominator in the text, blocks are in reverse postorder instead.
//!
//! A block that is only reached by the jump at the end of another one continues it: together they are one
//! block of VCode.
//!
//! The allocator puts the moves of an edge at the end of its source or at the start of its destination. A
//! critical edge, from a block with several successors to one with several predecessors, is therefore split
//! by a block of its own, right after the source; emission drops that block if it gets no moves. A branch on
//! `a and b` or `a or b` becomes two branches, the second in a block of its own ([`Origin::Second`]). Jump
//! table entries that go to the same block and pass no arguments share an edge.

use crate::analysis::Analysis;
use crate::entity::{Map, Span};
use crate::ir::{Block, BlockCallRef, Stencil, Value};
use crate::machine::reg::VBlock;
use crate::machine::vcode::{Edge, Origin, VBlockData, VCode};

/// The correspondence of IR blocks and VCode blocks, and the successors of each; reused from function to
/// function.
#[derive(Debug, Default)]
pub struct Blocks {
    /// For each IR block, the VCode block that it is in.
    index: Map<Block, VBlock>,
    /// For each VCode block, its range in `successors`.
    ranges: Vec<Span>,
    /// Destinations, in the order of the terminator's block calls.
    successors: Vec<VBlock>,
    /// Block calls of the branch being added.
    calls: Vec<BlockCallRef>,
    /// Those of them whose critical edges are split, with whether that is cold.
    split: Vec<(BlockCallRef, bool)>,
    /// How the branch being added is lowered.
    plan: BranchPlan,
    /// For each edge of VCode, the block call whose arguments it passes; `None` for an edge to a block that
    /// splits it.
    edge_calls: Vec<Option<BlockCallRef>>,
    /// For each IR block, the VCode block that last got an edge to it without arguments, and that edge's
    /// destination.
    shared: Map<Block, (VBlock, VBlock)>,
}

impl Blocks {
    /// Makes the blocks and edges of `vcode`.
    ///
    /// `plan` returns how a block's branch is lowered.
    pub(crate) fn build(
        &mut self,
        stencil: &Stencil,
        analysis: &Analysis,
        vcode: &mut VCode,
        mut plan: impl FnMut(Block) -> BranchPlan,
    ) {
        self.clear(stencil);
        let order = match self.dominators_come_first(stencil, analysis) {
            true => &stencil.layout,
            false => analysis.order.rpo(),
        };
        for &first in order {
            if analysis.order.is_reachable(first) && self.index[first].is_invalid() {
                let last = self.join(stencil, analysis, first, VBlock::new(vcode.blocks.len()));
                self.plan = plan(last);
                self.add_block(stencil, analysis, vcode, Origin::Blocks { first, last }, last);
            }
        }
        for edge in &mut vcode.edges {
            edge.to = self.resolve(edge.to);
            vcode.succs.push(edge.to);
        }
        for at in 0..self.successors.len() {
            self.successors[at] = self.resolve(self.successors[at]);
        }
        add_predecessors(vcode);
    }

    /// Returns the VCode block that `block` is or [stands for](unresolved).
    fn resolve(&self, block: VBlock) -> VBlock {
        match block.raw_u32() & UNRESOLVED {
            0 => block,
            _ => self.index[Block(block.raw_u32() & !UNRESOLVED)],
        }
    }

    /// Whether each reachable block comes after its dominators in the text.
    fn dominators_come_first(&mut self, stencil: &Stencil, analysis: &Analysis) -> bool {
        let seen = VBlock::new(0);
        let sound =
            stencil.layout.iter().filter(|&&block| analysis.order.is_reachable(block)).all(|&block| {
                self.index[block] = seen;
                analysis.dominators.idom(block).is_none_or(|dominator| self.index[dominator] == seen)
            });
        self.index.clear();
        self.index.resize(stencil.blocks.len(), VBlock::invalid());
        sound
    }

    fn clear(&mut self, stencil: &Stencil) {
        self.index.clear();
        self.index.resize(stencil.blocks.len(), VBlock::invalid());
        self.ranges.clear();
        self.successors.clear();
        self.edge_calls.clear();
        self.shared.clear();
        self.shared.resize(stencil.blocks.len(), (VBlock::invalid(), VBlock::invalid()));
    }

    /// Joins a block and those that continue it into VCode block `index`; returns the last.
    fn join(&mut self, stencil: &Stencil, analysis: &Analysis, first: Block, index: VBlock) -> Block {
        let mut last = first;
        self.index[last] = index;
        // Without the verifier, a jump can go back to the entry.
        while let Some(next) =
            continuation(stencil, analysis, last).filter(|&next| self.index[next].is_invalid())
        {
            last = next;
            self.index[last] = index;
        }
        last
    }

    /// Adds a VCode block that ends with the terminator of `block`.
    fn add_block(
        &mut self,
        stencil: &Stencil,
        analysis: &Analysis,
        vcode: &mut VCode,
        origin: Origin,
        block: Block,
    ) {
        self.calls.clear();
        if let Some(last) = stencil.terminator(block) {
            stencil.visit_block_calls(&stencil.insts[last], |call| self.calls.push(call));
        }
        let cold = stencil.blocks[block].cold;
        let scope = Scope { stencil, analysis, cold };
        match self.plan.double {
            None => self.add_branch(scope, vcode, origin, None),
            Some(conditions) => {
                // The first branch decides, or continues with the second branch, which comes after the first
                // one's split edges.
                let decided = if conditions.all { 1 } else { 0 };
                let both = std::mem::take(&mut self.calls);
                self.calls.push(both[decided]);
                self.add_branch(scope, vcode, origin, Some(1 - decided));
                self.calls = both;
                self.add_branch(scope, vcode, Origin::Second(block), None);
            }
        }
    }

    /// Adds a VCode block that ends with a branch to `self.calls`. If `on` is given, its successor number
    /// `on` is the second of two branches, whose block comes right after this one and its split edges.
    fn add_branch(&mut self, scope: Scope, vcode: &mut VCode, origin: Origin, on: Option<usize>) {
        let Scope { stencil, analysis, cold } = scope;
        let index = vcode.blocks.len();
        let first_edge = vcode.edges.len() as u32;
        let first_successor = self.successors.len() as u32;
        push_block(vcode, origin, cold);
        self.ranges.push(Span::default());
        let branches = self.calls.len() > 1 || on.is_some();
        let mut split = std::mem::take(&mut self.split);
        for i in 0..self.calls.len() {
            let call = self.calls[i];
            let to = stencil.block_calls[call].block;
            let plain = stencil.block_params(to).is_empty();
            if plain && self.shared[to].0 == VBlock::new(index) {
                self.successors.push(self.shared[to].1);
                continue;
            }
            let defines_results = self.plan.has_late_results && i == 0 && !plain;
            let crowded = analysis.cfg.preds(to).len() > 1 || self.plan.double.is_some() || defines_results;
            let successor = if branches && crowded {
                let at = VBlock::new(index + 1 + split.len());
                split.push((call, cold || stencil.blocks[to].cold));
                self.add_edge(vcode, at, None)
            } else {
                self.add_edge(vcode, unresolved(to), Some(call))
            };
            if plain {
                self.shared[to] = (VBlock::new(index), successor);
            }
            self.successors.push(successor);
        }
        if let Some(on) = on {
            let second = VBlock::new(index + 1 + split.len());
            self.successors.insert(first_successor as usize + on, second);
            self.add_edge(vcode, second, None);
        }
        vcode.blocks[index].edges = Span::from(first_edge, vcode.edges.len());
        self.ranges[index] = Span::from(first_successor, self.successors.len());
        for (call, cold) in split.drain(..) {
            let edge = vcode.edges.len() as u32;
            let to = self.add_edge(vcode, unresolved(stencil.block_calls[call].block), Some(call));
            push_block(vcode, Origin::Edge(call), cold);
            vcode.blocks.last_mut().expect("just pushed").edges = Span::new(edge, edge + 1);
            let successor = self.successors.len() as u32;
            self.successors.push(to);
            self.ranges.push(Span::new(successor, successor + 1));
        }
        self.split = split;
    }

    /// Adds an edge to `to`, which passes the arguments of `call`. Returns `to`.
    fn add_edge(&mut self, vcode: &mut VCode, to: VBlock, call: Option<BlockCallRef>) -> VBlock {
        vcode.edges.push(Edge { to, args: Span::default() });
        self.edge_calls.push(call);
        to
    }

    /// Returns the destinations of a block's terminator, in the order of its block calls.
    pub(crate) fn successors(&self, vblock: VBlock) -> &[VBlock] {
        self.ranges[vblock.index()].of(&self.successors)
    }

    /// Returns the block call whose arguments an edge passes; `None` for an edge to a block that splits it.
    pub(crate) fn edge_call(&self, edge: usize) -> Option<BlockCallRef> {
        self.edge_calls[edge]
    }

    /// Returns the VCode block that an IR block is in; `None` if it is unreachable.
    pub(crate) fn vblock(&self, block: Block) -> Option<VBlock> {
        Some(self.index[block]).filter(|vblock| vblock.is_valid())
    }
}

/// Returns the block that continues `block`, if there is one.
fn continuation(stencil: &Stencil, analysis: &Analysis, block: Block) -> Option<Block> {
    let call = stencil.jump_call(stencil.terminator(block)?)?;
    let next = stencil.block_calls[call].block;
    let joins =
        analysis.cfg.preds(next).len() == 1 && stencil.blocks[next].cold == stencil.blocks[block].cold;
    joins.then_some(next)
}

/// How a branch is lowered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BranchPlan {
    /// The two conditions, if each is better tested by a branch of its own.
    pub(crate) double: Option<DoubleBranch>,
    /// Whether it is a try_call with results that are defined after the call, on its normal edge.
    pub(crate) has_late_results: bool,
}

/// A branch on two conditions, which is lowered to two branches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DoubleBranch {
    /// The two conditions.
    pub(crate) conditions: [Value; 2],
    /// Whether both conditions must hold; otherwise one is enough.
    pub(crate) all: bool,
}

/// The parameters for adding a block.
#[derive(Clone, Copy)]
struct Scope<'a> {
    stencil: &'a Stencil,
    analysis: &'a Analysis,
    cold: bool,
}

/// Set in a `VBlock` that has the number of an IR block, whose VCode block may not exist yet.
const UNRESOLVED: u32 = 1 << 31;

/// Returns a stand-in for the VCode block that an IR block will be in.
fn unresolved(block: Block) -> VBlock {
    VBlock::new((block.0 | UNRESOLVED) as usize)
}

fn push_block(vcode: &mut VCode, origin: Origin, cold: bool) {
    let none = Span::default();
    vcode.blocks.push(VBlockData { insts: none, params: none, edges: none, preds: none, origin, cold });
}

/// Computes the predecessors from the edges, by a counting sort.
fn add_predecessors(vcode: &mut VCode) {
    for edge in &vcode.edges {
        vcode.blocks[edge.to.index()].preds.end += 1;
    }
    let mut at = 0;
    for block in &mut vcode.blocks {
        let count = block.preds.end;
        block.preds = Span::new(at, at);
        at += count;
    }
    vcode.preds.resize(at as usize, VBlock::invalid());
    for block in vcode.block_indices() {
        for edge in vcode.block(block).edges.iter() {
            let preds = &mut vcode.blocks[vcode.edges[edge as usize].to.index()].preds;
            vcode.preds[preds.end as usize] = block;
            preds.end += 1;
        }
    }
}
