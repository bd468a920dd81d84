//! The IR: CLIF in flat arrays. It knows no target and no text.

pub mod function;
pub mod inst;
pub mod module;
pub mod opcode;
pub mod types;

pub use function::*;
pub use inst::*;
pub use module::*;
pub use opcode::{CtrlFrom, Effects, Format, OpInfo, Opcode, Rule};
pub use types::{Type, TypeSet};
