//! Removes instructions and block parameters that nobody needs.
//!
//! Instructions with an effect are needed, and so is what a needed one refers to. A block parameter is needed
//! if something needed refers to it; only then are the arguments for it. What is found by following these
//! references from the effects is kept, so parameters that only pass each other around a loop vanish.

use crate::analysis::Analysis;
use crate::entity::{Map, Span};
use crate::ir::*;

/// The search, with its buffers.
#[derive(Debug, Default)]
pub(super) struct DeadCode {
    needed: Map<Inst, bool>,
    needed_params: Map<Value, bool>,
    /// Needed values whose definitions are still to be looked at.
    pending: Vec<Value>,
    /// Edges, sorted by the block that they go to, and the range of each block's.
    edges: Vec<BlockCallRef>,
    ranges: Map<Block, Span>,
}

impl DeadCode {
    /// Removes what nobody needs from the function, as edited so far.
    pub(super) fn remove(&mut self, editor: &mut Editor, analysis: &Analysis) {
        self.needed.clear();
        self.needed.resize(editor.stencil().insts.len(), false);
        self.needed_params.clear();
        self.needed_params.resize(editor.stencil().value_defs.len(), false);
        self.find_edges(editor.stencil(), analysis);
        for inst in editor.stencil().insts.keys() {
            let stencil = editor.stencil();
            if has_effect(stencil.effects(&stencil.insts[inst])) && !editor.is_removed(inst) {
                self.need_inst(editor, inst);
                self.follow(editor);
            }
        }
        self.sweep(editor);
    }

    /// Marks an instruction as needed, and puts its operands on the list.
    fn need_inst(&mut self, editor: &mut Editor, inst: Inst) {
        if std::mem::replace(&mut self.needed[inst], true) {
            return;
        }
        let from = self.pending.len();
        let stencil = editor.stencil();
        let data = &stencil.insts[inst];
        stencil.visit_args(data, |arg| self.pending.push(arg));
        stencil.visit_contexts(data, |context| self.pending.push(context));
        for value in &mut self.pending[from..] {
            *value = editor.resolve(*value);
        }
    }

    /// Marks everything that the values on the list refer to.
    fn follow(&mut self, editor: &mut Editor) {
        while let Some(value) = self.pending.pop() {
            match editor.stencil().value_defs[value].get() {
                ValueDef::Result(inst, _) => self.need_inst(editor, inst),
                ValueDef::Param(block, n) => {
                    if !std::mem::replace(&mut self.needed_params[value], true) {
                        self.need_arguments(editor, block, n as usize);
                    }
                }
                ValueDef::None => {}
            }
        }
    }

    /// Puts the arguments for parameter `n` of a block on the list.
    fn need_arguments(&mut self, editor: &mut Editor, block: Block, n: usize) {
        for at in self.ranges[block].iter() {
            let stencil = editor.stencil();
            let args = stencil.block_calls[self.edges[at as usize]].args;
            if let BlockArg::Value(value) = BlockArg::unpack(stencil.pool.get(args)[n]) {
                self.pending.push(editor.resolve(value));
            }
        }
    }

    /// Sorts the edges by the block that they go to.
    fn find_edges(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.ranges.clear();
        self.ranges.resize(stencil.blocks.len(), Span::new(0, 0));
        let mut end = 0;
        for &block in &stencil.layout {
            self.ranges[block] = Span::new(end, end);
            end += analysis.cfg.preds(block).len() as u32;
        }
        self.edges.clear();
        self.edges.resize(end as usize, BlockCallRef(0));
        for &block in &stencil.layout {
            let Some(branch) = stencil.terminator(block) else { continue };
            stencil.visit_block_calls(&stencil.insts[branch], |call| {
                let range = &mut self.ranges[stencil.block_calls[call].block];
                self.edges[range.end as usize] = call;
                *range = Span::new(range.start, range.end + 1);
            });
        }
    }

    /// Removes all that is not marked.
    fn sweep(&mut self, editor: &mut Editor) {
        for (inst, &needed) in self.needed.iter() {
            if !needed && !editor.is_removed(inst) {
                editor.remove(inst);
            }
        }
        let stencil = editor.stencil();
        let Some(&entry) = stencil.layout.first() else { return };
        for &word in stencil.block_params(entry) {
            self.needed_params[Value(word)] = true;
        }
        let is_unneeded = |&word: &u32| !self.needed_params[Value(word)];
        if stencil.layout.iter().any(|&block| stencil.block_params(block).iter().any(is_unneeded)) {
            editor.retain_params(|value| self.needed_params[value]);
        }
    }
}

/// Whether an instruction with these effects is needed whatever becomes of its results.
fn has_effect(effects: Effects) -> bool {
    use Effects as E;
    effects.any(E::STORE.or(E::TRAP).or(E::CALL).or(E::TERMINATOR).or(E::OTHER))
}
