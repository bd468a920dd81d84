//! A rule at certain types and with a certain condition of its comparison.

use crate::compiler::expr::{Binary, Env, Expr, Fact};
use crate::compiler::infer::{Node, Rule};
use crate::compiler::ir::{Opcode, Type};
use crate::compiler::syntax::{Cc, Head};
use clifc::ir::{FloatCc, IntCc};
use std::collections::BTreeMap;
use std::fmt;

/// A rule at certain types and with a certain condition of its comparison.
pub struct Case<'a> {
    pub rule: &'a Rule,
    /// The type of each class.
    pub types: Vec<Type>,
    /// The code of the condition that the pattern finds, if it may be one of several.
    code: Option<usize>,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used: Vec<String> = self.types.iter().filter(|ty| ty.0 != 0).map(Type::to_string).collect();
        write!(f, "{} ({})", self.rule.text.name, used.join(", "))?;
        self.code.map_or(Ok(()), |code| write!(f, " with condition {code}"))
    }
}

/// All cases of a rule.
pub fn cases(rule: &Rule) -> Vec<Case<'_>> {
    let mut codes = vec![None];
    rule.pattern.visit(&mut |node| {
        let Node::Op { head: Head::Opcode(opcode), cc, .. } = node else { return };
        match cc {
            Some(Cc::Any) => codes = (0..conditions(*opcode).len()).map(Some).collect(),
            Some(Cc::OneOf(some)) if some.len() > 1 => codes = some.iter().copied().map(Some).collect(),
            _ => {}
        }
    });
    // Of a shift's amount, the lowest bits count, which all types have: two types stand for all.
    let amounts = amount_classes(rule);
    let mut assignments = rule.assignments();
    assignments.retain(|types| amounts.iter().all(|&class| matches!(types[class].bits(), 8 | 64)));
    let of = |types: Vec<Type>| {
        codes.iter().map(move |&code| Case { rule, types: types.clone(), code }).collect::<Vec<_>>()
    };
    assignments.into_iter().flat_map(of).collect()
}

/// The classes that only amounts of shifts have.
fn amount_classes(rule: &Rule) -> Vec<usize> {
    let (mut amounts, mut others) = (Vec::new(), Vec::new());
    for side in [&rule.pattern, &rule.result] {
        others.push(side.class());
        side.visit(&mut |node| {
            let Node::Op { head, ctrl, args, .. } = node else { return };
            others.push(*ctrl);
            for (n, arg) in args.iter().enumerate() {
                let shift = [Opcode::Ishl, Opcode::Ushr, Opcode::Sshr, Opcode::Rotl, Opcode::Rotr];
                let is_amount = n == 1 && shift.iter().any(|opcode| *head == Head::Opcode(*opcode));
                let is_leaf = !matches!(arg, Node::Op { .. });
                if is_amount && is_leaf { &mut amounts } else { &mut others }.push(arg.class());
            }
        });
    }
    // The type of an amount that the result makes is given.
    amounts.retain(|class| !others.contains(class) && rule.classes[*class].access.is_some());
    amounts
}

/// The names of the conditions of a comparison, by code.
pub fn conditions(opcode: Opcode) -> Vec<&'static str> {
    match opcode {
        Opcode::Fcmp => FloatCc::ALL.iter().map(|cc| cc.name()).collect(),
        _ => IntCc::ALL.iter().map(|cc| cc.name()).collect(),
    }
}

impl Case<'_> {
    /// The name of a comparison's condition, by what the words of the language mean.
    pub fn condition(&self, opcode: Opcode, cc: &Cc) -> &'static str {
        let names = conditions(opcode);
        let found = self.code.and_then(|code| names.get(code)).copied().unwrap_or("");
        let change = |pairs: &[(&'static str, &'static str)]| {
            let both = pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
            both.into_iter().find(|(from, _)| *from == found).map_or(found, |(_, to)| to)
        };
        match cc {
            Cc::OneOf(codes) if codes.len() == 1 => names[codes[0]],
            Cc::OneOf(_) | Cc::Any | Cc::Same => found,
            Cc::Inverse if opcode == Opcode::Fcmp => change(&[
                ("ord", "uno"),
                ("eq", "ne"),
                ("one", "ueq"),
                ("lt", "uge"),
                ("le", "ugt"),
                ("gt", "ule"),
                ("ge", "ult"),
            ]),
            Cc::Inverse => {
                change(&[("eq", "ne"), ("slt", "sge"), ("sgt", "sle"), ("ult", "uge"), ("ugt", "ule")])
            }
            Cc::Swapped => change(&[("slt", "sgt"), ("sle", "sge"), ("ult", "ugt"), ("ule", "uge")]),
            Cc::Unsigned => match found {
                "slt" => "ult",
                "sle" => "ule",
                "sgt" => "ugt",
                "sge" => "uge",
                other => other,
            },
        }
    }

    /// Width in bits of a class.
    pub fn bits(&self, class: usize) -> u32 {
        self.types[class].bits()
    }

    /// The values and the constants of the pattern, with their types.
    pub fn variables(&self) -> (BTreeMap<String, Type>, BTreeMap<String, Type>) {
        let (mut values, mut constants) = (BTreeMap::new(), BTreeMap::new());
        self.rule.pattern.visit(&mut |node| match node {
            Node::Value { name, class } => drop(values.insert(name.clone(), self.types[*class])),
            Node::Constant { expr: Expr::Constant(name), class } => {
                constants.insert(name.clone(), self.types[*class]);
            }
            Node::Constant { .. } | Node::Op { .. } => {}
        });
        (values, constants)
    }

    /// The values of which the rule needs to know something.
    pub fn known(&self) -> Vec<String> {
        let mut names = Vec::new();
        for condition in &self.rule.text.conditions {
            condition.visit(&mut |part| {
                if let Expr::Fact(Fact::Zeros | Fact::Flag, name) = part
                    && !names.contains(name)
                {
                    names.push(name.clone());
                }
            });
        }
        names
    }

    /// Whether the conditions hold.
    pub fn holds(&self, env: &Env) -> bool {
        let value = |condition: &Expr| condition.eval(env).expect("the environment is complete");
        self.rule.text.conditions.iter().all(|condition| value(condition) != 0)
    }

    /// The choices of constants that the conditions limit to the width of a type, as far as the other
    /// conditions allow; none if there is no such constant.
    pub fn amounts(&self) -> Vec<BTreeMap<String, u64>> {
        let env = self.rule.env(&self.types);
        let mut choices: Vec<BTreeMap<String, u64>> = vec![BTreeMap::new()];
        for condition in &self.rule.text.conditions {
            let Expr::Binary(Binary::Less, name, limit) = condition else { continue };
            let (Expr::Constant(name), Expr::Fact(Fact::Bits, _)) = (&**name, &**limit) else { continue };
            let limit = limit.eval(&env).expect("the width is known");
            let with = |choice: &BTreeMap<String, u64>, value| {
                let mut choice = choice.clone();
                choice.insert(name.clone(), value);
                choice
            };
            choices = (0..limit).flat_map(|n| choices.iter().map(move |choice| with(choice, n))).collect();
        }
        choices.retain(|choice| {
            let env = Env { constants: choice.clone(), ..env.clone() };
            !choice.is_empty() && self.rule.text.conditions.iter().all(|c| c.eval(&env) != Some(0))
        });
        choices
    }

    /// Whether the pattern is valid: `bitcast` needs types of the same size, which classes don't say.
    pub fn is_valid(&self) -> bool {
        let mut valid = true;
        self.rule.pattern.visit(&mut |node| {
            if let Node::Op { head: Head::Opcode(Opcode::Bitcast), class, args, .. } = node {
                valid &= self.bits(*class) == self.bits(args[0].class());
            }
        });
        valid
    }
}
