//! The cache: whatever happens to it, objects are the same as without it.

mod keys;
mod processes;
#[cfg(feature = "remote")]
mod remote;
#[cfg(feature = "remote")]
mod servers;
mod sessions;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clifc::options::Arch;

/// A xorshift generator: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A new empty directory.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("an old directory can go");
    }
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

fn targets() -> impl Iterator<Item = &'static str> {
    Arch::ALL.into_iter().map(Arch::name)
}

/// A file with `count` functions that call `callee`; they differ from those of other seeds.
fn program(count: u64, seed: u64, prefix: &str, callee: &str) -> String {
    let function = |number: u64| {
        let constant = seed * 1000 + number;
        format!(
            "function %{prefix}{number}(i64, i64) -> i64 {{\n    \
             ss0 = explicit_slot 16\n    fn0 = %{callee}(i64) -> i64\n\
             block0(v0: i64, v1: i64):\n    v2 = iconst.i64 {constant}\n    v3 = imul v0, v2\n    \
             stack_store v3, ss0+8\n    v4 = call fn0(v1)\n    v5 = icmp ult v4, v0\n    \
             brif v5, block1, block2(v4)\n\
             block1:\n    v6 = stack_load.i64 ss0+8\n    jump block2(v6)\nblock2(v7: i64):\n    \
             v8 = bxor v7, v3\n    return v8\n}}\n"
        )
    };
    (0..count).map(function).collect()
}

/// Runs `clifc build FILE` in a directory, writing FILE.o.
fn build(directory: &Path, file: &str, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    command.arg("build").args(options).arg(file).arg("-o").arg(format!("{file}.o"));
    command.current_dir(directory).env_remove("CLIFC_CACHE_DIR").output().expect("clifc starts")
}

/// Builds a file, and returns the object and the output.
fn built(directory: &Path, text: &str, options: &[&str]) -> (Vec<u8>, String) {
    fs::write(directory.join("file.clif"), text).expect("a file");
    let output = build(directory, "file.clif", options);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{printed}");
    (fs::read(directory.join("file.clif.o")).expect("an object"), printed)
}

/// A line of `--cache-stats`.
fn count(printed: &str, what: &str) -> u64 {
    let line = printed.lines().find_map(|line| line.strip_prefix(&format!("cache {what}")));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("no {what} in {printed}"))
}

#[test]
fn what_is_found_makes_the_same_object() {
    for target in targets() {
        let directory = directory(&format!("same_{target}"));
        let (cold, renamed) = (program(50, 1, "f", "g"), program(50, 1, "other", "import"));
        let plain = |text| built(&directory, text, &["--target", target]).0;
        let cached = |text| built(&directory, text, &["--target", target, "--cache=store", "--cache-stats"]);
        let (object, printed) = cached(&cold);
        assert_eq!((object, count(&printed, "compiled")), (plain(&cold), 50));
        let (object, printed) = cached(&cold);
        assert_eq!((object, count(&printed, "found by text")), (plain(&cold), 50));
        let (object, printed) = cached(&renamed);
        assert_eq!((object, count(&printed, "found by stencil")), (plain(&renamed), 50));
        let edited = cold.replace("1025", "77");
        let (object, printed) = cached(&edited);
        assert_eq!((object, count(&printed, "compiled")), (plain(&edited), 1));
    }
}

#[test]
fn equal_stencils_are_compiled_once() {
    let directory = directory("equal");
    let text = program(1, 1, "a", "g") + &program(1, 1, "b", "h") + &program(1, 1, "c", "g");
    let (object, printed) = built(&directory, &text, &["--cache=store", "--cache-stats"]);
    assert_eq!((count(&printed, "compiled"), count(&printed, "shared")), (1, 2));
    assert_eq!(object, built(&directory, &text, &[]).0);
}

#[test]
fn other_settings_and_targets_miss() {
    let directory = directory("settings");
    let text = program(5, 1, "f", "g");
    for options in
        [&[][..], &["-O", "speed"], &["--set", "preserve_frame_pointers=true"], &["--set", "is_pic=false"]]
    {
        let options = [options, &["--target", "x86_64", "--cache=store", "--cache-stats"]].concat();
        assert_eq!(count(&built(&directory, &text, &options).1, "compiled"), 5, "{options:?}");
        assert_eq!(count(&built(&directory, &text, &options).1, "compiled"), 0, "{options:?}");
    }
}

#[test]
fn types_are_part_of_what_names_them() {
    let directory = directory("types");
    let text = |types: &str| {
        format!("{types}\nfunction %f(:t) -> :t system_v {{\nblock0(v0: i64):\n    return v0\n}}\n")
    };
    let options = ["--target", "x86_64", "--cache=store", "--cache-stats"];
    let same = [text("type :t = { i64, i64 }"), text("type :t = { i64[2] }"), text("type :t = { i64[2] }")];
    let other = text("type :t = { f64, i64 }");
    let printed = same.each_ref().map(|text| built(&directory, text, &options).1);
    assert_eq!(printed.each_ref().map(|printed| count(printed, "compiled")), [1, 0, 0]);
    assert_eq!(printed.each_ref().map(|printed| count(printed, "found by stencil")), [0, 1, 0]);
    let (object, printed) = built(&directory, &other, &options);
    assert_eq!(count(&printed, "compiled"), 1);
    assert_eq!(object, built(&directory, &other, &["--target", "x86_64"]).0);
}

#[test]
fn debug_information_compiles_nothing_again() {
    let directory = directory("debug");
    let code = program(20, 1, "f", "g").replace("    v3 = imul", "@7  v3 = imul");
    let text = |before: &str, line: u32, name: &str, code: &str| {
        let source: String =
            (0..20).map(|number| format!("source variable %f{number} \"{name}\" t1 @7 = v3\n")).collect();
        let types = "source type t1 = int \"long\" 8\n";
        format!("{before}file 1 \"a.lang\"\nloc @7 = 1:{line}:3\nloc @8 = 1:9\n{types}{source}{code}")
    };
    let first = text("", 5, "x", &code);
    let options = ["--target", "x86_64", "-g", "--cache=store", "--cache-stats"];
    assert_eq!(count(&built(&directory, &first, &options).1, "compiled"), 20);
    let moved_in_function = code.replace("@7  v3", "@8  v3");
    for (what, changed, found) in [
        ("moved", text("; a\n\n; b\n", 5, "x", &code), "found by text"),
        ("other lines", text("", 6, "x", &code), "found by text"),
        ("other names", text("", 5, "y", &code), "found by text"),
        ("other positions", text("", 5, "x", &moved_in_function), "found by stencil"),
    ] {
        let (object, printed) = built(&directory, &changed, &options);
        assert_eq!((count(&printed, "compiled"), count(&printed, found)), (0, 20), "{what}: {printed}");
        assert_eq!(object, built(&directory, &changed, &options[..3]).0, "{what}");
        // What is described is the front end's source, whose lines do not move with the CLIF.
        let is_same = object == built(&directory, &first, &options[..3]).0;
        assert_eq!(is_same, what == "moved", "{what}");
    }
}

#[test]
fn inlined_functions_have_their_positions_now() {
    let directory = directory("inlined");
    let leaf =
        "local function %leaf(i64) -> i64 {\nblock0(v0: i64):\n@7  v1 = load.i64 v0\n@8  return v1\n}\n";
    let middle = "function %middle(i64) -> i64 {\n    fn0 = %leaf(i64) -> i64\n\
        block0(v0: i64):\n    v1 = call fn0(v0)\n@7  v2 = call fn0(v1)\n    return v2\n}\n";
    let code = program(20, 1, "f", "middle").replace("fn0 = %middle", "fn0 = colocated %middle");
    let first = format!("{leaf}{middle}{code}");
    let longer = leaf.replace("block0", "\n; a comment\nblock0");
    let located = leaf.replace("@7", "@8");
    let options = ["--target", "x86_64", "-O", "speed", "-g", "--cache=store", "--cache-stats"];
    for items in ["", "file 1 \"a.lang\"\nloc @7 = 1:5:3\nloc @8 = 1:9\n"] {
        built(&directory, &format!("{items}{first}"), &options);
        for (what, changed, found) in [
            ("moved", format!("{items}\n; a\n{middle}{code}{leaf}"), "found by text"),
            ("a line in an inlined function", format!("{items}{longer}{middle}{code}"), "found by stencil"),
            ("other locations", format!("{items}{located}{middle}{code}"), "found by stencil"),
        ] {
            let (object, printed) = built(&directory, &changed, &options);
            assert_eq!((count(&printed, "compiled"), count(&printed, found)), (0, 22), "{what}: {printed}");
            assert_eq!(object, built(&directory, &changed, &options[..5]).0, "{what}");
        }
    }
}

#[test]
fn a_function_that_fails_is_no_entry() {
    let directory = directory("fails");
    let wrong = program(2, 1, "f", "g") + "function %h() -> i32 {\nblock0:\n    return\n}\n";
    fs::write(directory.join("file.clif"), &wrong).expect("a file");
    for _ in 0..2 {
        let output = build(&directory, "file.clif", &["--cache=store"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(!directory.join("file.clif.o").exists());
    }
    let (_, printed) = built(&directory, &program(2, 1, "f", "g"), &["--cache=store", "--cache-stats"]);
    assert_eq!(count(&printed, "found by text"), 2, "the functions beside it were stored");
}

#[test]
fn a_cache_that_others_can_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory("open");
    fs::create_dir(directory.join("store")).expect("a directory");
    fs::set_permissions(directory.join("store"), fs::Permissions::from_mode(0o777)).expect("permissions");
    let text = program(2, 1, "f", "g");
    let (object, printed) = built(&directory, &text, &["--cache=store"]);
    assert!(printed.contains("the directory must belong to you"), "{printed}");
    assert_eq!(object, built(&directory, &text, &[]).0);
    built(&directory, &text, &["--cache=new"]);
    let mode = fs::metadata(directory.join("new")).expect("it was made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_least_recently_used_functions_go_first() {
    let directory = directory("size");
    let options = ["--target", "x86_64", "--cache=store", "--cache-stats", "--cache-size", "1M"];
    let used = program(300, 999, "f", "g");
    built(&directory, &used, &options);
    for seed in 0..12 {
        built(&directory, &program(300, seed, "f", "g"), &options);
        let (_, printed) = built(&directory, &used, &options);
        assert_eq!(count(&printed, "compiled"), 0, "what is used again stays, round {seed}");
        let files = fs::read_dir(directory.join("store")).expect("a directory");
        let bytes: u64 = files.map(|file| file.and_then(|file| file.metadata()).expect("a file").len()).sum();
        assert!(bytes <= 1 << 20, "{bytes} bytes in round {seed}");
    }
    let (_, printed) = built(&directory, &program(300, 0, "f", "g"), &options);
    assert_eq!(count(&printed, "compiled"), 300, "what was not used is gone");
}

#[test]
fn the_verbs_look_into_it() {
    let directory = directory("verbs");
    built(&directory, &program(10, 1, "f", "g"), &["--cache=store"]);
    let verb = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
        let output =
            command.arg("cache").args(args).args(["--cache", "store"]).current_dir(&directory).output();
        let output = output.expect("clifc starts");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(verb(&["stats"]).contains("entries     20"));
    assert!(verb(&["verify"]).contains("all entries are intact"));
    verb(&["prune", "--cache-size", "20K"]);
    assert!(!verb(&["stats"]).contains("entries     20"));
    verb(&["clear"]);
    assert!(verb(&["stats"]).contains("entries     0"));
}

#[test]
fn files_of_one_command_share_the_cache() {
    let directory = directory("files");
    for (file, callee) in [("a.clif", "g"), ("b.clif", "g"), ("c.clif", "h")] {
        fs::write(directory.join(file), program(30, 1, "f", callee)).expect("a file");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    // One after the other, so that it is known what each finds.
    command.args(["build", "-j1", "--cache=store", "--cache-stats", "a.clif", "b.clif", "c.clif"]);
    let output = command.current_dir(&directory).output().expect("clifc starts");
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    let counts = |what: &str| -> Vec<u64> {
        let prefix = format!("cache {what}");
        let counts = printed.lines().filter_map(|line| line.strip_prefix(&prefix)?.trim().parse().ok());
        counts.collect()
    };
    assert_eq!(counts("compiled"), [30, 0, 0], "{printed}");
    assert_eq!(counts("found by text"), [0, 30, 0], "{printed}");
    assert_eq!(counts("found by stencil"), [0, 0, 30], "{printed}");
    for (file, callee) in [("a.o", "g"), ("b.o", "g"), ("c.o", "h")] {
        let object = fs::read(directory.join(file)).expect("an object");
        assert!(object == built(&directory, &program(30, 1, "f", callee), &[]).0, "{file}");
    }
}
