//! Lowering, from the IR to VCode: the part that all targets share.
//!
//! | file | what |
//! |---|---|
//! | `function`, `body` | a whole function, block by block, from the last instruction to the first |
//! | `context` | the context that instructions are lowered in |
//! | `vocabulary` | what a target supplies |
//! | `families` | which function lowers an opcode |
//! | `blocks` | the blocks of VCode |
//! | `address`, `known_values` | matching addresses and constants |
//! | `compare`, `condition`, `select` | comparisons, conditions, selection without branches |
//! | `overflow` | arithmetic with carry and overflow |
//! | `rematerialize`, `loop_constants` | rematerialisation, and what loops keep in registers instead |
//! | `local_cse`, `extension` | common subexpressions, zero extensions |
//! | `call`, `try_call` | calls and returns; calls with exception handlers |
//! | `control` | branches and the frame |
//! | `variadic` | lists of a variadic function's arguments |
//! | `structures` | structures of C as arguments, parameters and results |
//! | `convert`, `float`, `atomic` | families with shared parts |
//! | `vector`, `small_vector` | vectors of 128 bits, and smaller ones |
//! | `vector_moves`, `shuffle` | what a target supplies for vectors; patterns in shuffles |
//! | `half`, `half_vector`, `quad` | f16; vectors of f16; f128 |
//! | `by_lanes` | vectors that are computed lane by lane |
//! | `whole_registers` | bitwise operations on vector registers, for all that is in them |
//! | `wide`, `wide_divide`, `wide_shift` | i128 |
//! | `divide_constant`, `reciprocal` | division by constants |

pub mod address;
pub mod atomic;
pub mod blocks;
mod body;
mod by_lanes;
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
pub mod half;
mod half_vector;
mod known_values;
mod local_cse;
pub mod loop_constants;
pub mod overflow;
pub mod quad;
mod reciprocal;
pub mod rematerialize;
pub mod select;
pub(crate) mod shuffle;
mod small_vector;
mod structures;
mod try_call;
mod variadic;
pub mod vector;
pub mod vector_moves;
pub mod vocabulary;
pub mod whole_registers;
pub mod wide;
pub mod wide_divide;
pub mod wide_shift;
