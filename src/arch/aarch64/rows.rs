//! The rows of aarch64 and their constructors, generated from `isa/aarch64/*.inst`.
//!
//! A constructor is called as its row with `_` for `.` and without the size letter: `add{w,x}.rr` gives `add_rr(sink, size,
//! d, a, b)`. It takes the sink, the size if the row is one of a family, the operands in the order of the row (fixed registers
//! and sources of tied ones included; a symbol with its addend after it), for calls and returns further register operands,
//! and a trap code if the row has the property `trap`. A register that is read may be [`ZERO`](super::regs::ZERO), but not in
//! rows whose comment says that number 31 is the stack pointer.

#![allow(clippy::too_many_arguments, reason = "a constructor has as many as its instruction has operands")]

use super::branch::Branches;
use super::format::Format;
use super::operands::{Amode, Cond, OperandSize};
use super::pseudo;
use super::regs::{self, reading};
use crate::emit::branch;
use crate::emit::inst_view::Expansion;
use crate::machine::inst::Label;
use crate::machine::inst::{Class, InstSink, OperandForm, OperandSpec, Props, Role, Row, RowId};
use crate::machine::reg::{Operand, OperandConstraint, OperandPos, PRegSet, VReg};
use crate::machine::symbol::SymbolRef;

include!(concat!(env!("OUT_DIR"), "/aarch64.rs"));
