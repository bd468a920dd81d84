//! Filetests with vectors on instruction set extensions that the emulator does not have.
//!
//! The files are those on vectors that name x86_64 and have run tests. Each is tested with one target line,
//! which names AVX-512 and what comes with it. A processor that has these extensions runs the functions; on
//! any other, they are only compiled.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the target line names: the setting and the feature that the processor needs for it.
macro_rules! features {
    ($($setting:literal $feature:tt,)*) => {
        const SETTINGS: &[&str] = &[$($setting),*];

        /// Whether this processor has all of them.
        fn has_features() -> bool {
            #[cfg(target_arch = "x86_64")]
            return $(std::arch::is_x86_feature_detected!($feature))&&*;
            #[cfg(not(target_arch = "x86_64"))]
            return false;
        }
    };
}

features! {
    "has_sse3" "sse3",
    "has_ssse3" "ssse3",
    "has_sse41" "sse4.1",
    "has_sse42" "sse4.2",
    "has_avx" "avx",
    "has_avx2" "avx2",
    "has_fma" "fma",
    "has_avx512f" "avx512f",
    "has_avx512vl" "avx512vl",
    "has_avx512dq" "avx512dq",
    "has_avx512bitalg" "avx512bitalg",
    "has_avx512vbmi" "avx512vbmi",
    "has_avx512vnni" "avx512vnni",
}

/// The files below a folder whose names end in `.clif`.
fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "clif") {
            found.push(path);
        }
    }
}

/// The text with one target line: its first one for x86_64, with more settings. Of its test lines,
/// `test run` is left, or `test compile` in its place.
fn with_settings(text: &str, runs: bool) -> Option<String> {
    let first = text.lines().position(|line| line.starts_with("target x86_64"))?;
    text.lines().find(|line| *line == "test run")?;
    let mut changed = format!("test {}\n", if runs { "run" } else { "compile" });
    for (number, line) in text.lines().enumerate() {
        if number == first {
            changed += &format!("{line} {}\n", SETTINGS.join(" "));
        } else if !line.starts_with("test ") && !line.starts_with("target ") {
            changed += &format!("{line}\n");
        }
    }
    Some(changed)
}

#[test]
fn vectors_with_avx512() {
    let runs = has_features();
    let mut files = Vec::new();
    for folder in ["filetests/vector", "filetests/opcodes"] {
        files_in(Path::new(folder), &mut files);
    }
    let folder = env::temp_dir().join(format!("clifc-avx512-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the tests");
    let mut count = 0;
    for path in files {
        let text = fs::read_to_string(&path).expect("a readable file");
        if let Some(text) = with_settings(&text, runs) {
            let name: String = path.to_string_lossy().replace('/', "_");
            fs::write(folder.join(name), text).expect("a writable folder");
            count += 1;
        }
    }
    assert!(count > 10, "{count} files have vectors");
    let output = Command::new(env!("CARGO_BIN_EXE_clifc")).arg("test").arg(&folder).output();
    let output = output.expect("clifc starts");
    fs::remove_dir_all(&folder).expect("the folder can be removed");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(" 0 skipped"), "{said}");
    println!("{count} files were {}", if runs { "run" } else { "compiled: this processor has no AVX-512" });
}
