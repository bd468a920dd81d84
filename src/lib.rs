//! clifc, a standalone ahead-of-time compiler for CLIF: from text to relocatable objects.
//!
//! ARCHITECTURE.md describes the structure of the source. [`driver::build`] compiles a file.

#![allow(clippy::new_without_default, reason = "contexts are constructed in one place")]

pub mod alloc;
pub mod analysis;
pub mod arch;
pub mod cache;
pub mod check;
pub mod diag;
pub mod driver;
pub mod emit;
pub mod entity;
pub mod eval;
pub mod filetest;
pub mod interp;
pub mod ir;
pub mod lower;
pub mod machine;
pub mod object;
pub mod opt;
pub mod options;
pub mod parse;
pub mod pipeline;
pub mod reduce;
pub mod temporary;
pub mod text;
pub mod timing;
pub mod verify;
