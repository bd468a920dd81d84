//! Proofs of the rules by Z3.

use crate::case::{Case, cases};
use crate::{rules, smt, trial};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

/// How long Z3 may take for a query, in milliseconds: one about values of 128 bits, and others.
const LIMITS: [u32; 2] = [100, 2000];

/// Whether a query is about values of 128 bits, which are proved only where that is quick.
fn is_wide(query: &str) -> bool {
    query.contains("BitVec 128")
}

/// Z3's answer to each query.
fn answers(queries: &[String]) -> Vec<String> {
    let z3 = Command::new("z3").args(["-in", "-smt2"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut z3 = z3.expect("z3 is installed (scripts/test installs it)");
    let (mut input, output) = (z3.stdin.take().expect("piped"), z3.stdout.take().expect("piped"));
    let reader = thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).collect());
    let mut text = String::new();
    for query in queries {
        let tactic = if query.contains("fp.") { "qffpbv" } else { "qfbv" };
        let limit = LIMITS[usize::from(!is_wide(query))];
        text += &format!("{query}(check-sat-using (try-for {tactic} {limit}))\n(reset)\n");
    }
    input.write_all(text.as_bytes()).expect("z3 reads its input");
    drop(input);
    z3.wait().expect("z3 ends");
    let lines: Vec<String> = reader.join().expect("the output is read");
    let errors: Vec<&String> = lines.iter().filter(|line| line.contains("error")).collect();
    assert!(errors.is_empty(), "z3 understands the formulas: {errors:?}");
    lines
}

/// Proves the rules as they are written; with the operands of commutative operations exchanged, they mean the
/// same.
#[test]
fn rules_are_proved() {
    let rules = rules();
    let all: Vec<Case> =
        rules.iter().filter(|rule| !rule.text.is_turned).flat_map(cases).filter(Case::is_valid).collect();
    let queries: Vec<String> = all.iter().map(smt::query).collect();
    let half = queries.len() / 2;
    let answers: Vec<String> = thread::scope(|scope| {
        let parts = [&queries[..half], &queries[half..]].map(|part| scope.spawn(|| answers(part)));
        parts.into_iter().flat_map(|part| part.join().expect("z3 answers")).collect()
    });
    assert_eq!(answers.len(), queries.len(), "z3 answers each query");
    let mut wrong = Vec::new();
    let mut open = Vec::new();
    for (case, answer) in all.iter().zip(&answers) {
        match answer.as_str() {
            "unsat" => {}
            "sat" => wrong.push(format!("{case} at {}: {:?}", case.rule.text.place, case.rule.pattern)),
            _ => open.push(case),
        }
    }
    assert!(wrong.is_empty(), "{} cases of rules are wrong:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} of {} cases of rules are proved", all.len() - open.len(), all.len());
    for case in &open {
        let how = if trial::try_case(case) { "all operands tried" } else { "random operands tried" };
        println!("not proved in time: {case}: {how}");
    }
    let narrow = open.iter().filter(|case| !is_wide(&smt::query(case)));
    assert!(narrow.count() < all.len() / 50, "most cases of up to 64 bits are proved");
}

/// The proof would find a wrong rule.
#[test]
fn wrong_rules_are_refuted() {
    let (mut wrong, mut errors) = (Vec::new(), Vec::new());
    let text = "a: iadd(iadd(x, C1), C2) => iadd(x, C1 - C2)\n\
                b: ushr(ishl(x, C), C) => x if C < bits(x)\n\
                c: icmp.cc(C, x) => icmp.cc(x, C) if varies(x)\n\
                d: udiv(x, C) => ushr(x, log2(C))\n\
                e: sextend.T(x) => uextend.T(x) if zeros(x) != 0\n\
                f: uextend.T(ireduce.U(x:T)) => x if mask(T) & ~mask(U) & ~zeros(x) == 0\n";
    crate::compiler::read("wrong.rules", text, &mut wrong, &mut errors);
    assert_eq!(errors, Vec::<String>::new());
    for rule in &wrong {
        let queries: Vec<String> = cases(rule).iter().map(smt::query).collect();
        assert!(answers(&queries).iter().any(|answer| answer == "sat"), "{} is refuted", rule.text.name);
    }
}
