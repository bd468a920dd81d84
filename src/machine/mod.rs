//! What the stages of the machine half share: the vocabulary of lowering, allocation, emission and listings.
//!
//! | file | what |
//! |---|---|
//! | `description` | what a target supplies: names, rows, registers, conventions |
//! | `reg` | registers, operands and allocations |
//! | `inst`, `size` | machine instructions as data, and rows by operand size |
//! | `amode` | memory operands |
//! | `vcode`, `vcode_check` | a function of machine instructions over virtual registers, and its invariants |
//! | `abi`, `convention`, `structures` | where a signature's values are passed |
//! | `call_site` | what is listed of calls for runtimes |
//! | `argument_list` | lists of a variadic function's arguments |
//! | `symbol`, `reloc`, `unwind` | what code refers to, fields that linkers fill in, what unwinders need |
//! | `compiled`, `srclocs`, `variables` | the result: code with all of these, its positions and values |
//!
//! Nothing here knows a particular target. Code tests a row's properties, not which instruction it is.

pub mod abi;
pub mod amode;
pub mod argument_list;
pub mod call_site;
pub mod compiled;
pub mod convention;
pub mod description;
pub mod inst;
pub mod reg;
pub mod reloc;
pub mod size;
pub mod srclocs;
pub mod structures;
pub mod symbol;
pub mod unwind;
pub mod variables;
pub mod vcode;
pub mod vcode_check;
