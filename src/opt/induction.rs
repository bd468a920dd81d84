//! Widens the counters of loops, so that what indexes memory need not be extended in each iteration.
//!
//! A counter is a parameter of a loop's header that each iteration changes by a constant. If it has 32 bits,
//! is extended to 64 and does not overflow, a counter of 64 bits takes its place: the extension is the
//! counter itself, and the narrow value is the lower half of the wide one. The test of the loop compares wide
//! values.
//!
//! ```text
//! block1(v0: i32):                  block1(v10: i64):
//!     v1 = sextend.i64 v0               v0 = ireduce.i32 v10
//!     …                                 …
//!     v2 = iadd v0, 1                   v11 = iadd v10, 1
//!     v3 = icmp slt v2, n               v3 = icmp slt v11, sextend(n)
//!     brif v3, block1(v2), block2       brif v3, block1(v11), block2
//! ```
//!
//! That a counter does not overflow follows from what it starts with and from the branches that lead to the
//! header: where `i < n` has just been true, `i + 1` is no overflow. Both are looked up on each edge into the
//! header, a few blocks back.
//!
//! A step that only the next iteration needs moves to the end of the loop, where the old value of the counter
//! is no longer needed: the two can then share a register. So does whatever else only makes the next value of
//! a parameter. For the same reason, a loop that goes on as long as the old value differs from a constant
//! tests the new one (`while (n--)`).

use super::{block_of, constant, finish, owner_of};
use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::types::{I32, I64};
use crate::ir::*;
use std::ops::RangeInclusive;

/// How many blocks before an edge are searched for conditions.
const MAX_BLOCKS: usize = 4;

/// The values of an i32.
const FULL: RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;

/// A counter of a loop.
#[derive(Clone, Debug)]
struct Counter {
    header: Block,
    /// The parameter, and its index.
    value: Value,
    index: usize,
    /// What the value becomes, and by how much it changes.
    next: Value,
    step: i64,
    /// The values that it has, as signed numbers.
    range: RangeInclusive<i64>,
}

/// An extension of a counter, to 64 bits, of the counter's value plus an offset.
#[derive(Clone, Copy, Debug)]
struct Extension {
    inst: Inst,
    /// Index of the counter.
    counter: usize,
    offset: i64,
}

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct Induction {
    /// The counters to widen.
    counters: Vec<Counter>,
    /// The index of the counter that a parameter is, for parameters that were looked at.
    known: Map<Value, Option<Option<usize>>>,
    extensions: Vec<Extension>,
    /// The counters' wide values: those of the parameter, and of what it becomes.
    wide: Vec<(Value, Value)>,
    steps: Steps,
    calls: Vec<BlockCallRef>,
}

impl Induction {
    /// Runs the pass on a function. Returns whether it leaves anything behind for value numbering to clean
    /// up. Blocks and edges stay as they are.
    pub fn run(
        &mut self,
        func: &mut Function,
        analysis: &mut Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
    ) -> bool {
        analysis.compute_loops();
        if analysis.loops.all().is_empty() {
            return false;
        }
        self.find_extensions(&func.stencil, analysis);
        self.steps.find(&func.stencil, analysis);
        if self.extensions.is_empty() && self.steps.found.is_empty() && self.steps.tests.is_empty() {
            return false;
        }
        let changed = finish(func, buffers, origins, |editor| {
            self.wide.clear();
            for n in 0..self.counters.len() {
                let counter = self.counters[n].clone();
                let wide = self.widen(editor, analysis, &counter);
                self.wide.push(wide);
            }
            for n in 0..self.extensions.len() {
                self.replace(editor, self.extensions[n]);
            }
            self.steps.sink(editor);
            self.steps.test_next(editor);
        });
        changed && !(self.extensions.is_empty() && self.steps.tests.is_empty())
    }

    /// Finds the extensions of counters, and the counters that have any.
    fn find_extensions(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.counters.clear();
        self.extensions.clear();
        self.known.clear();
        self.known.resize(stencil.value_types.len(), None);
        for &block in analysis.order.rpo() {
            for inst in stencil.block_insts(block) {
                let data = &stencil.insts[inst];
                let is_extension = matches!(data.opcode, Opcode::Sextend | Opcode::Uextend)
                    && data.ty == I64
                    && stencil.value_types[Value(data.a)] == I32;
                if is_extension
                    && let Some((value, offset)) = plus_constant(stencil, Value(data.a))
                    && let Some(counter) = self.counter(stencil, analysis, value)
                    && self.fits(counter, offset, data.opcode == Opcode::Uextend)
                {
                    self.extensions.push(Extension { inst, counter, offset });
                }
            }
        }
    }

    /// Whether a counter plus an offset does not overflow, and is not negative if it is zero-extended.
    fn fits(&self, counter: usize, offset: i64, is_unsigned: bool) -> bool {
        let range = &self.counters[counter].range;
        let (least, most) = (range.start() + offset, range.end() + offset);
        FULL.contains(&least) && FULL.contains(&most) && !(is_unsigned && least < 0)
    }

    /// The index of the counter that a value is.
    fn counter(&mut self, stencil: &Stencil, analysis: &Analysis, value: Value) -> Option<usize> {
        if let Some(known) = self.known[value] {
            return known;
        }
        let counter = self.find_counter(stencil, analysis, value);
        let index = counter.map(|counter| {
            self.counters.push(counter);
            self.counters.len() - 1
        });
        self.known[value] = Some(index);
        index
    }

    fn find_counter(&mut self, stencil: &Stencil, analysis: &Analysis, value: Value) -> Option<Counter> {
        let ValueDef::Param(header, index) = stencil.value_defs[value].get() else { return None };
        let index = index as usize;
        // No edge says what a counter in the entry block starts with.
        if !analysis.loops.is_header(header) || analysis.dominators.idom(header).is_none() {
            return None;
        }
        let mut next = None;
        let (mut least, mut most) = (*FULL.end(), *FULL.start());
        let (mut least_first, mut most_first) = (least, most);
        for &pred in analysis.cfg.preds(header) {
            let is_back = analysis.dominators.dominates(header, pred);
            stencil.list_block_calls(pred, &mut self.calls);
            for &call in self.calls.iter().filter(|&&call| stencil.block_calls[call].block == header) {
                let word = stencil.pool.get(stencil.block_calls[call].args)[index];
                let BlockArg::Value(arg) = BlockArg::unpack(word) else { return None };
                let range = range_on_edge(stencil, analysis, (pred, header), arg);
                (least, most) = (least.min(*range.start()), most.max(*range.end()));
                if !is_back {
                    (least_first, most_first) =
                        (least_first.min(*range.start()), most_first.max(*range.end()));
                } else if *next.get_or_insert(arg) != arg {
                    return None;
                }
            }
        }
        let next = next?;
        let (of, step) = plus_constant(stencil, next)?;
        // What it counts away from, it never goes beyond.
        let range = if step > 0 { least_first..=most } else { least..=most_first };
        let is_counter = of == value
            && step != 0
            && FULL.contains(&(range.start() + step))
            && FULL.contains(&(range.end() + step))
            && matches!(stencil.value_defs[next].get(), ValueDef::Result(..));
        is_counter.then_some(Counter { header, value, index, next, step, range })
    }

    /// Puts a wide counter in the place of a narrow one. Returns its value, and what that becomes.
    fn widen(&mut self, editor: &mut Editor, analysis: &Analysis, counter: &Counter) -> (Value, Value) {
        let &Counter { header, value, index, next, step, .. } = counter;
        let ValueDef::Result(step_inst, _) = editor.stencil().value_defs[next].get() else {
            crate::diag::unexpected(next)
        };
        let wide = editor.extend_params(header, &[I64]);
        let last_of = |block| editor.stencil().terminator(block).expect("a block has a terminator");
        let at = self.steps.end_of(step_inst).map_or(step_inst, last_of);
        let (next_wide, next_narrow) = editor.insert_before(at, |builder| {
            let step = builder.iconst(I64, step);
            let next = builder.op(Opcode::Iadd, &[wide, step]);
            (next, builder.typed_op(Opcode::Ireduce, I32, &[next]))
        });
        for &pred in analysis.cfg.preds(header) {
            let is_back = analysis.dominators.dominates(header, pred);
            editor.stencil().list_block_calls(pred, &mut self.calls);
            for n in 0..self.calls.len() {
                let call = self.calls[n];
                let BlockCall { block, args } = editor.stencil().block_calls[call];
                // A block that has two edges to the header is its predecessor twice.
                let stencil = editor.stencil();
                let is_done = stencil.pool.get(args).len() == stencil.block_params(block).len();
                if block != header || is_done {
                    continue;
                }
                let BlockArg::Value(arg) = BlockArg::unpack(editor.stencil().pool.get(args)[index]) else {
                    continue;
                };
                let wide = if is_back { next_wide } else { extended(editor, pred, arg) };
                editor.extend_args(call, [wide].into_iter());
            }
        }
        self.widen_tests(editor, analysis, counter, (wide, next_wide));
        let first = editor.stencil().block_insts(header).next().expect("a block has a terminator");
        let narrow = editor.insert_before(first, |builder| builder.typed_op(Opcode::Ireduce, I32, &[wide]));
        editor.replace_value(value, narrow);
        editor.replace_value(next, next_narrow);
        editor.remove(step_inst);
        (wide, next_wide)
    }

    /// Lets the branches back to the header, and out of the loop next to them, compare wide values.
    fn widen_tests(
        &mut self,
        editor: &mut Editor,
        analysis: &Analysis,
        counter: &Counter,
        (wide, next_wide): (Value, Value),
    ) {
        for &pred in analysis.cfg.preds(counter.header) {
            if !analysis.dominators.dominates(counter.header, pred) {
                continue;
            }
            let Some(test) = test_of(editor.stencil(), pred) else { continue };
            let data = editor.stencil().insts[test];
            let cc = IntCc::from_code(data.aux);
            if !cc.is_signed() && !matches!(cc, IntCc::Equal | IntCc::NotEqual) || editor.is_removed(test) {
                continue;
            }
            let stays = |word: u32| is_outside(editor.stencil(), analysis, counter.header, Value(word));
            let before = analysis.dominators.idom(counter.header).expect("a loop with a counter is entered");
            let of = |word: u32| match Value(word) {
                value if value == counter.next => Some(next_wide),
                value if value == counter.value => Some(wide),
                _ => None,
            };
            let (a, b) = match (of(data.a), of(data.b)) {
                (Some(a), None) if stays(data.b) => (a, extended(editor, before, Value(data.b))),
                (None, Some(b)) if stays(data.a) => (extended(editor, before, Value(data.a)), b),
                _ => continue,
            };
            editor.rewrite(test, InstData { a: a.0, b: b.0, ty: I64, ..data });
        }
    }

    /// Replaces an extension of a counter.
    fn replace(&mut self, editor: &mut Editor, extension: Extension) {
        let Extension { inst, counter, offset } = extension;
        let (wide, next_wide) = self.wide[counter];
        let result = editor.stencil().first_result(inst);
        let value = match offset {
            0 => wide,
            _ if offset == self.counters[counter].step
                && editor.stencil().insts[inst].a == self.counters[counter].next.0 =>
            {
                next_wide
            }
            _ => editor.insert_before(inst, |builder| {
                let offset = builder.iconst(I64, offset);
                builder.op(Opcode::Iadd, &[wide, offset])
            }),
        };
        editor.replace_value(result, value);
        editor.remove(inst);
    }
}

/// A branch that tests the old value of a counter.
#[derive(Clone, Copy, Debug)]
struct Test {
    branch: Inst,
    /// What the new value is to be compared with, and the condition.
    next: Value,
    constant: i64,
    cc: IntCc,
}

/// Steps that can move to the end of their loop.
#[derive(Debug, Default)]
struct Steps {
    /// The instructions, and the blocks to whose ends they can move.
    found: Vec<(Inst, Block)>,
    /// Branches that test the old value of a counter.
    tests: Vec<Test>,
    /// How often each value is used.
    uses: Map<Value, u32>,
    calls: Vec<BlockCallRef>,
}

impl Steps {
    /// Finds what makes the next values of a header's parameters and only the branch back to it uses.
    fn find(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.found.clear();
        self.tests.clear();
        self.uses.clear();
        self.uses.resize(stencil.value_types.len(), 0);
        for &block in analysis.order.rpo() {
            for inst in stencil.block_insts(block) {
                stencil.visit_values(&stencil.insts[inst], |value| self.uses[value] += 1);
            }
        }
        for data in analysis.loops.all().values() {
            for &pred in analysis.cfg.preds(data.header) {
                if analysis.dominators.dominates(data.header, pred) {
                    self.find_on_edges(stencil, pred, data.header);
                }
            }
        }
        self.found.sort_unstable_by_key(|found| found.0);
    }

    fn find_on_edges(&mut self, stencil: &Stencil, latch: Block, header: Block) {
        stencil.list_block_calls(latch, &mut self.calls);
        let Some(last) = stencil.terminator(latch) else { return };
        for &call in &self.calls {
            let BlockCall { block, args } = stencil.block_calls[call];
            let pairs = stencil.pool.get(args).iter().zip(stencil.block_params(block));
            for (&word, &param) in pairs.filter(|_| block == header) {
                if let BlockArg::Value(next) = BlockArg::unpack(word)
                    && let ValueDef::Result(inst, _) = stencil.value_defs[next].get()
                    && self.uses[next] == uses_in(stencil, last, next)
                    && self.is_step(stencil, inst, last, Value(param))
                {
                    self.found.push((inst, latch));
                }
                if let BlockArg::Value(next) = BlockArg::unpack(word) {
                    self.tests.extend(test_of_old(stencil, last, Value(param), next));
                }
            }
        }
    }

    /// Whether an instruction makes the next value of a parameter before the last use of the present one, and
    /// can be moved to the end of a loop whose last instruction is `last`.
    fn is_step(&self, stencil: &Stencil, inst: Inst, last: Inst, param: Value) -> bool {
        const MOST: usize = 64;
        let next = Value(stencil.inst_results(inst)[0]);
        if plus_constant(stencil, next).is_some_and(|(of, _)| of == param) {
            return self.uses[param] > 1;
        }
        let between = inst.0 + 1..last.0;
        stencil.inst_results(inst).len() == 1
            && stencil.effects(&stencil.insts[inst]) == Effects::PURE
            && block_of(stencil, inst) == block_of(stencil, last)
            && between.len() <= MOST
            && between.map(Inst).any(|inst| uses_in(stencil, inst, param) > 0)
    }

    /// Lets branches test the new values of counters.
    fn test_next(&self, editor: &mut Editor) {
        for &Test { branch, next, constant, cc } in &self.tests {
            let data = editor.stencil().insts[branch];
            let test = editor.insert_before(branch, |builder| {
                let constant = builder.iconst(builder.type_of(next), constant);
                builder.icmp(cc, next, constant)
            });
            editor.rewrite(branch, InstData { a: test.0, ty: types::I8, ..data });
        }
    }

    /// The block to whose end a step can move.
    fn end_of(&self, inst: Inst) -> Option<Block> {
        let at = self.found.binary_search_by_key(&inst, |found| found.0).ok()?;
        Some(self.found[at].1)
    }

    fn sink(&self, editor: &mut Editor) {
        for &(inst, latch) in &self.found {
            if editor.is_removed(inst) {
                continue;
            }
            let last = editor.stencil().terminator(latch).expect("a block has a terminator");
            if inst.0 + 1 < last.0 {
                let data = editor.stencil().insts[inst];
                editor.move_to_end(inst, data, latch);
            }
        }
    }
}

/// The test of the new value of a counter that a branch can make instead of one of the old value, if that is
/// compared with a constant for equality.
fn test_of_old(stencil: &Stencil, branch: Inst, old: Value, next: Value) -> Option<Test> {
    let data = &stencil.insts[branch];
    let (of, step) = plus_constant(stencil, next)?;
    if data.opcode != Opcode::Brif || of != old || step == 0 {
        return None;
    }
    let test = |constant, cc| Some(Test { branch, next, constant: step.wrapping_add(constant), cc });
    if Value(data.a) == old {
        return test(0, IntCc::NotEqual);
    }
    let ValueDef::Result(inst, _) = stencil.value_defs[Value(data.a)].get() else { return None };
    let compare = &stencil.insts[inst];
    if compare.opcode != Opcode::Icmp || Value(compare.a) != old {
        return None;
    }
    let cc = IntCc::from_code(compare.aux);
    let constant = signed_constant(stencil, Value(compare.b))?;
    matches!(cc, IntCc::Equal | IntCc::NotEqual).then(|| test(constant, cc))?
}

/// How often an instruction uses a value.
fn uses_in(stencil: &Stencil, inst: Inst, value: Value) -> u32 {
    let mut count = 0;
    stencil.visit_values(&stencil.insts[inst], |used| count += u32::from(used == value));
    count
}

/// The value and the constant of which a value is the sum; for another value, itself and zero.
pub(super) fn plus_constant(stencil: &Stencil, value: Value) -> Option<(Value, i64)> {
    let ValueDef::Result(inst, _) = stencil.value_defs[value].get() else { return Some((value, 0)) };
    let data = &stencil.insts[inst];
    if data.opcode != Opcode::Iadd {
        return None;
    }
    let of = |word: u32| signed_constant(stencil, Value(word));
    match (of(data.a), of(data.b)) {
        (None, Some(constant)) => Some((Value(data.a), constant)),
        (Some(constant), None) => Some((Value(data.b), constant)),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// A constant as a signed number.
fn signed_constant(stencil: &Stencil, value: Value) -> Option<i64> {
    let (ty, bits) = constant(stencil, value)?;
    let unused = 64 - ty.bits();
    ty.is_int().then_some((bits as i64) << unused >> unused)
}

/// The values that an i32 can have when an edge is taken, as signed numbers.
fn range_on_edge(
    stencil: &Stencil,
    analysis: &Analysis,
    edge: (Block, Block),
    value: Value,
) -> RangeInclusive<i64> {
    if let Some(known) = signed_constant(stencil, value) {
        return known..=known;
    }
    let (least, most) = range_by_branches(stencil, analysis, edge, value).into_inner();
    let Some((of, offset)) = plus_constant(stencil, value).filter(|sum| sum.1 != 0) else {
        return least..=most;
    };
    let of = range_by_branches(stencil, analysis, edge, of);
    let (least_sum, most_sum) = (of.start() + offset, of.end() + offset);
    match FULL.contains(&least_sum) && FULL.contains(&most_sum) {
        true => least.max(least_sum)..=most.min(most_sum),
        false => least..=most,
    }
}

/// What the branches that lead to an edge say about the values that an i32 can have there.
fn range_by_branches(
    stencil: &Stencil,
    analysis: &Analysis,
    (mut from, mut to): (Block, Block),
    value: Value,
) -> RangeInclusive<i64> {
    let (mut least, mut most) = FULL.into_inner();
    for _ in 0..MAX_BLOCKS {
        if let Some((least_here, most_here)) = range_after(stencil, from, to, value) {
            (least, most) = (least.max(least_here), most.min(most_here));
        }
        let &[before] = analysis.cfg.preds(from) else { break };
        (from, to) = (before, from);
    }
    least..=most
}

/// What the branch from a block to another says about the range of an i32.
fn range_after(stencil: &Stencil, from: Block, to: Block, value: Value) -> Option<(i64, i64)> {
    let last = &stencil.insts[stencil.terminator(from)?];
    if last.opcode != Opcode::Brif {
        return None;
    }
    let goes_to = [last.b, last.c].map(|call| stencil.block_calls[BlockCallRef(call)].block == to);
    let ValueDef::Result(test, _) = stencil.value_defs[Value(last.a)].get() else { return None };
    let data = &stencil.insts[test];
    if data.opcode != Opcode::Icmp || goes_to[0] == goes_to[1] {
        return None;
    }
    let mut cc = IntCc::from_code(data.aux);
    let other = match (Value(data.a) == value, Value(data.b) == value) {
        (true, false) => Value(data.b),
        (false, true) => {
            cc = cc.swap_args();
            Value(data.a)
        }
        (true, true) | (false, false) => return None,
    };
    if goes_to[1] {
        cc = cc.complement();
    }
    let (least, most) = match signed_constant(stencil, other) {
        Some(known) => (known, known),
        None => FULL.into_inner(),
    };
    let (smallest, largest) = FULL.into_inner();
    match cc {
        IntCc::Equal => Some((least, most)),
        IntCc::SignedLessThan => Some((smallest, most - 1)),
        IntCc::SignedLessThanOrEqual => Some((smallest, most)),
        IntCc::SignedGreaterThan => Some((least + 1, largest)),
        IntCc::SignedGreaterThanOrEqual => Some((least, largest)),
        IntCc::UnsignedLessThan if least >= 0 && least == most => Some((0, most - 1)),
        IntCc::UnsignedLessThanOrEqual if least >= 0 && least == most => Some((0, most)),
        IntCc::NotEqual
        | IntCc::UnsignedLessThan
        | IntCc::UnsignedLessThanOrEqual
        | IntCc::UnsignedGreaterThan
        | IntCc::UnsignedGreaterThanOrEqual => None,
    }
}

/// The integer comparison in a block that its branch tests.
fn test_of(stencil: &Stencil, block: Block) -> Option<Inst> {
    let last = &stencil.insts[stencil.terminator(block)?];
    if last.opcode != Opcode::Brif {
        return None;
    }
    let ValueDef::Result(test, _) = stencil.value_defs[Value(last.a)].get() else { return None };
    let is_here = stencil.block_insts(block).any(|inst| inst == test);
    (is_here && stencil.insts[test].opcode == Opcode::Icmp).then_some(test)
}

/// Whether a value is defined outside of the loop with this header, where it dominates the loop.
pub(super) fn is_outside(stencil: &Stencil, analysis: &Analysis, header: Block, value: Value) -> bool {
    owner_of(stencil, value).is_some_and(|owner| !analysis.dominators.dominates(header, owner))
}

/// A value sign-extended at the end of a block.
fn extended(editor: &mut Editor, block: Block, value: Value) -> Value {
    let origin = editor.stencil().terminator(block).expect("a block has a terminator");
    let known = signed_constant(editor.stencil(), value);
    editor.insert_at_end(block, origin, |builder| match known {
        Some(known) => builder.iconst(I64, known),
        None => builder.typed_op(Opcode::Sextend, I64, &[value]),
    })
}
