//! Atomic accesses: byte order, and the operation that one iteration of a retry loop computes.

use super::address::memory_type;
use super::context::Lowered;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::vocabulary::Lowering;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, Q64};

/// The memory order of all accesses, as libatomic's routines take it.
pub const SEQUENTIALLY_CONSISTENT: i32 = 5;

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

/// How a target lowers atomic accesses. With `swap`, their byte order is the opposite of the target's.
pub trait AtomicLowering: Lowering {
    /// Pushes a fence between all earlier and all later memory accesses.
    fn fence(cx: &mut Lower<'_, Self>);

    /// Pushes `d` = `a` with its bytes reversed, for an integer type of 16 to 64 bits.
    fn swap_bytes(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, ty: Type);

    /// Returns a register with a value that is only stored, never computed with.
    fn put_stored(cx: &mut Lower<'_, Self>, value: Value) -> VReg {
        cx.put(value)
    }

    /// Lowers `atomic_load` of up to 64 bits.
    fn load(cx: &mut Lower<'_, Self>, inst: Inst, swap: bool) -> Lowered;

    /// Lowers `atomic_store` of up to 64 bits.
    fn store(cx: &mut Lower<'_, Self>, inst: Inst, swap: bool) -> Lowered;

    /// Lowers `atomic_cas` of up to 64 bits.
    fn compare_and_swap(cx: &mut Lower<'_, Self>, inst: Inst, swap: bool);

    /// Lowers `atomic_rmw` of up to 64 bits.
    fn read_modify_write(cx: &mut Lower<'_, Self>, inst: Inst, swap: bool);

    /// Lowers `atomic_load` of i128. The halves are in memory's byte order.
    fn load_wide(cx: &mut Lower<'_, Self>, data: &InstData, d: Halves);

    /// Lowers `atomic_store` of i128.
    fn store_wide(cx: &mut Lower<'_, Self>, data: &InstData, swap: bool);

    /// Lowers `atomic_cas` of i128. The halves are in memory's byte order.
    fn compare_and_swap_wide(
        cx: &mut Lower<'_, Self>,
        data: &InstData,
        d: Halves,
        expected: Halves,
        new: Halves,
    );

    /// Lowers `atomic_rmw` of i128. The low half of the operand comes first; the halves of `d` are in the
    /// order of their addresses.
    fn read_modify_write_wide(
        cx: &mut Lower<'_, Self>,
        data: &InstData,
        d: Halves,
        operand: (VReg, VReg),
        step: Step,
    );
}

/// Lowers atomic accesses and fences.
pub fn lower<I: AtomicLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if data.opcode == Opcode::Fence {
        I::fence(cx);
        return Ok(());
    }
    let ty = memory_type(cx.f, &data);
    let swap = cx.swaps(&cx.mem_flags(&data)) && ty != types::I8;
    if ty == types::I128 {
        lower_wide(cx, inst, &data, swap);
        return Ok(());
    }
    match data.opcode {
        Opcode::AtomicLoad => I::load(cx, inst, swap)?,
        Opcode::AtomicStore => I::store(cx, inst, swap)?,
        Opcode::AtomicCas => I::compare_and_swap(cx, inst, swap),
        Opcode::AtomicRmw => I::read_modify_write(cx, inst, swap),
        other => unexpected(other),
    }
    Ok(())
}

fn lower_wide<I: AtomicLowering>(cx: &mut Lower<'_, I>, inst: Inst, data: &InstData, swap: bool) {
    if data.opcode == Opcode::AtomicStore {
        return I::store_wide(cx, data, swap);
    }
    let raw = raw_halves(cx, inst, swap);
    match data.opcode {
        Opcode::AtomicLoad => I::load_wide(cx, data, raw),
        Opcode::AtomicCas => {
            let expected = put_halves_as_stored(cx, Value(data.b), swap);
            let new = put_halves_as_stored(cx, Value(data.c), swap);
            I::compare_and_swap_wide(cx, data, raw, expected, new);
        }
        Opcode::AtomicRmw => {
            let operand = cx.put_pair(Value(data.b));
            let op = AtomicRmwOp::from_code(data.c as u16);
            I::read_modify_write_wide(cx, data, raw, operand, Step { op, size: Q64, swap });
        }
        other => unexpected(other),
    }
    finish_halves(cx, inst, raw, swap);
}

/// Returns a register with a value in the byte order of the access.
pub fn put_as_stored<I: AtomicLowering>(cx: &mut Lower<'_, I>, value: Value, swap: bool) -> VReg {
    if !swap {
        return I::put_stored(cx, value);
    }
    let (reg, swapped) = (cx.put(value), cx.tmp(RegClass::Int));
    I::swap_bytes(cx, swapped, reg, cx.ty(value));
    swapped
}

/// Returns the register that the access is to define, in memory's byte order; [`finish`] then defines `d`.
pub fn raw_result<I: AtomicLowering>(cx: &mut Lower<'_, I>, d: VReg, swap: bool) -> VReg {
    if swap { cx.tmp(RegClass::Int) } else { d }
}

/// Defines `d` with the value that `raw` has in memory's byte order.
pub fn finish<I: AtomicLowering>(cx: &mut Lower<'_, I>, d: VReg, raw: VReg, ty: Type, swap: bool) {
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
pub fn put_halves_as_stored<I: AtomicLowering>(cx: &mut Lower<'_, I>, value: Value, swap: bool) -> Halves {
    let halves = cx.put_pair(value);
    halves_as_stored(cx, halves, swap)
}

/// Like [`put_halves_as_stored`], for a value's low and high half.
pub fn halves_as_stored<I: AtomicLowering>(
    cx: &mut Lower<'_, I>,
    halves: (VReg, VReg),
    swap: bool,
) -> Halves {
    let (first, second) = by_address::<I>(halves);
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
fn raw_halves<I: AtomicLowering>(cx: &mut Lower<'_, I>, inst: Inst, swap: bool) -> Halves {
    let result = cx.f.first_result(inst);
    let result = cx.put_pair(result);
    match swap {
        true => (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int)),
        false => by_address::<I>(result),
    }
}

/// Defines an instruction's i128 result with the halves that `raw` has in memory's byte order.
fn finish_halves<I: AtomicLowering>(cx: &mut Lower<'_, I>, inst: Inst, raw: Halves, swap: bool) {
    if swap {
        let result = cx.f.first_result(inst);
        let (first, second) = by_address::<I>(cx.put_pair(result));
        I::swap_bytes(cx, first, raw.1, types::I64);
        I::swap_bytes(cx, second, raw.0, types::I64);
    }
}
