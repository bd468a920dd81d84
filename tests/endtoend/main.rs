//! The test suite: links objects by the system's linkers and runs the programs.
//!
//! Each directory of `testsuite/` has a script `test.sh`, which runs for every target in an empty directory.
//! If something is wrong it prints why and fails. `CLIFC` is the compiler and `SUITE` the directory of the
//! test suite; `testsuite/lib.sh` describes the other variables.
//!
//! Of `calls` and `structures`, whose calls are random, the environment variables `CLIFC_SIGNATURES` and
//! `CLIFC_SEED` ask for another number of signatures, and for others.

#[path = "../scratch/mod.rs"]
mod scratch;
mod signatures;
mod structure_calls;
#[path = "../targets/mod.rs"]
mod targets;

use std::path::{Path, PathBuf};
use std::process::Command;

use clifc::filetest::Toolchain;
use clifc::machine::symbol::LibCall;
use clifc::options::{Arch, Target};
use scratch::Scratch;

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testsuite")
}

/// The number that an environment variable has, or else `default`.
fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")),
        Err(_) => default,
    }
}

/// Generated files of a test: names and texts.
fn generated(name: &str, arch: Arch) -> Vec<(&'static str, String)> {
    match name {
        "calls" => {
            let (clif, c) = signatures::generate(arch);
            vec![("calls.clif", clif), ("calls.c", c)]
        }
        "structures" => {
            let (clif, c) = structure_calls::generate(arch, false);
            let (apple_clif, apple_c) = structure_calls::generate(arch, true);
            vec![
                ("structures.clif", clif),
                ("structures.c", c),
                ("apple.clif", apple_clif),
                ("apple.c", apple_c),
            ]
        }
        "shards" => ["calls", "libcalls"].iter().flat_map(|name| generated(name, arch)).collect(),
        "libcalls" => {
            let names = LibCall::ALL.iter().map(|call| format!("{call:?} {}\n", call.name()));
            vec![("names", names.collect())]
        }
        _ => Vec::new(),
    }
}

fn run(name: &str, arch: Arch) {
    let work = Scratch::new(format!("{name}-{arch}"));
    for (file, text) in generated(name, arch) {
        std::fs::write(work.join(file), text).expect("a file");
    }
    let toolchain = Toolchain::of(arch);
    let output = Command::new("sh")
        .arg(suite().join(name).join("test.sh"))
        .current_dir(&work)
        .env("CLIFC", env!("CARGO_BIN_EXE_clifc"))
        .env("SUITE", suite())
        .env("TARGET", arch.name())
        .env("CC", toolchain.linker().join(" "))
        .env("RUNNER", toolchain.runner().join(" "))
        .output()
        .expect("a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{name} failed; its files are in {}\n{}{}",
        work.display(),
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// Makes a test of each directory: for every target, with `native` for this machine, and with `mach_o` for
/// those that support Mach-O.
macro_rules! tests {
    ($($name:ident $($which:ident)?,)*) => {
        $(mod $name {
            tests!(@ stringify!($name), $($which)?);
        })*

        #[test]
        fn every_directory_is_run() {
            let mut found: Vec<String> = std::fs::read_dir(suite())
                .expect("the test suite")
                .map(|entry| entry.expect("an entry"))
                .filter(|entry| entry.path().is_dir())
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            found.sort();
            assert_eq!(found, [$(stringify!($name)),*]);
        }
    };
    (@ $name:expr,) => {
        crate::targets::for_each_target!(|arch| crate::run($name, arch));
    };
    (@ $name:expr, mach_o) => {
        #[test]
        fn x86_64() {
            crate::run($name, clifc::options::Arch::X86_64);
        }

        #[test]
        fn aarch64() {
            crate::run($name, clifc::options::Arch::Aarch64);
        }
    };
    (@ $name:expr, native) => {
        #[test]
        fn native() {
            crate::run($name, crate::Target::host().expect("a target of clifc's").arch());
        }
    };
}

tests! {
    addresses,
    calls,
    collector,
    data,
    debug_info,
    debugger native,
    examples,
    exceptions,
    groups,
    handlers,
    hello,
    images,
    large,
    libcalls,
    linkers,
    macho mach_o,
    notes_for_tools,
    panics native,
    patchable,
    pieces,
    sections,
    sessions,
    shards,
    shared,
    stack_limit,
    stack_trace,
    stacks,
    stepping,
    structures,
    symbols,
    tail_frames,
    tls,
    toy,
    traps,
    unwind,
    values,
    variables,
}
