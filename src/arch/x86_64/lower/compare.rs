//! Comparisons, and the instructions that set or trap by them.
//!
//! A comparison sets the flags and leaves the condition to test. No instruction that changes the flags may
//! come between the two, so all operands are asked for before the comparison.

use super::float;
use super::inputs::*;
use crate::arch::x86_64::operands::{Cond, Rm};
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::compare::{Comparisons, FlagTest, in_order, with_zero};
use crate::lower::condition::compare_ints;
use crate::lower::context::Lowered;
use crate::lower::quad::by_calls;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, exact_size};
use crate::rule;

/// What branches and traps can test.
pub type Test = FlagTest<Cond>;

/// The condition to test after an integer comparison.
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

impl Comparisons for X86_64 {
    type Test = Test;

    fn compare_ints(cx: &mut Cx, cc: IntCc, a: Value, b: Value, may_fold: bool) -> Test {
        let ty = cx.ty(a);
        let (cc, a, b) = in_order(cx, cc, a, b, may_fold);
        let size = exact_size(ty);
        if let Some(imm) = cx.imm32(b) {
            return compare_imm(cx, cc, a, imm, ty, may_fold);
        }
        let b = if may_fold { sized_operand(cx, b, ty, true) } else { Rm::Reg(cx.put(b)) };
        let a = cx.put(a);
        rows::cmp_rm(cx, size, a, b);
        FlagTest::One(int_cond(cc))
    }

    fn compare_floats(cx: &mut Cx, cc: FloatCc, a: Value, b: Value, may_fold: bool) -> Test {
        use FloatCc::*;
        let (mut cc, mut a, mut b) = turn_round(cc, a, b);
        if cc == cc.swap_args() && !float::in_memory(cx, b) && float::in_memory(cx, a) {
            (a, b) = (b, a);
        }
        if a == b {
            cc = match cc {
                Equal => Ordered,
                NotEqual => Unordered,
                other => other,
            };
        }
        let size = exact_size(cx.ty(a));
        let second = float::operand(cx, b, may_fold);
        let first = cx.put(a);
        push_compare(cx, size, cc, first, second)
    }

    fn compare_quads(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Test {
        by_calls::compare(cx, cc, a, b)
    }

    fn compare_word(cx: &mut Cx, cc: IntCc, a: VReg) -> Test {
        rows::test_mr(cx, L32, a, a);
        FlagTest::One(int_cond(cc))
    }

    fn is_not_zero(cx: &mut Cx, value: Value, may_fold: bool) -> Test {
        if cx.ty(value) == types::I128 {
            let (low, high) = cx.put_pair(value);
            let either = cx.tmp(RegClass::Int);
            rows::or_rm(cx, Q64, either, low, high);
            return FlagTest::One(Cond::Ne);
        }
        if may_fold && let Some(test) = flags_of_arithmetic(cx, IntCc::NotEqual, value) {
            return test;
        }
        let size = exact_size(cx.ty(value));
        let reg = cx.put(value);
        rows::test_mr(cx, size, reg, reg);
        FlagTest::One(Cond::Ne)
    }

    fn test_bitwise(cx: &mut Cx, data: &InstData) -> Option<Test> {
        if data.opcode != Opcode::Band || data.ty.bits() > 64 {
            return None;
        }
        rule!(cx, "condition.test");
        test_bits(cx, Value(data.a), Value(data.b), data.ty);
        Some(FlagTest::One(Cond::Ne))
    }

    /// Sets the low byte of `d` only.
    fn set(cx: &mut Cx, d: VReg, test: Test) {
        match test {
            FlagTest::One(cond) => rows::set_r(cx, d, cond),
            FlagTest::Both(a, b) | FlagTest::Either(a, b) => {
                let (first, second) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
                rows::set_r(cx, first, a);
                rows::set_r(cx, second, b);
                match test {
                    FlagTest::Both(..) => rows::and_rm(cx, L32, d, first, second),
                    _ => rows::or_rm(cx, L32, d, first, second),
                }
            }
        }
    }

    fn trap_on(cx: &mut Cx, test: Test, code: TrapCode) {
        match test {
            FlagTest::One(cond) => rows::trap_if(cx, cond, code.0),
            FlagTest::Either(a, b) => {
                rows::trap_if(cx, a, code.0);
                rows::trap_if(cx, b, code.0);
            }
            FlagTest::Both(a, b) => rows::trap_both(cx, a, b as i32, code.0),
        }
    }
}

/// Compares two f32 in registers.
pub fn compare_singles(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Test {
    let (cc, a, b) = turn_round(cc, a, b);
    push_compare(cx, L32, cc, a, Rm::Reg(b))
}

/// Pushes a comparison whose operands are in the order that it tests.
fn push_compare(cx: &mut Cx, size: OperandSize, cc: FloatCc, a: VReg, b: Rm) -> Test {
    use FloatCc::*;
    rows::ucomis_rm(cx, size, a, b);
    match cc {
        Ordered => FlagTest::One(Cond::Np),
        Unordered => FlagTest::One(Cond::P),
        Equal => FlagTest::Both(Cond::Np, Cond::E),
        NotEqual => FlagTest::Either(Cond::P, Cond::Ne),
        OrderedNotEqual => FlagTest::One(Cond::Ne),
        UnorderedOrEqual => FlagTest::One(Cond::E),
        GreaterThan => FlagTest::One(Cond::A),
        UnorderedOrLessThanOrEqual => FlagTest::One(Cond::Be),
        GreaterThanOrEqual => FlagTest::One(Cond::Ae),
        UnorderedOrLessThan => FlagTest::One(Cond::B),
        LessThan | LessThanOrEqual | UnorderedOrGreaterThan | UnorderedOrGreaterThanOrEqual => {
            unreachable!("`turn_round` exchanged the operands")
        }
    }
}

/// Exchanges the operands of a comparison that takes two tests as it is, and one with exchanged operands.
/// `ucomis` sets the flags like an unsigned comparison, and sets zero, parity and carry if the operands are
/// unordered.
fn turn_round<T>(cc: FloatCc, a: T, b: T) -> (FloatCc, T, T) {
    use FloatCc::*;
    match cc {
        LessThan | LessThanOrEqual | UnorderedOrGreaterThan | UnorderedOrGreaterThanOrEqual => {
            (cc.swap_args(), b, a)
        }
        _ => (cc, a, b),
    }
}

/// Sets the flags by the bitwise and of two values.
fn test_bits(cx: &mut Cx, a: Value, b: Value, ty: Type) {
    let size = exact_size(ty);
    let (a, b) = cx.commute(a, b);
    if let Some(imm) = cx.imm32(b) {
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

/// Compares an integer with an immediate.
fn compare_imm(cx: &mut Cx, cc: IntCc, a: Value, imm: i32, ty: Type, may_fold: bool) -> Test {
    use IntCc::*;
    let size = exact_size(ty);
    let (cc, imm) = with_zero(cc, imm.into());
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
        return FlagTest::One(int_cond(cc));
    }
    if may_fold && let Some(amode) = sink_load(cx, a, ty) {
        rule!(cx, "compare.memory_imm");
        rows::cmp_mi(cx, size, Rm::Mem(amode), imm);
        return FlagTest::One(int_cond(cc));
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
    FlagTest::One(int_cond(cc))
}

/// Compares arithmetic with zero for a branch, if only the branch and its edges use it. The arithmetic is
/// pushed right before the branch, which tests its flags.
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
    if data.ty.bits() < 32 || data.ty.bits() > 64 || alu(data.opcode).is_none() {
        return None;
    }
    rule!(cx, "compare.flags_of_arithmetic");
    push_setting_flags(cx, inst);
    cx.sink(inst);
    Some(FlagTest::One(cond))
}

/// Lowers icmp and fcmp.
pub fn compare(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (Value(data.a), Value(data.b));
    let test = match data.opcode {
        Opcode::Icmp => compare_ints(cx, data.int_cc(), a, b, true),
        Opcode::Fcmp => X86_64::compare_floats(cx, data.float_cc(), a, b, true),
        other => unexpected(other),
    };
    X86_64::set(cx, d, test);
    Ok(())
}

/// Lowers `uextend` of a comparison that nothing else uses: sets the low byte of a register that was zeroed
/// before.
pub fn bool_extended(cx: &mut Cx, inst: Inst, compare: Inst) -> bool {
    let data = cx.f.insts[compare];
    let (a, b) = (Value(data.a), Value(data.b));
    let one_condition = match data.opcode {
        Opcode::Icmp => cx.ty(a).bits() <= 64,
        Opcode::Fcmp => {
            let is_one = !matches!(data.float_cc(), FloatCc::Equal | FloatCc::NotEqual);
            is_one && Shape::of(cx.ty(a)) == Shape::Float
        }
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
        Opcode::Icmp => X86_64::compare_ints(cx, data.int_cc(), a, b, true),
        Opcode::Fcmp => X86_64::compare_floats(cx, data.float_cc(), a, b, true),
        other => unexpected(other),
    };
    let FlagTest::One(cond) = test else { unreachable!("comparisons with two conditions were excluded") };
    rows::set_rz(cx, d, zero, cond);
    true
}
