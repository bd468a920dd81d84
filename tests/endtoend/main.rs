//! The test suite: objects linked by the system's linkers, and what comes out run.
//!
//! Each directory of `testsuite/` has a `test.sh`, which runs in an empty directory with `CLIFC` (the
//! compiler) and `SUITE` (the test suite) set, says what goes wrong and then fails.

mod calls;

use std::path::{Path, PathBuf};
use std::process::Command;

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testsuite")
}

fn run(name: &str) {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if work.exists() {
        std::fs::remove_dir_all(&work).expect("an old directory can go");
    }
    std::fs::create_dir_all(&work).expect("a directory");
    if name == "calls" {
        let (clif, c) = calls::generate(200);
        std::fs::write(work.join("calls.clif"), clif).expect("a file");
        std::fs::write(work.join("calls.c"), c).expect("a file");
    }
    let output = Command::new("sh")
        .arg(suite().join(name).join("test.sh"))
        .current_dir(&work)
        .env("CLIFC", env!("CARGO_BIN_EXE_clifc"))
        .env("SUITE", suite())
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

macro_rules! tests {
    ($($name:ident,)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
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
}

tests! {
    calls,
    data,
    debugger,
    hello,
    sections,
    stack_limit,
    symbols,
    tls,
    traps,
    unwind,
}
