//! Moves between vectors, memory and general registers that a target supplies. Only whole registers and the
//! first lanes of one have to be moved.

use super::context::Lower;
use super::vocabulary::Lowering;
use crate::machine::amode::Amode;
use crate::machine::reg::VReg;

/// Moves between vectors, and between vectors and general registers.
///
/// The *first* bits of a vector, 16, 32 or 64, are those of its first lanes. A vector of fewer than 128 bits
/// is in the first bits of a register; the others are undefined.
pub trait VectorMoves: Lowering {
    /// `d = a` with the bytes of each lane of `bits` bits reversed: 16, 32, 64 or 128.
    fn reverse_bytes(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, bits: u32);

    /// `d` = two lanes of 64 bits, the first one first.
    fn join_halves(cx: &mut Lower<'_, Self>, d: VReg, halves: [VReg; 2]);

    /// Both lanes of 64 bits of `a`, the first one first.
    fn split_halves(cx: &mut Lower<'_, Self>, halves: [VReg; 2], a: VReg);

    /// Loads the first bits of `d`.
    fn load_first(cx: &mut Lower<'_, Self>, d: VReg, from: Amode, bits: u32);

    /// Stores the first bits of `a`.
    fn store_first(cx: &mut Lower<'_, Self>, a: VReg, to: Amode, bits: u32);

    /// The first bits of `d` = the low bits of a general register.
    fn first_from_int(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, bits: u32);

    /// The low bits of a general register = the first bits of `a`. Those above are undefined.
    fn int_from_first(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, bits: u32);

    /// `d` = the first bits of one vector, followed by those of another.
    fn join_first(cx: &mut Lower<'_, Self>, d: VReg, of: [VReg; 2], bits: u32);

    /// `d` = what comes after the first bits of `a`, 8 to 32 of 64.
    fn drop_first(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, bits: u32);
}
