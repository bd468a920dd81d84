//! What a target supplies for emission: encodings, branch forms, frames.

use super::buffer::{BranchForms, CodeBuffer};
use super::frame::Frame;
use super::inst_view::{Expansion, InstView, Places};
use crate::ir::{Stencil, TrapCode};
use crate::machine::description::Machine;
use crate::machine::inst::{Label, RowId};
use crate::machine::reg::{Allocation, PReg};
use crate::options::Flags;

/// How a target's instructions are encoded.
pub trait Encoding: Machine {
    /// Forms of the target's relaxable branches.
    type Branches: BranchForms;

    /// The functions that expand pseudo-instructions, indexed by the first parameter of their rows.
    const EXPANSIONS: &'static [Expansion];

    /// Encodes a real (non-pseudo) instruction and records its trap site.
    fn encode(view: &InstView<'_>, places: Places<'_>, buffer: &mut CodeBuffer);

    /// Encodes one of [`Machine::MOVES`], whose operands are a register and another register or a spill slot.
    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer);

    /// Emits the instruction of an out-of-line trap.
    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer);

    /// Whether destinations of indirect branches must begin with [`Encoding::emit_landing`].
    fn marks_landings(_: &Flags) -> bool {
        false
    }

    /// Emits the instruction that marks a valid destination of indirect branches.
    fn emit_landing(_: &mut CodeBuffer) {}
}

/// How a target lays out and enters frames.
pub trait Emission: Encoding {
    /// Bytes from the first incoming stack argument's place up to the canonical frame address.
    const RESERVED_BY_CALLER: u32 = 0;

    /// Lays out the frame. The error says what is too large for the target.
    fn finish_frame(frame: &mut Frame, stencil: &Stencil, flags: &Flags) -> Result<(), String>;

    /// Emits code that sets the stack pointer as after the prologue, in a function with a frame pointer. It
    /// changes no payload register.
    fn set_stack_pointer(frame: &Frame, buffer: &mut CodeBuffer);

    /// Emits code that goes to `handler` if the second payload register has the number `selector`, and
    /// changes no payload register.
    fn go_if_selected(selector: u32, handler: Label, frame: &Frame, buffer: &mut CodeBuffer);

    /// Emits the prologue.
    fn emit_prologue(frame: &Frame, flags: &Flags, buffer: &mut CodeBuffer);
}
