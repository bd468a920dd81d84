//! Selection without branches: conditional moves of integers, and `bitselect`.

use super::compare::Comparisons;
use super::context::{Lower, Lowered};
use super::vocabulary::Lowering;
use crate::ir::*;
use crate::machine::reg::{RegClass, VReg};

/// How a target selects between registers.
pub trait Selection: Comparisons {
    /// `d = chosen` if a test holds, else `other`, for integers of 64 bits.
    fn move_if(cx: &mut Lower<'_, Self>, d: VReg, test: Self::Test, chosen: VReg, other: VReg);
}

/// Lowers `bitselect` on integers of up to 128 bits.
pub fn bit_select<I: Lowering>(cx: &mut Lower<I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let bits = if data.ty.bits() <= 32 { 32 } else { 64 };
    let result = cx.f.first_result(inst);
    let (mask, mask_high) = cx.put_parts(Value(data.a));
    let (a, a_high) = cx.put_parts(Value(data.b));
    let (b, b_high) = cx.put_parts(Value(data.c));
    let (d, d_high) = cx.parts(result);
    select_bits(cx, bits, d, mask, (a, b));
    if let (Some(d), Some(mask), Some(a), Some(b)) = (d_high, mask_high, a_high, b_high) {
        select_bits(cx, bits, d, mask, (a, b));
    }
    Ok(())
}

/// Computes `d = ((a ^ b) & mask) ^ b`.
fn select_bits<I: Lowering>(cx: &mut Lower<I>, bits: u32, d: VReg, mask: VReg, (a, b): (VReg, VReg)) {
    let (differing, chosen) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    I::bitwise(cx, bits, Opcode::Bxor, differing, (a, b), false);
    I::bitwise(cx, bits, Opcode::Band, chosen, (differing, mask), true);
    I::bitwise(cx, bits, Opcode::Bxor, d, (chosen, b), true);
}
