//! A build's use of the cache: which functions must be compiled, and what happens to the others.
//!
//! Before workers start, all texts are looked up at once. A worker then looks up each function that it has
//! parsed by its stencil. A function whose stencil equals that of another one in the build is deferred, and
//! gets a copy of that one's code at the end. Each worker has [`CacheNotes`] of its own, so that workers wait
//! for each other at the cache only.
//!
//! With a shared store, workers ask there for groups of functions that the local one lacks, and compile
//! groups that it lacks too (`Lookups`).
//!
//! Invariant: if a deferred function has no code at the end, then compiling the other function failed, and
//! there is a diagnostic.

use super::callees::Callees;
use super::pack_names::{PackInputs, PackNames};
use super::{Session, Unit};
use crate::cache::entry::is_sound;
use crate::cache::key::Key;
use crate::cache::remote::groups::divide;
use crate::cache::remote::{Group, Lookups, Remote};
use crate::cache::{BuildCache, Claim, Ledger, Statistics};
use crate::diag::{Diagnostic, Severity};
use crate::ir::{Function, Params, StructTypes};
use crate::machine::compiled::{CompiledFunction, CompiledStencil};
use crate::parse::{self, Split};
use crate::timing::Timing;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The functions of a build that the cache has.
pub(super) struct Cached<'a> {
    cache: BuildCache<'a>,
    /// Keys of the functions' texts.
    keys: Vec<Key>,
    /// The functions that were found by their texts.
    found: Vec<Option<Box<CompiledFunction>>>,
    /// The groups of functions that a shared store is asked for.
    shared: Option<Shared<'a>>,
    /// What was counted before workers started.
    ledger: Ledger,
}

/// The groups of functions that a shared store is asked for, and the names of their packs.
struct Shared<'a> {
    lookups: Arc<Lookups>,
    names: PackNames<'a>,
}

impl Shared<'_> {
    /// The name of a group's pack.
    fn name<'b>(&self, group: &'b Group) -> &'b str {
        group.name.get_or_init(|| self.names.name(group.functions.clone()))
    }
}

/// What one worker notes for the end of the build.
#[derive(Default)]
pub(super) struct CacheNotes {
    ledger: Ledger,
    /// Keys of stencils, and the function that has the code for each.
    first: Vec<(Key, usize)>,
    /// Deferred functions, with the keys of their stencils and their params.
    shared: Vec<(usize, Key, Params)>,
    /// Functions that compile to something else than the cache has.
    different: Vec<usize>,
}

impl CacheNotes {
    /// Notes how long compiling a text of this many bytes took.
    pub(super) fn compiled(&mut self, bytes: usize, time: Duration) {
        self.ledger.statistics.compiled_text += bytes as u64;
        self.ledger.statistics.compiling += time;
    }
}

impl<'a> Cached<'a> {
    /// Splits a file and computes the keys of its functions' texts.
    pub(super) fn split(
        cache: BuildCache<'a>,
        text: &[u8],
        timing: &mut Timing,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Split, Self) {
        let start = Instant::now();
        let mut ledger = Ledger::default();
        let mut hashing = Duration::ZERO;
        let mut keys = Vec::new();
        // Texts are hashed as they are found, while they are in the CPU's cache.
        let split = parse::split_with(text, diagnostics, &mut |function| {
            let start = Instant::now();
            keys.push(cache.text_key(function));
            hashing += start.elapsed();
        });
        ledger.statistics.hashing = hashing;
        timing.add("split", start.elapsed() - hashing);
        (split, Cached { cache, keys, found: Vec::new(), shared: None, ledger })
    }

    /// Computes the keys of the texts of functions that have been split off.
    pub(super) fn of(cache: BuildCache<'a>, text: &[u8], split: &Split) -> Self {
        let start = Instant::now();
        let texts = split.functions.iter().map(|function| &text[function.text.clone()]);
        let keys = texts.map(|text| cache.text_key(text)).collect();
        let mut ledger = Ledger::default();
        ledger.statistics.hashing = start.elapsed();
        Cached { cache, keys, found: Vec::new(), shared: None, ledger }
    }

    /// Makes the keys depend on what the texts of functions refer to by name: the file's `type` items, and
    /// functions that may be inlined.
    pub(super) fn depend_on(&mut self, types: &StructTypes, callees: &Callees) {
        self.depend_on_types(types);
        callees.extend_keys(&mut self.keys, |bytes| self.cache.text_key(bytes));
    }

    fn depend_on_types(&mut self, types: &StructTypes) {
        if types.items().is_empty() {
            return;
        }
        let text = text_of(types);
        let of_types = self.cache.text_key(text.as_bytes());
        for key in &mut self.keys {
            *key = self.cache.text_key(&[key.0, of_types.0].concat());
        }
    }

    /// Looks up all functions by the keys of their texts, in the local store. Prepares to ask the shared
    /// store, if there is one, for groups of which the local one lacks a function.
    pub(super) fn find(&mut self, inputs: PackInputs<'a>, types: &StructTypes, session: &Session) {
        let functions = &inputs.split.functions;
        self.found = self.cache.find_texts(&self.keys, &mut self.ledger);
        let found = self.found.iter().zip(functions).filter(|(found, _)| found.is_some());
        self.ledger.statistics.found_text = found.map(|(_, function)| function.text.len() as u64).sum();
        let Some(remote) = self.cache.remote() else { return };
        if self.found.iter().all(Option::is_some) {
            return;
        }
        let group = |range: Range<usize>| {
            let wanted = range.clone().filter(|&index| self.found[index].is_none());
            let wanted_bytes = wanted.map(|index| functions[index].text.len() as u64).sum();
            Group { functions: range, name: OnceLock::new(), wanted_bytes }
        };
        let groups = divide((0..functions.len()).map(|function| inputs.text_of(function)));
        let groups = groups.into_iter().map(group).filter(|group| group.wanted_bytes > 0).collect();
        let names = PackNames::new(inputs, self.cache.text_digests(&text_of(types)), remote.seal().clone());
        self.shared =
            Some(Shared { lookups: remote.lookups(groups, session.threads(functions.len())), names });
    }

    /// The groups of functions that a shared store is asked for.
    pub(super) fn lookups(&self) -> Option<&Lookups> {
        self.shared.as_ref().map(|shared| &*shared.lookups)
    }

    /// Asks the shared store for the packs of groups.
    pub(super) fn ask(&self, notes: &mut CacheNotes, groups: Range<usize>) {
        let (Some(shared), Some(remote)) = (&self.shared, self.cache.remote()) else { return };
        for group in groups {
            let start = Instant::now();
            shared.name(shared.lookups.group(group));
            notes.ledger.statistics.hashing += start.elapsed();
            remote.ask(&shared.lookups, group);
        }
    }

    /// Whether a function must be parsed and compiled.
    pub(super) fn is_wanted(&self, index: usize) -> bool {
        self.cache.checks() || self.found[index].is_none()
    }

    /// Takes over the code of a group that came from the shared store, as far as the local one lacks it.
    pub(super) fn take_group(
        &self,
        notes: &mut CacheNotes,
        group: &Group,
        code: Vec<CompiledFunction>,
        split: &Split,
        units: &mut Vec<Unit>,
    ) {
        let Some(name) = group.name.get() else { return };
        for (at, unit) in code.into_iter().enumerate() {
            let index = group.functions.start + at;
            if self.found[index].is_none() {
                self.cache.keep(&self.keys[index], name, at, &unit, &mut notes.ledger);
                notes.ledger.statistics.remote_hits += 1;
                notes.ledger.statistics.found_text += split.functions[index].text.len() as u64;
                units.push((index, Box::new(unit)));
            }
        }
    }

    /// Sends a group to the shared store, while others are compiled, if all of its functions are the last of
    /// `units`. Other groups are sent at the end.
    pub(super) fn send_group(&self, notes: &mut CacheNotes, group: usize, units: &[Unit]) {
        let (Some(shared), Some(remote)) = (&self.shared, self.cache.remote()) else { return };
        let lookups = &shared.lookups;
        let Group { functions, .. } = lookups.group(group);
        let Some(start) = units.len().checked_sub(functions.len()) else { return };
        let units = &units[start..];
        if remote.takes_packs() && units.iter().map(|unit| unit.0).eq(functions.clone()) {
            let units: Vec<&CompiledFunction> = units.iter().map(|unit| &*unit.1).collect();
            let name = shared.name(lookups.group(group));
            let bytes = remote.seal().pack(name, &units);
            notes.ledger.statistics.remote_bytes_written += remote.store(name, bytes);
            lookups.sent(group);
        }
    }

    /// Looks up a parsed function by its stencil, and returns the stencil's key and what to do with the
    /// function.
    pub(super) fn claim(&self, function: &Function, notes: &mut CacheNotes) -> (Key, Claim) {
        self.cache.claim(&function.stencil, function.params.names.len(), &mut notes.ledger)
    }

    /// Whether functions that are found are also compiled and compared.
    pub(super) fn checks(&self) -> bool {
        self.cache.checks()
    }

    /// Defers a function whose stencil equals that of another function in the build.
    pub(super) fn defer(&self, notes: &mut CacheNotes, index: usize, stencil: Key, params: Params) {
        notes.ledger.add_text(&self.keys[index], &stencil, &params);
        notes.shared.push((index, stencil, params));
    }

    /// Notes a function whose stencil was found.
    pub(super) fn found_stencil(&self, notes: &mut CacheNotes, index: usize, stencil: Key, params: &Params) {
        notes.ledger.add_text(&self.keys[index], &stencil, params);
        notes.first.push((stencil, index));
    }

    /// Notes a function that was compiled. `stored` is the code that the cache has for it, if that is to be
    /// checked.
    pub(super) fn compiled(
        &self,
        notes: &mut CacheNotes,
        index: usize,
        stencil: Key,
        unit: &CompiledFunction,
        stored: Option<&CompiledStencil>,
    ) {
        let same_text = self.found[index].as_ref().is_none_or(|found| {
            found.code == unit.code
                && found.params.names == unit.params.names
                && found.params.name == unit.params.name
        });
        if !same_text || stored.is_some_and(|stored| *stored != unit.code) {
            notes.different.push(index);
        }
        if stored.is_none() {
            notes.ledger.add_stencil(&stencil, &unit.code);
        }
        if self.found[index].is_none() {
            notes.ledger.add_text(&self.keys[index], &stencil, &unit.params);
        }
        notes.first.push((stencil, index));
    }

    /// Adds the functions that were not compiled to `units`, and sends new packs to the shared store. Returns
    /// what is to be written to the local one.
    pub(super) fn finish(
        mut self,
        cache_notes: Vec<CacheNotes>,
        units: &mut Vec<Unit>,
        split: &Split,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Additions<'a> {
        let shared_store = self.shared.take();
        let mut ledgers = vec![std::mem::take(&mut self.ledger)];
        let (mut first, mut shared, mut different) = (HashMap::new(), Vec::new(), Vec::new());
        for mut notes in cache_notes {
            ledgers.push(notes.ledger);
            first.extend(notes.first);
            shared.append(&mut notes.shared);
            different.append(&mut notes.different);
        }
        let places: HashMap<usize, usize> = units.iter().enumerate().map(|(at, unit)| (unit.0, at)).collect();
        for (index, key, params) in shared {
            let Some(&at) = first.get(&key).and_then(|first| places.get(first)) else { continue };
            let code = units[at].1.code.clone();
            // The code was checked against the names of the first function only.
            match is_sound(&code, params.names.len()) {
                true => units.push((index, Box::new(CompiledFunction { params, code }))),
                false => different.push(index),
            }
        }
        for index in different {
            let message = "the cache has different code for this function than it compiles to";
            let offset = split.functions[index].text.start;
            diagnostics.push(Diagnostic { severity: Severity::Bug, ..Diagnostic::error(offset, message) });
        }
        if !self.cache.checks() {
            let found = self.found.into_iter().enumerate();
            units.extend(found.filter_map(|(index, found)| Some((index, found?))));
        }
        let warnings = shared_store.map(|shared| finish_shared(&self.cache, &shared, units, &mut ledgers[0]));
        Additions { cache: self.cache, ledgers, warnings: warnings.unwrap_or_default() }
    }
}

/// Ends the lookups in the shared store, and sends packs that it lacks. Returns warnings.
fn finish_shared(
    cache: &BuildCache,
    shared: &Shared<'_>,
    units: &[Unit],
    ledger: &mut Ledger,
) -> Vec<String> {
    let Some(remote) = cache.remote() else { return Vec::new() };
    let (lacking, outcome) = shared.lookups.finish();
    let statistics = &mut ledger.statistics;
    statistics.waiting += outcome.waited;
    statistics.remote_bytes_read += outcome.bytes_read;
    remote.wait_for_answer(outcome.patience);
    if remote.takes_packs() {
        statistics.remote_bytes_written += send_packs(remote, shared, &lacking, units);
    }
    let mut warnings = Vec::new();
    if outcome.refused > 0 {
        let why = "packs are damaged, or were not made with this key, and are replaced";
        warnings.push(format!("the shared store: {} {why}", outcome.refused));
    }
    if remote.is_silent() {
        warnings.push("the shared store is not used: it did not answer before all was compiled".into());
    }
    if outcome.is_slow {
        warnings.push("the shared store is too slow: compiling is faster".into());
    }
    warnings
}

/// Sends packs of groups that the shared store lacks, as far as their functions could be compiled. Returns
/// the number of bytes.
fn send_packs(remote: &Remote, shared: &Shared<'_>, lacking: &[&Group], units: &[Unit]) -> u64 {
    if lacking.is_empty() {
        return 0;
    }
    let by_index: HashMap<usize, &CompiledFunction> =
        units.iter().map(|(index, unit)| (*index, &**unit)).collect();
    let mut written = 0;
    for group in lacking {
        let code: Option<Vec<_>> =
            group.functions.clone().map(|index| by_index.get(&index).copied()).collect();
        if let Some(code) = code {
            let name = shared.name(group);
            written += remote.store(name, remote.seal().pack(name, &code));
        }
    }
    written
}

/// What a build adds to the local store.
pub(super) struct Additions<'a> {
    cache: BuildCache<'a>,
    ledgers: Vec<Ledger>,
    warnings: Vec<String>,
}

impl Additions<'_> {
    /// Writes the entries. Returns the build's statistics, and warnings about problems with both stores.
    pub(super) fn store(self) -> (Statistics, Vec<String>) {
        let (statistics, mut warnings) = self.cache.finish(&self.ledgers);
        warnings.extend(self.warnings);
        (statistics, warnings)
    }
}

/// The text of a file's `type` items.
fn text_of(types: &StructTypes) -> String {
    types.items().iter().map(|item| format!("{item}\n")).collect()
}
