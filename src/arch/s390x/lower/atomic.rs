//! Atomic accesses and fences.
//!
//! Every access is sequentially consistent: a load is so by itself, and a store is followed by a
//! serialization. A read-modify-write operation is a single instruction if there is one for it. Otherwise it
//! is a pseudo-instruction, a loop around compare-and-swap (`pseudo::atomic_loop`).

use super::bits::swap_bytes;
use super::inputs::*;
use super::mem;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{access_as, trap_of};
use crate::lower::atomic::*;
use crate::lower::context::Lowered;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, exact_size};
use crate::rule;

impl AtomicLowering for S390x {
    fn fence(cx: &mut Cx) {
        rows::fence(cx);
    }

    fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        swap_bytes(cx, d, a, ty);
    }

    fn load(cx: &mut Cx, inst: Inst, _: bool) -> Lowered {
        mem::load(cx, inst)
    }

    fn store(cx: &mut Cx, inst: Inst, _: bool) -> Lowered {
        mem::store(cx, inst)?;
        rows::fence(cx);
        Ok(())
    }

    fn compare_and_swap(cx: &mut Cx, inst: Inst, swap: bool) {
        let data = &cx.f.insts[inst];
        let expected = put_as_stored(cx, Value(data.b), swap);
        let new = put_as_stored(cx, Value(data.c), swap);
        let d = cx.def(inst);
        let raw = raw_result(cx, d, swap);
        let size = exact_size(data.ty);
        if data.ty.bits() >= 32 {
            let amode = access_as(cx, &BASED, data);
            rows::cs(cx, size, raw, expected, new, amode);
        } else {
            rule!(cx, "atomic_cas.narrow");
            let (around, trap) = around(cx, data);
            let compared = cx.tmp(RegClass::Int);
            extend_register(cx, compared, expected, data.ty, false);
            let [old, next] = [(); 2].map(|()| cx.tmp(RegClass::Int));
            let step = Step { op: AtomicRmwOp::Xchg, size, swap: false }.pack();
            let Around { address, right, back } = around;
            rows::cas_narrow(cx, raw, old, next, compared, new, address, right, back, step, trap);
        }
        finish(cx, d, raw, data.ty, swap);
    }

    fn read_modify_write(cx: &mut Cx, inst: Inst, swap: bool) {
        let data = &cx.f.insts[inst];
        let op = AtomicRmwOp::from_code(data.c as u16);
        let d = cx.def(inst);
        let size = exact_size(data.ty);
        // Bitwise operations can be done on swapped bytes; for the others, the loop swaps.
        let swaps_inside = swap && !is_bitwise(op);
        let raw = raw_result(cx, d, swap);
        let step = Step { op, size, swap: swaps_inside }.pack();
        if data.ty.bits() < 32 {
            rule!(cx, "atomic_rmw.narrow");
            let operand = narrow_operand(cx, Value(data.b), op, swap && !swaps_inside);
            let (Around { address, right, back }, trap) = around(cx, data);
            let new = cx.tmp(RegClass::Int);
            rows::rmw_narrow(cx, raw, new, operand, address, right, back, step, trap);
        } else if !swaps_inside && is_interlocked(op) {
            let mut operand = put_as_stored(cx, Value(data.b), swap);
            if op == AtomicRmwOp::Sub {
                let negated = cx.tmp(RegClass::Int);
                rows::lc_rr(cx, size, negated, operand);
                operand = negated;
            }
            let amode = access_as(cx, &BASED, data);
            interlocked(cx, op, size, raw, operand, amode);
        } else {
            rule!(cx, "atomic_rmw.loop");
            let operand = put_as_stored(cx, Value(data.b), swap && !swaps_inside);
            let (address, trap) = plain_address(cx, data);
            let new = cx.tmp(RegClass::Int);
            rows::rmw_word(cx, raw, new, operand, address, step, trap);
        }
        finish(cx, d, raw, data.ty, swap);
    }

    fn load_wide(cx: &mut Cx, data: &InstData, d: Halves) {
        let amode = access_as(cx, &INDEXED, data);
        rows::lpq(cx, d.0, d.1, amode);
    }

    fn store_wide(cx: &mut Cx, data: &InstData, swap: bool) {
        let (first, second) = put_halves_as_stored(cx, Value(data.a), swap);
        let amode = access_as(cx, &INDEXED, data);
        rows::stpq(cx, first, second, amode);
        rows::fence(cx);
    }

    fn compare_and_swap_wide(cx: &mut Cx, data: &InstData, d: Halves, expected: Halves, new: Halves) {
        let amode = access_as(cx, &BASED, data);
        rows::cdsg(cx, d.0, d.1, expected.0, expected.1, new.0, new.1, amode);
    }

    fn read_modify_write_wide(cx: &mut Cx, data: &InstData, d: Halves, operand: (VReg, VReg), step: Step) {
        let (low, high) = operand;
        let (address, trap) = plain_address(cx, data);
        let [new_first, new_second] = [(); 2].map(|()| cx.tmp(RegClass::Int));
        rows::rmw_wide(cx, d.0, d.1, new_first, new_second, high, low, address, step.pack(), trap);
    }
}

/// The word around a byte or halfword: its address, and the amounts that rotate the byte or halfword to its
/// right end and back.
struct Around {
    address: VReg,
    right: VReg,
    back: VReg,
}

/// Computes the word around a byte or halfword; returns that and the trap code.
fn around(cx: &mut Cx, data: &InstData) -> (Around, u8) {
    let (address, trap) = plain_address(cx, data);
    let [aligned, bits, right, back] = [(); 4].map(|()| cx.tmp(RegClass::Int));
    rows::risbg_rz(cx, aligned, address, 0, 61 + ZERO_OTHERS, 0);
    rows::sll_rri(cx, L32, bits, address, 3);
    // Amounts count modulo 32, so their upper bits do not matter.
    rows::ahi_rri(cx, L32, right, bits, data.ty.bits() as i32);
    rows::lc_rr(cx, L32, back, right);
    (Around { address: aligned, right, back }, trap)
}

/// Computes the address of an access in a register; returns that and the trap code.
fn plain_address(cx: &mut Cx, data: &InstData) -> (VReg, u8) {
    let amode = access_as(cx, &BASED, data);
    let trap = trap_of(&cx.mem_flags(data));
    if let Amode { base: Some(base), disp: 0, .. } = amode {
        return (base, trap);
    }
    let address = cx.tmp(RegClass::Int);
    rows::la(cx, address, amode);
    (address, trap)
}

/// Pushes an operation that combines memory with a register and loads the old value. There is an instruction
/// for it.
fn interlocked(cx: &mut Cx, op: AtomicRmwOp, size: OperandSize, d: VReg, operand: VReg, amode: Amode) {
    match op {
        AtomicRmwOp::And => rows::lan(cx, size, d, operand, amode),
        AtomicRmwOp::Or => rows::lao(cx, size, d, operand, amode),
        AtomicRmwOp::Xor => rows::lax(cx, size, d, operand, amode),
        AtomicRmwOp::Add | AtomicRmwOp::Sub => rows::laa(cx, size, d, operand, amode),
        other => unexpected(other),
    }
}

/// Whether an operation is one instruction.
fn is_interlocked(op: AtomicRmwOp) -> bool {
    use AtomicRmwOp::*;
    matches!(op, Add | Sub | And | Or | Xor)
}

/// Asks for the operand of an operation on a byte or halfword, extended as the loop compares.
fn narrow_operand(cx: &mut Cx, value: Value, op: AtomicRmwOp, swap: bool) -> VReg {
    match op {
        AtomicRmwOp::Smin | AtomicRmwOp::Smax => put_extended_to_32(cx, value, true),
        AtomicRmwOp::Umin | AtomicRmwOp::Umax => put_extended_to_32(cx, value, false),
        AtomicRmwOp::Add
        | AtomicRmwOp::Sub
        | AtomicRmwOp::And
        | AtomicRmwOp::Nand
        | AtomicRmwOp::Or
        | AtomicRmwOp::Xor
        | AtomicRmwOp::Xchg => put_as_stored(cx, value, swap),
    }
}
