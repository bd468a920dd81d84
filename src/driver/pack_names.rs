//! The names of a build's packs in a shared store.
//!
//! A name is made of digests of the texts of functions, and of those that may be inlined in them. Computing
//! digests takes a noticeable part of a build, so each is computed only when its pack is to be asked for or
//! sent.

use super::callees::Callees;
use crate::cache::key::{Key, TextDigests};
use crate::cache::remote::Seal;
use crate::parse::Split;
use std::ops::Range;
use std::sync::OnceLock;

/// What the names of packs depend on, besides the environment.
#[derive(Clone, Copy)]
pub(super) struct PackInputs<'a> {
    pub(super) text: &'a [u8],
    pub(super) split: &'a Split,
    pub(super) callees: &'a Callees,
}

impl<'a> PackInputs<'a> {
    /// The text of a function.
    pub(super) fn text_of(&self, function: usize) -> &'a [u8] {
        &self.text[self.split.functions[function].text.clone()]
    }
}

/// Computes the names of packs.
pub(super) struct PackNames<'a> {
    inputs: PackInputs<'a>,
    digests: TextDigests,
    seal: Seal,
    /// Digests of the functions that may be inlined.
    of_candidates: OnceLock<Vec<Key>>,
}

impl<'a> PackNames<'a> {
    pub(super) fn new(inputs: PackInputs<'a>, digests: TextDigests, seal: Seal) -> Self {
        PackNames { inputs, digests, seal, of_candidates: OnceLock::new() }
    }

    /// The name of the pack of these functions.
    pub(super) fn name(&self, functions: Range<usize>) -> String {
        let callees = self.inputs.callees;
        let combine = |bytes: &[u8]| self.digests.digest(bytes);
        let digest = |function| combine(self.inputs.text_of(function));
        let of_candidates = self.of_candidates.get_or_init(|| callees.candidate_keys(digest, &combine));
        let extended = |function| callees.extended_key(function, digest(function), of_candidates, &combine);
        self.seal.name(&functions.map(extended).collect::<Vec<_>>())
    }
}
