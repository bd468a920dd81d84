//! Comparisons: 1 or 0 for scalars, lanes of ones or zeros for vectors.

use std::cmp::Ordering;

use super::float::compare;
use super::meaning::Meaning::Whole;
use super::meaning::{Operation, Outcome, Row};
use super::value::signed;
use super::{Fault, Immediate};
use crate::ir::Opcode::*;
use crate::ir::{FloatCc, IntCc};

pub(super) const ROWS: &[Row] = &[(Icmp, Whole(icmp)), (Fcmp, Whole(fcmp))];

/// Compares by lane.
fn by_lane(op: &Operation, holds: impl Fn(u128, u128) -> bool) -> Outcome {
    let (x, y) = (&op.args[0], &op.args[1]);
    let is = if op.ty.is_vector() { u128::MAX } else { 1 };
    Ok(op.lanes(|n| if holds(x.lane(n), y.lane(n)) { is } else { 0 }))
}

fn icmp(op: &Operation) -> Outcome {
    let Immediate::IntCc(condition) = op.immediate else { return Err(Fault::Impure) };
    let bits = op.width();
    by_lane(op, |x, y| int_holds(condition, bits, x, y))
}

/// Whether an integer condition holds of numbers of so many bits.
pub(crate) fn int_holds(condition: IntCc, bits: u32, x: u128, y: u128) -> bool {
    let (sx, sy) = (signed(bits, x), signed(bits, y));
    match condition {
        IntCc::Equal => x == y,
        IntCc::NotEqual => x != y,
        IntCc::SignedLessThan => sx < sy,
        IntCc::SignedGreaterThanOrEqual => sx >= sy,
        IntCc::SignedGreaterThan => sx > sy,
        IntCc::SignedLessThanOrEqual => sx <= sy,
        IntCc::UnsignedLessThan => x < y,
        IntCc::UnsignedGreaterThanOrEqual => x >= y,
        IntCc::UnsignedGreaterThan => x > y,
        IntCc::UnsignedLessThanOrEqual => x <= y,
    }
}

fn fcmp(op: &Operation) -> Outcome {
    let Immediate::FloatCc(condition) = op.immediate else { return Err(Fault::Impure) };
    let bits = op.width();
    by_lane(op, |x, y| float_holds(condition, compare(bits, x, y)))
}

/// Whether a float condition holds of operands in this order; `None` is unordered.
fn float_holds(condition: FloatCc, order: Option<Ordering>) -> bool {
    let is = |wanted| order == Some(wanted);
    let (less, equal, greater) = (is(Ordering::Less), is(Ordering::Equal), is(Ordering::Greater));
    let unordered = order.is_none();
    match condition {
        FloatCc::Ordered => !unordered,
        FloatCc::Unordered => unordered,
        FloatCc::Equal => equal,
        FloatCc::NotEqual => !equal,
        FloatCc::OrderedNotEqual => less || greater,
        FloatCc::UnorderedOrEqual => unordered || equal,
        FloatCc::LessThan => less,
        FloatCc::UnorderedOrGreaterThanOrEqual => !less,
        FloatCc::LessThanOrEqual => less || equal,
        FloatCc::UnorderedOrGreaterThan => unordered || greater,
        FloatCc::GreaterThan => greater,
        FloatCc::UnorderedOrLessThanOrEqual => !greater,
        FloatCc::GreaterThanOrEqual => greater || equal,
        FloatCc::UnorderedOrLessThan => unordered || less,
    }
}
