//! Leads edges past branches whose outcome is known on them.
//!
//! ```text
//!     block1:  brif v0, block2, block3          block1:  brif v0, block2, block3
//!     block2:  …; jump block4(v1)               block2:  …; store v1, v9; jump block5
//!     block3:  …; jump block4(v2)               block3:  …; store v2, v9; jump block6
//!     block4(v3):
//!              store v3, v9
//!              brif v0, block5, block6
//! ```
//!
//! The outcome is known on an edge if it passes constants that decide the branch, or if a branch on the same
//! condition leads to it. Such an edge gets a copy of the block in between, which then jumps. Only small
//! blocks are copied, and only those that keep their values to themselves: the values would have two
//! definitions otherwise. Headers of loops are neither copied nor jumped to, so that loops keep their shape.
//! A block that nothing leads to any more is left for `control_flow` to remove.

use super::{Leaks, append_copy, can_copy, constant, finish, results_of_copy};
use crate::analysis::Analysis;
use crate::entity::Map;
use crate::eval;
use crate::ir::*;

/// The limit for the instructions of a block that is copied, without its branch.
const MAX_COPIED: usize = 6;

/// The limit for the edges to a block that is copied.
const MAX_EDGES: usize = 8;

/// How many blocks before an edge are searched for a branch on the same condition.
const MAX_BLOCKS: usize = 4;

/// An edge past a branch whose outcome is known.
#[derive(Clone, Copy, Debug)]
struct Edge {
    from: Block,
    call: BlockCallRef,
    /// Where the branch goes.
    to: BlockCallRef,
}

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct ThreadJumps {
    /// The blocks to copy.
    candidates: Vec<Block>,
    leaks: Leaks,
    is_leaky: Map<Block, bool>,
    /// Blocks some of whose edges have been changed.
    touched: Map<Block, bool>,
    /// The edges of a candidate whose outcome is known.
    edges: Vec<Edge>,
    calls: Vec<BlockCallRef>,
    /// Values of the block that is copied, and those of the copy.
    copies: Vec<(Value, Value)>,
}

impl ThreadJumps {
    /// Runs the pass on a function, and brings `analysis` up to date. Returns whether the function changed.
    pub fn run(
        &mut self,
        func: &mut Function,
        analysis: &mut Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
    ) -> bool {
        analysis.compute_loops();
        self.find_candidates(&func.stencil, analysis);
        if self.candidates.is_empty() {
            return false;
        }
        self.touched.clear();
        self.touched.resize(func.stencil.blocks.len(), false);
        let changed = finish(func, buffers, origins, |editor| {
            for n in 0..self.candidates.len() {
                self.thread(editor, analysis, self.candidates[n]);
            }
        });
        if changed {
            analysis.compute(&func.stencil);
        }
        changed
    }

    /// Finds small blocks that end with a branch whose outcome is known on some edge.
    fn find_candidates(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.candidates.clear();
        for &block in analysis.order.rpo() {
            let edges = analysis.cfg.preds(block).len();
            if (2..=MAX_EDGES).contains(&edges)
                && analysis.dominators.idom(block).is_some()
                && !analysis.loops.is_header(block)
                && is_small(stencil, block)
                && self.find_edges(stencil, analysis, block)
            {
                self.candidates.push(block);
            }
        }
        if self.candidates.is_empty() {
            return;
        }
        let ThreadJumps { candidates, leaks, is_leaky, .. } = self;
        is_leaky.clear();
        is_leaky.resize(stencil.blocks.len(), false);
        let blocks = candidates.iter().copied();
        leaks.find(stencil, analysis, blocks, |value| value, |block, _| is_leaky[block] = true);
        candidates.retain(|&block| !is_leaky[block]);
    }

    /// Finds the edges to a block on which the outcome of its branch is known. Returns whether there are any.
    fn find_edges(&mut self, stencil: &Stencil, analysis: &Analysis, block: Block) -> bool {
        self.edges.clear();
        let branch = &stencil.insts[stencil.terminator(block).expect("a block has a terminator")];
        let mut last_pred = None;
        for &pred in analysis.cfg.preds(block) {
            // A block with two edges is listed twice.
            if last_pred.replace(pred) == Some(pred) {
                continue;
            }
            stencil.list_block_calls(pred, &mut self.calls);
            for &call in self.calls.iter().filter(|&&call| stencil.block_calls[call].block == block) {
                let Some(outcome) = outcome_on(stencil, analysis, block, (pred, call)) else { continue };
                let to = BlockCallRef(if outcome { branch.b } else { branch.c });
                if !analysis.loops.is_header(stencil.block_calls[to].block) {
                    self.edges.push(Edge { from: pred, call, to });
                }
            }
        }
        !self.edges.is_empty()
    }

    /// Leads edges past the branch of a block, unless one of the blocks around has been changed.
    fn thread(&mut self, editor: &mut Editor, analysis: &Analysis, block: Block) {
        let is_touched = |around: &Block| self.touched[*around];
        let [preds, succs] = [analysis.cfg.preds(block), analysis.cfg.succs(block)];
        if self.touched[block] || preds.iter().chain(succs).any(is_touched) {
            return;
        }
        preds.iter().chain(succs).chain([&block]).for_each(|&around| self.touched[around] = true);
        self.find_edges(editor.stencil(), analysis, block);
        for n in 0..self.edges.len() {
            self.copy(editor, block, self.edges[n]);
        }
    }

    /// Gives an edge a copy of a block, which jumps where the block's branch would go.
    fn copy(&mut self, editor: &mut Editor, block: Block, edge: Edge) {
        let branch = editor.stencil().terminator(block).expect("a block has a terminator");
        let copy = editor.new_block(edge.from, &[]);
        self.copies.clear();
        let stencil = editor.stencil();
        let args = stencil.pool.get(stencil.block_calls[edge.call].args);
        let params = stencil.block_params(block).iter().zip(args);
        self.copies.extend(params.map(|(&param, &arg)| (Value(param), Value(arg))));
        for inst in editor.stencil().block_insts(block).take_while(|&inst| inst != branch) {
            let new = append_copy(editor, copy, inst, |value| self.copy_of(value));
            self.copies.extend(results_of_copy(editor.stencil(), inst, new));
        }
        let BlockCall { block: target, args } = editor.stencil().block_calls[edge.to];
        let args: Vec<Value> =
            editor.stencil().pool.get(args).iter().map(|&word| self.copy_of(Value(word))).collect();
        editor.append_to(copy, branch, |builder| builder.jump(target, &args));
        editor.redirect(edge.call, copy, &[]);
    }

    fn copy_of(&self, value: Value) -> Value {
        self.copies.iter().find(|(old, _)| *old == value).map_or(value, |&(_, new)| new)
    }
}

/// Whether a block ends with a branch, and can be copied.
fn is_small(stencil: &Stencil, block: Block) -> bool {
    let insts = stencil.block_insts(block);
    let Some(last) = stencil.terminator(block) else { return false };
    insts.len() <= MAX_COPIED + 1
        && stencil.insts[last].opcode == Opcode::Brif
        && insts.take_while(|&inst| inst != last).all(|inst| can_copy(stencil, inst))
}

/// The outcome of the branch at the end of a block when it is entered by an edge, which comes from a block.
fn outcome_on(
    stencil: &Stencil,
    analysis: &Analysis,
    block: Block,
    (from, call): (Block, BlockCallRef),
) -> Option<bool> {
    let args = stencil.pool.get(stencil.block_calls[call].args);
    if !args.iter().all(|&word| matches!(BlockArg::unpack(word), BlockArg::Value(_))) {
        return None;
    }
    let on_edge = |value: Value| match stencil.value_defs[value].get() {
        ValueDef::Param(owner, n) if owner == block => Value(args[n as usize]),
        _ => value,
    };
    let condition = Value(stencil.insts[stencil.terminator(block)?].a);
    if let ValueDef::Result(inst, _) = stencil.value_defs[condition].get()
        && stencil.block_insts(block).any(|own| own == inst)
    {
        let data = &stencil.insts[inst];
        if data.opcode != Opcode::Icmp {
            return None;
        }
        let (ty, x) = constant(stencil, on_edge(Value(data.a)))?;
        let (_, y) = constant(stencil, on_edge(Value(data.b)))?;
        return Some(eval::int_holds(data.int_cc(), ty.bits(), x.into(), y.into()));
    }
    let condition = on_edge(condition);
    match constant(stencil, condition) {
        Some((_, bits)) => Some(bits != 0),
        None => outcome_before(stencil, analysis, condition, (from, call)),
    }
}

/// The outcome of a condition when an edge is taken, by a branch on it that leads there.
fn outcome_before(
    stencil: &Stencil,
    analysis: &Analysis,
    condition: Value,
    (mut from, call): (Block, BlockCallRef),
) -> Option<bool> {
    let decided = |block: Block, leads_on: &dyn Fn(BlockCallRef) -> bool| {
        let data = &stencil.insts[stencil.terminator(block)?];
        if data.opcode != Opcode::Brif || Value(data.a) != condition {
            return None;
        }
        match [data.b, data.c].map(|call| leads_on(BlockCallRef(call))) {
            [true, false] => Some(true),
            [false, true] => Some(false),
            [true, true] | [false, false] => None,
        }
    };
    if let Some(outcome) = decided(from, &|other| other == call) {
        return Some(outcome);
    }
    for _ in 0..MAX_BLOCKS {
        let &[before] = analysis.cfg.preds(from) else { return None };
        if let Some(outcome) = decided(before, &|other| stencil.block_calls[other].block == from) {
            return Some(outcome);
        }
        from = before;
    }
    None
}
