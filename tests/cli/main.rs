//! The command line, as users see it.

mod explore;
mod image;
mod messages;
mod mistakes;
mod options;
mod output;
#[path = "../scratch/mod.rs"]
mod scratch;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use scratch::Scratch;

/// A new empty directory.
fn dir(name: &str) -> Scratch {
    Scratch::new(Path::new("cli").join(name))
}

fn clifc(dir: &Path, args: &[&str], input: &str) -> Output {
    fs::write(dir.join("stdin"), input).expect("a file");
    let stdin = fs::File::open(dir.join("stdin")).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    command.args(args).current_dir(dir).env_remove("RUST_BACKTRACE").stdin(Stdio::from(stdin));
    command.output().expect("clifc starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const ADD: &str =
    "function %add(i32, i32) -> i32 {\nblock0(v0: i32, v1: i32):\n    v2 = iadd v0, v1\n    return v2\n}\n";
const WRONG: &str =
    "function %f() {\nblock0:\n    retrn\n}\n\nfunction %g() -> i32 {\nblock0:\n    return\n}\n";

#[test]
fn an_object_is_named_after_its_input() {
    let dir = dir("named");
    fs::write(dir.join("add.clif"), ADD).expect("a file");
    assert!(clifc(&dir, &["build", "--target", "x86_64", "add.clif", "-MD"], "").status.success());
    assert!(fs::read(dir.join("add.o")).expect("an object").starts_with(b"\x7fELF"));
    assert_eq!(fs::read_to_string(dir.join("add.d")).expect("a rule"), "add.o: add.clif\n");
}

#[test]
fn standard_input_and_output_are_files_too() {
    let dir = dir("pipes");
    let object = clifc(&dir, &["build", "--target", "x86_64", "-"], ADD);
    assert!(object.stdout.starts_with(b"\x7fELF"));
    let listing = clifc(&dir, &["build", "--target", "x86_64", "-S", "-o", "-"], ADD);
    assert!(text(&listing.stdout).contains("retq"), "{}", text(&listing.stdout));
    let printed = clifc(&dir, &["cat"], ADD);
    assert_eq!(text(&printed.stdout), ADD.replace("i32 {", "i32 fast {"));
}

#[test]
fn assembly_and_listing_are_texts() {
    let dir = dir("assembly");
    fs::write(dir.join("add.clif"), ADD).expect("a file");
    let build = |args: &[&str]| {
        let output = clifc(&dir, &[&["build", "add.clif", "-o", "-"], args].concat(), "");
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let x86 = ["--target", "x86_64"];
    for (args, part) in [
        (&["-S"][..], "\t.globl add\n\t.type add, @function\nadd:\n\t.cfi_startproc\n"),
        (&["-S"], "\taddl %esi, %edi\n"),
        (&["-S", "-masm=intel"], "\tadd edi, esi\n"),
        (&["--emit=asm", "--asm-syntax", "intel", "-masm=att"], "\taddl %esi, %edi\n"),
        (&["--emit=listing"], "     0: addl %esi, %edi\n"),
    ] {
        let (code, said) = build(&[&x86, args].concat());
        assert!(code == Some(0) && said.contains(part), "{args:?}: {said}");
    }
    let (code, said) = build(&["-S", "--target", "aarch64-apple-darwin"]);
    assert!(code == Some(0) && said.contains("\t.globl _add\n_add:\n"), "{said}");
    assert_eq!(build(&["-S", "-masm=masm"]).0, Some(2));
}

#[test]
fn emitted_clif_is_the_whole_file() {
    let dir = dir("emit");
    let file = format!(
        "rodata %msg = \"hello\\0\"\n{ADD}\
         local function %own() section \".hot\" align 64 {{\nblock0:\n    return\n}}\n"
    );
    let build =
        |emit: &str, input: &str| clifc(&dir, &["build", "--target", "x86_64", "--emit", emit], input).stdout;
    let emitted = text(&build("clif", &file));
    assert_eq!(emitted, text(&clifc(&dir, &["cat"], &file).stdout));
    assert_eq!(build("obj", &emitted), build("obj", &file));
}

#[test]
fn wrong_input_is_shown_and_leaves_no_object() {
    let dir = dir("wrong");
    fs::write(dir.join("wrong.clif"), WRONG).expect("a file");
    fs::write(dir.join("wrong.o"), "old").expect("a file");
    let output = clifc(&dir, &["build", "--target", "x86_64", "wrong.clif"], "");
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    assert!(
        errors.contains("wrong.clif:3:5: error: ") && errors.contains("wrong.clif:8:5: error: "),
        "{errors}"
    );
    assert!(!errors.contains('\x1b'), "no colour in a pipe");
    assert_eq!(fs::read(dir.join("wrong.o")).expect("the old file"), b"old");
    assert_eq!(fs::read_dir(&dir).expect("the directory").count(), 3);
    assert_eq!(clifc(&dir, &["check", "wrong.clif"], "").status.code(), Some(1));
    assert_eq!(clifc(&dir, &["check"], ADD).status.code(), Some(0));
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let dir = dir("usage");
    for args in [
        &["build", "--target", "riscv64", "-"][..],
        &["build", "--set", "opt_levle=none", "-"],
        &["build", "--cpu", "i486", "-"],
        &["build", "--dump", "nothing", "-"],
        &["build", "-o", "x", "a", "b"],
        &["frobnicate"],
        &["explain", "iad"],
        &["test", "nowhere"],
        &["@nowhere"],
    ] {
        assert_eq!(clifc(&dir, args, "").status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn arguments_can_be_in_a_file() {
    let dir = dir("response");
    fs::write(dir.join("args"), "build --target x86_64\n'a b.clif' -o \"c d.o\"").expect("a file");
    fs::write(dir.join("a b.clif"), ADD).expect("a file");
    assert!(clifc(&dir, &["@args"], "").status.success());
    assert!(dir.join("c d.o").exists());
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let dir = dir("threads");
    let functions: String = (0..100).map(|n| ADD.replace("%add", &format!("%add{n}"))).collect();
    let build = |jobs| clifc(&dir, &["build", "--target", "x86_64", "-j", jobs, "-"], &functions).stdout;
    let one = build("1");
    assert!(!one.is_empty());
    assert_eq!(one, build("2"));
    assert_eq!(one, build("7"));
}

#[test]
fn lists_are_complete() {
    let dir = dir("lists");
    for (args, part) in [
        (&["targets"][..], "aarch64-unknown-linux-gnu"),
        (&["targets"], "--cpu haswell"),
        (&["targets", "--matrix"], "Divide             -        yes      yes      -"),
        (&["settings", "--target", "s390x"], "has_mie3 = false"),
        (&["settings", "--target", "x86_64", "--cpu", "x86-64-v3"], "* has_avx2 = true"),
        (&["settings", "--target", "x86_64"], "accepted, without effect here, because no instruction"),
        (&["settings", "--target", "aarch64"], "accepted, without effect here, because CLIF has no heaps"),
        (&["explain", "iadd"], "Adds integers"),
        (&["explain"], "br_table"),
        (&["--help"], "Examples:"),
    ] {
        let output = clifc(&dir, args, "");
        assert!(output.status.success() && text(&output.stdout).contains(part), "{args:?}");
    }
}

/// The report of a test file.
fn report(dir: &Path, file: &str) -> (Option<i32>, String) {
    fs::write(dir.join("test.clif"), file).expect("a file");
    let output = clifc(dir, &["test", "test.clif"], "");
    (output.status.code(), text(&output.stdout))
}

#[test]
fn tests_are_counted() {
    let dir = dir("counted");
    let file = format!("test cat\ntest safepoint\ntest verifier\n{ADD}; check: iadd\n");
    let (code, text) = report(&dir, &file);
    assert_eq!(code, Some(0));
    assert!(text.ends_with("2 passed, 0 failed, 1 skipped\n"), "{text}");
    let strict =
        clifc(&dir, &["test", "--fail-on-skip", "--junit", "x.xml", "--json", "x.json", "test.clif"], "");
    assert_eq!(strict.status.code(), Some(1));
    let xml = fs::read_to_string(dir.join("x.xml")).expect("a report");
    assert!(xml.contains("<skipped") && xml.contains("tests=\"3\"") && xml.contains(" time="), "{xml}");
    assert_eq!(fs::read_to_string(dir.join("x.json")).expect("a report").lines().count(), 3);
}

#[test]
fn unknown_commands_and_directives_fail() {
    let dir = dir("unknown");
    for header in
        ["test cta", "test cat precise", "test cat\nset magic", "test cat\ntarget x86_65", "", "tset cat"]
    {
        let (code, text) = report(&dir, &format!("{header}\n{ADD}"));
        assert!(code == Some(1) && text.ends_with("0 passed, 1 failed, 0 skipped\n"), "{header}: {text}");
    }
    for comment in ["; chek: iadd", "; check: $(", "; check: isub", "; not: iadd"] {
        let (code, text) = report(&dir, &format!("test cat\n{ADD}{comment}\n"));
        assert!(code == Some(1), "{comment}: {text}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn run_tests_run_apart() {
    let dir = dir("run");
    let trap = "function %f(i32) -> i32 {\nblock0(v0: i32):\n    trapnz v0, user1\n    return v0\n}\n";
    let file = format!(
        "test run\ntarget x86_64\n\
         {trap}; run: %f(0) == 0\n; run: %f(1) == 1\n; run: %f(0) == 2\n\
         {ADD}; run: %add(1, 2) == 3\n; print: %add(3, 4)\n"
    );
    let (code, text) = report(&dir, &file);
    assert_eq!(code, Some(1));
    assert!(text.contains("test.clif:9: %f(1) ended with SIGILL (trap user1)"), "{text}");
    assert!(text.contains("test.clif:10: %f(0) is [0], expected [2]"), "{text}");
    assert!(text.contains("%add(3, 4) is [7] on x86_64"), "{text}");
    assert!(text.ends_with("0 passed, 1 failed, 0 skipped\n"), "{text}");
}

#[test]
fn traps_can_be_expected() {
    let dir = dir("traps");
    let divide = "function %f(i32, i32) -> i32 {\nblock0(v0: i32, v1: i32):\n    trapz v0, user7\n    \
                  v2 = udiv v0, v1\n    return v2\n}\n";
    let right = "; run: %f(1, 0) traps int_divz\n; run: %f(0, 0) traps user7\n; run: %f(0, 1) traps\n";
    let (code, text) = report(&dir, &format!("test run\ntest interpret\n{divide}{right}"));
    assert!(code == Some(0) && text.contains(" 0 failed"), "{text}");
    for (wrong, part) in [
        ("; run: %f(0, 1) traps int_divz", "(trap user7), expected the trap int_divz"),
        ("; run: %f(1, 1) traps int_divz", "%f(1, 1) is [1], expected the trap int_divz"),
        ("; run: %f(1, 1) traps", "%f(1, 1) is [1], expected a trap"),
        ("; run: %f(1, 1) traps int_divs", "unknown trap code `int_divs`; did you mean `int_divz`?"),
    ] {
        let (code, text) = report(&dir, &format!("test run\ntarget x86_64\n{divide}{wrong}\n"));
        assert!(code == Some(1) && text.contains("test.clif:9: ") && text.contains(part), "{wrong}: {text}");
    }
    let (_, text) = report(&dir, &format!("test interpret\n{divide}; run: %f(0, 1) traps int_divz\n"));
    assert!(text.contains("at test.clif:4: trap: user7, expected the trap int_divz"), "{text}");
}

#[test]
fn tests_are_chosen_and_stopped() {
    let dir = dir("chosen");
    let endless = "function %f(i32) -> i32 {\nblock0(v0: i32):\n    jump block1\nblock1:\n    \
                   jump block1\n}\n; run: %f(1) == 1\n";
    fs::write(dir.join("a.clif"), format!("test cat\ntest run\ntarget x86_64\n{endless}")).expect("a file");
    fs::write(dir.join("b.clif"), format!("test cat\ntest verifier\n{ADD}")).expect("a file");
    let run = |args: &[&str]| {
        let output = clifc(&dir, &[&["test", "-v"], args, &["a.clif", "b.clif"]].concat(), "");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = run(&["--filter", "b.clif: c|verifier"]);
    assert!(code == Some(0) && said.ends_with("2 passed, 0 failed, 0 skipped\n"), "{said}");
    let (code, _, errors) = run(&["--filter", "nothing"]);
    assert!(code == Some(2) && errors.contains("no test matches `nothing`"), "{errors}");
    assert_eq!(run(&["--filter", "("]).0, Some(2));
    if cfg!(target_arch = "x86_64") {
        let start = std::time::Instant::now();
        let (code, said, _) = run(&["--timeout", "1", "--filter", "run"]);
        assert!(code == Some(1) && said.contains("a.clif:10: %f(1) timed out"), "{said}");
        assert!(start.elapsed().as_secs() < 9, "{:?}", start.elapsed());
    }
}

#[test]
fn help_names_commands_and_directives() {
    let help = text(&clifc(&dir("test_help"), &["test", "--help"], "").stdout);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
    let docs = fs::read_to_string(docs).expect("the documentation");
    for word in ["cat", "verifier", "print-cfg", "domtree", "compile", "run", "interpret"] {
        let command = format!("`test {word}`");
        assert!(help.contains(&command) && docs.contains(&command), "{word}");
    }
    for word in ["check", "sameln", "nextln", "unordered", "not", "regex", "error", "dominates", "traps"] {
        assert!(help.contains(word) && docs.contains(word), "{word}");
    }
}

#[test]
fn linkers_and_runners_can_be_chosen() {
    let dir = dir("tools");
    let call = format!("test run\ntarget x86_64\n{ADD}; run: %add(1, 2) == 3\n");
    fs::write(dir.join("test.clif"), call).expect("a file");
    for option in ["--runner", "--linker"] {
        let output = clifc(&dir, &["test", option, "x86_64=/no/such/tool -x", "test.clif"], "");
        assert_eq!(output.status.code(), Some(2), "{option}: {output:?}");
        assert!(text(&output.stderr).contains("`/no/such/tool` is not installed"), "{option}: {output:?}");
    }
    for wrong in ["--linker=x86_64=", "--runner=x86_65=qemu", "--runner=qemu"] {
        assert_eq!(clifc(&dir, &["test", wrong, "test.clif"], "").status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn graphs_have_instructions_and_names_of_edges() {
    let dir = dir("graphs");
    let branch = "function %\"a b\"(i32) -> i32 {\nblock0(v0: i32):\n    brif v0, block1, block2(v0)\n\
                  block1:\n    v1 = iconst.i32 1\n    br_table v0, block3, [block1, block3]\n\
                  block2(v2: i32):\n    return v2\nblock3:\n    trap user1\n}\n";
    fs::write(dir.join("a.clif"), format!("{ADD}{branch}")).expect("a file");
    let graphs = |args: &[&str]| {
        let output = clifc(&dir, &[&["cfg", "a.clif"], args].concat(), "");
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, all) = graphs(&[]);
    assert!(code == Some(0) && all.matches("digraph").count() == 2, "{all}");
    for part in [
        "block0(v0: i32, v1: i32):\\l    v2 = iadd v0, v1\\l    return v2\\l",
        "block0 -> block1 [label=\"not 0\"]",
        "block0 -> block2 [label=\"0\"]",
        "block1 -> block1 [label=\"0\"]",
        "block1 -> block3 [label=\"1\"]",
        "block1 -> block3 [label=\"default\"]",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let (_, one) = graphs(&["--function", "add"]);
    assert!(one.matches("digraph").count() == 1 && one.contains("iadd"), "{one}");
    assert_eq!(graphs(&["--function", "sub"]).0, Some(2));
    assert_eq!(graphs(&["-o", "graphs/"]), (Some(0), String::new()));
    let files = fs::read_dir(dir.join("graphs")).expect("the directory").count();
    assert_eq!(files, 2);
}

#[test]
fn files_are_reduced() {
    let dir = dir("reduce");
    let file = format!(
        "test run\n{ADD}; run: %add(1, 2) == 3\n\n{}; run: %div(6, 2) == 3\n",
        ADD.replace("add", "div").replace("idiv", "udiv")
    );
    fs::write(dir.join("a b.clif"), &file).expect("a file");
    let reduce = |args: &[&str]| {
        let output = clifc(&dir, &[&["reduce", "a b.clif"], args].concat(), "");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    for command in ["grep -q udiv", "test -f {} && grep -q udiv {}"] {
        let (code, small, said) = reduce(&["--check", command]);
        assert!(code == Some(0) && said.contains("bytes reduced to"), "{said}");
        assert!(small.contains("udiv") && !small.contains("%add") && small.lines().count() <= 6, "{small}");
    }
    // Commands differ where one of them prints what the other does not.
    let (code, small, _) = reduce(&["--differ", "grep -c iadd", "grep -c isub", "-o", "small.clif"]);
    assert!(code == Some(0) && small.is_empty());
    let small = fs::read_to_string(dir.join("small.clif")).expect("the output");
    assert!(small.contains("iadd") && !small.contains("udiv"), "{small}");
    for nothing in [&["--check", "false"][..], &["--crash"], &["--wrong"], &["--differ", "cat", "cat"]] {
        let (code, _, said) = reduce(nothing);
        assert!(code == Some(2) && said.contains("does not pass the check"), "{nothing:?}: {said}");
    }
    // What takes longer than it may fails.
    assert_eq!(reduce(&["--timeout", "1", "--check", "sleep 3; true"]).0, Some(2));
    assert_eq!(reduce(&[]).0, Some(2));
    assert_eq!(fs::read_dir(&dir).expect("the directory").count(), 3);
}

#[test]
fn functions_run_without_code() {
    let dir = dir("run");
    let run = clifc(&dir, &["run", "--call", "%add(40, 2)", "--call", "%add(-1, 0)", "-"], ADD);
    assert_eq!((text(&run.stdout).as_str(), run.status.code()), ("42\n-1\n", Some(0)));
    let main = "rodata %hi = \"hi\\0\"\nfunction %main() -> i32 {\n    gv0 = symbol colocated %hi\n    \
                fn0 = %puts(i64) -> i32\nblock0:\n    v0 = symbol_value.i64 gv0\n    v1 = call fn0(v0)\n    \
                v2 = iconst.i32 7\n    return v2\n}\n";
    let run = clifc(&dir, &["run", "-"], main);
    assert_eq!((text(&run.stdout).as_str(), run.status.code()), ("hi\n", Some(7)));
    let divide = "function %f(i32) -> i32 {\nblock0(v0: i32):\n    v1 = udiv v0, v0\n    return v1\n}\n";
    let run = clifc(&dir, &["run", "--call", "%f(0)", "-"], divide);
    assert!(text(&run.stderr).contains("<stdin>:3:5: error: trap: int_divz"), "{}", text(&run.stderr));
    assert_eq!(run.status.code(), Some(1));
    let endless = "function %f() {\nblock0:\n    jump block1\nblock1:\n    jump block1\n}\n";
    let run = clifc(&dir, &["run", "--steps", "1000", "--call", "%f()", "-"], endless);
    assert!(text(&run.stderr).contains("<stdin>:5:5: error: stopped"), "{}", text(&run.stderr));
    let run = clifc(&dir, &["run", "--call", "%g(1)", "-"], ADD);
    assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
}

#[test]
fn failures_of_test_files_have_places() {
    const F: &str = "function %f() -> i32 {\nblock0:\n    v0 = iconst.i32 1\n    return v0\n}\n";
    let dir = dir("places_of_failures");
    for (command, comment, said) in [
        ("comple", "", "t.clif:1: unknown test command `comple`; did you mean `compile`?"),
        ("compile wrong", "", "t.clif:1: `test compile` has no option `wrong`"),
        ("interpret", "", "t.clif:1: missing `run:` comment"),
        ("interpret", "; run : %f() == 1\n", "t.clif:7: expected `:` after `run`"),
        ("interpret", "; run: %f()\n", "t.clif:7: expected `==`, `!=` or `traps` behind `%f()`"),
    ] {
        fs::write(dir.join("t.clif"), format!("test {command}\n{F}{comment}")).expect("a file");
        let output = clifc(&dir, &["test", "t.clif"], "");
        assert!(text(&output.stdout).contains(&format!("     {said}\n")), "{output:?}");
    }
}
