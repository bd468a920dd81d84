//! Values of any CLIF type.
//!
//! Up to 128 bits are kept in place, lane 0 lowest; longer vectors are bytes on the heap, each lane's least
//! significant byte first. A dynamic vector has its minimum size, as on a target whose scale is 1. Bits
//! above a value's type are zero, so that equal values compare equal.

use std::fmt;

use crate::ir::{Endianness, FloatFormat, Type};

/// A value of a CLIF type.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Value {
    ty: Type,
    bits: Bits,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Bits {
    /// At most 128 bits.
    Word(u128),
    /// More than that.
    Bytes(Box<[u8]>),
}

/// A mask of the lowest `bits` bits, of 0 to 128.
pub(super) const fn mask(bits: u32) -> u128 {
    match bits {
        0 => 0,
        _ => u128::MAX >> (128 - bits),
    }
}

/// The signed number that the lowest `bits` bits stand for.
pub(super) const fn signed(bits: u32, x: u128) -> i128 {
    let unused = 128 - bits;
    (x << unused) as i128 >> unused
}

impl Value {
    /// A scalar; bits above its type are dropped.
    #[inline]
    pub fn scalar(ty: Type, bits: u128) -> Self {
        Value { ty, bits: Bits::Word(bits & mask(ty.bits())) }
    }

    /// A value whose lanes are what `lane` says; bits above a lane are dropped.
    pub fn from_lanes(ty: Type, mut lane: impl FnMut(u32) -> u128) -> Self {
        let width = ty.lane_bits();
        if ty.bits() <= 128 {
            let word = (0..ty.lanes()).fold(0, |word, n| word | (lane(n) & mask(width)) << (n * width));
            return Value { ty, bits: Bits::Word(word) };
        }
        let bytes_per_lane = (width / 8) as usize;
        let bytes = (0..ty.lanes()).flat_map(|n| lane(n).to_le_bytes().into_iter().take(bytes_per_lane));
        Value { ty, bits: Bits::Bytes(bytes.collect()) }
    }

    /// The value that `bytes` hold, each lane's least significant byte first. Missing bytes are zero.
    pub fn from_bytes(ty: Type, bytes: &[u8]) -> Self {
        Self::from_memory(ty, bytes, Endianness::Little)
    }

    /// Reads a value from the start of `memory`, lane 0 first. Missing bytes are zero.
    pub fn from_memory(ty: Type, memory: &[u8], order: Endianness) -> Self {
        let size = (ty.lane_bits() / 8) as usize;
        Self::from_lanes(ty, |n| {
            let start = memory.len().min(n as usize * size);
            let lane = &memory[start..memory.len().min(start + size)];
            let push = |sum: u128, byte: &u8| sum << 8 | u128::from(*byte);
            match order {
                Endianness::Little => lane.iter().rev().fold(0, push),
                Endianness::Big => lane.iter().fold(0, push),
            }
        })
    }

    /// The value as memory has it, lane 0 first.
    pub fn to_memory(&self, order: Endianness) -> Vec<u8> {
        let size = (self.ty.lane_bits() / 8) as usize;
        let mut bytes = Vec::with_capacity(self.ty.bytes() as usize);
        for n in 0..self.ty.lanes() {
            let lane = self.lane(n).to_le_bytes();
            match order {
                Endianness::Little => bytes.extend(&lane[..size]),
                Endianness::Big => bytes.extend(lane[..size].iter().rev()),
            }
        }
        bytes
    }

    /// The type.
    #[inline]
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The bits of a lane; a scalar is its own lane 0.
    #[inline]
    pub fn lane(&self, n: u32) -> u128 {
        let width = self.ty.lane_bits();
        match &self.bits {
            Bits::Word(word) => word.checked_shr(n * width).unwrap_or(0) & mask(width),
            Bits::Bytes(bytes) => {
                let size = (width / 8) as usize;
                let mut lane = [0; 16];
                lane[..size].copy_from_slice(&bytes[n as usize * size..][..size]);
                u128::from_le_bytes(lane)
            }
        }
    }

    /// The bits of all lanes, of which there are `ty.lanes()`.
    pub fn lanes(&self) -> impl Iterator<Item = u128> {
        (0..self.ty.lanes()).map(|n| self.lane(n))
    }

    /// The bits of a scalar.
    #[inline]
    pub fn bits(&self) -> u128 {
        self.lane(0)
    }

    /// Whether all bits are zero.
    pub fn is_zero(&self) -> bool {
        match &self.bits {
            Bits::Word(word) => *word == 0,
            Bits::Bytes(bytes) => bytes.iter().all(|byte| *byte == 0),
        }
    }
}

/// Spells a value as the comments of run tests do: integers in decimal up to 64 bits, floats in
/// hexadecimal, vectors as their lanes in brackets.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lane = self.ty.lane();
        let show = |bits: u128| match lane.is_float() {
            true => FloatFormat::new(lane.bits()).print(bits),
            false if lane.bits() > 64 || self.ty.is_vector() => format!("{bits:#x}"),
            false => signed(lane.bits(), bits).to_string(),
        };
        match self.ty.is_vector() {
            true => write!(f, "[{}]", self.lanes().map(show).collect::<Vec<_>>().join(" ")),
            false => f.write_str(&show(self.bits())),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.ty)
    }
}
