//! The interpreter: runs functions of a file by what [`crate::eval`] says their opcodes compute.
//!
//! A [`Program`] is a verified file with addresses; a [`Machine`] has the memory and the frames of a run.
//! Calls don't recurse in the interpreter, so that a function may call itself as deep as its stack lasts,
//! and tail calls without end. All that can go wrong ends in a [`Stop`], which names the instruction:
//! traps, accesses outside of memory, calls of what is not there, and too many steps.
//!
//! What depends on a target is chosen thus: the byte order is an option; the scale of dynamic vectors is 1;
//! a frame begins with the caller's frame pointer and the return address; there is one thread.

mod access;
mod argument_list;
mod calls;
mod imports;
mod machine;
mod memory;
mod program;

pub use machine::{Machine, Options, ProgramPoint, Stop, Why};
pub use program::Program;
