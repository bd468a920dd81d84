//! Atomic accesses and fences.
//!
//! Every access is sequentially consistent: loads acquire, stores release, and accesses that both read and
//! write do both. A read-modify-write operation is a single instruction if the processor has one (`has_lse`)
//! that gives the result asked for. Otherwise it is a pseudo-instruction, a loop around exclusive accesses
//! (`pseudo::atomic_loop`).

use super::bits::swap_bytes;
use super::inputs::*;
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::ir::*;
use crate::lower::address::access_as;
use crate::lower::atomic::*;
use crate::lower::context::Lowered;
use crate::lower::wide::tmp_pair;
use crate::machine::amode::{AddressForms, Amode};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, exact_size};
use crate::rule;

/// The address forms of atomic accesses: a register alone.
const BARE: AddressForms = AddressForms {
    displacement: |_, _, _| false,
    index: |_, _| false,
    extended_index: false,
    indexed_slot: false,
    sums: false,
    far: |_, _| false,
    symbol: |_| false,
};

impl AtomicLowering for Aarch64 {
    fn fence(cx: &mut Cx) {
        rows::dmb(cx);
    }

    fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        swap_bytes(cx, d, a, ty);
    }

    fn put_stored(cx: &mut Cx, value: Value) -> VReg {
        put_or_zero(cx, value)
    }

    fn load(cx: &mut Cx, inst: Inst, swap: bool) -> Lowered {
        let data = &cx.f.insts[inst];
        let amode = access_as(cx, &BARE, data);
        let d = cx.def(inst);
        let raw = raw_result(cx, d, swap);
        rows::ldar(cx, exact_size(data.ty), raw, amode);
        finish(cx, d, raw, data.ty, swap);
        Ok(())
    }

    fn store(cx: &mut Cx, inst: Inst, swap: bool) -> Lowered {
        let data = &cx.f.insts[inst];
        let value = put_as_stored(cx, Value(data.a), swap);
        let amode = access_as(cx, &BARE, data);
        rows::stlr(cx, exact_size(cx.ty(Value(data.a))), value, amode);
        Ok(())
    }

    fn compare_and_swap(cx: &mut Cx, inst: Inst, swap: bool) {
        let data = &cx.f.insts[inst];
        let expected = put_as_stored(cx, Value(data.b), swap);
        let new = put_as_stored(cx, Value(data.c), swap);
        let amode = access_as(cx, &BARE, data);
        let d = cx.def(inst);
        let size = exact_size(data.ty);
        let raw = raw_result(cx, d, swap);
        if cx.flags.has_lse() {
            let expected = in_register(cx, expected);
            rows::cas(cx, size, raw, expected, new, amode);
        } else {
            rows::cas_loop(cx, raw, expected, new, amode, size as i32);
        }
        finish(cx, d, raw, data.ty, swap);
    }

    fn read_modify_write(cx: &mut Cx, inst: Inst, swap: bool) {
        let data = &cx.f.insts[inst];
        let op = AtomicRmwOp::from_code(data.c as u16);
        let size = exact_size(data.ty);
        // Bitwise operations can be done on swapped bytes; for the others, the loop swaps.
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

    /// Writes back the value that it reads. Otherwise, the halves might have been read at different times.
    fn load_wide(cx: &mut Cx, data: &InstData, d: Halves) {
        let step = Step { op: AtomicRmwOp::Or, size: Q64, swap: false };
        Self::read_modify_write_wide(cx, data, d, (ZERO, ZERO), step);
    }

    fn store_wide(cx: &mut Cx, data: &InstData, swap: bool) {
        let value = cx.put_pair(Value(data.a));
        let old = tmp_pair(cx);
        Self::read_modify_write_wide(cx, data, old, value, Step { op: AtomicRmwOp::Xchg, size: Q64, swap });
    }

    fn compare_and_swap_wide(cx: &mut Cx, data: &InstData, d: Halves, expected: Halves, new: Halves) {
        let amode = access_as(cx, &BARE, data);
        if cx.flags.has_lse() {
            rows::casp(cx, d.0, d.1, expected.0, expected.1, new.0, new.1, amode);
            return;
        }
        let stored = tmp_pair(cx);
        rows::cas_wide(cx, d.0, d.1, stored.0, stored.1, expected.0, expected.1, new.0, new.1, amode);
    }

    fn read_modify_write_wide(cx: &mut Cx, data: &InstData, d: Halves, operand: (VReg, VReg), step: Step) {
        rule!(cx, "atomic_rmw.loop_wide");
        let amode = access_as(cx, &BARE, data);
        let new = tmp_pair(cx);
        rows::rmw_wide(cx, d.0, d.1, new.0, new.1, operand.0, operand.1, amode, step.pack());
    }
}

/// Copies a register that cannot be allocated, because the operand is tied to a result.
fn in_register(cx: &mut Cx, register: VReg) -> VReg {
    if register != ZERO {
        return register;
    }
    let zero = cx.tmp(RegClass::Int);
    rows::movz(cx, L32, zero, 0, 0);
    zero
}

/// Pushes an operation as one instruction. Returns whether there is one.
fn single(cx: &mut Cx, op: AtomicRmwOp, size: OperandSize, d: VReg, operand: VReg, m: Amode) -> bool {
    use AtomicRmwOp::*;
    let whole = size.max(L32);
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
