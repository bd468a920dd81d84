//! Comparisons, and the instructions that set or trap by them.
//!
//! A comparison leaves a [`Test`]: of the flags, of a register for zero, or of one bit of a register. Only
//! comparisons and arithmetic that is meant to set the flags change them; constants, addresses and extensions
//! do not.

use super::chain;
use super::inputs::*;
use crate::arch::aarch64::operands::{Bitmask, Cond};
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::{Comparisons, Complement, FlagTest, in_order, with_zero};
use crate::lower::condition;
use crate::lower::condition::condition;
use crate::lower::context::Lowered;
use crate::lower::quad::by_calls;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size, exact_size};
use crate::rule;

/// What branches and traps can test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Test {
    /// A test of the flags.
    Flags(FlagTest<Cond>),
    /// A test whether a register is zero.
    Zero {
        /// The size of the register.
        size: OperandSize,
        /// The register.
        register: VReg,
        /// Whether the test holds if it is zero.
        holds_if_zero: bool,
    },
    /// A test whether a bit of a register is zero.
    Bit {
        /// The register.
        register: VReg,
        /// The bit's number.
        bit: i32,
        /// Whether the test holds if it is zero.
        holds_if_zero: bool,
    },
}

impl Complement for Test {
    fn complement(self) -> Self {
        match self {
            Test::Flags(test) => Test::Flags(test.complement()),
            Test::Zero { size, register, holds_if_zero } => {
                Test::Zero { size, register, holds_if_zero: !holds_if_zero }
            }
            Test::Bit { register, bit, holds_if_zero } => {
                Test::Bit { register, bit, holds_if_zero: !holds_if_zero }
            }
        }
    }
}

impl Test {
    /// A test of one condition of the flags.
    pub const fn one(cond: Cond) -> Self {
        Test::Flags(FlagTest::One(cond))
    }

    /// Turns the test into one of the flags, and sets them if they are not set yet.
    pub fn in_flags(self, cx: &mut Cx) -> FlagTest<Cond> {
        let equal = |holds_if_zero| FlagTest::One(if holds_if_zero { Cond::Eq } else { Cond::Ne });
        match self {
            Test::Flags(test) => test,
            Test::Zero { size, register, holds_if_zero } => {
                CMP.flags(cx, size, register, 0);
                equal(holds_if_zero)
            }
            Test::Bit { register, bit, holds_if_zero } => {
                TST.flags(cx, Q64, register, mask(1 << bit, Q64));
                equal(holds_if_zero)
            }
        }
    }
}

/// The condition to test after an integer comparison.
pub fn int_cond(cc: IntCc) -> Cond {
    match cc {
        IntCc::Equal => Cond::Eq,
        IntCc::NotEqual => Cond::Ne,
        IntCc::SignedLessThan => Cond::Lt,
        IntCc::SignedGreaterThanOrEqual => Cond::Ge,
        IntCc::SignedGreaterThan => Cond::Gt,
        IntCc::SignedLessThanOrEqual => Cond::Le,
        IntCc::UnsignedLessThan => Cond::Lo,
        IntCc::UnsignedGreaterThanOrEqual => Cond::Hs,
        IntCc::UnsignedGreaterThan => Cond::Hi,
        IntCc::UnsignedLessThanOrEqual => Cond::Ls,
    }
}

/// The test after a comparison of floats.
pub fn float_test(cc: FloatCc) -> FlagTest<Cond> {
    use FloatCc::*;
    match cc {
        Ordered => FlagTest::One(Cond::Vc),
        Unordered => FlagTest::One(Cond::Vs),
        Equal => FlagTest::One(Cond::Eq),
        NotEqual => FlagTest::One(Cond::Ne),
        OrderedNotEqual => FlagTest::Either(Cond::Mi, Cond::Gt),
        UnorderedOrEqual => FlagTest::Either(Cond::Eq, Cond::Vs),
        LessThan => FlagTest::One(Cond::Mi),
        LessThanOrEqual => FlagTest::One(Cond::Ls),
        GreaterThan => FlagTest::One(Cond::Gt),
        GreaterThanOrEqual => FlagTest::One(Cond::Ge),
        UnorderedOrLessThan => FlagTest::One(Cond::Lt),
        UnorderedOrLessThanOrEqual => FlagTest::One(Cond::Le),
        UnorderedOrGreaterThan => FlagTest::One(Cond::Hi),
        UnorderedOrGreaterThanOrEqual => FlagTest::One(Cond::Pl),
    }
}

/// Sets the flags by whether an integer of any type is not zero.
pub fn test_in_flags(cx: &mut Cx, value: Value) -> FlagTest<Cond> {
    condition(cx, value, true).in_flags(cx)
}

impl Comparisons for Aarch64 {
    type Test = Test;

    fn compare_ints(cx: &mut Cx, cc: IntCc, a: Value, b: Value, _: bool) -> Test {
        let ty = cx.ty(a);
        let (cc, a, b) = in_order(cx, cc, a, b, false);
        let Some(constant) = cx.signed_constant(b) else {
            return Test::one(compare_registers(cx, cc, a, b));
        };
        let (cc, constant) = with_zero(cc, constant);
        match (cc, constant) {
            (IntCc::Equal | IntCc::NotEqual, 0) => zero(cx, cc == IntCc::Equal, a),
            (IntCc::SignedLessThan | IntCc::SignedGreaterThanOrEqual, 0) => {
                rule!(cx, "compare.sign");
                let register = cx.put(a);
                let holds_if_zero = cc == IntCc::SignedGreaterThanOrEqual;
                Test::Bit { register, bit: ty.bits() as i32 - 1, holds_if_zero }
            }
            _ => Test::one(compare_constant(cx, cc, a, constant)),
        }
    }

    fn compare_floats(cx: &mut Cx, cc: FloatCc, a: Value, b: Value, _: bool) -> Test {
        Test::Flags(compare_floats(cx, cc, a, b))
    }

    fn compare_quads(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Test {
        by_calls::compare(cx, cc, a, b)
    }

    fn compare_word(cx: &mut Cx, cc: IntCc, a: VReg) -> Test {
        CMP.flags(cx, L32, a, 0);
        Test::one(int_cond(cc))
    }

    fn is_not_zero(cx: &mut Cx, value: Value, _: bool) -> Test {
        compare_zero(cx, value, false)
    }

    fn test_bitwise(cx: &mut Cx, data: &InstData) -> Option<Test> {
        if chain::is_chain(cx, data) {
            rule!(cx, "condition.chain");
            return Some(Test::one(chain::push(cx, data)));
        }
        if data.opcode != Opcode::Band || data.ty.bits() > 64 {
            return None;
        }
        rule!(cx, "condition.test");
        Some(test_bits(cx, Value(data.a), Value(data.b), data.ty, false))
    }

    fn set(cx: &mut Cx, d: VReg, test: Test) {
        let test = test.in_flags(cx);
        set_by_flags(cx, d, test);
    }

    fn trap_on(cx: &mut Cx, test: Test, code: TrapCode) {
        match test {
            Test::Zero { size, register, holds_if_zero: true } => {
                rows::trap_z(cx, size, register, code.0);
                return;
            }
            Test::Zero { size, register, holds_if_zero: false } => {
                rows::trap_nz(cx, size, register, code.0);
                return;
            }
            _ => {}
        }
        match test.in_flags(cx) {
            FlagTest::One(cond) => rows::trap_if(cx, cond, code.0),
            FlagTest::Either(a, b) => {
                rows::trap_if(cx, a, code.0);
                rows::trap_if(cx, b, code.0);
            }
            FlagTest::Both(a, b) => rows::trap_both(cx, a, b as i32, code.0),
        }
    }
}

/// Sets the flags by comparing two floating-point numbers.
pub fn compare_floats(cx: &mut Cx, cc: FloatCc, a: Value, b: Value) -> FlagTest<Cond> {
    let size = exact_size(cx.ty(a));
    // The two zeros are equal.
    let is_zero = cx.float_constant(b).is_some_and(|bits| bits << (65 - size.bits()) == 0);
    let left = cx.put(a);
    if is_zero {
        rule!(cx, "fcmp.zero");
        rows::fcmp_z(cx, size, left);
    } else {
        let right = cx.put(b);
        rows::fcmp(cx, size, left, right);
    }
    float_test(cc)
}

/// Tests whether a value is zero or, without `holds_if_zero`, whether it is not.
pub fn compare_zero(cx: &mut Cx, value: Value, holds_if_zero: bool) -> Test {
    let ty = cx.ty(value);
    if ty == types::I128 {
        let (low, high) = cx.put_pair(value);
        let register = ORR.in_new(cx, Q64, low, high);
        return Test::Zero { size: Q64, register, holds_if_zero };
    }
    let register = cx.put(value);
    if ty.bits() < 32 && !cx.zero_extends(value) {
        TST.flags(cx, L32, register, mask((1 << ty.bits()) - 1, L32));
        return Test::one(if holds_if_zero { Cond::Eq } else { Cond::Ne });
    }
    Test::Zero { size: alu_size(ty), register, holds_if_zero }
}

/// Tests whether two values have no bit in common or, without `holds_if_zero`, whether they have one.
fn test_bits(cx: &mut Cx, a: Value, b: Value, ty: Type, holds_if_zero: bool) -> Test {
    let (a, b) = if cx.constant(a).is_some() { (b, a) } else { (a, b) };
    let size = alu_size(ty);
    let equal = Test::one(if holds_if_zero { Cond::Eq } else { Cond::Ne });
    if let Some(bits) = cx.constant(b) {
        if bits.is_power_of_two() {
            rule!(cx, "condition.bit");
            let register = cx.put(a);
            return Test::Bit { register, bit: bits.trailing_zeros() as i32, holds_if_zero };
        }
        if let Some(mask) = Bitmask::new(bits, size) {
            let a = cx.put(a);
            TST.flags(cx, size, a, Input::Mask(mask));
            return equal;
        }
    }
    if ty.bits() < 32 {
        let a = cx.put(a);
        let b = cx.put(b);
        let common = AND.in_new(cx, L32, a, b);
        TST.flags(cx, L32, common, mask((1 << ty.bits()) - 1, L32));
        return equal;
    }
    let a = cx.put(a);
    let b = logic_operand(cx, b, ty);
    TST.flags(cx, size, a, b);
    equal
}

/// Like [`compare_zero`], but folds the instruction that defines the value.
fn zero(cx: &mut Cx, holds_if_zero: bool, value: Value) -> Test {
    // Do not fold the value if another lowering of this comparison has asked for it.
    if !cx.is_used(value)
        && let Some(inst) = cx.unique(value)
    {
        let data = cx.f.insts[inst];
        let (a, b) = (Value(data.a), Value(data.b));
        match data.opcode {
            Opcode::Band => {
                rule!(cx, "compare.test_band");
                return test_bits(cx, a, b, data.ty, holds_if_zero);
            }
            Opcode::Iadd if data.ty.bits() >= 32 && cx.constant(b).is_none() => {
                rule!(cx, "compare.negated");
                let a = cx.put(a);
                let b = sum_operand(cx, b, data.ty);
                CMN.flags(cx, alu_size(data.ty), a, b);
                return Test::one(if holds_if_zero { Cond::Eq } else { Cond::Ne });
            }
            _ => {}
        }
    }
    compare_zero(cx, value, holds_if_zero)
}

/// Compares integers of up to 64 bits, neither of them a constant.
fn compare_registers(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Cond {
    let ty = cx.ty(a);
    let size = alu_size(ty);
    if ty.bits() < 32 {
        let signed = cc.is_signed();
        let left = put_extended_to_32(cx, a, signed);
        let right = if !signed && cx.zero_extends(b) {
            Input::Reg(cx.put(b))
        } else {
            Input::Extended(cx.put(b), extension(ty, signed), 0)
        };
        CMP.flags(cx, size, left, right);
        return int_cond(cc);
    }
    let left = cx.put(a);
    let right = sum_operand(cx, b, ty);
    CMP.flags(cx, size, left, right);
    int_cond(cc)
}

/// The comparison with a constant that fits an immediate, or whose negation does.
fn comparison(constant: i64, size: OperandSize) -> Option<(&'static AluRows, Input)> {
    // Adding the negation of zero or of the lowest number would set the carry flag wrongly. But zero fits an
    // immediate, and the
    // lowest number's negation does not.
    let source = |(imm, high)| Input::Imm(imm, high);
    match imm12(register_bits(constant, size)) {
        Some(imm) => Some((&CMP, source(imm))),
        None => imm12(register_bits(constant.wrapping_neg(), size)).map(|imm| (&CMN, source(imm))),
    }
}

/// Compares an integer with a constant.
fn compare_constant(cx: &mut Cx, cc: IntCc, a: Value, constant: i64) -> Cond {
    let ty = cx.ty(a);
    let size = alu_size(ty);
    let narrow = ty.bits() < 32;
    let left = put_extended_to_32(cx, a, cc.is_signed());
    let constant = match narrow && !cc.is_signed() {
        true => constant & ((1 << ty.bits()) - 1),
        false => constant,
    };
    match comparison(constant, size) {
        Some((operation, source)) => {
            rule!(cx, "compare.imm");
            operation.flags(cx, size, left, source);
        }
        None => {
            let bits = register_bits(constant, size);
            let right = cx.kept_constant(bits);
            CMP.flags(cx, size, left, right);
        }
    }
    int_cond(cc)
}

/// Lowers icmp and fcmp.
pub fn compare(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (Value(data.a), Value(data.b));
    let test = match data.opcode {
        Opcode::Icmp => condition::compare_ints(cx, data.int_cc(), a, b, true),
        Opcode::Fcmp => Test::Flags(compare_floats(cx, data.float_cc(), a, b)),
        other => unexpected(other),
    };
    match test {
        Test::Bit { register, bit, holds_if_zero: false } => {
            rule!(cx, "compare.bit");
            bit_field(cx, d, register, bit);
        }
        Test::Bit { register, bit, holds_if_zero: true } if bit == 31 || bit == 63 => {
            rule!(cx, "compare.sign_clear");
            let size = if bit == 31 { L32 } else { Q64 };
            let inverted = cx.tmp(RegClass::Int);
            MVN.unary(cx, size, inverted, register);
            bit_field(cx, d, inverted, bit);
        }
        _ => {
            let test = test.in_flags(cx);
            set_by_flags(cx, d, test);
        }
    }
    Ok(())
}

/// `d` = a bit of a register.
fn bit_field(cx: &mut Cx, d: VReg, register: VReg, bit: i32) {
    let size = if bit < 32 { L32 } else { Q64 };
    rows::ubfm(cx, size, d, register, bit, bit);
}

/// Sets `d` to 1 if a test of the flags holds, else to 0.
pub fn set_by_flags(cx: &mut Cx, d: VReg, test: FlagTest<Cond>) {
    match test {
        FlagTest::One(cond) => rows::csinc_z(cx, L32, d, cond.complement()),
        FlagTest::Either(a, b) => {
            let first = cx.tmp(RegClass::Int);
            rows::csinc_z(cx, L32, first, a.complement());
            rows::csinc(cx, L32, d, first, ZERO, b.complement());
        }
        FlagTest::Both(a, b) => {
            let first = cx.tmp(RegClass::Int);
            rows::csinc_z(cx, L32, first, a.complement());
            rows::csel(cx, L32, d, first, ZERO, b);
        }
    }
}
