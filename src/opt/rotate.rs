//! Rotates loops that test at the top: the test is copied before the loop, so that the loop itself tests at
//! the bottom.
//!
//! ```text
//!     header:  if c goto body else exit          header':    if c goto preheader else exit
//!     body:    …; goto header                    preheader:  goto body
//!                                                body:       …; goto header
//!                                                header:     if c goto body else exit
//! ```
//!
//! What the loop does in each iteration it now does whenever the preheader is reached, so that loads can move
//! there. The body has become the header.
//!
//! Only headers that keep their values to themselves are copied: no other block may use a result or parameter
//! of the header, since that would then have two definitions. Code that keeps its variables in stack slots is
//! like that, and this pass comes before promotion for its sake.

use super::{Leaks, append_copy, can_copy, finish, results_of_copy};
use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::*;

/// The limit for the number of instructions that are copied.
const MAX_COPIED: usize = 16;

/// A loop to rotate.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    header: Block,
    /// Where the header branches to inside the loop.
    body: Block,
}

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct Rotate {
    candidates: Vec<Candidate>,
    leaks: Leaks,
    /// Whether another block uses what a candidate's header defines.
    is_leaky: Map<Block, bool>,
    /// Values of the header that is copied, and those of the copy.
    copies: Vec<(Value, Value)>,
    calls: Vec<BlockCallRef>,
    types: Vec<Type>,
    args: Vec<u32>,
}

impl Rotate {
    /// Runs the pass on a function, and brings `analysis` up to date.
    pub fn run(
        &mut self,
        func: &mut Function,
        analysis: &mut Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
    ) {
        analysis.compute_loops();
        self.find_candidates(&func.stencil, analysis);
        if self.candidates.is_empty() {
            return;
        }
        let Rotate { candidates, leaks, is_leaky, .. } = self;
        is_leaky.clear();
        is_leaky.resize(func.stencil.blocks.len(), false);
        let headers = candidates.iter().map(|candidate| candidate.header);
        leaks.find(&func.stencil, analysis, headers, |value| value, |header, _| is_leaky[header] = true);
        candidates.retain(|candidate| !is_leaky[candidate.header]);
        if self.candidates.is_empty() {
            return;
        }
        finish(func, buffers, origins, |editor| {
            for n in 0..self.candidates.len() {
                self.rotate(editor, analysis, self.candidates[n]);
            }
        });
        analysis.compute(&func.stencil);
    }

    fn find_candidates(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.candidates.clear();
        for data in analysis.loops.all().values() {
            let header = data.header;
            // The entry has no block before it.
            if analysis.dominators.idom(header).is_some()
                && let Some(body) = body_of(stencil, analysis, header)
                && latches_jump(stencil, analysis, header)
                && is_small(stencil, header)
            {
                self.candidates.push(Candidate { header, body });
            }
        }
    }

    /// Copies the header of a loop before the loop, and leads the edges from outside there.
    fn rotate(&mut self, editor: &mut Editor, analysis: &Analysis, candidate: Candidate) {
        let Candidate { header, body } = candidate;
        let before = analysis.dominators.idom(header).expect("a candidate is not the entry");
        self.types.clear();
        let params = editor.stencil().block_params(header);
        self.types.extend(params.iter().map(|&param| editor.stencil().value_types[Value(param)]));
        let preheader = editor.new_block(before, &[]);
        let copy = editor.new_block(before, &self.types);
        self.copies.clear();
        for n in 0..self.types.len() {
            let [old, new] = [header, copy].map(|block| Value(editor.stencil().block_params(block)[n]));
            self.copies.push((old, new));
        }
        let branch = editor.stencil().terminator(header).expect("a block has a terminator");
        for inst in editor.stencil().block_insts(header).take_while(|&inst| inst != branch) {
            let new = append_copy(editor, copy, inst, |value| self.copy_of(value));
            self.copies.extend(results_of_copy(editor.stencil(), inst, new));
        }
        self.copy_branch(editor, branch, copy, preheader, body);
        self.lead_edges(editor, analysis, header, copy);
    }

    /// Copies the header's branch. Its edge into the loop goes by the preheader.
    fn copy_branch(&mut self, editor: &mut Editor, branch: Inst, copy: Block, preheader: Block, body: Block) {
        let data = editor.stencil().insts[branch];
        let condition = self.copy_of(Value(data.a));
        let [then, otherwise] = [data.b, data.c].map(|word| {
            let BlockCall { block, args } = editor.stencil().block_calls[BlockCallRef(word)];
            self.args.clear();
            for &word in editor.stencil().pool.get(args) {
                self.args.push(match BlockArg::unpack(word) {
                    BlockArg::Value(value) => BlockArg::Value(self.copy_of(value)).pack(),
                    BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => word,
                });
            }
            let args = self.args.iter().map(|&word| BlockArg::unpack(word));
            if block != body {
                return editor.declare(|builder| builder.block_call_with(block, args));
            }
            editor.append_to(preheader, branch, |builder| {
                let call = builder.block_call_with(block, args);
                builder.inst(InstData::jump(call));
                builder.block_call(preheader, &[])
            })
        });
        editor.append_to(copy, branch, |builder| builder.brif(condition, then, otherwise));
    }

    /// Leads the edges to a loop's header from outside the loop to the copy.
    fn lead_edges(&mut self, editor: &mut Editor, analysis: &Analysis, header: Block, copy: Block) {
        for &pred in analysis.cfg.preds(header) {
            if analysis.dominators.dominates(header, pred) {
                continue;
            }
            editor.stencil().list_block_calls(pred, &mut self.calls);
            for &call in &self.calls {
                let BlockCall { block, args } = editor.stencil().block_calls[call];
                if block == header {
                    self.args.clear();
                    self.args.extend_from_slice(editor.stencil().pool.get(args));
                    editor.redirect(call, copy, &self.args);
                }
            }
        }
    }

    fn copy_of(&self, value: Value) -> Value {
        self.copies.iter().find(|pair| pair.0 == value).map_or(value, |pair| pair.1)
    }
}

/// Where a header that decides whether the loop goes on branches to inside the loop.
fn body_of(stencil: &Stencil, analysis: &Analysis, header: Block) -> Option<Block> {
    let data = &stencil.insts[stencil.terminator(header)?];
    if data.opcode != Opcode::Brif {
        return None;
    }
    let [then, otherwise] = [data.b, data.c].map(|word| stencil.block_calls[BlockCallRef(word)].block);
    let this = analysis.loops.innermost(header);
    let is_inside = |block: Block| {
        std::iter::successors(analysis.loops.innermost(block), |&at| analysis.loops.all()[at].parent)
            .any(|at| Some(at) == this)
    };
    let (body, exit) = match [then, otherwise].map(is_inside) {
        [true, false] => (then, otherwise),
        [false, true] => (otherwise, then),
        [true, true] | [false, false] => return None,
    };
    let is_header = |block| analysis.loops.is_header(block);
    (body != header && !is_header(body) && !is_header(exit)).then_some(body)
}

/// Whether all edges back to a header are jumps: otherwise the loop tests at the bottom already.
fn latches_jump(stencil: &Stencil, analysis: &Analysis, header: Block) -> bool {
    let latches =
        analysis.cfg.preds(header).iter().filter(|&&pred| analysis.dominators.dominates(header, pred));
    latches.clone().all(|&latch| {
        stencil.terminator(latch).is_some_and(|last| stencil.insts[last].opcode == Opcode::Jump)
    })
}

/// Whether a header is small, and only computes, loads and stores.
fn is_small(stencil: &Stencil, header: Block) -> bool {
    let insts = stencil.block_insts(header);
    let Some(branch) = stencil.terminator(header) else { return false };
    insts.len() <= MAX_COPIED && insts.take_while(|&inst| inst != branch).all(|inst| can_copy(stencil, inst))
}
