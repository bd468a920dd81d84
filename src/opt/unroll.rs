//! Unrolls small loops of one block that count to a limit.
//!
//! If the number of iterations is a small constant, the loop becomes that many copies of its body. Otherwise
//! one loop does several iterations in one, as long as there are as many left, and another the rest:
//!
//! ```text
//!     guard(i):  brif enough are left, many(i), single(i)
//!     many(i):   body; i1 = i + s; body; i2 = i1 + s; …
//!                brif enough are left after in, many(in), rest
//!     rest:      brif in < n, single(in), after
//!     single(i): body; in = i + s; brif in < n, single(in), after
//!     after:     jump exit
//! ```
//!
//! The counter is a parameter that each iteration changes by a constant step, and that is compared with a
//! limit from outside the loop. For an order such as `<`, enough iterations are left if the counter is below
//! the limit less the steps of all but one iteration, unless that overflows. For `!=`, they are if the
//! unsigned distance to the limit is at least the steps of all. If these are a power of two, the distance at
//! the beginning tells where it will be less.
//!
//! Both exits lead to a new block. What other blocks use of the loop becomes a parameter of that block. Loops
//! with calls are left alone.

use super::induction::{is_outside, plus_constant};
use super::{Leaks, append_copy, can_copy, constant, finish, owner_of, results_of_copy};
use crate::analysis::Analysis;
use crate::entity::Map;
use crate::eval;
use crate::ir::*;

/// Stands for a value of which there is no copy.
const NO_COPY: Value = Value(u32::MAX);

/// The limit for a counter's step.
const MAX_STEP: u64 = 1 << 20;

/// The numbers of iterations that a loop does in one, with limits for the instructions of all copies.
const COPIES: [(usize, usize); 2] = [(4, 84), (2, 64)];

/// The limit for the instructions of a loop.
const MAX_BODY: usize = 64;

/// The limits for complete unrolling: iterations, and instructions of all copies.
const COMPLETE: (u64, usize) = (16, 128);

/// A loop to unroll.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    header: Block,
    /// The edges back to the header and out of the loop.
    back: BlockCallRef,
    exit: BlockCallRef,
    /// The condition on which the loop goes on, of what the counter becomes and the limit.
    cc: IntCc,
    /// The limit; `None` for zero.
    limit: Option<Value>,
    /// The index of the counter among the parameters, and its step.
    counter: usize,
    step: i64,
    /// The number of iterations, if the loop is to be unrolled completely.
    iterations: Option<u64>,
}

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct Unroll {
    candidates: Vec<Candidate>,
    leaks: Leaks,
    /// The values that leave a candidate's header, with that header, in order.
    leaving: Vec<(Block, Value)>,
    /// What the values of the header are in the copy that was made last.
    copies: Map<Value, Value>,
    /// The arguments for the header's parameters of that copy.
    args: Vec<Value>,
    calls: Vec<BlockCallRef>,
    words: Vec<u32>,
}

impl Unroll {
    /// Runs the pass on a function, brings `analysis` up to date, and returns whether the function changed.
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
        self.find_leaving(&func.stencil, analysis);
        self.copies.clear();
        self.copies.resize(func.stencil.value_types.len(), NO_COPY);
        finish(func, buffers, origins, |editor| {
            for n in 0..self.candidates.len() {
                let candidate = self.candidates[n];
                match candidate.iterations {
                    Some(iterations) => self.unroll_completely(editor, analysis, &candidate, iterations),
                    None => self.unroll(editor, analysis, &candidate),
                }
                self.forget_copies(editor, candidate.header);
            }
        });
        analysis.compute(&func.stencil);
        true
    }

    fn find_candidates(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.candidates.clear();
        for data in analysis.loops.all().values() {
            let header = data.header;
            let is_candidate = analysis.cfg.preds(header).iter().filter(|&&pred| pred == header).count() == 1
                && analysis.dominators.idom(header).is_some()
                && !stencil.blocks[header].cold
                && has_plain_body(stencil, header);
            if is_candidate && let Some(mut candidate) = counted(stencil, analysis, header) {
                let size = stencil.block_insts(header).len();
                candidate.iterations = self
                    .iterations(stencil, analysis, &candidate)
                    .filter(|&count| count <= COMPLETE.0 && count as usize * size <= COMPLETE.1);
                if candidate.iterations.is_some() || copies_of(size).is_some() {
                    self.candidates.push(candidate);
                }
            }
        }
    }

    /// The number of iterations, if it is a small constant.
    fn iterations(&mut self, stencil: &Stencil, analysis: &Analysis, candidate: &Candidate) -> Option<u64> {
        let counter = Value(stencil.block_params(candidate.header)[candidate.counter]);
        let bits = stencil.value_types[counter].bits();
        let limit = match candidate.limit {
            Some(limit) => constant(stencil, limit)?.1,
            None => 0,
        };
        let mut first = None;
        for &pred in analysis.cfg.preds(candidate.header) {
            if pred == candidate.header {
                continue;
            }
            stencil.list_block_calls(pred, &mut self.calls);
            for &call in &self.calls {
                let BlockCall { block, args } = stencil.block_calls[call];
                if block != candidate.header {
                    continue;
                }
                let word = stencil.pool.get(args)[candidate.counter];
                let BlockArg::Value(arg) = BlockArg::unpack(word) else { return None };
                let (_, bits) = constant(stencil, arg)?;
                if *first.get_or_insert(bits) != bits {
                    return None;
                }
            }
        }
        let mask = u64::MAX >> (64 - bits);
        let mut at = first?;
        for count in 1..=COMPLETE.0 {
            at = at.wrapping_add(candidate.step as u64) & mask;
            if !eval::int_holds(candidate.cc, bits, at.into(), limit.into()) {
                return Some(count);
            }
        }
        None
    }

    /// Finds what candidates' headers define and other blocks use, or the edges out of the loops pass.
    fn find_leaving(&mut self, stencil: &Stencil, analysis: &Analysis) {
        let Unroll { candidates, leaks, leaving, .. } = self;
        leaving.clear();
        let headers = candidates.iter().map(|candidate| candidate.header);
        leaks.find(stencil, analysis, headers, |value| value, |header, value| leaving.push((header, value)));
        for &Candidate { header, exit, .. } in candidates.iter() {
            let passed = stencil.pool.get(stencil.block_calls[exit].args).iter().map(|&word| Value(word));
            let own = passed.filter(|&value| owner_of(stencil, value) == Some(header));
            leaving.extend(own.map(|value| (header, value)));
        }
        leaving.sort_unstable();
        leaving.dedup();
    }

    /// Puts as many copies of the body as there are iterations in the place of a loop.
    fn unroll_completely(
        &mut self,
        editor: &mut Editor,
        analysis: &Analysis,
        candidate: &Candidate,
        iterations: u64,
    ) {
        let header = candidate.header;
        let straight = self.new_entry(editor, analysis, header);
        for n in 0..iterations {
            if n > 0 {
                self.next_iteration(editor, candidate);
            }
            self.copy_body(editor, header, straight);
        }
        let last = editor.stencil().terminator(header).expect("a block has a terminator");
        editor.append_to(straight, last, |builder| builder.inst(InstData::jump(candidate.exit)));
        for &(_, value) in leaving(&self.leaving, header) {
            editor.replace_value(value, self.copy_of(value));
        }
        editor.remove_block(header);
    }

    /// Puts a loop that does several iterations in one, and one for the rest, in the place of a loop.
    fn unroll(&mut self, editor: &mut Editor, analysis: &Analysis, candidate: &Candidate) {
        let header = candidate.header;
        let size = editor.stencil().block_insts(header).len();
        let copies = copies_of(size).expect("a candidate is small enough");
        let last = editor.stencil().terminator(header).expect("a block has a terminator");
        let guard = self.new_entry(editor, analysis, header);
        let types = types_of_params(editor.stencil(), header);
        let many = editor.new_block(guard, &types);
        let rest = editor.new_block(many, &[]);
        let single = editor.new_block(rest, &types);
        let after = self.new_exit(editor, candidate, single);
        let enough = editor.append_to(guard, last, |builder| {
            let ty = builder.type_of(self.args[candidate.counter]);
            let limit = candidate.limit.unwrap_or_else(|| builder.iconst(ty, 0));
            let first = self.args[candidate.counter];
            let (enough, holds) = Enough::at_first(builder, candidate, first, limit, copies as i64);
            let [yes, no] = [many, single].map(|block| builder.block_call(block, &self.args));
            builder.brif(holds, yes, no);
            enough
        });
        self.take_params(editor, header, many);
        for n in 0..copies {
            if n > 0 {
                self.next_iteration(editor, candidate);
            }
            self.copy_body(editor, header, many);
        }
        let exit = self.exit_of_copy(editor, header, after);
        self.next_iteration(editor, candidate);
        let next = self.args[candidate.counter];
        editor.append_to(many, last, |builder| {
            let holds = enough.holds(builder, next);
            let [yes, no] = [builder.block_call(many, &self.args), builder.block_call(rest, &[])];
            builder.brif(holds, yes, no);
        });
        editor.append_to(rest, last, |builder| {
            let back = builder.block_call(single, &self.args);
            branch_back(builder, candidate, next, [back, exit]);
        });
        self.take_params(editor, header, single);
        self.copy_body(editor, header, single);
        let exit = self.exit_of_copy(editor, header, after);
        self.next_iteration(editor, candidate);
        let next = self.args[candidate.counter];
        editor.append_to(single, last, |builder| {
            let back = builder.block_call(single, &self.args);
            branch_back(builder, candidate, next, [back, exit]);
        });
        editor.remove_block(header);
    }

    /// Makes a block to leave a loop by, and lets all other blocks use its parameters for what leaves it.
    fn new_exit(&mut self, editor: &mut Editor, candidate: &Candidate, after: Block) -> Block {
        let leaving = leaving(&self.leaving, candidate.header);
        let types: Vec<Type> = leaving.iter().map(|leak| editor.stencil().value_types[leak.1]).collect();
        let block = editor.new_block(after, &types);
        for (n, &(_, value)) in leaving.iter().enumerate() {
            editor.replace_value(value, Value(editor.stencil().block_params(block)[n]));
        }
        let last = editor.stencil().terminator(candidate.header).expect("a block has a terminator");
        editor.append_to(block, last, |builder| builder.inst(InstData::jump(candidate.exit)));
        block
    }

    /// Makes a block to which all edges from outside of the loop lead. Its parameters, or what the only edge
    /// passes, are those of the first copy.
    fn new_entry(&mut self, editor: &mut Editor, analysis: &Analysis, header: Block) -> Block {
        let types = types_of_params(editor.stencil(), header);
        let before = analysis.dominators.idom(header).expect("a candidate is not the entry");
        if let Some(call) = self.only_entry(editor, analysis, header) {
            let entry = editor.new_block(before, &[]);
            let words = editor.stencil().pool.get(editor.stencil().block_calls[call].args);
            self.args.clear();
            self.args.extend(words.iter().map(|&word| Value(word)));
            editor.redirect(call, entry, &[]);
            self.pass_args(editor, header);
            return entry;
        }
        let entry = editor.new_block(before, &types);
        for &pred in analysis.cfg.preds(header).iter().filter(|&&pred| pred != header) {
            editor.stencil().list_block_calls(pred, &mut self.calls);
            for &call in &self.calls {
                let BlockCall { block, args } = editor.stencil().block_calls[call];
                if block == header {
                    self.words.clear();
                    self.words.extend_from_slice(editor.stencil().pool.get(args));
                    editor.redirect(call, entry, &self.words);
                }
            }
        }
        self.take_params(editor, header, entry);
        entry
    }

    /// The edge to a header from outside of the loop, if there is only one, which passes nothing but values.
    fn only_entry(&mut self, editor: &Editor, analysis: &Analysis, header: Block) -> Option<BlockCallRef> {
        let stencil = editor.stencil();
        let mut only = None;
        for &pred in analysis.cfg.preds(header).iter().filter(|&&pred| pred != header) {
            stencil.list_block_calls(pred, &mut self.calls);
            for &call in self.calls.iter().filter(|&&call| stencil.block_calls[call].block == header) {
                if only.replace(call).is_some() {
                    return None;
                }
            }
        }
        let args = stencil.pool.get(stencil.block_calls[only?].args);
        args.iter().all(|&word| matches!(BlockArg::unpack(word), BlockArg::Value(_))).then_some(only?)
    }

    /// Makes the parameters of a block those of the copy that comes next.
    fn take_params(&mut self, editor: &Editor, header: Block, block: Block) {
        self.args.clear();
        self.args.extend(editor.stencil().block_params(block).iter().map(|&word| Value(word)));
        self.pass_args(editor, header);
    }

    fn pass_args(&mut self, editor: &Editor, header: Block) {
        for (&param, &arg) in editor.stencil().block_params(header).iter().zip(&self.args) {
            self.copies[Value(param)] = arg;
        }
    }

    /// Appends a copy of the header's instructions but the last to a block.
    fn copy_body(&mut self, editor: &mut Editor, header: Block, to: Block) {
        for inst in editor.stencil().block_insts(header).rev().skip(1).rev() {
            let copy = append_copy(editor, to, inst, |value| self.copy_of(value));
            for (old, new) in results_of_copy(editor.stencil(), inst, copy) {
                self.copies[old] = new;
            }
        }
    }

    /// Forgets the copies of what a header defines.
    fn forget_copies(&mut self, editor: &Editor, header: Block) {
        let stencil = editor.stencil();
        let results = stencil.block_insts(header).flat_map(|inst| stencil.inst_results(inst));
        for &word in stencil.block_params(header).iter().chain(results) {
            self.copies[Value(word)] = NO_COPY;
        }
    }

    /// What a value is in the copy that was made last.
    fn copy_of(&self, value: Value) -> Value {
        let copy = self.copies[value];
        if copy == NO_COPY { value } else { copy }
    }

    /// Makes the arguments of the edge back the parameters of the next copy.
    fn next_iteration(&mut self, editor: &Editor, candidate: &Candidate) {
        let stencil = editor.stencil();
        let args = stencil.pool.get(stencil.block_calls[candidate.back].args);
        self.args.clear();
        self.args.extend(args.iter().map(|&word| Value(word)));
        for n in 0..self.args.len() {
            self.args[n] = self.copy_of(self.args[n]);
        }
        self.pass_args(editor, candidate.header);
    }

    /// The edge from the copy that was made last to the block to leave the loop by.
    fn exit_of_copy(&self, editor: &mut Editor, header: Block, exit: Block) -> BlockCallRef {
        let leaving = leaving(&self.leaving, header);
        let args: Vec<Value> = leaving.iter().map(|&(_, value)| self.copy_of(value)).collect();
        editor.declare(|builder| builder.block_call(exit, &args))
    }
}

/// Appends the branch of a loop, which goes back if the counter has not reached the limit.
fn branch_back(
    builder: &mut FunctionBuilder,
    candidate: &Candidate,
    counter: Value,
    [back, exit]: [BlockCallRef; 2],
) {
    let goes_on = match candidate.limit {
        Some(limit) => builder.icmp(candidate.cc, counter, limit),
        None => counter,
    };
    builder.brif(goes_on, back, exit);
}

/// The part of a list of what leaves candidates' headers that is of one header.
fn leaving(all: &[(Block, Value)], header: Block) -> &[(Block, Value)] {
    let first = all.partition_point(|of| of.0 < header);
    let end = all.partition_point(|of| of.0 <= header);
    &all[first..end]
}

/// How many iterations of a loop with so many instructions can be done in one.
fn copies_of(size: usize) -> Option<usize> {
    COPIES.iter().find(|&&(copies, limit)| copies * size <= limit).map(|&(copies, _)| copies)
}

/// How to find out whether there are still enough iterations left to do several in one.
#[derive(Clone, Copy, Debug)]
enum Enough {
    /// The counter is on this side of a limit that is nearer.
    Order(IntCc, Value),
    /// The counter is not this value.
    Until(Value),
    /// The counter is farther from the limit than this, counting in the direction of its steps.
    Distance { limit: Value, ascends: bool, more_than: i64 },
}

impl Enough {
    /// Computes what does not depend on the counter, for so many iterations in one, and whether there are
    /// enough at first.
    fn at_first(
        builder: &mut FunctionBuilder,
        candidate: &Candidate,
        first: Value,
        limit: Value,
        copies: i64,
    ) -> (Self, Value) {
        let &Candidate { cc, step, .. } = candidate;
        let ty = builder.type_of(limit);
        if cc != IntCc::NotEqual {
            let steps = builder.iconst(ty, -step * (copies - 1));
            let near = builder.op(Opcode::Iadd, &[limit, steps]);
            let is_nearer = builder.icmp(strict(cc), near, limit);
            let holds = builder.icmp(cc, first, near);
            return (Enough::Order(cc, near), builder.op(Opcode::Band, &[is_nearer, holds]));
        }
        let (ascends, steps) = (step > 0, (step * copies).abs());
        let distance = Enough::Distance { limit, ascends, more_than: steps - 1 };
        let holds = distance.holds(builder, first);
        // The distance to zero is the counter itself.
        if !(steps as u64).is_power_of_two() || (!ascends && candidate.limit.is_none()) {
            return (distance, holds);
        }
        let (to, from) = if ascends { (limit, first) } else { (first, limit) };
        let distance = builder.op(Opcode::Isub, &[to, from]);
        let mask = builder.iconst(ty, steps - 1);
        let rest = builder.op(Opcode::Band, &[distance, mask]);
        let back = if ascends { Opcode::Isub } else { Opcode::Iadd };
        (Enough::Until(builder.op(back, &[limit, rest])), holds)
    }

    fn holds(self, builder: &mut FunctionBuilder, counter: Value) -> Value {
        match self {
            Enough::Order(cc, near) => builder.icmp(cc, counter, near),
            Enough::Until(end) => builder.icmp(IntCc::NotEqual, counter, end),
            Enough::Distance { limit, ascends, more_than } => {
                let (to, from) = if ascends { (limit, counter) } else { (counter, limit) };
                let distance = builder.op(Opcode::Isub, &[to, from]);
                let more_than = builder.iconst(builder.type_of(limit), more_than);
                builder.icmp(IntCc::UnsignedGreaterThan, distance, more_than)
            }
        }
    }
}

/// An order without equality.
fn strict(cc: IntCc) -> IntCc {
    match cc {
        IntCc::SignedLessThanOrEqual => IntCc::SignedLessThan,
        IntCc::SignedGreaterThanOrEqual => IntCc::SignedGreaterThan,
        IntCc::UnsignedLessThanOrEqual => IntCc::UnsignedLessThan,
        IntCc::UnsignedGreaterThanOrEqual => IntCc::UnsignedGreaterThan,
        IntCc::Equal
        | IntCc::NotEqual
        | IntCc::SignedLessThan
        | IntCc::SignedGreaterThan
        | IntCc::UnsignedLessThan
        | IntCc::UnsignedGreaterThan => cc,
    }
}

/// Whether a loop that goes on under a condition comes nearer to its limit by a step.
fn approaches(cc: IntCc, step: i64) -> bool {
    match strict(cc) {
        IntCc::SignedLessThan | IntCc::UnsignedLessThan => step > 0,
        IntCc::SignedGreaterThan | IntCc::UnsignedGreaterThan => step < 0,
        strict => strict == IntCc::NotEqual,
    }
}

fn types_of_params(stencil: &Stencil, block: Block) -> Vec<Type> {
    stencil.block_params(block).iter().map(|&param| stencil.value_types[Value(param)]).collect()
}

/// Whether a block does nothing that can't be copied, and ends with a branch.
fn has_plain_body(stencil: &Stencil, block: Block) -> bool {
    let insts = stencil.block_insts(block);
    let Some(last) = stencil.terminator(block) else { return false };
    insts.len() <= MAX_BODY
        && stencil.insts[last].opcode == Opcode::Brif
        && insts.take_while(|&inst| inst != last).all(|inst| can_copy(stencil, inst))
}

/// A loop of one block whose branch compares a counter with a limit.
fn counted(stencil: &Stencil, analysis: &Analysis, header: Block) -> Option<Candidate> {
    let last = &stencil.insts[stencil.terminator(header)?];
    let ValueDef::Result(test, _) = stencil.value_defs[Value(last.a)].get() else { return None };
    let data = &stencil.insts[test];
    if owner_of(stencil, Value(last.a)) != Some(header) {
        return None;
    }
    let (mut cc, mut next, mut limit) = match data.opcode {
        Opcode::Icmp => (IntCc::from_code(data.aux), Value(data.a), Some(Value(data.b))),
        _ => (IntCc::NotEqual, Value(last.a), None),
    };
    let [then, otherwise] = [last.b, last.c].map(BlockCallRef);
    let (back, exit) = match [then, otherwise].map(|call| stencil.block_calls[call].block == header) {
        [true, false] => (then, otherwise),
        [false, true] => {
            cc = cc.complement();
            (otherwise, then)
        }
        [true, true] | [false, false] => return None,
    };
    if let Some(other) = limit.filter(|_| is_outside(stencil, analysis, header, next)) {
        (next, limit) = (other, Some(next));
        cc = cc.swap_args();
    }
    let (of, step) = plus_constant(stencil, next)?;
    let args = stencil.pool.get(stencil.block_calls[back].args);
    let counter = stencil.block_params(header).iter().position(|&param| param == of.0)?;
    let ty = stencil.value_types[of];
    let is_counter = args[counter] == next.0
        && limit.is_none_or(|limit| is_outside(stencil, analysis, header, limit))
        && matches!(ty, types::I32 | types::I64)
        && (1..=MAX_STEP).contains(&step.unsigned_abs())
        && approaches(cc, step);
    is_counter.then_some(Candidate { header, back, exit, cc, limit, counter, step, iterations: None })
}
