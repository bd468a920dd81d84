//! Atomic accesses and fences.
//!
//! Every access is sequentially consistent: a plain load is, a store is an exchange. Read-modify-write operations
//! are single instructions where the processor has one whose result is the one asked for, and otherwise
//! a loop around compare-and-exchange, a pseudo-instruction (`atomic_loop`). i128 needs `cmpxchg16b`.

use super::super::X86_64;
use super::super::amode::{Amode, OperandSize};
use super::super::rows;
use super::bits::swap_bytes;
use super::mem;
use super::operands::*;
use crate::ir::*;
use crate::lower::atomic::*;
use crate::lower::context::Unsupported;
use crate::lower::wide::{self, Pair};
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

const Q: OperandSize = OperandSize::Q64;

/// Lowers an opcode of the family.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    if data.opcode == Opcode::Fence {
        rows::mfence(cx);
        return Ok(());
    }
    let swap = cx.swaps(&cx.mem_flags(&data));
    let ty = match data.opcode {
        Opcode::AtomicStore => cx.ty(Value(data.a)),
        _ => data.ty,
    };
    if ty == types::I128 {
        if !cx.flags.has_cmpxchg16b() {
            return Err(cx.unsupported(
                "atomic accesses of i128 are not supported yet on x86_64 without has_cmpxchg16b",
            ));
        }
        lower_wide(cx, inst, &data, swap);
        return Ok(());
    }
    let swap = swap && ty != types::I8;
    match data.opcode {
        Opcode::AtomicLoad => mem::load(cx, inst)?,
        Opcode::AtomicStore => store(cx, &data, ty, swap),
        Opcode::AtomicCas => compare_and_swap(cx, inst, &data, swap),
        _ => read_modify_write(cx, inst, &data, swap),
    }
    Ok(())
}

impl ByteOrder for X86_64 {
    fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        swap_bytes(cx, d, a, ty);
    }
}

fn store(cx: &mut Cx, data: &InstData, ty: Type, swap: bool) {
    let value = put_as_stored(cx, Value(data.a), swap);
    let amode = access(cx, data);
    let old = cx.tmp(RegClass::Int);
    rows::xchg_mr(cx, exact_size(ty), old, value, amode);
}

fn compare_and_swap(cx: &mut Cx, inst: Inst, data: &InstData, swap: bool) {
    let expected = put_as_stored(cx, Value(data.b), swap);
    let new = put_as_stored(cx, Value(data.c), swap);
    let amode = access(cx, data);
    let d = cx.def(inst);
    let raw = raw_result(cx, d, swap);
    rows::cmpxchg(cx, exact_size(data.ty), raw, expected, new, amode);
    finish(cx, d, raw, data.ty, swap);
}

fn read_modify_write(cx: &mut Cx, inst: Inst, data: &InstData, swap: bool) {
    use AtomicRmwOp::*;
    let op = AtomicRmwOp::from_code(data.c as u16);
    let result = cx.f.first_result(inst);
    let used = cx.is_used(result);
    let size = exact_size(data.ty);
    let arithmetic = !is_bitwise(op);
    // Bitwise operations commute with swapping bytes; for the others the loop swaps.
    let swaps_inside = swap && arithmetic;
    if !used && !swaps_inside && in_place(cx, data, op, swap) {
        return;
    }
    let operand = put_as_stored(cx, Value(data.b), swap && !arithmetic);
    let amode = access(cx, data);
    let d = cx.reg(result);
    let raw = raw_result(cx, d, swap);
    match op {
        Xchg => rows::xchg_mr(cx, size, raw, operand, amode),
        Add if !swap => rows::xadd(cx, size, raw, operand, amode),
        Sub if !swap => {
            let negated = cx.tmp(RegClass::Int);
            rows::neg_r(cx, alu_size(data.ty), negated, operand);
            rows::xadd(cx, size, raw, negated, amode);
        }
        _ => {
            rule!(cx, "atomic_rmw.loop");
            let new = cx.tmp(RegClass::Int);
            let step = Step { op, size, swap: swaps_inside };
            rows::rmw_loop(cx, raw, new, operand, amode, step.pack());
        }
    }
    finish(cx, d, raw, data.ty, swap);
}

/// An operation whose old value nobody asks for, as one locked instruction.
fn in_place(cx: &mut Cx, data: &InstData, op: AtomicRmwOp, swap: bool) -> bool {
    let value = Value(data.b);
    let size = exact_size(data.ty);
    let Some(alu) = locked(op) else { return false };
    rule!(cx, "atomic_rmw.in_place");
    match imm32(cx, value) {
        Some(imm) if !swap => {
            let amode = access(cx, data);
            (alu.mi)(cx, size, amode, imm);
        }
        _ => {
            let operand = put_as_stored(cx, value, swap);
            let amode = access(cx, data);
            (alu.mr)(cx, size, operand, amode);
        }
    }
    true
}

/// The locked instructions of an operation on memory.
struct Locked {
    mr: fn(&mut Cx<'_>, OperandSize, VReg, Amode),
    mi: fn(&mut Cx<'_>, OperandSize, Amode, i32),
}

macro_rules! locked {
    ($mr:ident $mi:ident) => {
        Locked {
            mr: |cx, size, b, m| rows::$mr(cx, size, b, m),
            mi: |cx, size, m, imm| rows::$mi(cx, size, m, imm),
        }
    };
}

fn locked(op: AtomicRmwOp) -> Option<&'static Locked> {
    static ADD: Locked = locked!(lock_add_mr lock_add_mi);
    static SUB: Locked = locked!(lock_sub_mr lock_sub_mi);
    static AND: Locked = locked!(lock_and_mr lock_and_mi);
    static OR: Locked = locked!(lock_or_mr lock_or_mi);
    static XOR: Locked = locked!(lock_xor_mr lock_xor_mi);
    match op {
        AtomicRmwOp::Add => Some(&ADD),
        AtomicRmwOp::Sub => Some(&SUB),
        AtomicRmwOp::And => Some(&AND),
        AtomicRmwOp::Or => Some(&OR),
        AtomicRmwOp::Xor => Some(&XOR),
        _ => None,
    }
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
        Opcode::AtomicLoad => {
            // Exchanges zero for zero, or nothing: either way it gives what is there.
            let zero = cx.constant_register(0);
            let amode = access(cx, data);
            rows::cmpxchg16b(cx, raw.0, raw.1, zero, zero, zero, zero, amode);
        }
        Opcode::AtomicCas => {
            let expected = put_halves_as_stored(cx, Value(data.b), swap);
            let new = put_halves_as_stored(cx, Value(data.c), swap);
            let amode = access(cx, data);
            rows::cmpxchg16b(cx, raw.0, raw.1, expected.0, expected.1, new.0, new.1, amode);
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
    let amode = wide::wide_access(cx, data);
    let new = wide::tmp_pair(cx);
    rows::rmw_wide(cx, old.0, old.1, new.0, new.1, operand.0, operand.1, amode, step.pack());
}
