//! What a target does with whole registers of vectors and floats, whatever they hold.

use super::context::Lower;
use super::select::Selection;
use super::vocabulary::Lowering;
use crate::ir::Opcode;
use crate::machine::reg::VReg;

/// Moves between vectors, and between vectors and general registers.
pub trait VectorMoves: Lowering {
    /// `d = a` with the bytes of each lane of `bits` bits reversed: 16, 32, 64 or 128.
    fn reverse_bytes(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, bits: u32);

    /// `d` = two lanes of 64 bits, the first one first.
    fn join_halves(cx: &mut Lower<'_, Self>, d: VReg, halves: [VReg; 2]);

    /// Both lanes of 64 bits of `a`, the first one first.
    fn split_halves(cx: &mut Lower<'_, Self>, halves: [VReg; 2], a: VReg);
}

/// Operations on whole registers.
pub trait WholeRegisters: VectorMoves + Selection {
    /// `d` = `band`, `bor` or `bxor` of two registers.
    fn bitwise_whole(cx: &mut Lower<'_, Self>, opcode: Opcode, d: VReg, a: VReg, b: VReg);

    /// `d = chosen` if a test holds, else `other`.
    fn select_whole(cx: &mut Lower<'_, Self>, d: VReg, test: Self::Test, chosen: VReg, other: VReg);
}
