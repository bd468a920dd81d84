//! Rules tried with operands, by the semantics of `src/eval`.

use crate::case::{Case, cases};
use crate::compiler::expr::{Env, Expr, mask};
use crate::compiler::infer::Node;
use crate::compiler::ir::Opcode;
use crate::compiler::syntax::Head;
use crate::random::Random;
use crate::rules;
use clifc::eval::{self, Immediate, Value};
use clifc::ir::{FloatCc, IntCc, Type};
use std::collections::BTreeMap;

/// Operands of a rule: the bits of its values and constants, and what is known of them.
#[derive(Clone, Default, Debug)]
pub struct Operands {
    pub values: BTreeMap<String, u128>,
    pub env: Env,
}

/// The same opcode of the compiler.
pub fn opcode_of(opcode: Opcode) -> clifc::ir::Opcode {
    let found = clifc::ir::opcode::ALL.iter().find(|other| other.name() == opcode.name());
    *found.expect("the tables are the same")
}

/// The bits of a node's value; `None` if it traps.
pub fn evaluate(case: &Case, node: &Node, operands: &Operands) -> Option<u128> {
    match node {
        Node::Value { name, .. } => Some(operands.values[name]),
        Node::Constant { expr, class } => {
            let value = expr.eval(&operands.env).expect("the environment is complete");
            let bits = case.bits(*class);
            // Of 128 bits, constants are sign-extended; those of a pattern are not that wide.
            Some(if bits > 64 { value as i64 as u128 } else { u128::from(value & mask(bits)) })
        }
        Node::Op { head, cc, ctrl, args, .. } => {
            let mut values = Vec::new();
            for arg in args {
                let ty = Type(case.types[arg.class()].0);
                values.push(Value::scalar(ty, evaluate(case, arg, operands)?));
            }
            let opcode = match head {
                Head::Test => return Some(u128::from(!values[0].is_zero())),
                Head::NotTest => return Some(u128::from(values[0].is_zero())),
                Head::Opcode(opcode) => opcode,
            };
            let immediate = match (cc, opcode) {
                (Some(cc), Opcode::Fcmp) => {
                    let name = case.condition(*opcode, cc);
                    Immediate::FloatCc(FloatCc::parse(name.as_bytes()).expect("a condition"))
                }
                (Some(cc), _) => {
                    let name = case.condition(*opcode, cc);
                    Immediate::IntCc(IntCc::parse(name.as_bytes()).expect("a condition"))
                }
                (None, Opcode::Bitcast) => Immediate::Order(None),
                (None, _) => Immediate::None,
            };
            let results = eval::pure(opcode_of(*opcode), Type(case.types[*ctrl].0), immediate, &values);
            results.ok().map(|results| results.as_slice()[0].bits())
        }
    }
}

/// Random operands that satisfy the conditions of a rule; `None` if none are found.
pub fn operands(case: &Case, random: &mut Random) -> Option<Operands> {
    let (values, constants) = case.variables();
    for _ in 0..20_000 {
        let mut operands = Operands { values: BTreeMap::new(), env: case.rule.env(&case.types) };
        for (name, ty) in &constants {
            let bits = constant(random, ty.bits(), operands.env.constants.values().copied().last());
            operands.env.constants.insert(name.clone(), bits & mask(ty.bits()));
        }
        let known = case.known();
        for (name, ty) in &values {
            let mut bits = random.integer(ty.bits());
            if known.contains(name) {
                let zeros = if ty.bits() > 64 { 0 } else { zeros(random, ty.bits()) };
                operands.env.zeros.insert(name.clone(), zeros & mask(ty.bits()));
                bits &= !u128::from(zeros);
            }
            operands.values.insert(name.clone(), bits);
        }
        if case.holds(&operands.env) {
            return Some(operands);
        }
    }
    None
}

/// A constant of a kind that conditions ask for, which may depend on an earlier one.
fn constant(random: &mut Random, bits: u32, earlier: Option<u64>) -> u64 {
    let width = u64::from(bits);
    let small = random.below(130) as u64;
    let any = random.integer(64) as u64;
    let power = 1u64 << random.below(bits.min(64) as usize);
    let of_earlier = earlier.unwrap_or(any);
    let choices = [
        any,
        small,
        small % width,
        small / 16,
        width,
        width - 1,
        2 * width - 1,
        power,
        power.wrapping_sub(1),
        mask(bits),
        power.wrapping_neg(),
        of_earlier,
        !of_earlier,
        of_earlier.wrapping_add(1),
        of_earlier.wrapping_sub(1),
        width.wrapping_sub(of_earlier),
        64u64.wrapping_sub(of_earlier),
        32u64.wrapping_sub(of_earlier),
        width.wrapping_sub(8),
        width.wrapping_sub(16),
        width.wrapping_sub(32),
        (mask(bits) >> 1) + 1,
        mask(bits) >> 1,
        any & of_earlier,
        any & !of_earlier,
    ];
    random.choose(&choices)
}

/// Bits that are known to be zero.
fn zeros(random: &mut Random, bits: u32) -> u64 {
    let high = !mask(random.below(bits.min(64) as usize + 1) as u32);
    let any = random.integer(64) as u64;
    random.choose(&[0, !1, high, high, any, !mask(8), !mask(16), !mask(32), 1 << (bits - 1)])
}

/// What is wrong with a rule for operands, if anything.
fn difference(case: &Case, operands: &Operands) -> Option<String> {
    let [pattern, result] =
        [&case.rule.pattern, &case.rule.result].map(|side| evaluate(case, side, operands));
    (pattern.is_none() || pattern != result)
        .then(|| format!("{case} with {operands:x?}: {pattern:x?} => {result:x?}"))
}

#[test]
fn rules_hold_for_random_operands() {
    let mut random = Random::new("rules");
    let (mut wrong, mut tried) = (Vec::new(), 0u64);
    for rule in &rules() {
        let mut found = false;
        for case in cases(rule).iter().filter(|case| case.is_valid()) {
            for _ in 0..50 {
                let Some(operands) = operands(case, &mut random) else { break };
                (found, tried) = (true, tried + 1);
                wrong.extend(difference(case, &operands));
            }
        }
        if !found {
            wrong.push(format!("{}: no operands satisfy the conditions", rule.text.name));
        }
    }
    println!("{tried} operands tried");
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How many operands of a rule are tried at most.
const MOST: u64 = 1 << 20;

/// Tries a case of a rule: with all operands if they are bytes and not too many, otherwise with random ones.
/// Returns whether all were tried.
pub fn try_case(case: &Case) -> bool {
    let (values, constants) = case.variables();
    let bytes = values.values().chain(constants.values()).all(|ty| ty.bits() == 8);
    if bytes && case.known().is_empty() && values.len() + constants.len() <= 3 && try_bytes(case) {
        return true;
    }
    let mut random = Random::new(&case.rule.text.name);
    for _ in 0..5_000 {
        let Some(operands) = operands(case, &mut random) else { break };
        assert_eq!(difference(case, &operands), None);
    }
    false
}

/// Tries all operands of a rule on bytes. Returns false if there are too many.
fn try_bytes(case: &Case) -> bool {
    let (values, constants) = case.variables();
    let byte = |n: u64, at: usize| n >> (8 * at) & 0xff;
    let mut tried = 0;
    for n in 0..1u64 << (8 * constants.len()) {
        let mut operands = Operands { values: BTreeMap::new(), env: case.rule.env(&case.types) };
        let named = constants.keys().enumerate().map(|(at, name)| (name.clone(), byte(n, at)));
        operands.env.constants = named.collect();
        if !case.holds(&operands.env) {
            continue;
        }
        tried += 1 << (8 * values.len());
        if tried > MOST {
            return false;
        }
        for n in 0..1u64 << (8 * values.len()) {
            let named = values.keys().enumerate().map(|(at, name)| (name.clone(), byte(n, at).into()));
            operands.values = named.collect();
            assert_eq!(difference(case, &operands), None);
        }
    }
    true
}

/// The literals in a term are as wide as the rule says, which the proofs rely on.
#[test]
fn constants_are_cut_to_their_types() {
    let text = "a: bxor(x, -1) => bnot(x)\n";
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    crate::compiler::read("a.rules", text, &mut rules, &mut errors);
    for case in cases(&rules[0]).iter().filter(|case| case.types.iter().all(|ty| ty.bits() <= 64)) {
        let operands = Operands { values: BTreeMap::new(), env: case.rule.env(&case.types) };
        let Node::Op { args, .. } = &case.rule.pattern else { panic!("an instruction") };
        let all = mask(case.bits(args[1].class()));
        assert_eq!(evaluate(case, &args[1], &operands), Some(all.into()));
        assert!(matches!(&args[1], Node::Constant { expr: Expr::Number(u64::MAX), .. }));
    }
}
