//! i128: operations on halves, shifts and comparisons. [`crate::lower::wide`] composes them.

use super::compare::{Test, compare_zero, int_cond};
use super::inputs::*;
use super::logic::rows_of;
use super::shift::shift_left;
use crate::arch::aarch64::operands::Cond;
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::wide::{Half, Pair, WideLowering, less_or_not};
use crate::lower::wide_shift::{Amount, Direction, WideShifts, rotated};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, Q64};
use crate::rule;

impl WideLowering for Aarch64 {
    const MEMORY_HALVES: bool = false;

    fn bitwise_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: Half) {
        let b = half_input(cx, b);
        rows_of(opcode).to(cx, Q64, d, a, b);
    }

    fn multiply_half(cx: &mut Cx, d: VReg, a: VReg, b: Half) {
        let b = half_register(cx, b);
        rows::mul_rr(cx, Q64, d, a, b);
    }

    fn multiply_wide(cx: &mut Cx, signed: bool, d: Pair, a: VReg, b: VReg) {
        rows::mul_rr(cx, Q64, d.0, a, b);
        match signed {
            true => rows::smulh(cx, d.1, a, b),
            false => rows::umulh(cx, d.1, a, b),
        }
    }

    fn add_product(cx: &mut Cx, d: VReg, sum: VReg, a: VReg, b: Half) {
        let b = half_register(cx, b);
        rows::madd(cx, Q64, d, a, b, sum);
    }

    fn add_or_subtract(cx: &mut Cx, subtract: bool, d: Pair, a: Pair, b: (Half, Half)) {
        let high = half_register(cx, b.1);
        let low = match b.0 {
            Half::Constant(imm @ 0..=0xFFF) if a.0 != ZERO => Input::from(imm as i32),
            low => Input::Reg(half_register(cx, low)),
        };
        let (first, second) = if subtract { (SUBS, SBCS) } else { (ADDS, ADCS) };
        first.to(cx, Q64, d.0, a.0, low);
        second.to(cx, Q64, d.1, a.1, high);
    }

    fn complement_half(cx: &mut Cx, d: VReg, a: VReg) {
        MVN.unary(cx, Q64, d, a);
    }

    fn negate_wide(cx: &mut Cx, d: Pair, a: Pair) {
        Self::add_or_subtract(cx, true, d, (ZERO, ZERO), (Half::Register(a.0), Half::Register(a.1)));
    }

    /// Inserts the second integer above the first.
    fn concat_narrow(cx: &mut Cx, d: VReg, low: Value, high: Value) {
        let half = cx.ty(low).bits() as i32;
        let size = if half == 32 { Q64 } else { L32 };
        let (low, high) = (cx.put(low), cx.put(high));
        rows::bfm(cx, size, d, low, high, size.bits() as i32 - half, half - 1);
    }

    fn compare_wide(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
        match (cc, cx.wide_constant(b)) {
            (IntCc::Equal | IntCc::NotEqual, Some(0)) => compare_zero(cx, a, cc == IntCc::Equal),
            (IntCc::SignedLessThan | IntCc::SignedGreaterThanOrEqual, Some(0)) => {
                rule!(cx, "wide.compare_sign");
                let (_, register) = cx.put_pair(a);
                Test::Bit { register, bit: 63, holds_if_zero: cc == IntCc::SignedGreaterThanOrEqual }
            }
            _ => Self::compare_order(cx, cc, a, b),
        }
    }

    fn compare_order(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
        // The flags tell less from not less. The zero flag is that of the high half alone.
        let (cc, a, b) = less_or_not(cc, a, b);
        let (a, b) = (half_registers(cx, a), half_registers(cx, b));
        CMP.flags(cx, Q64, a.0, b.0);
        match cc {
            IntCc::Equal | IntCc::NotEqual => rows::ccmp_rr(cx, Q64, a.1, b.1, 0, Cond::Eq),
            _ => rows::sbcs_z(cx, Q64, a.1, b.1),
        }
        Test::one(int_cond(cc))
    }
}

impl WideShifts for Aarch64 {
    fn double_shift(cx: &mut Cx, direction: Direction, d: VReg, a: Pair, amount: u32) {
        let lowest = match direction {
            Direction::Left => 64 - amount,
            Direction::Right => amount,
        };
        rows::extr(cx, Q64, d, a.1, a.0, lowest as i32);
    }

    /// Shifts the bits that cross over by one, then by the complement of the amount.
    fn double_shift_by(cx: &mut Cx, direction: Direction, d: VReg, a: Pair, amount: Amount) {
        let [once, low, high] = [(); 3].map(|()| cx.tmp(RegClass::Int));
        match direction {
            Direction::Left => {
                rows::lsr_ri(cx, Q64, once, a.0, 1);
                rows::lsr_rr(cx, Q64, low, once, amount.crossing);
                rows::lsl_rr(cx, Q64, high, a.1, amount.by);
            }
            Direction::Right => {
                shift_left(cx, Q64, once, a.1, 1);
                rows::lsl_rr(cx, Q64, high, once, amount.crossing);
                rows::lsr_rr(cx, Q64, low, a.0, amount.by);
            }
        }
        ORR.to(cx, Q64, d, high, low);
    }

    /// Computes first the half that a shift in this direction computes first.
    fn rotate_by(cx: &mut Cx, direction: Direction, d: Pair, a: Pair, amount: Amount) {
        let (low, high) = rotated(direction, a);
        let [first, second] = match direction {
            Direction::Left => [(d.1, high), (d.0, low)],
            Direction::Right => [(d.0, low), (d.1, high)],
        };
        Self::double_shift_by(cx, direction, first.0, first.1, amount);
        Self::double_shift_by(cx, direction, second.0, second.1, amount);
    }

    fn crossing_amount(cx: &mut Cx, amount: VReg) -> VReg {
        let complement = cx.tmp(RegClass::Int);
        MVN.unary(cx, L32, complement, amount);
        complement
    }

    fn shift_half_by(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, amount: VReg) {
        match opcode {
            Opcode::Ishl => rows::lsl_rr(cx, Q64, d, a, amount),
            Opcode::Ushr => rows::lsr_rr(cx, Q64, d, a, amount),
            Opcode::Sshr => rows::asr_rr(cx, Q64, d, a, amount),
            other => unexpected(other),
        }
    }

    fn zero(_: &mut Cx) -> VReg {
        ZERO
    }

    fn choose_by_amount(cx: &mut Cx, d: Pair, amount: VReg, far: Pair, near: Pair) {
        TST.flags(cx, L32, amount, mask(64, L32));
        rows::csel(cx, Q64, d.0, far.0, near.0, Cond::Ne);
        rows::csel(cx, Q64, d.1, far.1, near.1, Cond::Ne);
    }
}
