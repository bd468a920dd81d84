//! Chains: `and` and `or` of comparisons.
//!
//! Each comparison but the first is conditional. It is done only if those before it do not decide the chain's
//! result; otherwise it sets the flags to those of the result.

use super::compare::{compare_floats, float_test, int_cond, set_by_flags};
use super::inputs::*;
use crate::arch::aarch64::operands::Cond;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::{Comparisons, Complement, FlagTest, in_order, with_zero};
use crate::machine::size::{alu_size, exact_size};
use crate::rule;

/// The most comparisons in a chain.
const LONGEST: usize = 6;

/// Whether an `and` or `or` is a chain.
pub fn is_chain(cx: &Cx, data: &InstData) -> bool {
    is_chain_of(cx, data, LONGEST)
}

/// Whether an `and` or `or` is a chain of at most `longest` comparisons.
fn is_chain_of(cx: &Cx, data: &InstData, longest: usize) -> bool {
    let is_first =
        |value: Value| is_link(cx, value) || longest > 2 && joined(cx, value, longest - 1).is_some();
    let (a, b) = (Value(data.a), Value(data.b));
    matches!(data.opcode, Opcode::Band | Opcode::Bor)
        && (is_link(cx, b) && is_first(a) || is_link(cx, a) && is_first(b))
}

/// Whether a value is a comparison that can be conditional.
fn is_link(cx: &Cx, value: Value) -> bool {
    let Some(inst) = cx.unique(value) else { return false };
    let data = &cx.f.insts[inst];
    if cx.is_used(value) {
        return false;
    }
    match data.opcode {
        Opcode::Icmp => cx.ty(Value(data.a)) != types::I128,
        Opcode::Fcmp => has_one_condition(cx.f, data),
        _ => false,
    }
}

/// Whether a comparison of floats is one instruction that leaves one condition.
fn has_one_condition(f: &Stencil, compare: &InstData) -> bool {
    Shape::of(f.value_types[Value(compare.a)]) == Shape::Float
        && matches!(float_test(compare.float_cc()), FlagTest::One(_))
}

/// The `and` or `or` that a value is, if it is a chain of at most `longest` comparisons.
fn joined(cx: &Cx, value: Value, longest: usize) -> Option<InstData> {
    let data = cx.f.insts[cx.unique(value)?];
    (!cx.is_used(value) && is_chain_of(cx, &data, longest)).then_some(data)
}

/// Pushes the comparisons of a chain; returns the condition that it holds.
pub fn push(cx: &mut Cx, data: &InstData) -> Cond {
    let (mut first, mut second) = (Value(data.a), Value(data.b));
    if !is_link(cx, second) {
        (first, second) = (second, first);
    }
    let known = match joined(cx, first, LONGEST) {
        Some(inner) => push(cx, &inner),
        None => compare_first(cx, first),
    };
    // If the comparisons before decide, set the flags to those of the result.
    let cond = link_condition(cx, second);
    match data.opcode {
        Opcode::Band => compare_next(cx, second, known, flags_for(cond.complement())),
        Opcode::Bor => compare_next(cx, second, known.complement(), flags_for(cond)),
        other => unexpected(other),
    }
    cond
}

/// Flags, as bits N, Z, C, V, for which a condition holds.
fn flags_for(cond: Cond) -> i32 {
    const N: i32 = 8;
    const Z: i32 = 4;
    const C: i32 = 2;
    const V: i32 = 1;
    match cond {
        Cond::Eq | Cond::Le | Cond::Ls => Z,
        Cond::Hs | Cond::Hi => C,
        Cond::Mi | Cond::Lt => N,
        Cond::Vs => V,
        Cond::Ne | Cond::Lo | Cond::Pl | Cond::Vc | Cond::Ge | Cond::Gt | Cond::Al | Cond::Nv => 0,
    }
}

/// The comparison that a link is.
fn link(cx: &Cx, value: Value) -> InstData {
    cx.f.insts[cx.def_inst(value).expect("a link is a comparison")]
}

/// The condition that a link holds.
fn link_condition(cx: &Cx, value: Value) -> Cond {
    let data = link(cx, value);
    if data.opcode == Opcode::Fcmp {
        let FlagTest::One(cond) = float_test(data.float_cc()) else {
            unreachable!("a link has one condition")
        };
        return cond;
    }
    let (cc, _, b) = in_order(cx, data.int_cc(), Value(data.a), Value(data.b), false);
    match cx.signed_constant(b) {
        Some(constant) => int_cond(with_zero(cc, constant).0),
        None => int_cond(cc),
    }
}

/// Pushes the first comparison of a chain; returns the condition that it holds.
fn compare_first(cx: &mut Cx, value: Value) -> Cond {
    let data = link(cx, value);
    let (a, b) = (Value(data.a), Value(data.b));
    let test = match data.opcode {
        Opcode::Icmp => Aarch64::compare_ints(cx, data.int_cc(), a, b, false).in_flags(cx),
        Opcode::Fcmp => compare_floats(cx, data.float_cc(), a, b),
        other => unexpected(other),
    };
    match test {
        FlagTest::One(cond) => cond,
        _ => unreachable!("a link is a comparison"),
    }
}

/// Pushes a comparison that is done if `known` holds; otherwise it sets the flags to `flags`.
fn compare_next(cx: &mut Cx, value: Value, known: Cond, flags: i32) {
    let data = link(cx, value);
    if data.opcode == Opcode::Fcmp {
        let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
        let size = exact_size(cx.ty(Value(data.a)));
        rows::fccmp(cx, size, a, b, flags, known);
        return;
    }
    let (cc, a, b) = in_order(cx, data.int_cc(), Value(data.a), Value(data.b), false);
    let ty = cx.ty(a);
    let size = alu_size(ty);
    let signed = cc.is_signed();
    let left = put_extended_to_32(cx, a, signed);
    let Some(constant) = cx.signed_constant(b) else {
        let right = put_extended_to_32(cx, b, signed);
        rows::ccmp_rr(cx, size, left, right, flags, known);
        return;
    };
    let (_, constant) = with_zero(cc, constant);
    let constant = match ty.bits() < 32 && !signed {
        true => constant & ((1 << ty.bits()) - 1),
        false => constant,
    };
    match constant {
        0..=31 => rows::ccmp_ri(cx, size, left, constant as i32, flags, known),
        -31..=-1 => rows::ccmn_ri(cx, size, left, -constant as i32, flags, known),
        _ => {
            let bits = register_bits(constant, size);
            let right = cx.kept_constant(bits);
            rows::ccmp_rr(cx, size, left, right, flags, known);
        }
    }
}

/// Lowers an `and` or `or` that is a chain. Returns whether it is one.
pub fn join(cx: &mut Cx, inst: Inst) -> bool {
    let data = cx.f.insts[inst];
    if !is_chain(cx, &data) {
        return false;
    }
    rule!(cx, "compare.chain");
    let d = cx.def(inst);
    let cond = push(cx, &data);
    set_by_flags(cx, d, FlagTest::One(cond));
    true
}

/// Whether a branch on two comparisons is better as one branch on a chain than as two. It is if neither
/// comparison can be part of a branch.
pub fn one_branch(f: &Stencil, conditions: [Value; 2]) -> bool {
    conditions.into_iter().all(|value| {
        let ValueDef::Result(inst, _) = f.value_defs[value].get() else { return false };
        let data = &f.insts[inst];
        match data.opcode {
            Opcode::Icmp => f.value_types[Value(data.a)] != types::I128 && !tests_zero(f, data),
            Opcode::Fcmp => has_one_condition(f, data),
            _ => false,
        }
    })
}

/// Whether an integer comparison tests for zero, or for the sign.
fn tests_zero(f: &Stencil, compare: &InstData) -> bool {
    let zero = match f.value_defs[Value(compare.b)].get() {
        ValueDef::Result(inst, _) => f.insts[inst].opcode == Opcode::Iconst && f.insts[inst].imm64() == 0,
        _ => false,
    };
    use IntCc::*;
    zero && matches!(compare.int_cc(), Equal | NotEqual | SignedLessThan | SignedGreaterThanOrEqual)
}
