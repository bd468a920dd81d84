//! Registers of aarch64: numbers, names, DWARF numbers.
//!
//! The stack pointer has the zero register's number: instructions take one or the other in each of their fields. x16 and
//! x17 are for addresses and constants that have to be computed at emission, and x18 belongs to the platform; none of
//! them is allocated.
//!
//! A register's number in instructions is not its index for the allocator. The backtracking one looks for a free register
//! from an index on that is any of its 63 with the same likelihood. Were registers at their numbers, it would begin at
//! register 0 most of the time, and go over all that are in use there before it comes to a free one. So what calls clobber
//! is spread over the indices. What has to be saved stays together, so that few of them come into use.

use crate::registers;
use regalloc2::{Operand, OperandConstraint, OperandPos, PReg, RegClass, VReg};

/// The index of each register in its class, by number. The stack pointer's is the one that is left, 63.
const INDICES: [u8; 32] = [
    0, 6, 12, 18, 24, 30, 36, 42, 54, 55, 56, 57, 58, 59, 60, 61, 3, 9, 15, 43, 44, 45, 46, 47, 48, 49, 50,
    51, 52, 53, 21, 27,
];

/// The number of the register at each index, the other way round.
const NUMBERS: [u8; 64] = {
    let mut numbers = [31; 64];
    let mut number = 0;
    while number < INDICES.len() {
        numbers[INDICES[number] as usize] = number as u8;
        number += 1;
    }
    numbers
};

/// A general register by number.
pub const fn gpr(number: u8) -> PReg {
    PReg::new(INDICES[number as usize] as usize, RegClass::Int)
}

/// A vector register by number.
pub const fn vector(number: u8) -> PReg {
    PReg::new(INDICES[number as usize] as usize, RegClass::Float)
}

/// The number in instructions of the register at an index, of whichever class.
#[inline]
pub const fn number_at(index: u8) -> u8 {
    NUMBERS[index as usize % NUMBERS.len()]
}

/// The same of the physical register that a constructor's operand stands for.
#[inline]
pub fn number_of(operand: VReg) -> u32 {
    number_at(operand.vreg() as u8) as u32
}

/// The same of a register.
#[inline]
pub const fn number(register: PReg) -> u8 {
    number_at(register.hw_enc() as u8)
}

registers! {
    gpr:
    X0 0, X1 1, X2 2, X3 3, X4 4, X5 5, X6 6, X7 7, X8 8, X9 9, X10 10, X11 11, X12 12, X13 13, X14 14, X15 15,
    X16 16, X17 17, X18 18, X19 19, X20 20, X21 21, X22 22, X23 23, X24 24, X25 25, X26 26, X27 27, X28 28,
}

registers! {
    vector:
    V0 0, V1 1, V2 2, V3 3, V4 4, V5 5, V6 6, V7 7, V8 8, V9 9, V10 10, V11 11, V12 12, V13 13, V14 14, V15 15,
    V16 16, V17 17, V18 18, V19 19, V20 20, V21 21, V22 22, V23 23, V24 24, V25 25, V26 26, V27 27, V28 28, V29 29,
    V30 30, V31 31,
}

/// The register that `get_pinned_reg` reads.
pub const PINNED: PReg = gpr(21);
/// The frame pointer.
pub const FP: PReg = gpr(29);
/// The link register: the return address on entry.
pub const LR: PReg = gpr(30);
/// The register that is always 0.
pub const XZR: PReg = gpr(31);
/// The stack pointer.
pub const SP: PReg = PReg::new(63, RegClass::Int);

/// A register operand that is always 0. Its index is beyond all registers'; [`number_at`] has the number for it.
pub const ZERO: VReg = VReg::new(VReg::MAX, RegClass::Int);

/// The operand that reads a register: [`ZERO`] is in no register that is allocated.
#[inline]
pub fn reading(register: VReg, position: OperandPos) -> Operand {
    if register == ZERO {
        return Operand::fixed_nonallocatable(XZR);
    }
    Operand::new(register, OperandConstraint::Reg, regalloc2::OperandKind::Use, position)
}

/// The DWARF number of a register.
pub fn dwarf(register: PReg) -> u16 {
    match register.class() {
        RegClass::Int => number(register) as u16,
        _ => 64 + number(register) as u16,
    }
}

/// The name of the low `bits` of a register; of a whole vector register, if they are 0, to be followed by an arrangement.
pub fn name(register: PReg, bits: u16) -> Name {
    Name { register, bits }
}

/// See [`name`].
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
            _ => 'q',
        };
        match self.register {
            SP if letter == 'w' => out.write_str("wsp"),
            SP => out.write_str("sp"),
            XZR => write!(out, "{letter}zr"),
            _ => write!(out, "{letter}{number}"),
        }
    }
}
