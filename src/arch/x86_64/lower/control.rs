//! Branches, returns and access to the frame: the instructions from which [`crate::lower::control`] composes
//! them.

use super::compare::Test;
use super::inputs::*;
use super::tls;
use crate::arch::x86_64::{X86_64, regs, rows};
use crate::ir::*;
use crate::lower::compare::{Complement, FlagTest};
use crate::lower::condition::condition;
use crate::lower::context::Lowered;
use crate::lower::control::{ControlLowering, ControlRows, ThreadLocal};
use crate::machine::inst::Label;
use crate::machine::reg::{PReg, RegClass, VBlock, VReg};
use crate::machine::size::L32;
use crate::rule;

impl ControlLowering for X86_64 {
    const CONTROL_ROWS: ControlRows = ControlRows {
        jump_table: rows::BR_TABLE,
        stack_pointer: rows::GET_SP,
        frame_pointer: rows::GET_FP,
        return_address: rows::GET_RA,
        pinned: rows::GET_PINNED,
        set_pinned: rows::SET_PINNED,
        label_address: rows::HANDLER_ADDRESS,
        debug_trap: rows::INT3,
    };

    fn branch_on(cx: &mut Cx, value: Value, may_fold: bool, successors: &[VBlock]) {
        let test = condition(cx, value, may_fold);
        branch(cx, test, Label::of(successors[0]), Label::of(successors[1]));
    }

    const TABLE_TEMPORARIES: usize = 2;

    fn table_index(cx: &mut Cx, index: Value) -> VReg {
        let source = cx.put(index);
        if cx.zero_extends(index) {
            return source;
        }
        let extended = cx.tmp(RegClass::Int);
        rows::mov_rm(cx, L32, extended, source);
        extended
    }

    fn trap(cx: &mut Cx, code: TrapCode) {
        rows::ud2(cx, code.0);
    }

    const SWITCH_PAYLOAD: PReg = regs::RDI;

    fn switch_stacks(cx: &mut Cx, clobbers: u32, d: VReg, [from, to, payload]: [VReg; 3]) {
        rows::stack_switch(cx, clobbers, d, from, to, payload, &[]);
    }

    fn tls_address(cx: &mut Cx, d: VReg, symbol: &ThreadLocal) -> Lowered {
        tls::address(cx, d, symbol)
    }
}

/// Pushes a branch to `then` if a test holds, else to `other`.
fn branch(cx: &mut Cx, test: Test, then: Label, other: Label) {
    match test {
        FlagTest::One(cond) => {
            rule!(cx, "branch.one");
            rows::br_cc(cx, cond, then, other);
        }
        FlagTest::Either(a, b) => {
            rule!(cx, "branch.either");
            rows::br_either(cx, a, b as i32, then, other);
        }
        FlagTest::Both(a, b) => {
            rule!(cx, "branch.both");
            rows::br_either(cx, a.complement(), b.complement() as i32, other, then);
        }
    }
}
