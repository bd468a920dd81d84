//! What the ends of blocks and the frame are made of on aarch64, but for branches; [`crate::lower::control`] puts it together.

use super::super::Aarch64;
use super::super::encode;
use super::super::rows;
use super::compare;
use super::operands::*;
use super::tls;
use crate::ir::*;
use crate::lower::context::Unsupported;
use crate::lower::control::{ControlLowering, ControlRows, ThreadLocal};
use crate::machine::inst::Label;
use crate::machine::reg::{VBlock, VReg};

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
        let condition = compare::condition(cx, value, may_fold);
        compare::branch(cx, condition, Label::of(successors[0]), Label::of(successors[1]));
    }

    fn one_branch(f: &Stencil, conditions: [Value; 2]) -> bool {
        super::chain::one_branch(f, conditions)
    }

    const TABLE_TEMPORARIES: usize = 0;

    fn table_index(cx: &mut Cx, index: Value) -> VReg {
        put_extended(cx, index, false)
    }

    fn trap(cx: &mut Cx, code: TrapCode) {
        rows::udf(cx, encode::UDF as i32, code.0);
    }

    fn tls_address(cx: &mut Cx, d: VReg, variable: &ThreadLocal) -> Result<(), Unsupported> {
        tls::address(cx, d, variable)
    }
}
