//! Simplifies control flow, without making anything conditional or unconditional that was not.
//!
//! 1. A branch on a constant, or with one destination only, becomes a jump.
//! 2. Blocks that can't be reached are removed.
//! 3. A block parameter that gets the same value from everywhere is replaced by it.
//! 4. A branch to a block that does nothing but branch goes where that leads: on from a jump always, on from
//!    a conditional branch if an argument decides it. This is how `a && b` as a condition comes to be two
//!    branches.
//! 5. A block that jumps to one that nothing else leads to is joined with it.
//!
//! No `select` is formed: that would trade a predicted branch for instructions that always run.

use super::{constant, finish};
use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::*;

/// How many empty blocks a branch is led on through.
const MAX_STEPS: usize = 8;

/// What edges pass for a block parameter, besides itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Only {
    /// Nothing so far.
    Nothing,
    /// This value.
    Value(Value),
    /// Several values, or what a call returns.
    Several,
    /// The parameter has been replaced by its only value.
    Replaced,
}

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct ControlFlow {
    /// Blocks whose parameters are used elsewhere than in their own branch.
    leaks: Map<Block, bool>,
    /// Blocks that instructions name for another purpose than to branch there.
    named: Vec<Block>,
    /// Number of edges into each block.
    edges_in: Map<Block, u32>,
    calls: Vec<BlockCallRef>,
    args: Vec<u32>,
    new_args: Vec<u32>,
    /// What is known of each block parameter.
    only: Map<Value, Only>,
    pending: Vec<Block>,
}

impl ControlFlow {
    /// Runs the pass on a function. Leaves `analysis` to be computed again.
    pub fn run(
        &mut self,
        func: &mut Function,
        analysis: &mut Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
    ) {
        if func.stencil.layout.is_empty() {
            return;
        }
        let changed = finish(func, buffers, origins, |editor| {
            if self.decide_branches(editor) {
                analysis.compute(editor.stencil());
            }
            analysis.compute_loops();
            self.replace_params(editor, analysis);
            self.find_leaks(editor);
            self.lead_on(editor, analysis);
            self.remove_unreachable(editor);
            self.join_lines(editor);
        });
        if changed {
            analysis.compute(&func.stencil);
        }
    }

    /// Makes jumps of branches that always go one way. Returns whether there were any.
    fn decide_branches(&mut self, editor: &mut Editor) -> bool {
        let mut any = false;
        for n in 0..editor.stencil().layout.len() {
            let block = editor.stencil().layout[n];
            let Some(branch) = editor.stencil().terminator(block) else { continue };
            if let Some(call) = only_destination(editor.stencil(), branch) {
                editor.branch_always(branch, call);
                any = true;
            }
        }
        any
    }

    /// Replaces parameters that have the same value from everywhere.
    fn replace_params(&mut self, editor: &mut Editor, analysis: &Analysis) {
        self.only.clear();
        self.only.resize(editor.stencil().value_defs.len(), Only::Nothing);
        let mut any = false;
        while self.find_only_values(editor, analysis) {
            any = true;
        }
        if any {
            editor.retain_params(|value| self.only[value] != Only::Replaced);
        }
    }

    /// Walks all edges once, and replaces the parameters that are found to have one value. Returns whether
    /// there were any.
    fn find_only_values(&mut self, editor: &mut Editor, analysis: &Analysis) -> bool {
        for &block in analysis.order.rpo() {
            editor.stencil().list_block_calls(block, &mut self.calls);
            for n in 0..self.calls.len() {
                self.note_arguments(editor, self.calls[n]);
            }
        }
        let mut any = false;
        for &block in analysis.order.rpo().iter().skip(1) {
            for n in 0..editor.stencil().block_params(block).len() {
                let param = Value(editor.stencil().block_params(block)[n]);
                match std::mem::replace(&mut self.only[param], Only::Nothing) {
                    Only::Value(value) => {
                        let value = editor.resolve(value);
                        // It is replaced by itself if another parameter was by it just now.
                        if value != param {
                            editor.replace_value(param, value);
                            self.only[param] = Only::Replaced;
                            any = true;
                        }
                    }
                    Only::Replaced => self.only[param] = Only::Replaced,
                    Only::Nothing | Only::Several => {}
                }
            }
        }
        any
    }

    /// Takes note of what an edge passes to the parameters of its block.
    fn note_arguments(&mut self, editor: &mut Editor, call: BlockCallRef) {
        let BlockCall { block, args } = editor.stencil().block_calls[call];
        for n in 0..editor.stencil().pool.get(args).len() {
            let param = Value(editor.stencil().block_params(block)[n]);
            let arg = match BlockArg::unpack(editor.stencil().pool.get(args)[n]) {
                BlockArg::Value(value) => Some(editor.resolve(value)),
                BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => None,
            };
            let only = &mut self.only[param];
            *only = match (*only, arg) {
                (Only::Replaced, _) => Only::Replaced,
                (same, Some(value)) if value == param => same,
                (Only::Nothing, Some(value)) => Only::Value(value),
                (Only::Value(known), Some(value)) if known == value => Only::Value(known),
                (Only::Nothing | Only::Value(_) | Only::Several, _) => Only::Several,
            };
        }
    }

    /// Finds the blocks whose parameters are used elsewhere than in their branches.
    fn find_leaks(&mut self, editor: &mut Editor) {
        self.named.clear();
        self.leaks.clear();
        self.leaks.resize(editor.stencil().blocks.len(), false);
        for n in 0..editor.stencil().layout.len() {
            let block = editor.stencil().layout[n];
            for inst in editor.stencil().block_insts(block) {
                self.args.clear();
                let stencil = editor.stencil();
                let data = &stencil.insts[inst];
                if data.opcode.format() == Format::HandlerAddr {
                    self.named.push(Block(data.a));
                }
                stencil.visit_values(data, |value| self.args.push(value.0));
                for &word in &self.args {
                    let value = editor.resolve(Value(word));
                    if let ValueDef::Param(owner, _) = editor.stencil().value_defs[value].get()
                        && owner != block
                    {
                        self.leaks[owner] = true;
                    }
                }
            }
        }
    }

    /// Leads branches on through blocks that do nothing but branch.
    fn lead_on(&mut self, editor: &mut Editor, analysis: &Analysis) {
        for &block in analysis.order.rpo() {
            editor.stencil().list_block_calls(block, &mut self.calls);
            for n in 0..self.calls.len() {
                let call = self.calls[n];
                for _ in 0..MAX_STEPS {
                    if !self.lead_on_once(editor, analysis, block, call) {
                        break;
                    }
                }
            }
        }
    }

    /// Leads an edge from `from` on through the block that it goes to, if that only branches and it pays.
    fn lead_on_once(
        &mut self,
        editor: &mut Editor,
        analysis: &Analysis,
        from: Block,
        call: BlockCallRef,
    ) -> bool {
        let BlockCall { block, args } = editor.stencil().block_calls[call];
        if self.leaks[block] || editor.stencil().block_insts(block).len() != 1 {
            return false;
        }
        self.args.clear();
        self.args.extend_from_slice(editor.stencil().pool.get(args));
        let Some(next) = self.next_call(editor, block) else { return false };
        let BlockCall { block: target, args } = editor.stencil().block_calls[next];
        // A loop keeps its only way back to the header, and its preheader, to which code moves.
        if analysis.dominators.dominates(target, block) || analysis.loops.is_header(target) {
            return false;
        }
        // The moves that make the arguments would be there for each edge from a conditional branch.
        let jumps =
            |block| editor.stencil().terminator(block).map(|last| editor.stencil().insts[last].opcode);
        if [from, block].map(jumps) == [Some(Opcode::Brif), Some(Opcode::Jump)]
            && !editor.stencil().pool.get(args).is_empty()
        {
            return false;
        }
        self.new_args.clear();
        for n in 0..editor.stencil().pool.get(args).len() {
            let word = editor.stencil().pool.get(args)[n];
            let BlockArg::Value(value) = BlockArg::unpack(word) else { return false };
            self.new_args.push(self.argument(editor, block, value));
        }
        editor.redirect(call, target, &self.new_args);
        true
    }

    /// What a value is on the edge with the arguments `self.args` to `block`, as an argument.
    fn argument(&self, editor: &mut Editor, block: Block, value: Value) -> u32 {
        let value = editor.resolve(value);
        let params = editor.stencil().block_params(block);
        match params.iter().position(|&param| param == value.0) {
            Some(n) => self.args[n],
            None => BlockArg::Value(value).pack(),
        }
    }

    /// Where a block that only branches goes on when it is entered with the arguments `self.args`.
    fn next_call(&self, editor: &mut Editor, block: Block) -> Option<BlockCallRef> {
        let branch = editor.stencil().terminator(block)?;
        let data = editor.stencil().insts[branch];
        match data.opcode {
            Opcode::Jump => Some(BlockCallRef(data.a)),
            Opcode::Brif => {
                let condition = self.argument(editor, block, Value(data.a));
                let BlockArg::Value(condition) = BlockArg::unpack(condition) else { return None };
                let condition = editor.resolve(condition);
                let (_, bits) = constant(editor.stencil(), condition)?;
                Some(BlockCallRef(if bits != 0 { data.b } else { data.c }))
            }
            _ => None,
        }
    }

    /// Removes the blocks that nothing leads to, and counts the edges into the others.
    fn remove_unreachable(&mut self, editor: &mut Editor) {
        self.edges_in.clear();
        self.edges_in.resize(editor.stencil().blocks.len(), 0);
        let entry = editor.stencil().layout[0];
        for &block in self.named.iter().chain([&entry]) {
            // More than one, so that the block stays one of its own.
            self.edges_in[block] = 2;
            self.pending.push(block);
        }
        while let Some(block) = self.pending.pop() {
            editor.stencil().list_block_calls(block, &mut self.calls);
            for &call in &self.calls {
                let target = editor.stencil().block_calls[call].block;
                self.edges_in[target] += 1;
                if self.edges_in[target] == 1 {
                    self.pending.push(target);
                }
            }
        }
        for n in 0..editor.stencil().layout.len() {
            let block = editor.stencil().layout[n];
            if self.edges_in[block] == 0 {
                editor.remove_block(block);
            }
        }
    }

    /// Joins each block with the one that it jumps to, if nothing else leads there.
    fn join_lines(&mut self, editor: &mut Editor) {
        for n in 0..editor.stencil().layout.len() {
            let block = editor.stencil().layout[n];
            if self.edges_in[block] == 0 {
                continue;
            }
            let Some(call) =
                editor.stencil().terminator(block).and_then(|last| editor.stencil().jump_call(last))
            else {
                continue;
            };
            let BlockCall { block: next, args } = editor.stencil().block_calls[call];
            if next == block || self.edges_in[next] != 1 {
                continue;
            }
            for n in 0..editor.stencil().block_params(next).len() {
                let param = Value(editor.stencil().block_params(next)[n]);
                if let BlockArg::Value(value) = BlockArg::unpack(editor.stencil().pool.get(args)[n]) {
                    editor.replace_value(param, value);
                }
            }
            editor.join(block, next);
        }
    }
}

/// The only destination of a branch with a choice, if there is one.
fn only_destination(stencil: &Stencil, branch: Inst) -> Option<BlockCallRef> {
    let data = &stencil.insts[branch];
    match data.opcode {
        Opcode::Brif => {
            let [then, otherwise] = [data.b, data.c].map(BlockCallRef);
            match constant(stencil, Value(data.a)) {
                Some((_, 0)) => Some(otherwise),
                Some(_) => Some(then),
                None => same_destination(stencil, then, otherwise).then_some(then),
            }
        }
        Opcode::BrTable => {
            let (_, index) = constant(stencil, Value(data.a))?;
            let table = &stencil.jump_tables[JumpTable(data.b)];
            let entry = usize::try_from(index).ok().and_then(|n| table.entries.get(n));
            Some(entry.copied().unwrap_or(table.default))
        }
        _ => None,
    }
}

/// Whether two block calls go to the same block with the same arguments.
fn same_destination(stencil: &Stencil, one: BlockCallRef, other: BlockCallRef) -> bool {
    let [one, other] = [one, other].map(|call| &stencil.block_calls[call]);
    one.block == other.block && stencil.pool.get(one.args) == stencil.pool.get(other.args)
}
