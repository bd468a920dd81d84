//! What tells one build of clifc from another: a hash of everything it is made from.
//!
//! What a build has stored in a cache is of use to builds that make the same code from the same function, and
//! only one from the same sources, libraries and compiler is known to.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Directories and files that a build is made from.
const SOURCES: [&str; 4] = ["src", "isa", "Cargo.toml", "Cargo.lock"];

/// Sets `CLIFC_BUILD` for the crate.
pub fn tell() {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        // A lock file may be missing.
        fs::read(file).unwrap_or_default().hash(&mut hasher);
    }
    let compiler = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC")).arg("-vV").output();
    compiler.map(|output| output.stdout).unwrap_or_default().hash(&mut hasher);
    for variable in ["PROFILE", "OPT_LEVEL", "DEBUG", "TARGET", "CARGO_ENCODED_RUSTFLAGS"] {
        env::var_os(variable).hash(&mut hasher);
    }
    println!("cargo::rustc-env=CLIFC_BUILD={:016x}", hasher.finish());
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| collect(&entry.path(), files)),
        Err(_) => files.push(path.to_owned()),
    }
}
