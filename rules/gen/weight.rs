//! Why rewriting ends: every rule makes a term lighter.
//!
//! The weight of a term is a linear function of the weights of its values, which are at least 1. It is
//! compared coefficient by coefficient, so that a result is lighter than the pattern whatever stands for
//! the values, and the whole of which the term is a part becomes lighter too. Rules that only move a
//! constant to the right leave the weight alone; no other rule's result has a constant on the left of an
//! operation that such a rule begins with.

use super::expr::Expr;
use super::infer::{Node, Rule};
use super::ir::{Format, Opcode};
use super::syntax::{Cc, Head};
use std::collections::BTreeMap;

/// A weight: a constant, and the factor of each value and named constant.
#[derive(Clone, Default, Debug)]
struct Weight {
    constant: i64,
    factors: BTreeMap<String, i64>,
}

impl Weight {
    fn add(&mut self, other: &Weight, factor: i64) {
        self.constant += other.constant * factor;
        for (name, n) in &other.factors {
            *self.factors.entry(name.clone()).or_default() += n * factor;
        }
    }
}

/// By what an opcode multiplies the weight of its operands, and what it adds.
fn of_opcode(opcode: Opcode) -> (i64, i64) {
    use Opcode::*;
    match opcode {
        Uextend => (1, 1),
        Sextend => (1, 2),
        Ireduce => (2, 1),
        Ineg => (1, 8),
        Bitcast | Bnot | Iabs | Bmask | Fneg | Fabs => (1, 3),
        Iadd | Band | Bor | Bxor => (2, 5),
        Ishl | Ushr | Sshr | Rotl => (2, 6),
        Rotr => (2, 9),
        Isub => (2, 9),
        Imul | Udiv | Urem | Sdiv | Srem => (2, 12),
        Smin | Smax | Umin | Umax => (2, 12),
        Icmp | Fcmp => (2, 6),
        Select | SelectSpectreGuard => (4, 60),
        _ => (2, 8),
    }
}

/// What a condition adds: comparisons for equality are lighter than those for order, and strict ones lighter
/// than others. Conditions that depend on the pattern's are the lightest there and the heaviest in results.
fn of_condition(cc: &Cc, in_result: bool) -> i64 {
    let of = |code: &usize| match code {
        0 | 1 => 0,
        2 | 4 | 6 | 8 => 4,
        _ => 8,
    };
    match cc {
        Cc::OneOf(codes) => codes.iter().map(of).min().unwrap_or(0),
        Cc::Same | Cc::Swapped | Cc::Unsigned | Cc::Any => 0,
        Cc::Inverse => {
            if in_result {
                8
            } else {
                0
            }
        }
    }
}

fn weigh(node: &Node, rule: &Rule, in_result: bool) -> Weight {
    let mut weight = Weight::default();
    match node {
        Node::Value { name, .. } | Node::Constant { expr: Expr::Constant(name), .. } => {
            weight.factors.insert(name.clone(), 1);
        }
        Node::Constant { expr, .. } => weight.constant = if *expr == Expr::Number(0) { 1 } else { 2 },
        Node::Op { head, cc, args, .. } => {
            let (factor, constant) = match head {
                Head::Opcode(opcode) => of_opcode(*opcode),
                Head::Test | Head::NotTest => (1, 0),
            };
            let condition = cc.as_ref().map_or(0, |cc| of_condition(cc, in_result));
            weight.constant = constant + condition;
            args.iter().for_each(|arg| weight.add(&weigh(arg, rule, in_result), factor));
        }
    }
    weight
}

/// Checks that the result of a rule is lighter than its pattern.
pub fn check(rule: &Rule) -> Result<(), String> {
    if moves_constant(rule) {
        return Ok(());
    }
    if let Some(opcode) = left_constant(&rule.result) {
        return Err(format!("the result has a constant on the left of `{}`", opcode.name()));
    }
    let (pattern, result) = (weigh(&rule.pattern, rule, false), weigh(&rule.result, rule, true));
    let mut difference = pattern.clone();
    difference.add(&result, -1);
    let least = |name: &str| {
        let excludes = |condition: &Expr| condition.excludes_zero(name);
        if rule.text.conditions.iter().any(excludes) { 2 } else { 1 }
    };
    let heavier = difference.factors.values().any(|&factor| factor < 0);
    let sum: i64 = difference.factors.iter().map(|(name, factor)| factor * least(name)).sum();
    if heavier || difference.constant + sum <= 0 {
        return Err(format!("the result isn't lighter: {pattern:?} => {result:?}"));
    }
    Ok(())
}

/// Whether operands of an opcode can be exchanged; a comparison's condition then changes too.
pub fn commutes(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(opcode, Iadd | Imul | Band | Bor | Bxor | Smin | Smax | Umin | Umax)
}

/// Whether a rule only moves a constant to the right: `op(C, x) => op(x, C)`.
fn moves_constant(rule: &Rule) -> bool {
    let (Node::Op { head, args, .. }, Node::Op { head: other, args: moved, .. }) =
        (&rule.pattern, &rule.result)
    else {
        return false;
    };
    let turned = matches!(&args[..], [Node::Constant { .. }, Node::Value { .. }])
        && moved.iter().rev().eq(args.iter());
    head == other && turned
}

/// An opcode whose left operand is a constant, where that would be moved.
fn left_constant(node: &Node) -> Option<Opcode> {
    let Node::Op { head: Head::Opcode(opcode), args, .. } = node else { return None };
    let moves = commutes(*opcode) || opcode.info().format == Format::IntCompare;
    if moves && matches!(args[0], Node::Constant { .. }) {
        return Some(*opcode);
    }
    args.iter().find_map(left_constant)
}
