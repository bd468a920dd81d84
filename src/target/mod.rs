//! The targets. None imports another.

pub mod x86_64;
