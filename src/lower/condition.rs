//! Matching of conditions: finds what the condition of a branch, select or trap tests.
//!
//! A condition is any integer: often an extension of a comparison's result, or a comparison of such a result
//! with zero. `strip` looks through these, and the target tests the value that is left. Loads may be folded
//! into the test only if nothing else uses any of the values on the way.

use super::address::MOST_STEPS;
use super::compare::Complement;
use super::context::{Lower, Lowered};
use super::half;
use super::half::HalfLowering;
use super::overflow;
use super::overflow::OverflowLowering;
use super::quad;
use super::quad::QuadLowering;
use super::vector::{VectorLowering, any_or_all};
use super::vocabulary::Lowering;
use super::wide::WideLowering;
use crate::diag::unexpected;
use crate::ir::*;
use crate::rule;

/// A condition without extensions and negations.
#[derive(Clone, Copy, Debug)]
struct Stripped {
    /// A value that is nonzero exactly when the condition holds, or, if `negated`, exactly when it does not.
    value: Value,
    /// Whether `value` is the negation of the condition.
    negated: bool,
    /// Whether nothing else uses `value` or the values that were looked through.
    unique: bool,
    /// Whether `value` is the condition itself: neither this search nor its caller has looked through
    /// anything that others use.
    whole: bool,
}

/// Looks through extensions and comparisons with zero. `unique` says that nothing else uses the values that
/// the caller has looked through already.
fn strip<I: Lowering>(cx: &mut Lower<I>, condition: Value, unique: bool) -> Stripped {
    let whole = unique;
    let unique = unique && cx.unique(condition).is_some();
    let mut stripped = Stripped { value: condition, negated: false, unique, whole };
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

/// Tests whether an integer of any type is nonzero. `unique` says that nothing else uses the values that the
/// caller has looked through, so that loads may be folded.
pub fn condition<I: OverflowLowering + WideLowering + HalfLowering + QuadLowering + VectorLowering>(
    cx: &mut Lower<'_, I>,
    value: Value,
    unique: bool,
) -> I::Test {
    let stripped = strip(cx, value, unique);
    let test = test_stripped(cx, stripped);
    if stripped.negated { test.complement() } else { test }
}

fn test_stripped<I: OverflowLowering + WideLowering + HalfLowering + QuadLowering + VectorLowering>(
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
            Opcode::Fcmp => {
                if let Some(test) = compare_floats(cx, data.float_cc(), (a, b), value, unique) {
                    return test;
                }
            }
            Opcode::VanyTrue | Opcode::VallTrue if unique || !cx.is_used(value) => {
                rule!(cx, "condition.lanes");
                return any_or_all(cx, &data);
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
    I::is_not_zero(cx, value, unique || whole)
}

/// Compares integers of any type. With `may_fold`, loads may be folded.
pub fn compare_ints<I: WideLowering>(
    cx: &mut Lower<'_, I>,
    cc: IntCc,
    a: Value,
    b: Value,
    may_fold: bool,
) -> I::Test {
    match Shape::of(cx.ty(a)) {
        Shape::Wide => I::compare_wide(cx, cc, a, b),
        Shape::Int => I::compare_ints(cx, cc, a, b, may_fold),
        other => unexpected(other),
    }
}

/// Compares floats for a test of `value`, the result of a comparison, if that need not be computed or is best
/// computed again. With `unique`, nothing else uses it.
fn compare_floats<I: QuadLowering + HalfLowering>(
    cx: &mut Lower<'_, I>,
    cc: FloatCc,
    (a, b): (Value, Value),
    value: Value,
    unique: bool,
) -> Option<I::Test> {
    match Shape::of(cx.ty(a)) {
        // A comparison that may be a call is not repeated.
        Shape::Quad if unique && quad::has_routines(cx) => {
            rule!(cx, "condition.fcmp_quad");
            let (a, b) = (cx.put(a), cx.put(b));
            Some(I::compare_quads(cx, cc, a, b))
        }
        Shape::Half if unique => {
            rule!(cx, "condition.fcmp_half");
            let (a, b) = (cx.put(a), cx.put(b));
            Some(half::compare_registers(cx, cc, a, b))
        }
        Shape::Float if unique || !cx.is_used(value) => {
            rule!(cx, "condition.fcmp");
            Some(I::compare_floats(cx, cc, a, b, unique))
        }
        _ => None,
    }
}

/// Lowers `trapz` and `trapnz`.
pub fn trap_if<I: OverflowLowering + WideLowering + HalfLowering + QuadLowering + VectorLowering>(
    cx: &mut Lower<'_, I>,
    inst: Inst,
) -> Lowered {
    let data = cx.f.insts[inst];
    let test = condition(cx, Value(data.a), true);
    let test = if data.opcode == Opcode::Trapz { test.complement() } else { test };
    I::trap_on(cx, test, data.trap_code());
    Ok(())
}
