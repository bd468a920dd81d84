//! clifc, a standalone ahead-of-time compiler for CLIF: from text to relocatable objects.
//!
//! ARCHITECTURE.md describes the structure of the source. [`driver::build`] compiles a text:
//!
//! ```
//! use clifc::diag::Source;
//! use clifc::driver::{self, BuildOptions, Observer};
//! use clifc::options::{Flags, Target};
//!
//! let text = b"function %two() -> i32 {\nblock0:\n    v0 = iconst.i32 2\n    return v0\n}\n";
//! let target = Target::parse("x86_64").expect("a target of clifc's");
//! let mut flags = Flags::new(&target);
//! flags.set("opt_level", "speed").expect("a setting of clifc's");
//! let source = Source { name: "two.clif", text };
//! let built = driver::build(&source, &BuildOptions::new(target, flags), &Observer::NONE);
//! let object = built.expect("the text is right").object;
//! assert!(object.starts_with(b"\x7fELF"));
//! ```

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
