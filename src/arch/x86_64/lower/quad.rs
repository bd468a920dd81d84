//! f128, by library routines.

use super::compare::Test;
use super::float::{AND, OR, XOR};
use super::inputs::Cx;
use super::select::move_float_if;
use crate::arch::x86_64::X86_64;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::half;
use crate::lower::quad::{QuadLowering, by_calls};
use crate::lower::whole_registers::WholeRegisters;
use crate::machine::reg::VReg;
use crate::machine::size::L32;

impl QuadLowering for X86_64 {
    const CALLS: bool = true;

    fn quad_arithmetic(cx: &mut Cx, opcode: Opcode, d: VReg, operands: [VReg; 3]) {
        by_calls::arithmetic(cx, &by_calls::FLOAT128, opcode, d, operands);
    }

    fn demote_to_odd(cx: &mut Cx, d: VReg, a: VReg) {
        half::demote_quad_to_odd(cx, d, a);
    }
}

impl WholeRegisters for X86_64 {
    fn bitwise_whole(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: VReg) {
        let op = match opcode {
            Opcode::Band => &AND,
            Opcode::Bor => &OR,
            Opcode::Bxor => &XOR,
            other => unexpected(other),
        };
        op.push(cx, L32, d, a, b);
    }

    fn select_whole(cx: &mut Cx, d: VReg, test: Test, chosen: VReg, other: VReg) {
        move_float_if(cx, L32, d, test, chosen, other);
    }
}
