//! Temporary files and directories, which are removed when they are dropped, and when a signal ends the
//! process.
//!
//! The first one starts a thread that waits for signals. It holds the lock of the list from the removal until
//! the process ends, and files are created under the same lock, so that none is created after the removal.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::{io, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The temporary files and directories that exist.
static PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn paths() -> MutexGuard<'static, Vec<PathBuf>> {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary file or directory.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// Creates a file, which must not exist.
    pub fn file(path: PathBuf) -> io::Result<(Self, File)> {
        Self::create(path, |path| File::create_new(path))
    }

    /// Creates a directory, which must not exist.
    pub fn directory(path: PathBuf) -> io::Result<Self> {
        Self::create(path, |path| fs::create_dir(path)).map(|(temporary, ())| temporary)
    }

    fn create<T>(path: PathBuf, create: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<(Self, T)> {
        watch();
        let mut paths = paths();
        let created = create(&path)?;
        paths.push(path.clone());
        Ok((Temporary(path), created))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives a file its final name.
    pub fn rename(self, to: &Path) -> io::Result<()> {
        fs::rename(&self.0, to)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have been renamed. If it can't be removed, it stays.
        remove(&self.0);
        paths().retain(|path| *path != self.0);
    }
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
}

/// Starts the thread that waits for signals.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without it, signals leave temporary files, which is no reason to stop.
        let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
        let wait = move || {
            for signal in signals.forever() {
                let paths = paths();
                paths.iter().for_each(|path| remove(path));
                let _ = emulate_default_handler(signal);
                drop(paths);
            }
        };
        let _ = thread::Builder::new().name("signals".into()).spawn(wait);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays() {
        let name = |suffix: &str| std::env::temp_dir().join(format!("clifc-{}.{suffix}", std::process::id()));
        let (file, _) = Temporary::file(name("file")).expect("a file");
        assert!(Temporary::file(name("file")).is_err());
        let directory = Temporary::directory(name("dir")).expect("a directory");
        fs::write(directory.path().join("x"), "").expect("a file in it");
        let (renamed, _) = Temporary::file(name("old")).expect("a file");
        renamed.rename(&name("new")).expect("a new name");
        drop((file, directory));
        assert!(!name("file").exists() && !name("dir").exists() && !name("old").exists());
        fs::remove_file(name("new")).expect("it is there");
    }
}
