//! Comparisons, as what they leave behind to be tested.
//!
//! A target says what that is ([`Comparisons::Test`]): conditions of the flags, a register that is zero or not, or a
//! comparison that the branch itself does. Here is what all targets ask about the operands, and the vocabulary of flags.

use super::context::Lower;
use super::vocabulary::Lowering;
use crate::ir::*;
use crate::machine::reg::VReg;

/// What has an opposite: a condition code, or a test.
pub trait Complement: Copy {
    /// What holds exactly when this does not.
    fn complement(self) -> Self;
}

/// What to test of the flags once they are set.
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

/// How a target compares, and what it makes of the result.
///
/// A test may stand for flags that are set already: nothing that changes them may be pushed before it is used, so operands
/// are asked for first.
pub trait Comparisons: Lowering {
    /// What tells whether a condition holds.
    type Test: Complement;

    /// Compares integers of up to 64 bits; with `may_fold`, loads may be taken in.
    fn compare_ints(cx: &mut Lower<'_, Self>, cc: IntCc, a: Value, b: Value, may_fold: bool) -> Self::Test;

    /// Compares floats; with `may_fold`, loads may be taken in.
    fn compare_floats(
        cx: &mut Lower<'_, Self>,
        cc: FloatCc,
        a: Value,
        b: Value,
        may_fold: bool,
    ) -> Self::Test;

    /// Whether an integer of any type is not zero; with `may_fold`, loads may be taken in.
    fn is_not_zero(cx: &mut Lower<'_, Self>, value: Value, may_fold: bool) -> Self::Test;

    /// Whether the result of a `band` or `bor`, which nothing else needs, is not zero, if there is a better way than to
    /// compute it.
    fn test_bitwise(_: &mut Lower<'_, Self>, _: &InstData) -> Option<Self::Test> {
        None
    }

    /// Sets `d` to 1 if a test holds, else to 0.
    fn set(cx: &mut Lower<'_, Self>, d: VReg, test: Self::Test);

    /// Traps if a test holds.
    fn trap_on(cx: &mut Lower<'_, Self>, test: Self::Test, code: TrapCode);
}

/// A comparison with 1 or -1 as the same one with zero, where there is one: zero is what instructions test best.
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

/// The operands of an integer comparison, a constant second and, with `may_fold`, a load that can be folded.
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
