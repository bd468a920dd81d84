//! What lowering knows about a value from its definition.
//!
//! The bits of a register above the type of its value are undefined, unless `Lower::zero_extends` returns
//! true.

use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::vocabulary::Lowering;
use crate::machine::reg::VReg;
use crate::rule;

impl<I: Lowering> Lower<'_, I> {
    /// Whether the bits of a value's register above its type are zero.
    pub(crate) fn zero_extends(&self, value: Value) -> bool {
        self.wants_zeros(value)
            || self.def_inst(value).is_some_and(|inst| I::zero_extends(&self.f.insts[inst], self.ty(value)))
            || self.passed_extension(value) == Extension::Zero
    }

    /// Returns how the caller or callee extended a value that it passed or returned, on targets that can rely
    /// on that.
    pub(crate) fn passed_extension(&self, value: Value) -> Extension {
        let declared = match self.f.value_defs[value].get() {
            _ if !I::TRUSTS_EXTENSIONS => None,
            ValueDef::Param(block, n) if self.f.layout.first() == Some(&block) => {
                self.f.signature.params.get(n as usize)
            }
            ValueDef::Result(inst, n) if self.f.insts[inst].opcode.effects().has(Effects::CALL) => {
                let signature = self.f.call_signature(&self.f.insts[inst]);
                signature.and_then(|signature| self.f.sig(signature).returns.get(n as usize))
            }
            _ => None,
        };
        declared.map_or(Extension::None, |param| param.extension)
    }

    /// Returns the amount of a shift if it is constant; it may be an i128.
    pub(crate) fn constant_amount(&self, amount: Value) -> Option<u64> {
        let wide = self.def_by(amount, Opcode::Uextend).or(self.def_by(amount, Opcode::Iconcat));
        self.constant(wide.map_or(amount, |wide| Value(wide.a)))
    }

    /// Returns the value of an i128 that is made of constants only.
    pub(crate) fn wide_constant(&self, value: Value) -> Option<i128> {
        let data = &self.f.insts[self.def_inst(value)?];
        let low = Value(data.a);
        match data.opcode {
            Opcode::Uextend => Some(self.constant(low)? as i128),
            Opcode::Sextend => Some(self.signed_constant(low)? as i128),
            Opcode::Iconcat => {
                Some(self.constant(low)? as i128 | (self.constant(Value(data.b))? as i128) << 64)
            }
            _ => None,
        }
    }

    /// Returns a register with an i128's low half, without computing the high half if possible.
    pub(crate) fn low_half(&mut self, value: Value) -> VReg {
        if let Some(inst) = self.def_inst(value) {
            let data = self.f.insts[inst];
            let source = Value(data.a);
            match data.opcode {
                Opcode::Iconcat => return self.put(source),
                Opcode::Uextend | Opcode::Sextend if self.ty(source) == types::I64 => {
                    return self.put(source);
                }
                Opcode::Ushr | Opcode::Sshr if self.constant_amount(Value(data.b)) == Some(64) => {
                    rule!(self, "wide.high_half");
                    return self.put_pair(source).1;
                }
                _ => {}
            }
        }
        self.put_pair(value).0
    }

    /// Returns a register with the amount of a shift, of which only the lowest bits count.
    pub fn put_amount(&mut self, amount: Value) -> VReg {
        match Shape::of(self.ty(amount)) {
            Shape::Wide => self.low_half(amount),
            Shape::Int => self.put(amount),
            other => unexpected(other),
        }
    }

    /// Returns the value whose low part can be stored instead of `value`: storing an `ireduce` stores the low
    /// bytes of its operand.
    pub fn narrowed(&self, value: Value) -> Value {
        match self.def_by(value, Opcode::Ireduce) {
            Some(data) if !self.is_used(value) && self.ty(Value(data.a)) != types::I128 => Value(data.a),
            _ => value,
        }
    }

    /// Returns the bits of a float constant.
    pub fn float_constant(&self, value: Value) -> Option<u64> {
        let data = &self.f.insts[self.def_inst(value)?];
        match data.opcode {
            Opcode::F32const => Some(data.a as u64),
            Opcode::F64const => Some(data.imm64()),
            _ => None,
        }
    }

    /// Returns an integer constant of up to 64 bits, or the zero extension of one, zero-extended from its
    /// type.
    #[inline]
    pub(crate) fn constant(&self, value: Value) -> Option<u64> {
        let data = &self.f.insts[self.def_inst(value)?];
        match data.opcode {
            Opcode::Iconst => Some(data.imm64()),
            Opcode::Uextend if data.ty != types::I128 => {
                self.def_by(Value(data.a), Opcode::Iconst).map(InstData::imm64)
            }
            _ => None,
        }
    }

    /// Returns an integer constant of up to 64 bits, sign-extended from its type.
    #[inline]
    pub(crate) fn signed_constant(&self, value: Value) -> Option<i64> {
        let bits = self.constant(value)?;
        let unused = 64 - self.f.value_types[value].bits();
        Some((bits << unused) as i64 >> unused)
    }

    /// Returns an integer constant that fits in a sign-extended 32-bit immediate.
    #[inline]
    pub fn imm32(&self, value: Value) -> Option<i32> {
        i32::try_from(self.signed_constant(value)?).ok()
    }

    /// Returns the other operand of an i64 addition of zero.
    #[inline]
    pub(super) fn sum_with_zero(&self, inst: Inst) -> Option<Value> {
        let data = &self.f.insts[inst];
        if data.opcode != Opcode::Iadd || data.ty != types::I64 {
            return None;
        }
        let (a, b) = (Value(data.a), Value(data.b));
        match (self.constant(a), self.constant(b)) {
            (_, Some(0)) => Some(a),
            (Some(0), _) => Some(b),
            _ => None,
        }
    }

    /// Orders the operands of a commutative operation. The first one will be overwritten, and so should be
    /// neither a constant nor a load that folds, and preferably a value that is not used later, either below
    /// or in another iteration of a loop.
    pub(crate) fn commute(&self, a: Value, b: Value) -> (Value, Value) {
        let folds = |load: Inst| self.f.insts[load].opcode == Opcode::Load;
        let rank = |value: Value| {
            if self.constant(value).is_some() || self.float_constant(value).is_some() {
                4
            } else if self.sinkable_load(value).is_some_and(folds) {
                3
            } else if self.dies_here(value) {
                0
            } else {
                1 + self.is_used(value) as u8
            }
        };
        if rank(a) > rank(b) { (b, a) } else { (a, b) }
    }
}
