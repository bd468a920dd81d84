//! Matching of conditions: finds the comparison behind a condition.
//!
//! The condition of a branch, select or trap is any integer: often an extension of a comparison's result, or
//! a comparison of such a result with zero. `tested_value` looks through these; how to test the value that
//! it finds is up to the target. Loads may be folded into that value's instruction only if nothing else uses
//! any of the values on the way.

use crate::ir::*;
use crate::lower::address::MOST_STEPS;
use crate::lower::context::Lower;
use crate::lower::vocabulary::Lowering;
use crate::rule;

/// The value that a condition tests.
#[derive(Clone, Copy, Debug)]
pub struct TestedValue {
    /// A value that is nonzero exactly when the condition holds, or, if `negated`, exactly when it does not.
    pub(crate) value: Value,
    /// Whether `value` is the negation of the condition.
    pub(crate) negated: bool,
    /// Whether nothing else uses `value` or the values that were looked through.
    pub(crate) unique: bool,
    /// Whether `value` is the condition itself.
    pub(crate) direct: bool,
}

/// Looks through extensions and comparisons with zero. `unique` says that nothing else uses the values that
/// the caller has looked through already.
pub(crate) fn tested_value<I: Lowering>(cx: &mut Lower<I>, asked: Value, unique: bool) -> TestedValue {
    let unique = unique && cx.unique(asked).is_some();
    let mut found = TestedValue { value: asked, negated: false, unique, direct: true };
    for _ in 0..MOST_STEPS {
        let Some((inner, negates)) = look_through(cx, found.value, found.unique) else { break };
        let unique = found.unique && cx.unique(inner).is_some();
        found = TestedValue { value: inner, negated: found.negated ^ negates, unique, direct: false };
    }
    found
}

/// Returns a value that is zero exactly when `value` is, or, with `true`, exactly when it is not.
fn look_through<I: Lowering>(cx: &mut Lower<I>, value: Value, unique: bool) -> Option<(Value, bool)> {
    let data = cx.f.insts[cx.def_inst(value)?];
    let inner = Value(data.a);
    match data.opcode {
        Opcode::Uextend => Some((inner, false)),
        Opcode::Icmp if unique || !cx.is_used(value) => {
            let cc = data.int_cc();
            if cx.constant(Value(data.b)) != Some(0) || !matches!(cc, IntCc::Equal | IntCc::NotEqual) {
                return None;
            }
            let condition = cx.f.insts[cx.unique(inner)?].opcode;
            if !matches!(condition, Opcode::Icmp | Opcode::Fcmp | Opcode::Uextend) {
                return None;
            }
            rule!(cx, "condition.negated");
            Some((inner, cc == IntCc::Equal))
        }
        _ => None,
    }
}

/// A condition code of a target.
pub trait ConditionCode: Copy {
    /// The code that holds exactly when this one does not.
    fn complement(self) -> Self;
}

/// A condition on the flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Test<C> {
    /// One condition.
    One(C),
    /// Both conditions.
    Both(C, C),
    /// Either condition.
    Either(C, C),
}

impl<C: ConditionCode> Test<C> {
    /// Returns the opposite condition.
    pub(crate) fn complement(self) -> Self {
        match self {
            Test::One(a) => Test::One(a.complement()),
            Test::Both(a, b) => Test::Either(a.complement(), b.complement()),
            Test::Either(a, b) => Test::Both(a.complement(), b.complement()),
        }
    }
}

/// Rewrites a comparison with 1 or -1 as an equivalent one with zero, if there is one: instructions test for
/// zero best.
pub(crate) fn with_zero(cc: IntCc, constant: i64) -> (IntCc, i64) {
    use IntCc::*;
    match (cc, constant) {
        (UnsignedLessThan, 1) => (Equal, 0),
        (UnsignedGreaterThanOrEqual, 1) => (NotEqual, 0),
        (SignedLessThan, 1) => (SignedLessThanOrEqual, 0),
        (SignedGreaterThanOrEqual, 1) => (SignedGreaterThan, 0),
        (SignedGreaterThan, -1) => (SignedGreaterThanOrEqual, 0),
        (SignedLessThanOrEqual, -1) => (SignedLessThan, 0),
        other => other,
    }
}

/// Orders the operands of an integer comparison: a constant comes second, and so does, if `may_fold`, a
/// sinkable load.
pub(crate) fn in_order<I: Lowering>(
    cx: &Lower<I>,
    cc: IntCc,
    a: Value,
    b: Value,
    may_fold: bool,
) -> (IntCc, Value, Value) {
    let better_second = cx.constant(a).is_some()
        || (may_fold && cx.sinkable_load(b).is_none() && cx.sinkable_load(a).is_some());
    match better_second && cx.constant(b).is_none() {
        true => (cc.swap_args(), b, a),
        false => (cc, a, b),
    }
}
