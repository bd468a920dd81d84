//! The rows of aarch64 and their constructors, generated from `isa/aarch64/*.inst`.
//!
//! A constructor's name is that of its row, with `_` for `.` and without the size letter: `add{w,x}.rr` gives
//! `add_rr(sink, size, d, a, b)`. Its parameters are
//!
//! - the sink, and the size if the row is one of a family;
//! - the operands in the order of the row, including fixed registers and sources of tied operands; a symbol
//!   is followed by its addend;
//! - for calls and returns, further register operands;
//! - a trap code, if the row has the property `trap`.
//!
//! A source register may be [`ZERO`](super::regs::ZERO), except in rows whose comment says that number 31 is
//! the stack pointer.

#![allow(clippy::too_many_arguments, reason = "a constructor has as many as its instruction has operands")]

use super::format::{Format, PATTERN};
use super::operands::Cond;
use super::regs;
use super::regs::reading;
use crate::machine::amode::Amode;
use crate::machine::inst::{Class, InstSink, Label, OperandForm, OperandSpec, Props, Role, Row, RowId};
use crate::machine::reg::{Operand, OperandConstraint, OperandPos, PRegSet, VReg};
use crate::machine::size::OperandSize;
use crate::machine::symbol::SymbolRef;

include!(concat!(env!("OUT_DIR"), "/aarch64.rs"));

/// The constant bits of a row's instruction.
#[inline]
pub const fn pattern(row: RowId) -> u32 {
    ROWS[row.0 as usize].params[PATTERN]
}
