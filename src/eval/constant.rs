//! Constants, and opcodes without results.

use super::meaning::Meaning::Whole;
use super::meaning::{Operation, Outcome, Results, Row};
use super::{Fault, Immediate, Value};
use crate::ir::Opcode::*;

pub(super) const ROWS: &[Row] = &[
    (Iconst, Whole(scalar)),
    (F16const, Whole(scalar)),
    (F32const, Whole(scalar)),
    (F64const, Whole(scalar)),
    (F128const, Whole(bytes)),
    (Vconst, Whole(bytes)),
    (Nop, Whole(|_| Ok(Results::None))),
    (Trapz, Whole(|op| trap_if(op, op.bits(0) == 0))),
    (Trapnz, Whole(|op| trap_if(op, op.bits(0) != 0))),
];

fn scalar(op: &Operation) -> Outcome {
    match op.immediate {
        Immediate::Bits(bits) => Ok(op.scalar(u128::from(bits))),
        _ => Err(Fault::Impure),
    }
}

fn bytes(op: &Operation) -> Outcome {
    match op.immediate {
        Immediate::Bytes(bytes) => Ok(Results::One(Value::from_bytes(op.result_type(), bytes))),
        _ => Err(Fault::Impure),
    }
}

fn trap_if(op: &Operation, traps: bool) -> Outcome {
    match op.immediate {
        Immediate::Trap(code) if traps => Err(Fault::Trap(code)),
        _ => Ok(Results::None),
    }
}
