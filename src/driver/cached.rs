//! A build's functions and a cache: which need compiling, and what becomes of the others.
//!
//! Before workers start, all texts are looked up at once. A worker asks about each function it has parsed; one that
//! is equal to another that is being compiled is left until the end, when it gets a copy of that code.
//!
//! Invariant: a function that is left for another to be compiled is without code only if that one failed, and then there is a
//! diagnostic.

use super::Unit;
use crate::cache::key::Key;
use crate::cache::{Cache, Claim};
use crate::diag::{Diagnostic, Severity};
use crate::ir::{Function, Params};
use crate::machine::compiled::{CompiledFunction, CompiledStencil};
use crate::parse::{self, Split};
use crate::timing::Timing;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What a cache has of a build's functions.
pub struct Cached<'a> {
    cache: &'a Cache,
    /// Keys of the functions' texts.
    keys: Vec<Key>,
    found: Vec<Option<Box<CompiledFunction>>>,
    later: Mutex<Later>,
}

#[derive(Default)]
struct Later {
    /// Functions compiled in this build, by the keys of their stencils.
    compiled: HashMap<Key, usize>,
    /// Functions that are equal to others.
    shared: Vec<(usize, Key, Params)>,
    /// Functions of which something else was stored than they compile to.
    different: Vec<usize>,
}

/// Splits a file and makes the keys of its functions.
pub fn split(
    cache: &Cache,
    text: &[u8],
    keys: &mut Vec<Key>,
    timing: &mut Timing,
    diagnostics: &mut Vec<Diagnostic>,
) -> Split {
    let start = Instant::now();
    let mut hashing = Duration::ZERO;
    let split = parse::split_with(text, diagnostics, &mut |function| {
        let start = Instant::now();
        keys.push(cache.text_key(function));
        hashing += start.elapsed();
    });
    cache.note_hashing(hashing);
    timing.add("split", start.elapsed() - hashing);
    split
}

impl<'a> Cached<'a> {
    /// Looks up all functions of a file by the keys of their texts.
    pub fn find(cache: &'a Cache, keys: Vec<Key>) -> Self {
        let found = cache.find_texts(&keys);
        Cached { cache, keys, found, later: Mutex::default() }
    }

    /// Whether a function has to be parsed.
    pub fn is_wanted(&self, index: usize) -> bool {
        self.cache.checks() || self.found[index].is_none()
    }

    /// Says what to do about a function that was parsed; when what is stored is to be checked, compile it.
    pub fn claim(&self, function: &Function) -> (Key, Claim) {
        self.cache.claim(&function.stencil, function.params.names.len())
    }

    /// Whether to compile what was found.
    pub fn checks(&self) -> bool {
        self.cache.checks()
    }

    /// A function whose stencil is being compiled elsewhere.
    pub fn leave(&self, index: usize, stencil: Key, params: Params) {
        self.cache.add_text(&self.keys[index], &stencil, &params);
        self.later().shared.push((index, stencil, params));
    }

    /// A function whose stencil was found.
    pub fn found_stencil(&self, index: usize, stencil: &Key, params: &Params) {
        self.cache.add_text(&self.keys[index], stencil, params);
    }

    /// A function that was compiled, and what was stored of it, if that is to be checked.
    pub fn compiled(
        &self,
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
            self.later().different.push(index);
        }
        if stored.is_none() {
            self.cache.add_stencil(&stencil, &unit.code);
            self.later().compiled.insert(stencil, index);
        }
        if self.found[index].is_none() {
            self.cache.add_text(&self.keys[index], &stencil, &unit.params);
        }
    }

    /// Adds the functions that were not compiled to those that were, which `units` has by their places in the file. Then
    /// writes what is new.
    pub fn finish(self, units: &mut Vec<Unit>, split: &Split, diagnostics: &mut Vec<Diagnostic>) {
        let Later { compiled, shared, different } = std::mem::take(&mut *self.later());
        let places: HashMap<usize, usize> = units.iter().enumerate().map(|(at, unit)| (unit.0, at)).collect();
        for (index, key, params) in shared {
            let first = compiled.get(&key).and_then(|first| places.get(first));
            if let Some(&at) = first {
                let code = units[at].1.code.clone();
                units.push((index, Box::new(CompiledFunction { params, code })));
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
        self.cache.finish();
    }

    fn later(&self) -> MutexGuard<'_, Later> {
        self.later.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
