//! Atomic accesses and fences.
//!
//! Every access is sequentially consistent: a plain load is, a store is followed by a serialization. Read-modify-write
//! operations are single instructions where there is one, and otherwise a loop around compare-and-swap, a
//! pseudo-instruction (`atomic_loop`).

use super::super::{S390x, rows};
use super::bits::swap_bytes;
use super::mem;
use super::operands::*;
use crate::ir::*;
use crate::lower::address::{access_as, trap_of};
use crate::lower::atomic::*;
use crate::lower::context::Unsupported;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// Lowers an opcode of the family.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    if data.opcode == Opcode::Fence {
        rows::fence(cx);
        return Ok(());
    }
    let swap = cx.swaps(&cx.mem_flags(&data));
    let ty = match data.opcode {
        Opcode::AtomicStore => cx.ty(Value(data.a)),
        _ => data.ty,
    };
    if ty == types::I128 {
        lower_wide(cx, inst, &data, swap);
        return Ok(());
    }
    let swap = swap && ty != types::I8;
    match data.opcode {
        Opcode::AtomicLoad => mem::load(cx, inst)?,
        Opcode::AtomicStore => {
            mem::store(cx, inst)?;
            rows::fence(cx);
        }
        Opcode::AtomicCas => compare_and_swap(cx, inst, &data, swap),
        _ => read_modify_write(cx, inst, &data, swap),
    }
    Ok(())
}

impl ByteOrder for S390x {
    fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        swap_bytes(cx, d, a, ty);
    }
}

/// The word around a byte or halfword: its address, and the amounts that rotate it so that they come to its right end, and
/// back.
struct Around {
    address: VReg,
    right: VReg,
    back: VReg,
}

fn around(cx: &mut Cx, data: &InstData) -> (Around, u8) {
    let (address, trap) = plain_address(cx, data);
    let [aligned, bits, right, back] = [(); 4].map(|()| cx.tmp(RegClass::Int));
    rows::risbg_rz(cx, aligned, address, 0, 61 + ZERO_OTHERS, 0);
    rows::sll_rri(cx, W, bits, address, 3);
    // The amounts count modulo 32; further bits of them are of no account.
    rows::ahi_rri(cx, W, right, bits, data.ty.bits() as i32);
    rows::lc_rr(cx, W, back, right);
    (Around { address: aligned, right, back }, trap)
}

/// The address of an access in a register, and its trap code.
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

fn compare_and_swap(cx: &mut Cx, inst: Inst, data: &InstData, swap: bool) {
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

/// Combines memory with a register and loads what was there, if there is an instruction for it.
fn interlocked(cx: &mut Cx, op: AtomicRmwOp, size: OperandSize, d: VReg, operand: VReg, amode: Amode) {
    match op {
        AtomicRmwOp::And => rows::lan(cx, size, d, operand, amode),
        AtomicRmwOp::Or => rows::lao(cx, size, d, operand, amode),
        AtomicRmwOp::Xor => rows::lax(cx, size, d, operand, amode),
        _ => rows::laa(cx, size, d, operand, amode),
    }
}

fn is_interlocked(op: AtomicRmwOp) -> bool {
    use AtomicRmwOp::*;
    matches!(op, Add | Sub | And | Or | Xor)
}

fn read_modify_write(cx: &mut Cx, inst: Inst, data: &InstData, swap: bool) {
    let op = AtomicRmwOp::from_code(data.c as u16);
    let d = cx.def(inst);
    let size = exact_size(data.ty);
    // Bitwise operations commute with swapping bytes; for the others the loop swaps.
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

/// The operand of a byte or halfword: extended as the loop compares.
fn narrow_operand(cx: &mut Cx, value: Value, op: AtomicRmwOp, swap: bool) -> VReg {
    match op {
        AtomicRmwOp::Smin | AtomicRmwOp::Smax => put_extended(cx, value, true),
        AtomicRmwOp::Umin | AtomicRmwOp::Umax => put_extended(cx, value, false),
        _ => put_as_stored(cx, value, swap),
    }
}

fn lower_wide(cx: &mut Cx, inst: Inst, data: &InstData, swap: bool) {
    if data.opcode == Opcode::AtomicStore {
        let (first, second) = put_halves_as_stored(cx, Value(data.a), swap);
        let amode = access_as(cx, &INDEXED, data);
        rows::stpq(cx, first, second, amode);
        rows::fence(cx);
        return;
    }
    let (first, second) = raw_halves(cx, inst, swap);
    match data.opcode {
        Opcode::AtomicLoad => {
            let amode = access_as(cx, &INDEXED, data);
            rows::lpq(cx, first, second, amode);
        }
        Opcode::AtomicCas => {
            let expected = put_halves_as_stored(cx, Value(data.b), swap);
            let new = put_halves_as_stored(cx, Value(data.c), swap);
            let amode = access_as(cx, &BASED, data);
            rows::cdsg(cx, first, second, expected.0, expected.1, new.0, new.1, amode);
        }
        _ => {
            let op = AtomicRmwOp::from_code(data.c as u16);
            let (operand_low, operand_high) = cx.put_pair(Value(data.b));
            let (address, trap) = plain_address(cx, data);
            let step = Step { op, size: G, swap }.pack();
            let [new_first, new_second] = [(); 2].map(|()| cx.tmp(RegClass::Int));
            rows::rmw_wide(
                cx,
                first,
                second,
                new_first,
                new_second,
                operand_high,
                operand_low,
                address,
                step,
                trap,
            );
        }
    }
    finish_halves(cx, inst, (first, second), swap);
}
