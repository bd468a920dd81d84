//! Local common subexpressions: loads of read-only memory, and the extensions and sums that addresses are
//! made of, that an earlier instruction of the same block computes as well.
//!
//! Code that comes from WebAssembly loads the address of its memory again for each access, and adds an index
//! to it. For accesses close to each other in a block, one load and one sum are enough.
//!
//! Only sums with such a load as an operand are considered, because considering every addition would take too
//! long.
//!
//! Invariants: an instruction repeats only an earlier one of the same block, at most [`NEAR`] instructions
//! back and not across a call, where the value would have to be spilled.

use crate::entity::Map;
use crate::ir::*;

/// The greatest distance, in instructions, of repetitions: further apart, keeping the value in a register
/// costs more than computing it again.
const NEAR: u32 = 60;

/// Number of instructions that are remembered.
const REMEMBERED: usize = 32;

/// The repeated instructions of a function; reused from function to function.
#[derive(Debug, Default)]
pub struct LocalCse {
    /// Instructions with the earlier ones that they repeat, in the order of the text.
    found: Vec<(Inst, Inst)>,
    /// For the result of a repeating instruction, the result of the one that it repeats; for the result of
    /// another read-only load, itself; otherwise `NONE`.
    first: Map<Value, Value>,
    /// Remembered instructions, by hash.
    seen: [Seen; REMEMBERED],
    /// Instructions before this number are forgotten.
    since: u32,
    /// Number of entries of `found` before the instruction lowered last.
    remaining: usize,
}

/// A remembered instruction of type i64, whose operands are replaced by the values that they repeat.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The operands.
    operands: u64,
    /// Opcode and flags; 0 if no instruction is remembered here.
    kind: u32,
    /// Number of the first instruction that computes this.
    first: u32,
    /// Number of the last instruction that computes this.
    last: u32,
}

impl LocalCse {
    /// Begins a function.
    pub(crate) fn begin(&mut self, f: &Stencil) {
        self.found.clear();
        self.first.clear();
        self.first.resize(f.value_types.len(), NONE);
        self.seen = Default::default();
        self.since = 0;
        self.remaining = 0;
    }

    /// Forgets the instructions before `inst`.
    #[inline]
    pub(crate) fn forget_before(&mut self, inst: Inst) {
        self.since = inst.0;
    }

    /// Considers the next instruction in the order of the text.
    #[inline]
    pub(crate) fn see(&mut self, f: &Stencil, inst: Inst, data: &InstData) {
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

    /// Finds the instruction that `inst` repeats, or remembers `inst`.
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

    /// Returns the value that `value` repeats, or `value` itself.
    fn first(&self, value: Value) -> Value {
        match self.first[value] {
            NONE => value,
            first => first,
        }
    }

    /// Whether a value that is not a load's is the result of an instruction that repeats another.
    pub(crate) fn is_repeat(&self, value: Value) -> bool {
        self.first[value] != NONE
    }

    /// Begins lowering a block: from now on, [`LocalCse::repeated`] is called for the instructions before
    /// `end`, from the last to the first.
    pub(crate) fn begin_block(&mut self, end: Inst) {
        let (before, behind) = self.found.split_at(self.remaining);
        let is_there = before.last().is_none_or(|found| found.0 < end)
            && behind.first().is_none_or(|found| found.0 >= end);
        // Most blocks are lowered in the reverse order of the text, and need no search.
        if !is_there {
            self.remaining = self.found.partition_point(|found| found.0 < end);
        }
    }

    /// Returns the instruction that `inst` repeats, if it does.
    #[inline]
    pub(crate) fn repeated(&mut self, inst: Inst) -> Option<Inst> {
        let &(later, first) = self.found.get(self.remaining.checked_sub(1)?)?;
        if later != inst {
            return None;
        }
        self.remaining -= 1;
        Some(first)
    }
}

/// Stands for no value.
const NONE: Value = Value(u32::MAX);

/// Returns the index of an instruction in `seen`.
fn place_of(operands: u64, kind: u32) -> usize {
    let mixed = (operands ^ (kind as u64) << 20).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> (u64::BITS - REMEMBERED.ilog2())) as usize
}
