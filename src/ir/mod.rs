//! The IR: CLIF in flat arrays. It knows no target and no text.

pub mod family;
pub mod float;
pub mod function;
pub mod inst;
mod item_printer;
pub mod module;
pub mod opcode;
mod printer;
pub mod types;

pub use family::{Family, Shape};
pub use float::FloatFormat;
pub use function::*;
pub use inst::*;
pub use module::*;
pub use opcode::{CtrlFrom, Effects, Format, OpInfo, Opcode, Rule};
pub use types::{Type, TypeSet};
