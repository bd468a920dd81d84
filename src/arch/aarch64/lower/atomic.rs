//! Atomic accesses and fences.
//!
//! Every access is sequentially consistent: loads acquire, stores release, and what reads and writes does both.
//! Read-modify-write operations are single instructions where the processor has them (`has_lse`) and one gives the result
//! that is asked for; otherwise they are loops around exclusive accesses, pseudo-instructions (`atomic_loop`).

use super::super::Aarch64;
use super::super::operands::{Amode, OperandSize};
use super::super::regs::ZERO;
use super::super::rows;
use super::mem::swap_bytes;
use super::operands::*;
use crate::ir::*;
use crate::lower::address::{access_as, memory_type};
use crate::lower::atomic::*;
use crate::lower::context::Unsupported;
use crate::lower::wide::{self, Pair};
use crate::machine::amode::AddressForms;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// Atomic accesses have their address in a register.
const BARE: AddressForms = AddressForms {
    displacement: |_, _, _| false,
    index: |_, _| false,
    extended_index: false,
    indexed_slot: false,
    sums: false,
    far: |_, _| false,
    symbol: |_| false,
};

/// Lowers an opcode of the family.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    if data.opcode == Opcode::Fence {
        rows::dmb(cx);
        return Ok(());
    }
    let swap = cx.swaps(&cx.mem_flags(&data));
    let ty = memory_type(cx.f, &data);
    if ty == types::I128 {
        lower_wide(cx, inst, &data, swap);
        return Ok(());
    }
    let swap = swap && ty != types::I8;
    match data.opcode {
        Opcode::AtomicLoad => {
            let amode = access_as(cx, &BARE, &data);
            let d = cx.def(inst);
            let raw = raw_result(cx, d, swap);
            rows::ldar(cx, size_of(ty), raw, amode);
            finish(cx, d, raw, ty, swap);
        }
        Opcode::AtomicStore => {
            let value = put_as_stored(cx, Value(data.a), swap);
            let amode = access_as(cx, &BARE, &data);
            rows::stlr(cx, size_of(ty), value, amode);
        }
        Opcode::AtomicCas => compare_and_swap(cx, inst, &data, swap),
        _ => read_modify_write(cx, inst, &data, swap),
    }
    Ok(())
}

fn size_of(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.bits())
}

impl ByteOrder for Aarch64 {
    fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        swap_bytes(cx, d, a, ty);
    }

    fn put_stored(cx: &mut Cx, value: Value) -> VReg {
        put(cx, value)
    }
}

fn compare_and_swap(cx: &mut Cx, inst: Inst, data: &InstData, swap: bool) {
    let expected = put_as_stored(cx, Value(data.b), swap);
    let new = put_as_stored(cx, Value(data.c), swap);
    let amode = access_as(cx, &BARE, data);
    let d = cx.def(inst);
    let size = size_of(data.ty);
    let raw = raw_result(cx, d, swap);
    if cx.flags.has_lse() {
        let expected = in_register(cx, expected);
        rows::cas(cx, size, raw, expected, new, amode);
    } else {
        rows::cas_loop(cx, raw, expected, new, amode, size as i32);
    }
    finish(cx, d, raw, data.ty, swap);
}

/// What is tied to a result is no constant register.
fn in_register(cx: &mut Cx, register: VReg) -> VReg {
    if register != ZERO {
        return register;
    }
    let zero = cx.tmp(RegClass::Int);
    rows::movz(cx, L, zero, 0, 0);
    zero
}

fn read_modify_write(cx: &mut Cx, inst: Inst, data: &InstData, swap: bool) {
    let op = AtomicRmwOp::from_code(data.c as u16);
    let size = size_of(data.ty);
    // Bitwise operations commute with swapping bytes; for the others the loop swaps.
    let swaps_inside = swap && !is_bitwise(op);
    let operand = put_as_stored(cx, Value(data.b), swap && !swaps_inside);
    let amode = access_as(cx, &BARE, data);
    let d = cx.def(inst);
    let raw = raw_result(cx, d, swap);
    if !cx.flags.has_lse() || swaps_inside || !single(cx, op, size, raw, operand, amode) {
        rule!(cx, "atomic_rmw.loop");
        let new = cx.tmp(RegClass::Int);
        let step = Step { op, size, swap: swaps_inside };
        rows::rmw_loop(cx, raw, new, operand, amode, step.pack());
    }
    finish(cx, d, raw, data.ty, swap);
}

/// An operation as one instruction, if there is one.
fn single(cx: &mut Cx, op: AtomicRmwOp, size: OperandSize, d: VReg, operand: VReg, m: Amode) -> bool {
    use AtomicRmwOp::*;
    let whole = size.max(L);
    match op {
        Add => rows::ldadd(cx, size, d, operand, m),
        Sub => {
            let negated = cx.tmp(RegClass::Int);
            NEG.unary(cx, whole, negated, operand);
            rows::ldadd(cx, size, d, negated, m);
        }
        And => {
            let inverted = cx.tmp(RegClass::Int);
            MVN.unary(cx, whole, inverted, operand);
            rows::ldclr(cx, size, d, inverted, m);
        }
        Or => rows::ldset(cx, size, d, operand, m),
        Xor => rows::ldeor(cx, size, d, operand, m),
        Xchg => rows::swp(cx, size, d, operand, m),
        Umin => rows::ldumin(cx, size, d, operand, m),
        Umax => rows::ldumax(cx, size, d, operand, m),
        Smin => rows::ldsmin(cx, size, d, operand, m),
        Smax => rows::ldsmax(cx, size, d, operand, m),
        Nand => return false,
    }
    rule!(cx, "atomic_rmw.single");
    true
}

fn lower_wide(cx: &mut Cx, inst: Inst, data: &InstData, swap: bool) {
    if data.opcode == Opcode::AtomicStore {
        let value = cx.put_pair(Value(data.a));
        let old = wide::tmp_pair(cx);
        loop_wide(cx, old, value, data, Step { op: AtomicRmwOp::Xchg, size: Q, swap });
        return;
    }
    let raw = raw_halves(cx, inst, swap);
    match data.opcode {
        // What is read is written back, without which the halves may be of different times.
        Opcode::AtomicLoad => {
            let step = Step { op: AtomicRmwOp::Or, size: Q, swap: false };
            loop_wide(cx, raw, (ZERO, ZERO), data, step);
        }
        Opcode::AtomicCas => {
            let expected = put_halves_as_stored(cx, Value(data.b), swap);
            let new = put_halves_as_stored(cx, Value(data.c), swap);
            let amode = access_as(cx, &BARE, data);
            if cx.flags.has_lse() {
                rows::casp(cx, raw.0, raw.1, expected.0, expected.1, new.0, new.1, amode);
            } else {
                let stored = wide::tmp_pair(cx);
                rows::cas_wide(
                    cx, raw.0, raw.1, stored.0, stored.1, expected.0, expected.1, new.0, new.1, amode,
                );
            }
        }
        _ => {
            let operand = cx.put_pair(Value(data.b));
            let op = AtomicRmwOp::from_code(data.c as u16);
            loop_wide(cx, raw, operand, data, Step { op, size: Q, swap });
        }
    }
    finish_halves(cx, inst, raw, swap);
}

fn loop_wide(cx: &mut Cx, old: Pair, operand: Pair, data: &InstData, step: Step) {
    rule!(cx, "atomic_rmw.loop_wide");
    let amode = access_as(cx, &BARE, data);
    let new = wide::tmp_pair(cx);
    rows::rmw_wide(cx, old.0, old.1, new.0, new.1, operand.0, operand.1, amode, step.pack());
}
