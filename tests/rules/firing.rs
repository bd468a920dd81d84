//! Rules applied to functions by the compiled matcher.

use crate::case::{Case, cases};
use crate::compiler::expr::{Expr, mask};
use crate::compiler::infer::Node;
use crate::compiler::syntax::Head;
use crate::random::Random;
use crate::rules;
use crate::subject::{Subject, TESTED, inst};
use crate::trial::{Operands, opcode_of, operands};
use clifc::ir::types::{I8, I16, I32, I64, I128};
use clifc::ir::{FloatCc, InstData, IntCc, Opcode, Type, Value};
use clifc::opt::rules::{Replacement, known, simplify};
use std::collections::{BTreeMap, BTreeSet};

/// A function that ends in the pattern of a rule, with what its root is.
fn instance(case: &Case, operands: &Operands) -> (Subject, InstData) {
    let mut subject = Subject::default();
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for (name, ty) in case.variables().0 {
        let ty = Type(ty.0);
        let narrow = case.rule.text.conditions.iter().find_map(|condition| match condition {
            Expr::Narrows(value, ty) if *value == name => Some(Type(case.types[case.rule.names[ty]].0)),
            _ => None,
        });
        let value = match (narrow, operands.env.zeros.get(&name)) {
            (Some(narrow), _) => {
                let value = subject.param(narrow);
                subject.number(inst(Opcode::Uextend, ty, 0, &[value]))
            }
            (None, Some(&zeros)) if zeros != 0 => {
                let value = subject.param(ty);
                let ones = subject.constant(ty, !zeros & mask(ty.bits()));
                subject.number(inst(Opcode::Band, ty, 0, &[value, ones]))
            }
            _ => subject.param(ty),
        };
        values.insert(name, value);
    }
    let root = match &case.rule.pattern {
        Node::Op { head: Head::Test | Head::NotTest, args, .. } => {
            let tested = build(case, &args[0], operands, &values, &mut subject);
            let arms = [subject.param(TESTED), subject.param(TESTED)];
            inst(Opcode::Select, TESTED, 0, &[tested, arms[0], arms[1]])
        }
        root => data_of(case, root, operands, &values, &mut subject),
    };
    (subject, root)
}

fn build(
    case: &Case,
    node: &Node,
    operands: &Operands,
    values: &BTreeMap<String, Value>,
    subject: &mut Subject,
) -> Value {
    match node {
        Node::Value { name, .. } => values[name],
        Node::Constant { expr, class } => {
            let ty = Type(case.types[*class].0);
            subject.constant(ty, expr.eval(&operands.env).expect("complete") & mask(ty.bits()))
        }
        Node::Op { .. } => {
            let data = data_of(case, node, operands, values, subject);
            subject.number(data)
        }
    }
}

fn data_of(
    case: &Case,
    node: &Node,
    operands: &Operands,
    values: &BTreeMap<String, Value>,
    subject: &mut Subject,
) -> InstData {
    let Node::Op { head: Head::Opcode(opcode), cc, ctrl, args, .. } = node else {
        panic!("an instruction");
    };
    let args: Vec<Value> = args.iter().map(|arg| build(case, arg, operands, values, subject)).collect();
    let ty = Type(case.types[*ctrl].0);
    let aux = cc.as_ref().map_or(0, |cc| {
        let name = case.condition(*opcode, cc).as_bytes();
        match ty.is_float() {
            true => FloatCc::parse(name).expect("a condition") as u16,
            false => IntCc::parse(name).expect("a condition") as u16,
        }
    });
    inst(opcode_of(*opcode), ty, aux, &args)
}

/// Checks that an instruction computes the same before and after it is simplified.
fn check(subject: &Subject, root: &InstData, simplified: &Subject, value: Value, random: &mut Random) {
    let mut before = subject.clone();
    let at = before.number(*root);
    for _ in 0..4 {
        let params = before.insts.iter().zip(&before.types).filter(|(inst, _)| inst.is_none());
        let bits: Vec<u128> = params.map(|(_, ty)| random.integer(ty.bits())).collect();
        let expected = before.run(&bits).swap_remove(at.0 as usize);
        let found = simplified.run(&bits).swap_remove(value.0 as usize);
        assert!(
            expected.is_none() || expected == found,
            "{root:?} in {:?}: {expected:?} != {found:?}",
            before.insts
        );
    }
}

#[test]
fn every_rule_fires() {
    let mut random = Random::new("firing");
    let mut missing = BTreeSet::new();
    for rule in &rules() {
        let mut fired = false;
        for case in cases(rule).iter().filter(|case| case.is_valid()) {
            for _ in 0..3 {
                let Some(operands) = operands(case, &mut random) else { break };
                let (subject, root) = instance(case, &operands);
                let mut first = subject.clone();
                simplify(&mut first, &root);
                fired |= first.fired.contains(rule.text.name.as_str());
                let mut simplified = Subject { simplifies: true, ..subject.clone() };
                let value = simplified.simplified(root);
                check(&subject, &root, &simplified, value, &mut random);
            }
        }
        if !fired {
            missing.insert(format!("{} ({}): {:?}", rule.text.name, rule.text.place, rule.text.pattern));
        }
    }
    let missing: Vec<String> = missing.into_iter().collect();
    assert!(missing.is_empty(), "{} rules never fire:\n{}", missing.len(), missing.join("\n"));
}

/// The opcodes of random functions, with the number of their operands.
const OPCODES: [(Opcode, usize); 30] = {
    use Opcode::*;
    [
        (Iadd, 2),
        (Isub, 2),
        (Imul, 2),
        (Ineg, 1),
        (Iabs, 1),
        (Udiv, 2),
        (Urem, 2),
        (Band, 2),
        (Bor, 2),
        (Bxor, 2),
        (Bnot, 1),
        (Ishl, 2),
        (Ushr, 2),
        (Sshr, 2),
        (Rotl, 2),
        (Rotr, 2),
        (Uextend, 1),
        (Sextend, 1),
        (Ireduce, 1),
        (Icmp, 2),
        (Icmp, 2),
        (Select, 3),
        (Select, 3),
        (Smin, 2),
        (Umax, 2),
        (Bmask, 1),
        (Clz, 1),
        (Popcnt, 1),
        (Band, 2),
        (Icmp, 2),
    ]
};

/// A random instruction on values that there are; `None` if there are none for it.
fn random_inst(subject: &Subject, random: &mut Random) -> Option<InstData> {
    let (opcode, count) = random.choose(&OPCODES);
    let info = opcode.info();
    let pick = |wanted: &dyn Fn(Type) -> bool, random: &mut Random| {
        let fitting: Vec<u32> =
            (0..subject.types.len() as u32).filter(|n| wanted(subject.types[*n as usize])).collect();
        // Later values more often, so that patterns are deep.
        let recent = fitting.len().saturating_sub(8);
        match fitting.len() {
            0 => None,
            _ if random.chance(70) => Some(Value(random.choose(&fitting[recent..]))),
            _ => Some(Value(random.choose(&fitting))),
        }
    };
    let ty = random.choose(&[I8, I16, I32, I64, I128]);
    if !info.ctrl_set.contains(ty) {
        return None;
    }
    let mut args = Vec::new();
    for rule in &info.args[..count] {
        args.push(pick(&|other| rule.allows(ty, other), random)?);
    }
    let aux = if opcode == Opcode::Icmp { random.below(IntCc::ALL.len()) as u16 } else { 0 };
    Some(inst(opcode, ty, aux, &args))
}

#[test]
fn random_functions_compute_the_same_after_simplification() {
    let mut random = Random::new("functions");
    let mut fired = BTreeSet::new();
    for _ in 0..3000 {
        let mut before = Subject::default();
        for ty in [I8, I16, I32, I64, I128, I32, I64] {
            before.param(ty);
        }
        let mut after = Subject { simplifies: true, ..before.clone() };
        let mut renamed: Vec<Value> = (0..before.insts.len() as u32).map(Value).collect();
        for _ in 0..40 {
            if random.chance(25) {
                let ty = random.choose(&[I8, I16, I32, I64]);
                let small = random.choose(&[0, 1, 1, u64::MAX, ty.bits().into(), 7, 0xff, 0x80, 2]);
                let bits = if random.chance(60) { small } else { random.integer(64) as u64 };
                let at = before.constant(ty, bits & mask(ty.bits()));
                let new = after.constant(ty, bits & mask(ty.bits()));
                renamed.resize(before.insts.len(), new);
                renamed[at.0 as usize] = new;
                continue;
            }
            let Some(data) = random_inst(&before, &mut random) else { continue };
            let length = before.insts.len();
            before.number(data);
            if before.insts.len() == length {
                continue;
            }
            let args: Vec<Value> = before.args(&data).iter().map(|arg| renamed[arg.0 as usize]).collect();
            renamed.push(after.simplified(inst(data.opcode, data.ty, data.aux, &args)));
        }
        fired.append(&mut after.fired.clone());
        compare(&before, &after, &renamed, &mut random);
    }
    println!("{} rules fired", fired.len());
    assert!(fired.len() > 60, "random functions make rules fire: {fired:?}");
}

/// Compares all values of two functions, and what is known of those of the second with what they are.
fn compare(before: &Subject, after: &Subject, renamed: &[Value], random: &mut Random) {
    for _ in 0..3 {
        let params: Vec<u128> =
            [I8, I16, I32, I64, I128, I32, I64].iter().map(|ty| random.integer(ty.bits())).collect();
        let (expected, found) = (before.run(&params), after.run(&params));
        for (n, value) in expected.iter().enumerate().filter(|(_, value)| value.is_some()) {
            let new = &found[renamed[n].0 as usize];
            assert_eq!(value, new, "v{n} of {:?}\n{:?}\nparams {params:x?}", before.insts, after.insts);
        }
        for (n, value) in found.iter().enumerate() {
            let zeros = known::zeros(after, Value(n as u32));
            if let Some(value) = value {
                assert_eq!(value.bits() as u64 & zeros, 0, "zeros of v{n} of {:?}", after.insts);
            }
        }
    }
}

/// Branches and traps test their condition as `select` does: inverting it exchanges what it leads to.
#[test]
fn tests_of_branches_and_traps_are_simplified() {
    let mut subject = Subject::default();
    let value = subject.param(I32);
    let zero = subject.constant(I32, 0);
    let is_zero = subject.number(inst(Opcode::Icmp, I32, IntCc::Equal as u16, &[value, zero]));
    let wide = subject.number(inst(Opcode::Uextend, I64, 0, &[is_zero]));
    let brif = InstData { opcode: Opcode::Brif, ty: I64, aux: 0, a: wide.0, b: 7, c: 8 };
    let expected = InstData { ty: I32, a: value.0, b: 8, c: 7, ..brif };
    assert_eq!(simplify(&mut subject, &brif), Some(Replacement::Inst(expected)));
    let trapz = InstData { opcode: Opcode::Trapz, ty: I64, aux: 3, a: wide.0, b: 0, c: 0 };
    let expected = InstData { opcode: Opcode::Trapnz, ty: I32, a: value.0, ..trapz };
    assert_eq!(simplify(&mut subject, &trapz), Some(Replacement::Inst(expected)));
    let trapnz = InstData { opcode: Opcode::Trapnz, ..trapz };
    let expected = InstData { opcode: Opcode::Trapz, ty: I32, a: value.0, ..trapz };
    assert_eq!(simplify(&mut subject, &trapnz), Some(Replacement::Inst(expected)));
}

/// Rules hold in each lane of a vector, and constants in all lanes count as constants.
#[test]
fn rules_apply_to_vectors() {
    let i32x4 = I32.vector(2).expect("a type");
    let mut subject = Subject { simplifies: true, ..Subject::default() };
    let value = subject.param(i32x4);
    let ones = subject.constant(I32, 0xffff_ffff);
    let ones = subject.number(inst(Opcode::Splat, i32x4, 0, &[ones]));
    let not = subject.simplified(inst(Opcode::Bxor, i32x4, 0, &[ones, value]));
    assert_eq!(subject.insts[not.0 as usize], Some(inst(Opcode::Bnot, i32x4, 0, &[value])));
    assert_eq!(subject.simplified(inst(Opcode::Bnot, i32x4, 0, &[not])), value);
    // A comparison of vectors has all ones where it holds, not 1.
    let equal = inst(Opcode::Icmp, i32x4, IntCc::Equal as u16, &[value, value]);
    assert_eq!(simplify(&mut subject, &equal), None);
}
