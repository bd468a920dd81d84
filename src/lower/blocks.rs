//! The blocks of VCode: reachable blocks in text order, joined where they can be, critical edges split.
//!
//! Lowering goes backwards over them and must meet all uses of a value before its definition. Where
//! text order has a block before one that dominates it, they stand in reverse postorder instead.
//!
//! A block that is only reached by the jump at the end of another continues that one: they are a block of VCode together.
//!
//! The allocator puts the moves of an edge at the end of its source or at the start of its destination,
//! so an edge from a block with several successors to one with several predecessors needs a block of
//! its own. It stands right behind its source; emission drops it again if no move ends up in it.
//! A branch on `a and b` or `a or b` becomes two branches, the second in a block of its own ([`Origin::Second`]).
//! Entries of a jump table that go to the same block and pass nothing share an edge.

use crate::analysis::Analysis;
use crate::entity::{Map, Span};
use crate::ir::{Block, BlockCallRef, Stencil, Value};
use crate::machine::reg::VBlock;
use crate::machine::vcode::{Edge, Origin, VBlockData, VCode};

/// Where branches of each block go; reused across functions.
#[derive(Debug, Default)]
pub struct Blocks {
    /// VCode block of each IR block.
    index: Map<Block, VBlock>,
    /// For every block of VCode, the range in `successors`.
    ranges: Vec<Span>,
    /// Destinations in the order in which the terminator names its block calls.
    successors: Vec<VBlock>,
    calls: Vec<BlockCallRef>,
    /// Of the block being added.
    double_branch: Option<DoubleBranch>,
    /// Block calls of unsplit edges, by edge of VCode; the split ones pass nothing.
    edge_calls: Vec<Option<BlockCallRef>>,
    /// By destination block: the jump-table edge already made from the current block.
    shared: Map<Block, (VBlock, VBlock)>,
}

impl Blocks {
    /// Makes the blocks and edges of `vcode`.
    ///
    /// `double_branch` says of a block whether its branch is on two conditions, each better tested by a
    /// branch of its own.
    pub fn build(
        &mut self,
        stencil: &Stencil,
        analysis: &Analysis,
        vcode: &mut VCode,
        double_branch: impl Fn(Block) -> Option<DoubleBranch>,
    ) {
        self.clear(stencil);
        let order = match self.dominators_come_first(stencil, analysis) {
            true => &stencil.layout,
            false => analysis.order.rpo(),
        };
        for &first in order {
            if analysis.order.is_reachable(first) && self.index[first].is_invalid() {
                let last = self.join(stencil, analysis, first, VBlock::new(vcode.blocks.len()));
                self.double_branch = double_branch(last);
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

    /// The block of VCode that `block` is or [stands for](unresolved).
    fn resolve(&self, block: VBlock) -> VBlock {
        match block.raw_u32() & UNRESOLVED {
            0 => block,
            _ => self.index[Block(block.raw_u32() & !UNRESOLVED)],
        }
    }

    /// Whether each reachable block stands behind its dominators in the text.
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

    /// Makes a block and those that continue it one block of VCode; returns the last.
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

    /// Adds a block that ends with the terminator of `block`.
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
        match self.double_branch {
            None => self.add_branch(scope, vcode, origin, None),
            Some(conditions) => {
                // The first branch decides, or goes on to the second, which stands behind its split edge.
                let decided = if conditions.all { 1 } else { 0 };
                let both = std::mem::take(&mut self.calls);
                self.calls.push(both[decided]);
                self.add_branch(scope, vcode, origin, Some(1 - decided));
                self.calls = both;
                self.add_branch(scope, vcode, Origin::Second(block), None);
            }
        }
    }

    /// Adds a block that ends with a branch to `self.calls` and, as successor number `on`, to the second branch of the
    /// same condition, which comes right after the block and its split edges.
    fn add_branch(&mut self, scope: Scope, vcode: &mut VCode, origin: Origin, on: Option<usize>) {
        let Scope { stencil, analysis, cold } = scope;
        let index = vcode.blocks.len();
        let first_edge = vcode.edges.len() as u32;
        let first_successor = self.successors.len() as u32;
        push_block(vcode, origin, cold);
        self.ranges.push(Span::default());
        let branches = self.calls.len() > 1 || on.is_some();
        let mut split = Vec::new();
        for i in 0..self.calls.len() {
            let call = self.calls[i];
            let to = stencil.block_calls[call].block;
            let plain = stencil.block_params(to).is_empty();
            if plain && self.shared[to].0 == VBlock::new(index) {
                self.successors.push(self.shared[to].1);
                continue;
            }
            let crowded = analysis.cfg.preds(to).len() > 1 || self.double_branch.is_some();
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
        for (call, cold) in split {
            let edge = vcode.edges.len() as u32;
            let to = self.add_edge(vcode, unresolved(stencil.block_calls[call].block), Some(call));
            push_block(vcode, Origin::Edge(call), cold);
            vcode.blocks.last_mut().expect("just pushed").edges = Span::new(edge, edge + 1);
            let successor = self.successors.len() as u32;
            self.successors.push(to);
            self.ranges.push(Span::new(successor, successor + 1));
        }
    }

    /// Adds an edge to a block, which is returned, with what passes its arguments.
    fn add_edge(&mut self, vcode: &mut VCode, to: VBlock, call: Option<BlockCallRef>) -> VBlock {
        vcode.edges.push(Edge { to, args: Span::default() });
        self.edge_calls.push(call);
        to
    }

    /// The destinations of a block's terminator, in the order of its block calls.
    pub fn successors(&self, vblock: VBlock) -> &[VBlock] {
        self.ranges[vblock.index()].of(&self.successors)
    }

    /// The block call whose arguments an edge passes, if it passes any.
    pub fn edge_call(&self, edge: usize) -> Option<BlockCallRef> {
        self.edge_calls[edge]
    }

    /// The block of VCode that an IR block is in; `None` if it cannot be reached.
    pub fn vblock(&self, block: Block) -> Option<VBlock> {
        Some(self.index[block]).filter(|vblock| vblock.is_valid())
    }
}

/// The block that does no more than continue `block`.
fn continuation(stencil: &Stencil, analysis: &Analysis, block: Block) -> Option<Block> {
    let call = stencil.jump_call(stencil.terminator(block)?)?;
    let next = stencil.block_calls[call].block;
    let joins =
        analysis.cfg.preds(next).len() == 1 && stencil.blocks[next].cold == stencil.blocks[block].cold;
    joins.then_some(next)
}

/// What a branch on two conditions needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DoubleBranch {
    /// The two conditions.
    pub conditions: [Value; 2],
    /// Whether both must hold; else one is enough.
    pub all: bool,
}

/// What blocks are made from.
#[derive(Clone, Copy)]
struct Scope<'a> {
    stencil: &'a Stencil,
    analysis: &'a Analysis,
    cold: bool,
}

/// Marks a block that still is an IR block's number: its VCode block may not be made yet.
const UNRESOLVED: u32 = 1 << 31;

/// Stands for the block of VCode that an IR block will be.
fn unresolved(block: Block) -> VBlock {
    VBlock::new((block.0 | UNRESOLVED) as usize)
}

fn push_block(vcode: &mut VCode, origin: Origin, cold: bool) {
    let none = Span::default();
    vcode.blocks.push(VBlockData { insts: none, params: none, edges: none, preds: none, origin, cold });
}

/// Fills in the predecessors from the edges: a counting sort.
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
