//! Conditions: integers that are branched on, selected by or trapped on.
//!
//! A condition is often an extension of a comparison, or a comparison of one with zero. `strip` takes these
//! off; what is left, the target tests in its own way. Loads may be folded into it only if nothing else uses
//! what was taken off.

use super::address::MOST_STEPS;
use super::compare::Complement;
use super::context::{Lower, Lowered};
use super::overflow;
use super::overflow::OverflowLowering;
use super::vocabulary::Lowering;
use super::wide::WideLowering;
use crate::ir::*;
use crate::rule;

/// A condition without what only extends or negates it.
#[derive(Clone, Copy, Debug)]
struct Stripped {
    /// Not zero exactly when the condition holds; or, if `negated`, when it does not.
    value: Value,
    /// Whether `value` says the opposite.
    negated: bool,
    /// Whether nothing else uses `value`, or what was taken off.
    unique: bool,
    /// Whether nothing was taken off.
    whole: bool,
}

/// Takes extensions and comparisons with zero off a condition. With `unique`, nothing else uses the way to
/// it.
fn strip<I: Lowering>(cx: &mut Lower<I>, condition: Value, unique: bool) -> Stripped {
    let unique = unique && cx.unique(condition).is_some();
    let mut stripped = Stripped { value: condition, negated: false, unique, whole: true };
    for _ in 0..MOST_STEPS {
        let Some((inner, negates)) = look_through(cx, stripped.value, stripped.unique) else { break };
        let unique = stripped.unique && cx.unique(inner).is_some();
        stripped = Stripped { value: inner, negated: stripped.negated ^ negates, unique, whole: false };
    }
    stripped
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

/// A test whether an integer of any type is not zero. With `unique`, nothing else uses what leads to it, so
/// that loads may be folded.
pub fn condition<I: OverflowLowering + WideLowering>(
    cx: &mut Lower<'_, I>,
    value: Value,
    unique: bool,
) -> I::Test {
    let stripped = strip(cx, value, unique);
    let test = test_stripped(cx, stripped);
    if stripped.negated { test.complement() } else { test }
}

fn test_stripped<I: OverflowLowering + WideLowering>(
    cx: &mut Lower<'_, I>,
    Stripped { value, unique, whole, .. }: Stripped,
) -> I::Test {
    if let Some(inst) = cx.def_inst(value) {
        let data = cx.f.insts[inst];
        let (a, b) = (Value(data.a), Value(data.b));
        match data.opcode {
            Opcode::Icmp if unique || !cx.is_used(value) => {
                rule!(cx, "condition.icmp");
                return compare_ints(cx, data.int_cc(), a, b, unique);
            }
            Opcode::Fcmp if unique || !cx.is_used(value) => {
                rule!(cx, "condition.fcmp");
                return I::compare_floats(cx, data.float_cc(), a, b, unique);
            }
            Opcode::Band | Opcode::Bor if unique => {
                if let Some(test) = I::test_bitwise(cx, &data) {
                    return test;
                }
            }
            _ if unique && whole => {
                if let Some(test) = overflow::fuse(cx, inst, value) {
                    return test;
                }
            }
            _ => {}
        }
    }
    I::is_not_zero(cx, value, unique)
}

/// Compares integers of any type; with `may_fold`, loads may be taken in.
pub fn compare_ints<I: WideLowering>(
    cx: &mut Lower<'_, I>,
    cc: IntCc,
    a: Value,
    b: Value,
    may_fold: bool,
) -> I::Test {
    match cx.ty(a) {
        types::I128 => I::compare_wide(cx, cc, a, b),
        _ => I::compare_ints(cx, cc, a, b, may_fold),
    }
}

/// trapz and trapnz.
pub fn trap_if<I: OverflowLowering + WideLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let test = condition(cx, Value(data.a), true);
    let test = if data.opcode == Opcode::Trapz { test.complement() } else { test };
    I::trap_on(cx, test, data.trap_code());
    Ok(())
}
