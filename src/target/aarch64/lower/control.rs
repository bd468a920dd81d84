//! What the ends of blocks and the frame are made of on aarch64, but for branches; [`crate::mach::control`] puts it together.

use super::super::Aarch64;
use super::super::encode;
use super::super::rows;
use super::operands::*;
use super::tls;
use crate::ir::*;
use crate::mach::control::{ControlLowering, ControlRows, ThreadLocal};
use crate::mach::lower::Unsupported;
use regalloc2::VReg;

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
