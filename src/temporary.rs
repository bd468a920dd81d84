//! Temporary files and directories, which are removed when they are dropped, and when a signal ends the
//! process.
//!
//! The first one starts a thread that waits for signals. It holds the lock of the list from the removal until
//! the process ends, and files are created under the same lock, so that none is created after the removal.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;
use std::{io, thread};

use rustix::io::Errno;
use rustix::process::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// How the names of directories begin.
const PREFIX: &str = "clifc-";

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

    /// Creates a file that has no name any more, to be written and read.
    pub fn unnamed(directory: &Path) -> io::Result<File> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!(".clifc-{}-{number}.tmp", std::process::id()));
        let open = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
        Self::create(path, open).map(|(_, file)| file)
    }

    /// Creates a directory, which must not exist.
    pub fn directory(path: PathBuf) -> io::Result<Self> {
        Self::create(path, |path| fs::create_dir(path)).map(|(temporary, ())| temporary)
    }

    /// Creates a directory for temporary files that is named after this process. The first one removes those
    /// that processes left which were killed.
    pub fn of_process(kind: &str) -> io::Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let parent = std::env::temp_dir();
        if number == 0 {
            remove_abandoned(&parent);
        }
        Self::directory(parent.join(format!("{PREFIX}{kind}-{}-{number}", std::process::id())))
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

/// Removes directories of processes that are no more. A process in another container looks like that too, so
/// only those are removed that nothing was created in for an hour.
fn remove_abandoned(parent: &Path) {
    const HOUR: Duration = Duration::from_secs(3600);
    // What can't be looked at or removed stays.
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(process_of) else { continue };
        let is_old = entry
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > HOUR));
        if is_old && rustix::process::test_kill_process(process) == Err(Errno::SRCH) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The process that a directory is named after: `clifc-test-123-0`.
fn process_of(name: &str) -> Option<Pid> {
    let mut parts = name.strip_prefix(PREFIX)?.rsplit('-');
    parts.next()?.parse::<usize>().ok()?;
    Pid::from_raw(parts.next()?.parse().ok()?)
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
    use std::time::SystemTime;

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

    #[test]
    fn directories_of_killed_processes_are_removed() {
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        let dead = child.id();
        child.wait().expect("it ends");
        let parent = Temporary::of_process("sweep").expect("a directory");
        let old = SystemTime::now() - Duration::from_secs(7200);
        let make = |name: &str, is_old: bool| {
            let path = parent.path().join(name);
            fs::create_dir_all(path.join("inside")).expect("a directory");
            if is_old {
                File::open(&path).and_then(|file| file.set_modified(old)).expect("a time");
            }
            path
        };
        let abandoned = make(&format!("clifc-test-{dead}-0"), true);
        let kept = [
            make(&format!("clifc-test-{dead}-1"), false),
            make(&format!("clifc-test-{}-0", std::process::id()), true),
            make(&format!("other-test-{dead}-0"), true),
            make("clifc-test-0", true),
        ];
        remove_abandoned(parent.path());
        assert!(!abandoned.exists());
        assert!(kept.iter().all(|path| path.exists()), "{kept:?}");
    }
}
