//! Operand values of x86_64: conditions, and operands that are a register or memory.

use crate::lower::compare::Complement;
use crate::machine::amode::{Amode, PackedAmode};
use crate::machine::inst::InstSink;
use crate::machine::reg::{Operand, OperandConstraint, OperandPos, VReg};
use crate::named_enum;

named_enum! {
    /// A condition on the flags, numbered as in the encoding. The string is its spelling in mnemonics.
    Cond {
        O "o", No "no", B "b", Ae "ae", E "e", Ne "ne", Be "be", A "a",
        S "s", Ns "ns", P "p", Np "np", L "l", Ge "ge", Le "le", G "g",
    }
}

impl Complement for Cond {
    /// A condition and its complement differ in the lowest bit.
    #[inline]
    fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 1)
    }
}

/// A source operand that is a register or memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rm {
    /// A register.
    Reg(VReg),
    /// Memory.
    Mem(Amode),
}

impl Rm {
    /// Pushes the operand's registers and words, a plain register with `constraint`. Returns the trap code.
    #[inline]
    pub fn push(self, sink: &mut impl InstSink, constraint: OperandConstraint) -> u8 {
        match self {
            Rm::Reg(register) => {
                sink.push_operand(Operand::new(
                    register,
                    constraint,
                    crate::machine::reg::OperandKind::Use,
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
