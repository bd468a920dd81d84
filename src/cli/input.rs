//! Input files.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::CommandError;
use super::args::Inputs;

/// A file that has been read.
pub struct Input {
    /// Its path; `-` for standard input.
    pub path: PathBuf,
    /// How messages call it.
    pub name: String,
    /// All of it.
    pub text: Text,
}

/// A file's bytes.
pub enum Text {
    /// Read into memory.
    Read(Vec<u8>),
    /// Where the system has them.
    Mapped(Mmap),
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Text::Read(bytes) => bytes,
            Text::Mapped(bytes) => bytes,
        }
    }
}

/// Files from this length on are mapped: for a large one, getting memory to read it into takes longer than
/// anything else in a build that finds all its functions in the cache.
const LARGE: u64 = 1 << 20;

/// The bytes of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<Text, CommandError> {
    let read = if path == Path::new("-") { read_all_of(io::stdin().lock(), 0) } else { read_file(path) };
    read.map_err(|error| CommandError::System(format!("{}: {error}", path.display())))
}

fn read_file(path: &Path) -> io::Result<Text> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    match metadata.is_file() && metadata.len() >= LARGE {
        true => map(&file).map(Text::Mapped),
        false => read_all_of(file, metadata.len()),
    }
}

fn read_all_of(mut from: impl Read, length: u64) -> io::Result<Text> {
    let mut bytes = Vec::with_capacity(length as usize);
    from.read_to_end(&mut bytes).map(|_| Text::Read(bytes))
}

#[expect(unsafe_code, reason = "the mapping of a file that others write to is not safe")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: all accesses are checked for bounds, and no pointer or discriminant is taken from the text.
    // Whoever changes an input while it is compiled gets an object, or an error, of something in between, as
    // with any compiler; if it is cut short, the system ends the process, which leaves no object.
    unsafe { memmap2::MmapOptions::new().populate().map(file) }
}

/// Reads all input files; standard input if none is named.
pub fn read_all(inputs: &Inputs) -> Result<Vec<Input>, CommandError> {
    let stdin = [PathBuf::from("-")];
    let paths = if inputs.files.is_empty() { &stdin[..] } else { &inputs.files };
    let open = |path: &PathBuf| {
        let name = if path == Path::new("-") { "<stdin>".into() } else { path.display().to_string() };
        Ok(Input { path: path.clone(), name, text: read(path)? })
    };
    paths.iter().map(open).collect()
}
