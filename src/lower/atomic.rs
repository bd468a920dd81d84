//! Atomic accesses: byte order, and the operation that one iteration of a retry loop computes.

use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::vocabulary::Lowering;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;

/// The operation that one iteration of a retry loop computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The operation.
    pub(crate) op: AtomicRmwOp,
    /// Size of the access; for 128 bits, that of a half.
    pub(crate) size: OperandSize,
    /// Whether the access's byte order is the opposite of the target's.
    pub(crate) swap: bool,
}

impl Step {
    /// Packs the step into an 8-bit immediate.
    pub(crate) fn pack(self) -> i32 {
        self.op as i32 | (self.size as i32) << 4 | (self.swap as i32) << 6
    }

    /// Unpacks an immediate made by [`Step::pack`].
    pub(crate) fn unpack(word: u32) -> Self {
        let op = AtomicRmwOp::from_code((word & 15) as u16);
        let size = OperandSize::from_bits(8 << (word >> 4 & 3));
        Step { op, size, swap: word >> 6 & 1 != 0 }
    }
}

/// Whether an operation treats all bits alike, so that it can be done in either byte order.
pub(crate) fn is_bitwise(op: AtomicRmwOp) -> bool {
    use AtomicRmwOp::*;
    matches!(op, And | Or | Xor | Nand | Xchg)
}

/// How a target reverses bytes for accesses of the opposite byte order.
pub trait ByteOrder: Lowering {
    /// Pushes `d` = `a` with its bytes reversed, for an integer type of 16 to 64 bits.
    fn swap_bytes(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, ty: Type);

    /// Returns a register with a value that is only stored, never computed with.
    fn put_stored(cx: &mut Lower<'_, Self>, value: Value) -> VReg {
        cx.put(value)
    }
}

/// Returns a register with a value in the byte order of the access.
pub(crate) fn put_as_stored<I: ByteOrder>(cx: &mut Lower<'_, I>, value: Value, swap: bool) -> VReg {
    if !swap {
        return I::put_stored(cx, value);
    }
    let (reg, swapped) = (cx.put(value), cx.tmp(RegClass::Int));
    I::swap_bytes(cx, swapped, reg, cx.ty(value));
    swapped
}

/// Returns the register that the access is to define, in memory's byte order; [`finish`] then defines `d`.
pub(crate) fn raw_result<I: ByteOrder>(cx: &mut Lower<'_, I>, d: VReg, swap: bool) -> VReg {
    if swap { cx.tmp(RegClass::Int) } else { d }
}

/// Defines `d` with the value that `raw` has in memory's byte order.
pub(crate) fn finish<I: ByteOrder>(cx: &mut Lower<'_, I>, d: VReg, raw: VReg, ty: Type, swap: bool) {
    if swap {
        I::swap_bytes(cx, d, raw, ty);
    }
}

/// The halves of an i128, in the order of their addresses.
pub type Halves = (VReg, VReg);

/// Converts a pair (low half, high half) to the order of the halves' addresses.
fn by_address<I: Lowering>((low, high): (VReg, VReg)) -> Halves {
    match I::ENDIANNESS {
        Endianness::Little => (low, high),
        Endianness::Big => (high, low),
    }
}

/// Returns registers with the halves of a value in the byte order of the access.
pub(crate) fn put_halves_as_stored<I: ByteOrder>(cx: &mut Lower<'_, I>, value: Value, swap: bool) -> Halves {
    let (first, second) = by_address::<I>(cx.put_pair(value));
    if !swap {
        return (first, second);
    }
    let swapped = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    I::swap_bytes(cx, swapped.0, second, types::I64);
    I::swap_bytes(cx, swapped.1, first, types::I64);
    swapped
}

/// Returns the registers that the access is to define, in memory's byte order; [`finish_halves`] then defines
/// the instruction's result.
pub(crate) fn raw_halves<I: ByteOrder>(cx: &mut Lower<'_, I>, inst: Inst, swap: bool) -> Halves {
    let result = cx.f.first_result(inst);
    let result = cx.put_pair(result);
    match swap {
        true => (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int)),
        false => by_address::<I>(result),
    }
}

/// Defines an instruction's i128 result with the halves that `raw` has in memory's byte order.
pub(crate) fn finish_halves<I: ByteOrder>(cx: &mut Lower<'_, I>, inst: Inst, raw: Halves, swap: bool) {
    if swap {
        let result = cx.f.first_result(inst);
        let (first, second) = by_address::<I>(cx.put_pair(result));
        I::swap_bytes(cx, first, raw.1, types::I64);
        I::swap_bytes(cx, second, raw.0, types::I64);
    }
}
