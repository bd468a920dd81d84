//! Atomic accesses: byte order, and the operation that one round of a loop computes.

use super::address::memory_type;
use super::context::Lowered;
use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::vocabulary::Lowering;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, Q64};

/// The operation that one round of a read-modify-write loop computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The operation.
    pub op: AtomicRmwOp,
    /// Size of the access. For 128 bits, size of a half.
    pub size: OperandSize,
    /// Whether memory has the other byte order.
    pub swap: bool,
}

impl Step {
    /// Packs the step into an immediate of 8 bits.
    pub fn pack(self) -> i32 {
        self.op as i32 | (self.size as i32) << 4 | (self.swap as i32) << 6
    }

    /// Unpacks an immediate made by [`Step::pack`].
    pub fn unpack(word: u32) -> Self {
        let op = AtomicRmwOp::from_code((word & 15) as u16);
        let size = OperandSize::from_bits(8 << (word >> 4 & 3));
        Step { op, size, swap: word >> 6 & 1 != 0 }
    }
}

/// Whether an operation treats all bits alike, so that it can be done in either byte order.
pub fn is_bitwise(op: AtomicRmwOp) -> bool {
    use AtomicRmwOp::*;
    matches!(op, And | Or | Xor | Nand | Xchg)
}

/// How a target accesses memory atomically.
pub trait AtomicLowering: Lowering {
    /// Pushes a fence: memory accesses before it take effect before those after it.
    fn fence(cx: &mut Lower<'_, Self>);

    /// `d` = an integer of 16 to 64 bits with its bytes reversed.
    fn swap_bytes(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, ty: Type);

    /// Asks for a value in a register that is only stored.
    fn put_stored(cx: &mut Lower<'_, Self>, value: Value) -> VReg {
        cx.put(value)
    }

    /// Lowers atomic_load of up to 64 bits, in the other byte order if `swap`.
    fn load(cx: &mut Lower<'_, Self>, inst: Inst, swap: bool) -> Lowered;

    /// Lowers atomic_store of up to 64 bits, in the other byte order if `swap`.
    fn store(cx: &mut Lower<'_, Self>, inst: Inst, swap: bool) -> Lowered;

    /// Lowers atomic_cas of up to 64 bits, in the other byte order if `swap`.
    fn compare_and_swap(cx: &mut Lower<'_, Self>, inst: Inst, swap: bool);

    /// Lowers atomic_rmw of up to 64 bits, in the other byte order if `swap`.
    fn read_modify_write(cx: &mut Lower<'_, Self>, inst: Inst, swap: bool);

    /// Refuses accesses of i128 if the target or its options lack them.
    fn check_wide(_: &Lower<'_, Self>) -> Lowered {
        Ok(())
    }

    /// Lowers atomic_load of i128 to the halves as they are in memory.
    fn load_wide(cx: &mut Lower<'_, Self>, data: &InstData, d: Halves);

    /// Lowers atomic_store of i128, in the other byte order if `swap`.
    fn store_wide(cx: &mut Lower<'_, Self>, data: &InstData, swap: bool);

    /// Lowers atomic_cas of i128, on halves as they are in memory.
    fn compare_and_swap_wide(
        cx: &mut Lower<'_, Self>,
        data: &InstData,
        d: Halves,
        expected: Halves,
        new: Halves,
    );

    /// Lowers atomic_rmw of i128. `d` has the halves as they are in memory. The operand has its low half
    /// first.
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
        I::check_wide(cx)?;
        lower_wide(cx, inst, &data, swap);
        return Ok(());
    }
    match data.opcode {
        Opcode::AtomicLoad => I::load(cx, inst, swap)?,
        Opcode::AtomicStore => I::store(cx, inst, swap)?,
        Opcode::AtomicCas => I::compare_and_swap(cx, inst, swap),
        _ => I::read_modify_write(cx, inst, swap),
    }
    Ok(())
}

/// Lowers atomic accesses of i128.
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
        _ => {
            let operand = cx.put_pair(Value(data.b));
            let op = AtomicRmwOp::from_code(data.c as u16);
            I::read_modify_write_wide(cx, data, raw, operand, Step { op, size: Q64, swap });
        }
    }
    finish_halves(cx, inst, raw, swap);
}

/// Asks for a value in a register, with its bytes as they are in memory.
pub fn put_as_stored<I: AtomicLowering>(cx: &mut Lower<'_, I>, value: Value, swap: bool) -> VReg {
    if !swap {
        return I::put_stored(cx, value);
    }
    let (reg, swapped) = (cx.put(value), cx.tmp(RegClass::Int));
    I::swap_bytes(cx, swapped, reg, cx.ty(value));
    swapped
}

/// The register to be defined with the bytes as they are in memory. [`finish`] then converts them to `d`.
pub fn raw_result<I: AtomicLowering>(cx: &mut Lower<'_, I>, d: VReg, swap: bool) -> VReg {
    if swap { cx.tmp(RegClass::Int) } else { d }
}

/// Converts the register of [`raw_result`] to `d`.
pub fn finish<I: AtomicLowering>(cx: &mut Lower<'_, I>, d: VReg, raw: VReg, ty: Type, swap: bool) {
    if swap {
        I::swap_bytes(cx, d, raw, ty);
    }
}

/// Both halves of an i128, the one at the lower address first.
pub type Halves = (VReg, VReg);

/// Orders halves, given low half first, by address in the target's byte order.
fn by_address<I: Lowering>((low, high): (VReg, VReg)) -> Halves {
    match I::ENDIANNESS {
        Endianness::Little => (low, high),
        Endianness::Big => (high, low),
    }
}

/// Asks for the halves of a value, with their bytes as they are in memory.
pub fn put_halves_as_stored<I: AtomicLowering>(cx: &mut Lower<'_, I>, value: Value, swap: bool) -> Halves {
    let (first, second) = by_address::<I>(cx.put_pair(value));
    if !swap {
        return (first, second);
    }
    let swapped = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    I::swap_bytes(cx, swapped.0, second, types::I64);
    I::swap_bytes(cx, swapped.1, first, types::I64);
    swapped
}

/// The registers to be defined with the halves as they are in memory. [`finish_halves`] then converts them to
/// the result.
fn raw_halves<I: AtomicLowering>(cx: &mut Lower<'_, I>, inst: Inst, swap: bool) -> Halves {
    let result = cx.f.first_result(inst);
    let result = cx.put_pair(result);
    match swap {
        true => (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int)),
        false => by_address::<I>(result),
    }
}

/// Converts the registers of [`raw_halves`] to the instruction's result.
fn finish_halves<I: AtomicLowering>(cx: &mut Lower<'_, I>, inst: Inst, raw: Halves, swap: bool) {
    if swap {
        let result = cx.f.first_result(inst);
        let (first, second) = by_address::<I>(cx.put_pair(result));
        I::swap_bytes(cx, first, raw.1, types::I64);
        I::swap_bytes(cx, second, raw.0, types::I64);
    }
}
