//! Input files.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::Inputs;

/// A file that has been read.
pub struct Input {
    /// Its path; `-` for standard input.
    pub path: PathBuf,
    /// How messages call it.
    pub name: String,
    /// All of it.
    pub text: Vec<u8>,
}

/// The bytes of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| Failure::System(format!("{}: {error}", path.display())))
}

/// Reads all input files; standard input if none is named.
pub fn read_all(inputs: &Inputs) -> Result<Vec<Input>, Failure> {
    let stdin = [PathBuf::from("-")];
    let paths = if inputs.files.is_empty() { &stdin[..] } else { &inputs.files };
    let open = |path: &PathBuf| {
        let name = if path == Path::new("-") { "<stdin>".into() } else { path.display().to_string() };
        Ok(Input { path: path.clone(), name, text: read(path)? })
    };
    paths.iter().map(open).collect()
}
