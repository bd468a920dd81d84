//! The rows of x86_64 and their constructors, generated from `isa/x86_64/*.inst`.
//!
//! A constructor is called as its row with `_` for `.` and without the size letter: `add{l,q}.rm` gives `add_rm(sink, size,
//! d, a, b)`. It takes the sink, the size if the row is one of a family, the operands in the order of the row (fixed registers
//! included; a symbol with its addend after it), for calls and returns further register operands, and a trap code if the row has the property `trap`.
//!
//! The part after the dot says what the operands are, destination first: `r` a register, `m` memory, `rm` a register
//! read through [`Rm`], `i` an immediate; so `add.rm` is register ← register or memory, `add.mr` memory ← register, `add.ri` register and
//! immediate, `add.mi` memory and immediate. A destination that the encoding ties to a source takes both: `d` first, then `a`.

#![allow(clippy::too_many_arguments, reason = "a constructor has as many as its instruction has operands")]

use super::amode::{Amode, Cond, OperandSize, Rm};
use super::encode::Branches;
use super::format::Format;
use super::pseudo;
use super::regs;
use crate::emit::branch;
use crate::emit::inst_view::Expansion;
use crate::machine::inst::Label;
use crate::machine::inst::{Class, InstSink, OperandForm, OperandSpec, Props, Role, Row, RowId};
use crate::machine::reg::{Operand, OperandConstraint, OperandPos, PRegSet, VReg};
use crate::machine::symbol::SymbolRef;

include!(concat!(env!("OUT_DIR"), "/x86_64.rs"));
