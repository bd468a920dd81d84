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

use super::vcode::{Edge, Origin, VBlock, VCode};
use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::{Block, BlockCallRef, Stencil, Value};

/// Where branches of each block go; reused across functions.
#[derive(Debug, Default)]
pub struct Blocks {
    /// VCode block of each IR block.
    index: Map<Block, u32>,
    /// For every VCode block of an IR block, the range in `targets`.
    ranges: Vec<(u32, u32)>,
    /// Destinations, as VCode blocks, in the order in which the terminator names its block calls.
    targets: Vec<u32>,
    calls: Vec<BlockCallRef>,
    /// Of the block being added.
    double_branch: Option<DoubleBranch>,
    /// Block calls of unsplit edges, by edge of VCode; the split ones pass nothing.
    edge_calls: Vec<Option<BlockCallRef>>,
    /// By destination block: the jump-table edge already made from the current block.
    shared: Map<Block, (u32, u32)>,
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
            if analysis.order.is_reachable(first) && self.index[first] == u32::MAX {
                let last = self.join(stencil, analysis, first, vcode.blocks.len() as u32);
                self.double_branch = double_branch(last);
                self.add_block(stencil, analysis, vcode, Origin::Blocks { first, last }, last);
            }
        }
        for edge in &mut vcode.edges {
            if edge.args.1 == 0 {
                let to = self.index[Block(edge.to.index() as u32)];
                edge.to = regalloc2::Block::new(to as usize);
            }
            edge.args = (0, 0);
            vcode.succs.push(edge.to);
        }
        for target in &mut self.targets {
            if *target & UNRESOLVED != 0 {
                *target = self.index[Block(*target & !UNRESOLVED)];
            }
        }
        add_predecessors(vcode);
    }

    /// Whether each reachable block stands behind its dominators in the text.
    fn dominators_come_first(&mut self, stencil: &Stencil, analysis: &Analysis) -> bool {
        const SEEN: u32 = 0;
        let sound =
            stencil.layout.iter().filter(|&&block| analysis.order.is_reachable(block)).all(|&block| {
                self.index[block] = SEEN;
                analysis.dominators.idom(block).is_none_or(|dominator| self.index[dominator] == SEEN)
            });
        self.index.clear();
        self.index.resize(stencil.blocks.len(), u32::MAX);
        sound
    }

    fn clear(&mut self, stencil: &Stencil) {
        self.index.clear();
        self.index.resize(stencil.blocks.len(), u32::MAX);
        self.ranges.clear();
        self.targets.clear();
        self.edge_calls.clear();
        self.shared.clear();
        self.shared.resize(stencil.blocks.len(), (u32::MAX, 0));
    }

    /// Makes a block and those that continue it one block of VCode; returns the last.
    fn join(&mut self, stencil: &Stencil, analysis: &Analysis, first: Block, index: u32) -> Block {
        let mut last = first;
        self.index[last] = index;
        // Without the verifier, a jump can go back to the entry.
        while let Some(next) =
            continuation(stencil, analysis, last).filter(|&next| self.index[next] == u32::MAX)
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

    /// Adds a block that ends with a branch to `self.calls` and, as target number `on`, to the second branch of the
    /// same condition, which comes right after the block and its split edges.
    fn add_branch(&mut self, scope: Scope, vcode: &mut VCode, origin: Origin, on: Option<usize>) {
        let Scope { stencil, analysis, cold } = scope;
        let index = vcode.blocks.len() as u32;
        let first_edge = vcode.edges.len() as u32;
        let first_target = self.targets.len() as u32;
        push_block(vcode, origin, cold);
        self.ranges.push((0, 0));
        let branches = self.calls.len() > 1 || on.is_some();
        let mut split = Vec::new();
        for i in 0..self.calls.len() {
            let call = self.calls[i];
            let to = stencil.block_calls[call].block;
            let plain = stencil.block_params(to).is_empty();
            if plain && self.shared[to].0 == index {
                self.targets.push(self.shared[to].1);
                continue;
            }
            let crowded = analysis.cfg.preds(to).len() > 1 || self.double_branch.is_some();
            let target = if branches && crowded {
                let at = index + 1 + split.len() as u32;
                split.push((call, cold || stencil.blocks[to].cold));
                vcode.edges.push(Edge { to: regalloc2::Block::new(at as usize), args: (0, 1) });
                self.edge_calls.push(None);
                at
            } else {
                vcode.edges.push(Edge { to: regalloc2::Block::new(to.0 as usize), args: (0, 0) });
                self.edge_calls.push(Some(call));
                to.0 | UNRESOLVED
            };
            if plain {
                self.shared[to] = (index, target);
            }
            self.targets.push(target);
        }
        if let Some(on) = on {
            let at = index + 1 + split.len() as u32;
            self.targets.insert(first_target as usize + on, at);
            vcode.edges.push(Edge { to: regalloc2::Block::new(at as usize), args: (0, 1) });
            self.edge_calls.push(None);
        }
        vcode.blocks[index as usize].edges = (first_edge, vcode.edges.len() as u32);
        self.ranges[index as usize] = (first_target, self.targets.len() as u32);
        for (call, cold) in split {
            let to = stencil.block_calls[call].block;
            let edge = vcode.edges.len() as u32;
            vcode.edges.push(Edge { to: regalloc2::Block::new(to.0 as usize), args: (0, 0) });
            self.edge_calls.push(Some(call));
            push_block(vcode, Origin::Edge(call), cold);
            vcode.blocks.last_mut().expect("just pushed").edges = (edge, edge + 1);
            let target = self.targets.len() as u32;
            self.targets.push(to.0 | UNRESOLVED);
            self.ranges.push((target, target + 1));
        }
    }

    /// The destinations of a block's terminator, in the order of its block calls.
    pub fn targets(&self, vblock: usize) -> &[u32] {
        let (start, end) = self.ranges[vblock];
        &self.targets[start as usize..end as usize]
    }

    /// The block call whose arguments an edge passes, if it passes any.
    pub fn edge_call(&self, edge: usize) -> Option<BlockCallRef> {
        self.edge_calls[edge]
    }

    /// The VCode block of an IR block; `u32::MAX` if it cannot be reached.
    pub fn vblock(&self, block: Block) -> u32 {
        self.index[block]
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

/// Marks a target that still is an IR block number: its VCode block may not be made yet.
const UNRESOLVED: u32 = 1 << 31;

fn push_block(vcode: &mut VCode, origin: Origin, cold: bool) {
    vcode.blocks.push(VBlock { insts: (0, 0), params: (0, 0), edges: (0, 0), preds: (0, 0), origin, cold });
}

/// Fills in the predecessors from the edges: a counting sort.
fn add_predecessors(vcode: &mut VCode) {
    for edge in &vcode.edges {
        vcode.blocks[edge.to.index()].preds.1 += 1;
    }
    let mut at = 0;
    for block in &mut vcode.blocks {
        let count = block.preds.1;
        block.preds = (at, at);
        at += count;
    }
    vcode.preds.resize(at as usize, regalloc2::Block::invalid());
    for index in 0..vcode.blocks.len() {
        let (start, end) = vcode.blocks[index].edges;
        for edge in start..end {
            let to = vcode.edges[edge as usize].to.index();
            let place = vcode.blocks[to].preds.1;
            vcode.preds[place as usize] = regalloc2::Block::new(index);
            vcode.blocks[to].preds.1 += 1;
        }
    }
}
