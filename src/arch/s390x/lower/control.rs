//! Branches, and what the ends of blocks and the frame are made of on s390x; [`crate::lower::control`] puts it together.

use super::super::{S390x, rows};
use super::compare;
use super::operands::*;
use super::tls;
use crate::ir::*;
use crate::lower::context::Unsupported;
use crate::lower::control::{ControlLowering, ControlRows, ThreadLocal};
use crate::machine::inst::Label;
use crate::machine::reg::{VBlock, VReg};

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
        let test = compare::condition_on(cx, value, may_fold);
        compare::branch(cx, test, Label::of(successors[0]), Label::of(successors[1]));
    }

    const TABLE_TEMPORARIES: usize = 1;

    fn table_index(cx: &mut Cx, index: Value) -> VReg {
        put_extended_wide(cx, index, false)
    }

    fn trap(cx: &mut Cx, code: TrapCode) {
        rows::trap(cx, code.0);
    }

    fn tls_address(cx: &mut Cx, d: VReg, symbol: &ThreadLocal) -> Result<(), Unsupported> {
        tls::address(cx, d, symbol)
    }
}
