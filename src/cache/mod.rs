//! The cache of compiled stencils, which is kept from build to build.
//!
//! Most functions of a build were compiled before, by this or another build. A function is looked up twice:
//! first by its text, which finds its code without parsing it, and then, once it is parsed, by its stencil.
//! The second lookup finds the code of functions that differ in names, comments or positions only, to which
//! the function's own params are applied. A function that neither lookup finds is compiled, and stored under
//! both keys.
//!
//! | file | what |
//! |---|---|
//! | `key` | keys of entries |
//! | `entry` | the bytes of entries |
//! | `remote` | the store that a team shares, behind the local one |
//! | `totals` | what is counted over many builds |
//! | `store` | where entries are kept: a trait, and the database that processes share |
//!
//! A [`Cache`] lives as long as its session; a [`BuildCache`] is one build's use of it. The threads of a
//! build share only the set of claimed stencils and the store. Each collects what it adds and counts in a
//! [`Ledger`] of its own, and the ledgers are added up at the end.
//!
//! Invariants. The object is the same with and without the cache. Any problem with the cache is a warning and
//! a miss, never a failed build. Equal stencils of a module are compiled or looked up once: the first
//! function to claim the stencil compiles it or gets what is stored ([`BuildCache::claim`]), and the others
//! get a copy at the end of the build.

pub mod entry;
pub mod key;
pub mod remote;
pub mod store;
pub mod totals;

pub use remote::{RemoteMode, RemoteOptions};

use crate::ir::{Params, Stencil};
use crate::machine::compiled::{CompiledFunction, CompiledStencil};
use crate::options::{Flags, Target};
use entry::{Decoded, TextEntry};
use key::{CompileEnvironment, Key, TextDigests, TextKeys};
use remote::Remote;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::{AddAssign, Range};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
#[cfg(feature = "sqlite")]
use store::sqlite::SqliteStore;
use store::{Store, StoreError};
use totals::Totals;

/// How to use a cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheOptions {
    /// Directory, which is created if it does not exist.
    pub directory: PathBuf,
    /// Maximum size in bytes.
    pub limit: u64,
    /// Whether to also compile the functions that are found, and compare.
    pub check: bool,
}

/// Counts and times of a build's use of the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Functions found by their text.
    pub text_hits: u64,
    /// Functions found by their stencil.
    pub stencil_hits: u64,
    /// Functions equal to another of the same build.
    pub shared: u64,
    /// Functions compiled.
    pub misses: u64,
    /// Functions found in the shared store.
    pub remote_hits: u64,
    /// Bytes of packs of the shared store that were used.
    pub remote_bytes_read: u64,
    /// Bytes of packs that were sent to the shared store.
    pub remote_bytes_written: u64,
    /// Bytes of text of functions that were found.
    pub found_text: u64,
    /// Bytes of text of functions that were compiled.
    pub compiled_text: u64,
    /// Bytes of entries used.
    pub bytes_read: u64,
    /// Bytes of entries added.
    pub bytes_written: u64,
    /// Time spent on computing keys.
    pub hashing: Duration,
    /// Time spent on finding entries in the store.
    pub looking_up: Duration,
    /// Time spent on decoding entries.
    pub applying: Duration,
    /// Time spent on adding entries.
    pub storing: Duration,
    /// Time spent on waiting for the shared store.
    pub waiting: Duration,
    /// Time spent on compiling.
    pub compiling: Duration,
}

impl AddAssign for Statistics {
    fn add_assign(&mut self, other: Statistics) {
        self.text_hits += other.text_hits;
        self.stencil_hits += other.stencil_hits;
        self.shared += other.shared;
        self.misses += other.misses;
        self.remote_hits += other.remote_hits;
        self.remote_bytes_read += other.remote_bytes_read;
        self.remote_bytes_written += other.remote_bytes_written;
        self.found_text += other.found_text;
        self.compiled_text += other.compiled_text;
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
        self.hashing += other.hashing;
        self.looking_up += other.looking_up;
        self.applying += other.applying;
        self.storing += other.storing;
        self.waiting += other.waiting;
        self.compiling += other.compiling;
    }
}

/// What to do with a function that was parsed.
pub enum Claim {
    /// Use this code: the stencil was compiled before.
    Found(Box<CompiledStencil>),
    /// Compile it: the stencil is new.
    Compile,
    /// Copy the code at the end of the build: another function with the same stencil is compiled or was
    /// found.
    Shared,
}

/// A cache that the builds of a session share.
pub struct Cache {
    check: bool,
    storage: Mutex<Storage>,
    remote: Option<Remote>,
    /// Where sums over builds are kept.
    directory: Option<PathBuf>,
}

/// A cache's store, and what is known about its state.
#[derive(Default)]
struct Storage {
    /// The store; `None` if it can't be used.
    store: Option<Box<dyn Store>>,
    /// Directory and limit of the database to open; `None` for a store that the caller made.
    database: Option<(PathBuf, u64)>,
    /// Whether the database was found damaged and removed, so that the next build opens a new one.
    was_damaged: bool,
    /// Problems that were not reported yet.
    warnings: Vec<String>,
}

impl Cache {
    /// Opens a cache. If it can't be used, the next build reports that as a warning, and every lookup is a
    /// miss.
    pub fn open(options: &CacheOptions) -> Self {
        let database = Some((options.directory.clone(), options.limit));
        let mut storage = Storage { database, ..Storage::default() };
        storage.open();
        let directory = Some(options.directory.clone());
        Cache { check: options.check, storage: Mutex::new(storage), remote: None, directory }
    }

    /// Makes a cache whose entries are in `store`. With `check`, functions that are found are also compiled
    /// and compared.
    pub fn with_store(store: Box<dyn Store>, check: bool) -> Self {
        let storage = Mutex::new(Storage { store: Some(store), ..Storage::default() });
        Cache { check, storage, remote: None, directory: None }
    }

    /// Adds a shared store behind the local one. It is not used if functions that are found are also
    /// compiled.
    pub fn with_remote(self, options: RemoteOptions) -> Self {
        match Remote::open(options) {
            Ok(remote) => Cache { remote: Some(remote), ..self },
            Err(why) => {
                lock(&self.storage).warnings.push(format!("the shared store can't be used: {why}"));
                self
            }
        }
    }

    /// Waits until what builds added to the shared store is sent, but not for much longer than `share`, a
    /// small part of the time that they took. Returns warnings about problems.
    pub fn finish(&self, share: Duration) -> Vec<String> {
        let Some(remote) = &self.remote else { return Vec::new() };
        let left = remote.finish(share);
        let mut warnings = remote.take_warnings();
        if left > 0 && warnings.is_empty() {
            warnings.push(format!("the shared store is slow: {left} packs were not sent"));
        }
        warnings
    }

    /// Begins a build's use of the cache. With debug information, `debug` says whether the build needs places
    /// of values, besides the positions of instructions.
    pub fn build(&self, target: &Target, flags: &Flags, debug: Option<bool>) -> BuildCache<'_> {
        let mut storage = lock(&self.storage);
        if std::mem::take(&mut storage.was_damaged) {
            storage.open();
        }
        let environment = CompileEnvironment::new(target, flags);
        let environment = match debug {
            Some(values) => environment.with_positions(values),
            None => environment,
        };
        let text_keys = environment.texts(&storage.store.as_ref().map_or([0; 32], |store| store.secret()));
        BuildCache {
            cache: self,
            environment,
            text_keys,
            checks: self.check || flags.enable_incremental_compilation_cache_checks(),
            claimed: Mutex::default(),
        }
    }
}

impl Storage {
    /// Says that there is no database.
    #[cfg(not(feature = "sqlite"))]
    fn open(&mut self) {
        if self.database.is_some() {
            self.warnings.push("this build of clifc has no cache".into());
        }
    }

    /// Opens the database, after removing it if it is damaged.
    #[cfg(feature = "sqlite")]
    fn open(&mut self) {
        let Some((directory, limit)) = &self.database else { return };
        let opened = match SqliteStore::open(directory, *limit) {
            Err(StoreError::Damaged(why)) => {
                self.warnings.push(format!("the database is damaged ({why}) and will be created anew"));
                SqliteStore::remove(directory).and_then(|_| SqliteStore::open(directory, *limit))
            }
            opened => opened,
        };
        match opened {
            Ok(store) => self.store = Some(Box::new(store)),
            Err(error) => self.warnings.push(error.to_string()),
        }
    }

    /// Does something with the store, if there is one. After an error, the build goes on without it. A
    /// damaged store is removed, so that the next build creates a new one.
    fn with_store(&mut self, work: impl FnOnce(&mut dyn Store) -> store::Result<()>) {
        let Some(store) = &mut self.store else { return };
        let Err(error) = work(store.as_mut()) else { return };
        self.warnings.push(error.to_string());
        let Some(store) = self.store.take() else { return };
        if matches!(error, StoreError::Damaged(_)) {
            self.was_damaged = true;
            self.warnings.extend(store.clear().err().map(|error| error.to_string()));
        }
    }
}

/// One build's use of a cache, which the build's threads share.
pub struct BuildCache<'a> {
    cache: &'a Cache,
    environment: CompileEnvironment,
    text_keys: TextKeys,
    checks: bool,
    /// Stencils that a function of this build compiles or got from the store.
    claimed: Mutex<HashSet<Key>>,
}

/// What one thread of a build adds to the cache, and its counts.
#[derive(Default)]
pub struct Ledger {
    /// Keys of the entries to store, and their ranges in `bytes`.
    entries: Vec<(Key, Range<usize>)>,
    bytes: Vec<u8>,
    /// Number of damaged entries that were read.
    damaged: u64,
    /// Counts and times.
    pub statistics: Statistics,
}

impl Ledger {
    /// Adds a compiled stencil.
    pub fn add_stencil(&mut self, key: &Key, code: &CompiledStencil) {
        self.add(key, code);
    }

    /// Adds the entry of a function's text.
    pub fn add_text(&mut self, text: &Key, stencil: &Key, params: &Params) {
        self.add(text, &TextEntry::new(stencil, params));
    }

    fn add(&mut self, key: &Key, contents: &impl Serialize) {
        let start = self.bytes.len();
        self.bytes = entry::encode(key, contents, std::mem::take(&mut self.bytes));
        self.entries.push((*key, start..self.bytes.len()));
        self.statistics.bytes_written += (self.bytes.len() - start) as u64;
    }

    fn entries(&self) -> impl Iterator<Item = (Key, &[u8])> {
        self.entries.iter().map(|(key, range)| (*key, &self.bytes[range.clone()]))
    }
}

impl BuildCache<'_> {
    /// Whether functions that are found are also compiled and compared.
    pub fn checks(&self) -> bool {
        self.checks
    }

    /// Returns the shared store, if it is to be used.
    pub(crate) fn remote(&self) -> Option<&Remote> {
        self.cache.remote.as_ref().filter(|_| !self.checks)
    }

    /// Returns what computes digests of the texts of functions in a file with these `type` items.
    pub(crate) fn text_digests(&self, types: &str) -> TextDigests {
        self.environment.text_digests(types)
    }

    /// Adds a function of a pack of the shared store to the local store.
    pub(crate) fn keep(
        &self,
        text: &Key,
        pack: &str,
        index: usize,
        unit: &CompiledFunction,
        ledger: &mut Ledger,
    ) {
        let code = self.environment.shared_code(pack, index);
        ledger.add_stencil(&code, &unit.code);
        ledger.add_text(text, &code, &unit.params);
    }

    /// Computes the key of a function's text.
    pub fn text_key(&self, text: &[u8]) -> Key {
        self.text_keys.key(text)
    }

    /// Looks up functions by the keys of their texts; the result has an entry for each key.
    pub fn find_texts(&self, keys: &[Key], ledger: &mut Ledger) -> Vec<Option<Box<CompiledFunction>>> {
        let mut texts: Vec<(usize, Key, Params)> = Vec::with_capacity(keys.len());
        self.read(keys, ledger, |at, text: TextEntry| {
            texts.push((at, Key(text.stencil), text.into_params()));
        });
        let stencils: Vec<Key> = texts.iter().map(|text| text.1).collect();
        let mut found = vec![None; keys.len()];
        self.read(&stencils, ledger, |at, code: CompiledStencil| {
            let (index, _, params) = &mut texts[at];
            if entry::is_sound(&code, params.names.len()) {
                found[*index] = Some(Box::new(CompiledFunction { params: std::mem::take(params), code }));
            }
        });
        ledger.statistics.text_hits += found.iter().flatten().count() as u64;
        found
    }

    /// Looks up a function by its stencil, and returns the stencil's key and what to do with the function.
    /// `names` is the number of names in its params. A build that checks the cache shares no code, so that
    /// every function is compiled.
    pub fn claim(&self, stencil: &Stencil, names: usize, ledger: &mut Ledger) -> (Key, Claim) {
        let start = Instant::now();
        let key = self.environment.stencil(stencil);
        ledger.statistics.hashing += start.elapsed();
        if !self.checks && !lock(&self.claimed).insert(key) {
            ledger.statistics.shared += 1;
            return (key, Claim::Shared);
        }
        match self.find_stencil(&key, names, ledger) {
            Some(code) => {
                ledger.statistics.stencil_hits += 1;
                (key, Claim::Found(Box::new(code)))
            }
            None => {
                ledger.statistics.misses += 1;
                (key, Claim::Compile)
            }
        }
    }

    /// Ends the build and writes what was added. Returns the statistics, and warnings about problems.
    pub fn finish(self, ledgers: &[Ledger]) -> (Statistics, Vec<String>) {
        let start = Instant::now();
        let entries: Vec<(Key, &[u8])> = ledgers.iter().flat_map(Ledger::entries).collect();
        let mut storage = lock(&self.cache.storage);
        storage.with_store(|store| store.put(&entries));
        let mut warnings = std::mem::take(&mut storage.warnings);
        // Without a store, the directory may be one that others can write to.
        let directory = self.cache.directory.as_ref().filter(|_| storage.store.is_some());
        drop(storage);
        match ledgers.iter().map(|ledger| ledger.damaged).sum::<u64>() {
            0 => {}
            damaged => warnings.push(format!("damaged entries replaced: {damaged}")),
        }
        warnings.extend(self.cache.remote.iter().flat_map(Remote::take_warnings));
        let mut statistics = Statistics { storing: start.elapsed(), ..Statistics::default() };
        ledgers.iter().for_each(|ledger| statistics += ledger.statistics);
        if let Some(directory) = directory {
            // The numbers are for information only.
            let _ = Totals::of(&statistics).append(directory);
        }
        (statistics, warnings)
    }

    fn find_stencil(&self, key: &Key, names: usize, ledger: &mut Ledger) -> Option<CompiledStencil> {
        let start = Instant::now();
        let mut bytes: Option<Vec<u8>> = None;
        self.get(&[*key], &mut |_, found| bytes = Some(found.into()));
        let looked_up = Instant::now();
        ledger.statistics.looking_up += looked_up - start;
        // The store is unlocked by now, for other threads.
        let code = self.decode(key, &bytes?, ledger);
        ledger.statistics.applying += looked_up.elapsed();
        code.filter(|code| entry::is_sound(code, names))
    }

    /// Reads entries, and calls `take` with each one that exists and the index of its key.
    fn read<T: for<'b> Deserialize<'b>>(
        &self,
        keys: &[Key],
        ledger: &mut Ledger,
        mut take: impl FnMut(usize, T),
    ) {
        let start = Instant::now();
        let mut applying = Duration::ZERO;
        self.get(keys, &mut |at, bytes| {
            let start = Instant::now();
            if let Some(entry) = self.decode(&keys[at], bytes, ledger) {
                take(at, entry);
            }
            applying += start.elapsed();
        });
        ledger.statistics.looking_up += start.elapsed() - applying;
        ledger.statistics.applying += applying;
    }

    fn get(&self, keys: &[Key], take: &mut dyn FnMut(usize, &[u8])) {
        lock(&self.cache.storage).with_store(|store| store.get(keys, take));
    }

    /// Decodes an entry. Damaged entries are counted, and will be replaced.
    fn decode<'b, T: Deserialize<'b>>(&self, key: &Key, bytes: &'b [u8], ledger: &mut Ledger) -> Option<T> {
        match entry::decode(key, bytes) {
            Decoded::Entry(entry) => {
                ledger.statistics.bytes_read += bytes.len() as u64;
                Some(entry)
            }
            Decoded::Damaged => {
                ledger.damaged += 1;
                None
            }
            Decoded::Other => None,
        }
    }
}

/// Locks a mutex, even if a thread panicked while it held the lock: the contents are valid at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
