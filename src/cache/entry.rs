//! Entries as bytes.
//!
//! An entry begins with its whole key and a checksum, so that another entry's bytes, or damaged ones, are
//! never taken for what was stored. What follows is in postcard's format. Decoding checks all that later
//! phases rely on: an entry can be wrong only if somebody made it so, and then it still must not make clifc
//! panic.

use super::key::Key;
use crate::entity::{Entity, Map};
use crate::ir::{Name, Params};
use crate::machine::compiled::CompiledStencil;
use crate::machine::symbol::SymbolRef;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Bytes that a relocation may change.
const FIELD: usize = 4;

/// Bytes before the contents: key and checksum.
const HEADER: usize = 32 + 4;

/// What is known of a function's text.
#[derive(Serialize, Deserialize)]
pub struct TextEntry<'a> {
    /// The key of its stencil.
    pub stencil: [u8; 32],
    name: Cow<'a, Name>,
    names: Cow<'a, [Name]>,
    base_srcloc: Option<u32>,
}

impl<'a> TextEntry<'a> {
    /// The entry of a function with these params and the stencil of that key.
    pub fn new(stencil: &Key, params: &'a Params) -> Self {
        TextEntry {
            stencil: stencil.0,
            name: Cow::Borrowed(&params.name),
            names: Cow::Borrowed(params.names.as_slice()),
            base_srcloc: params.base_srcloc,
        }
    }

    /// The params, but for the names of regions, which an object does not have.
    pub fn into_params(self) -> Params {
        Params {
            name: self.name.into_owned(),
            names: self.names.into_owned().into(),
            base_srcloc: self.base_srcloc,
            region_names: Map::new(),
        }
    }
}

/// Appends an entry's bytes.
pub fn encode(key: &Key, contents: &impl Serialize, mut bytes: Vec<u8>) -> Vec<u8> {
    let start = bytes.len();
    bytes.extend_from_slice(&key.0);
    bytes.extend_from_slice(&[0; HEADER - 32]);
    let mut bytes = postcard::to_extend(contents, bytes).expect("a vector takes all there is");
    let entry = &mut bytes[start..];
    let checksum = crc32fast::hash(&entry[HEADER..]);
    entry[32..HEADER].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Whether an entry's bytes are those that were stored under some key.
pub fn is_intact(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && crc32fast::hash(&bytes[HEADER..]).to_le_bytes() == bytes[32..HEADER]
}

/// What came of reading an entry.
pub enum Decoded<T> {
    /// What was stored.
    Entry(T),
    /// It is another key's.
    Other,
    /// It is damaged.
    Damaged,
}

/// Takes an entry's contents from its bytes.
pub fn decode<'a, T: Deserialize<'a>>(key: &Key, bytes: &'a [u8]) -> Decoded<T> {
    if !is_intact(bytes) {
        return Decoded::Damaged;
    }
    if bytes[..32] != key.0 {
        return Decoded::Other;
    }
    postcard::from_bytes(&bytes[HEADER..]).map_or(Decoded::Damaged, Decoded::Entry)
}

/// Whether a stencil that was read can be written to an object, for a function that refers to `names` names.
pub fn is_sound(code: &CompiledStencil, names: usize) -> bool {
    let (len, text_len) = (code.code.len(), code.text_len);
    let inside = |at: &u32| *at <= text_len;
    let named = |symbol: SymbolRef| match symbol {
        SymbolRef::Name(name) => Entity::index(name) < names,
        SymbolRef::LibCall(_) => true,
    };
    text_len as usize <= len
        && code.align.is_power_of_two()
        && code.align <= 1 << 16
        && code
            .relocs
            .iter()
            .all(|reloc| (reloc.offset as usize).saturating_add(FIELD) <= len && named(reloc.symbol))
        && code.relocs.is_sorted_by_key(|reloc| reloc.offset)
        && code.traps.iter().all(|trap| inside(&trap.offset))
        && code.handlers.iter().all(|handler| inside(&handler.return_offset) && inside(&handler.offset))
        && code.unwind.iter().all(|op| inside(&op.0))
        && code.unwind.is_sorted_by_key(|op| op.0)
}
