//! Vectors: lanes put together, taken apart, exchanged, narrowed, widened and summed up.

use super::arith::saturated;
use super::meaning::Meaning::Whole;
use super::meaning::{Operation, Outcome, Results, Row};
use super::value::{mask, signed};
use super::{Fault, Immediate, Value};
use crate::ir::Opcode::*;

pub(super) const ROWS: &[Row] = &[
    (Splat, Whole(|op| Ok(op.lanes(|_| op.bits(0))))),
    (ScalarToVector, Whole(|op| Ok(op.lanes(|n| if n == 0 { op.bits(0) } else { 0 })))),
    (Insertlane, Whole(insert)),
    (Extractlane, Whole(|op| lane_number(op).map(|lane| op.scalar(op.args[0].lane(lane))))),
    (ExtractVector, Whole(extract_vector)),
    (Swizzle, Whole(|op| permute(op, |index| (index < 16).then_some(index)))),
    (X86Pshufb, Whole(|op| permute(op, |index| (index < 128).then_some(index % 16)))),
    (Shuffle, Whole(shuffle)),
    (VanyTrue, Whole(|op| Ok(op.scalar(u128::from(!op.args[0].is_zero()))))),
    (VallTrue, Whole(|op| Ok(op.scalar(u128::from(op.args[0].lanes().all(|lane| lane != 0)))))),
    (VhighBits, Whole(high_bits)),
    (Snarrow, Whole(|op| narrow(op, |bits, x| saturated(bits / 2, signed(bits, x))))),
    (Unarrow, Whole(|op| narrow(op, |bits, x| signed(bits, x).clamp(0, mask(bits / 2) as i128) as u128))),
    (Uunarrow, Whole(|op| narrow(op, |bits, x| x.min(mask(bits / 2))))),
    (SwidenLow, Whole(|op| widen(op, Part::Low, |bits, x| signed(bits, x) as u128))),
    (SwidenHigh, Whole(|op| widen(op, Part::High, |bits, x| signed(bits, x) as u128))),
    (UwidenLow, Whole(|op| widen(op, Part::Low, |_, x| x))),
    (UwidenHigh, Whole(|op| widen(op, Part::High, |_, x| x))),
    (IaddPairwise, Whole(pairwise_sums)),
    (X86Pmaddubsw, Whole(multiply_add_bytes)),
];

/// Half of a vector's lanes.
enum Part {
    Low,
    High,
}

fn lane_number(op: &Operation) -> Result<u32, Fault> {
    match op.immediate {
        Immediate::Lane(lane) => Ok(lane),
        _ => Err(Fault::Impure),
    }
}

fn insert(op: &Operation) -> Outcome {
    let at = lane_number(op)?;
    Ok(op.lanes(|n| if n == at { op.bits(1) } else { op.args[0].lane(n) }))
}

/// Of a dynamic vector that has its minimum size, there is one part.
fn extract_vector(op: &Operation) -> Outcome {
    match lane_number(op)? {
        0 => Ok(op.lanes(|n| op.args[0].lane(n))),
        _ => Err(Fault::NoSuchPart),
    }
}

/// Lanes of the first operand, chosen by those of the second.
fn permute(op: &Operation, index: fn(u32) -> Option<u32>) -> Outcome {
    let (of, by) = (&op.args[0], &op.args[1]);
    Ok(op.lanes(|n| index(by.lane(n) as u32).map_or(0, |at| of.lane(at))))
}

fn shuffle(op: &Operation) -> Outcome {
    let Immediate::Bytes(mask) = op.immediate else { return Err(Fault::Impure) };
    Ok(op.lanes(|n| {
        let at = u32::from(mask[n as usize]);
        op.args[(at / 16) as usize].lane(at % 16)
    }))
}

/// The top bit of each lane, lane 0 lowest.
fn high_bits(op: &Operation) -> Outcome {
    let of = &op.args[0];
    let top = of.ty().lane_bits() - 1;
    let bits = (0..of.ty().lanes().min(op.width())).map(|n| (of.lane(n) >> top & 1) << n);
    Ok(op.scalar(bits.sum()))
}

/// Both operands' lanes one after the other, each narrowed.
fn narrow(op: &Operation, lane: fn(u32, u128) -> u128) -> Outcome {
    let (bits, lanes) = (op.width(), op.ty.lanes());
    Ok(op.lanes(|n| lane(bits, op.args[(n / lanes) as usize].lane(n % lanes))))
}

fn widen(op: &Operation, part: Part, lane: fn(u32, u128) -> u128) -> Outcome {
    let start = match part {
        Part::Low => 0,
        Part::High => op.ty.lanes() / 2,
    };
    Ok(op.lanes(|n| lane(op.width(), op.args[0].lane(start + n))))
}

/// Sums of neighbours, those of the first operand first.
fn pairwise_sums(op: &Operation) -> Outcome {
    let half = op.ty.lanes() / 2;
    Ok(op.lanes(|n| {
        let (of, pair) = (&op.args[(n / half) as usize], n % half);
        of.lane(2 * pair).wrapping_add(of.lane(2 * pair + 1))
    }))
}

/// Signed times unsigned bytes, neighbours added with saturation.
fn multiply_add_bytes(op: &Operation) -> Outcome {
    let (x, y) = (&op.args[0], &op.args[1]);
    let product = |n: u32| signed(8, x.lane(n)) * y.lane(n) as i128;
    let sum = |n: u32| saturated(16, product(2 * n) + product(2 * n + 1));
    Ok(Results::One(Value::from_lanes(op.result_type(), sum)))
}
