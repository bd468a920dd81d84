//! `docs/coverage.md` says of every opcode and type whether each target compiles it, and if not, why.
//!
//! `CLIFC_BLESS=1 cargo test --test matrix` writes the file. It is made by compiling a function for every
//! pair, with the settings that most processors of a target have and without any: both must agree.

use clifc::diag::{Severity, Source};
use clifc::driver::{self, BuildOptions, Observer, Session};
use clifc::ir::{Opcode, Type, types};
use clifc::options::{Arch, Flags, Kind, SETTINGS, Target};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

#[path = "catalogue/mod.rs"]
mod catalogue;

use catalogue::functions::{Generated, has_template, module};

/// The types: all scalars, all vectors of up to 128 bits, and of larger and dynamic ones one of each kind.
fn all_types() -> Vec<Type> {
    let names = [
        "i8", "i16", "i32", "i64", "i128", "f16", "f32", "f64", "f128", "i8x16", "i16x8", "i32x4", "i64x2",
        "f16x8", "f32x4", "f64x2", "i8x2", "i8x4", "i8x8", "i16x2", "i16x4", "i32x2", "f32x2", "f16x2",
        "f16x4", "i32x8", "f64x4", "i32x4xN", "f32x4xN",
    ];
    names.map(|name| Type::parse(name.as_bytes()).expect("a type")).to_vec()
}

/// Why each function that a target refuses is refused, by index.
fn refusals(arch: Arch, text: &str, functions: &[Generated], extensions: bool) -> BTreeMap<usize, String> {
    let target = Target::of(arch);
    let mut flags = Flags::new(&target);
    let of_arch = SETTINGS.iter().filter(|setting| setting.arch == Some(arch) && setting.kind == Kind::Bool);
    let extensions = of_arch.map(|setting| setting.name).filter(|_| extensions);
    let required = ["preserve_frame_pointers", "enable_pinned_reg", "tls_model=elf_gd"];
    for setting in required.into_iter().chain(extensions) {
        flags.apply(setting).expect("a known setting");
    }
    let options = BuildOptions::new(target, flags);
    let source = Source { name: "matrix.clif", text: text.as_bytes() };
    let built = driver::build_in(&Session::new(0), &source, &options, &Observer::NONE);
    let (mut reasons, mut wrong) = (BTreeMap::new(), Vec::new());
    for diagnostic in built.err().into_iter().flatten() {
        let index = functions.partition_point(|function| function.at <= diagnostic.offset) - 1;
        let line = text[diagnostic.offset..].lines().next().unwrap_or_default();
        if diagnostic.severity != Severity::Unsupported {
            wrong.push(format!("{line}: {}", diagnostic.message));
        }
        let reason = diagnostic.message.replace(&format!(" on {arch}"), "").replace(" yet", "");
        reasons.entry(index).or_insert(reason);
    }
    assert!(wrong.is_empty(), "the generated functions are wrong:\n{}", wrong.join("\n"));
    reasons
}

/// What the targets do with a function: for each, why it is refused.
type Status = [Option<String>; 3];

/// A reason without the names of types and opcodes, which the row of the table has.
fn general(reason: &str) -> String {
    let kind = |word: &str| match Type::parse(word.as_bytes()) {
        Some(_) => "T".to_owned(),
        None if clifc::ir::opcode::ALL.iter().any(|opcode| opcode.name() == word) => "this".to_owned(),
        None => word.to_owned(),
    };
    reason.split(' ').map(kind).collect::<Vec<_>>().join(" ")
}

fn statuses(text: &str, functions: &[Generated]) -> Vec<Status> {
    let refused = Arch::ALL.map(|arch| {
        let with = refusals(arch, text, functions, true);
        let without = refusals(arch, text, functions, false);
        assert_eq!(with, without, "{arch}: extensions decide whether something compiles");
        with
    });
    (0..functions.len()).map(|index| refused.each_ref().map(|reasons| reasons.get(&index).cloned())).collect()
}

/// The names of the types of a function: the controlling one, and the first operand's if it differs.
fn type_names(function: &Generated, with_operand: bool) -> String {
    match (function.ctrl, function.args.first()) {
        (types::INVALID, _) => "-".to_owned(),
        (ctrl, Some(&first)) if with_operand && first != ctrl => format!("{ctrl} of {first}"),
        (ctrl, _) => ctrl.to_string(),
    }
}

/// The rows of the table: for each opcode and each status that it has on some types, these types.
fn rows(functions: &[Generated], statuses: &[Status]) -> Vec<(Opcode, Status, Vec<String>)> {
    let general = |status: &Status| status.each_ref().map(|reason| reason.as_deref().map(general));
    let mut rows: Vec<(Opcode, Status, Vec<String>)> = Vec::new();
    for (function, status) in functions.iter().zip(statuses) {
        let same = |other: &Generated| other.opcode == function.opcode && other.ctrl == function.ctrl;
        let alike = functions.iter().zip(statuses).filter(|(other, _)| same(other));
        let differ = alike.into_iter().any(|(_, other)| general(other) != general(status));
        let (name, status) = (type_names(function, differ), general(status));
        match rows.iter_mut().find(|row| row.0 == function.opcode && row.1 == status) {
            Some(row) if row.2.contains(&name) => {}
            Some(row) => row.2.push(name),
            None => rows.push((function.opcode, status, vec![name])),
        }
    }
    rows
}

fn document() -> String {
    let (text, functions) = module(&all_types());
    let statuses = statuses(&text, &functions);
    let refused = |arch: usize| statuses.iter().filter(|status| status[arch].is_some()).count();
    let mut out = "# What each target compiles\n\n\
        Made by `tests/matrix.rs`, which compiles a function for every opcode on every type: scalars,\n\
        vectors of up to 128 bits, and of larger and dynamic vectors one of each kind.\n\
        `CLIFC_BLESS=1 cargo test --test matrix` writes it again. In reasons, T is the type of the row.\n\
        The same compiles with and without instruction set extensions.\n\n"
        .to_owned();
    writeln!(
        out,
        "Of {} variants of instructions, {} are refused on x86_64, {} on aarch64, {} on s390x.\n",
        functions.len(),
        refused(0),
        refused(1),
        refused(2),
    )
    .expect("writing to a string");
    let templates: Vec<&str> = clifc::ir::opcode::ALL
        .iter()
        .filter(|&&opcode| has_template(opcode))
        .map(|opcode| opcode.name())
        .collect();
    writeln!(out, "Not in the table are opcodes of control flow and calls:\n{}.\n", wrapped(&templates))
        .expect("writing to a string");
    out.push_str("| opcode | types | compiles |\n|---|---|---|\n");
    for (opcode, status, types) in rows(&functions, &statuses) {
        let verdict = |reason: &Option<String>| match reason {
            Some(why) => format!("no: {why}"),
            None => "yes".to_owned(),
        };
        let verdicts = match status.iter().all(|other| *other == status[0]) {
            true => verdict(&status[0]),
            false => {
                let each = Arch::ALL
                    .iter()
                    .zip(&status)
                    .map(|(arch, reason)| format!("{arch}: {}", verdict(reason)));
                each.collect::<Vec<_>>().join("; ")
            }
        };
        writeln!(out, "| {} | {} | {verdicts} |", opcode.name(), types.join(", "))
            .expect("writing to a string");
    }
    out
}

/// Words in lines of up to 100 characters.
fn wrapped(words: &[&str]) -> String {
    let (mut out, mut length) = (String::new(), 0);
    for (n, word) in words.iter().enumerate() {
        let separator = match length {
            _ if n == 0 => "",
            0..=85 => ", ",
            _ => ",\n",
        };
        length = if separator == ",\n" { 0 } else { length + separator.len() } + word.len() + 2;
        write!(out, "{separator}`{word}`").expect("writing to a string");
    }
    out
}

#[test]
fn the_matrix_is_what_the_targets_compile() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coverage.md");
    let text = document();
    if std::env::var_os("CLIFC_BLESS").is_some() {
        fs::write(&path, &text).expect("the matrix can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/coverage.md is out of date: run with CLIFC_BLESS=1");
}
