//! Comparisons, and everything that consumes a condition: set, select, branch, trap.
//!
//! A condition is found by `condition`, which pushes the instructions that set the flags, if it takes any, and says
//! what to test: the flags, a register for zero, or one bit of it. Nothing but comparisons and arithmetic on several
//! registers changes the flags; constants, addresses and extensions do not.

use super::super::operands::{Bitmask, Cond, OperandSize};
use super::super::regs::ZERO;
use super::super::rows;
use super::operands::*;
use super::{chain, wide};
use crate::ir::*;
use crate::lower::condition::{self, ConditionCode, TestedValue};
use crate::lower::context::Unsupported;
use crate::machine::inst::Label;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// What the flags say once they are set.
pub type Test = condition::Test<Cond>;

/// What a branch can test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// The flags.
    Flags(Test),
    /// Whether a register is zero, or not.
    Zero {
        /// The size in which it is looked at.
        size: OperandSize,
        /// The register.
        register: VReg,
        /// Whether it is to be zero.
        holds_if_zero: bool,
    },
    /// Whether a bit of a register is zero, or not.
    Bit {
        /// The register.
        register: VReg,
        /// The bit's number.
        bit: i32,
        /// Whether it is to be zero.
        holds_if_zero: bool,
    },
}

impl Condition {
    fn complement(self) -> Self {
        match self {
            Condition::Flags(test) => Condition::Flags(test.complement()),
            Condition::Zero { size, register, holds_if_zero } => {
                Condition::Zero { size, register, holds_if_zero: !holds_if_zero }
            }
            Condition::Bit { register, bit, holds_if_zero } => {
                Condition::Bit { register, bit, holds_if_zero: !holds_if_zero }
            }
        }
    }

    /// The same as a test of the flags, which are set if they are not yet.
    pub fn in_flags(self, cx: &mut Cx) -> Test {
        let equal = |holds_if_zero| Test::One(if holds_if_zero { Cond::Eq } else { Cond::Ne });
        match self {
            Condition::Flags(test) => test,
            Condition::Zero { size, register, holds_if_zero } => {
                CMP.flags(cx, size, register, 0);
                equal(holds_if_zero)
            }
            Condition::Bit { register, bit, holds_if_zero } => {
                TST.flags(cx, Q, register, mask(1 << bit, Q));
                equal(holds_if_zero)
            }
        }
    }
}

/// The condition an integer comparison tests after `cmp`.
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

/// What a floating-point comparison tests after `fcmp`.
pub fn float_test(cc: FloatCc) -> Test {
    use FloatCc::*;
    match cc {
        Ordered => Test::One(Cond::Vc),
        Unordered => Test::One(Cond::Vs),
        Equal => Test::One(Cond::Eq),
        NotEqual => Test::One(Cond::Ne),
        OrderedNotEqual => Test::Either(Cond::Mi, Cond::Gt),
        UnorderedOrEqual => Test::Either(Cond::Eq, Cond::Vs),
        LessThan => Test::One(Cond::Mi),
        LessThanOrEqual => Test::One(Cond::Ls),
        GreaterThan => Test::One(Cond::Gt),
        GreaterThanOrEqual => Test::One(Cond::Ge),
        UnorderedOrLessThan => Test::One(Cond::Lt),
        UnorderedOrLessThanOrEqual => Test::One(Cond::Le),
        UnorderedOrGreaterThan => Test::One(Cond::Hi),
        UnorderedOrGreaterThanOrEqual => Test::One(Cond::Pl),
    }
}

/// Sets the flags by comparing two floating-point numbers.
pub fn compare_floats(cx: &mut Cx, cc: FloatCc, a: Value, b: Value) -> Test {
    let size = OperandSize::from_bits(cx.ty(a).bits());
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

/// Whether `value` (of any integer type) is not zero.
pub fn condition(cx: &mut Cx, value: Value, unique: bool) -> Condition {
    let found = condition::tested_value(cx, value, unique);
    let condition = plain_condition(cx, found);
    if found.negated { condition.complement() } else { condition }
}

/// The same as a test of the flags.
pub fn test(cx: &mut Cx, value: Value) -> Test {
    condition(cx, value, true).in_flags(cx)
}

/// The condition of a value that is not looked through.
fn plain_condition(cx: &mut Cx, TestedValue { value, unique, direct, .. }: TestedValue) -> Condition {
    if let Some(inst) = cx.def_inst(value) {
        let data = cx.f.insts[inst];
        let (a, b) = (Value(data.a), Value(data.b));
        match data.opcode {
            Opcode::Icmp if unique || !cx.is_used(value) => {
                rule!(cx, "condition.icmp");
                return compare_ints(cx, data.int_cc(), a, b);
            }
            Opcode::Fcmp if unique || !cx.is_used(value) => {
                rule!(cx, "condition.fcmp");
                return Condition::Flags(compare_floats(cx, data.float_cc(), a, b));
            }
            Opcode::Band | Opcode::Bor if unique && chain::is_chain(cx, &data) => {
                rule!(cx, "condition.chain");
                return Condition::Flags(Test::One(chain::push(cx, &data)));
            }
            Opcode::Band if unique && data.ty.bits() <= 64 => {
                rule!(cx, "condition.test");
                return test_bits(cx, a, b, data.ty, false);
            }
            _ if unique && direct => {
                if let Some(cond) = super::overflow::fuse(cx, inst, value) {
                    return Condition::Flags(Test::One(cond));
                }
            }
            _ => {}
        }
    }
    compare_zero(cx, value, false)
}

/// Whether a value is zero, or is not.
fn compare_zero(cx: &mut Cx, value: Value, holds_if_zero: bool) -> Condition {
    let ty = cx.ty(value);
    if ty == types::I128 {
        let (low, high) = cx.put_pair(value);
        let register = ORR.in_new(cx, Q, low, high);
        return Condition::Zero { size: Q, register, holds_if_zero };
    }
    let register = cx.put(value);
    if ty.bits() < 32 && !cx.zero_extends(value) {
        TST.flags(cx, L, register, mask((1 << ty.bits()) - 1, L));
        return Condition::Flags(Test::One(if holds_if_zero { Cond::Eq } else { Cond::Ne }));
    }
    Condition::Zero { size: alu_size(ty), register, holds_if_zero }
}

/// Whether two values have no bit in common, or some.
fn test_bits(cx: &mut Cx, a: Value, b: Value, ty: Type, holds_if_zero: bool) -> Condition {
    let (a, b) = if cx.constant(a).is_some() { (b, a) } else { (a, b) };
    let size = alu_size(ty);
    let equal = Condition::Flags(Test::One(if holds_if_zero { Cond::Eq } else { Cond::Ne }));
    if let Some(bits) = cx.constant(b) {
        if bits.is_power_of_two() {
            rule!(cx, "condition.bit");
            let register = cx.put(a);
            return Condition::Bit { register, bit: bits.trailing_zeros() as i32, holds_if_zero };
        }
        if let Some(mask) = Bitmask::new(bits, size) {
            let a = cx.put(a);
            TST.flags(cx, size, a, Source::Mask(mask));
            return equal;
        }
    }
    if ty.bits() < 32 {
        let a = cx.put(a);
        let b = cx.put(b);
        let common = AND.in_new(cx, L, a, b);
        TST.flags(cx, L, common, mask((1 << ty.bits()) - 1, L));
        return equal;
    }
    let a = cx.put(a);
    let b = logic_operand(cx, b, ty);
    TST.flags(cx, size, a, b);
    equal
}

/// Compares two integers.
pub fn compare_ints(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Condition {
    let ty = cx.ty(a);
    if ty == types::I128 {
        return compare_wide(cx, cc, a, b);
    }
    let (cc, a, b) = condition::in_order(cx, cc, a, b, false);
    let Some(constant) = cx.signed_constant(b) else {
        return Condition::Flags(Test::One(compare_registers(cx, cc, a, b)));
    };
    let (cc, constant) = condition::with_zero(cc, constant);
    match (cc, constant) {
        (IntCc::Equal | IntCc::NotEqual, 0) => zero(cx, cc == IntCc::Equal, a),
        (IntCc::SignedLessThan | IntCc::SignedGreaterThanOrEqual, 0) => {
            rule!(cx, "compare.sign");
            let register = cx.put(a);
            let holds_if_zero = cc == IntCc::SignedGreaterThanOrEqual;
            Condition::Bit { register, bit: ty.bits() as i32 - 1, holds_if_zero }
        }
        _ => Condition::Flags(Test::One(compare_constant(cx, cc, a, constant))),
    }
}

fn compare_wide(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Condition {
    match (cc, cx.wide_constant(b)) {
        (IntCc::Equal | IntCc::NotEqual, Some(0)) => compare_zero(cx, a, cc == IntCc::Equal),
        (IntCc::SignedLessThan | IntCc::SignedGreaterThanOrEqual, Some(0)) => {
            rule!(cx, "wide.compare_sign");
            let (_, register) = cx.put_pair(a);
            Condition::Bit { register, bit: 63, holds_if_zero: cc == IntCc::SignedGreaterThanOrEqual }
        }
        _ => Condition::Flags(Test::One(wide::compare(cx, cc, a, b))),
    }
}

/// Whether a value is zero, or is not, seen through what makes it.
fn zero(cx: &mut Cx, holds_if_zero: bool, value: Value) -> Condition {
    // Another lowering of this comparison may have asked for it: then it keeps its operands.
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
                return Condition::Flags(Test::One(if holds_if_zero { Cond::Eq } else { Cond::Ne }));
            }
            _ => {}
        }
    }
    compare_zero(cx, value, holds_if_zero)
}

/// The operands of a comparison up to 64 bits, neither a constant.
fn compare_registers(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Cond {
    let ty = cx.ty(a);
    let size = alu_size(ty);
    if ty.bits() < 32 {
        let signed = cc.is_signed();
        let left = put_extended(cx, a, signed);
        let right = if !signed && cx.zero_extends(b) {
            Source::Reg(cx.put(b))
        } else {
            Source::Extended(cx.put(b), extension(ty, signed), 0)
        };
        CMP.flags(cx, size, left, right);
        return int_cond(cc);
    }
    let left = cx.put(a);
    let right = sum_operand(cx, b, ty);
    CMP.flags(cx, size, left, right);
    int_cond(cc)
}

/// A constant that instructions compare with: itself, or its negation.
fn comparison(constant: i64, size: OperandSize) -> Option<(&'static Operation, Source)> {
    // Comparing with the negation of zero or of the lowest number would be wrong, but neither gets there or fits.
    let source = |(imm, high)| Source::Imm(imm, high);
    match imm12(bits_of(constant, size)) {
        Some(imm) => Some((&CMP, source(imm))),
        None => imm12(bits_of(constant.wrapping_neg(), size)).map(|imm| (&CMN, source(imm))),
    }
}

fn compare_constant(cx: &mut Cx, cc: IntCc, a: Value, constant: i64) -> Cond {
    let ty = cx.ty(a);
    let size = alu_size(ty);
    let narrow = ty.bits() < 32;
    let left = put_extended(cx, a, cc.is_signed());
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
            let bits = bits_of(constant, size);
            let right = cx.constant_register(bits);
            CMP.flags(cx, size, left, right);
        }
    }
    int_cond(cc)
}

/// icmp and fcmp as values.
pub fn compare(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (Value(data.a), Value(data.b));
    let condition = match data.opcode {
        Opcode::Icmp => compare_ints(cx, data.int_cc(), a, b),
        _ => Condition::Flags(compare_floats(cx, data.float_cc(), a, b)),
    };
    match condition {
        Condition::Bit { register, bit, holds_if_zero: false } => {
            rule!(cx, "compare.bit");
            bit_field(cx, d, register, bit);
        }
        Condition::Bit { register, bit, holds_if_zero: true } if bit == 31 || bit == 63 => {
            rule!(cx, "compare.sign_clear");
            let size = if bit == 31 { L } else { Q };
            let inverted = cx.tmp(RegClass::Int);
            MVN.unary(cx, size, inverted, register);
            bit_field(cx, d, inverted, bit);
        }
        _ => {
            let test = condition.in_flags(cx);
            set(cx, d, test);
        }
    }
    Ok(())
}

/// `d` = a bit of a register.
fn bit_field(cx: &mut Cx, d: VReg, register: VReg, bit: i32) {
    let size = if bit < 32 { L } else { Q };
    rows::ubfm(cx, size, d, register, bit, bit);
}

/// Sets `d` to 1 if a test holds, else to 0.
pub fn set(cx: &mut Cx, d: VReg, test: Test) {
    match test {
        Test::One(cond) => rows::csinc_z(cx, L, d, cond.complement()),
        Test::Either(a, b) => {
            let first = cx.tmp(RegClass::Int);
            rows::csinc_z(cx, L, first, a.complement());
            rows::csinc(cx, L, d, first, ZERO, b.complement());
        }
        Test::Both(a, b) => {
            let first = cx.tmp(RegClass::Int);
            rows::csinc_z(cx, L, first, a.complement());
            rows::csel(cx, L, d, first, ZERO, b);
        }
    }
}

/// Branches to `then` if a condition holds, else to `other`.
pub fn branch(cx: &mut Cx, condition: Condition, then: Label, other: Label) {
    match condition {
        Condition::Flags(Test::One(cond)) => {
            rule!(cx, "branch.one");
            rows::br_cc(cx, cond, then, other);
        }
        Condition::Flags(Test::Either(a, b)) => {
            rule!(cx, "branch.either");
            rows::br_either(cx, a, b as i32, then, other);
        }
        Condition::Flags(Test::Both(a, b)) => {
            rule!(cx, "branch.both");
            rows::br_either(cx, a.complement(), b.complement() as i32, other, then);
        }
        Condition::Zero { size, register, holds_if_zero } => {
            rule!(cx, "branch.zero");
            match holds_if_zero {
                true => rows::br_z(cx, size, register, then, other),
                false => rows::br_nz(cx, size, register, then, other),
            }
        }
        Condition::Bit { register, bit, holds_if_zero } => {
            rule!(cx, "branch.bit");
            match holds_if_zero {
                true => rows::br_bz(cx, register, bit, then, other),
                false => rows::br_bnz(cx, register, bit, then, other),
            }
        }
    }
}

/// trapz and trapnz.
pub fn trap_if(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let mut condition = condition(cx, Value(data.a), true);
    if data.opcode == Opcode::Trapz {
        condition = condition.complement();
    }
    trap_on(cx, condition, data.trap_code());
    Ok(())
}

/// Traps if a condition holds.
pub fn trap_on(cx: &mut Cx, condition: Condition, code: TrapCode) {
    match condition {
        Condition::Zero { size, register, holds_if_zero: true } => {
            rows::trap_z(cx, size, register, code.0);
            return;
        }
        Condition::Zero { size, register, holds_if_zero: false } => {
            rows::trap_nz(cx, size, register, code.0);
            return;
        }
        _ => {}
    }
    match condition.in_flags(cx) {
        Test::One(cond) => rows::trap_if(cx, cond, code.0),
        Test::Either(a, b) => {
            rows::trap_if(cx, a, code.0);
            rows::trap_if(cx, b, code.0);
        }
        Test::Both(a, b) => rows::trap_both(cx, a, b as i32, code.0),
    }
}

/// Traps if the flags say so.
pub fn trap_on_flags(cx: &mut Cx, cond: Cond, code: TrapCode) {
    rows::trap_if(cx, cond, code.0);
}
