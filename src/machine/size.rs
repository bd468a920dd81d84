//! Sizes of operands, which the families of rows are made of. The letters are those that x86_64 has for
//! integers.

use crate::ir::Type;
use crate::machine::inst::RowId;

pub use OperandSize::{B8, L32, O128, Q64, W16};

/// Size of an operand; of floating-point numbers, single precision is `L32` and double `Q64`.
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
    /// 128 bits: of vector registers only.
    O128,
}

impl OperandSize {
    /// The size of `bits` bits: the smallest that holds them.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        match bits {
            0..=8 => OperandSize::B8,
            9..=16 => OperandSize::W16,
            17..=32 => OperandSize::L32,
            33..=64 => OperandSize::Q64,
            _ => OperandSize::O128,
        }
    }

    /// Its number of bytes.
    #[inline]
    pub const fn bytes(self) -> u32 {
        1 << self as u8
    }

    /// Its number of bits.
    #[inline]
    pub const fn bits(self) -> u32 {
        8 << self as u8
    }

    /// The row of this size in a family of `count` rows, of which the first, `base`, has size number `first`.
    #[inline]
    pub fn row(self, base: u16, first: u8, count: u8) -> RowId {
        let at = (self as u8).wrapping_sub(first);
        assert!(at < count, "the family has no row of this size");
        RowId(base + at as u16)
    }
}

/// The size of a type.
#[inline]
pub fn exact_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.bits())
}

/// The size of arithmetic on an integer type: at least 32 bits. The bits above the type are then undefined.
#[inline]
pub fn alu_size(ty: Type) -> OperandSize {
    if ty.bits() <= 32 { L32 } else { Q64 }
}
