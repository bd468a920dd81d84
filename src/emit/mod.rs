//! Emission, from allocated VCode to bytes: the part that all targets share.
//!
//! | file | what |
//! |---|---|
//! | `allocated`, `function` | what emission begins with; emission of a whole function |
//! | `encoding` | what a target supplies |
//! | `layout` | the order of blocks |
//! | `frame`, `stack_checks` | the stack frame; probes and limits |
//! | `buffer` | bytes, labels, branches, constants, relocations |
//! | `inst_view`, `direct` | instructions as encoders see them; instructions encoded without VCode |
//! | `branch` | ends of blocks and branches to traps |
//! | `landings`, `landing_pads` | handlers of exceptions; where exceptions come in |
//! | `redundant_moves` | moves that need not be emitted |
//! | `tracking` | where values are, for debug information |

pub mod allocated;
pub mod branch;
pub mod buffer;
pub mod direct;
pub mod encoding;
pub mod frame;
pub mod function;
pub mod inst_view;
pub(crate) mod landing_pads;
pub(crate) mod landings;
pub mod layout;
pub mod redundant_moves;
pub mod stack_checks;
pub mod tracking;
