//! Zero extensions of 32 bits: once where a value is made, rather than at each use.
//!
//! Code that addresses memory by 32-bit numbers extends the same ones over and over. A value that is extended
//! more than once, or in the block that makes it, gets its zeros where it is made; its extensions then are other names for
//! it. On the way back from uses to definitions, they are known before the instruction that is to make it.

use super::context::LowerTables;
use super::vocabulary::Rematerialization;
use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::rematerialize::rematerialization;
use crate::lower::vocabulary::Lowering;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// Set in a count of extensions once somebody relies on zeros.
const WANTED: u8 = 0x80;

impl LowerTables {
    /// Notes an instruction that may be an extension.
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
    /// Whether zeros above an i32 are made where the value is.
    #[inline]
    pub fn wants_zeros(&self, value: Value) -> bool {
        self.tables.extensions[value] & WANTED != 0
    }

    /// What an instruction zero-extends, if that costs nothing here.
    pub(super) fn extended_for_free(&self, data: &InstData) -> Option<Value> {
        let source = Value(data.a);
        let here = data.opcode == Opcode::Uextend
            && data.ty != types::I128
            && (self.zero_extends(source)
                || self.tables.extensions[source] != 0 && self.is_extended_where_made(source));
        here.then_some(source)
    }

    /// Asks for a value whose extension is for free, for the sake of that.
    pub(super) fn put_zeros(&mut self, value: Value) -> VReg {
        if !self.zero_extends(value) {
            rule!(self, "uextend.where_made");
            self.tables.extensions[value] |= WANTED;
        }
        self.put(value)
    }

    /// Whether an i32 that is extended here had better be extended where it is made.
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

    /// Extends those of a block's parameters for which that is wanted.
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

    /// Gives a value another register, to be made in. The one that its uses have, and the new one.
    pub(super) fn split(&mut self, value: Value) -> (VReg, VReg) {
        let d = self.reg(value);
        let raw = self.tmp(RegClass::Int);
        self.tables.regs[value] = raw;
        (d, raw)
    }
}
