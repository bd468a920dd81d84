//! Branches, and what the ends of blocks and the frame are made of on s390x; [`crate::mach::control`] puts it together.

use super::super::{S390x, rows};
use super::operands::*;
use super::tls;
use crate::ir::*;
use crate::mach::control::{ControlLowering, ControlRows, ThreadLocal};
use crate::mach::lower::Unsupported;
use regalloc2::VReg;

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
