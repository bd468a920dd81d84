//! The house keeps its shape: modules use only those below them, and no file grows beyond reading.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the bottom up; those of one row do not use each other.
const LAYERS: &[&[&str]] = &[
    &["entity", "diag", "timing"],
    &["options"],
    &["ir"],
    &["parse", "analysis"],
    &["verify", "opt", "interp"],
    &["check", "mach"],
    &["target"],
    &["object", "cache", "pipeline"],
    &["driver"],
    &["filetest"],
    &["main", "cli"],
];

/// Crates that only some places may name.
const CONFINED: &[(&str, &[&str])] = &[
    ("object", &["src/object/"]),
    ("regalloc2", &["src/mach/", "src/target/", "src/pipeline.rs"]),
    ("capstone", &["src/object/"]),
    ("gimli", &["src/object/"]),
    ("clap", &["src/cli/"]),
    ("indicatif", &["src/cli/"]),
    ("rusqlite", &["src/cache/store.rs"]),
    ("sha2", &["src/cache/key.rs"]),
];

const LONGEST_FILE: usize = 800;

/// Every Rust file of the package: path from its root, and text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for dir in ["src", "isa", "tests", "testsuite"] {
        collect(&root.join(dir), &mut files);
    }
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("below the root").display().to_string();
        (name, fs::read_to_string(&path).expect("a source file"))
    };
    files.into_iter().map(read).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The module a file of `src/` belongs to.
fn module_of(file: &str) -> Option<&str> {
    let path = file.strip_prefix("src/")?;
    let module = path.split('/').next()?;
    Some(module.strip_suffix(".rs").unwrap_or(module)).filter(|module| *module != "lib")
}

/// Words that follow `prefix` in code: comments are left out.
fn words_after<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).flat_map(
        move |(n, line)| {
            line.match_indices(prefix).filter_map(move |(at, _)| {
                let part_of_a_word =
                    line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                let rest = &line[at + prefix.len()..];
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                (!part_of_a_word && end > 0).then_some((n + 1, &rest[..end]))
            })
        },
    )
}

#[test]
fn modules_use_only_those_below_them() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(module) = module_of(&file) else { continue };
        let Some(own) = layer(module) else {
            wrong.push(format!("{file}: the module `{module}` has no layer"));
            continue;
        };
        for prefix in ["crate::", "clifc::"] {
            for (line, used) in words_after(&text, prefix) {
                if layer(used).is_some_and(|layer| layer >= own && used != module) {
                    wrong.push(format!("{file}:{line}: `{module}` uses `{used}`, which is not below it"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn targets_do_not_use_each_other() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some((own, _)) = file.strip_prefix("src/target/").and_then(|path| path.split_once('/')) else {
            continue;
        };
        for (line, used) in words_after(&text, "crate::target::") {
            if ["x86_64", "aarch64", "s390x"].contains(&used) && used != own {
                wrong.push(format!("{file}:{line}: {own} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| file.starts_with("src/")) {
        for (name, places) in CONFINED {
            let used = text.lines().any(|line| line.trim_start().starts_with(&format!("use {name}::")));
            if used && !places.iter().any(|place| file.starts_with(place)) {
                wrong.push(format!("{file} uses the crate `{name}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_can_be_read_in_one_go() {
    let long = sources().into_iter().filter_map(|(file, text)| {
        let lines = text.lines().count();
        (lines > LONGEST_FILE).then(|| format!("{file} has {lines} lines"))
    });
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
