//! The rows of x86_64 and their constructors, generated from `isa/x86_64/*.inst`.
//!
//! A constructor's name is that of its row, with `_` for `.` and without the size letter: `add{l,q}.rm` gives
//! `add_rm(sink, size, d, a, b)`. Its parameters are
//!
//! - the sink, and the size if the row is one of a family;
//! - the operands in the order of the row, including fixed registers; a symbol is followed by its addend;
//! - for calls and returns, further register operands;
//! - a trap code, if the row has the property `trap`.
//!
//! After the dot stand the operands, destination first: `r` is a register, `m` memory, `rm` a register or
//! memory passed as [`Rm`], `i` an immediate. So `add.rm` adds a register or memory to a register, `add.mr` a
//! register to memory, `add.ri` an immediate to a register and `add.mi` an immediate to memory. For a
//! destination that the encoding ties to a source, the constructor takes both: first `d`, then `a`.

#![allow(clippy::too_many_arguments, reason = "a constructor has as many as its instruction has operands")]

use super::format::Format;
use super::operands::{Cond, Rm};
use super::regs;
use crate::machine::amode::Amode;
use crate::machine::inst::{Class, InstSink, Label, OperandForm, OperandSpec, Props, Role, Row, RowId};
use crate::machine::reg::{Operand, OperandConstraint, OperandPos, PRegSet, VReg};
use crate::machine::size::OperandSize;
use crate::machine::symbol::SymbolRef;

include!(concat!(env!("OUT_DIR"), "/x86_64.rs"));
