//! The rows of s390x and their constructors, generated from `isa/s390x/*.inst`.
//!
//! A constructor is called as its row with `_` for `.` and without the size letter: `a{w,g}.rrr` gives `a_rrr(sink, size, d,
//! a, b)`. Names begin as the manual's mnemonics do, without their letter for 64 bits; floating point, whose mnemonics are
//! of several kinds, has names of its own. The part after the dot says what the operands are, destination first: `r` a
//! register, `m` memory, `i` an immediate; with two for what overwrites its first operand, three for what does not.

#![allow(clippy::too_many_arguments, reason = "a constructor has as many as its instruction has operands")]

use super::cond::Cond;
use super::encode::Branches;
use super::format::Format;
use super::pseudo;
use super::regs;
use crate::emit::branch;
use crate::emit::inst_view::Expansion;
use crate::machine::amode::Amode;
use crate::machine::inst::Label;
use crate::machine::inst::{Class, InstSink, OperandForm, OperandSpec, Props, Role, Row, RowId};
use crate::machine::reg::{Operand, OperandConstraint, OperandPos, PRegSet, VReg};
use crate::machine::size::OperandSize;
use crate::machine::symbol::SymbolRef;

include!(concat!(env!("OUT_DIR"), "/s390x.rs"));
