//! Directories for tests.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// A directory below the build's, which is removed at the end of the test unless that fails.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new empty directory.
    pub fn new(name: impl AsRef<Path>) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if path.exists() {
            fs::remove_dir_all(&path).expect("an old directory can go");
        }
        fs::create_dir_all(&path).expect("a directory");
        Scratch(path)
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.0).expect("the directory can go");
        }
    }
}
