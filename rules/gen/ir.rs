//! The compiler's own tables of opcodes and types, which the rules are checked against.

#[path = "../../src/ir/family.rs"]
pub mod family;
#[path = "../../src/ir/opcode.rs"]
pub mod opcode;
#[allow(unused_imports, reason = "the macro is for the compiler")]
#[path = "../../src/ir/shapes.rs"]
pub mod shapes;
#[path = "../../src/ir/types.rs"]
pub mod types;

pub use opcode::{ALL, CtrlFrom, Format, Opcode, Rule as TypeRule};
pub use types::Type;
