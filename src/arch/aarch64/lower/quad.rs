//! f128, by library routines.

use super::compare::Test;
use super::inputs::Cx;
use super::vector::logic;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::half;
use crate::lower::quad::{QuadLowering, by_calls};
use crate::lower::whole_registers::WholeRegisters;
use crate::machine::reg::VReg;

impl QuadLowering for Aarch64 {
    const CALLS: bool = true;

    fn quad_arithmetic(cx: &mut Cx, opcode: Opcode, d: VReg, operands: [VReg; 3]) {
        by_calls::arithmetic(cx, &by_calls::LONG_DOUBLE, opcode, d, operands);
    }

    fn demote_to_odd(cx: &mut Cx, d: VReg, a: VReg) {
        half::demote_quad_to_odd(cx, d, a);
    }
}

impl WholeRegisters for Aarch64 {
    fn bitwise_whole(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: VReg) {
        match opcode {
            Opcode::Band => rows::and_16b(cx, d, a, b),
            Opcode::Bor => rows::orr_16b(cx, d, a, b),
            Opcode::Bxor => rows::eor_16b(cx, d, a, b),
            other => unexpected(other),
        }
    }

    fn select_whole(cx: &mut Cx, d: VReg, test: Test, chosen: VReg, other: VReg) {
        let test = test.in_flags(cx);
        logic::move_if(cx, d, test, chosen, other);
    }
}
