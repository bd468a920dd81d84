//! The compiler's own tables of opcodes and types, which the rules are checked against.

#[path = "../../src/ir/family.rs"]
pub mod family;
#[allow(unused_imports, reason = "the macro is for the compiler")]
#[path = "../../src/ir/formats.rs"]
pub mod formats;
#[path = "../../src/ir/opcode.rs"]
pub mod opcode;
#[path = "../../src/ir/types.rs"]
pub mod types;

pub use opcode::{ALL, CtrlFrom, Format, Opcode, Rule as TypeRule};
#[allow(unused_imports, reason = "only tests name it from here")]
pub use types::Type;
