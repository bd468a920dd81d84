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
    /// Needed instructions and parameters that are still to be looked at.
    pending: Vec<Inst>,
    pending_params: Vec<(Block, u32)>,
    /// The number of the instruction that the walk, which goes backwards, is at.
    reached: u32,
    /// Edges, sorted by the block that they go to, and the range of each block's.
    edges: Vec<BlockCallRef>,
    ranges: Map<Block, Span>,
}

impl DeadCode {
    /// Removes what nobody needs from the function, as edited so far, and replaces the operands of the rest.
    pub(super) fn remove(&mut self, editor: &mut Editor, analysis: &Analysis) {
        self.needed.clear();
        self.needed.resize(editor.stencil().insts.len(), false);
        self.needed_params.clear();
        self.needed_params.resize(editor.stencil().value_defs.len(), false);
        self.find_edges(editor.stencil(), analysis);
        editor.replace_operands(|stencil, replacements, is_removed| {
            // Backwards, so that most of what is needed is still to come when it is found.
            for inst in stencil.insts.keys().rev() {
                if !self.needed[inst] {
                    if !has_effect(stencil.effects(&stencil.insts[inst])) || is_removed(inst) {
                        continue;
                    }
                    self.needed[inst] = true;
                }
                self.reached = inst.0;
                self.visit(stencil, replacements, inst);
                if !(self.pending.is_empty() && self.pending_params.is_empty()) {
                    self.follow(stencil, replacements);
                }
            }
        });
        self.sweep(editor);
    }

    /// Marks what defines a value as needed, and puts it on the list unless the walk comes to it. Returns the
    /// value that replaces it.
    #[inline(always)]
    fn need(
        &mut self,
        value_defs: &Map<Value, PackedDef>,
        replacements: &mut Replacements,
        value: Value,
    ) -> Value {
        let value = replacements.resolve(value);
        match value_defs[value].get() {
            ValueDef::Result(inst, _) => {
                if !std::mem::replace(&mut self.needed[inst], true) && inst.0 >= self.reached {
                    self.pending.push(inst);
                }
            }
            ValueDef::Param(block, n) => {
                if !std::mem::replace(&mut self.needed_params[value], true) {
                    self.pending_params.push((block, n));
                }
            }
            ValueDef::None => {}
        }
        value
    }

    /// Marks what an instruction refers to, and replaces its operands.
    #[inline]
    fn visit(&mut self, stencil: &mut Stencil, replacements: &mut Replacements, inst: Inst) {
        let data = &mut stencil.insts[inst];
        data.replace_fixed_args(|arg| self.need(&stencil.value_defs, replacements, arg));
        if let Some(list) = data.list() {
            for word in stencil.pool.get_mut(list) {
                *word = self.need(&stencil.value_defs, replacements, Value(*word)).0;
            }
        }
        if data.opcode.effects().has(Effects::BRANCH) {
            let data = *data;
            stencil.visit_contexts(&data, |context| {
                self.need(&stencil.value_defs, replacements, context);
            });
        }
    }

    /// Marks everything that what is on the list refers to, and replaces operands and arguments.
    fn follow(&mut self, stencil: &mut Stencil, replacements: &mut Replacements) {
        loop {
            while let Some(inst) = self.pending.pop() {
                self.visit(stencil, replacements, inst);
            }
            let Some((block, n)) = self.pending_params.pop() else { return };
            for at in self.ranges[block].iter() {
                let args = stencil.block_calls[self.edges[at as usize]].args;
                let word = &mut stencil.pool.get_mut(args)[n as usize];
                if let BlockArg::Value(value) = BlockArg::unpack(*word) {
                    *word = BlockArg::Value(self.need(&stencil.value_defs, replacements, value)).pack();
                }
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
