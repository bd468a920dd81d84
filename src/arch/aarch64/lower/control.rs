//! Branches, returns and access to the frame: the instructions from which [`crate::lower::control`] composes
//! them.

use super::compare::Test;
use super::inputs::*;
use super::{chain, tls};
use crate::arch::aarch64::{Aarch64, encode, regs, rows};
use crate::ir::*;
use crate::lower::compare::{Complement, FlagTest};
use crate::lower::condition::condition;
use crate::lower::context::Lowered;
use crate::lower::control::{ControlLowering, ControlRows, ThreadLocal};
use crate::machine::inst::Label;
use crate::machine::reg::{PReg, VBlock, VReg};
use crate::rule;

impl ControlLowering for Aarch64 {
    const CONTROL_ROWS: ControlRows = ControlRows {
        jump_table: rows::BR_TABLE,
        stack_pointer: rows::GET_SP,
        frame_pointer: rows::GET_FP,
        return_address: rows::GET_RA,
        pinned: rows::GET_PINNED,
        set_pinned: rows::SET_PINNED,
        label_address: rows::HANDLER_ADDRESS,
        debug_trap: rows::DEBUG_TRAP,
    };

    fn branch_on(cx: &mut Cx, value: Value, may_fold: bool, successors: &[VBlock]) {
        let test = condition(cx, value, may_fold);
        branch(cx, test, Label::of(successors[0]), Label::of(successors[1]));
    }

    fn one_branch(f: &Stencil, conditions: [Value; 2]) -> bool {
        chain::one_branch(f, conditions)
    }

    const TABLE_TEMPORARIES: usize = 0;

    fn table_index(cx: &mut Cx, index: Value) -> VReg {
        put_extended_to_32(cx, index, false)
    }

    fn trap(cx: &mut Cx, code: TrapCode) {
        rows::udf(cx, encode::UDF as i32, code.0);
    }

    const SWITCH_PAYLOAD: PReg = regs::X0;

    fn switch_stacks(cx: &mut Cx, clobbers: u32, d: VReg, [from, to, payload]: [VReg; 3]) {
        rows::stack_switch(cx, clobbers, d, from, to, payload, &[]);
    }

    fn tls_address(cx: &mut Cx, d: VReg, variable: &ThreadLocal) -> Lowered {
        tls::address(cx, d, variable)
    }
}

/// Pushes a branch to `then` if a test holds, else to `other`.
fn branch(cx: &mut Cx, test: Test, then: Label, other: Label) {
    match test {
        Test::Flags(FlagTest::One(cond)) => {
            rule!(cx, "branch.one");
            rows::br_cc(cx, cond, then, other);
        }
        Test::Flags(FlagTest::Either(a, b)) => {
            rule!(cx, "branch.either");
            rows::br_either(cx, a, b as i32, then, other);
        }
        Test::Flags(FlagTest::Both(a, b)) => {
            rule!(cx, "branch.both");
            rows::br_either(cx, a.complement(), b.complement() as i32, other, then);
        }
        Test::Zero { size, register, holds_if_zero } => {
            rule!(cx, "branch.zero");
            match holds_if_zero {
                true => rows::br_z(cx, size, register, then, other),
                false => rows::br_nz(cx, size, register, then, other),
            }
        }
        Test::Bit { register, bit, holds_if_zero } => {
            rule!(cx, "branch.bit");
            match holds_if_zero {
                true => rows::br_bz(cx, register, bit, then, other),
                false => rows::br_bnz(cx, register, bit, then, other),
            }
        }
    }
}
