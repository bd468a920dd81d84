//! Conversions: between integers, between floats, from one to the other, and of bits as they are.

use super::float::{self, from_integer, to_integer};
use super::meaning::Meaning::Whole;
use super::meaning::{Operation, Outcome, Results, Row};
use super::value::{mask, signed};
use super::{Fault, Immediate, Value};
use crate::ir::Opcode::*;
use crate::ir::{Endianness, TrapCode};

pub(super) const ROWS: &[Row] = &[
    (Ireduce, Whole(|op| Ok(op.lanes(|n| op.args[0].lane(n))))),
    (Uextend, Whole(|op| Ok(op.lanes(|n| op.args[0].lane(n))))),
    (Sextend, Whole(|op| Ok(op.lanes(|n| signed(op.args[0].ty().lane_bits(), op.args[0].lane(n)) as u128)))),
    (Bmask, Whole(|op| Ok(op.scalar(if op.bits(0) != 0 { u128::MAX } else { 0 })))),
    (Isplit, Whole(|op| Ok(op.pair(op.bits(0), op.bits(0) >> (op.width() / 2))))),
    (Iconcat, Whole(|op| Ok(op.scalar(op.bits(0) | op.bits(1) << op.width())))),
    (Bitcast, Whole(bitcast)),
    (Fpromote, Whole(|op| Ok(op.lanes(|n| resized(op, n))))),
    (Fdemote, Whole(|op| Ok(op.lanes(|n| resized(op, n))))),
    (Fvdemote, Whole(|op| Ok(op.lanes(|n| if n < 2 { resized(op, n) } else { 0 })))),
    (FvpromoteLow, Whole(|op| Ok(op.lanes(|n| resized(op, n))))),
    (FcvtToUint, Whole(|op| to_int_or_trap(op, Sign::Unsigned))),
    (FcvtToSint, Whole(|op| to_int_or_trap(op, Sign::Signed))),
    (FcvtToUintSat, Whole(|op| Ok(op.lanes(|n| saturating_to_int(op, n, Sign::Unsigned))))),
    (FcvtToSintSat, Whole(|op| Ok(op.lanes(|n| saturating_to_int(op, n, Sign::Signed))))),
    (X86Cvtt2dq, Whole(|op| Ok(op.lanes(|n| lowest_or_int(op, n))))),
    (FcvtFromUint, Whole(|op| Ok(op.lanes(|n| from_int(op, n, Sign::Unsigned))))),
    (FcvtFromSint, Whole(|op| Ok(op.lanes(|n| from_int(op, n, Sign::Signed))))),
];

/// Whether integers are read as signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Signed,
    Unsigned,
}

/// The bytes that a store of the operand leaves, read as the result. A byte order matters only if lanes
/// change.
fn bitcast(op: &Operation) -> Outcome {
    let Immediate::Order(order) = op.immediate else { return Err(Fault::Impure) };
    let order = order.unwrap_or(Endianness::Little);
    Ok(Results::One(Value::from_memory(op.ty, &op.args[0].to_memory(order), order)))
}

/// A lane of the operand in the result's float format.
fn resized(op: &Operation, n: u32) -> u128 {
    let from = op.args[0].ty().lane_bits();
    float::resize(from, op.result_type().lane_bits(), op.args[0].lane(n))
}

/// The operand's lane as an integer of the result's lane, if it has one.
fn to_int(op: &Operation, n: u32, sign: Sign) -> Result<u128, float::NotAnInteger> {
    to_integer(op.args[0].ty().lane_bits(), op.args[0].lane(n), op.width(), sign)
}

fn to_int_or_trap(op: &Operation, sign: Sign) -> Outcome {
    match to_int(op, 0, sign) {
        Ok(bits) => Ok(op.scalar(bits)),
        Err(float::NotAnInteger::Nan) => Err(Fault::Trap(TrapCode::BAD_CONVERSION_TO_INTEGER)),
        Err(float::NotAnInteger::Beyond(_)) => Err(Fault::Trap(TrapCode::INTEGER_OVERFLOW)),
    }
}

fn saturating_to_int(op: &Operation, n: u32, sign: Sign) -> u128 {
    match to_int(op, n, sign) {
        Ok(bits) => bits,
        Err(float::NotAnInteger::Nan) => 0,
        Err(float::NotAnInteger::Beyond(nearest)) => nearest,
    }
}

/// The lowest integer stands for what is none.
fn lowest_or_int(op: &Operation, n: u32) -> u128 {
    to_int(op, n, Sign::Signed).unwrap_or(mask(op.width()) / 2 + 1)
}

fn from_int(op: &Operation, n: u32, sign: Sign) -> u128 {
    from_integer(op.args[0].ty().lane_bits(), op.args[0].lane(n), op.width(), sign)
}
