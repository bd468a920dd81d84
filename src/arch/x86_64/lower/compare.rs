//! Comparisons, and everything that consumes a condition: set, select, branch, trap.
//!
//! A condition is found by `condition`, which pushes the instructions that set the flags and says which
//! condition to test. Nothing that changes the flags may be pushed between them and the consumer, so
//! consumers ask for all of their operands first.

use super::super::amode::{Cond, OperandSize, Rm};
use super::super::rows;
use super::operands::*;
use crate::ir::*;
use crate::lower::condition::{self, TestedValue};
use crate::lower::context::Unsupported;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// What the flags say once they are set.
pub type Test = condition::Test<Cond>;

/// The condition an integer comparison tests after `cmp`.
pub fn int_cond(cc: IntCc) -> Cond {
    match cc {
        IntCc::Equal => Cond::E,
        IntCc::NotEqual => Cond::Ne,
        IntCc::SignedLessThan => Cond::L,
        IntCc::SignedGreaterThanOrEqual => Cond::Ge,
        IntCc::SignedGreaterThan => Cond::G,
        IntCc::SignedLessThanOrEqual => Cond::Le,
        IntCc::UnsignedLessThan => Cond::B,
        IntCc::UnsignedGreaterThanOrEqual => Cond::Ae,
        IntCc::UnsignedGreaterThan => Cond::A,
        IntCc::UnsignedLessThanOrEqual => Cond::Be,
    }
}

/// Sets the flags so that the result tells whether `value` (up to 64 bits, or a comparison) is not zero.
pub fn condition(cx: &mut Cx, value: Value) -> Test {
    condition_on(cx, value, true)
}

/// The same; `unique` says that nothing else uses what was looked through on the way to `value`, so that
/// loads may be folded.
pub fn condition_on(cx: &mut Cx, value: Value, unique: bool) -> Test {
    let found = condition::tested_value(cx, value, unique);
    let test = plain_condition(cx, found);
    if found.negated { test.complement() } else { test }
}

/// The condition of a value that is not looked through.
fn plain_condition(cx: &mut Cx, TestedValue { value, unique, direct, .. }: TestedValue) -> Test {
    if let Some(inst) = cx.def_inst(value) {
        let data = cx.f.insts[inst];
        match data.opcode {
            Opcode::Icmp if unique || !cx.is_used(value) => {
                rule!(cx, "condition.icmp");
                return compare_ints(cx, data.int_cc(), Value(data.a), Value(data.b), unique);
            }
            Opcode::Fcmp if unique || !cx.is_used(value) => {
                rule!(cx, "condition.fcmp");
                return super::float::compare(cx, data.float_cc(), Value(data.a), Value(data.b), unique);
            }
            Opcode::Band if unique && data.ty.bits() <= 64 => {
                rule!(cx, "condition.test");
                test_bits(cx, Value(data.a), Value(data.b), data.ty);
                return Test::One(Cond::Ne);
            }
            _ if unique && direct => {
                if let Some(cond) = super::overflow::fuse(cx, inst, value) {
                    return Test::One(cond);
                }
            }
            _ => {}
        }
    }
    if cx.ty(value) == types::I128 {
        let (low, high) = cx.put_pair(value);
        let either = cx.tmp(RegClass::Int);
        rows::or_rm(cx, OperandSize::Q64, either, low, high);
        return Test::One(Cond::Ne);
    }
    let size = exact_size(cx.ty(value));
    let reg = cx.put(value);
    rows::test_mr(cx, size, reg, reg);
    Test::One(Cond::Ne)
}

/// Sets the flags by the bits common to two values.
fn test_bits(cx: &mut Cx, a: Value, b: Value, ty: Type) {
    let size = exact_size(ty);
    let (a, b) = cx.commute(a, b);
    if let Some(imm) = imm32(cx, b) {
        let a = sized_operand(cx, a, ty, true);
        rows::test_mi(cx, size, a, imm);
    } else {
        let (a, b) = (cx.put(a), cx.put(b));
        rows::test_mr(cx, size, a, b);
    }
}

/// A value of any integer type in a register or, if it may be, in memory.
fn sized_operand(cx: &mut Cx, value: Value, ty: Type, may_fold: bool) -> Rm {
    if may_fold && let Some(amode) = sink_load(cx, value, ty) {
        return Rm::Mem(amode);
    }
    Rm::Reg(cx.put(value))
}

/// Sets the flags by comparing two integers; `may_fold` says that a load may be taken in.
pub fn compare_ints(cx: &mut Cx, cc: IntCc, a: Value, b: Value, may_fold: bool) -> Test {
    let ty = cx.ty(a);
    if ty == types::I128 {
        return super::wide::compare(cx, cc, a, b);
    }
    let (cc, a, b) = condition::in_order(cx, cc, a, b, may_fold);
    let size = exact_size(ty);
    if let Some(imm) = imm32(cx, b) {
        return compare_imm(cx, cc, a, imm, ty, may_fold);
    }
    let b = if may_fold { sized_operand(cx, b, ty, true) } else { Rm::Reg(cx.put(b)) };
    let a = cx.put(a);
    rows::cmp_rm(cx, size, a, b);
    Test::One(int_cond(cc))
}

fn compare_imm(cx: &mut Cx, cc: IntCc, a: Value, imm: i32, ty: Type, may_fold: bool) -> Test {
    use IntCc::*;
    let size = exact_size(ty);
    let (cc, imm) = condition::with_zero(cc, imm.into());
    let imm = imm as i32;
    if imm == 0
        && may_fold
        // Another lowering of this comparison may have asked for it: then it keeps its operands.
        && !cx.is_used(a)
        && let Some(band) = cx.unique(a).map(|inst| cx.f.insts[inst])
        && band.opcode == Opcode::Band
        && matches!(cc, Equal | NotEqual | SignedLessThan | SignedGreaterThanOrEqual)
    {
        rule!(cx, "compare.test_band");
        test_bits(cx, Value(band.a), Value(band.b), ty);
        return Test::One(int_cond(cc));
    }
    if may_fold && let Some(amode) = sink_load(cx, a, ty) {
        rule!(cx, "compare.memory_imm");
        rows::cmp_mi(cx, size, Rm::Mem(amode), imm);
        return Test::One(int_cond(cc));
    }
    if imm == 0
        && may_fold
        && let Some(test) = flags_of_arithmetic(cx, cc, a)
    {
        return test;
    }
    let a = cx.put(a);
    if imm == 0 {
        rows::test_mr(cx, size, a, a);
    } else {
        rows::cmp_mi(cx, size, Rm::Reg(a), imm);
    }
    Test::One(int_cond(cc))
}

/// A comparison with zero, by a branch, of arithmetic that only the branch and its edges use: the arithmetic
/// is done right before the branch, which tests the flags it leaves.
fn flags_of_arithmetic(cx: &mut Cx, cc: IntCc, value: Value) -> Option<Test> {
    let cond = match cc {
        IntCc::Equal => Cond::E,
        IntCc::NotEqual => Cond::Ne,
        IntCc::SignedLessThan => Cond::S,
        IntCc::SignedGreaterThanOrEqual => Cond::Ns,
        _ => return None,
    };
    let inst = cx.only_ends_block(value)?;
    let data = cx.f.insts[inst];
    if data.ty.bits() < 32 || data.ty.bits() > 64 || super::int::alu(data.opcode).is_none() {
        return None;
    }
    rule!(cx, "compare.flags_of_arithmetic");
    super::int::binary_with_flags(cx, inst);
    cx.sink(inst);
    Some(Test::One(cond))
}

/// icmp and fcmp as values.
pub fn compare(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (Value(data.a), Value(data.b));
    let test = match data.opcode {
        Opcode::Icmp => compare_ints(cx, data.int_cc(), a, b, true),
        _ => super::float::compare(cx, data.float_cc(), a, b, true),
    };
    set(cx, d, test);
    Ok(())
}

/// Sets the low byte of `d` to whether a test holds.
pub fn set(cx: &mut Cx, d: VReg, test: Test) {
    match test {
        Test::One(cond) => rows::set_r(cx, d, cond),
        Test::Both(a, b) | Test::Either(a, b) => {
            let (first, second) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
            rows::set_r(cx, first, a);
            rows::set_r(cx, second, b);
            match test {
                Test::Both(..) => rows::and_rm(cx, OperandSize::L32, d, first, second),
                _ => rows::or_rm(cx, OperandSize::L32, d, first, second),
            }
        }
    }
}

/// `uextend` of a comparison used by nothing else: set in a register that was zeroed before.
pub fn bool_extended(cx: &mut Cx, inst: Inst, compare: Inst) -> bool {
    let data = cx.f.insts[compare];
    let (a, b) = (Value(data.a), Value(data.b));
    let one_condition = match data.opcode {
        Opcode::Icmp => cx.ty(a).bits() <= 64,
        Opcode::Fcmp => !matches!(data.float_cc(), FloatCc::Equal | FloatCc::NotEqual),
        _ => false,
    };
    if !one_condition || cx.f.insts[inst].ty.bits() > 64 {
        return false;
    }
    rule!(cx, "uextend.compare");
    let d = cx.def(inst);
    let zero = cx.tmp(RegClass::Int);
    rows::zero_r(cx, zero);
    let test = match data.opcode {
        Opcode::Icmp => compare_ints(cx, data.int_cc(), a, b, true),
        _ => super::float::compare(cx, data.float_cc(), a, b, true),
    };
    let Test::One(cond) = test else { unreachable!("those with two were told apart") };
    rows::set_rz(cx, d, zero, cond);
    true
}

/// select and select_spectre_guard.
pub fn select(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (chosen, other) = (Value(data.b), Value(data.c));
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    if data.ty.is_int() {
        let (chosen, chosen_high) = cx.put_parts(chosen);
        let (other, other_high) = cx.put_parts(other);
        let size = alu_size(data.ty);
        let test = condition(cx, Value(data.a));
        move_if(cx, size, d, test, chosen, other);
        if let (Some(d), Some(chosen), Some(other)) = (d_high, chosen_high, other_high) {
            move_if(cx, size, d, test, chosen, other);
        }
        return Ok(());
    }
    super::float::select(cx, &data, d)
}

/// `d` = `chosen` if the test holds, else `other`.
pub fn move_if(cx: &mut Cx, size: OperandSize, d: VReg, test: Test, chosen: VReg, other: VReg) {
    match test {
        Test::One(cond) => rows::cmov_rm(cx, size, d, other, chosen, cond),
        Test::Either(a, b) => {
            let first = cx.tmp(RegClass::Int);
            rows::cmov_rm(cx, size, first, other, chosen, a);
            rows::cmov_rm(cx, size, d, first, chosen, b);
        }
        Test::Both(..) => move_if(cx, size, d, test.complement(), other, chosen),
    }
}

/// trapz and trapnz.
pub fn trap_if(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let mut test = condition(cx, Value(data.a));
    if data.opcode == Opcode::Trapz {
        test = test.complement();
    }
    trap_on(cx, test, data.trap_code());
    Ok(())
}

/// Traps if a test holds.
pub fn trap_on(cx: &mut Cx, test: Test, code: TrapCode) {
    match test {
        Test::One(cond) => rows::trap_if(cx, cond, code.0),
        Test::Either(a, b) => {
            rows::trap_if(cx, a, code.0);
            rows::trap_if(cx, b, code.0);
        }
        Test::Both(a, b) => rows::trap_both(cx, a, b as i32, code.0),
    }
}
