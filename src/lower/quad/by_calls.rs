//! f128 by library routines: those of compiler support libraries, and those of the C library for functions of
//! mathematics.
//!
//! What the routines for comparisons return is relied on only as far as they document it: whether it is less
//! than, equal to or greater than zero answers the question that a routine is named after, and for unordered
//! operands the answer is no.

use super::{QUIET, QuadLowering, constant, sign_operation};
use crate::ir::*;
use crate::lower::call::{CallLowering, LibcallValue, libcall, wide_libcall};
use crate::lower::context::Lower;
use crate::lower::wide::Pair;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::symbol::LibCall;

/// The C library's functions of f128, whose names depend on the type in C.
pub struct Functions {
    /// `sqrt`
    pub sqrt: LibCall,
    /// `fma`
    pub fma: LibCall,
    /// `ceil`
    pub ceil: LibCall,
    /// `floor`
    pub floor: LibCall,
    /// `trunc`
    pub trunc: LibCall,
    /// `nearest`
    pub nearest: LibCall,
}

/// Those of `long double`.
pub static LONG_DOUBLE: Functions = Functions {
    sqrt: LibCall::SqrtLong,
    fma: LibCall::FmaLong,
    ceil: LibCall::CeilLong,
    floor: LibCall::FloorLong,
    trunc: LibCall::TruncLong,
    nearest: LibCall::NearestLong,
};

/// Those of `_Float128`, where `long double` is another type.
pub static FLOAT128: Functions = Functions {
    sqrt: LibCall::SqrtF128,
    fma: LibCall::FmaF128,
    ceil: LibCall::CeilF128,
    floor: LibCall::FloorF128,
    trunc: LibCall::TruncF128,
    nearest: LibCall::NearestF128,
};

/// See [`QuadLowering::quad_arithmetic`].
pub fn arithmetic<I: QuadLowering>(
    cx: &mut Lower<'_, I>,
    functions: &Functions,
    opcode: Opcode,
    d: VReg,
    operands: [VReg; 3],
) {
    use Opcode::*;
    let (routine, count) = match opcode {
        Fadd => (LibCall::AddF128, 2),
        Fsub => (LibCall::SubF128, 2),
        Fmul => (LibCall::MulF128, 2),
        Fdiv => (LibCall::DivF128, 2),
        Sqrt => (functions.sqrt, 1),
        Fma => (functions.fma, 3),
        Ceil => (functions.ceil, 1),
        Floor => (functions.floor, 1),
        Trunc => (functions.trunc, 1),
        Nearest => (functions.nearest, 1),
        Fmin | Fmax => return extreme(cx, opcode == Fmin, d, operands),
        _ => return sign_operation(cx, opcode, types::F128, d, operands),
    };
    libcall(cx, routine, &operands[..count], &[d]);
}

/// `fmin` and `fmax`. The C library's functions of these names ignore NaNs.
fn extreme<I: QuadLowering>(cx: &mut Lower<'_, I>, lesser: bool, d: VReg, [a, b, _]: [VReg; 3]) {
    let [either, quiet, equal, ordered, not_greater] = [(); 5].map(|()| cx.tmp(RegClass::Float));
    // All ones in the exponent stay when bits are added.
    let bit = constant(cx, types::F128, QUIET);
    I::bitwise_whole(cx, Opcode::Bor, either, a, b);
    I::bitwise_whole(cx, Opcode::Bor, quiet, either, bit);
    // Of equal numbers, only zeros differ, in the sign.
    I::bitwise_whole(cx, if lesser { Opcode::Bor } else { Opcode::Band }, equal, a, b);
    let (below, above) = if lesser { (a, b) } else { (b, a) };
    let test = compare(cx, FloatCc::Unordered, a, b);
    I::select_whole(cx, ordered, test, quiet, equal);
    let test = compare(cx, FloatCc::LessThan, a, b);
    I::select_whole(cx, not_greater, test, below, ordered);
    let test = compare(cx, FloatCc::GreaterThan, a, b);
    I::select_whole(cx, d, test, above, not_greater);
}

/// Compares two f128; see [`Comparisons::compare_quads`](crate::lower::compare::Comparisons::compare_quads).
pub fn compare<I: QuadLowering>(cx: &mut Lower<'_, I>, cc: FloatCc, a: VReg, b: VReg) -> I::Test {
    use FloatCc::*;
    let (routine, cc) = match cc {
        Equal => (LibCall::EqF128, IntCc::Equal),
        NotEqual => (LibCall::EqF128, IntCc::NotEqual),
        LessThan => (LibCall::LtF128, IntCc::SignedLessThan),
        LessThanOrEqual => (LibCall::LeF128, IntCc::SignedLessThanOrEqual),
        GreaterThan => (LibCall::GtF128, IntCc::SignedGreaterThan),
        GreaterThanOrEqual => (LibCall::GeF128, IntCc::SignedGreaterThanOrEqual),
        Unordered => (LibCall::UnordF128, IntCc::NotEqual),
        Ordered => (LibCall::UnordF128, IntCc::Equal),
        UnorderedOrLessThan => (LibCall::GeF128, IntCc::SignedLessThan),
        UnorderedOrLessThanOrEqual => (LibCall::GtF128, IntCc::SignedLessThanOrEqual),
        UnorderedOrGreaterThan => (LibCall::LeF128, IntCc::SignedGreaterThan),
        UnorderedOrGreaterThanOrEqual => (LibCall::LtF128, IntCc::SignedGreaterThanOrEqual),
        UnorderedOrEqual => return compare_unordered_or_equal(cx, IntCc::Equal, a, b),
        OrderedNotEqual => return compare_unordered_or_equal(cx, IntCc::NotEqual, a, b),
    };
    let order = answer(cx, routine, a, b);
    I::compare_word(cx, cc, order)
}

/// Calls a routine that answers a question about two f128.
fn answer<I: QuadLowering>(cx: &mut Lower<'_, I>, routine: LibCall, a: VReg, b: VReg) -> VReg {
    let d = cx.tmp(RegClass::Int);
    libcall(cx, routine, &[a, b], &[d]);
    d
}

/// Tests whether two f128 are unordered or equal, or with `NotEqual`, whether they are neither.
fn compare_unordered_or_equal<I: QuadLowering>(
    cx: &mut Lower<'_, I>,
    cc: IntCc,
    a: VReg,
    b: VReg,
) -> I::Test {
    let equal = answer(cx, LibCall::EqF128, a, b);
    let unordered = answer(cx, LibCall::UnordF128, a, b);
    let (zero, difference) = (cx.constant_register(0), cx.tmp(RegClass::Int));
    let test = I::compare_word(cx, IntCc::NotEqual, unordered);
    I::move_if(cx, difference, test, zero, equal);
    I::compare_word(cx, cc, difference)
}

/// See [`QuadLowering::promote_to_quad`].
pub fn promote<I: CallLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg, from: Type) {
    let routine = if from == types::F32 { LibCall::PromoteF32F128 } else { LibCall::PromoteF64F128 };
    libcall(cx, routine, &[a], &[d]);
}

/// See [`QuadLowering::demote_quad`].
pub fn demote<I: CallLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg, to: Type) {
    let routine = if to == types::F32 { LibCall::DemoteF128F32 } else { LibCall::DemoteF128F64 };
    libcall(cx, routine, &[a], &[d]);
}

/// See [`QuadLowering::quad_from_int`].
pub fn from_int<I: CallLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg, signed: bool) {
    let routine = if signed { LibCall::FloatI64F128 } else { LibCall::FloatU64F128 };
    libcall(cx, routine, &[a], &[d]);
}

/// See [`QuadLowering::quad_from_wide`].
pub fn from_wide<I: CallLowering>(cx: &mut Lower<'_, I>, d: VReg, a: Pair, signed: bool) {
    let routine = if signed { LibCall::FloatI128F128 } else { LibCall::FloatU128F128 };
    wide_libcall(cx, routine, &[LibcallValue::Wide(a)], LibcallValue::Plain(d));
}

/// See [`QuadLowering::quad_to_int`].
pub fn to_int<I: CallLowering>(cx: &mut Lower<'_, I>, d: VReg, a: VReg, signed: bool) {
    let routine = if signed { LibCall::FixF128I64 } else { LibCall::FixF128U64 };
    libcall(cx, routine, &[a], &[d]);
}

/// See [`QuadLowering::quad_to_wide`].
pub fn to_wide<I: CallLowering>(cx: &mut Lower<'_, I>, d: Pair, a: VReg, signed: bool) {
    let routine = if signed { LibCall::FixF128I128 } else { LibCall::FixF128U128 };
    wide_libcall(cx, routine, &[LibcallValue::Plain(a)], LibcallValue::Wide(d));
}
