//! Turns memory in stack slots into values.
//!
//! Front ends without SSA construction keep each variable in a stack slot, and load and store it at every
//! use. A slot is promoted if its address is used only by plain loads and stores at constant offsets, and no
//! two of them overlap without being at the same offset and of the same type and byte order. Each offset is
//! then a variable.
//!
//! 1. A scan finds the slots that must stay in memory, and the variables of the others.
//! 2. A backward walk from each block that reads a variable before it writes it finds the blocks into which
//!    the variable is live.
//! 3. A walk in reverse postorder keeps the current value of each variable, replaces loads by it, and removes
//!    loads and stores. A live variable becomes a parameter of a block with several predecessors. Lowering
//!    removes the parameters that turn out to have one value only.
//!
//! What is read before it is written is zero: memory of a new slot has no defined contents. The work is
//! proportional to the number of pairs of an edge and a variable that is live on it. That number is limited
//! by a multiple of the function's size, and the pass does nothing beyond.
//!
//! Functions with a try_call or unreachable blocks are left alone, and those that access a slot outside its
//! bounds: that has no meaning, but front ends that place slots side by side do it.

use super::finish;
use crate::analysis::Analysis;
use crate::entity::{Map, Span};
use crate::ir::*;

/// The limit for the size of variables in bytes.
const MAX_BYTES: usize = 16;

/// No variable.
const NONE: u32 = u32::MAX;

/// The limit for pairs of an edge and a variable live on it, per block and instruction.
const PAIRS_PER_INST: usize = 4;

/// A load or store of a slot.
#[derive(Clone, Copy, Debug)]
struct Access {
    slot: StackSlot,
    offset: i64,
    ty: Type,
    endianness: Option<Endianness>,
    inst: Inst,
}

/// A block and a variable that is live into it.
#[derive(Clone, Copy, Debug)]
struct LiveIn {
    block: Block,
    variable: u32,
    /// The value of the variable where the block begins, once it is known.
    value: Value,
}

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct Promote {
    /// Whether a slot stays in memory.
    stays: Map<StackSlot, bool>,
    accesses: Vec<Access>,
    /// The variable that a load or store accesses.
    variable_of: Map<Inst, u32>,
    /// Types of variables.
    types: Vec<Type>,
    live_ins: Vec<LiveIn>,
    /// Blocks that the backward walk has still to visit.
    pending: Vec<(Block, u32)>,
    /// Positions of each block's entries in `live_ins`, after sorting.
    live_in_ranges: Map<Block, Span>,
    /// Blocks that use each variable before writing it, and blocks that write it, in layout order.
    reads: Vec<(u32, Block)>,
    writes: Vec<(u32, Block)>,
    /// For each block, the variable for which a walk last stopped at it or passed it.
    stopped: Map<Block, u32>,
    passed: Map<Block, u32>,
    /// The last block in which each variable was accessed, in a scan.
    touched: Vec<Option<Block>>,
    /// The current value of each variable.
    current: Vec<Option<Value>>,
    /// The zero that stands for what was never written, by variable.
    zeros: Vec<Option<Value>>,
    param_types: Vec<Type>,
    calls: Vec<BlockCallRef>,
}

impl Promote {
    /// Promotes the slots of a function. Blocks and edges stay as they are.
    pub fn run(
        &mut self,
        func: &mut Function,
        analysis: &Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
    ) {
        if !can_promote(&func.stencil, analysis) {
            return;
        }
        self.find_slots(&func.stencil);
        self.find_variables(&func.stencil);
        if self.types.is_empty() && self.stays.values().all(|&stays| stays) {
            return;
        }
        self.find_reads(&func.stencil, analysis);
        if !self.find_live_ins(&func.stencil, analysis) {
            return;
        }
        finish(func, buffers, origins, |editor| self.rename(editor, analysis));
    }

    /// Finds the slots that must stay in memory, and all accesses of the others.
    fn find_slots(&mut self, stencil: &Stencil) {
        self.stays.clear();
        self.stays.resize(stencil.stack_slots.len(), false);
        for (slot, data) in stencil.stack_slots.iter() {
            self.stays[slot] = !data.defined || data.key.is_some();
        }
        for (_, entries) in &stencil.stack_maps {
            entries.iter().for_each(|entry| self.stays[entry.slot] = true);
        }
        for (_, tags) in &stencil.debug_tags {
            for tag in tags {
                match *tag {
                    DebugTag::StackSlot(slot) => self.stays[slot] = true,
                    DebugTag::User(_) => {}
                }
            }
        }
        self.accesses.clear();
        for (inst, &data) in stencil.insts.iter() {
            let access = access_of(stencil, inst, &data);
            self.accesses.extend(access);
            // All other uses of an address, among them to store the address itself, let it escape.
            let address = access.map(|_| data.address().0);
            let stored = (data.opcode == Opcode::Store).then_some(Value(data.a));
            stencil.visit_args(&data, |arg| {
                if (address != Some(arg) || stored == Some(arg))
                    && let Some((slot, _)) = slot_address(stencil, arg)
                {
                    self.stays[slot] = true;
                }
            });
            stencil.visit_block_calls(&data, |call| {
                for &word in stencil.pool.get(stencil.block_calls[call].args) {
                    if let BlockArg::Value(value) = BlockArg::unpack(word)
                        && let Some((slot, _)) = slot_address(stencil, value)
                    {
                        self.stays[slot] = true;
                    }
                }
            });
        }
    }

    /// Numbers the variables of the slots that can be promoted.
    fn find_variables(&mut self, stencil: &Stencil) {
        self.accesses.sort_unstable_by_key(|access| (access.slot, access.offset, access.inst));
        for pair in self.accesses.windows(2) {
            let [first, second] = [pair[0], pair[1]];
            let apart =
                first.slot != second.slot || first.offset + i64::from(first.ty.bytes()) <= second.offset;
            let same = first.offset == second.offset
                && (first.ty, first.endianness) == (second.ty, second.endianness);
            if !apart && !same {
                self.stays[first.slot] = true;
            }
        }
        let mut strays = false;
        for access in &self.accesses {
            let size = i64::from(stencil.stack_slots[access.slot].size);
            let inside = access.offset >= 0 && access.offset + i64::from(access.ty.bytes()) <= size;
            if access.ty.bytes() as usize > MAX_BYTES || !inside {
                self.stays[access.slot] = true;
            }
            strays |= !inside;
        }
        if strays {
            // The access is of another slot, which must stay where it is.
            self.stays.values_mut().for_each(|stays| *stays = true);
        }
        self.variable_of.clear();
        self.variable_of.resize(stencil.insts.len(), NONE);
        self.types.clear();
        let mut last = None;
        for access in self.accesses.iter().filter(|access| !self.stays[access.slot]) {
            if last != Some((access.slot, access.offset)) {
                last = Some((access.slot, access.offset));
                self.types.push(access.ty);
            }
            self.variable_of[access.inst] = self.types.len() as u32 - 1;
        }
    }

    /// Finds the blocks that read a variable before they write it, and those that write it.
    fn find_reads(&mut self, stencil: &Stencil, analysis: &Analysis) {
        self.reads.clear();
        self.writes.clear();
        self.touched.clear();
        self.touched.resize(self.types.len(), None);
        self.zeros.clear();
        self.zeros.resize(self.types.len(), None);
        for &block in analysis.order.rpo() {
            for inst in stencil.block_insts(block) {
                let variable = self.variable_of[inst];
                if variable == NONE {
                    continue;
                }
                let first = self.touched[variable as usize] != Some(block);
                if stencil.insts[inst].opcode == Opcode::Store {
                    self.writes.push((variable, block));
                } else if first {
                    self.reads.push((variable, block));
                }
                self.touched[variable as usize] = Some(block);
            }
        }
        self.reads.sort_unstable();
        self.writes.sort_unstable();
        self.writes.dedup();
    }

    /// Finds the blocks into which each variable is live. Returns false if that is too much work.
    fn find_live_ins(&mut self, stencil: &Stencil, analysis: &Analysis) -> bool {
        let blocks = stencil.blocks.len();
        let mut budget = PAIRS_PER_INST * (blocks + stencil.insts.len());
        for map in [&mut self.stopped, &mut self.passed] {
            map.clear();
            map.resize(blocks, NONE);
        }
        self.live_ins.clear();
        let mut written = 0;
        for n in 0..self.reads.len() {
            let (variable, block) = self.reads[n];
            while let Some(&(other, block)) = self.writes.get(written)
                && other <= variable
            {
                self.stopped[block] = other;
                written += 1;
            }
            self.pending.push((block, variable));
            while let Some((block, variable)) = self.pending.pop() {
                if std::mem::replace(&mut self.passed[block], variable) == variable {
                    continue;
                }
                self.live_ins.push(LiveIn { block, variable, value: Value(0) });
                let preds = analysis.cfg.preds(block);
                let Some(rest) = budget.checked_sub(preds.len() + 1) else {
                    self.pending.clear();
                    return false;
                };
                budget = rest;
                let through = preds.iter().filter(|&&pred| self.stopped[pred] != variable);
                self.pending.extend(through.map(|&pred| (pred, variable)));
            }
        }
        self.index_live_ins(blocks);
        true
    }

    fn index_live_ins(&mut self, blocks: usize) {
        self.live_ins.sort_unstable_by_key(|live| (live.block, live.variable));
        self.live_in_ranges.clear();
        self.live_in_ranges.resize(blocks, Span::new(0, 0));
        let mut start = 0;
        for run in self.live_ins.chunk_by(|one, other| one.block == other.block) {
            self.live_in_ranges[run[0].block] = Span::new(start, start + run.len() as u32);
            start += run.len() as u32;
        }
    }

    /// Replaces loads by values, and removes loads, stores and slots.
    fn rename(&mut self, editor: &mut Editor, analysis: &Analysis) {
        self.add_params(editor, analysis);
        self.current.clear();
        self.current.resize(self.types.len(), None);
        for &block in analysis.order.rpo() {
            for live in self.live_in_ranges[block].of(&self.live_ins) {
                self.current[live.variable as usize] = Some(live.value);
            }
            for inst in editor.stencil().block_insts(block) {
                self.rename_inst(editor, inst);
            }
            self.pass_on(editor, analysis, block);
        }
        for (slot, stays) in self.stays.iter() {
            if !stays {
                editor.remove_stack_slot(slot);
            }
        }
    }

    /// Makes live variables parameters of the blocks with several predecessors, and zero in the entry block.
    fn add_params(&mut self, editor: &mut Editor, analysis: &Analysis) {
        let entry = editor.stencil().layout[0];
        for n in 0..analysis.order.rpo().len() {
            let block = analysis.order.rpo()[n];
            let range = self.live_in_ranges[block];
            if block == entry {
                for at in range.iter() {
                    let variable = self.live_ins[at as usize].variable;
                    self.live_ins[at as usize].value = self.zero(editor, variable);
                }
            } else if analysis.cfg.preds(block).len() > 1 && !range.is_empty() {
                self.param_types.clear();
                let live = range.of(&self.live_ins).iter();
                self.param_types.extend(live.map(|live| self.types[live.variable as usize]));
                let first = editor.extend_params(block, &self.param_types);
                for (n, at) in range.iter().enumerate() {
                    self.live_ins[at as usize].value = Value(first.0 + n as u32);
                }
            }
        }
    }

    fn rename_inst(&mut self, editor: &mut Editor, inst: Inst) {
        let data = editor.stencil().insts[inst];
        if data.opcode == Opcode::StackAddr && !self.stays[StackSlot(data.a)] {
            editor.remove(inst);
            return;
        }
        let variable = self.variable_of[inst];
        if variable == NONE {
            return;
        }
        if data.opcode == Opcode::Store {
            self.current[variable as usize] = Some(editor.resolve(Value(data.a)));
        } else {
            let value = self.current[variable as usize].expect("a variable that is read is live");
            let result = editor.stencil().first_result(inst);
            editor.replace_value(result, value);
        }
        editor.remove(inst);
    }

    /// Passes the values at the end of a block on to its successors.
    fn pass_on(&mut self, editor: &mut Editor, analysis: &Analysis, block: Block) {
        editor.stencil().list_block_calls(block, &mut self.calls);
        for &call in &self.calls {
            let target = editor.stencil().block_calls[call].block;
            let range = self.live_in_ranges[target];
            let current = |variable: u32| self.current[variable as usize].expect("live at the end");
            if range.is_empty() {
                continue;
            }
            if analysis.cfg.preds(target).len() > 1 {
                let live = range.of(&self.live_ins).iter();
                editor.extend_args(call, live.map(|live| current(live.variable)));
            } else {
                for at in range.iter() {
                    let live = &mut self.live_ins[at as usize];
                    live.value = self.current[live.variable as usize].expect("live at the end");
                }
            }
        }
    }

    /// A zero in the entry block, of a variable's type.
    fn zero(&mut self, editor: &mut Editor, variable: u32) -> Value {
        let ty = self.types[variable as usize];
        let block = editor.stencil().layout[0];
        let at = Inst(editor.stencil().blocks[block].start);
        *self.zeros[variable as usize].get_or_insert_with(|| {
            editor.insert_before(at, |builder| match ty {
                types::I128 => {
                    let half = builder.iconst(types::I64, 0);
                    builder.typed_op(Opcode::Uextend, ty, &[half])
                }
                ty if ty.is_vector() || ty == types::F128 => {
                    let zeros = builder.constant(&[0; MAX_BYTES][..ty.bytes() as usize]);
                    builder.pool_const(ty, zeros)
                }
                ty if ty.is_int() => builder.iconst(ty, 0),
                ty => builder.float_const(ty, 0),
            })
        })
    }
}

/// Whether the pass handles the function at all.
fn can_promote(stencil: &Stencil, analysis: &Analysis) -> bool {
    let Some(&entry) = stencil.layout.first() else { return false };
    !stencil.stack_slots.is_empty()
        && analysis.order.rpo().len() == stencil.layout.len()
        && analysis.cfg.preds(entry).is_empty()
        && stencil.exception_tables.is_empty()
}

/// The slot and offset that a value is the address of, if it is the result of a `stack_addr`.
fn slot_address(stencil: &Stencil, value: Value) -> Option<(StackSlot, i32)> {
    let ValueDef::Result(inst, _) = stencil.value_defs[value].get() else { return None };
    let data = &stencil.insts[inst];
    (data.opcode == Opcode::StackAddr).then_some((StackSlot(data.a), data.b as i32))
}

/// The access of a slot that an instruction is, if it is a plain load or store of one.
fn access_of(stencil: &Stencil, inst: Inst, data: &InstData) -> Option<Access> {
    if !matches!(data.opcode, Opcode::Load | Opcode::Store) {
        return None;
    }
    let (address, offset) = data.address();
    let (slot, base) = slot_address(stencil, address)?;
    let endianness = stencil.mem_flags[data.mem_flags()].endianness;
    Some(Access { slot, offset: i64::from(base) + i64::from(offset), ty: data.ty, endianness, inst })
}
