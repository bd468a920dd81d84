//! Comparisons, and how their results are tested.
//!
//! A target decides what a comparison leaves behind to be tested ([`Comparisons::Test`]): conditions on the
//! flags, a register that is zero or not, or a comparison that the branch itself does. This file has what all
//! targets ask about the operands, and tests of flags.

use super::context::Lower;
use super::vocabulary::Lowering;
use crate::ir::*;
use crate::machine::reg::VReg;

/// A condition code or test that has a complement.
pub trait Complement: Copy {
    /// Returns the code or test that holds exactly when this one does not.
    fn complement(self) -> Self;
}

/// A test of flags that are set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlagTest<C> {
    /// One condition.
    One(C),
    /// Both conditions.
    Both(C, C),
    /// Either condition.
    Either(C, C),
}

impl<C: Complement> Complement for FlagTest<C> {
    fn complement(self) -> Self {
        match self {
            FlagTest::One(a) => FlagTest::One(a.complement()),
            FlagTest::Both(a, b) => FlagTest::Either(a.complement(), b.complement()),
            FlagTest::Either(a, b) => FlagTest::Both(a.complement(), b.complement()),
        }
    }
}

/// How a target compares, and uses the result.
///
/// A test may stand for flags that are set. No instruction that changes them may be pushed before the test is
/// used, so operands are asked for first.
pub trait Comparisons: Lowering {
    /// What a comparison leaves behind to be tested.
    type Test: Complement;

    /// Compares integers of up to 64 bits. With `may_fold`, loads may be folded.
    fn compare_ints(cx: &mut Lower<'_, Self>, cc: IntCc, a: Value, b: Value, may_fold: bool) -> Self::Test;

    /// Compares f32 or f64. With `may_fold`, loads may be folded.
    fn compare_floats(
        cx: &mut Lower<'_, Self>,
        cc: FloatCc,
        a: Value,
        b: Value,
        may_fold: bool,
    ) -> Self::Test;

    /// Compares two f128.
    fn compare_quads(cx: &mut Lower<'_, Self>, cc: FloatCc, a: VReg, b: VReg) -> Self::Test;

    /// Compares an integer of 32 bits with zero, as a signed number.
    fn compare_word(cx: &mut Lower<'_, Self>, cc: IntCc, a: VReg) -> Self::Test;

    /// Tests whether an integer of any type is not zero. With `may_fold`, what defines it may be folded, if
    /// nothing else uses it.
    fn is_not_zero(cx: &mut Lower<'_, Self>, value: Value, may_fold: bool) -> Self::Test;

    /// Tests whether the result of a `band` or `bor` is not zero, if the target can do that without computing
    /// the result. Nothing else needs the result.
    fn test_bitwise(_: &mut Lower<'_, Self>, _: &InstData) -> Option<Self::Test> {
        None
    }

    /// Sets `d` to 1 if a test holds, else to 0.
    fn set(cx: &mut Lower<'_, Self>, d: VReg, test: Self::Test);

    /// Traps if a test holds.
    fn trap_on(cx: &mut Lower<'_, Self>, test: Self::Test, code: TrapCode);
}

/// Turns a comparison with 1 or -1 into an equivalent one with zero, if there is one: instructions compare
/// best with zero.
pub fn with_zero(cc: IntCc, constant: i64) -> (IntCc, i64) {
    use IntCc::*;
    match (cc, constant) {
        (UnsignedLessThan, 1) => (Equal, 0),
        (UnsignedGreaterThanOrEqual, 1) => (NotEqual, 0),
        (SignedLessThan, 1) => (SignedLessThanOrEqual, 0),
        (SignedGreaterThanOrEqual, 1) => (SignedGreaterThan, 0),
        (SignedGreaterThan, -1) => (SignedGreaterThanOrEqual, 0),
        (SignedLessThanOrEqual, -1) => (SignedLessThan, 0),
        other => other,
    }
}

/// Orders the operands of an integer comparison: a constant or, with `may_fold`, a load that can be folded
/// comes second.
pub fn in_order<I: Lowering>(
    cx: &Lower<I>,
    cc: IntCc,
    a: Value,
    b: Value,
    may_fold: bool,
) -> (IntCc, Value, Value) {
    let better_second = cx.constant(a).is_some()
        || (may_fold && cx.sinkable_load(b).is_none() && cx.sinkable_load(a).is_some());
    match better_second && cx.constant(b).is_none() {
        true => (cc.swap_args(), b, a),
        false => (cc, a, b),
    }
}
