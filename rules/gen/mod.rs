//! Compiles the simplification rules in `rules/*.rules`.
//!
//! [`syntax`] parses them, [`infer`] finds their types and checks that results are valid, [`weight`] checks
//! that rewriting ends, and [`output`] writes the matcher, which `src/opt/rules` includes. An invalid rule is
//! an error with its file and line. `tests/rules` reads the rules with the same code and proves them.

pub mod expr;
pub mod infer;
pub mod ir;
pub mod output;
pub mod syntax;
pub mod weight;

use infer::{Node, Rule};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use syntax::{Head, Term, Text};

/// Reads all rules of a directory, or returns the errors in them.
pub fn load(directory: &Path) -> Result<Vec<Rule>, Vec<String>> {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for file in rule_files(directory) {
        let name = file.display().to_string();
        match fs::read_to_string(&file) {
            Ok(text) => read(&name, &text, &mut rules, &mut errors),
            Err(error) => errors.push(format!("{name}: {error}")),
        }
    }
    check_names(&rules, &mut errors);
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

/// Reads the rules of a file.
pub fn read(name: &str, text: &str, rules: &mut Vec<Rule>, errors: &mut Vec<String>) {
    let mut texts = Vec::new();
    syntax::parse_file(name, text, &mut texts, errors);
    for text in texts {
        for text in orders(text) {
            let place = text.place.clone();
            let checked = infer::infer(text).and_then(|rule| weight::check(&rule).map(|()| rule));
            match checked {
                Ok(rule) => rules.push(rule),
                Err(message) => errors.push(format!("{place}: {message}")),
            }
        }
    }
}

/// The rule files of a directory, in order of their names.
fn rule_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rules"));
    files.sort();
    files
}

/// Checks that no two rules of different lines have a name.
fn check_names(rules: &[Rule], errors: &mut Vec<String>) {
    let mut places: BTreeMap<&str, &str> = BTreeMap::new();
    for Rule { text, .. } in rules {
        let first = places.entry(&text.name).or_insert(&text.place);
        if *first != text.place {
            errors.push(format!("{}: `{}` is the name of another rule", text.place, text.name));
        }
    }
}

/// A rule for each order of the operands of the operations in the pattern that commute. Constants stay on the
/// right, where the rules put them.
fn orders(text: Text) -> Vec<Text> {
    let mut all: Vec<Text> = Vec::new();
    let mut seen = Vec::new();
    for pattern in orders_of(&text.pattern) {
        let is_turned = pattern != text.pattern;
        let text = Text { pattern, is_turned, ..text.clone() };
        let normal = normalised(&text);
        if !seen.contains(&normal) {
            seen.push(normal);
            all.push(text);
        }
    }
    all
}

fn orders_of(term: &Term) -> Vec<Term> {
    let Term::Op { head, ty, cc, args } = term else { return vec![term.clone()] };
    let mut lists: Vec<Vec<Term>> = vec![Vec::new()];
    for arg in args {
        let choices = orders_of(arg);
        let extend = |list: Vec<Term>| {
            choices
                .iter()
                .map(move |choice| [&list[..], std::slice::from_ref(choice)].concat())
                .collect::<Vec<_>>()
        };
        lists = lists.into_iter().flat_map(extend).collect();
    }
    let commutes = matches!(head, Head::Opcode(opcode) if weight::commutes(*opcode));
    if commutes && !args.iter().any(|arg| matches!(arg, Term::Constant(_))) {
        let turned: Vec<_> = lists.iter().map(|list| list.iter().rev().cloned().collect()).collect();
        lists.extend(turned);
    }
    let of = |args| Term::Op { head: *head, ty: ty.clone(), cc: cc.clone(), args };
    lists.into_iter().map(of).collect()
}

/// The pattern and the conditions with values named in order of appearance: equal if two rules find the same.
fn normalised(text: &Text) -> (Term, String) {
    let mut names: Vec<String> = Vec::new();
    text.pattern.visit(&mut |term| {
        if let Term::Value { name, .. } = term
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    });
    fn rename(term: &mut Term, names: &[String]) {
        match term {
            Term::Value { name, .. } => {
                let at = names.iter().position(|known| known == name).unwrap_or_default();
                *name = format!("v{at}");
            }
            Term::Op { args, .. } => args.iter_mut().for_each(|arg| rename(arg, names)),
            Term::Constant(_) => {}
        }
    }
    let mut pattern = text.pattern.clone();
    rename(&mut pattern, &names);
    let mut conditions = String::new();
    for condition in &text.conditions {
        for name in condition.names() {
            conditions += &match names.iter().position(|known| *known == name) {
                Some(at) => format!("v{at} "),
                None => format!("{name} "),
            };
        }
    }
    (pattern, conditions)
}

/// The nodes of a side of a rule, in the order of the text.
pub fn nodes(side: &Node) -> Vec<&Node> {
    let mut all = Vec::new();
    side.visit(&mut |node| all.push(node));
    all
}
