//! Value numbering: what is computed twice is computed once, and what is known is not computed at all.
//!
//! One walk over the blocks in reverse postorder looks at each instruction with its operands replaced:
//!
//! 1. [Rules](super::rules) make it simpler, or find a value that it computes. If all operands are constants,
//!    its result is one.
//! 2. A table of all instructions so far, by opcode and operands, may have one that computes the same. If its
//!    block dominates this one, its results are used; otherwise this instruction takes its entry.
//! 3. A load may find in the table of known memory (`known_memory.rs`) what it would read, and a store that
//!    what it would write is there already, or that the store before it is not needed.
//! 4. In a loop, an instruction whose operands do not change moves before it: to the block that the loop's
//!    header is entered from, and out of further loops around that. A load moves if nothing in the loop
//!    writes to memory that it may read, and if it is executed whenever that block is.
//!
//! Then what nobody needs any more is removed (`dead_code.rs`).
//!
//! After passes that changed a few loops, only those are walked again. Of the rest of the function, nothing
//! is known then but where values are defined.
//!
//! Traps stay where they are: an instruction that can trap is removed only if one like it, on the same
//! operands, has been executed before. A float result that is not a number is not folded, because its bits
//! depend on the machine.

use super::dead_code::DeadCode;
use super::known_memory::{KnownMemory, Writes, place};
use super::simplify::Simplification;
use super::{constant, finish, rules};
use crate::analysis::Analysis;
use crate::analysis::loops::Loop;
use crate::entity::Map;
use crate::eval;
use crate::ir::opcode::ALL;
use crate::ir::*;
use std::collections::BTreeMap;

/// No entry.
const NONE: u32 = u32::MAX;

/// An instruction in the table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The instruction with its operands replaced, those of a commutative opcode in order.
    data: InstData,
    inst: Inst,
    block: Block,
}

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct ValueNumbering {
    /// For each hash, the entry that it leads to. Collisions go to the next place.
    heads: Vec<u32>,
    entries: Vec<Entry>,
    /// The setting `enable_alias_analysis`: whether loads and stores are replaced, removed and moved.
    alias_analysis: bool,
    memory: KnownMemory,
    /// Whether each block is to be walked.
    scope: Map<Block, bool>,
    /// The block that each instruction is in now.
    block_of: Map<Inst, Block>,
    /// Whether what is left of a block may trap; of the block that is walked, what is left so far; true of a
    /// block outside of the scope.
    traps: Map<Block, bool>,
    /// What each loop writes.
    writes: Map<Loop, Writes>,
    dead_code: DeadCode,
    /// How often each rule was applied, for `--trace-rules`.
    pub(crate) trace: Option<BTreeMap<&'static str, u64>>,
}

impl ValueNumbering {
    /// Runs the pass on a function: on all of it, or on the blocks in `only` and the loops of which they are
    /// headers. Blocks and edges stay as they are.
    pub fn run(
        &mut self,
        func: &mut Function,
        analysis: &mut Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
        alias_analysis: bool,
        only: Option<&[Block]>,
    ) {
        self.alias_analysis = alias_analysis;
        analysis.compute_loops();
        self.find_scope(&func.stencil, analysis, only);
        self.find_writes(&func.stencil, analysis);
        self.find_blocks(&func.stencil);
        self.entries.clear();
        self.heads.clear();
        // About half of all instructions get an entry.
        self.heads.resize(func.stencil.insts.len().next_power_of_two(), NONE);
        self.memory.begin(func.stencil.blocks.len());
        finish(func, buffers, origins, |editor| {
            let analysis = &*analysis;
            for &block in analysis.order.rpo() {
                if self.scope[block] {
                    self.block(editor, analysis, block);
                }
            }
            self.dead_code.remove(editor, analysis);
        });
    }

    /// Finds the blocks to walk.
    fn find_scope(&mut self, stencil: &Stencil, analysis: &Analysis, only: Option<&[Block]>) {
        self.scope.clear();
        self.scope.resize(stencil.blocks.len(), only.is_none());
        let Some(only) = only else { return };
        for &block in only {
            self.scope[block] = true;
        }
        let loops = analysis.loops.all();
        for &block in analysis.order.rpo() {
            // A header comes before the other blocks of its loop.
            let mut around = analysis.loops.innermost(block);
            while let Some(at) = around
                && !self.scope[block]
            {
                self.scope[block] = self.scope[loops[at].header];
                around = loops[at].parent;
            }
        }
    }

    /// Takes note of what is where outside of the scope.
    fn find_blocks(&mut self, stencil: &Stencil) {
        self.block_of.clear();
        self.block_of.resize(stencil.insts.len(), Block(0));
        self.traps.clear();
        self.traps.resize(stencil.blocks.len(), false);
        for &block in stencil.layout.iter().filter(|&&block| !self.scope[block]) {
            stencil.block_insts(block).for_each(|inst| self.block_of[inst] = block);
            self.traps[block] = true;
        }
    }

    fn block(&mut self, editor: &mut Editor, analysis: &Analysis, block: Block) {
        self.memory.enter(match analysis.cfg.preds(block) {
            &[pred] => Some(pred),
            _ => None,
        });
        for inst in editor.stencil().block_insts(block) {
            self.block_of[inst] = block;
            let written = editor.stencil().insts[inst];
            let mut data = written.map_fixed_args(|value| editor.resolve(value));
            if rules::begin_with(data.opcode) {
                match self.simplify(editor, analysis, block, inst, data) {
                    Some(simple) => data = simple,
                    None => continue,
                }
            }
            if data != written {
                editor.rewrite(inst, data);
            }
            match treatment(editor.stencil(), &data) {
                Treatment::Number => self.number(editor, analysis, block, inst, data),
                Treatment::Clobber => {
                    self.memory.clobber();
                    self.memory.see_all();
                }
                Treatment::Load if self.alias_analysis => self.load(editor, analysis, block, inst, &data),
                Treatment::Store if self.alias_analysis => self.store(editor, analysis, block, inst, &data),
                Treatment::Load | Treatment::Store | Treatment::None => {}
            }
            let effects = editor.stencil().effects(&data);
            if effects.any(Effects::TRAP.or(Effects::OTHER)) && !editor.is_removed(inst) {
                self.traps[block] = true;
                self.memory.see_all();
            }
        }
        self.memory.leave(block);
    }

    /// Simplifies an instruction, whose operands have been replaced. Returns it as it is then, or `None` if
    /// it has been replaced by a value.
    fn simplify(
        &mut self,
        editor: &mut Editor,
        analysis: &Analysis,
        block: Block,
        inst: Inst,
        data: InstData,
    ) -> Option<InstData> {
        let mut simplification =
            Simplification { numbering: self, editor: &mut *editor, analysis, block, at: inst, depth: 0 };
        match simplification.simplified(data) {
            Ok(data) => Some(data),
            Err(value) => {
                let result = editor.stencil().first_result(inst);
                editor.replace_value(result, value);
                editor.remove(inst);
                None
            }
        }
    }

    /// The value that an instruction without effects computes: that of one like it which is executed before,
    /// or of a new one before `at` in `block`.
    pub(super) fn value_of(
        &mut self,
        editor: &mut Editor,
        analysis: &Analysis,
        block: Block,
        at: Inst,
        data: InstData,
    ) -> Value {
        let key = in_order(data);
        let place = match self.look_up(analysis, block, &key) {
            Ok(known) => {
                let result = editor.stencil().first_result(known);
                return editor.resolve(result);
            }
            Err(place) => place,
        };
        let to = self.outside_loops(editor.stencil(), analysis, block, &data);
        let inst = match to == block {
            true => editor.insert_before(at, |builder| builder.inst(data)),
            false => editor.insert_at_end(to, at, |builder| builder.inst(data)),
        };
        let result = editor.stencil().first_result(inst);
        self.set_block(inst, to);
        self.enter(place, Entry { data: key, inst, block: to });
        result
    }

    /// The instruction like this one that is executed before `block`, or else the free place
    /// in `heads`, or that of an entry to displace.
    fn look_up(&self, analysis: &Analysis, block: Block, data: &InstData) -> Result<Inst, usize> {
        let place = self.find(data);
        match self.heads[place] {
            NONE => Err(place),
            known => {
                let entry = &self.entries[known as usize];
                let is_before = analysis.dominators.dominates(entry.block, block);
                is_before.then_some(entry.inst).ok_or(place)
            }
        }
    }

    /// Puts an instruction into the table, at the place where it was looked for.
    fn enter(&mut self, place: usize, entry: Entry) {
        match self.heads[place] {
            NONE => {
                self.heads[place] = self.entries.len() as u32;
                self.entries.push(entry);
                self.grow();
            }
            known => self.entries[known as usize] = entry,
        }
    }

    /// Makes the table larger if it is more than half full.
    fn grow(&mut self) {
        if 2 * self.entries.len() <= self.heads.len() {
            return;
        }
        let size = 2 * self.heads.len();
        self.heads.clear();
        self.heads.resize(size, NONE);
        for n in 0..self.entries.len() {
            let data = self.entries[n].data;
            let place = self.find(&data);
            self.heads[place] = n as u32;
        }
    }

    /// Handles an instruction that computes its results from its operands alone.
    fn number(
        &mut self,
        editor: &mut Editor,
        analysis: &Analysis,
        block: Block,
        inst: Inst,
        mut data: InstData,
    ) {
        let constant = folded(editor.stencil(), &data);
        data = constant.unwrap_or(data);
        data = in_order(data);
        if let Some(value) = self.remainder_by_quotient(editor, analysis, block, inst, &data) {
            let result = editor.stencil().first_result(inst);
            editor.replace_value(result, value);
            editor.remove(inst);
            return;
        }
        let place = match self.look_up(analysis, block, &data) {
            Ok(known) => return replace_results(editor, inst, known),
            Err(place) => place,
        };
        let to = self.outside_loops(editor.stencil(), analysis, block, &data);
        let inst = match constant {
            Some(constant) if to == block => {
                let new = editor.replace(inst, |builder| builder.inst(constant));
                self.set_block(new, block);
                new
            }
            Some(constant) => self.move_to(editor, inst, constant, to),
            None => self.place(editor, inst, block, to),
        };
        self.enter(place, Entry { data, inst, block: to });
    }

    /// The remainder that an instruction computes, if the quotient of the same operands has been computed or
    /// soon will be: less the product of quotient and divisor.
    fn remainder_by_quotient(
        &mut self,
        editor: &mut Editor,
        analysis: &Analysis,
        block: Block,
        at: Inst,
        data: &InstData,
    ) -> Option<Value> {
        let opcode = match data.opcode {
            Opcode::Urem => Opcode::Udiv,
            Opcode::Srem => Opcode::Sdiv,
            _ => return None,
        };
        let division = InstData { opcode, ..*data };
        let quotient = match self.look_up(analysis, block, &division) {
            Ok(known) => editor.resolve(editor.stencil().first_result(known)),
            Err(_) if divides_soon(editor, block, at, &division) => {
                self.value_of(editor, analysis, block, at, division)
            }
            Err(_) => return None,
        };
        let product = InstData { opcode: Opcode::Imul, a: quotient.0, b: data.b, ..*data };
        let product = self.value_of(editor, analysis, block, at, product);
        let difference = InstData { opcode: Opcode::Isub, a: data.a, b: product.0, ..*data };
        Some(self.value_of(editor, analysis, block, at, difference))
    }

    /// The block to which an instruction in `block` can move, out of the loops in which its operands do not
    /// change.
    #[inline]
    fn outside_loops(&self, stencil: &Stencil, analysis: &Analysis, block: Block, data: &InstData) -> Block {
        let mut to = block;
        // Most instructions use a value of their own block, and stay.
        let uses_own = data.fixed_args() > 0 && self.owner(stencil, Value(data.a)) == Some(block);
        if !uses_own && analysis.loops.innermost(block).is_some() && can_move(stencil, data) {
            while let Some(outside) = self.before_loop(stencil, analysis, to, data) {
                to = outside;
            }
        }
        to
    }

    /// The block that defines a value now.
    #[inline]
    fn owner(&self, stencil: &Stencil, value: Value) -> Option<Block> {
        match stencil.value_defs[value].get() {
            ValueDef::Param(owner, _) => Some(owner),
            ValueDef::Result(inst, _) => Some(self.block_of[inst]),
            ValueDef::None => None,
        }
    }

    /// Moves an instruction to the end of `to`, unless it is there already. Returns it as it is then.
    #[inline]
    fn place(&mut self, editor: &mut Editor, inst: Inst, block: Block, to: Block) -> Inst {
        if to == block {
            return inst;
        }
        let data = editor.stencil().insts[inst];
        self.move_to(editor, inst, data, to)
    }

    /// Moves an instruction to the end of another block, as `data`. Returns it as it is then.
    fn move_to(&mut self, editor: &mut Editor, inst: Inst, data: InstData, to: Block) -> Inst {
        let moved = editor.move_to_end(inst, data, to);
        self.set_block(moved, to);
        moved
    }

    /// Takes note of the block that an instruction is in.
    fn set_block(&mut self, inst: Inst, block: Block) {
        self.block_of.ensure(inst, block);
        self.block_of[inst] = block;
    }

    /// The block before the innermost loop around `block`, if the operands of an instruction do not change in
    /// the loop.
    fn before_loop(
        &self,
        stencil: &Stencil,
        analysis: &Analysis,
        block: Block,
        data: &InstData,
    ) -> Option<Block> {
        let header = analysis.loops.all()[analysis.loops.innermost(block)?].header;
        let before = analysis.dominators.idom(header)?;
        let words = [data.a, data.b, data.c];
        let is_outside = |&word: &u32| {
            let owner = self.owner(stencil, Value(word));
            owner.is_some_and(|owner| analysis.dominators.dominates(owner, before))
        };
        words[..data.fixed_args()].iter().all(is_outside).then_some(before)
    }

    /// The block before the loop of which `block` is the header, if a load in `block` can move there.
    fn before_loop_of_load(
        &self,
        stencil: &Stencil,
        analysis: &Analysis,
        block: Block,
        data: &InstData,
    ) -> Option<Block> {
        let innermost = analysis.loops.innermost(block)?;
        let flags = &stencil.mem_flags[data.mem_flags()];
        if !flags.readonly && self.writes[innermost].may_change(flags) {
            return None;
        }
        let before = self.before_loop(stencil, analysis, block, data)?;
        let enters_only_loop =
            || stencil.terminator(before).is_some_and(|last| stencil.jump_call(last).is_some());
        let is_executed = || analysis.loops.is_header(block) && !self.traps[block] && enters_only_loop();
        ((flags.can_move && flags.trap.is_none()) || is_executed()).then_some(before)
    }

    /// Finds what each loop writes.
    fn find_writes(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.writes.clear();
        self.writes.resize(analysis.loops.all().len(), Writes::default());
        if self.writes.is_empty() {
            return;
        }
        for &block in analysis.order.rpo() {
            let Some(innermost) = analysis.loops.innermost(block) else { continue };
            if !self.scope[block] {
                self.writes[innermost].add_all();
                continue;
            }
            for inst in stencil.block_insts(block) {
                let data = &stencil.insts[inst];
                let effects = stencil.effects(data);
                if effects.any(Effects::CALL.or(Effects::OTHER)) {
                    self.writes[innermost].add_all();
                } else if effects.has(Effects::STORE) {
                    self.writes[innermost].add(&stencil.mem_flags[data.mem_flags()]);
                }
            }
        }
        // Inner loops come first.
        for (inner, data) in analysis.loops.all().iter() {
            if let Some(outer) = data.parent {
                let of_inner = self.writes[inner];
                self.writes[outer].join(of_inner);
            }
        }
    }

    /// The place in `heads` of an instruction like this one, or the free place for it.
    fn find(&self, data: &InstData) -> usize {
        let mask = self.heads.len() - 1;
        let mut at = hash(data) as usize & mask;
        while self.heads[at] != NONE && self.entries[self.heads[at] as usize].data != *data {
            at = (at + 1) & mask;
        }
        at
    }

    fn load(&mut self, editor: &mut Editor, analysis: &Analysis, block: Block, inst: Inst, data: &InstData) {
        if data.opcode.format() != Format::Load {
            self.memory.see_all();
            return;
        }
        let flags = editor.stencil().mem_flags[data.mem_flags()];
        let result = editor.stencil().first_result(inst);
        let place = place(editor, data.opcode, data.ty, data.address(), &flags);
        match self.memory.get(&place, &flags) {
            Some(known) if analysis.dominators.dominates(known.block, block) => {
                editor.replace_value(result, known.value);
                editor.remove(inst);
            }
            Some(_) | None => {
                let mut to = block;
                while let Some(outside) = self.before_loop_of_load(editor.stencil(), analysis, to, data) {
                    to = outside;
                }
                if to != block
                    && let Some(known) = self.memory.get_at_end(to, &place, &flags)
                    && analysis.dominators.dominates(known.block, to)
                {
                    editor.replace_value(result, known.value);
                    editor.remove(inst);
                    return;
                }
                self.memory.see(&flags);
                self.memory.set(place, &flags, result, block, false);
                self.place(editor, inst, block, to);
            }
        }
    }

    fn store(&mut self, editor: &mut Editor, analysis: &Analysis, block: Block, inst: Inst, data: &InstData) {
        let flags = editor.stencil().mem_flags[data.mem_flags()];
        if data.opcode != Opcode::Store {
            self.memory.store(&flags);
            return;
        }
        let value = Value(data.a);
        let place = place(editor, Opcode::Load, data.ty, data.address(), &flags);
        if let Some(known) = self.memory.get(&place, &flags)
            && known.value == value
            && (known.is_stored || flags.trap.is_none())
            && analysis.dominators.dominates(known.block, block)
        {
            editor.remove(inst);
            return;
        }
        if flags.trap.is_none()
            && let Some(overwritten) = self.memory.overwrite(place, &flags, inst)
        {
            editor.remove(overwritten);
        }
        self.memory.store(&flags);
        self.memory.set(place, &flags, value, block, true);
    }
}

/// What the walk does with an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Treatment {
    /// Numbers it: it gives the same results wherever it is executed, if it does not trap.
    Number,
    /// Looks for what it loads.
    Load,
    /// Notes what it stores.
    Store,
    /// Forgets what memory holds.
    Clobber,
    None,
}

/// What the walk does with an instruction of each opcode; a `symbol_value` is an exception.
const TREATMENTS: [Treatment; ALL.len()] = {
    let mut treatments = [Treatment::None; ALL.len()];
    let mut n = 0;
    while n < ALL.len() {
        let opcode = ALL[n];
        let effects = opcode.info().effects;
        let is_address = matches!(opcode, Opcode::StackAddr | Opcode::FuncAddr | Opcode::TlsValue);
        treatments[opcode as usize] = if is_address || eval::is_pure(opcode) && !matches!(opcode, Opcode::Nop)
        {
            Treatment::Number
        } else if effects.any(Effects::CALL.or(Effects::OTHER)) {
            Treatment::Clobber
        } else if effects.has(Effects::LOAD) {
            Treatment::Load
        } else if effects.has(Effects::STORE) {
            Treatment::Store
        } else {
            Treatment::None
        };
        n += 1;
    }
    treatments
};

/// What the walk does with an instruction.
#[inline]
fn treatment(stencil: &Stencil, data: &InstData) -> Treatment {
    if data.opcode == Opcode::SymbolValue
        && let GlobalValueData::Symbol { tls: false, .. } = stencil.global_values[GlobalValue(data.a)]
    {
        return Treatment::Number;
    }
    TREATMENTS[data.opcode as usize]
}

/// Whether it pays to move an instruction out of a loop, and does no harm.
fn can_move(stencil: &Stencil, data: &InstData) -> bool {
    // A comparison belongs next to the branch or selection that uses its flags.
    let is_comparison = matches!(data.opcode, Opcode::Icmp | Opcode::Fcmp);
    stencil.effects(data) == Effects::PURE && !is_comparison
}

/// An instruction as it is in the table: its operands are in order, if that does not matter.
fn in_order(mut data: InstData) -> InstData {
    if data.opcode.is_commutative() && data.a > data.b {
        std::mem::swap(&mut data.a, &mut data.b);
    }
    data
}

/// The constant that an instruction computes from constants: one of up to 64 bits.
#[inline]
pub(super) fn folded(stencil: &Stencil, data: &InstData) -> Option<InstData> {
    let is_constant = |&word: &u32| constant(stencil, Value(word)).is_some();
    let words = [data.a, data.b, data.c];
    let args = &words[..data.fixed_args()];
    // From the last, which is more often one.
    let is_folded = !args.is_empty() && args.iter().rev().all(is_constant);
    if is_folded { fold(stencil, data, words) } else { None }
}

/// The constant that an instruction computes from the constants that its words are.
fn fold(stencil: &Stencil, data: &InstData, words: [u32; 3]) -> Option<InstData> {
    let args = &words[..data.fixed_args()];
    let values = words.map(|word| match constant(stencil, Value(word)) {
        Some((ty, bits)) => eval::Value::scalar(ty, bits.into()),
        None => eval::Value::scalar(types::I8, 0),
    });
    let results =
        eval::pure(data.opcode, data.ty, eval::Immediate::of(stencil, data), &values[..args.len()]).ok()?;
    let [result] = results.as_slice() else { return None };
    constant_of(result)
}

/// The instruction that makes a constant; `None` if it takes an entry of the constant pool, or is not a
/// number.
fn constant_of(value: &eval::Value) -> Option<InstData> {
    let (ty, bits) = (value.ty(), value.bits());
    let (opcode, ctrl) = match ty {
        types::I8 | types::I16 | types::I32 | types::I64 => (Opcode::Iconst, ty),
        types::F32 if bits << 1 & 0xFFFF_FFFF <= 0xFF00_0000 => (Opcode::F32const, types::INVALID),
        types::F64 if bits << 1 & u128::from(u64::MAX) <= 0xFFE0 << 48 => (Opcode::F64const, types::INVALID),
        _ => return None,
    };
    Some(InstData { a: bits as u32, b: (bits >> 32) as u32, ..InstData::new(opcode, ctrl) })
}

/// Replaces the results of an instruction by those of another that computes the same, and removes it.
fn replace_results(editor: &mut Editor, inst: Inst, by: Inst) {
    for n in 0..editor.stencil().inst_results(inst).len() {
        let [old, new] = [inst, by].map(|inst| Value(editor.stencil().inst_results(inst)[n]));
        editor.replace_value(old, new);
    }
    editor.remove(inst);
}

/// Whether a division can be executed at an instruction of a block, and one like it comes soon afterwards.
fn divides_soon(editor: &mut Editor, block: Block, at: Inst, division: &InstData) -> bool {
    const SOON: usize = 32;
    let divisor = constant(editor.stencil(), Value(division.b));
    // The signed quotient of the least number and -1 would trap too early.
    let traps = divisor.is_none_or(|(ty, bits)| bits == u64::MAX >> (64 - ty.bits()));
    if division.opcode == Opcode::Sdiv && traps {
        return false;
    }
    let later = editor.stencil().block_insts(block).skip_while(|&inst| inst != at).skip(1);
    later.take(SOON).any(|inst| {
        let data = editor.stencil().insts[inst];
        data.opcode == division.opcode
            && data.ty == division.ty
            && editor.resolve(Value(data.a)) == Value(division.a)
            && (editor.resolve(Value(data.b)) == Value(division.b)
                || divisor.is_some() && divisor == constant(editor.stencil(), Value(data.b)))
    })
}

/// A hash of an instruction.
fn hash(data: &InstData) -> u32 {
    let first = (data.opcode as u64) << 48 | u64::from(data.ty.0) << 32 | u64::from(data.a);
    let second = u64::from(data.b) << 32 | u64::from(data.c ^ u32::from(data.aux) << 16);
    let product = u128::from(first ^ 0xA24B_AED4_963E_E407) * u128::from(second ^ 0x9FB2_1C65_1E98_DF25);
    (product ^ product >> 64) as u32
}
