//! Targets: what is known of each instruction set.

pub mod x86_64;
