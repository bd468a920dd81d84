//! The structure that ARCHITECTURE.md describes: modules use only those below them, cycles of files are
//! small, targets have the same files, and no file is too long to read.
//!
//! The layers are those of the map in ARCHITECTURE.md, which is read, not repeated here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that only some places may name.
const CONFINED: &[(&str, &[&str])] = &[
    ("object", &["src/object/"]),
    ("regalloc2", &["src/machine/reg.rs", "src/alloc/"]),
    ("capstone", &["src/object/"]),
    ("gimli", &["src/object/"]),
    ("md5", &["src/object/debug/"]),
    ("clap", &["src/cli/"]),
    ("signal_hook", &["src/temporary.rs"]),
    ("jobserver", &["src/cli/jobs.rs"]),
    ("indicatif", &["src/cli/"]),
    ("rusqlite", &["src/cache/store/sqlite.rs"]),
    ("sha2", &["src/cache/key.rs", "src/cache/remote/"]),
    ("hmac", &["src/cache/remote/pack.rs"]),
    ("opendal", &["src/cache/remote/client.rs"]),
    ("tokio", &["src/cache/remote/client.rs"]),
    ("rustc_apfloat", &["src/eval/float.rs"]),
];

const LONGEST_FILE: usize = 800;

/// The most words of ARCHITECTURE.md, so that it is read.
const LONGEST_ARCHITECTURE: usize = 1500;

/// The most files that may import each other in a cycle: what Rust's traits need of a context, what a target
/// supplies to it, and what is built on both.
const LARGEST_CYCLE: usize = 3;

fn architecture() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    fs::read_to_string(path).expect("ARCHITECTURE.md")
}

/// The modules of the crate from the bottom up: those of one layer do not use each other.
struct Layers(Vec<Vec<String>>);

impl Layers {
    /// The layers of a map: the rows of its table, whose first column has the names.
    fn parse(map: &str) -> Self {
        let table = map.split("\n|---|---|\n").nth(1).and_then(|rest| rest.split("\n\n").next());
        let rows = table.expect("a table").lines().map(|row| {
            let names = row.split('|').nth(1).expect("a first column").split('`').skip(1).step_by(2);
            names.map(|name| name.trim_end_matches('/').to_owned()).collect()
        });
        Layers(rows.collect())
    }

    /// The layers of the map in ARCHITECTURE.md.
    fn of_the_map() -> Self {
        let text = architecture();
        Layers::parse(text.split("\n## The map\n").nth(1).expect("the map"))
    }

    fn of(&self, module: &str) -> Option<usize> {
        self.0.iter().position(|layer| layer.iter().any(|name| name == module))
    }
}

/// Every Rust file of the package: path from its root, and text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for dir in ["src", "isa", "rules", "tests", "testsuite"] {
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

/// The module a file of `src/` belongs to.
fn module_of(file: &str) -> Option<&str> {
    let path = file.strip_prefix("src/")?;
    let module = path.split('/').next()?;
    Some(module.strip_suffix(".rs").unwrap_or(module)).filter(|module| *module != "lib")
}

/// The text without its comments and its unit tests, which may use what they like.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .fold(String::new(), |all, line| all + line + "\n")
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

fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the modules that a file uses.
fn wrong_uses(layers: &Layers, file: &str, text: &str) -> Vec<String> {
    let Some(module) = module_of(file) else { return Vec::new() };
    let Some(own) = layers.of(module) else {
        return vec![format!("{file}: the map in ARCHITECTURE.md lacks the module `{module}`")];
    };
    let used = ["crate::", "clifc::"].into_iter().flat_map(|prefix| words_after(text, prefix));
    let wrong = used
        .filter(|(_, used)| *used != module && layers.of(used).is_some_and(|layer| layer >= own))
        .map(|(line, used)| format!("{file}:{line}: `{module}` uses `{used}`, which is not below it"));
    wrong.collect()
}

#[test]
fn modules_use_only_those_below_them() {
    let layers = Layers::of_the_map();
    let files = sources();
    assert_none(files.iter().flat_map(|(file, text)| wrong_uses(&layers, file, text)).collect());
    let modules: BTreeSet<&str> = files.iter().filter_map(|(file, _)| module_of(file)).collect();
    let unknown = layers.0.iter().flatten().filter(|name| !modules.contains(name.as_str()));
    assert_none(unknown.map(|name| format!("the map has `{name}`, which is no module")).collect());
}

#[test]
fn the_map_decides() {
    let layers = Layers::parse("\n| where | what |\n|---|---|\n| `a`, `b/` | x |\n| `c` | `d` |\n\n| `e` |");
    assert_eq!(layers.0, [vec!["a", "b"], vec!["c"]]);
    let count = |file: &str, text: &str| wrong_uses(&layers, file, text).len();
    assert_eq!(count("src/c.rs", "use crate::a::X;"), 0);
    assert_eq!(count("src/a.rs", "use crate::c::X;"), 1);
    assert_eq!(count("src/a/x.rs", "use crate::b::X;"), 1);
    assert_eq!(count("src/d/x.rs", ""), 1);
}

#[test]
fn architecture_is_short() {
    let words = architecture().split_whitespace().count();
    assert!(words <= LONGEST_ARCHITECTURE, "ARCHITECTURE.md has {words} words");
}

/// Modules whose header has a table of files list all of them.
#[test]
fn tables_of_files_are_complete() {
    let (mut tables, mut wrong) = (0, Vec::new());
    for (file, text) in sources() {
        let header: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        if !header.contains("| file |") {
            continue;
        }
        tables += 1;
        let has = |name: &str| {
            [format!("`{name}`"), format!("`{name}/`")].iter().any(|as_in| header.contains(as_in))
        };
        let code = code_of(&text);
        for (_, name) in words_after(&code, "mod ").filter(|(_, name)| code.contains(&format!("mod {name};")))
        {
            if !has(name) && name != "tests" {
                wrong.push(format!("{file}: the table of files lacks `{name}`"));
            }
        }
    }
    assert!(tables > 10, "only {tables} tables are found");
    assert_none(wrong);
}

#[test]
fn targets_do_not_use_each_other() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some((own, _)) = file.strip_prefix("src/arch/").and_then(|path| path.split_once('/')) else {
            continue;
        };
        for (line, used) in words_after(&text, "crate::arch::") {
            if ["x86_64", "aarch64", "s390x"].contains(&used) && used != own {
                wrong.push(format!("{file}:{line}: {own} uses {used}"));
            }
        }
    }
    assert_none(wrong);
}

/// Files that some targets have and others don't, each with the reason.
const FILES_OF_SOME: &[(&str, &[&str])] = &[
    // Conditional comparisons, by which comparisons joined by `and` and `or` are one condition.
    ("lower/chain.rs", &["aarch64"]),
    // Instructions that rotate, mask and insert in one, for chains of shifts and masks.
    ("lower/field.rs", &["s390x"]),
    // Two forms of each instruction on vectors, with and without AVX.
    ("lower/vector/ops.rs", &["x86_64"]),
    // Sequences with a branch inside, where aarch64 has an instruction.
    ("pseudo/float.rs", &["s390x", "x86_64"]),
];

/// Who mends one thing on all targets opens files of the same name.
#[test]
fn targets_have_the_same_files() {
    let mut targets_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut targets = BTreeSet::new();
    for (file, _) in sources() {
        let Some((target, name)) = file.strip_prefix("src/arch/").and_then(|path| path.split_once('/'))
        else {
            continue;
        };
        targets.insert(target.to_owned());
        targets_of.entry(name.to_owned()).or_default().insert(target.to_owned());
    }
    assert!(targets.len() >= 3 && targets_of.contains_key("lower/divide.rs"), "targets are found");
    let expected = |file: &str| match FILES_OF_SOME.iter().find(|(name, _)| *name == file) {
        Some((_, some)) => some.iter().map(|&target| target.to_owned()).collect(),
        None => targets.clone(),
    };
    let mut wrong = Vec::new();
    for (name, found) in &targets_of {
        if *found != expected(name) {
            wrong.push(format!("{name} is there for {found:?}, but should be for {:?}", expected(name)));
        }
    }
    for (name, _) in FILES_OF_SOME {
        if !targets_of.contains_key(*name) {
            wrong.push(format!("{name} is an exception that no target needs"));
        }
    }
    assert_none(wrong);
}

#[test]
fn crates_stay_where_they_belong() {
    let layers = Layers::of_the_map();
    let mut wrong = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| file.starts_with("src/")) {
        let code = code_of(&text);
        for (name, places) in CONFINED {
            // A path in code may also begin with a module of ours that has the crate's name.
            let inline =
                layers.of(name).is_none() && words_after(&code, &format!("{name}::")).next().is_some();
            let used = inline || code.contains(&format!("use {name}::"));
            if used && !places.iter().any(|place| file.starts_with(place)) {
                wrong.push(format!("{file} uses the crate `{name}`"));
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn files_can_be_read_in_one_go() {
    let long = sources().into_iter().filter_map(|(file, text)| {
        let lines = text.lines().count();
        (lines > LONGEST_FILE).then(|| format!("{file} has {lines} lines"))
    });
    assert_none(long.collect());
}

/// The file of a module path, of which the last words may be items.
fn file_of<'a>(files: &'a BTreeSet<String>, root: &str, words: &[&str]) -> Option<&'a String> {
    (1..=words.len()).rev().find_map(|count| {
        let path = format!("{root}{}", words[..count].join("/"));
        files.get(&format!("{path}.rs")).or_else(|| files.get(&format!("{path}/mod.rs")))
    })
}

/// Every path that a `use` names, with its braces multiplied out.
fn used_paths(code: &str) -> Vec<Vec<String>> {
    fn expand(prefix: &[String], tree: &str, all: &mut Vec<Vec<String>>) {
        let (mut depth, mut start) = (0, 0);
        for (at, c) in tree.char_indices().chain([(tree.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    let item = tree[start..at].trim();
                    let (path, rest) =
                        item.split_once('{').map_or((item, None), |(path, rest)| (path, Some(rest)));
                    let words = path.split("::").map(|word| word.split(" as ").next().unwrap_or(word).trim());
                    let mut path = prefix.to_vec();
                    path.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
                    match rest {
                        Some(rest) => expand(&path, rest.trim_end().trim_end_matches('}'), all),
                        None => all.push(path),
                    }
                    start = at + 1;
                }
                _ => {}
            }
        }
    }
    let mut all = Vec::new();
    for statement in code.split(';') {
        if let Some((_, tree)) = format!("\n{statement}").split_once("\nuse ") {
            expand(&[], &tree.replace('\n', " "), &mut all);
        }
    }
    all
}

/// For each file below `root`, the files it imports. A directory's own `mod.rs` is not counted as imported by
/// what is in it by way of `super::*`: it holds what its files share.
fn imports(root: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources: Vec<_> = sources().into_iter().filter(|(file, _)| file.starts_with(root)).collect();
    let files: BTreeSet<String> = sources.iter().map(|(file, _)| file.clone()).collect();
    let mut graph = BTreeMap::new();
    for (file, text) in &sources {
        let own: Vec<&str> =
            file[root.len()..].trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect();
        let mut imported = BTreeSet::new();
        for path in used_paths(&code_of(text)) {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            let supers = words.iter().take_while(|word| **word == "super").count();
            let full: Vec<&str> = match words[0] {
                "crate" => words[1..].to_vec(),
                "super" if supers <= own.len() => [&own[..own.len() - supers], &words[supers..]].concat(),
                _ => [&own[..], &words[..]].concat(),
            };
            imported.extend(file_of(&files, root, &full).filter(|used| *used != file).cloned());
        }
        graph.insert(file.clone(), imported);
    }
    graph
}

/// Groups of files of which each reaches the others, found by a search from every file.
fn cycles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<&String>> {
    fn reachable<'a>(
        graph: &'a BTreeMap<String, BTreeSet<String>>,
        from: &'a String,
    ) -> BTreeSet<&'a String> {
        let (mut seen, mut stack) = (BTreeSet::new(), vec![from]);
        while let Some(file) = stack.pop() {
            stack.extend(graph[file].iter().filter(|next| seen.insert(*next)));
        }
        seen
    }
    let reach: BTreeMap<_, _> = graph.keys().map(|file| (file, reachable(graph, file))).collect();
    let mut groups: BTreeSet<Vec<&String>> = BTreeSet::new();
    for file in graph.keys().filter(|file| reach[*file].contains(*file)) {
        groups.insert(reach[file].iter().copied().filter(|other| reach[*other].contains(file)).collect());
    }
    groups.into_iter().collect()
}

#[test]
fn cycles_of_files_are_small() {
    let mut wrong = Vec::new();
    for root in ["src/", "isa/gen/", "rules/gen/"] {
        let graph = imports(root);
        assert!(
            graph.values().map(BTreeSet::len).sum::<usize>() >= graph.len(),
            "imports of {root} are found"
        );
        for cycle in cycles(&graph).into_iter().filter(|cycle| cycle.len() > LARGEST_CYCLE) {
            wrong.push(format!("a cycle of {} files: {cycle:?}", cycle.len()));
        }
    }
    assert_none(wrong);
}
