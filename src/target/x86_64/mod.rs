//! x86_64.

pub mod amode;
pub mod direct;
pub mod encode;
pub mod format;
pub mod print;
pub mod pseudo;
pub mod regs;
pub mod rows;
