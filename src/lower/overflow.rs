//! Arithmetic that also says whether it overflowed.
//!
//! Where the flag is all that the next instruction needs of it, the arithmetic is pushed right before that instruction, which
//! tests the processor's flags; a chain of additions with carry becomes a chain of instructions that way.

use super::compare::Comparisons;
use super::context::{Lower, Lowered};
use crate::ir::*;
use crate::rule;

/// How a target computes with carry and overflow.
pub trait OverflowLowering: Comparisons {
    /// Pushes the arithmetic of such an opcode; gives the test that says that it overflowed. Up to `chain` operations whose
    /// carry it takes may be pushed with it.
    fn overflowing(cx: &mut Lower<'_, Self>, inst: Inst, chain: u32) -> Self::Test;
}

/// How many operations, each taking the carry of the one before, are pushed together.
const CHAIN: u32 = 16;

/// Lowers an opcode that gives a result and whether it overflowed, and uadd_overflow_trap.
pub fn lower<I: OverflowLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let test = I::overflowing(cx, inst, CHAIN);
    if data.opcode == Opcode::UaddOverflowTrap {
        I::trap_on(cx, test, data.trap_code());
        return Ok(());
    }
    let flag = Value(cx.f.inst_results(inst)[1]);
    if cx.is_used(flag) {
        let d = cx.reg(flag);
        I::set(cx, d, test);
    }
    Ok(())
}

/// If `inst` comes right before the instruction being lowered and `flag`, used by nothing else, is whether it overflowed:
/// lowers it here, where its flags are still set for the instruction.
pub fn fuse<I: OverflowLowering>(cx: &mut Lower<'_, I>, inst: Inst, flag: Value) -> Option<I::Test> {
    fuse_before(cx, inst, flag, cx.current(), CHAIN)
}

/// The same before `next`, an instruction that is being pushed.
pub fn fuse_before<I: OverflowLowering>(
    cx: &mut Lower<'_, I>,
    inst: Inst,
    flag: Value,
    next: Inst,
    chain: u32,
) -> Option<I::Test> {
    let [result, second] = cx.f.inst_results(inst) else { return None };
    if *second != flag.0
        || cx.wants_zeros(Value(*result))
        || !cx.f.insts[inst].opcode.gives_overflow()
        || inst.0 + 1 != next.0
    {
        return None;
    }
    rule!(cx, "overflow.fused");
    cx.sink(inst);
    Some(I::overflowing(cx, inst, chain))
}
