//! Operand values of x86_64: sizes, conditions, and what is a register or memory.

use crate::mach::inst::{InstSink, RowId};
use crate::named_enum;
use regalloc2::{Operand, OperandConstraint, OperandPos, VReg};

pub use crate::mach::amode::{Amode, PackedAmode, Place, frame_offset};

/// Size of an integer operand; of a float operand, single precision is `L32` and double `Q64`.
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
}

impl OperandSize {
    /// The size of `bits` bits: the smallest that holds them.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        match bits {
            0..=8 => OperandSize::B8,
            9..=16 => OperandSize::W16,
            17..=32 => OperandSize::L32,
            _ => OperandSize::Q64,
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

    /// The row of this size in a family whose first row, `base`, has size number `first`.
    #[inline]
    pub(super) fn row(self, base: u16, first: u8) -> RowId {
        debug_assert!(self as u8 >= first, "the family has no row of this size");
        RowId(base + (self as u8).wrapping_sub(first) as u16)
    }
}

named_enum! {
    /// A condition of the flags, numbered as in the encoding; the text is its spelling in mnemonics.
    Cond {
        O "o", No "no", B "b", Ae "ae", E "e", Ne "ne", Be "be", A "a",
        S "s", Ns "ns", P "p", Np "np", L "l", Ge "ge", Le "le", G "g",
    }
}

impl Cond {
    /// The condition that holds exactly when this one does not. Codes come in pairs.
    #[inline]
    pub fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 1)
    }
}

/// A register operand that is read, or memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rm {
    /// A register.
    Reg(VReg),
    /// Memory.
    Mem(Amode),
}

impl Rm {
    /// Pushes its registers, a plain one with `constraint`, and its words; returns the trap code.
    #[inline]
    pub fn push(self, sink: &mut impl InstSink, constraint: OperandConstraint) -> u8 {
        match self {
            Rm::Reg(register) => {
                sink.push_operand(Operand::new(
                    register,
                    constraint,
                    regalloc2::OperandKind::Use,
                    OperandPos::Early,
                ));
                PackedAmode::push_register(sink);
                0
            }
            Rm::Mem(amode) => amode.push(sink),
        }
    }
}

impl From<VReg> for Rm {
    #[inline]
    fn from(register: VReg) -> Self {
        Rm::Reg(register)
    }
}

impl From<Amode> for Rm {
    #[inline]
    fn from(amode: Amode) -> Self {
        Rm::Mem(amode)
    }
}
