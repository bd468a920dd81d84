//! Lowering: from the IR to VCode, what all targets share.
//!
//! | file | what |
//! |---|---|
//! | `function`, `body` | a whole function, block by block, from the last instruction to the first |
//! | `context` | what lowering an instruction can see and ask for |
//! | `vocabulary` | what a target supplies |
//! | `families` | which function lowers an opcode |
//! | `blocks` | blocks of VCode, made from those of the IR |
//! | `address`, `condition`, `known_values` | matching: addresses, conditions, constants |
//! | `rematerialize`, `repeats`, `extension` | values made again, made once, or made with zeros above |
//! | `call`, `control` | calls and returns; branches and the frame |
//! | `variadic` | lists of a variadic function's arguments |
//! | `convert`, `float`, `atomic`, `wide` | families with shared parts; `wide` is i128 |
//! | `divide_constant`, `reciprocal` | division by constants |

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
mod variadic;
pub mod vocabulary;
pub mod wide;
pub mod wide_divide;
pub mod wide_shift;
