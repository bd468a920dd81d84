//! Branches, and what the ends of blocks and the frame are made of on x86_64; [`crate::lower::control`] puts it together.

use super::super::X86_64;
use super::super::amode::OperandSize;
use super::super::rows;
use super::compare::{self, Test};
use super::operands::*;
use super::tls;
use crate::ir::*;
use crate::lower::condition::ConditionCode;
use crate::lower::context::Unsupported;
use crate::lower::control::{ControlLowering, ControlRows, ThreadLocal};
use crate::machine::inst::Label;
use crate::machine::reg::{RegClass, VBlock, VReg};
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
        let test = compare::condition_on(cx, value, may_fold);
        branch(cx, test, Label::of(successors[0]), Label::of(successors[1]));
    }

    const TABLE_TEMPORARIES: usize = 2;

    fn table_index(cx: &mut Cx, index: Value) -> VReg {
        let source = cx.put(index);
        if cx.zero_extends(index) {
            return source;
        }
        let extended = cx.tmp(RegClass::Int);
        rows::mov_rm(cx, OperandSize::L32, extended, source);
        extended
    }

    fn trap(cx: &mut Cx, code: TrapCode) {
        rows::ud2(cx, code.0);
    }

    fn tls_address(cx: &mut Cx, d: VReg, symbol: &ThreadLocal) -> Result<(), Unsupported> {
        tls::address(cx, d, symbol)
    }
}

fn branch(cx: &mut Cx, test: Test, then: Label, other: Label) {
    match test {
        Test::One(cond) => {
            rule!(cx, "branch.one");
            rows::br_cc(cx, cond, then, other);
        }
        Test::Either(a, b) => {
            rule!(cx, "branch.either");
            rows::br_either(cx, a, b as i32, then, other);
        }
        Test::Both(a, b) => {
            rule!(cx, "branch.both");
            rows::br_either(cx, a.complement(), b.complement() as i32, other, then);
        }
    }
}
