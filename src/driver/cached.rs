//! A build's functions and a cache: which need compiling, and what becomes of the others.
//!
//! Before workers start, all texts are looked up at once. A worker asks about each function it has parsed;
//! one that is equal to another of the build is left until the end, when it gets a copy of that code. What
//! workers note is in a [`CacheNotes`] of each, so that they wait for each other at the cache only.
//!
//! Invariant: a function that is left for another has no code in the end only if compiling the other failed,
//! and then there is a diagnostic.

use super::Unit;
use crate::cache::entry::is_sound;
use crate::cache::key::Key;
use crate::cache::{BuildCache, Claim, Ledger, Statistics};
use crate::diag::{Diagnostic, Severity};
use crate::ir::{Function, Params};
use crate::machine::compiled::{CompiledFunction, CompiledStencil};
use crate::parse::{self, Split};
use crate::timing::Timing;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What a cache has of a build's functions.
pub(super) struct Cached<'a> {
    cache: BuildCache<'a>,
    /// Keys of the functions' texts.
    keys: Vec<Key>,
    found: Vec<Option<Box<CompiledFunction>>>,
    /// What was counted before workers started.
    ledger: Ledger,
}

/// What one thread notes for the end of the build.
#[derive(Default)]
pub(super) struct CacheNotes {
    ledger: Ledger,
    /// Functions by the keys of their stencils, whose code others share.
    first: Vec<(Key, usize)>,
    /// Functions that are equal to others.
    shared: Vec<(usize, Key, Params)>,
    /// Functions of which something else was stored than they compile to.
    different: Vec<usize>,
}

impl<'a> Cached<'a> {
    /// Splits a file and makes the keys of its functions' texts.
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
        // Texts are hashed as they are found, while they are in the processor's cache.
        let split = parse::split_with(text, diagnostics, &mut |function| {
            let start = Instant::now();
            keys.push(cache.text_key(function));
            hashing += start.elapsed();
        });
        ledger.statistics.hashing = hashing;
        timing.add("split", start.elapsed() - hashing);
        (split, Cached { cache, keys, found: Vec::new(), ledger })
    }

    /// Looks up all functions by the keys of their texts.
    pub(super) fn find(&mut self) {
        self.found = self.cache.find_texts(&self.keys, &mut self.ledger);
    }

    /// Whether a function has to be parsed.
    pub(super) fn is_wanted(&self, index: usize) -> bool {
        self.cache.checks() || self.found[index].is_none()
    }

    /// Says what to do about a function that was parsed.
    pub(super) fn claim(&self, function: &Function, notes: &mut CacheNotes) -> (Key, Claim) {
        self.cache.claim(&function.stencil, function.params.names.len(), &mut notes.ledger)
    }

    /// Whether to compile what was found as well, and to compare.
    pub(super) fn checks(&self) -> bool {
        self.cache.checks()
    }

    /// Notes a function whose stencil is another's of this build.
    pub(super) fn leave(&self, notes: &mut CacheNotes, index: usize, stencil: Key, params: Params) {
        notes.ledger.add_text(&self.keys[index], &stencil, &params);
        notes.shared.push((index, stencil, params));
    }

    /// Notes a function whose stencil was found.
    pub(super) fn found_stencil(&self, notes: &mut CacheNotes, index: usize, stencil: Key, params: &Params) {
        notes.ledger.add_text(&self.keys[index], &stencil, params);
        notes.first.push((stencil, index));
    }

    /// Notes a function that was compiled; `stored` is what the cache has of it, if that is to be checked.
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

    /// Adds the functions that were not compiled to `units`, which has the others by their places in the
    /// file. Then writes what is new. Returns what was found and what went wrong with the cache.
    pub(super) fn finish(
        mut self,
        cache_notes: Vec<CacheNotes>,
        units: &mut Vec<Unit>,
        split: &Split,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Statistics, Vec<String>) {
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
            // What was found has been checked for the names of the first only.
            match is_sound(&code, params.names.len()) {
                true => units.push((index, Box::new(CompiledFunction { params, code }))),
                false => different.push(index),
            }
        }
        for index in different {
            let message = "what the cache has of this function is not what it compiles to";
            let offset = split.functions[index].text.start;
            diagnostics.push(Diagnostic { severity: Severity::Bug, ..Diagnostic::error(offset, message) });
        }
        if !self.cache.checks() {
            let found = self.found.into_iter().enumerate();
            units.extend(found.filter_map(|(index, found)| Some((index, found?))));
        }
        self.cache.finish(&ledgers)
    }
}
