//! Targets: what is known of each instruction set.

#[macro_use]
mod formats;

pub mod aarch64;
pub mod s390x;
pub mod x86_64;
