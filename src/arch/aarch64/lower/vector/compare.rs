//! Comparisons, which give all ones or all zeros in each lane, and tests of all lanes.

use super::int::lane_size;
use super::memory::make_constant;
use super::shift::right;
use crate::arch::aarch64::lower::compare::Test;
use crate::arch::aarch64::lower::inputs::*;
use crate::arch::aarch64::operands::Shift;
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::Complement;
use crate::lower::context::Lowered;
use crate::lower::vector::{is_lane_mask, vector_constant};
use crate::lower::vector_moves::VectorMoves;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// Lowers icmp and fcmp.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (x, y) = (Value(data.a), Value(data.b));
    let size = lane_size(cx.ty(x));
    let d = cx.def(inst);
    if data.opcode == Opcode::Fcmp {
        let (a, b) = (cx.put(x), cx.put(y));
        compare_floats(cx, data.float_cc(), size, d, a, b);
        return Ok(());
    }
    let with_zero = vector_constant(cx, y) == Some([0; 16]);
    let a = cx.put(x);
    if !(with_zero && compare_with_zero(cx, data.int_cc(), size, d, a)) {
        let b = cx.put(y);
        compare_ints(cx, data.int_cc(), size, d, a, b);
    }
    Ok(())
}

/// Compares with zero by one instruction. Returns whether there is one.
fn compare_with_zero(cx: &mut Cx, cc: IntCc, size: OperandSize, d: VReg, a: VReg) -> bool {
    match cc {
        IntCc::Equal => rows::vcmeq_zero(cx, size, d, a),
        IntCc::SignedGreaterThan => rows::vcmgt_zero(cx, size, d, a),
        IntCc::SignedGreaterThanOrEqual => rows::vcmge_zero(cx, size, d, a),
        IntCc::SignedLessThan => rows::vcmlt_zero(cx, size, d, a),
        IntCc::SignedLessThanOrEqual => rows::vcmle_zero(cx, size, d, a),
        IntCc::NotEqual
        | IntCc::UnsignedGreaterThan
        | IntCc::UnsignedGreaterThanOrEqual
        | IntCc::UnsignedLessThan
        | IntCc::UnsignedLessThanOrEqual => return false,
    }
    true
}

fn compare_ints(cx: &mut Cx, cc: IntCc, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    match cc {
        IntCc::Equal => rows::vcmeq(cx, size, d, a, b),
        IntCc::NotEqual => not(cx, d, |cx, equal| rows::vcmeq(cx, size, equal, a, b)),
        IntCc::SignedGreaterThan => rows::vcmgt(cx, size, d, a, b),
        IntCc::SignedGreaterThanOrEqual => rows::vcmge(cx, size, d, a, b),
        IntCc::SignedLessThan => rows::vcmgt(cx, size, d, b, a),
        IntCc::SignedLessThanOrEqual => rows::vcmge(cx, size, d, b, a),
        IntCc::UnsignedGreaterThan => rows::vcmhi(cx, size, d, a, b),
        IntCc::UnsignedGreaterThanOrEqual => rows::vcmhs(cx, size, d, a, b),
        IntCc::UnsignedLessThan => rows::vcmhi(cx, size, d, b, a),
        IntCc::UnsignedLessThanOrEqual => rows::vcmhs(cx, size, d, b, a),
    }
}

/// `d` = the complement of what `compute` defines.
fn not(cx: &mut Cx, d: VReg, compute: impl FnOnce(&mut Cx, VReg)) {
    let opposite = cx.tmp(RegClass::Float);
    compute(cx, opposite);
    rows::not_16b(cx, d, opposite);
}

/// Compares floats. The processor's comparisons do not hold for NaNs.
fn compare_floats(cx: &mut Cx, cc: FloatCc, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    use FloatCc::*;
    match cc {
        Equal => rows::vfcmeq(cx, size, d, a, b),
        GreaterThan => rows::vfcmgt(cx, size, d, a, b),
        GreaterThanOrEqual => rows::vfcmge(cx, size, d, a, b),
        LessThan => rows::vfcmgt(cx, size, d, b, a),
        LessThanOrEqual => rows::vfcmge(cx, size, d, b, a),
        Ordered => both_numbers(cx, size, d, a, b),
        OrderedNotEqual => either_greater(cx, size, d, a, b),
        NotEqual
        | Unordered
        | UnorderedOrEqual
        | UnorderedOrLessThan
        | UnorderedOrLessThanOrEqual
        | UnorderedOrGreaterThan
        | UnorderedOrGreaterThanOrEqual => {
            not(cx, d, |cx, d| compare_floats(cx, cc.complement(), size, d, a, b));
        }
    }
}

/// Whether neither is a NaN.
fn both_numbers(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    let [first, second] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    rows::vfcmeq(cx, size, first, a, a);
    rows::vfcmeq(cx, size, second, b, b);
    rows::and_16b(cx, d, first, second);
}

/// Whether one is greater than the other.
fn either_greater(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    let [first, second] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    rows::vfcmgt(cx, size, first, a, b);
    rows::vfcmgt(cx, size, second, b, a);
    rows::orr_16b(cx, d, first, second);
}

/// Tests whether any bit is set.
pub fn any_lane(cx: &mut Cx, a: VReg) -> Test {
    let (folded, register) = (cx.tmp(RegClass::Float), cx.tmp(RegClass::Int));
    rows::vumaxpw(cx, folded, a, a);
    rows::fmov_rf(cx, Q64, register, folded);
    Test::Zero { size: Q64, register, holds_if_zero: false }
}

/// Tests whether no lane is zero.
pub fn all_lanes(cx: &mut Cx, size: OperandSize, a: VReg) -> Test {
    let zeros = cx.tmp(RegClass::Float);
    rows::vcmeq_zero(cx, size, zeros, a);
    any_lane(cx, zeros).complement()
}

/// Lowers vhigh_bits.
pub fn high_bits(cx: &mut Cx, inst: Inst, a: VReg) {
    let operand = Value(cx.f.insts[inst].a);
    let size = lane_size(cx.ty(operand));
    let (d, high) = cx.parts(cx.f.first_result(inst));
    let is_mask = is_lane_mask(cx, operand);
    collect_high_bits(cx, size, d, a, is_mask);
    if let Some(high) = high {
        rows::mov_r(cx, Q64, high, ZERO);
    }
}

/// Collects the top bits of the lanes: each lane gets its own bit if its top bit is set, and all are added.
/// All bits of a lane of a mask are like its top bit.
fn collect_high_bits(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, is_mask: bool) {
    let [bits, own] = [(); 2].map(|()| cx.tmp(RegClass::Float));
    if size == Q64 {
        rows::vushr(cx, Q64, own, a, right(Q64, 63));
        let [first, second] = [(); 2].map(|()| cx.tmp(RegClass::Int));
        Aarch64::split_halves(cx, [first, second], own);
        return rows::add_rs(cx, Q64, d, first, second, Shift::Lsl, 1);
    }
    let mut negative = a;
    if is_mask {
        rule!(cx, "high_bits.mask");
    } else {
        negative = cx.tmp(RegClass::Float);
        rows::vcmlt_zero(cx, size, negative, a);
    }
    let bytes = (size.bits() / 8) as usize;
    let own_bit = |at: usize| if at.is_multiple_of(bytes) { 1 << (at / bytes % 8) } else { 0 };
    make_constant(cx, bits, std::array::from_fn(own_bit));
    rows::and_16b(cx, own, negative, bits);
    let sum = cx.tmp(RegClass::Float);
    match size {
        B8 => {
            // The bits of the high lanes come into the high bytes of lanes of 16 bits.
            let [high, paired] = [(); 2].map(|()| cx.tmp(RegClass::Float));
            rows::ext_16b(cx, high, own, own, 8);
            rows::vzip1(cx, B8, paired, own, high);
            rows::vaddv(cx, W16, sum, paired);
        }
        W16 | L32 => rows::vaddv(cx, size, sum, own),
        other => unexpected(other),
    }
    rows::fmov_rf(cx, L32, d, sum);
}
