//! i128: operations on halves, shifts and comparisons. [`crate::lower::wide`] composes them.

use super::compare::{Test, int_cond};
use super::inputs::*;
use crate::arch::x86_64::operands::{Cond, Rm};
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::FlagTest;
use crate::lower::wide;
use crate::lower::wide::{Half, Pair, WideLowering, halves, in_register};
use crate::lower::wide_shift::{Amount, Direction, WideShifts};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64};
use crate::rule;

impl WideLowering for X86_64 {
    fn bitwise_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: Half) {
        let b = half_input(cx, b);
        alu(opcode).expect("the opcode is bitwise").push(cx, Q64, d, a, b);
    }

    fn multiply_half(cx: &mut Cx, d: VReg, a: VReg, b: Half) {
        match half_input(cx, b) {
            Input::Imm(imm) => rows::imul_rmi(cx, Q64, d, a, imm),
            Input::Rm(b) => rows::imul_rm(cx, Q64, d, a, b),
        }
    }

    fn multiply_wide(cx: &mut Cx, signed: bool, d: Pair, a: VReg, b: VReg) {
        match signed {
            true => rows::imul_wide(cx, Q64, d.0, d.1, a, b),
            false => rows::mul_wide(cx, Q64, d.0, d.1, a, b),
        }
    }

    fn add_or_subtract(cx: &mut Cx, subtract: bool, d: Pair, a: Pair, b: (Half, Half)) {
        let (low, high) = if subtract { (&SUB, &SBB) } else { (&ADD, &ADC) };
        // Materialising constants changes the flags.
        let (b_low, b_high) = (half_input(cx, b.0), half_input(cx, b.1));
        low.push(cx, Q64, d.0, a.0, b_low);
        high.push(cx, Q64, d.1, a.1, b_high);
    }

    fn complement_half(cx: &mut Cx, d: VReg, a: VReg) {
        rows::not_r(cx, Q64, d, a);
    }

    fn negate_wide(cx: &mut Cx, d: Pair, a: Pair) {
        let carried = cx.tmp(RegClass::Int);
        rows::neg_r(cx, Q64, d.0, a.0);
        rows::adc_ri(cx, Q64, carried, a.1, 0);
        rows::neg_r(cx, Q64, d.1, carried);
    }

    fn concat_narrow(cx: &mut Cx, d: VReg, low: Value, high: Value) {
        let (extended, shifted) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        let bits = cx.ty(low).bits();
        let size = OperandSize::from_bits(2 * bits).max(L32);
        extend_into(cx, extended, low, false);
        let upper = cx.put(high);
        rows::shl_ri(cx, size, shifted, upper, bits as i32);
        rows::or_rm(cx, size, d, extended, shifted);
    }

    fn compare_wide(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
        let (cc, a, b) = wide::constant_second(cx, cc, a, b);
        match cc {
            IntCc::Equal | IntCc::NotEqual => {
                let (low, high) = wide::differences(cx, a, b);
                let either = cx.tmp(RegClass::Int);
                rows::or_rm(cx, Q64, either, low, high);
                FlagTest::One(int_cond(cc))
            }
            _ => Self::compare_order(cx, cc, a, b),
        }
    }

    /// Compares by subtracting.
    fn compare_order(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
        use IntCc::*;
        if cx.wide_constant(b) == Some(0) && matches!(cc, SignedLessThan | SignedGreaterThanOrEqual) {
            rule!(cx, "wide.compare_sign");
            let (_, high) = cx.put_pair(a);
            rows::test_mr(cx, Q64, high, high);
            return FlagTest::One(if cc == SignedLessThan { Cond::S } else { Cond::Ns });
        }
        // The zero flag is that of the high half alone.
        let (cc, a, b) = wide::less_or_not(cc, a, b);
        let a = halves(cx, a, false);
        let b = halves(cx, b, false);
        let (b_low, b_high) = (half_input(cx, b.0), half_input(cx, b.1));
        let (a_low, a_high) = (in_register(cx, a.0), in_register(cx, a.1));
        let high = cx.tmp(RegClass::Int);
        match b_low {
            Input::Imm(imm) => rows::cmp_mi(cx, Q64, a_low, imm),
            Input::Rm(b) => rows::cmp_rm(cx, Q64, a_low, b),
        }
        SBB.push(cx, Q64, high, a_high, b_high);
        FlagTest::One(int_cond(cc))
    }
}

impl WideShifts for X86_64 {
    fn double_shift(cx: &mut Cx, direction: Direction, d: VReg, a: Pair, amount: u32) {
        match direction {
            Direction::Left => rows::shld_rri(cx, Q64, d, a.1, a.0, amount as i32),
            Direction::Right => rows::shrd_rri(cx, Q64, d, a.0, a.1, amount as i32),
        }
    }

    fn double_shift_by(cx: &mut Cx, direction: Direction, d: VReg, a: Pair, amount: Amount) {
        match direction {
            Direction::Left => rows::shld_rrc(cx, Q64, d, a.1, a.0, amount.by),
            Direction::Right => rows::shrd_rrc(cx, Q64, d, a.0, a.1, amount.by),
        }
    }

    fn shift_half_by(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, amount: VReg) {
        match opcode {
            Opcode::Ishl => rows::shl_rc(cx, Q64, d, a, amount),
            Opcode::Ushr => rows::shr_rc(cx, Q64, d, a, amount),
            Opcode::Sshr => rows::sar_rc(cx, Q64, d, a, amount),
            other => unexpected(other),
        }
    }

    fn choose_by_amount(cx: &mut Cx, d: Pair, amount: VReg, far: Pair, near: Pair) {
        rows::test_mi(cx, B8, Rm::Reg(amount), 64);
        rows::cmov_rm(cx, Q64, d.0, near.0, far.0, Cond::Ne);
        rows::cmov_rm(cx, Q64, d.1, near.1, far.1, Cond::Ne);
    }
}
