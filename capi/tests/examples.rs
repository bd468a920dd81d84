//! The examples in C and Python, with the shared and the static library; and that the header declares what
//! the library exports.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

#[path = "../../tests/scratch/mod.rs"]
mod scratch;
use scratch::Scratch;

const RIGHT: &str = "\
rodata %text = \"Hello, C!\\0\"
function %main() -> i32 system_v {
    gv0 = symbol colocated %text
    fn0 = %puts(i64) -> i32 system_v
block0:
    v0 = symbol_value.i64 gv0
    v1 = call fn0(v0)
    v2 = iconst.i32 0
    return v2
}
";
const WRONG: &str = "function %f() {\nblock0:\n    retrn\n}\n";

/// The directory of the libraries. Cargo does not build them for a test, so the first call does. The command
/// is built with them, so that both use the crate with the same features.
fn libraries() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a directory of the build");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "-p", "clifc", "-p", "clifc-capi", "--target-dir"]).arg(target);
        succeeds(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo starts"));
        target.join("debug")
    })
}

/// An empty directory with an input.
fn dir(name: &str, input: &str) -> Scratch {
    let dir = Scratch::new(name);
    fs::write(dir.join("input"), input).expect("a file");
    dir
}

fn run(dir: &Path, program: &str, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env("LD_LIBRARY_PATH", libraries());
    command.stdin(Stdio::from(File::open(dir.join("input")).expect("the input")));
    command.output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn succeeds(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Compiles the example in C.
fn example_in_c(dir: &Path, link: &[&str]) {
    let root = env!("CARGO_MANIFEST_DIR");
    let (source, include) = (format!("{root}/examples/compile.c"), format!("-I{root}"));
    let args = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-std=c11", &include, &source, "-o", "compile"];
    succeeds(run(dir, "cc", &[&args, link].concat()));
}

/// Links what the example wrote and runs it.
fn result_of(dir: &Path) -> String {
    succeeds(run(dir, "cc", &["out.o", "-o", "program"]));
    succeeds(run(dir, "./program", &[]))
}

#[test]
fn c_compiles_with_the_shared_and_the_static_library() {
    let libraries = libraries();
    let (search, archive) = (format!("-L{}", libraries.display()), libraries.join("libclifc.a"));
    let archive = archive.to_str().expect("text");
    for link in [&[&*search, "-lclifc", "-pthread"][..], &[archive, "-pthread", "-ldl", "-lm"]] {
        let dir = dir(&format!("c{}", link.len()), RIGHT);
        example_in_c(&dir, link);
        succeeds(run(&dir, "./compile", &["out.o"]));
        assert_eq!(result_of(&dir), "Hello, C!\n");
        fs::write(dir.join("input"), WRONG).expect("a file");
        let output = run(&dir, "./compile", &["wrong.o"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.starts_with("3:5: error: unknown opcode `retrn`"), "{errors}");
        assert!(output.status.code() == Some(1) && !dir.join("wrong.o").exists());
    }
}

#[test]
fn python_compiles_with_the_shared_library() {
    let dir = dir("python", RIGHT);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/compile.py");
    let library = libraries().join("libclifc.so");
    let library = library.to_str().expect("text");
    let said = succeeds(run(&dir, "python3", &[script, library, "out.o"]));
    assert!(said.contains("lines of assembly"), "{said}");
    assert_eq!(result_of(&dir), "Hello, C!\n");
    fs::write(dir.join("input"), WRONG).expect("a file");
    let output = run(&dir, "python3", &[script, library, "wrong.o"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("3:5: unknown opcode"), "{output:?}");
}

#[test]
fn the_header_declares_what_the_library_exports() {
    let words = |text: &str, before: &str| {
        let mut found: Vec<String> = Vec::new();
        for line in text.lines().filter(|line| line.starts_with(before) && line.contains("clifc_")) {
            let name = line.split('(').next().and_then(|head| head.rsplit([' ', '*']).next());
            found.extend(name.filter(|name| name.starts_with("clifc_")).map(str::to_string));
        }
        found.sort();
        found
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(root.join("src/lib.rs")).expect("the source");
    let header = fs::read_to_string(root.join("clifc.h")).expect("the header");
    let is_declaration = |line: &&str| line.contains('(') && !line.starts_with([' ', '/', '#']);
    let declared = header.lines().filter(is_declaration).collect::<Vec<_>>().join("\n");
    let exported = words(&source, "pub ");
    assert_eq!(words(&declared, ""), exported);
    assert_eq!(exported.len(), 13);
}
