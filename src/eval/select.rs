//! Choices between two values: as a whole, by bit, by lane.

use super::meaning::Meaning::{Lanes3, Whole};
use super::meaning::{Operation, Outcome, Results, Row};
use super::value::signed;
use crate::ir::Opcode::*;

pub(super) const ROWS: &[Row] = &[
    (Select, Whole(select)),
    (SelectSpectreGuard, Whole(select)),
    (Bitselect, Lanes3(|_, mask, x, y| mask & x | !mask & y)),
    (Blendv, Lanes3(|bits, mask, x, y| if signed(bits, mask) < 0 { x } else { y })),
];

fn select(op: &Operation) -> Outcome {
    let chosen = if op.bits(0) != 0 { &op.args[1] } else { &op.args[2] };
    Ok(Results::One(chosen.clone()))
}
