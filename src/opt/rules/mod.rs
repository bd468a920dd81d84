//! Simplification: replaces an instruction by a value or by a better instruction.
//!
//! The rules are in `rules/*.rules`; `rules/README.md` describes their language. The build script compiles
//! them to a function for each opcode that rules begin with, so that any other opcode costs one look into a
//! table. Nothing is allocated. Every rule makes a term lighter (`rules/gen/weight.rs`), so that rewriting
//! ends; that each is right is proved by `tests/rules`.

pub mod known;

use crate::ir::opcode::ALL;
use crate::ir::types::{I64, I128};
use crate::ir::{InstData, IntCc, Opcode, Type, TypeSet, Value};

/// The function in which an instruction is simplified. It is being written: all operands are values of it.
pub trait Subject {
    /// The instruction that defines a value; `None` for a parameter, and for an instruction with several
    /// results.
    fn definition(&self, value: Value) -> Option<InstData>;

    /// A value's type.
    fn value_type(&self, value: Value) -> Type;

    /// Adds an instruction without effects, unless the function has one like it that can be used, and returns
    /// its result. The instruction is not in its simplest form.
    fn make(&mut self, data: InstData) -> Value;

    /// An integer constant of up to 64 bits, zero-extended from its type; of a vector, the constant in each
    /// of its lanes, if they are the same.
    #[inline]
    fn constant(&self, value: Value) -> Option<u64> {
        let data = self.definition(value)?;
        let data = if data.opcode == Opcode::Splat { self.definition(Value(data.a))? } else { data };
        (data.opcode == Opcode::Iconst).then(|| data.imm64() & lane_mask(data.ty))
    }

    /// Notes that a rule was applied.
    fn fired(&mut self, _rule: &'static str) {}
}

/// What an instruction is replaced by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replacement {
    /// A value; the instruction isn't needed.
    Value(Value),
    /// Another instruction with as many results of the same types. Another rule may apply to it.
    Inst(InstData),
}

/// Applies a rule to an instruction. `None` if none matches.
///
/// Constants are folded by the caller, who need not ask about instructions that have only constant operands.
#[inline]
pub fn simplify<S: Subject>(subject: &mut S, inst: &InstData) -> Option<Replacement> {
    generated::apply(subject, inst)
}

/// Whether rules begin with each opcode.
static HAS_RULES: [bool; ALL.len()] = {
    let mut has_rules = [false; ALL.len()];
    let mut n = 0;
    while n < generated::OPCODES.len() {
        has_rules[generated::OPCODES[n] as usize] = true;
        n += 1;
    }
    has_rules
};

/// Whether a rule may apply to instructions of an opcode.
#[inline]
pub fn begin_with(opcode: Opcode) -> bool {
    HAS_RULES[opcode as usize]
}

/// The matchers that the build script made of the rules.
#[allow(clippy::all, unused_parens, unused_variables, reason = "generated")]
mod generated {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/rules.rs"));

    /// Simplifies the condition of an instruction that tests whether it is zero.
    pub(super) fn simplify_test<S: Subject>(s: &mut S, inst: &InstData) -> Option<Replacement> {
        let (mut value, mut inverted) = test(s, Value(inst.a))?;
        while let Some((simpler, inverts)) = test(s, value) {
            (value, inverted) = (simpler, inverted ^ inverts);
        }
        Some(Replacement::Inst(with_test(s, inst, value, inverted)))
    }
}

/// An instruction with another condition, whose effect is exchanged if it is inverted.
fn with_test(subject: &impl Subject, inst: &InstData, value: Value, inverted: bool) -> InstData {
    let mut inst = InstData { a: value.0, ..*inst };
    if inst.opcode != Opcode::Select {
        inst.ty = subject.value_type(value);
    }
    match inst.opcode {
        _ if !inverted => {}
        Opcode::Trapz => inst.opcode = Opcode::Trapnz,
        Opcode::Trapnz => inst.opcode = Opcode::Trapz,
        _ => std::mem::swap(&mut inst.b, &mut inst.c),
    }
    inst
}

/// Makes an integer constant, or a vector with one in all lanes. An i128 is sign-extended from 64 bits.
fn make_constant(subject: &mut impl Subject, ty: Type, bits: u64) -> Value {
    let lane = if ty.lane() == I128 { I64 } else { ty.lane() };
    let bits = bits & lane_mask(lane);
    let (a, b) = (bits as u32, (bits >> 32) as u32);
    let mut value = subject.make(InstData { opcode: Opcode::Iconst, ty: lane, aux: 0, a, b, c: 0 });
    let unary = |opcode, ty, value: Value| InstData { opcode, ty, aux: 0, a: value.0, b: 0, c: 0 };
    if ty.lane() == I128 {
        let extend = if bits as i64 >= 0 { Opcode::Uextend } else { Opcode::Sextend };
        value = subject.make(unary(extend, I128, value));
    }
    if ty.is_vector() {
        value = subject.make(unary(Opcode::Splat, ty, value));
    }
    value
}

/// As many ones as a lane has bits, at most 64.
fn lane_mask(ty: Type) -> u64 {
    known::mask(ty.lane_bits())
}

fn sign_extend(x: u64, bits: u32) -> u64 {
    let unused = 64 - bits.min(64);
    ((x << unused) as i64 >> unused) as u64
}

fn shift_left(x: u64, amount: u64) -> u64 {
    u32::try_from(amount).ok().and_then(|amount| x.checked_shl(amount)).unwrap_or(0)
}

fn shift_right(x: u64, amount: u64) -> u64 {
    u32::try_from(amount).ok().and_then(|amount| x.checked_shr(amount)).unwrap_or(0)
}

/// The condition that compares as unsigned integers.
fn unsigned(cc: IntCc) -> IntCc {
    if cc.is_signed() { IntCc::from_code(cc as u16 + 4) } else { cc }
}
