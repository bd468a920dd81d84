//! Arithmetic that says whether it overflowed, with and without a carry in.

use super::arith::{signed_high, unsigned_high};
use super::meaning::Meaning::Whole;
use super::meaning::{Operation, Outcome, Row};
use super::value::{mask, signed};
use super::{Fault, Immediate};
use crate::ir::Opcode::*;
use crate::ir::TrapCode;

pub(super) const ROWS: &[Row] = &[
    (UaddOverflow, Whole(|op| unsigned_sum(op, 0))),
    (UaddOverflowCin, Whole(|op| unsigned_sum(op, carry(op)))),
    (SaddOverflow, Whole(|op| signed_sum(op, 0))),
    (SaddOverflowCin, Whole(|op| signed_sum(op, carry(op)))),
    (UsubOverflow, Whole(|op| unsigned_difference(op, 0))),
    (UsubOverflowBin, Whole(|op| unsigned_difference(op, carry(op)))),
    (SsubOverflow, Whole(|op| signed_difference(op, 0))),
    (SsubOverflowBin, Whole(|op| signed_difference(op, carry(op)))),
    (UmulOverflow, Whole(unsigned_product)),
    (SmulOverflow, Whole(signed_product)),
    (UaddOverflowTrap, Whole(sum_or_trap)),
];

/// What comes in as a carry or borrow: 1 for any number but zero.
fn carry(op: &Operation) -> u128 {
    u128::from(op.bits(2) != 0)
}

fn unsigned_sum(op: &Operation, carry: u128) -> Outcome {
    let (sum, first) = op.bits(0).overflowing_add(op.bits(1));
    let (sum, second) = sum.overflowing_add(carry);
    Ok(op.pair(sum, u128::from(first || second || sum > mask(op.width()))))
}

fn unsigned_difference(op: &Operation, borrow: u128) -> Outcome {
    let (difference, first) = op.bits(0).overflowing_sub(op.bits(1));
    let (difference, second) = difference.overflowing_sub(borrow);
    Ok(op.pair(difference, u128::from(first || second)))
}

/// A signed sum overflows if its sign differs from that of both operands; a carry changes nothing about that.
fn signed_sum(op: &Operation, carry: u128) -> Outcome {
    let (x, y) = (op.bits(0), op.bits(1));
    let sum = x.wrapping_add(y).wrapping_add(carry);
    Ok(op.pair(sum, sign((x ^ sum) & (y ^ sum), op.width())))
}

fn signed_difference(op: &Operation, borrow: u128) -> Outcome {
    let (x, y) = (op.bits(0), op.bits(1));
    let difference = x.wrapping_sub(y).wrapping_sub(borrow);
    Ok(op.pair(difference, sign((x ^ y) & (x ^ difference), op.width())))
}

fn sign(x: u128, bits: u32) -> u128 {
    x >> (bits - 1) & 1
}

fn unsigned_product(op: &Operation) -> Outcome {
    let (bits, x, y) = (op.width(), op.bits(0), op.bits(1));
    Ok(op.pair(x.wrapping_mul(y), u128::from(unsigned_high(bits, x, y) != 0)))
}

/// A signed product fits if its high half repeats the sign of the low one.
fn signed_product(op: &Operation) -> Outcome {
    let (bits, x, y) = (op.width(), op.bits(0), op.bits(1));
    let low = x.wrapping_mul(y) & mask(bits);
    let repeated = if signed(bits, low) < 0 { mask(bits) } else { 0 };
    Ok(op.pair(low, u128::from(signed_high(bits, x, y) & mask(bits) != repeated)))
}

fn sum_or_trap(op: &Operation) -> Outcome {
    let sum = op.bits(0) + op.bits(1);
    if sum <= mask(op.width()) {
        return Ok(op.scalar(sum));
    }
    Err(Fault::Trap(match op.immediate {
        Immediate::Trap(code) => code,
        _ => TrapCode::INTEGER_OVERFLOW,
    }))
}
