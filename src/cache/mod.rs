//! The cache: compiled stencils, kept from build to build.
//!
//! Most of what a build compiles was compiled before, by this build or another. A function is looked up
//! twice. First by its text: what it compiled to is then found without parsing it. Then, once it is parsed,
//! by its stencil: that finds a function that differs in names, comments or positions only, and its own
//! params are applied to what was stored. What is found in neither way is compiled, and stored under both
//! keys.
//!
//! | file | what |
//! |---|---|
//! | `key` | what an entry is found by |
//! | `entry` | what is stored, as bytes |
//! | `store` | where: a trait, and the database that processes share |
//!
//! A [`Cache`] lives as long as its session; a [`BuildCache`] is one build's use of it. Threads of a build
//! meet at the set of claimed stencils and at the store only: what they add and count is in a [`Ledger`] of
//! each, added up at the end.
//!
//! Invariants. The object is the same with the cache and without. Whatever is wrong with the cache is a
//! warning and a miss, never a failed build. Stencils that are equal within a module are compiled or found
//! once: the first to ask is told to compile, or gets what is stored ([`BuildCache::claim`]), and the others
//! wait for the end of the build.

pub mod entry;
pub mod key;
pub mod store;

use crate::ir::{Params, Stencil};
use crate::machine::compiled::{CompiledFunction, CompiledStencil};
use crate::options::{Flags, Target};
use entry::{Decoded, TextEntry};
use key::{CompileEnvironment, Key, TextKeys};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::{AddAssign, Range};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::sqlite::SqliteStore;
use store::{Store, StoreError};

/// How to use a cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheOptions {
    /// Its directory, which is made if there is none.
    pub directory: PathBuf,
    /// How many bytes it may take.
    pub limit: u64,
    /// Whether to compile what is found as well, and to compare.
    pub check: bool,
}

/// What a build had from the cache.
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
    /// Bytes of entries used.
    pub bytes_read: u64,
    /// Bytes of entries added.
    pub bytes_written: u64,
    /// Time for computing keys.
    pub hashing: Duration,
    /// Time for finding entries in the store.
    pub looking_up: Duration,
    /// Time for making code and params of entries.
    pub applying: Duration,
    /// Time for adding entries.
    pub storing: Duration,
}

impl AddAssign for Statistics {
    fn add_assign(&mut self, other: Statistics) {
        self.text_hits += other.text_hits;
        self.stencil_hits += other.stencil_hits;
        self.shared += other.shared;
        self.misses += other.misses;
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
        self.hashing += other.hashing;
        self.looking_up += other.looking_up;
        self.applying += other.applying;
        self.storing += other.storing;
    }
}

/// What to do about a function that was parsed.
pub enum Claim {
    /// It was compiled before.
    Found(CompiledStencil),
    /// Nobody has compiled it.
    Compile,
    /// Another function of this build has the same stencil, and is compiled or was found.
    Shared,
}

/// A cache that the builds of a session share.
pub struct Cache {
    check: bool,
    storage: Mutex<Storage>,
}

/// Where a cache's entries are.
#[derive(Default)]
struct Storage {
    /// `None` when it can't be used.
    store: Option<Box<dyn Store>>,
    /// Which database to make anew for the next build, once this one was found damaged.
    database: Option<(PathBuf, u64)>,
    was_damaged: bool,
    /// What went wrong and was not yet reported.
    warnings: Vec<String>,
}

impl Cache {
    /// Opens a cache. If it can't be used, the next build says so in a warning, and everything is a miss.
    pub fn open(options: &CacheOptions) -> Self {
        let database = Some((options.directory.clone(), options.limit));
        let mut storage = Storage { database, ..Storage::default() };
        storage.open();
        Cache { check: options.check, storage: Mutex::new(storage) }
    }

    /// A cache whose entries are in `store`. With `check`, what is found is compiled as well, and compared.
    pub fn with_store(store: Box<dyn Store>, check: bool) -> Self {
        Cache { check, storage: Mutex::new(Storage { store: Some(store), ..Storage::default() }) }
    }

    /// Begins a build's use of the cache.
    pub fn build(&self, target: &Target, flags: &Flags) -> BuildCache<'_> {
        let mut storage = lock(&self.storage);
        if std::mem::take(&mut storage.was_damaged) {
            storage.open();
        }
        let environment = CompileEnvironment::new(target, flags);
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
    /// Opens the database, which is made anew if it is damaged.
    fn open(&mut self) {
        let Some((directory, limit)) = &self.database else { return };
        let opened = match SqliteStore::open(directory, *limit) {
            Err(StoreError::Damaged(why)) => {
                self.warnings.push(format!("the database is damaged ({why}); it is made anew"));
                SqliteStore::remove(directory).and_then(|_| SqliteStore::open(directory, *limit))
            }
            opened => opened,
        };
        match opened {
            Ok(store) => self.store = Some(Box::new(store)),
            Err(error) => self.warnings.push(error.to_string()),
        }
    }

    /// Does something with the store, if there is one. After an error the build goes on without: a damaged
    /// store is removed, so that the next build makes a new one.
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

/// One build's use of a cache. Threads share it.
pub struct BuildCache<'a> {
    cache: &'a Cache,
    environment: CompileEnvironment,
    text_keys: TextKeys,
    checks: bool,
    /// Stencils that a function of this build was told to compile, or had from the store.
    claimed: Mutex<HashSet<Key>>,
}

/// What one thread of a build adds to the cache, and what it had from it.
#[derive(Default)]
pub struct Ledger {
    /// Entries to be stored, and where they are in `bytes`.
    entries: Vec<(Key, Range<usize>)>,
    bytes: Vec<u8>,
    /// How many entries that were read are damaged.
    damaged: u64,
    /// Counts and times.
    pub statistics: Statistics,
}

impl Ledger {
    /// Adds a compiled stencil.
    pub fn add_stencil(&mut self, key: &Key, code: &CompiledStencil) {
        self.add(key, code);
    }

    /// Adds what a function's text was parsed to.
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
    /// Whether what is found is compiled as well.
    pub fn checks(&self) -> bool {
        self.checks
    }

    /// The key of a function's text.
    pub fn text_key(&self, text: &[u8]) -> Key {
        self.text_keys.key(text)
    }

    /// Looks up functions by their texts.
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

    /// Looks up a function by its stencil, and says what to do about it. `names` is how many names its params
    /// have. A build that checks the cache shares nothing, so that every function is compiled.
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
                (key, Claim::Found(code))
            }
            None => {
                ledger.statistics.misses += 1;
                (key, Claim::Compile)
            }
        }
    }

    /// Ends the build: writes what was added. Returns what was found and what went wrong.
    pub fn finish(self, ledgers: &[Ledger]) -> (Statistics, Vec<String>) {
        let start = Instant::now();
        let entries: Vec<(Key, &[u8])> = ledgers.iter().flat_map(Ledger::entries).collect();
        let mut storage = lock(&self.cache.storage);
        storage.with_store(|store| store.put(&entries));
        let mut warnings = std::mem::take(&mut storage.warnings);
        drop(storage);
        match ledgers.iter().map(|ledger| ledger.damaged).sum::<u64>() {
            0 => {}
            damaged => warnings.push(format!("damaged entries are replaced: {damaged}")),
        }
        let mut statistics = Statistics { storing: start.elapsed(), ..Statistics::default() };
        ledgers.iter().for_each(|ledger| statistics += ledger.statistics);
        (statistics, warnings)
    }

    fn find_stencil(&self, key: &Key, names: usize, ledger: &mut Ledger) -> Option<CompiledStencil> {
        let start = Instant::now();
        let mut bytes: Option<Vec<u8>> = None;
        self.get(&[*key], &mut |_, found| bytes = Some(found.into()));
        let looked_up = Instant::now();
        ledger.statistics.looking_up += looked_up - start;
        // Other threads have the store meanwhile.
        let code = self.decode(key, &bytes?, ledger);
        ledger.statistics.applying += looked_up.elapsed();
        code.filter(|code| entry::is_sound(code, names))
    }

    /// Reads entries. `take` gets those there are, with their places among the keys.
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

    /// Makes an entry of its bytes. Damaged ones are counted, and will be replaced.
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

/// Locks what threads share. What a thread left that panicked is a set of entries like any other.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
