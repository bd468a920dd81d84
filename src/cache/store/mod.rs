//! Where cache entries are kept.
//!
//! [`Store`] is all that the cache needs: bytes under keys, read and written in batches. A store does not
//! know what the bytes mean, so another kind of store (in memory, or on a server behind a local one) only has
//! to implement this trait. Builds use the one in [`sqlite`].
//!
//! Invariants. A store may lose entries at any time, and may return bytes that were not stored under the key:
//! the cache checks them ([`entry`](super::entry)). The cache does not use a store after an error.

#[cfg(feature = "sqlite")]
pub mod sqlite;

use super::key::Key;
use std::path::PathBuf;
use std::{fmt, io};

/// Why a store can't be used.
#[derive(Debug)]
pub enum StoreError {
    /// A directory or file can't be created, opened, locked or removed.
    Directory(PathBuf, io::Error),
    /// Other users can write to the directory.
    NotPrivate(PathBuf),
    /// The stored data is damaged.
    Damaged(String),
    /// Anything else, such as a full disk or a timeout.
    Unavailable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Directory(path, why) => write!(f, "{}: {why}", path.display()),
            StoreError::NotPrivate(path) => {
                write!(
                    f,
                    "{}: the directory must belong to you, and nobody else may write to it",
                    path.display()
                )
            }
            StoreError::Damaged(why) => write!(f, "the database is damaged ({why})"),
            StoreError::Unavailable(why) => f.write_str(why),
        }
    }
}

/// The result of a store's operation.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The size of a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreSize {
    /// Number of entries.
    pub entries: u64,
    /// Total size of the entries in bytes.
    pub entry_bytes: u64,
    /// Size of the store on disk in bytes.
    pub file_bytes: u64,
}

/// A place that keeps entries.
pub trait Store: Send {
    /// Returns a secret of this store, on which keys of texts depend: nobody who does not know it can
    /// construct two texts with the same key.
    fn secret(&self) -> [u8; 32];

    /// Calls `take` with the bytes of each entry that exists and the index of its key in `keys`, in any
    /// order. Reading counts as use.
    fn get(&mut self, keys: &[Key], take: &mut dyn FnMut(usize, &[u8])) -> Result<()>;

    /// Ends a build: stores its entries, replacing those with the same keys, and records the use of entries
    /// that were read since the last call. If the store grows beyond its limit, least recently used entries
    /// are removed.
    fn put(&mut self, entries: &[(Key, &[u8])]) -> Result<()>;

    /// Removes least recently used entries until the store takes at most `bytes` bytes.
    fn prune(&mut self, bytes: u64) -> Result<()>;

    /// Removes entries whose bytes `is_intact` rejects, and returns how many there were.
    fn verify(&mut self, is_intact: &dyn Fn(&[u8]) -> bool) -> Result<u64>;

    /// Returns the size of the store.
    fn size(&self) -> Result<StoreSize>;

    /// Closes the store and removes its data, unless other processes are using it. Returns whether it did.
    fn clear(self: Box<Self>) -> Result<bool>;
}
