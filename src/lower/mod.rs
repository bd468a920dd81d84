//! Lowering: from the IR to VCode, the part that all targets share.
//!
//! | file | what it does |
//! |---|---|
//! | `function`, `body` | lower a whole function, block by block, from the last instruction to the first |
//! | `context` | what lowering an instruction can see and ask for |
//! | `vocabulary` | what a target supplies |
//! | `families` | which function lowers an opcode |
//! | `blocks` | makes blocks of VCode from those of the IR |
//! | `address`, `known_values` | match addresses and constants |
//! | `compare`, `condition`, `select` | comparisons, conditions, selection without branches |
//! | `overflow` | arithmetic with carry and overflow |
//! | `rematerialize`, `repeats`, `extension` | values computed again, once, or with zeros above |
//! | `call`, `control` | calls and returns; branches and the frame |
//! | `convert`, `float`, `atomic` | conversions, floats, atomic accesses |
//! | `divide_constant`, `reciprocal` | division by constants |
//! | `wide`, `wide_divide`, `wide_shift` | i128 |

pub mod address;
pub mod atomic;
pub mod blocks;
mod body;
pub mod call;
pub mod compare;
pub mod condition;
pub mod context;
pub mod control;
pub mod convert;
pub mod divide_constant;
mod extension;
pub mod families;
pub mod float;
pub mod function;
mod known_values;
pub mod overflow;
mod reciprocal;
pub mod rematerialize;
mod repeats;
pub mod select;
pub mod vocabulary;
pub mod wide;
pub mod wide_divide;
pub mod wide_shift;
