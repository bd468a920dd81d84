//! No type or opcode of tomorrow falls into code that was written for others: a `match` in the machine half
//! that names opcodes, types, shapes or sizes has no arm for all the rest, unless that arm finds nothing or
//! refuses.
//!
//! The test reads the source as rustfmt lays it out: the arms of a `match` are indented alike, and one that
//! takes several lines ends with a brace of its own indentation.

use clifc::ir::opcode::ALL;
use clifc::ir::{AtomicRmwOp, Shape};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where arms are checked.
const CHECKED: &[&str] = &["src/lower", "src/arch", "src/emit", "src/machine"];

/// Words that a pattern names a type, size or class by, besides shapes and opcodes.
const NAMES: &[&str] = &[
    "I8", "I16", "I32", "I64", "I128", "F16", "F32", "F64", "F128", "I8X16", "I16X8", "I32X4", "I64X2",
    "F32X4", "F64X2", "B8", "W16", "L32", "Q64", "O128", "Int", "Float", "Vector",
];

/// Widths in bits, as patterns.
const WIDTHS: &[&str] = &["8", "16", "32", "64", "128"];

/// What an arm for all the rest may do: find nothing, or refuse.
const FINDS_NOTHING: &[&str] = &[
    "None",
    "false",
    "true",
    "{}",
    "()",
    "return",
    "return None",
    "return false",
    "return Ok(())",
    "return Ok(false)",
];

/// Calls by which an arm refuses.
const REFUSES: &[&str] = &["unexpected(", "unsupported(", "refuse(", "return Err(", "unreachable!("];

/// Arms for all the rest that are right, by file and what is matched on, with the reason.
const RIGHT: &[(&str, &str, &str)] = &[
    ("src/lower/address.rs", "data.opcode", "an index without an extension is the value itself"),
    ("src/lower/address.rs", "cx.ty(Value(data.a))", "only an extended i32 is a special index"),
    ("src/lower/condition.rs", "data.opcode", "whatever may overflow is asked for its flag"),
    ("src/lower/rematerialize.rs", "data.opcode", "nothing else is rematerialised"),
    ("src/arch/aarch64/lower/mem.rs", "data.opcode", "effects decide what a second access can pass"),
    ("src/arch/aarch64/lower/inputs.rs", "(indexed, bytes)", "displacements are scaled by the access's size"),
    ("src/arch/aarch64/print.rs", "(bits, address.amode.scale)", "all indices but plain ones are extended"),
    ("src/arch/s390x/format.rs", "self.at", "bits of an instruction, not sizes"),
    (
        "src/arch/x86_64/encode.rs",
        "EncodingFlags::imm_len_of(view.row.params[FLAGS])",
        "lengths of an immediate",
    ),
    ("src/arch/s390x/lower/compare.rs", "data.opcode", "whatever is no extension may be a load"),
];

/// An arm for all the rest.
#[derive(PartialEq, Eq, Debug)]
struct Arm {
    line: usize,
    /// What the `match` is on.
    scrutinee: String,
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The parts of a pattern: alternatives, and the elements of tuples, without guards.
fn parts(pattern: &str) -> impl Iterator<Item = &str> {
    let pattern = pattern.split(" if ").next().unwrap_or_default();
    pattern.split(['|', '(', ')', ',']).map(str::trim).filter(|part| !part.is_empty())
}

/// Whether a pattern matches everything: `_`, or a name.
fn is_for_all_the_rest(pattern: &str) -> bool {
    let is_name = |part: &str| part.chars().all(|c| c.is_ascii_lowercase() || c == '_') && part != "true";
    !pattern.trim_start().starts_with("Some(") && !pattern.contains("::") && {
        let mut parts = parts(pattern).peekable();
        parts.peek().is_some() && parts.all(is_name)
    }
}

/// Whether a pattern names an opcode, a type, a shape, a size or a width.
fn names_a_kind(pattern: &str, kinds: &BTreeSet<String>) -> bool {
    parts(pattern).any(|part| {
        let word = part.rsplit("::").next().unwrap_or_default();
        kinds.contains(word) || WIDTHS.contains(&part)
    })
}

fn kinds() -> BTreeSet<String> {
    let opcodes = ALL.iter().map(|opcode| format!("{opcode:?}"));
    let shapes = Shape::ALL.iter().map(|shape| format!("{shape:?}")).filter(|shape| shape != "None");
    let operations = AtomicRmwOp::ALL.iter().map(|op| format!("{op:?}"));
    opcodes.chain(shapes).chain(operations).chain(NAMES.iter().map(|&name| name.to_owned())).collect()
}

/// The arms for all the rest that choose code, of each `match` that names kinds.
fn wrong_arms(text: &str, kinds: &BTreeSet<String>) -> Vec<Arm> {
    let lines: Vec<&str> = text.lines().collect();
    let mut wrong = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((pattern, body)) = line.split_once(" => ") else { continue };
        if !is_for_all_the_rest(pattern) {
            continue;
        }
        let indent = indentation(line);
        let is_inside = |line: &&&str| line.trim().is_empty() || indentation(line) >= indent;
        let before = lines[..at].iter().rev().take_while(is_inside).count();
        let siblings = &lines[at - before..at];
        let named = siblings.iter().filter(|line| indentation(line) == indent).any(|line| {
            let pattern = line.split(" =>").next().unwrap_or_default();
            !line.trim_start().starts_with("//") && names_a_kind(pattern, kinds)
        });
        let after = lines[at + 1..].iter().take_while(|line| indentation(line) > indent).count();
        let whole: String = std::iter::once(body).chain(lines[at + 1..=at + after].iter().copied()).collect();
        let finds_nothing = FINDS_NOTHING.contains(&body.trim_end_matches(','));
        if named && !finds_nothing && !REFUSES.iter().any(|call| whole.contains(call)) {
            let head = at.checked_sub(before + 1).map_or("", |head| lines[head].trim());
            let scrutinee = head.split_once("match ").map_or(head, |(_, rest)| rest);
            let scrutinee = scrutinee.trim_end_matches('{').trim().to_owned();
            wrong.push(Arm { line: at + 1, scrutinee });
        }
    }
    wrong
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}

#[test]
fn no_arm_chooses_code_for_all_the_rest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    CHECKED.iter().for_each(|dir| collect(&root.join(dir), &mut files));
    files.sort();
    assert!(files.len() > 100, "the files are found");
    let (kinds, mut wrong, mut needed) = (kinds(), Vec::new(), BTreeSet::new());
    for file in files {
        let name = file.strip_prefix(root).expect("below the root").display().to_string();
        for arm in wrong_arms(&fs::read_to_string(&file).expect("a source file"), &kinds) {
            let is_right =
                |(file, scrutinee, _): &&(&str, &str, &str)| *file == name && *scrutinee == arm.scrutinee;
            match RIGHT.iter().find(is_right) {
                Some(row) => drop(needed.insert(row)),
                None => wrong.push(format!("{name}:{}: match {}", arm.line, arm.scrutinee)),
            }
        }
    }
    for row in RIGHT.iter().filter(|row| !needed.contains(row)) {
        wrong.push(format!("{}: no arm of `match {}` needs to be in RIGHT", row.0, row.1));
    }
    assert!(wrong.is_empty(), "arms for all the rest choose code:\n{}", wrong.join("\n"));
}

#[test]
fn wrong_arms_are_found() {
    const NONE: [usize; 0] = [];
    let found = |arms: &str| {
        let text = format!("    match data.opcode {{\n{arms}\n    }}\n");
        wrong_arms(&text, &kinds()).into_iter().map(|arm| arm.line).collect::<Vec<_>>()
    };
    assert_eq!(found("        Opcode::Fmin => min(cx),\n        _ => max(cx),"), [3]);
    assert_eq!(found("        (Opcode::Fmin, 8) => min(cx),\n        (_, size) if a => max(cx),"), [3]);
    assert_eq!(
        found(
            "        W16 => {\n            a();\n        }\n        size => {\n            b();\n        }"
        ),
        [5]
    );
    assert_eq!(found("        64 => a(),\n        _ => b(),"), [3]);
    assert_eq!(found("        Opcode::Fmin => min(cx),\n        other => unexpected(other),"), NONE);
    assert_eq!(found("        Opcode::Fmin => min(cx),\n        _ => None,"), NONE);
    assert_eq!(found("        Some(name) => min(cx),\n        _ => max(cx),"), NONE);
}
