//! Output files, which are written completely or not at all.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use clifc::temporary::Temporary;

use super::{CommandError, print};

/// Writes a file, by renaming a temporary one beside it; writes to standard output for `-`.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    if path == Path::new("-") {
        return print(bytes);
    }
    // A device or pipe is written to, not replaced.
    let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
    let result = if special { fs::write(path, bytes) } else { replace(path, bytes) };
    result.map_err(|error| CommandError::System(format!("{}: {error}", path.display())))
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let Some(name) = path.file_name() else { return Err(ErrorKind::InvalidFilename.into()) };
    let mut name = name.to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    // A symbolic link stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (temporary, mut file) = Temporary::file(path.with_file_name(name))?;
    file.write_all(bytes)?;
    temporary.rename(path)
}
