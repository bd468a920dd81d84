//! Output files, which are written completely or not at all.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clifc::temporary::Temporary;

use super::{CommandError, print};

/// Writes a file, by renaming a temporary one beside it; writes to standard output for `-`.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    if path == Path::new("-") {
        return print(bytes);
    }
    write_by(path, |out| out.write_all(bytes))
}

/// Likewise writes what `contents` writes.
pub fn write_by(
    path: &Path,
    contents: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CommandError> {
    let result = if path == Path::new("-") {
        contents(&mut io::stdout().lock())
    } else if is_special(path) {
        fs::OpenOptions::new().write(true).open(path).and_then(|mut file| contents(&mut file))
    } else {
        replace(path, contents)
    };
    result.map_err(|error| CommandError::System(format!("{}: {error}", path.display())))
}

/// Whether a path names a device or pipe, which is written to, not replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// The directory for files that an output is put together from: its own one, whose disk has room for it.
pub fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        _ if path == Path::new("-") || is_special(path) => std::env::temp_dir(),
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn replace(path: &Path, contents: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Err(ErrorKind::InvalidFilename.into()) };
    let mut name = name.to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    // A symbolic link stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (temporary, mut file) = Temporary::file(path.with_file_name(name))?;
    contents(&mut file)?;
    temporary.rename(path)
}
