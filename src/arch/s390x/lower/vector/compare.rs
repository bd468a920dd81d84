//! Comparisons, which give all ones or all zeros in each lane, and tests of all lanes.

use super::int::{lane_size, tmps};
use super::memory::make_constant;
use crate::arch::s390x::lower::compare::Test;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::VReg;
use crate::machine::size::{OperandSize, Q64};

/// Lowers icmp and fcmp.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (x, y) = (Value(data.a), Value(data.b));
    let size = lane_size(cx.ty(x));
    let d = cx.def(inst);
    let (a, b) = (cx.put(x), cx.put(y));
    match data.opcode {
        Opcode::Fcmp => compare_floats(cx, data.float_cc(), size, d, a, b),
        Opcode::Icmp => compare_ints(cx, data.int_cc(), size, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

fn compare_ints(cx: &mut Cx, cc: IntCc, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    match cc {
        IntCc::Equal => rows::vceq(cx, size, d, a, b),
        IntCc::SignedGreaterThan => rows::vch(cx, size, d, a, b),
        IntCc::SignedLessThan => rows::vch(cx, size, d, b, a),
        IntCc::UnsignedGreaterThan => rows::vchl(cx, size, d, a, b),
        IntCc::UnsignedLessThan => rows::vchl(cx, size, d, b, a),
        IntCc::NotEqual => not(cx, d, |cx, d| rows::vceq(cx, size, d, a, b)),
        IntCc::SignedGreaterThanOrEqual => not(cx, d, |cx, d| rows::vch(cx, size, d, b, a)),
        IntCc::SignedLessThanOrEqual => not(cx, d, |cx, d| rows::vch(cx, size, d, a, b)),
        IntCc::UnsignedGreaterThanOrEqual => not(cx, d, |cx, d| rows::vchl(cx, size, d, b, a)),
        IntCc::UnsignedLessThanOrEqual => not(cx, d, |cx, d| rows::vchl(cx, size, d, a, b)),
    }
}

/// `d` = the complement of what `compute` defines.
fn not(cx: &mut Cx, d: VReg, compute: impl FnOnce(&mut Cx, VReg)) {
    let [opposite] = tmps(cx);
    compute(cx, opposite);
    rows::vno(cx, d, opposite, opposite);
}

/// Compares floats. The processor's comparisons do not hold for NaNs.
fn compare_floats(cx: &mut Cx, cc: FloatCc, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    use FloatCc::*;
    match cc {
        Equal => rows::vfce(cx, size, d, a, b),
        GreaterThan => rows::vfch(cx, size, d, a, b),
        GreaterThanOrEqual => rows::vfche(cx, size, d, a, b),
        LessThan => rows::vfch(cx, size, d, b, a),
        LessThanOrEqual => rows::vfche(cx, size, d, b, a),
        Ordered => {
            let [first, second] = tmps(cx);
            rows::vfce(cx, size, first, a, a);
            rows::vfce(cx, size, second, b, b);
            rows::vn(cx, d, first, second);
        }
        OrderedNotEqual => {
            let [first, second] = tmps(cx);
            rows::vfch(cx, size, first, a, b);
            rows::vfch(cx, size, second, b, a);
            rows::vo(cx, d, first, second);
        }
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

/// Tests whether any bit is set.
pub fn any_lane(cx: &mut Cx, a: VReg) -> Test {
    rows::vtm(cx, a, a);
    // Zeros only give code 0, ones only give code 3.
    Test::Code(Cond::O)
}

/// Tests whether no lane is zero.
pub fn all_lanes(cx: &mut Cx, size: OperandSize, a: VReg) -> Test {
    let [zero, zeros] = tmps(cx);
    make_constant(cx, zero, [0; 16]);
    rows::vceqs(cx, size, zeros, a, zero);
    // Code 3 says that no lanes are equal.
    Test::Code(Cond::O)
}

/// Lowers vhigh_bits.
pub fn high_bits(cx: &mut Cx, inst: Inst, a: VReg) {
    let size = lane_size(cx.ty(Value(cx.f.insts[inst].a)));
    let (d, high) = cx.parts(cx.f.first_result(inst));
    collect_high_bits(cx, size, d, a);
    if let Some(high) = high {
        rows::lhi_ri(cx, Q64, high, 0);
    }
}

/// Collects the top bits of the lanes. The last index gathers the lowest bit, that of lane 0.
fn collect_high_bits(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg) {
    let [indices, gathered] = tmps(cx);
    let lanes = 128 / size.bits() as usize;
    let index = |at: usize| if at < 16 - lanes { 0x80 } else { ((15 - at) * size.bits() as usize) as u8 };
    make_constant(cx, indices, std::array::from_fn(index));
    rows::vbperm(cx, gathered, a, indices);
    rows::vlgv(cx, Q64, d, gathered, 0);
}
