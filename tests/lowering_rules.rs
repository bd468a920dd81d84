//! Every lowering rule is used by some test file, on the target that it belongs to.
//!
//! A rule is a name that code passes to `rule!`, which `--trace-rules` counts. The test compiles all files of
//! `filetests/` and `testsuite/`, for the targets and with the settings that they name.

use clifc::diag::Source;
use clifc::driver::{self, BuildOptions, Observer, Session};
use clifc::options::{Arch, Flags, Target};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rules that no test file uses, with the reason.
const UNUSED: &[(&str, &str)] = &[];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(dir: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => collect(&path, extension, files),
            false if path.extension().is_some_and(|found| found == extension) => files.push(path),
            false => {}
        }
    }
}

/// The rules in the source: of each name, the targets on which it is to be used; all of them for a rule of
/// the shared part, where one is enough.
fn rules() -> BTreeMap<String, BTreeSet<Option<&'static str>>> {
    let mut files = Vec::new();
    collect(&root().join("src"), "rs", &mut files);
    let mut rules: BTreeMap<String, BTreeSet<Option<&'static str>>> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        let path = file.strip_prefix(root()).expect("below the root").display().to_string();
        let arch = Arch::ALL.into_iter().find(|arch| path.starts_with(&format!("src/arch/{arch}/")));
        for (at, start) in text.match_indices("rule!(") {
            let Some(call) = text[at + start.len()..].split(')').next() else { continue };
            let Some((_, rest)) = call.split_once(", \"") else { continue };
            let name = rest.trim_end().trim_end_matches(',').trim_end_matches('"');
            rules.entry(name.to_owned()).or_default().insert(arch.map(Arch::name));
        }
    }
    rules
}

/// The targets that a file is for, each with its settings.
fn targets(text: &str) -> Vec<(Target, Flags)> {
    let mut settings: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines().take_while(|line| !line.contains('{')) {
        let mut words = line.split(';').next().unwrap_or_default().split_whitespace();
        match words.next() {
            Some("set") => settings.extend(words),
            Some("target") => {
                let target = words.next().and_then(|name| Target::parse(name).ok());
                let all = settings.iter().copied().chain(words).collect::<Vec<_>>();
                lines.extend(target.map(|target| (target, all)));
            }
            _ => {}
        }
    }
    if lines.is_empty() {
        lines.extend(Arch::ALL.map(|arch| (Target::of(arch), settings.clone())));
    }
    let flags = |(target, settings): (Target, Vec<&str>)| {
        let mut flags = Flags::new(&target);
        let known = settings.into_iter().all(|setting| flags.apply_where_known(setting).is_ok());
        known.then_some((target, flags))
    };
    lines.into_iter().filter_map(flags).collect()
}

/// The rules that a file uses on each target. Files with errors, which are tests of these, use none.
fn used_by(file: &Path) -> BTreeSet<(&'static str, String)> {
    let text = fs::read(file).expect("a test file");
    let mut used = BTreeSet::new();
    for (target, flags) in targets(&String::from_utf8_lossy(&text)) {
        let arch = target.arch();
        let options = BuildOptions { trace_rules: true, ..BuildOptions::new(target, flags) };
        let source = Source { name: "rules.clif", text: &text };
        if let Ok(build) = driver::build_in(&Session::new(1), &source, &options, &Observer::NONE) {
            used.extend(build.rules.into_keys().map(|name| (arch.name(), name.to_string())));
        }
    }
    used
}

#[test]
fn every_rule_is_used_by_a_test() {
    let mut files = Vec::new();
    collect(&root().join("filetests"), "clif", &mut files);
    collect(&root().join("testsuite"), "clif", &mut files);
    assert!(files.len() > 100, "the files are found");
    let used: BTreeSet<(&'static str, String)> =
        files.par_iter().map(|file| used_by(file)).reduce(BTreeSet::new, |mut all: BTreeSet<_>, more| {
            all.extend(more);
            all
        });
    let rules = rules();
    assert!(rules.len() > 100, "the rules are found");
    let mut wrong = Vec::new();
    for (name, places) in &rules {
        for place in places {
            let is_used =
                used.iter().any(|(arch, used)| used == name && place.is_none_or(|place| place == *arch));
            let excused = UNUSED.iter().any(|(unused, _)| unused == name);
            match (is_used, excused) {
                (true, true) => wrong.push(format!("{name} is used: remove it from UNUSED")),
                (false, false) => {
                    wrong.push(format!("{name} is not used on {}", place.unwrap_or("any target")));
                }
                (true, false) | (false, true) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} rules:\n{}", wrong.len(), wrong.join("\n"));
}
