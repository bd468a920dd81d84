//! Machine code as text: instructions as the target's assembler spells them, and VCode for `--dump`.

pub mod function;
pub mod inst;
