//! The parts of large vectors.

use super::is_large;
use crate::entity::{Map, Span};
use crate::ir::*;

/// Number of bits in a part.
pub(super) const PART_BITS: u32 = 128;

/// The type of each part of a large vector.
pub(super) fn part_type(ty: Type) -> Type {
    let lanes = PART_BITS / ty.lane_bits();
    ty.lane().vector(lanes.ilog2() as u8).expect("lanes of at most 64 bits have vectors of 128 bits")
}

/// The types that stand for a type: those of its parts if it is a large vector, else itself.
pub(super) fn types_for(ty: Type) -> impl Iterator<Item = Type> {
    let (part, count) = if is_large(ty) { (part_type(ty), ty.bits() / PART_BITS) } else { (ty, 1) };
    (0..count).map(move |_| part)
}

/// The parts of the values that have been replaced so far.
#[derive(Default)]
pub(super) struct Parts {
    of: Map<Value, Span>,
    values: Vec<Value>,
}

impl Parts {
    /// Notes the parts of a value.
    pub(super) fn set(&mut self, value: Value, parts: impl IntoIterator<Item = Value>) {
        let start = self.values.len() as u32;
        self.values.extend(parts);
        self.of.ensure(value, Span::new(0, 0));
        self.of[value] = Span::new(start, self.values.len() as u32);
    }

    /// The parts of a value; empty if it is not a large vector.
    pub(super) fn of(&self, value: Value) -> &[Value] {
        self.of.get(value).map_or(&[], |span| span.of(&self.values))
    }

    /// The parts of a value, or the value itself.
    pub(super) fn or_whole(&self, value: Value) -> Vec<Value> {
        match self.of(value) {
            [] => vec![value],
            parts => parts.to_vec(),
        }
    }
}
