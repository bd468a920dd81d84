//! Operand sizes, by which a family of rows is indexed. The letters are those of x86_64 mnemonics for
//! integers.

use crate::ir::Type;
use crate::machine::inst::RowId;

pub use OperandSize::{B8, L32, O128, Q64, W16};

/// Size of an operand. Single precision is `L32`, double precision `Q64`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum OperandSize {
    /// 8 bits.
    B8,
    /// 16 bits.
    W16,
    /// 32 bits.
    L32,
    /// 64 bits.
    Q64,
    /// 128 bits, in vector registers only.
    O128,
}

impl OperandSize {
    /// Returns the smallest size that holds `bits` bits.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        match bits {
            0..=8 => OperandSize::B8,
            9..=16 => OperandSize::W16,
            17..=32 => OperandSize::L32,
            33..=64 => OperandSize::Q64,
            65..=128 => OperandSize::O128,
            129.. => panic!("no operand has more than 128 bits"),
        }
    }

    /// Returns the number of bytes.
    #[inline]
    pub const fn bytes(self) -> u32 {
        1 << self as u8
    }

    /// Returns the number of bits.
    #[inline]
    pub const fn bits(self) -> u32 {
        8 << self as u8
    }

    /// Returns the row of this size in a family of `count` consecutive rows, the first of which is row `base`
    /// and has size number `first`. Panics if the family has no such row.
    #[inline]
    pub fn row(self, base: u16, first: u8, count: u8) -> RowId {
        let at = (self as u8).wrapping_sub(first);
        assert!(at < count, "the family has no row of this size");
        RowId(base + at as u16)
    }
}

/// Returns the size of a type.
#[inline]
pub fn exact_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.bits())
}

/// Returns the size of arithmetic on an integer type: at least 32 bits, of which those above the type are
/// undefined.
#[inline]
pub fn alu_size(ty: Type) -> OperandSize {
    if ty.bits() <= 32 { L32 } else { Q64 }
}
