//! Compares every row of every target with an independent assembler, and its operands with a disassembler.

mod aarch64;
mod driver;
mod roles;
mod s390x;
#[path = "../scratch/mod.rs"]
mod scratch;
mod x86_64;
