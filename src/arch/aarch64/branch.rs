//! Relaxable branches: instructions that refer to a label, in forms of increasing reach.
//!
//! A conditional branch out of reach becomes its complement over an unconditional branch. Anything still out
//! of reach, and addresses and constants more than a megabyte away, take their distance as a constant in x17
//! and add it to the address of the code itself. These longest forms end in `ret x16` rather than `br x16`:
//! where branch targets are checked, an indirect branch would need a landing pad.

use super::operands::Extend;
use super::regs::{X16, X17, number};
use super::rows;
use crate::emit::branch::RelaxableBranch;
use crate::emit::buffer::BranchForms;

/// Kinds of branch. A kind below [`Branches::JUMP`] is a condition. A kind and its complement differ in the
/// lowest bit.
pub struct Branches;

impl Branches {
    /// Branches if a register is zero; its complement, if it is not. The word has the register and width of
    /// `cbz`.
    pub const ZERO: u8 = 18;
    /// Branches if a bit of a register is zero; its complement, if it is not. The word has the register and
    /// bit of `tbz`.
    pub const BIT_ZERO: u8 = 20;
    /// Puts the label's address in a register. The word is the register's number.
    pub const ADDRESS: u8 = 22;
    /// Loads from the label. The word is the load instruction with register 0 as base and a displacement of
    /// 0.
    pub const LOAD: u8 = 24;

    /// The relaxable branch that a row's instruction stands for.
    pub fn of(instruction: u32) -> RelaxableBranch {
        let opposite = (instruction >> 24 & 1) as u8;
        match instruction & OPCODE {
            IF => RelaxableBranch { kind: (instruction & 15) as u8, word: 0 },
            IF_ZERO | IF_NOT_ZERO => {
                RelaxableBranch { kind: Self::ZERO | opposite, word: instruction & REGISTER_WIDTH }
            }
            IF_BIT_ZERO | IF_BIT_NOT_ZERO => {
                RelaxableBranch { kind: Self::BIT_ZERO | opposite, word: instruction & REGISTER_BIT }
            }
            _ => RelaxableBranch { kind: Self::JUMP, word: 0 },
        }
    }

    /// A branch that is taken if a register is zero or, with `opposite`, if it is not. `wide` means all 64
    /// bits.
    pub fn on_zero(register: u8, wide: bool, opposite: bool) -> RelaxableBranch {
        RelaxableBranch { kind: Self::ZERO | opposite as u8, word: register as u32 | (wide as u32) << 31 }
    }

    /// A branch that is taken if a bit of a register is zero or, with `opposite`, if it is not.
    pub fn on_bit(register: u8, bit: u32, opposite: bool) -> RelaxableBranch {
        let word = register as u32 | (bit >> 5 & 1) << 31 | (bit & 31) << 19;
        RelaxableBranch { kind: Self::BIT_ZERO | opposite as u8, word }
    }

    /// Whether the load from an address in a register has a form that loads from a label.
    pub fn can_load(load: u32) -> bool {
        let vector = load >> 26 & 1 != 0;
        matches!((load >> 30, load >> 22 & 3, vector), (2 | 3, 1, _) | (2, 2, false) | (0, 3, true))
    }
}

/// The bits of an instruction that tell branches apart.
const OPCODE: u32 = 0x7F00_0000;
const JUMP: u32 = rows::pattern(rows::B_LABEL);
const IF: u32 = rows::pattern(rows::B_CC);
const IF_ZERO: u32 = rows::pattern(rows::CBZW);
const IF_NOT_ZERO: u32 = rows::pattern(rows::CBNZW);
const IF_BIT_ZERO: u32 = rows::pattern(rows::TBZ);
const IF_BIT_NOT_ZERO: u32 = rows::pattern(rows::TBNZ);

/// The bits of `cbz` that hold the register and its width.
const REGISTER_WIDTH: u32 = 0x8000_001F;
/// The bits of `tbz` that hold the register and the number of the bit.
const REGISTER_BIT: u32 = 0x80F8_001F;

/// `adr x0, .`
const ADDRESS: u32 = 0x1000_0000;
/// `ldr w0, .`
const LOAD: u32 = 0x1800_0000;

/// Length in bytes of [`Branches::ADDRESS`] in its longest form.
const FAR_ADDRESS: u32 = 16;
/// Length in bytes of [`Branches::JUMP`] in its longest form.
const FAR_JUMP: u32 = FAR_ADDRESS + 4;

/// Whether a distance in bytes fits a field of `bits` bits that counts words.
fn fits(distance: i64, bits: u32) -> bool {
    let limit = 2 << bits;
    (-limit..limit).contains(&distance)
}

impl BranchForms for Branches {
    const JUMP: u8 = 16;
    const SHORT: u32 = (1 << 15) - 4;

    fn complement(kind: u8) -> u8 {
        kind ^ 1
    }

    fn length(kind: u8, form: u8) -> u32 {
        match (form, kind) {
            (0, _) => 4,
            (_, Self::JUMP | Self::LOAD) => FAR_JUMP,
            (_, Self::ADDRESS) => FAR_ADDRESS,
            (1, _) => 8,
            _ => 4 + FAR_JUMP,
        }
    }

    fn reaches(kind: u8, form: u8, distance: i64) -> bool {
        match (form, kind & !1) {
            (0, Self::JUMP) => fits(distance, 26),
            (0, Self::BIT_ZERO) => fits(distance, 14),
            (0, _) => fits(distance, 19),
            (1, Self::JUMP | Self::LOAD | Self::ADDRESS) => true,
            (1, _) => fits(distance - 4, 26),
            _ => true,
        }
    }

    fn write(kind: u8, word: u32, form: u8, distance: i64, out: &mut [u8]) {
        let mut at = 0;
        let mut put = |instruction: u32| {
            out[at..at + 4].copy_from_slice(&instruction.to_le_bytes());
            at += 4;
        };
        match (form, kind) {
            (0, _) => put(short(kind, word, distance)),
            (_, Self::JUMP) => {
                far_address(number(X16) as u32, distance).into_iter().for_each(&mut put);
                put(RET_X16);
            }
            (_, Self::ADDRESS) => {
                far_address(word, distance).into_iter().for_each(&mut put);
            }
            (_, Self::LOAD) => {
                far_address(number(X16) as u32, distance).into_iter().for_each(&mut put);
                put(word | (number(X16) as u32) << 5);
            }
            (1, _) => {
                put(short(Self::complement(kind), word, 8));
                put(short(Self::JUMP, 0, distance - 4));
            }
            _ => {
                put(short(Self::complement(kind), word, 4 + FAR_JUMP as i64));
                far_address(number(X16) as u32, distance - 4).into_iter().for_each(&mut put);
                put(RET_X16);
            }
        }
    }

    fn fix(_: u8, _: i64, _: &mut [u8]) {
        unreachable!("on aarch64, every reference to a label is a branch")
    }
}

const RET_X16: u32 = rows::pattern(rows::RET_R) | (number(X16) as u32) << 5;

/// The shortest form of a branch.
fn short(kind: u8, word: u32, distance: i64) -> u32 {
    let opposite = ((kind & 1) as u32) << 24;
    let near = |bits: u32| (distance >> 2) as u32 & ((1 << bits) - 1);
    match kind & !1 {
        Branches::JUMP => JUMP | near(26),
        Branches::ZERO => IF_ZERO | opposite | word | near(19) << 5,
        Branches::BIT_ZERO => IF_BIT_ZERO | opposite | word | near(14) << 5,
        Branches::ADDRESS => ADDRESS | word | near(19) << 5 | (distance as u32 & 3) << 29,
        Branches::LOAD => LOAD | load_size(word) | word & (1 << 26 | 31) | near(19) << 5,
        _ => IF | kind as u32 | near(19) << 5,
    }
}

/// The size bits of the load from a label that does the same as `load`.
fn load_size(load: u32) -> u32 {
    let size = match (load >> 30, load >> 22 & 3) {
        (3, _) => 1,
        (2, 1) => 0,
        _ => 2,
    };
    size << 30
}

/// Instructions that put the address `distance` bytes from the first of them in a register.
fn far_address(register: u32, distance: i64) -> [u32; 4] {
    let scratch = number(X17) as u32;
    let half = |number: u32| (distance >> (16 * number)) as u32 & 0xFFFF;
    [
        ADDRESS | register,
        rows::pattern(rows::MOVZW) | half(0) << 5 | scratch,
        rows::pattern(rows::MOVKW) | 1 << 21 | half(1) << 5 | scratch,
        rows::pattern(rows::ADDX_RX) | (Extend::Sxtw as u32) << 13 | scratch << 16 | register << 5 | register,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instructions of a branch in the first form that reaches.
    fn words(condition: RelaxableBranch, distance: i64) -> Vec<u32> {
        let form = (0..3).find(|&form| Branches::reaches(condition.kind, form, distance)).expect("a form");
        let mut out = vec![0; Branches::length(condition.kind, form) as usize];
        Branches::write(condition.kind, condition.word, form, distance, &mut out);
        out.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("four bytes"))).collect()
    }

    const JUMP: RelaxableBranch = RelaxableBranch { kind: Branches::JUMP, word: 0 };
    const EQUAL: RelaxableBranch = RelaxableBranch { kind: 0, word: 0 };

    #[test]
    fn the_shortest_form_that_reaches_is_taken() {
        assert_eq!(words(JUMP, -4), [0x17FF_FFFF]);
        assert_eq!(words(EQUAL, 8), [0x5400_0040]);
        assert_eq!(words(EQUAL, (1 << 20) - 4), [0x547F_FFE0]);
        assert_eq!(words(EQUAL, -(1 << 20)), [0x5480_0000]);
        // b.ne over b
        assert_eq!(words(EQUAL, 1 << 20), [0x5400_0041, 0x1403_FFFF]);
        let bit = Branches::on_bit(3, 33, false);
        assert_eq!(words(bit, 8), [0xB608_0043]);
        assert_eq!(words(bit, 1 << 15), [0xB708_0043, 0x1400_1FFF]);
        let zero = Branches::on_zero(5, true, true);
        assert_eq!(words(zero, -4), [0xB5FF_FFE5]);
    }

    /// The distance that a far form adds to its own address in x16.
    fn far(words: &[u32]) -> i64 {
        assert_eq!(words[0], 0x1000_0010, "adr x16, .");
        assert_eq!(words[3], 0x8B31_C210, "add x16, x16, w17, sxtw");
        ((words[1] >> 5 & 0xFFFF | (words[2] >> 5 & 0xFFFF) << 16) as i32).into()
    }

    #[test]
    fn functions_of_more_than_128_megabytes_are_branched_across() {
        for distance in [1 << 27, -(1 << 27) - 4, 1 << 30, -(1 << 30)] {
            let jump = words(JUMP, distance);
            assert_eq!(far(&jump[..4]), distance);
            assert_eq!(jump[4], RET_X16);
            let condition = words(EQUAL, distance + 4);
            assert_eq!(condition[0], 0x5400_00C1, "b.ne past the rest");
            assert_eq!(far(&condition[1..5]), distance);
            assert_eq!(condition.len(), 6);
        }
        assert_eq!(words(JUMP, (1 << 27) - 4).len(), 1);
        assert_eq!(words(EQUAL, 1 << 27).len(), 2);
    }
}
