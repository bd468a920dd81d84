//! i128: operations on halves, shifts and comparisons. [`crate::lower::wide`] composes them.
//!
//! The condition code carries between the halves of an addition or subtraction: it is 2 or 3 after a logical
//! operation that carries, or does not borrow.

use super::compare::{Test, int_cond};
use super::inputs::*;
use super::int::multiply_by;
use super::logic::push_complement;
use super::select::move_on;
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::Complement;
use crate::lower::wide::{
    Half, Pair, WideLowering, constant_second, differences, halves, in_register, less_or_not, tmp_pair,
};
use crate::lower::wide_shift::{Amount, Direction, WideShifts};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::Q64;
use crate::rule;

/// The condition that a logical addition carried.
pub const CARRY: Cond = Cond::Ho;
/// The condition that a logical subtraction borrowed.
pub const BORROW: Cond = Cond::El;

impl WideLowering for S390x {
    fn bitwise_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: Half) {
        let b = half_input(cx, b);
        alu(opcode).expect("the opcode is bitwise").push(cx, Q64, d, a, b, false);
    }

    fn multiply_half(cx: &mut Cx, d: VReg, a: VReg, b: Half) {
        match b {
            Half::Constant(factor) => multiply_by(cx, Q64, d, a, factor),
            Half::Memory(m) => rows::ms_rm(cx, Q64, d, a, m),
            Half::Register(b) => rows::ms_rrr(cx, Q64, d, a, b),
        }
    }

    fn multiply_wide(cx: &mut Cx, signed: bool, d: Pair, a: VReg, b: VReg) {
        match signed {
            true => rows::mg_rrr(cx, d.1, d.0, a, b),
            false => rows::mlg_rr(cx, d.1, d.0, a, b),
        }
    }

    fn add_or_subtract(cx: &mut Cx, subtract: bool, d: Pair, a: Pair, b: (Half, Half)) {
        let high = half_input(cx, b.1);
        push_low(cx, subtract, d.0, a.0, b.0);
        with_carry(cx, subtract, d.1, a.1, high);
    }

    fn complement_half(cx: &mut Cx, d: VReg, a: VReg) {
        push_complement(cx, Q64, d, a, false);
    }

    fn negate_wide(cx: &mut Cx, d: Pair, a: Pair) {
        let (zero, from) = (cx.constant_register(0), cx.constant_register(0));
        rows::sl_rrr(cx, Q64, d.0, zero, a.0);
        rows::slb_rr(cx, Q64, d.1, from, a.1);
    }

    /// Inserts the second integer above the first.
    fn concat_narrow(cx: &mut Cx, d: VReg, low: Value, high: Value) {
        let bits = cx.ty(low).bits() as i32;
        let (low, high) = (cx.put(low), cx.put(high));
        rows::risbg_rr(cx, d, low, high, 64 - 2 * bits, 63 - bits, bits);
    }

    fn compare_wide(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
        let (cc, a, b) = constant_second(cx, cc, a, b);
        if !matches!(cc, IntCc::Equal | IntCc::NotEqual) {
            return compare_by_subtracting(cx, cc, a, b);
        }
        let (low, high) = differences(cx, a, b);
        let either = cx.tmp(RegClass::Int);
        rows::o_rrr(cx, Q64, either, low, high);
        Test::Code(if cc == IntCc::Equal { Cond::E } else { Cond::Lho })
    }

    fn compare_order(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
        let test = Self::compare_wide(cx, cc, a, b);
        Test::Code(test.code(cx))
    }
}

/// `d = a ± b` of low halves, which leaves the carry or borrow in the condition code.
fn push_low(cx: &mut Cx, subtract: bool, d: VReg, a: VReg, b: Half) {
    if let Half::Constant(imm) = b {
        match (i16::try_from(imm), u32::try_from(imm)) {
            (Ok(_), _) if !subtract => return rows::alhsi_rri(cx, Q64, d, a, imm as i32),
            (_, Ok(_)) if subtract => return rows::slfi_ri(cx, Q64, d, a, imm as i32),
            (_, Ok(_)) => return rows::alfi_ri(cx, Q64, d, a, imm as i32),
            _ => {}
        }
    }
    let b = half_input(cx, b);
    let alu = if subtract { &SUB_LOGICAL } else { &ADD_LOGICAL };
    alu.push(cx, Q64, d, a, b, false);
}

/// `d = a ± b ± carry`, which leaves the carry or borrow in the condition code.
pub fn with_carry(cx: &mut Cx, subtract: bool, d: VReg, a: VReg, b: Input) {
    match (subtract, b) {
        (false, Input::Memory(m)) => rows::alc_rm(cx, Q64, d, a, m),
        (true, Input::Memory(m)) => rows::slb_rm(cx, Q64, d, a, m),
        (false, Input::Register(b)) => rows::alc_rr(cx, Q64, d, a, b),
        (true, Input::Register(b)) => rows::slb_rr(cx, Q64, d, a, b),
        _ => unreachable!("halves are whole registers or memory"),
    }
}

/// Compares two i128 for their order, by subtracting.
fn compare_by_subtracting(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
    use IntCc::*;
    if cx.wide_constant(b) == Some(0) && matches!(cc, SignedLessThan | SignedGreaterThanOrEqual) {
        rule!(cx, "wide.compare_sign");
        let (_, high) = cx.put_pair(a);
        return Test::Immediate { size: Q64, signed: true, a: high, imm: 0, cond: int_cond(cc) };
    }
    let (cc, a, b) = less_or_not(cc, a, b);
    let a = halves(cx, a, false);
    let b = halves(cx, b, false);
    let (mut a_high, mut b_high) = (a.1, b.1);
    if cc.is_signed() {
        (a_high, b_high) = (flip_sign(cx, a_high), flip_sign(cx, b_high));
    }
    let a_high = in_register(cx, a_high);
    let b_high = half_input(cx, b_high);
    let a_low = in_register(cx, a.0);
    let (low, high) = tmp_pair(cx);
    push_low(cx, true, low, a_low, b.0);
    with_carry(cx, true, high, a_high, b_high);
    let less = matches!(cc, SignedLessThan | UnsignedLessThan);
    Test::Code(if less { BORROW } else { BORROW.complement() })
}

/// Flips a half's sign bit. The unsigned order of such halves is the signed order of the originals.
fn flip_sign(cx: &mut Cx, half: Half) -> Half {
    match half {
        Half::Constant(bits) => Half::Constant(bits ^ i64::MIN),
        half => {
            let (a, d) = (in_register(cx, half), cx.tmp(RegClass::Int));
            rows::xihf(cx, d, a, i32::MIN);
            Half::Register(d)
        }
    }
}

impl WideShifts for S390x {
    fn double_shift(cx: &mut Cx, direction: Direction, d: VReg, a: Pair, amount: u32) {
        let left = match direction {
            Direction::Left => amount as i32,
            Direction::Right => 64 - amount as i32,
        };
        let shifted = cx.tmp(RegClass::Int);
        rows::sll_rri(cx, Q64, shifted, a.1, left);
        rows::risbg_rr(cx, d, shifted, a.0, 64 - left, 63, left);
    }

    /// Shifts the bits that cross over by one, then by 63 minus the amount.
    fn double_shift_by(cx: &mut Cx, direction: Direction, d: VReg, a: Pair, amount: Amount) {
        let [shifted, once, brought] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
        match direction {
            Direction::Left => {
                rows::sll_rrc(cx, Q64, shifted, a.1, amount.by);
                rows::srl_rri(cx, Q64, once, a.0, 1);
                rows::srl_rrc(cx, Q64, brought, once, amount.crossing);
            }
            Direction::Right => {
                rows::srl_rrc(cx, Q64, shifted, a.0, amount.by);
                rows::sll_rri(cx, Q64, once, a.1, 1);
                rows::sll_rrc(cx, Q64, brought, once, amount.crossing);
            }
        }
        rows::o_rrr(cx, Q64, d, shifted, brought);
    }

    fn crossing_amount(cx: &mut Cx, amount: VReg) -> VReg {
        let rest = cx.tmp(RegClass::Int);
        rows::xilf(cx, rest, amount, 63);
        rest
    }

    fn shift_half_by(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, amount: VReg) {
        match opcode {
            Opcode::Ishl => rows::sll_rrc(cx, Q64, d, a, amount),
            Opcode::Ushr => rows::srl_rrc(cx, Q64, d, a, amount),
            Opcode::Sshr => rows::sra_rrc(cx, Q64, d, a, amount),
            other => unexpected(other),
        }
    }

    fn choose_by_amount(cx: &mut Cx, d: Pair, amount: VReg, far: Pair, near: Pair) {
        rows::tmll(cx, amount, 64);
        move_on(cx, Q64, d.0, Cond::O, far.0, near.0);
        move_on(cx, Q64, d.1, Cond::O, far.1, near.1);
    }
}
