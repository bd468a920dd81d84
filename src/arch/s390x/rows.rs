//! The rows of s390x and their constructors, generated from `isa/s390x/*.inst`.
//!
//! A constructor's name is that of its row, with `_` for `.` and without the size letter: `a{w,g}.rrr` gives
//! `a_rrr(sink, size, d, a, b)`. Its parameters are
//!
//! - the sink, and the size if the row is one of a family;
//! - the operands in the order of the row; a symbol is followed by its addend;
//! - for calls and returns, further register operands;
//! - a trap code, if the row has the property `trap`.
//!
//! A row's name begins with the manual's mnemonic without its letter for 64 bits. Mnemonics for floating
//! point are irregular, so these rows have names of their own. After the dot stand the operands, destination
//! first: `r` is a register, `m` memory, `i` an immediate. A row with two letters overwrites its first
//! operand; a row with three does not.

#![allow(clippy::too_many_arguments, reason = "a constructor has as many as its instruction has operands")]

use super::format::Format;
use super::operands::Cond;
use super::regs;
use crate::machine::amode::Amode;
use crate::machine::inst::{Class, InstSink, Label, OperandForm, OperandSpec, Props, Role, Row, RowId};
use crate::machine::reg::{Operand, OperandConstraint, OperandPos, PRegSet, VReg};
use crate::machine::size::OperandSize;
use crate::machine::symbol::SymbolRef;

include!(concat!(env!("OUT_DIR"), "/s390x.rs"));
