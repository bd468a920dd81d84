//! Relaxable branches: jumps and conditional branches to labels, short or long.

use crate::emit::buffer::BranchForms;

/// Kinds of branch: a condition, or [`Branches::JUMP`](BranchForms::JUMP).
pub struct Branches;

impl Branches {
    /// The kind of fixup that adds a label's 32-bit distance from the field.
    pub const PC32: u8 = 0;
}

impl BranchForms for Branches {
    const JUMP: u8 = 16;
    const SHORT: u32 = 128;

    fn complement(kind: u8) -> u8 {
        kind ^ 1
    }

    fn length(kind: u8, form: u8) -> u32 {
        match (form, kind) {
            (0, _) => 2,
            (_, Self::JUMP) => 5,
            _ => 6,
        }
    }

    fn reaches(_: u8, form: u8, distance: i64) -> bool {
        form != 0 || i8::try_from(distance - 2).is_ok()
    }

    fn write(kind: u8, _: u32, form: u8, distance: i64, out: &mut [u8]) {
        let distance = distance - Self::length(kind, form) as i64;
        match (form, kind) {
            (0, Self::JUMP) => out.copy_from_slice(&[0xEB, distance as u8]),
            (0, _) => out.copy_from_slice(&[0x70 | kind & 15, distance as u8]),
            _ => {
                let (opcode, field) = out.split_at_mut(out.len() - 4);
                match kind {
                    Self::JUMP => opcode.copy_from_slice(&[0xE9]),
                    _ => opcode.copy_from_slice(&[0x0F, 0x80 | kind & 15]),
                }
                field.copy_from_slice(&(distance as i32).to_le_bytes());
            }
        }
    }

    /// Adds the distance to the value in the field, for the only kind: [`Branches::PC32`].
    fn fix(_: u8, distance: i64, field: &mut [u8]) {
        let field: &mut [u8; 4] = (&mut field[..4]).try_into().expect("four bytes");
        *field = i32::from_le_bytes(*field).wrapping_add(distance as i32).to_le_bytes();
    }
}
