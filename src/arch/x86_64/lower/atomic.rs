//! Atomic accesses and fences.
//!
//! Every access is sequentially consistent: a load is so by itself, and a store is an exchange. A
//! read-modify-write operation is a single instruction if there is one that gives the result asked for.
//! Otherwise it is a pseudo-instruction, a loop around compare-and-exchange (`pseudo::atomic_loop`). Without
//! `cmpxchg16b`, accesses of i128 are calls of libatomic's routines, as C's compilers make them.

use super::bits::swap_bytes;
use super::inputs::*;
use super::mem;
use crate::arch::x86_64::regs::{RAX, RDX};
use crate::arch::x86_64::{X86_64, rows};
use crate::ir::*;
use crate::lower::address::access;
use crate::lower::atomic::*;
use crate::lower::call::{libcall, system_convention};
use crate::lower::context::Lowered;
use crate::lower::vocabulary::MemoryAccess;
use crate::lower::wide::{tmp_pair, wide_access};
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, Q64, alu_size, exact_size};
use crate::machine::symbol::LibCall;
use crate::rule;

impl AtomicLowering for X86_64 {
    fn fence(cx: &mut Cx) {
        rows::mfence(cx);
    }

    fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        swap_bytes(cx, d, a, ty);
    }

    fn load(cx: &mut Cx, inst: Inst, _: bool) -> Lowered {
        mem::load(cx, inst)
    }

    fn store(cx: &mut Cx, inst: Inst, swap: bool) -> Lowered {
        let data = cx.f.insts[inst];
        let ty = cx.ty(Value(data.a));
        let value = put_as_stored(cx, Value(data.a), swap);
        let amode = access(cx, &data);
        let old = cx.tmp(RegClass::Int);
        rows::xchg_mr(cx, exact_size(ty), old, value, amode);
        Ok(())
    }

    fn compare_and_swap(cx: &mut Cx, inst: Inst, swap: bool) {
        let data = cx.f.insts[inst];
        let expected = put_as_stored(cx, Value(data.b), swap);
        let new = put_as_stored(cx, Value(data.c), swap);
        let amode = access(cx, &data);
        let d = cx.def(inst);
        let raw = raw_result(cx, d, swap);
        rows::cmpxchg(cx, exact_size(data.ty), raw, expected, new, amode);
        finish(cx, d, raw, data.ty, swap);
    }

    fn read_modify_write(cx: &mut Cx, inst: Inst, swap: bool) {
        use AtomicRmwOp::*;
        let data = cx.f.insts[inst];
        let op = AtomicRmwOp::from_code(data.c as u16);
        let result = cx.f.first_result(inst);
        let used = cx.is_used(result);
        let size = exact_size(data.ty);
        let arithmetic = !is_bitwise(op);
        // Bitwise operations can be done on swapped bytes; for the others, the loop swaps.
        let swaps_inside = swap && arithmetic;
        if !used && !swaps_inside && in_place(cx, &data, op, swap) {
            return;
        }
        let operand = put_as_stored(cx, Value(data.b), swap && !arithmetic);
        let amode = access(cx, &data);
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
            Add | Sub | And | Nand | Or | Xor | Umin | Umax | Smin | Smax => {
                rule!(cx, "atomic_rmw.loop");
                let new = cx.tmp(RegClass::Int);
                let step = Step { op, size, swap: swaps_inside };
                rows::rmw_loop(cx, raw, new, operand, amode, step.pack());
            }
        }
        finish(cx, d, raw, data.ty, swap);
    }

    /// Exchanges zero for zero, or nothing. Either way it gives the value in memory.
    fn load_wide(cx: &mut Cx, data: &InstData, d: Halves) {
        if !cx.flags.has_cmpxchg16b() {
            return routine(cx, LibCall::AtomicLoad16, data, &[], &[d.0, d.1]);
        }
        let zero = cx.constant_register(0);
        let amode = access(cx, data);
        rows::cmpxchg16b(cx, d.0, d.1, zero, zero, zero, zero, amode);
    }

    fn store_wide(cx: &mut Cx, data: &InstData, swap: bool) {
        if !cx.flags.has_cmpxchg16b() {
            let (first, second) = put_halves_as_stored(cx, Value(data.a), swap);
            return routine(cx, LibCall::AtomicStore16, data, &[first, second], &[]);
        }
        let value = cx.put_pair(Value(data.a));
        let old = tmp_pair(cx);
        Self::read_modify_write_wide(cx, data, old, value, Step { op: AtomicRmwOp::Xchg, size: Q64, swap });
    }

    fn compare_and_swap_wide(cx: &mut Cx, data: &InstData, d: Halves, expected: Halves, new: Halves) {
        if !cx.flags.has_cmpxchg16b() {
            return compare_and_swap_by_routine(cx, data, d, expected, new);
        }
        let amode = access(cx, data);
        rows::cmpxchg16b(cx, d.0, d.1, expected.0, expected.1, new.0, new.1, amode);
    }

    fn read_modify_write_wide(cx: &mut Cx, data: &InstData, d: Halves, operand: (VReg, VReg), step: Step) {
        if !cx.flags.has_cmpxchg16b() {
            return read_modify_write_by_routine(cx, data, d, operand, step);
        }
        rule!(cx, "atomic_rmw.loop_wide");
        let amode = wide_access(cx, data);
        let new = tmp_pair(cx);
        rows::rmw_wide(cx, d.0, d.1, new.0, new.1, operand.0, operand.1, amode, step.pack());
    }
}

/// The address of an access, for a routine, which reports no trap.
fn address_for_routine(cx: &mut Cx, data: &InstData) -> VReg {
    let amode = access(cx, data).with_trap(0);
    let address = cx.tmp(RegClass::Int);
    X86_64::make_address(cx, address, amode);
    address
}

/// Calls a routine of libatomic with the address, more arguments, and the memory order.
fn routine(cx: &mut Cx, routine: LibCall, data: &InstData, args: &[VReg], results: &[VReg]) {
    rule!(cx, "atomic.routine");
    let mut all = vec![address_for_routine(cx, data)];
    all.extend(args);
    all.push(cx.constant_register(SEQUENTIALLY_CONSISTENT as u64));
    libcall(cx, routine, &all, results);
}

/// The 16 bytes of the frame through which a routine takes the expected value and returns the old one.
fn expected_place(cx: &mut Cx) -> Amode {
    let reserved = system_convention::<X86_64>().reserved;
    cx.outgoing = cx.outgoing.max(reserved + 16);
    Amode::at(Place::Outgoing, reserved as i32)
}

/// Lowers `atomic_cas` of i128 to a call.
fn compare_and_swap_by_routine(cx: &mut Cx, data: &InstData, d: Halves, expected: Halves, new: Halves) {
    let place = expected_place(cx);
    let [by_reference, succeeded] = [(); 2].map(|()| cx.tmp(RegClass::Int));
    let address = address_for_routine(cx, data);
    rows::mov_mr(cx, Q64, expected.0, place);
    rows::mov_mr(cx, Q64, expected.1, place.upper());
    X86_64::make_address(cx, by_reference, place);
    let order = cx.constant_register(SEQUENTIALLY_CONSISTENT as u64);
    let args = [address, by_reference, new.0, new.1, order, order];
    libcall(cx, LibCall::AtomicCompareExchange16, &args, &[succeeded]);
    // Whether it succeeded or not, the place has the old value now.
    rows::mov_rm(cx, Q64, d.0, place);
    rows::mov_rm(cx, Q64, d.1, place.upper());
}

/// Lowers `atomic_rmw` of i128 to a call, or to a loop around one.
fn read_modify_write_by_routine(cx: &mut Cx, data: &InstData, d: Halves, operand: (VReg, VReg), step: Step) {
    use AtomicRmwOp::*;
    let call = match step.op {
        Xchg => Some(LibCall::AtomicExchange16),
        And => Some(LibCall::AtomicFetchAnd16),
        Or => Some(LibCall::AtomicFetchOr16),
        Xor => Some(LibCall::AtomicFetchXor16),
        Nand => Some(LibCall::AtomicFetchNand16),
        Add => Some(LibCall::AtomicFetchAdd16),
        Sub => Some(LibCall::AtomicFetchSub16),
        Umin | Umax | Smin | Smax => None,
    };
    if let Some(call) = call.filter(|_| !step.swap || is_bitwise(step.op)) {
        let operand = halves_as_stored(cx, operand, step.swap);
        return routine(cx, call, data, &[operand.0, operand.1], &[d.0, d.1]);
    }
    rule!(cx, "atomic_rmw.routine_loop");
    let (place, expected) = (expected_place(cx), cx.tmp(RegClass::Int));
    let address = address_for_routine(cx, data);
    X86_64::make_address(cx, expected, place);
    cx.calls = true;
    let mut clobbered = system_convention::<X86_64>().clobbered(cx.vcode.float_width());
    clobbered.all.remove(RAX);
    clobbered.all.remove(RDX);
    let clobbers = cx.vcode.clobber_set(clobbered);
    let (low, high) = operand;
    rows::rmw_call(cx, clobbers, d.0, d.1, address, low, high, expected, step.pack(), &[]);
}

/// Lowers an operation whose old value is not used to one locked instruction. Returns whether there is one.
fn in_place(cx: &mut Cx, data: &InstData, op: AtomicRmwOp, swap: bool) -> bool {
    let value = Value(data.b);
    let size = exact_size(data.ty);
    let Some(alu) = locked(op) else { return false };
    rule!(cx, "atomic_rmw.in_place");
    match cx.imm32(value) {
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

/// The locked instructions for an operation on memory.
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

/// The locked instructions for an operation, if there are any.
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
