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

use super::{Leaks, constant, finish};
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
    /// Blocks through which branches may be led on and whose parameters are used elsewhere.
    leaks: Map<Block, bool>,
    uses: Leaks,
    /// Blocks that instructions name for another purpose than to branch there.
    named: Vec<Block>,
    /// Number of edges into each block.
    edges_in: Map<Block, u32>,
    calls: Vec<BlockCallRef>,
    args: Vec<u32>,
    new_args: Vec<u32>,
    /// What is known of each block parameter.
    only: Map<Value, Only>,
    /// Whether a parameter was replaced.
    any_replaced: bool,
    /// Blocks from which the walk in progress has followed all edges.
    walked: Map<Block, bool>,
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
            self.find_leaks(editor, analysis);
            self.lead_on(editor, analysis);
            self.remove_unreachable(editor);
            self.join_lines(editor);
        });
        if changed {
            analysis.compute(&func.stencil);
        }
    }

    /// Runs the pass again, if a condition has become a constant since.
    pub fn run_late(
        &mut self,
        func: &mut Function,
        analysis: &mut Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
    ) {
        let Function { stencil, .. } = &*func;
        if stencil.layout.iter().any(|&block| self.is_decided(stencil, block)) {
            self.run(func, analysis, buffers, origins);
        }
    }

    /// Whether the branch at the end of a block always goes one way, or goes to a block that does nothing but
    /// branch on an argument that is a constant.
    fn is_decided(&mut self, stencil: &Stencil, block: Block) -> bool {
        let Some(branch) = stencil.terminator(block) else { return false };
        if only_destination(stencil, branch).is_some() {
            return true;
        }
        stencil.list_block_calls(block, &mut self.calls);
        self.calls.iter().any(|&call| {
            let BlockCall { block, args } = stencil.block_calls[call];
            let is_decided = |last: Inst| {
                let condition = Value(stencil.insts[last].a);
                let params = stencil.block_params(block).iter();
                let mut passed =
                    params.zip(stencil.pool.get(args)).filter(|&(&param, _)| param == condition.0);
                passed.any(|(_, &arg)| match BlockArg::unpack(arg) {
                    BlockArg::Value(arg) => constant(stencil, arg).is_some(),
                    BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => false,
                })
            };
            let last = stencil.terminator(block).filter(|_| stencil.block_insts(block).len() == 1);
            last.is_some_and(|last| stencil.insts[last].opcode == Opcode::Brif && is_decided(last))
        })
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
        let Stencil { layout, value_defs, .. } = editor.stencil();
        if layout.iter().skip(1).all(|&block| editor.stencil().block_params(block).is_empty()) {
            return;
        }
        self.only.clear();
        self.only.resize(value_defs.len(), Only::Nothing);
        self.walked.clear();
        self.walked.resize(editor.stencil().blocks.len(), false);
        self.any_replaced = false;
        while self.walk_edges(editor, analysis) {
            self.walked.values_mut().for_each(|walked| *walked = false);
        }
        if self.any_replaced {
            editor.retain_params(|value| self.only[value] != Only::Replaced);
        }
    }

    /// Walks all edges once, and replaces the parameters that are found to have one value. Returns whether
    /// another walk may find more: whether one was replaced after edges had been walked that pass it on.
    fn walk_edges(&mut self, editor: &mut Editor, analysis: &Analysis) -> bool {
        self.pending.clear();
        for (n, &block) in analysis.order.rpo().iter().enumerate() {
            if n > 0 && !editor.stencil().block_params(block).is_empty() {
                match analysis.cfg.preds(block).iter().all(|&pred| self.walked[pred]) {
                    true => _ = self.settle(editor, block),
                    false => self.pending.push(block),
                }
            }
            self.walked[block] = true;
            let (stencil, replacements) = editor.with_replacements();
            if let Some(last) = stencil.terminator(block) {
                stencil.visit_block_calls(&stencil.insts[last], |call| {
                    note_arguments(&mut self.only, stencil, replacements, &stencil.block_calls[call]);
                });
            }
        }
        let mut late = false;
        for n in 0..self.pending.len() {
            late |= self.settle(editor, self.pending[n]);
        }
        self.pending.clear();
        late
    }

    /// Replaces the parameters of a block that have been found to have one value, and forgets what is known
    /// of the others. Returns whether there were any.
    fn settle(&mut self, editor: &mut Editor, block: Block) -> bool {
        let mut any = false;
        for n in 0..editor.stencil().block_params(block).len() {
            let param = Value(editor.stencil().block_params(block)[n]);
            match self.only[param] {
                Only::Value(value) => {
                    self.only[param] = Only::Nothing;
                    let value = editor.resolve(value);
                    // It is replaced by itself if another parameter was by it just now.
                    if value != param {
                        editor.replace_value(param, value);
                        self.only[param] = Only::Replaced;
                        any = true;
                    }
                }
                Only::Several => self.only[param] = Only::Nothing,
                Only::Replaced | Only::Nothing => {}
            }
        }
        self.any_replaced |= any;
        any
    }

    /// Finds the blocks through which branches may be led on and whose parameters are used elsewhere.
    fn find_leaks(&mut self, editor: &mut Editor, analysis: &Analysis) {
        let (stencil, replacements) = editor.with_replacements();
        let handlers = stencil.insts.values().filter(|data| data.opcode.format() == Format::HandlerAddr);
        self.named.clear();
        self.named.extend(handlers.map(|data| Block(data.a)));
        self.leaks.clear();
        self.leaks.resize(stencil.blocks.len(), false);
        self.pending.clear();
        self.pending.extend(
            stencil.layout.iter().copied().filter(|&block| may_lead_on(stencil, replacements, block)),
        );
        let owners = self.pending.drain(..);
        let resolve = |value| replacements.resolve(value);
        self.uses.find(stencil, analysis, owners, resolve, |owner, _| self.leaks[owner] = true);
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

/// Whether branches may be led on through a block that has parameters: it does nothing but jump, or branch on
/// what an edge to it may decide.
fn may_lead_on(stencil: &Stencil, replacements: &mut Replacements, block: Block) -> bool {
    let params = stencil.block_params(block);
    let Some(last) = stencil.terminator(block).filter(|_| stencil.block_insts(block).len() == 1) else {
        return false;
    };
    let data = &stencil.insts[last];
    let may_be_decided = |condition: Value, replacements: &mut Replacements| {
        let condition = replacements.resolve(condition);
        params.contains(&condition.0) || constant(stencil, condition).is_some()
    };
    !params.is_empty()
        && (data.opcode == Opcode::Jump
            || data.opcode == Opcode::Brif && may_be_decided(Value(data.a), replacements))
}

/// Takes note of what an edge passes to the parameters of its block.
fn note_arguments(
    only: &mut Map<Value, Only>,
    stencil: &Stencil,
    replacements: &mut Replacements,
    &BlockCall { block, args }: &BlockCall,
) {
    for (&param, &arg) in stencil.block_params(block).iter().zip(stencil.pool.get(args)) {
        let known = &mut only[Value(param)];
        if matches!(known, Only::Several | Only::Replaced) {
            continue;
        }
        let passed = match BlockArg::unpack(arg) {
            BlockArg::Value(value) => Only::Value(replacements.resolve(value)),
            BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => Only::Several,
        };
        if passed == Only::Value(Value(param)) || passed == *known {
            continue;
        }
        *known = if *known == Only::Nothing { passed } else { Only::Several };
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
