//! Instructions that do what an earlier one of their block did: loads of what does not change while the function runs,
//! and the extensions and sums that addresses are made of.
//!
//! Code that comes from WebAssembly loads the address of its memory again for each access, and adds an index to it.
//! Where accesses come close to each other in a block, one load and one sum do for all of them.
//!
//! Sums are looked at only if they add to such a load, or every addition would be.
//!
//! Invariants: nothing is found across a call, where what a register holds would have to be stored first, nor further back
//! than [`NEAR`] instructions. An instruction that repeats another is behind it in the same block.

use crate::entity::Map;
use crate::ir::*;

/// Further apart, it costs more to keep the value in a register than to compute it again.
const NEAR: u32 = 60;

/// So many instructions are remembered.
const REMEMBERED: usize = 32;

/// What is repeated in a function; reused across functions.
#[derive(Debug, Default)]
pub struct LocalCse {
    /// Instructions and the earlier ones that they repeat, in the order of the text.
    found: Vec<(Inst, Inst)>,
    /// For the value of an instruction that repeats another, that one's value; for that of a load, itself.
    first: Map<Value, Value>,
    /// By hash.
    seen: [Seen; REMEMBERED],
    /// What was seen before the instruction of this number is forgotten.
    since: u32,
    /// How many of `found` are before what was lowered last.
    remaining: usize,
}

/// An instruction of an i64 in terms of first values.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Its operands.
    operands: u64,
    /// Its opcode and flags; 0 if it is none.
    kind: u32,
    /// The first of its kind.
    first: u32,
    /// The last of its kind.
    last: u32,
}

impl LocalCse {
    /// Begins with a function's first instruction.
    pub fn begin(&mut self, f: &Stencil) {
        self.found.clear();
        self.first.clear();
        self.first.resize(f.value_types.len(), NONE);
        self.seen = Default::default();
        self.since = 0;
        self.remaining = 0;
    }

    /// Nothing before `inst` is repeated by what comes after it.
    #[inline]
    pub fn forget_before(&mut self, inst: Inst) {
        self.since = inst.0;
    }

    /// Looks at the next instruction in the order of the text.
    #[inline]
    pub fn see(&mut self, f: &Stencil, inst: Inst, data: &InstData) {
        if data.ty != types::I64 {
            return;
        }
        let (a, b) = (Value(data.a), Value(data.b));
        let operands = match data.opcode {
            Opcode::Load if f.mem_flags[data.mem_flags()].readonly => [self.first(a), b],
            Opcode::Uextend => [self.first(a), Value(0)],
            Opcode::Iadd if self.first[a] != NONE || self.first[b] != NONE => [self.first(a), self.first(b)],
            _ => return,
        };
        self.find(f, inst, data, operands);
    }

    fn find(&mut self, f: &Stencil, inst: Inst, data: &InstData, [a, b]: [Value; 2]) {
        let operands = a.0 as u64 | (b.0 as u64) << 32;
        let kind = (data.opcode as u32) << 16 | data.aux as u32 | 1 << 31;
        let seen = &mut self.seen[place_of(operands, kind)];
        let is_near = seen.last >= self.since && inst.0 - seen.last <= NEAR;
        if is_near && (seen.operands, seen.kind) == (operands, kind) {
            seen.last = inst.0;
            self.found.push((inst, Inst(seen.first)));
            self.first[f.first_result(inst)] = f.first_result(Inst(seen.first));
            return;
        }
        *seen = Seen { operands, kind, first: inst.0, last: inst.0 };
        if data.opcode == Opcode::Load {
            let result = f.first_result(inst);
            self.first[result] = result;
        }
    }

    fn first(&self, value: Value) -> Value {
        match self.first[value] {
            NONE => value,
            first => first,
        }
    }

    /// Whether a value, of no load, is that of an instruction that repeats another.
    pub fn is_repeat(&self, value: Value) -> bool {
        self.first[value] != NONE
    }

    /// From here on, instructions before `end` are asked for, from the last to the first.
    pub fn begin_block(&mut self, end: Inst) {
        let (before, behind) = self.found.split_at(self.remaining);
        let is_there = before.last().is_none_or(|found| found.0 < end)
            && behind.first().is_none_or(|found| found.0 >= end);
        // So it is where blocks are lowered in the opposite order of the text, as most are.
        if !is_there {
            self.remaining = self.found.partition_point(|found| found.0 < end);
        }
    }

    /// The instruction that `inst` repeats.
    #[inline]
    pub fn repeated(&mut self, inst: Inst) -> Option<Inst> {
        let &(later, first) = self.found.get(self.remaining.checked_sub(1)?)?;
        if later != inst {
            return None;
        }
        self.remaining -= 1;
        Some(first)
    }
}

/// No value.
const NONE: Value = Value(u32::MAX);

/// Where an instruction is remembered.
fn place_of(operands: u64, kind: u32) -> usize {
    let mixed = (operands ^ (kind as u64) << 20).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> (u64::BITS - REMEMBERED.ilog2())) as usize
}
