//! Input files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use clifc::driver;
use memmap2::{Mmap, UncheckedAdvice};

use super::CommandError;
use super::args::Inputs;

/// A file that has been read.
pub struct Input {
    /// Path of the file; `-` for standard input.
    pub path: PathBuf,
    /// Name of the file in messages.
    pub name: String,
    /// Contents of the file.
    pub text: Text,
}

/// A file's bytes.
pub enum Text {
    /// Bytes that were read into memory.
    Read(Vec<u8>),
    /// Bytes in a mapping of the file.
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

impl Text {
    /// Says that a part of a mapped file is not needed in memory for now.
    #[expect(unsafe_code, reason = "memory is given back")]
    pub fn pass(&self, range: Range<usize>) {
        if let Text::Mapped(bytes) = self {
            // SAFETY: the mapping is of a file and is only read, so the pages come back when they are needed.
            // If the advice is refused, they stay.
            let _ =
                unsafe { bytes.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
        }
    }
}

/// Files of at least this many bytes are mapped: allocating memory for a large file takes longer than
/// anything else in a build that finds all its functions in the cache.
const LARGE: u64 = 1 << 20;

/// Reads a file, or standard input for `-`.
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
    // Large files are not needed in memory as a whole.
    let mut options = memmap2::MmapOptions::new();
    if file.metadata()?.len() < driver::LARGE as u64 {
        options.populate();
    }
    // SAFETY: all accesses are bounds-checked, and no pointer or discriminant is taken from the text. If an
    // input is changed while it is compiled, the result is an object or an error for some mixture of both
    // contents, as with any compiler. If it is truncated, the system ends the process, which leaves no
    // object.
    unsafe { options.map(file) }
}

/// The paths of all input files; that of standard input if none is named.
pub fn paths(inputs: &Inputs) -> Vec<PathBuf> {
    if inputs.files.is_empty() { vec![PathBuf::from("-")] } else { inputs.files.clone() }
}

/// The sizes of all input files, which must exist; 0 for what has none, such as standard input.
pub fn sizes(paths: &[PathBuf]) -> Result<Vec<u64>, CommandError> {
    read_once(paths)?;
    let size = |path: &PathBuf| match path == Path::new("-") {
        true => Ok(0),
        false => fs::metadata(path).map(|found| found.len()),
    };
    let named = |path: &PathBuf| {
        size(path).map_err(|error| CommandError::System(format!("{}: {error}", path.display())))
    };
    paths.iter().map(named).collect()
}

/// Refuses standard input if it is named twice.
fn read_once(paths: &[PathBuf]) -> Result<(), CommandError> {
    match paths.iter().filter(|path| *path == Path::new("-")).count() {
        0 | 1 => Ok(()),
        _ => Err(CommandError::Usage("standard input can be read only once".into())),
    }
}

/// Reads all input files.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Input>, CommandError> {
    read_once(paths)?;
    let open = |path: &PathBuf| {
        let name = if path == Path::new("-") { "<stdin>".into() } else { path.display().to_string() };
        Ok(Input { path: path.clone(), name, text: read(path)? })
    };
    paths.iter().map(open).collect()
}
