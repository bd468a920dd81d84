//! Registers of aarch64: numbers, names, DWARF numbers.
//!
//! The stack pointer and the zero register share number 31 in instructions; each field of an instruction
//! means one of the two. The stack pointer therefore has index 63. x16 and x17 hold addresses and constants
//! that emission computes, and x18 belongs to the platform; none of the three is allocated.

use crate::machine::reg::{Operand, OperandConstraint, OperandPos, PReg, RegClass, VReg};
use crate::registers;

/// A general register by number.
pub const fn gpr(number: u8) -> PReg {
    PReg::new(number as usize, RegClass::Int)
}

/// A vector register by number.
pub const fn vector(number: u8) -> PReg {
    PReg::new(number as usize, RegClass::Float)
}

/// A register's number in instructions, given its index. The stack pointer shares the zero register's.
#[inline]
pub const fn number_at(index: u8) -> u8 {
    index & 31
}

/// The number in instructions of the physical register that a constructor's operand stands for.
#[inline]
pub fn number_of(operand: VReg) -> u32 {
    operand.vreg() as u32 & 31
}

/// A register's number in instructions.
#[inline]
pub const fn number(register: PReg) -> u8 {
    number_at(register.hw_enc() as u8)
}

registers! {
    gpr:
    X0 0, X1 1, X2 2, X3 3, X4 4, X5 5, X6 6, X7 7,
    X8 8, X9 9, X10 10, X11 11, X12 12, X13 13, X14 14, X15 15,
    X16 16, X17 17, X18 18, X19 19, X20 20, X21 21, X22 22, X23 23,
    X24 24, X25 25, X26 26, X27 27, X28 28,
}

registers! {
    vector:
    V0 0, V1 1, V2 2, V3 3, V4 4, V5 5, V6 6, V7 7,
    V8 8, V9 9, V10 10, V11 11, V12 12, V13 13, V14 14, V15 15,
    V16 16, V17 17, V18 18, V19 19, V20 20, V21 21, V22 22, V23 23,
    V24 24, V25 25, V26 26, V27 27, V28 28, V29 29, V30 30, V31 31,
}

/// The register that `enable_pinned_reg` reserves.
pub const PINNED: PReg = gpr(21);
/// The frame pointer, in functions that keep one.
pub const FP: PReg = gpr(29);
/// The link register, which holds the return address on entry.
pub const LR: PReg = gpr(30);
/// The register that is always 0.
pub const XZR: PReg = gpr(31);
/// The stack pointer. Its low five bits are the zero register's number.
pub const SP: PReg = PReg::new(63, RegClass::Int);

/// A register operand that is always 0. Its low five bits are the number of [`XZR`].
pub const ZERO: VReg = VReg::new(VReg::MAX, RegClass::Int);

/// The operand that reads a register. [`ZERO`] reads [`XZR`], which is not allocated.
#[inline]
pub fn reading(register: VReg, position: OperandPos) -> Operand {
    if register == ZERO {
        return Operand::fixed_nonallocatable(XZR);
    }
    Operand::new(register, OperandConstraint::Reg, crate::machine::reg::OperandKind::Use, position)
}

/// The DWARF number of a register.
pub fn dwarf(register: PReg) -> u16 {
    match register.class() {
        RegClass::Int => number(register) as u16,
        RegClass::Float | RegClass::Vector => 64 + number(register) as u16,
    }
}

/// The name of a register's low `bits`. For `bits` of 0 it is the name of a whole vector register, which an
/// arrangement follows.
pub fn name(register: PReg, bits: u16) -> Name {
    Name { register, bits }
}

/// A register's name, as made by [`name`].
#[derive(Clone, Copy, Debug)]
pub struct Name {
    register: PReg,
    bits: u16,
}

impl std::fmt::Display for Name {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        let number = number(self.register);
        let letter = match (self.register.class(), self.bits) {
            (RegClass::Int, 0..=32) => 'w',
            (RegClass::Int, _) => 'x',
            (_, 0) => 'v',
            (_, 8) => 'b',
            (_, 16) => 'h',
            (_, 32) => 's',
            (_, 64) => 'd',
            (RegClass::Float | RegClass::Vector, _) => 'q',
        };
        match self.register {
            SP if letter == 'w' => out.write_str("wsp"),
            SP => out.write_str("sp"),
            XZR => write!(out, "{letter}zr"),
            _ => write!(out, "{letter}{number}"),
        }
    }
}
