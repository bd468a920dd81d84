//! The bytes of cache entries.
//!
//! An entry begins with its whole key and a checksum, so that the bytes of another entry, or damaged bytes,
//! are never taken for the entry. The contents are in postcard's format. An intact entry can be wrong only if
//! somebody forged it, and even then clifc must not panic: [`is_sound`] checks what later phases rely on.

use super::key::Key;
use crate::entity::{Entity, Map};
use crate::ir::{Inlined, Name, Params, Positions, RegionNames};
use crate::machine::compiled::CompiledStencil;
use crate::machine::symbol::SymbolRef;
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use std::borrow::Cow;

/// Maximum size in bytes of a relocated field in the code.
const FIELD: usize = 4;

/// Size in bytes of the header: key and checksum.
const HEADER: usize = 32 + 4;

/// The entry of a function's text.
#[derive(Serialize, Deserialize)]
pub struct TextEntry<'a> {
    /// Key of the function's stencil.
    pub stencil: [u8; 32],
    name: Cow<'a, Name>,
    names: Cow<'a, [Name]>,
    fingerprint: u64,
    imports: Cow<'a, [u64]>,
    base_srcloc: Option<u32>,
    offsets: Cow<'a, Bytes>,
    locations: Cow<'a, Bytes>,
    values: Cow<'a, Bytes>,
    inlined: Cow<'a, Inlined>,
}

impl<'a> TextEntry<'a> {
    /// Makes the entry of a function with these params and the key of its stencil.
    pub fn new(stencil: &Key, params: &'a Params) -> Self {
        let [offsets, locations, values] =
            params.positions.bytes().map(|bytes| Cow::Borrowed(Bytes::new(bytes)));
        TextEntry {
            stencil: stencil.0,
            name: Cow::Borrowed(&params.name),
            names: Cow::Borrowed(params.names.as_slice()),
            fingerprint: params.fingerprint,
            imports: Cow::Borrowed(params.imports.as_slice()),
            base_srcloc: params.base_srcloc,
            offsets,
            locations,
            values,
            inlined: Cow::Borrowed(&params.inlined),
        }
    }

    /// Returns the params, without the names of regions, which do not go into objects.
    pub fn into_params(self) -> Params {
        Params {
            name: self.name.into_owned(),
            names: self.names.into_owned().into(),
            fingerprint: self.fingerprint,
            imports: self.imports.into_owned().into(),
            base_srcloc: self.base_srcloc,
            region_names: RegionNames::default(),
            structure_names: Map::new(),
            positions: Positions::from_bytes(
                [self.offsets, self.locations, self.values].map(|bytes| bytes.into_owned().into_vec()),
            ),
            inlined: self.inlined.into_owned(),
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

/// Whether an entry's checksum is right.
pub fn is_intact(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && crc32fast::hash(&bytes[HEADER..]).to_le_bytes() == bytes[32..HEADER]
}

/// The result of decoding an entry.
pub enum Decoded<T> {
    /// The contents.
    Entry(T),
    /// The entry has another key.
    Other,
    /// The entry is damaged.
    Damaged,
}

/// Decodes an entry's bytes.
pub fn decode<'a, T: Deserialize<'a>>(key: &Key, bytes: &'a [u8]) -> Decoded<T> {
    if !is_intact(bytes) {
        return Decoded::Damaged;
    }
    if bytes[..32] != key.0 {
        return Decoded::Other;
    }
    postcard::from_bytes(&bytes[HEADER..]).map_or(Decoded::Damaged, Decoded::Entry)
}

/// Whether a stencil can be written to an object safely, for a function whose params have `names` names.
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
        && code.handlers.iter().all(|handler| inside(&handler.return_offset))
        && code.handlers.iter().all(|handler| handler.tag().is_none() || inside(&handler.offset))
        && code.stack_maps.iter().all(|site| inside(&site.return_offset))
        && code.patch_sites.iter().all(|site| inside(&site.offset))
        && code.landing_pads.iter().all(|pad| inside(&pad.return_offset) && inside(&pad.offset))
        && code.landing_pads.is_sorted_by_key(|pad| pad.return_offset)
        && code.handlers.is_sorted_by_key(|handler| handler.return_offset)
        && code.unwind.iter().all(|op| inside(&op.0))
        && code.unwind.is_sorted_by_key(|op| op.0)
}
