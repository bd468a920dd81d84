//! Emission: from allocated VCode to bytes, what all targets share.
//!
//! | file | what |
//! |---|---|
//! | `function` | a whole function: blocks in order, with the allocator's moves in between |
//! | `encoding` | what a target supplies |
//! | `layout` | the order of blocks |
//! | `frame`, `stack_checks` | the stack frame; probes and limits |
//! | `buffer` | bytes, labels, branches, constants, relocations |
//! | `inst_view`, `direct` | an instruction as encoders see it; instructions written without VCode |
//! | `branch` | ends of blocks and branches to traps |
//! | `redundant_moves` | moves that need not be emitted |

pub mod branch;
pub mod buffer;
pub mod direct;
pub mod encoding;
pub mod frame;
pub mod function;
pub mod inst_view;
pub mod layout;
pub mod redundant_moves;
pub mod stack_checks;
