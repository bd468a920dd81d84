//! Relaxable branches: on the condition code, or on a comparison of their own.
//!
//! A branch on the condition code has a short and a long form. A compare-and-branch out of reach becomes its
//! complement over a long branch.

use crate::emit::branch::RelaxableBranch;
use crate::emit::buffer::BranchForms;

/// Kinds of branch. The low four bits are the condition, and two further bits tell a compare-and-branch from
/// a branch on the condition code. The word of a compare-and-branch has its instruction's second byte and its
/// last two bytes, without the condition.
pub struct Branches;

impl Branches {
    /// The bit of kinds that compare and branch.
    pub const COMPARE: u8 = 0x10;
    /// The bit of kinds that compare with an immediate.
    pub const IMMEDIATE: u8 = 0x20;

    /// A compare-and-branch. `second` is its second register or its immediate.
    pub fn comparing(opcode: u8, first: u8, second: u8, immediate: bool, mask: u8) -> RelaxableBranch {
        let registers = |second: u8| (first << 4 | second) as u32;
        let (kind, word) = match immediate {
            true => (Self::IMMEDIATE, registers(0) << 16 | (second as u32) << 8),
            false => (0, registers(second) << 16),
        };
        RelaxableBranch { kind: Self::COMPARE | kind | mask, word: word | opcode as u32 }
    }
}

impl BranchForms for Branches {
    const BIG_ENDIAN: bool = true;
    const JUMP: u8 = 15;
    const SHORT: u32 = (1 << 16) - 2;

    fn complement(kind: u8) -> u8 {
        // A comparison never sets code 3.
        if kind & Self::COMPARE != 0 { kind ^ 14 } else { kind ^ 15 }
    }

    fn length(kind: u8, form: u8) -> u32 {
        match (kind & Self::COMPARE, form) {
            (0, 0) => 4,
            (0, _) | (_, 0) => 6,
            _ => 12,
        }
    }

    fn reaches(_: u8, form: u8, distance: i64) -> bool {
        form != 0 || i16::try_from(distance >> 1).is_ok()
    }

    fn write(kind: u8, word: u32, form: u8, distance: i64, out: &mut [u8]) {
        let halfwords = distance >> 1;
        match (kind & Self::COMPARE, form) {
            (0, 0) => {
                out[..2].copy_from_slice(&[0xA7, kind << 4 | 4]);
                out[2..].copy_from_slice(&(halfwords as i16).to_be_bytes());
            }
            (0, _) => write_far(kind, halfwords, out),
            (_, 0) => write_comparing(kind, word, halfwords, out),
            _ => {
                let (first, second) = out.split_at_mut(6);
                write_comparing(Self::complement(kind), word, 6, first);
                write_far(Self::JUMP, halfwords - 3, second);
            }
        }
    }

    fn fix(_: u8, distance: i64, field: &mut [u8]) {
        let field: &mut [u8; 4] = (&mut field[2..6]).try_into().expect("four bytes");
        *field = i32::from_be_bytes(*field).wrapping_add((distance >> 1) as i32).to_be_bytes();
    }
}

/// Writes a `brcl`.
fn write_far(mask: u8, halfwords: i64, out: &mut [u8]) {
    out[..2].copy_from_slice(&[0xC0, mask << 4 | 4]);
    out[2..].copy_from_slice(&(halfwords as i32).to_be_bytes());
}

/// Writes a compare-and-branch.
fn write_comparing(kind: u8, word: u32, halfwords: i64, out: &mut [u8]) {
    let mask = kind & 15;
    let [_, mut second, mut fifth, sixth] = word.to_be_bytes();
    match kind & Branches::IMMEDIATE {
        0 => fifth |= mask << 4,
        _ => second |= mask,
    }
    let [third, fourth] = (halfwords as i16).to_be_bytes();
    out.copy_from_slice(&[0xEC, second, third, fourth, fifth, sixth]);
}

#[cfg(test)]
mod tests {
    use super::super::operands::Cond;
    use super::super::{Direct, regs, rows};
    use super::*;
    use crate::emit::buffer::CodeBuffer;
    use crate::emit::frame::Frame;
    use crate::emit::inst_view::{Places, physical};
    use crate::machine::inst::Label;
    use crate::machine::reg::VReg;
    use crate::machine::size::Q64;

    const R2: VReg = physical(regs::R2);

    #[test]
    fn branches_out_of_reach_grow() {
        let far = |compare: bool| {
            let mut buffer = CodeBuffer::default();
            let label = buffer.label();
            let frame = Frame::default();
            let mut out = Direct::new(Places { frame: &frame, constants: Label(0) }, &mut buffer);
            match compare {
                true => rows::cij(&mut out, Q64, R2, -1, Cond::L, label),
                false => rows::brc_label(&mut out, Cond::E, label),
            }
            for _ in 0..1 << 15 {
                buffer.put(&[0x07, 0x07]);
            }
            buffer.bind(label);
            buffer.finish::<Branches>().code[..12].to_vec()
        };
        // brcl, and cgijnl over brcl.
        assert_eq!(far(false)[..6], [0xC0, 0x84, 0, 0, 0x80, 3]);
        assert_eq!(far(true), [0xEC, 0x2A, 0, 6, 0xFF, 0x7C, 0xC0, 0xF4, 0, 0, 0x80, 3]);
    }
}
