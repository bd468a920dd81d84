//! Registers of s390x: numbers, names, DWARF numbers.
//!
//! A register's number in its class is its number in encodings. In an address, register 0 means that there is
//! none. Register 1 holds addresses that emission computes. Neither is allocated.

use crate::machine::reg::{PReg, RegClass};
use crate::registers;

/// A general register by number.
pub const fn gpr(number: u8) -> PReg {
    PReg::new(number as usize, RegClass::Int)
}

/// A vector register by number. The left half of each of the first sixteen is the floating-point register of
/// that number. The others are not allocated: scalar instructions can't name them.
pub const fn fpr(number: u8) -> PReg {
    PReg::new(number as usize, RegClass::Float)
}

registers! { gpr:
    R0 0, R1 1, R2 2, R3 3, R4 4, R5 5, R6 6, R7 7,
    R8 8, R9 9, R10 10, R11 11, R12 12, R13 13, R14 14, R15 15,
}

registers! { fpr:
    F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7,
    F8 8, F9 9, F10 10, F11 11, F12 12, F13 13, F14 14, F15 15,
}

registers! { fpr:
    V24 24, V25 25, V26 26, V27 27, V28 28, V29 29, V30 30, V31 31,
}

/// The register that `enable_pinned_reg` reserves.
pub const PINNED: PReg = R13;
/// The frame pointer, in functions that keep one.
pub const FP: PReg = R11;

/// DWARF numbers of the floating-point registers.
const DWARF_FLOAT: [u16; 16] = [16, 20, 17, 21, 18, 22, 19, 23, 24, 28, 25, 29, 26, 30, 27, 31];

/// The DWARF number of a register.
pub fn dwarf(register: PReg) -> u16 {
    match register.class() {
        RegClass::Int => register.hw_enc() as u16,
        RegClass::Float | RegClass::Vector => DWARF_FLOAT[register.hw_enc() & 15],
    }
}

const NAMES: [&[&str]; 2] = [
    &["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
    &[
        "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "f13", "f14", "f15",
        "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
        "v30", "v31",
    ],
];

/// The name of a register, without `%`.
pub fn name(register: PReg) -> &'static str {
    match register.class() {
        RegClass::Int => NAMES[0][register.hw_enc() & 15],
        RegClass::Float | RegClass::Vector => NAMES[1][register.hw_enc() & 31],
    }
}
