//! The cache: compiled stencils, kept from build to build.
//!
//! Most of what a build compiles was compiled before, by this build or another. A function is looked for twice. First by
//! its text: what it compiled to is then found without parsing it. Then, once it is parsed, by its stencil: a function that
//! differs in names, comments or positions only is found too, and its own params are applied to what was stored. What is found in neither way is
//! compiled, and stored under both keys.
//!
//! | file | what |
//! |---|---|
//! | `key` | what an entry is found by |
//! | `entry` | what is stored, as bytes |
//! | `store` | where: a database that processes share |
//!
//! Invariants. The object is the same with the cache and without. Whatever is wrong with the cache is a warning and a
//! miss, never a failed build. Stencils that are equal within a module are compiled once: who comes first compiles
//! ([`Cache::claim`]), the others wait for the end of the build.

pub mod entry;
pub mod key;
pub mod store;

use crate::ir::{Params, Stencil};
use crate::machine::compiled::{CompiledFunction, CompiledStencil};
use crate::options::{Flags, Target};
use entry::{Decoded, TextEntry};
use key::{Environment, Key, TextKeys};
use serde::Serialize;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};
use store::{Batch, Store, StoreError};

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

/// What is to be done about a function that was parsed.
pub enum Claim {
    /// It was compiled before.
    Found(CompiledStencil),
    /// Nobody has compiled it.
    Compile,
    /// Somebody in this build is compiling it.
    Shared,
}

/// One build's use of a cache. Threads share it.
#[derive(Debug)]
pub struct Cache {
    environment: Environment,
    text_keys: TextKeys,
    options: CacheOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` when it can't be used any more.
    store: Option<Store>,
    claimed: HashSet<Key>,
    added: Batch,
    warnings: Vec<String>,
    statistics: Statistics,
}

impl Cache {
    /// Opens a cache. If it can't be used, a warning says so and everything is a miss.
    pub fn open(mut options: CacheOptions, target: &Target, flags: &Flags) -> Self {
        options.check |= flags.enable_incremental_compilation_cache_checks();
        let mut state = State::default();
        let opened = Store::open(&options.directory, options.limit);
        state.store = match opened {
            Err(StoreError::Damaged(why)) => {
                state.warnings.push(format!("the database is damaged ({why}); it is made anew"));
                let again = Store::remove(&options.directory)
                    .and_then(|_| Store::open(&options.directory, options.limit));
                again.map_err(|error| state.warnings.push(error.to_string())).ok()
            }
            opened => opened.map_err(|error| state.warnings.push(error.to_string())).ok(),
        };
        let environment = Environment::new(target, flags);
        let text_keys = environment.texts(state.store.as_ref().map_or(&[0; 32], Store::secret));
        Cache { environment, text_keys, options, state: Mutex::new(state) }
    }

    /// Whether what is found is compiled as well.
    pub fn checks(&self) -> bool {
        self.options.check
    }

    /// The key of a function's text.
    pub fn text_key(&self, text: &[u8]) -> Key {
        self.text_keys.key(text)
    }

    /// Looks for functions by their texts.
    pub fn find_texts(&self, keys: &[Key]) -> Vec<Option<Box<CompiledFunction>>> {
        let mut state = self.state();
        let mut found = vec![None; keys.len()];
        if let Err(error) = state.read_texts(keys, &mut found) {
            state.give_up(error);
        }
        state.statistics.text_hits += found.iter().flatten().count() as u64;
        found
    }

    /// Looks for a function by its stencil; says whether to compile it. `names` is how many names its params have.
    pub fn claim(&self, stencil: &Stencil, names: usize) -> (Key, Claim) {
        let start = Instant::now();
        let key = self.environment.stencil(stencil);
        let hashing = start.elapsed();
        let mut state = self.state();
        state.statistics.hashing += hashing;
        if !state.claimed.insert(key) {
            state.statistics.shared += 1;
            return (key, Claim::Shared);
        }
        match state.find_stencil(&key, names) {
            Some(code) => {
                // Others of this build find it again.
                state.claimed.remove(&key);
                state.statistics.stencil_hits += 1;
                (key, Claim::Found(code))
            }
            None => {
                state.statistics.misses += 1;
                (key, Claim::Compile)
            }
        }
    }

    /// Stores a compiled stencil.
    pub fn add_stencil(&self, key: &Key, code: &CompiledStencil) {
        self.add(key, code);
    }

    /// Stores what a function's text was parsed to.
    pub fn add_text(&self, text: &Key, stencil: &Key, params: &Params) {
        self.add(text, &TextEntry::new(stencil, params));
    }

    fn add(&self, key: &Key, contents: &impl Serialize) {
        let mut state = self.state();
        let length = state.added.push(key.number(), |bytes| entry::encode(key, contents, bytes));
        state.statistics.bytes_written += length as u64;
    }

    /// Writes what was added.
    pub fn finish(&self) {
        let start = Instant::now();
        let mut state = self.state();
        let mut added = std::mem::take(&mut state.added);
        if let Some(Err(error)) = state.store.as_mut().map(|store| store.write(&mut added)) {
            state.give_up(error);
        }
        state.statistics.storing += start.elapsed();
    }

    /// What was wrong with the cache.
    pub fn warnings(&self) -> Vec<String> {
        self.state().warnings.clone()
    }

    /// What was found so far.
    pub fn statistics(&self) -> Statistics {
        self.state().statistics
    }

    /// Adds to the time for computing keys.
    pub fn note_hashing(&self, time: Duration) {
        self.state().statistics.hashing += time;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a thread that panicked left is a set of entries like any other.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    /// Goes on without the store. If it is damaged it is removed, so that the next build makes a new one.
    fn give_up(&mut self, error: StoreError) {
        self.warnings.push(error.to_string());
        let Some(store) = self.store.take() else { return };
        let directory = store.directory().to_owned();
        drop(store);
        if matches!(error, StoreError::Damaged(_))
            && let Err(error) = Store::remove(&directory)
        {
            self.warnings.push(error.to_string());
        }
    }

    /// Looks for texts and then for their stencils, in the order in which the store has them.
    fn read_texts(
        &mut self,
        keys: &[Key],
        found: &mut [Option<Box<CompiledFunction>>],
    ) -> Result<(), StoreError> {
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_unstable_by_key(|&index| keys[index].number());
        let sorted: Vec<Key> = order.iter().map(|&index| keys[index]).collect();
        let mut texts: Vec<(usize, Key, Params)> = Vec::with_capacity(keys.len());
        self.read(&sorted, |at, text: TextEntry| {
            texts.push((order[at], Key(text.stencil), text.into_params()));
        })?;
        texts.sort_unstable_by_key(|text| text.1.number());
        let stencils: Vec<Key> = texts.iter().map(|text| text.1).collect();
        self.read(&stencils, |at, code: CompiledStencil| {
            let (index, _, params) = &mut texts[at];
            if entry::is_sound(&code, params.names.len()) {
                found[*index] = Some(Box::new(CompiledFunction { params: std::mem::take(params), code }));
            }
        })
    }

    fn find_stencil(&mut self, key: &Key, names: usize) -> Option<CompiledStencil> {
        let mut found = None;
        if let Err(error) = self.read(&[*key], |_, code| found = Some(code)) {
            self.give_up(error);
        }
        found.filter(|code| entry::is_sound(code, names))
    }

    /// Reads entries. `take` gets those there are, with their places among the keys; a damaged one is a warning and
    /// will be replaced.
    fn read<T: for<'a> serde::Deserialize<'a>>(
        &mut self,
        keys: &[Key],
        mut take: impl FnMut(usize, T),
    ) -> Result<(), StoreError> {
        let Some(store) = self.store.as_mut().filter(|store| !store.is_new()) else { return Ok(()) };
        let start = Instant::now();
        let mut applying = Duration::ZERO;
        let ids: Vec<i64> = keys.iter().map(Key::number).collect();
        let (statistics, warnings) = (&mut self.statistics, &mut self.warnings);
        let result = store.read(&ids, |at, bytes| {
            let start = Instant::now();
            match entry::decode(&keys[at], bytes) {
                Decoded::Entry(entry) => {
                    statistics.bytes_read += bytes.len() as u64;
                    take(at, entry);
                }
                Decoded::Damaged => {
                    warnings.push("an entry is damaged; what it is of is compiled again".to_string());
                }
                Decoded::Other => {}
            }
            applying += start.elapsed();
        });
        statistics.looking_up += start.elapsed() - applying;
        statistics.applying += applying;
        result
    }
}
