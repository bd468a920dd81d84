//! No line of code, comments or prose is too long to read.

use std::fs;
use std::path::{Path, PathBuf};

/// The maximum length of a line in characters.
const LONGEST_LINE: usize = 110;

/// Where lines are checked.
const CHECKED: &[&str] = &[
    "ARCHITECTURE.md",
    "README.md",
    "bench/src",
    "docs",
    "filetests",
    "isa",
    "rules",
    "scripts",
    "src",
    "tests",
    "testsuite",
];

/// Macros whose invocations are tables with long rows, with their files.
const TABLES: &[(&str, &str)] = &[("src/ir/opcode.rs", "opcodes! {")];

/// Files and directories that still have longer lines, to be emptied.
const UNFINISHED: &[&str] = &[];

/// The kind of a file, which determines the lines that are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All lines are checked, except those of tables.
    Code,
    /// Comments are checked; the other lines are rows of tables.
    Rows,
    /// Lines outside of tables, code blocks and links are checked.
    Prose,
}

/// The kind of a file, by its name; `None` if it is not checked.
fn kind(path: &Path) -> Option<Kind> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs" | "sh") => Some(Kind::Code),
        None if path.parent().is_some_and(|parent| parent.ends_with("scripts")) => Some(Kind::Code),
        Some("inst" | "rules") => Some(Kind::Rows),
        Some("md") => Some(Kind::Prose),
        _ => None,
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.for_each(|entry| collect(&entry.expect("an entry").path(), files)),
        Err(_) if path.is_file() => files.push(path.to_owned()),
        Err(_) => {}
    }
}

/// The numbers and lengths of the lines that are too long.
fn long_lines(name: &str, kind: Kind, text: &str) -> Vec<(usize, usize)> {
    let table = TABLES.iter().find(|(file, _)| *file == name).map(|(_, start)| *start);
    let (mut in_table, mut in_code_block) = (false, false);
    let mut long = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        in_table = (in_table && line != "}") || table.is_some_and(|start| line == start);
        in_code_block ^= line.starts_with("```");
        let is_checked = match kind {
            Kind::Code => !in_table,
            Kind::Rows => line.starts_with('#'),
            Kind::Prose => {
                let is_code = in_code_block || line.starts_with("    ");
                !is_code && !line.starts_with('|') && !line.contains("://")
            }
        };
        let length = line.chars().count();
        if is_checked && length > LONGEST_LINE {
            long.push((number, length));
        }
    }
    long
}

#[test]
fn lines_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    CHECKED.iter().for_each(|path| collect(&root.join(path), &mut files));
    files.sort();
    assert!(files.len() > 100, "the files are found");
    let mut long = Vec::new();
    let mut unfinished = vec![0; UNFINISHED.len()];
    for file in files {
        let Some(kind) = kind(&file) else { continue };
        let name = file.strip_prefix(root).expect("below the root").display().to_string();
        let text = fs::read_to_string(&file).expect("a text file");
        let lines = long_lines(&name, kind, &text);
        if let Some(at) = UNFINISHED.iter().position(|path| name.starts_with(path)) {
            unfinished[at] += lines.len();
            continue;
        }
        long.extend(
            lines.into_iter().map(|(number, length)| format!("{name}:{number}: {length} characters")),
        );
    }
    for (path, count) in UNFINISHED.iter().zip(unfinished) {
        println!("{path}: {count} lines are too long");
        assert!(count > 0, "{path} has no long lines: remove it from UNFINISHED");
    }
    assert!(long.is_empty(), "longer than {LONGEST_LINE} characters:\n{}", long.join("\n"));
}

#[test]
fn long_lines_are_found() {
    let long = "x".repeat(LONGEST_LINE + 1);
    let found = |name, kind, text: String| {
        long_lines(name, kind, &text).into_iter().map(|(number, _)| number).collect::<Vec<_>>()
    };
    assert_eq!(found("a.rs", Kind::Code, format!("fn\n// {long}\n")), [2]);
    assert_eq!(found("src/ir/opcode.rs", Kind::Code, format!("opcodes! {{\n{long}\n}}\n{long}\n")), [4]);
    assert_eq!(found("a.inst", Kind::Rows, format!("{long}\n# {long}\n")), [2]);
    assert_eq!(found("a.md", Kind::Prose, format!("| {long}\n    {long}\n```\n{long}\n```\n{long}\n")), [6]);
}
