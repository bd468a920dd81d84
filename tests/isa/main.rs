//! Every row of every target against an independent assembler, and its operands against a disassembler.

mod aarch64;
mod driver;
mod roles;
mod s390x;
mod x86_64;
