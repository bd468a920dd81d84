//! What every target shares between the IR and bytes.
//!
//! Lowering pushes machine instructions ([`inst`]) into a [`vcode`] function; register allocation
//! assigns registers to its flat operand arrays; emission writes them, instruction by
//! instruction, into a code [`buffer`]. `mach` asks a row for its properties and never which
//! instruction it is.

pub mod abi;
pub mod address;
pub mod amode;
pub mod atomic;
pub mod blocks;
pub mod buffer;
pub mod call;
pub mod compiled;
pub mod condition;
pub mod control;
pub mod convention;
pub mod convert;
pub mod direct;
pub mod divide_constant;
pub mod emit;
pub mod ends;
pub mod extension;
pub mod facts;
pub mod families;
pub mod float;
pub mod frame;
pub mod inst;
pub mod isa;
pub mod layout;
pub mod lower;
pub mod print;
pub mod reciprocal;
pub mod regalloc;
mod regalloc_order;
pub mod remake;
mod repeats;
pub mod size;
pub mod spills;
pub mod srclocs;
pub mod stack_checks;
pub mod text;
pub mod vcode;
pub mod view;
pub mod wide;
