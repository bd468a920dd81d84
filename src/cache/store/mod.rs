//! Where entries are kept.
//!
//! [`Store`] is all that the cache asks of such a place: bytes under keys, read and written in batches. It
//! knows nothing of what the bytes mean, so that a store of another kind (in memory, on a server behind a
//! local one) is an implementation of this trait and nothing else. [`sqlite`] is the one that builds use.
//!
//! Invariants. A store may lose entries at any time, and may return bytes that were never stored under the
//! key: the cache checks them ([`entry`](super::entry)). After an error, the cache uses a store no more.

pub mod sqlite;

use super::key::Key;
use std::path::PathBuf;
use std::{fmt, io};

/// Why a store can't be used.
#[derive(Debug)]
pub enum StoreError {
    /// A directory or file can't be made, opened, locked or removed.
    Directory(PathBuf, io::Error),
    /// Others can write to the directory.
    NotPrivate(PathBuf),
    /// What the store holds is damaged.
    Damaged(String),
    /// Anything else: a full disk, too long a wait.
    Unavailable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Directory(path, why) => write!(f, "{}: {why}", path.display()),
            StoreError::NotPrivate(path) => {
                write!(f, "{}: others can write to this directory; it should be yours alone", path.display())
            }
            StoreError::Damaged(why) => write!(f, "the database is damaged ({why})"),
            StoreError::Unavailable(why) => f.write_str(why),
        }
    }
}

/// What a store's operations return.
pub type Result<T> = std::result::Result<T, StoreError>;

/// How much a store holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreSize {
    /// How many entries.
    pub entries: u64,
    /// Bytes of the entries.
    pub entry_bytes: u64,
    /// Bytes the store takes on disk.
    pub file_bytes: u64,
}

/// A place that keeps entries.
pub trait Store: Send {
    /// A secret of this store's own, on which keys of texts depend: without it, nobody can make two texts of
    /// one key.
    fn secret(&self) -> [u8; 32];

    /// Calls `take` with the bytes of each entry there is and its key's place in `keys`, in any order.
    /// Reading counts as use.
    fn get(&mut self, keys: &[Key], take: &mut dyn FnMut(usize, &[u8])) -> Result<()>;

    /// Ends a build: stores its entries, replacing those of the same keys, and records the use of those that
    /// were read since the last call. Least recently used entries go if the store grows beyond its limit.
    fn put(&mut self, entries: &[(Key, &[u8])]) -> Result<()>;

    /// Removes least recently used entries until the store takes at most `bytes`.
    fn prune(&mut self, bytes: u64) -> Result<()>;

    /// Removes entries whose bytes `is_intact` rejects, and returns how many there were.
    fn verify(&mut self, is_intact: &dyn Fn(&[u8]) -> bool) -> Result<u64>;

    /// How much it holds.
    fn size(&self) -> Result<StoreSize>;

    /// Closes the store and removes all it holds, unless others are using it. Returns whether it did.
    fn clear(self: Box<Self>) -> Result<bool>;
}
