//! Output files, which are written completely or not at all.

use std::fs;
use std::path::Path;

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
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let result = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        // Only the first error matters.
        let _ = fs::remove_file(&temporary);
    }
    result
}
