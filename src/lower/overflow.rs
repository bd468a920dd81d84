//! Arithmetic that also says whether it overflowed.
//!
//! If only the next instruction uses that flag, the arithmetic is pushed right before that instruction, which
//! then tests the processor's flags. This turns a chain of additions with carry into a chain of
//! add-with-carry instructions.

use super::compare::Comparisons;
use super::context::{Lower, Lowered};
use crate::ir::*;
use crate::rule;

/// How a target computes with carry and overflow.
pub trait OverflowLowering: Comparisons {
    /// Pushes the arithmetic of `inst` and returns the test whether it overflowed. Up to `chain` operations
    /// whose carry it takes may be pushed with it.
    fn overflowing(cx: &mut Lower<'_, Self>, inst: Inst, chain: u32) -> Self::Test;
}

/// Limit on the number of operations that are pushed together, each taking the carry of the one before.
const CHAIN: u32 = 16;

/// Lowers arithmetic whose second result says whether it overflowed, and `uadd_overflow_trap`.
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

/// Pushes `inst` right before the instruction being lowered, which then tests the flags that it sets. It must
/// come right before that instruction, and its overflow must be `flag`, which nothing else uses.
pub fn fuse<I: OverflowLowering>(cx: &mut Lower<'_, I>, inst: Inst, flag: Value) -> Option<I::Test> {
    fuse_before(cx, inst, flag, cx.current(), CHAIN)
}

/// Pushes `inst` right before `next`, an instruction that is being pushed; see [`fuse`].
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
