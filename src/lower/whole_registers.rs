//! What a target does with whole registers of vectors and floats, whatever they hold.

use super::context::Lower;
use super::select::Selection;
use super::vector_moves::VectorMoves;
use crate::ir::Opcode;
use crate::machine::reg::VReg;

/// Operations on whole registers.
pub trait WholeRegisters: VectorMoves + Selection {
    /// `d` = `band`, `bor` or `bxor` of two registers.
    fn bitwise_whole(cx: &mut Lower<'_, Self>, opcode: Opcode, d: VReg, a: VReg, b: VReg);

    /// `d = chosen` if a test holds, else `other`.
    fn select_whole(cx: &mut Lower<'_, Self>, d: VReg, test: Self::Test, chosen: VReg, other: VReg);
}
