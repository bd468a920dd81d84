//! Registers of x86_64: numbers, names, DWARF numbers.
//!
//! A register's number in its class is its number in encodings.

use crate::machine::reg::{PReg, RegClass};
use crate::registers;

/// A general-purpose register by number.
pub const fn gpr(number: u8) -> PReg {
    PReg::new(number as usize, RegClass::Int)
}

/// A vector register by number.
pub const fn xmm(number: u8) -> PReg {
    PReg::new(number as usize, RegClass::Float)
}

registers! {
    gpr:
    RAX 0, RCX 1, RDX 2, RBX 3, RSP 4, RBP 5, RSI 6, RDI 7,
    R8 8, R9 9, R10 10, R11 11, R12 12, R13 13, R14 14, R15 15,
}

registers! {
    xmm:
    XMM0 0, XMM1 1, XMM2 2, XMM3 3, XMM4 4, XMM5 5, XMM6 6, XMM7 7,
    XMM8 8, XMM9 9, XMM10 10, XMM11 11, XMM12 12, XMM13 13, XMM14 14, XMM15 15,
}

/// The register that `enable_pinned_reg` reserves.
pub const PINNED: PReg = R15;
/// The frame pointer, in functions that keep one.
pub const FP: PReg = RBP;

/// DWARF numbers of the general-purpose registers.
const DWARF: [u16; 16] = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];

/// The DWARF number of a register.
pub fn dwarf(register: PReg) -> u16 {
    match register.class() {
        RegClass::Int => DWARF[register.hw_enc() & 15],
        RegClass::Float | RegClass::Vector => 17 + register.hw_enc() as u16,
    }
}

const NAMES: [[&str; 16]; 4] = [
    [
        "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b",
        "r14b", "r15b",
    ],
    [
        "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w",
        "r15w",
    ],
    [
        "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d",
        "r14d", "r15d",
    ],
    [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15",
    ],
];

const XMM_NAMES: [&str; 16] = [
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
    "xmm12", "xmm13", "xmm14", "xmm15",
];

/// The name of the low `bits` of a register, without `%`.
pub fn name(register: PReg, bits: u16) -> &'static str {
    let number = register.hw_enc() & 15;
    match (register.class(), bits) {
        (RegClass::Int, 8) => NAMES[0][number],
        (RegClass::Int, 16) => NAMES[1][number],
        (RegClass::Int, 32) => NAMES[2][number],
        (RegClass::Int, _) => NAMES[3][number],
        (RegClass::Float | RegClass::Vector, _) => XMM_NAMES[number],
    }
}
