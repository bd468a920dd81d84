//! Integer arithmetic: wrapping, saturating, of fixed-point numbers, with the high half of products, and
//! division.

use super::Fault;
use super::meaning::Meaning::{Lanes1, Lanes2, Whole};
use super::meaning::{Operation, Outcome, Row};
use super::value::{mask, signed};
use crate::ir::Opcode::*;
use crate::ir::TrapCode;

pub(super) const ROWS: &[Row] = &[
    (Iadd, Lanes2(|_, x, y| x.wrapping_add(y))),
    (Isub, Lanes2(|_, x, y| x.wrapping_sub(y))),
    (Ineg, Lanes1(|_, x| x.wrapping_neg())),
    (Iabs, Lanes1(|bits, x| signed(bits, x).unsigned_abs())),
    (Imul, Lanes2(|_, x, y| x.wrapping_mul(y))),
    (Umulhi, Lanes2(unsigned_high)),
    (Smulhi, Lanes2(signed_high)),
    (SqmulRoundSat, Lanes2(|bits, x, y| saturated(bits, fixed_point_product(bits, x, y)))),
    (X86Pmulhrsw, Lanes2(|bits, x, y| fixed_point_product(bits, x, y) as u128)),
    (Smin, Lanes2(|bits, x, y| signed(bits, x).min(signed(bits, y)) as u128)),
    (Umin, Lanes2(|_, x, y| x.min(y))),
    (Smax, Lanes2(|bits, x, y| signed(bits, x).max(signed(bits, y)) as u128)),
    (Umax, Lanes2(|_, x, y| x.max(y))),
    // Half of both and the carry of the lowest bits, which does not overflow.
    (AvgRound, Lanes2(|_, x, y| (x | y) - ((x ^ y) >> 1))),
    (UaddSat, Lanes2(|bits, x, y| x.saturating_add(y).min(mask(bits)))),
    (SaddSat, Lanes2(|bits, x, y| saturated(bits, signed(bits, x).saturating_add(signed(bits, y))))),
    (UsubSat, Lanes2(|_, x, y| x.saturating_sub(y))),
    (SsubSat, Lanes2(|bits, x, y| saturated(bits, signed(bits, x).saturating_sub(signed(bits, y))))),
    (Udiv, Whole(|op| unsigned_division(op, |x, y| x / y))),
    (Urem, Whole(|op| unsigned_division(op, |x, y| x % y))),
    (Sdiv, Whole(signed_quotient)),
    (Srem, Whole(signed_remainder)),
];

/// The nearest number that `bits` bits hold as a signed one.
pub(super) fn saturated(bits: u32, x: i128) -> u128 {
    let greatest = (mask(bits) >> 1) as i128;
    x.clamp(-greatest - 1, greatest) as u128
}

/// The high half of the product of two numbers of `bits` bits.
pub(super) fn unsigned_high(bits: u32, x: u128, y: u128) -> u128 {
    if bits <= 64 {
        return (x * y) >> bits;
    }
    let half = u128::from(u64::MAX);
    let (xl, xh, yl, yh) = (x & half, x >> 64, y & half, y >> 64);
    let middle = xh * yl + ((xl * yl) >> 64);
    let other = xl * yh + (middle & half);
    xh * yh + (middle >> 64) + (other >> 64)
}

/// The high half of the product of two signed numbers of `bits` bits: a negative factor counts 2^bits too
/// much as an unsigned one, and the product the other factor times that.
pub(super) fn signed_high(bits: u32, x: u128, y: u128) -> u128 {
    let excess = |x: u128, y: u128| if signed(bits, x) < 0 { y } else { 0 };
    unsigned_high(bits, x, y).wrapping_sub(excess(x, y)).wrapping_sub(excess(y, x))
}

/// The product of two numbers whose point is behind the sign bit, rounded.
fn fixed_point_product(bits: u32, x: u128, y: u128) -> i128 {
    let fraction = bits - 1;
    (signed(bits, x) * signed(bits, y) + (1 << (fraction - 1))) >> fraction
}

fn divisor(op: &Operation) -> Result<u128, Fault> {
    match op.bits(1) {
        0 => Err(Fault::Trap(TrapCode::INTEGER_DIVISION_BY_ZERO)),
        divisor => Ok(divisor),
    }
}

fn unsigned_division(op: &Operation, of: fn(u128, u128) -> u128) -> Outcome {
    let divisor = divisor(op)?;
    Ok(op.scalar(of(op.bits(0), divisor)))
}

fn signed_quotient(op: &Operation) -> Outcome {
    let bits = op.width();
    let (x, y) = (signed(bits, op.bits(0)), signed(bits, divisor(op)?));
    let quotient = x.checked_div(y).filter(|&q| saturated(bits, q) == q as u128);
    match quotient {
        Some(quotient) => Ok(op.scalar(quotient as u128)),
        None => Err(Fault::Trap(TrapCode::INTEGER_OVERFLOW)),
    }
}

fn signed_remainder(op: &Operation) -> Outcome {
    let bits = op.width();
    let (x, y) = (signed(bits, op.bits(0)), signed(bits, divisor(op)?));
    Ok(op.scalar(x.wrapping_rem(y) as u128))
}
