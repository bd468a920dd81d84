//! The IR: CLIF functions and modules in flat arrays, independent of targets and of their text.

pub(crate) mod builder;
pub(crate) mod differences;
mod editor;
pub mod family;
pub(crate) mod fingerprint;
pub mod float;
pub(crate) mod formats;
pub mod function;
mod inlined;
pub mod inst;
mod item_printer;
pub mod module;
pub mod opcode;
mod positions;
mod printer;
mod region_names;
mod replacements;
mod source_items;
mod source_map;
mod source_printer;
pub mod structure;
pub mod types;

pub use builder::FunctionBuilder;
pub use editor::{EditBuffers, Editor, Origins};
pub use family::{Family, Shape};
pub use float::FloatFormat;
pub(crate) use formats::with_formats;
pub use function::*;
pub(crate) use inlined::BodyPlaces;
pub use inlined::{InlineSite, Inlined, InlinedPlace};
pub use inst::*;
pub use module::*;
pub use opcode::{CtrlFrom, Effects, Format, OpInfo, Opcode, Rule};
pub use positions::Positions;
pub use region_names::RegionNames;
pub(crate) use replacements::Replacements;
pub use source_items::*;
pub use source_map::{SourceMap, Written};
pub(crate) use structure::StructName;
pub use structure::{
    Homogeneous, Layout, Layouts, MAX_STRUCTURE_SIZE, Member, MemberType, StructRef, StructTypes, Structure,
    TypeItem,
};
pub use types::{Type, TypeSet};
