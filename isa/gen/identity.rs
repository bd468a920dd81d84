//! Identifies a build of clifc by a hash of everything it is built from.
//!
//! Cache entries are only valid for builds that generate the same code from the same function. That is only
//! guaranteed for builds from the same sources and libraries with the same compiler.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Directories and files that clifc is built from.
const SOURCES: [&str; 5] = ["src", "isa", "rules", "Cargo.toml", "Cargo.lock"];

/// Sets the environment variables `CLIFC_BUILD`, `CLIFC_COMMIT` and `CLIFC_HOST` for the crate.
pub fn tell() {
    println!("cargo::rustc-env=CLIFC_COMMIT={}", commit());
    println!("cargo::rustc-env=CLIFC_HOST={}", env::var("TARGET").unwrap_or_default());
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        // There may be no lock file.
        fs::read(file).unwrap_or_default().hash(&mut hasher);
    }
    let compiler = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC")).arg("-vV").output();
    compiler.map(|output| output.stdout).unwrap_or_default().hash(&mut hasher);
    for variable in ["PROFILE", "OPT_LEVEL", "DEBUG", "TARGET", "CARGO_ENCODED_RUSTFLAGS"] {
        env::var_os(variable).hash(&mut hasher);
    }
    println!("cargo::rustc-env=CLIFC_BUILD={:016x}", hasher.finish());
}

/// The commit that is built, for `--version`. Development builds do not say it: they would have to be built
/// again after each commit.
fn commit() -> String {
    println!("cargo::rerun-if-env-changed=CLIFC_COMMIT");
    if let Ok(commit) = env::var("CLIFC_COMMIT") {
        return commit;
    }
    if env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return "development build".into();
    }
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_string())
    };
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown commit".into())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| collect(&entry.path(), files)),
        Err(_) => files.push(path.to_owned()),
    }
}
