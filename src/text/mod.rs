//! Machine code as text: instructions in the target's assembly syntax, and whole functions of VCode for
//! `--dump`.

pub mod function;
pub mod inst;
