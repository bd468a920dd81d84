//! Relaxable branches: what refers to a label, in forms that reach further and further.
//!
//! A conditional branch that does not reach becomes its opposite over an unconditional one. What is out of reach
//! even for that, and addresses and constants more than a megabyte away, get the distance as a constant in x17, added to
//! the address of the code itself. A form so long ends in `ret x16` rather than `br x16`: where branch targets are
//! checked, an indirect branch would need a landing pad.

use super::regs::{X16, X17, number};
use crate::emit::branch::BranchTemplate;
use crate::emit::buffer::BranchForms;

/// Kinds of branch. One below [`Branches::JUMP`] is a condition. The opposite of a kind differs in its lowest bit.
pub struct Branches;

impl Branches {
    /// Branches if a register is zero; its opposite, if not. The word is that of `cbz`.
    pub const ZERO: u8 = 18;
    /// Branches if a bit of a register is zero; its opposite, if not. The word is that of `tbz`.
    pub const BIT_ZERO: u8 = 20;
    /// Puts the label's address in a register, the word.
    pub const ADDRESS: u8 = 22;
    /// Loads what is at the label: the word is the load, with a base register and a displacement of 0.
    pub const LOAD: u8 = 24;

    /// The branch of a row, which is this instruction.
    pub fn of(instruction: u32) -> BranchTemplate {
        let opposite = (instruction >> 24 & 1) as u8;
        match instruction >> 24 & 0x7F {
            0x54 => BranchTemplate { kind: (instruction & 15) as u8, word: 0 },
            0x34 | 0x35 => BranchTemplate { kind: Self::ZERO | opposite, word: instruction & REGISTER_WIDTH },
            0x36 | 0x37 => {
                BranchTemplate { kind: Self::BIT_ZERO | opposite, word: instruction & REGISTER_BIT }
            }
            _ => BranchTemplate { kind: Self::JUMP, word: 0 },
        }
    }

    /// A branch that is taken if a register, of 64 bits if `wide`, is zero, or with `opposite` if it is not.
    pub fn on_zero(register: u8, wide: bool, opposite: bool) -> BranchTemplate {
        BranchTemplate { kind: Self::ZERO | opposite as u8, word: register as u32 | (wide as u32) << 31 }
    }

    /// A branch that is taken if a bit of a register is zero, or with `opposite` if it is not.
    pub fn on_bit(register: u8, bit: u32, opposite: bool) -> BranchTemplate {
        let word = register as u32 | (bit >> 5 & 1) << 31 | (bit & 31) << 19;
        BranchTemplate { kind: Self::BIT_ZERO | opposite as u8, word }
    }

    /// Whether there is a load from a label with the same effect as one from a register.
    pub fn can_load(load: u32) -> bool {
        let vector = load >> 26 & 1 != 0;
        matches!((load >> 30, load >> 22 & 3, vector), (2 | 3, 1, _) | (2, 2, false) | (0, 3, true))
    }
}

const REGISTER_WIDTH: u32 = 0x8000_001F;
const REGISTER_BIT: u32 = 0x80F8_001F;

/// Length of what puts an address in a register in the form that reaches everything.
const FAR_ADDRESS: u32 = 16;
/// The same of an unconditional branch.
const FAR_JUMP: u32 = FAR_ADDRESS + 4;

/// Whether a distance in words has at most so many bits.
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
        unreachable!("what refers to a label is a branch on aarch64")
    }
}

const RET_X16: u32 = 0xD65F_0000 | (number(X16) as u32) << 5;

/// The shortest form.
fn short(kind: u8, word: u32, distance: i64) -> u32 {
    let opposite = ((kind & 1) as u32) << 24;
    let near = |bits: u32| (distance >> 2) as u32 & ((1 << bits) - 1);
    match kind & !1 {
        Branches::JUMP => 0x1400_0000 | near(26),
        Branches::ZERO => 0x3400_0000 | opposite | word | near(19) << 5,
        Branches::BIT_ZERO => 0x3600_0000 | opposite | word | near(14) << 5,
        Branches::ADDRESS => 0x1000_0000 | word | near(19) << 5 | (distance as u32 & 3) << 29,
        Branches::LOAD => 0x1800_0000 | load_size(word) | word & (1 << 26 | 31) | near(19) << 5,
        _ => 0x5400_0000 | kind as u32 | near(19) << 5,
    }
}

/// What a load from a label has in place of another load's size.
fn load_size(load: u32) -> u32 {
    let size = match (load >> 30, load >> 22 & 3) {
        (3, _) => 1,
        (2, 1) => 0,
        _ => 2,
    };
    size << 30
}

/// The address so far from the first of these instructions in a register.
fn far_address(register: u32, distance: i64) -> [u32; 4] {
    let scratch = number(X17) as u32;
    let half = |number: u32| (distance >> (16 * number)) as u32 & 0xFFFF;
    [
        0x1000_0000 | register,
        0x5280_0000 | half(0) << 5 | scratch,
        0x72A0_0000 | half(1) << 5 | scratch,
        0x8B20_C000 | scratch << 16 | register << 5 | register,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a branch in the first form that reaches.
    fn words(condition: BranchTemplate, distance: i64) -> Vec<u32> {
        let form = (0..3).find(|&form| Branches::reaches(condition.kind, form, distance)).expect("a form");
        let mut out = vec![0; Branches::length(condition.kind, form) as usize];
        Branches::write(condition.kind, condition.word, form, distance, &mut out);
        out.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("four bytes"))).collect()
    }

    const JUMP: BranchTemplate = BranchTemplate { kind: Branches::JUMP, word: 0 };
    const EQUAL: BranchTemplate = BranchTemplate { kind: 0, word: 0 };

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

    /// The distance that a far form adds, and the register it branches to.
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
