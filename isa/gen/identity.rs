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
const SOURCES: [&str; 4] = ["src", "isa", "Cargo.toml", "Cargo.lock"];

/// Sets the environment variable `CLIFC_BUILD` for the crate.
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

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| collect(&entry.path(), files)),
        Err(_) => files.push(path.to_owned()),
    }
}
