//! The documentation of the language is complete, and its examples work.

use std::fs;
use std::path::Path;
use std::process::Command;

#[path = "scratch/mod.rs"]
mod scratch;
use scratch::Scratch;

fn clifc(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    let output = command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("clifc starts");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn the_reference_is_what_clifc_explains() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let (code, text) = clifc(&["explain", "--reference"]);
    assert_eq!(code, Some(0));
    if std::env::var_os("CLIFC_BLESS").is_some() {
        fs::write(&path, &text).expect("the reference can be written");
    }
    let written = fs::read_to_string(&path).expect("the reference");
    assert!(written == text, "docs/reference.md is out of date: run with CLIFC_BLESS=1");
}

#[test]
fn every_opcode_has_an_example_that_works() {
    let (_, list) = clifc(&["explain"]);
    let opcodes: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(opcodes.len() > 150);
    for opcode in opcodes {
        let (code, text) = clifc(&["explain", opcode]);
        assert_eq!(code, Some(0), "{opcode}");
        let example = text.split(&format!("    function %{opcode}(")).nth(1);
        let uses = example.is_some_and(|example| example.split([' ', '.', '\n']).any(|word| word == opcode));
        assert!(uses, "{opcode}: {text}");
    }
    let (code, text) = clifc(&["test", "docs/opcodes.clif"]);
    assert!(code == Some(0) && text.ends_with("2 passed, 0 failed, 0 skipped\n"), "{text}");
}

#[test]
fn other_words_are_explained() {
    for (word, part) in [
        ("slt", "slt: integer condition: the first is less"),
        ("tail", "tail: calling convention: supports tail calls"),
        ("int_divz", "int_divz: trap code: an integer was divided by zero"),
        ("notrap", "notrap: memory flag: the access does not trap"),
        ("f64x2", "f64x2: type: a vector"),
        ("iadd_imm", "iadd_imm: iadd with a constant as its second operand"),
        ("brnz", "brnz: with the jump after it: brif"),
        ("hidden", "hidden: word of a file: only files"),
        ("zero", "zero: word of a file: `zero 16`"),
        ("loc", "loc: word of a file: `loc @1 = 1:3:5`"),
        ("v0", "v0: declaration: `v2 = iadd v0, v1`"),
    ] {
        let (code, text) = clifc(&["explain", word]);
        assert!(code == Some(0) && text.starts_with(part), "{word}: {text}");
    }
    assert_eq!(clifc(&["explain", "iad"]).0, Some(2));
}

/// The language guide's programs: each block that begins with a comment of the form `; name.clif` is checked.
#[test]
fn the_guide_has_no_mistakes() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language.md"));
    let guide = guide.expect("the guide");
    let dir = Scratch::new("guide");
    let mut checked = 0;
    for (number, block) in guide.split("\n```").skip(1).step_by(2).enumerate() {
        let Some(text) = block.strip_prefix("clif\n") else { continue };
        let path = dir.join(format!("{number}.clif"));
        fs::write(&path, text).expect("a file");
        let path = path.to_str().expect("text");
        let output = Command::new(env!("CARGO_BIN_EXE_clifc")).args(["check", path]).output();
        let output = output.expect("clifc starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{text}\n{output:?}");
        checked += 1;
    }
    assert!(checked >= 8, "{checked}");
}
