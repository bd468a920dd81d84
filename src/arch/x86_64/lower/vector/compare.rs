//! Comparisons of lanes, which give masks, and tests of all lanes with a scalar result.

use super::memory::operand;
use super::ops::{
    AND, EQUAL, EQUAL_QUAD, FLOAT_COMPARE, GREATER, GREATER_QUAD, MAX_UNSIGNED, MIN_UNSIGNED, OR,
    PACK_SIGNED, RIGHT_SIGNED, XOR,
};
use super::{both, has_sse41, has_sse42, lane_size, ones, repeated, zero};
use crate::arch::x86_64::lower::compare::Test;
use crate::arch::x86_64::lower::float::Op;
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::operands::Cond;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::{Complement, FlagTest};
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// Lowers icmp and fcmp.
pub fn compare(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let ty = cx.ty(Value(data.a));
    let result = cx.f.first_result(inst);
    let mask = match data.opcode {
        Opcode::Icmp => compare_ints(cx, &data, lane_size(ty)),
        Opcode::Fcmp => compare_floats(cx, &data, lane_size(ty)),
        other => unexpected(other),
    };
    cx.define_as(result, mask);
    Ok(())
}

fn compare_ints(cx: &mut Cx, data: &InstData, size: OperandSize) -> VReg {
    use IntCc::*;
    if size != Q64
        && let Some(mask) = compare_directly(cx, data, size)
    {
        return mask;
    }
    let (a, b) = both(cx, data);
    let complement = |cx: &mut Cx, mask| {
        let ones = ones(cx);
        XOR.value(cx, L32, mask, ones)
    };
    // `min(a, b) == a` if a <= b: there is no unsigned order.
    let by_extreme = if has_sse41(cx) { size != Q64 } else { size == B8 };
    match data.int_cc() {
        Equal => equal(cx, size, a, b),
        NotEqual => {
            let mask = equal(cx, size, a, b);
            complement(cx, mask)
        }
        SignedGreaterThan => greater(cx, size, a, b),
        SignedLessThan => greater(cx, size, b, a),
        SignedGreaterThanOrEqual => {
            let mask = greater(cx, size, b, a);
            complement(cx, mask)
        }
        SignedLessThanOrEqual => {
            let mask = greater(cx, size, a, b);
            complement(cx, mask)
        }
        UnsignedGreaterThanOrEqual if by_extreme => {
            rule!(cx, "vector.compare_extreme");
            let extreme = extreme(cx, &MAX_UNSIGNED, size, a, b);
            EQUAL.value(cx, size, extreme, a)
        }
        UnsignedLessThanOrEqual if by_extreme => {
            rule!(cx, "vector.compare_extreme");
            let extreme = extreme(cx, &MIN_UNSIGNED, size, a, b);
            EQUAL.value(cx, size, extreme, a)
        }
        UnsignedGreaterThan => greater_unsigned(cx, size, a, b),
        UnsignedLessThan => greater_unsigned(cx, size, b, a),
        UnsignedGreaterThanOrEqual => {
            let mask = greater_unsigned(cx, size, b, a);
            complement(cx, mask)
        }
        UnsignedLessThanOrEqual => {
            let mask = greater_unsigned(cx, size, a, b);
            complement(cx, mask)
        }
    }
}

/// Compares by a single instruction, whose second operand may be in memory, if there is one.
fn compare_directly(cx: &mut Cx, data: &InstData, size: OperandSize) -> Option<VReg> {
    let (a, b) = (Value(data.a), Value(data.b));
    let (op, a, b) = match data.int_cc() {
        // A two-operand form overwrites its first operand, which is better done to a load than to what the
        // loop keeps.
        IntCc::Equal if cx.flags.has_avx() => {
            let (a, b) = cx.commute(a, b);
            (&EQUAL, a, b)
        }
        IntCc::Equal => (&EQUAL, a, b),
        IntCc::SignedGreaterThan => (&GREATER, a, b),
        IntCc::SignedLessThan => (&GREATER, b, a),
        _ => return None,
    };
    let b = operand(cx, b);
    let a = cx.put(a);
    Some(op.value(cx, size, a, b))
}

fn extreme(cx: &mut Cx, ops: &[Op; 4], size: OperandSize, a: VReg, b: VReg) -> VReg {
    ops[size.bits().trailing_zeros() as usize - 3].value(cx, size, a, b)
}

/// A mask of the lanes that are equal.
pub fn equal(cx: &mut Cx, size: OperandSize, a: VReg, b: VReg) -> VReg {
    if size != Q64 {
        return EQUAL.value(cx, size, a, b);
    }
    if has_sse41(cx) {
        return EQUAL_QUAD.value(cx, Q64, a, b);
    }
    // Both halves must be equal.
    let halves = EQUAL.value(cx, L32, a, b);
    let exchanged = cx.tmp(RegClass::Float);
    rows::pshufd_rmi(cx, exchanged, halves, 0b1011_0001);
    AND.value(cx, L32, halves, exchanged)
}

/// A mask of the lanes where `a` is greater, as signed numbers.
pub fn greater(cx: &mut Cx, size: OperandSize, a: VReg, b: VReg) -> VReg {
    if size != Q64 {
        return GREATER.value(cx, size, a, b);
    }
    if has_sse42(cx) {
        return GREATER_QUAD.value(cx, Q64, a, b);
    }
    // High halves are compared as they are, low ones without signs.
    let low_signs = repeated(cx, Q64, 0x8000_0000);
    let (a, b) = (XOR.value(cx, L32, a, low_signs), XOR.value(cx, L32, b, low_signs));
    let greater = GREATER.value(cx, L32, a, b);
    let equal = EQUAL.value(cx, L32, a, b);
    let [low, high, high_equal] = [(); 3].map(|()| cx.tmp(RegClass::Float));
    rows::pshufd_rmi(cx, low, greater, 0b1010_0000);
    rows::pshufd_rmi(cx, high, greater, 0b1111_0101);
    rows::pshufd_rmi(cx, high_equal, equal, 0b1111_0101);
    let by_low = AND.value(cx, L32, low, high_equal);
    OR.value(cx, L32, by_low, high)
}

/// A mask of the lanes where `a` is greater, as unsigned numbers.
pub fn greater_unsigned(cx: &mut Cx, size: OperandSize, a: VReg, b: VReg) -> VReg {
    let signs = repeated(cx, size, 1 << (size.bits() - 1));
    let (a, b) = (XOR.value(cx, L32, a, signs), XOR.value(cx, L32, b, signs));
    greater(cx, size, a, b)
}

/// A mask of the lanes that are negative.
pub fn sign_mask(cx: &mut Cx, size: OperandSize, a: VReg) -> VReg {
    match size {
        B8 => {
            let zero = zero(cx);
            GREATER.value(cx, B8, zero, a)
        }
        W16 | L32 => RIGHT_SIGNED.value(cx, size, a, size.bits() - 1),
        Q64 => {
            let signs = RIGHT_SIGNED.value(cx, L32, a, 31);
            let d = cx.tmp(RegClass::Float);
            rows::pshufd_rmi(cx, d, signs, 0b1111_0101);
            d
        }
        other => unexpected(other),
    }
}

fn compare_floats(cx: &mut Cx, data: &InstData, size: OperandSize) -> VReg {
    use FloatCc::*;
    let (a, b) = (Value(data.a), Value(data.b));
    let (predicate, a, b) = match data.float_cc() {
        Equal => (0, a, b),
        LessThan => (1, a, b),
        LessThanOrEqual => (2, a, b),
        Unordered => (3, a, b),
        NotEqual => (4, a, b),
        UnorderedOrGreaterThanOrEqual => (5, a, b),
        UnorderedOrGreaterThan => (6, a, b),
        Ordered => (7, a, b),
        GreaterThan => (1, b, a),
        GreaterThanOrEqual => (2, b, a),
        UnorderedOrLessThanOrEqual => (5, b, a),
        UnorderedOrLessThan => (6, b, a),
        OrderedNotEqual => return two_comparisons(cx, data, size, [4, 7], &AND),
        UnorderedOrEqual => return two_comparisons(cx, data, size, [0, 3], &OR),
    };
    let b = operand(cx, b);
    let a = cx.put(a);
    FLOAT_COMPARE[predicate].value(cx, size, a, b)
}

/// Joins the masks of two comparisons.
fn two_comparisons(
    cx: &mut Cx,
    data: &InstData,
    size: OperandSize,
    predicates: [usize; 2],
    join: &Op,
) -> VReg {
    let (a, b) = both(cx, data);
    let [first, second] = predicates.map(|predicate| FLOAT_COMPARE[predicate].value(cx, size, a, b));
    join.value(cx, L32, first, second)
}

/// Tests whether any bit is set.
pub fn any_lane(cx: &mut Cx, a: VReg) -> Test {
    if has_sse41(cx) {
        rows::ptest_rm(cx, a, a);
        return FlagTest::One(Cond::Ne);
    }
    let zero = zero(cx);
    let equal = EQUAL.value(cx, B8, a, zero);
    let bits = cx.tmp(RegClass::Int);
    rows::pmovmskb(cx, bits, equal);
    rows::cmp_mi(cx, L32, bits, 0xFFFF);
    FlagTest::One(Cond::Ne)
}

/// Tests whether no lane is zero.
pub fn all_lanes(cx: &mut Cx, size: OperandSize, a: VReg) -> Test {
    let zero = zero(cx);
    let zeros = equal(cx, size, a, zero);
    any_lane(cx, zeros).complement()
}

/// Lowers vhigh_bits.
pub fn high_bits(cx: &mut Cx, inst: Inst, a: VReg) {
    let size = lane_size(cx.ty(Value(cx.f.insts[inst].a)));
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    match size {
        B8 => rows::pmovmskb(cx, d, a),
        W16 => {
            let zero = zero(cx);
            let bytes = PACK_SIGNED.value(cx, W16, a, zero);
            rows::pmovmskb(cx, d, bytes);
        }
        L32 | Q64 => rows::movmskp(cx, size, d, a),
        other => unexpected(other),
    }
    if let Some(d_high) = d_high {
        rows::zero_r(cx, d_high);
    }
}
