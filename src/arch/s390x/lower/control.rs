//! Branches, returns and access to the frame: the instructions from which [`crate::lower::control`] composes
//! them.

use super::compare::{Test, compared};
use super::inputs::*;
use super::tls;
use crate::arch::s390x::{S390x, regs, rows};
use crate::ir::*;
use crate::lower::condition::condition;
use crate::lower::context::Lowered;
use crate::lower::control::{ControlLowering, ControlRows, ThreadLocal};
use crate::machine::inst::Label;
use crate::machine::reg::{PReg, VBlock, VReg};
use crate::rule;

impl ControlLowering for S390x {
    const CONTROL_ROWS: ControlRows = ControlRows {
        jump_table: rows::BR_TABLE,
        stack_pointer: rows::GET_SP,
        frame_pointer: rows::GET_FP,
        return_address: rows::GET_RA,
        pinned: rows::GET_PINNED,
        set_pinned: rows::SET_PINNED,
        label_address: rows::HANDLER_ADDRESS,
        debug_trap: rows::BREAKPOINT,
    };

    fn branch_on(cx: &mut Cx, value: Value, may_fold: bool, successors: &[VBlock]) {
        let test = condition(cx, value, may_fold);
        branch(cx, test, Label::of(successors[0]), Label::of(successors[1]));
    }

    const TABLE_TEMPORARIES: usize = 1;

    fn table_index(cx: &mut Cx, index: Value) -> VReg {
        put_extended_to_64(cx, index, false)
    }

    fn trap(cx: &mut Cx, code: TrapCode) {
        rows::trap(cx, code.0);
    }

    const SWITCH_PAYLOAD: PReg = regs::R2;

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
        Test::Code(cond) => {
            rule!(cx, "branch.code");
            rows::br_cc(cx, cond, then, other);
        }
        Test::Registers { size, signed, a, b, cond } => {
            rule!(cx, "branch.compare");
            match signed {
                true => rows::br_cr(cx, size, a, b, compared(cond), then, other),
                false => rows::br_clr(cx, size, a, b, compared(cond), then, other),
            }
        }
        Test::Immediate { size, signed, a, imm, cond } => {
            rule!(cx, "branch.compare_imm");
            match signed {
                true => rows::br_ci(cx, size, a, imm, compared(cond), then, other),
                false => rows::br_cli(cx, size, a, imm, compared(cond), then, other),
            }
        }
    }
}
