//! Zero extensions of i32: once at the definition of a value, rather than at each use.
//!
//! Code that addresses memory by 32-bit numbers extends the same numbers over and over. The upper half of a
//! value that is extended more than once, or in the block that defines it, is cleared at its definition, and
//! its extensions become aliases of it. Since lowering goes from uses to definitions, it knows of the
//! extensions when it gets to the definition.

use super::context::LowerTables;
use super::vocabulary::Rematerialization;
use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::rematerialize::rematerialization;
use crate::lower::vocabulary::Lowering;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// Set in a value's count of extensions once a use relies on a clear upper half.
const WANTED: u8 = 0x80;

impl LowerTables {
    /// Counts an instruction if it is a zero extension from i32 to i64.
    #[inline]
    pub(super) fn count_extension(&mut self, f: &Stencil, data: &InstData) {
        if data.opcode == Opcode::Uextend && data.ty == types::I64 {
            let source = Value(data.a);
            let count = self.extensions[source] + (f.value_types[source] == types::I32) as u8;
            self.extensions[source] = count.min(2);
        }
    }
}

impl<I: Lowering> Lower<'_, I> {
    /// Whether the definition of this i32 must also clear the upper half of its register.
    #[inline]
    pub(crate) fn wants_zeros(&self, value: Value) -> bool {
        self.tables.extensions[value] & WANTED != 0
    }

    /// Returns the operand of a zero extension that costs nothing here.
    pub(super) fn extended_for_free(&self, data: &InstData) -> Option<Value> {
        let source = Value(data.a);
        let here = data.opcode == Opcode::Uextend
            && data.ty != types::I128
            && (self.zero_extends(source)
                || self.tables.extensions[source] != 0 && self.is_extended_where_made(source));
        here.then_some(source)
    }

    /// Returns a register with a value that its definition zero-extends, for an extension that costs nothing.
    pub(super) fn put_zeros(&mut self, value: Value) -> VReg {
        if !self.zero_extends(value) {
            rule!(self, "uextend.where_made");
            self.tables.extensions[value] |= WANTED;
        }
        self.put(value)
    }

    /// Whether an i32 that is extended here is better extended at its definition.
    fn is_extended_where_made(&self, value: Value) -> bool {
        let often = self.tables.extensions[value] > 1;
        match self.f.value_defs[value].get() {
            ValueDef::Result(inst, 0) => {
                (often || self.is_in_block(inst))
                    && rematerialization::<I>(self.f, &self.f.insts[inst]) == Rematerialization::Never
            }
            ValueDef::Param(..) => often,
            _ => false,
        }
    }

    /// Zero-extends the parameters of a block for which that was requested.
    pub(super) fn extend_params(&mut self, block: Block) {
        let f = self.f;
        let is_fixed = f.layout.first() == Some(&block);
        for &param in f.block_params(block) {
            if self.wants_zeros(Value(param)) {
                let (d, raw) = self.split(Value(param));
                I::zero_extend(self, d, raw, !is_fixed);
            }
        }
    }

    /// Gives a value a new register for its definition. Returns the register that its uses read, and the new
    /// one.
    pub(super) fn split(&mut self, value: Value) -> (VReg, VReg) {
        let d = self.reg(value);
        let raw = self.tmp(RegClass::Int);
        self.tables.regs[value] = raw;
        (d, raw)
    }
}
