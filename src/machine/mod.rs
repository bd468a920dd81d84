//! The ground floor of the machine half: what lowering, allocation, emission and listings all speak of.
//!
//! | file | what |
//! |---|---|
//! | `description` | what a target is: names, rows, registers, conventions |
//! | `reg` | registers, operands and allocations |
//! | `inst`, `size` | machine instructions as data, and rows by operand size |
//! | `amode` | memory operands |
//! | `vcode`, `vcode_check` | a function of machine instructions over virtual registers, and its invariants |
//! | `abi`, `convention` | where a signature's values are passed |
//! | `argument_list` | lists of a variadic function's arguments |
//! | `symbol`, `reloc`, `unwind` | what code refers to, fields that linkers fill in, what unwinders need |
//! | `compiled`, `srclocs` | the result: code with all of these, and source locations |
//!
//! Nothing here knows a particular target, and code asks a row for its properties rather than which
//! instruction it is.

pub mod abi;
pub mod amode;
pub mod argument_list;
pub mod compiled;
pub mod convention;
pub mod description;
pub mod inst;
pub mod reg;
pub mod reloc;
pub mod size;
pub mod srclocs;
pub mod symbol;
pub mod unwind;
pub mod vcode;
pub mod vcode_check;
