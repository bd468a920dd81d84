//! What emission begins with.

use super::frame::Frame;
use crate::ir::{Inst, StackMapEntry};
use crate::machine::reg::Output;
use crate::machine::vcode::VCode;

/// A function with registers allocated and its frame laid out.
#[derive(Clone, Copy)]
pub struct AllocatedFunction<'a> {
    /// The machine instructions.
    pub(crate) vcode: &'a VCode,
    /// Allocations and moves.
    pub(crate) output: &'a Output,
    /// The frame.
    pub(crate) frame: &'a Frame,
    /// The stack maps of its calls.
    pub(crate) stack_maps: &'a [(Inst, Vec<StackMapEntry>)],
}
