//! The build script: reads the instruction rows in `isa/<arch>/*.inst`, checks them, and writes for each
//! target a static table of rows and a constructor for each instruction. It also computes the build's
//! identity ([`identity`]).
//!
//! [`rules`] compiles the simplification rules in `rules/*.rules`.
//!
//! The notation that is common to all targets (columns, families, operands) is parsed by [`row`] and
//! [`operand`], the encoding column by a target's module. [`output`] writes Rust. An invalid row is an error
//! with its file and line, and so is a row with unused parts: an operand that is neither encoded nor fixed,
//! or a name in the text that is not an operand.

#[macro_use]
#[path = "../../src/arch/formats.rs"]
mod formats;

pub mod aarch64;
#[path = "../../src/arch/aarch64/format.rs"]
#[allow(dead_code, reason = "the part that only the encoder uses")]
mod aarch64_format;
mod identity;
pub mod operand;
mod output;
pub mod row;
#[path = "../../rules/gen/mod.rs"]
#[allow(dead_code, reason = "the part that only tests use")]
pub mod rules;
mod s390x;
#[path = "../../src/arch/s390x/format.rs"]
#[allow(dead_code, reason = "the part that only the encoder uses")]
mod s390x_format;
pub mod target;
pub mod x86_64;
#[path = "../../src/arch/x86_64/format.rs"]
#[allow(dead_code, reason = "the part that only the encoder uses")]
mod x86_64_format;

use std::path::{Path, PathBuf};
use std::{env, fs, process};
use target::Target;

const TARGETS: [Target; 3] = [aarch64::TARGET, s390x::TARGET, x86_64::TARGET];

fn main() {
    identity::tell();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut errors = Vec::new();
    for target in &TARGETS {
        let directory = Path::new("isa").join(target.name);
        if let Err(more) = generate(target, &directory, &out) {
            errors.extend(more);
        }
    }
    match rules::load(Path::new("rules")) {
        Ok(rules) => {
            let written = fs::write(out.join("rules.rs"), rules::output::write(&rules));
            errors.extend(written.err().map(|error| format!("rules.rs: {error}")));
        }
        Err(more) => errors.extend(more),
    }
    for error in &errors {
        eprintln!("{error}");
    }
    if !errors.is_empty() {
        process::exit(1);
    }
}

/// Reads all rows of a target and writes its tables to `<target>.rs` and `<target>_expansions.rs`. Returns
/// all errors
/// in the rows.
fn generate(target: &Target, directory: &Path, out: &Path) -> Result<(), Vec<String>> {
    let mut errors = Vec::new();
    let mut rows = Vec::new();
    for file in row_files(directory) {
        let name = file.display().to_string();
        let text = fs::read_to_string(&file).map_err(|e| vec![format!("{name}: {e}")])?;
        row::parse_file(&name, &text, target, &mut rows, &mut errors);
    }
    let mut encoded = Vec::new();
    for row in rows {
        match target.encoding(&row) {
            Ok(encoding) => encoded.push((row, encoding)),
            Err(message) => errors.push(format!("{}: {message}", row.place)),
        }
    }
    row::check_names(encoded.iter().map(|(row, _)| row), &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let files = [
        (format!("{}.rs", target.name), output::write(&encoded, target)),
        (format!("{}_expansions.rs", target.name), output::write_expansions(&encoded)),
    ];
    for (name, text) in files {
        fs::write(out.join(&name), text).map_err(|e| vec![format!("{name}: {e}")])?;
    }
    Ok(())
}

/// The row files of a target, in order of their names.
fn row_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "inst"));
    files.sort();
    files
}
