//! Bits: logic, shifts and rotations, counting, reversing.

use super::meaning::Meaning::{Lanes1, Lanes2, Whole};
use super::meaning::{Operation, Outcome, Row};
use super::value::{mask, signed};
use crate::ir::Opcode::*;

pub(super) const ROWS: &[Row] = &[
    (Band, Lanes2(|_, x, y| x & y)),
    (Bor, Lanes2(|_, x, y| x | y)),
    (Bxor, Lanes2(|_, x, y| x ^ y)),
    (Bnot, Lanes1(|_, x| !x)),
    (Rotl, Whole(|op| shift(op, rotate_left))),
    (Rotr, Whole(|op| shift(op, |bits, x, by| rotate_left(bits, x, bits - by)))),
    (Ishl, Whole(|op| shift(op, |_, x, by| x << by))),
    (Ushr, Whole(|op| shift(op, |_, x, by| x >> by))),
    (Sshr, Whole(|op| shift(op, |bits, x, by| (signed(bits, x) >> by) as u128))),
    (Bitrev, Lanes1(|bits, x| x.reverse_bits() >> (128 - bits))),
    (Bswap, Lanes1(|bits, x| x.swap_bytes() >> (128 - bits))),
    (Clz, Lanes1(leading_zeros)),
    (Cls, Lanes1(leading_signs)),
    (Ctz, Lanes1(|bits, x| u128::from(x.trailing_zeros().min(bits)))),
    (Popcnt, Lanes1(|_, x| u128::from(x.count_ones()))),
];

/// Shifts each lane by the scalar operand modulo the lane's width.
fn shift(op: &Operation, of: fn(u32, u128, u32) -> u128) -> Outcome {
    let bits = op.width();
    let by = (op.bits(1) % u128::from(bits)) as u32;
    Ok(op.lanes(|n| of(bits, op.args[0].lane(n), by)))
}

/// Rotates by at most the width.
fn rotate_left(bits: u32, x: u128, by: u32) -> u128 {
    let by = by % bits;
    // What is shifted by the whole width of 128 bits is not there.
    x << by | x.checked_shr(bits - by).unwrap_or(0)
}

fn leading_zeros(bits: u32, x: u128) -> u128 {
    u128::from(x.leading_zeros() - (128 - bits))
}

fn leading_signs(bits: u32, x: u128) -> u128 {
    let magnitude = if signed(bits, x) < 0 { !x & mask(bits) } else { x };
    leading_zeros(bits, magnitude) - 1
}
