//! The optimiser: passes over the IR that make code faster or smaller. They know no target.
//!
//! Each pass is a file, and a row of the table in `pipeline/ir.rs`, which says when it runs.

pub mod promote;
pub mod rules;
