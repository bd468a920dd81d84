//! What a target supplies to emission: encodings, branch forms, frames.

use super::buffer::{BranchForms, CodeBuffer};
use super::frame::Frame;
use super::inst_view::{Expansion, InstView, Places};
use crate::ir::{Stencil, TrapCode};
use crate::machine::description::Machine;
use crate::machine::inst::RowId;
use crate::machine::reg::{Allocation, PReg};
use crate::options::Flags;

/// How a target's instructions become bytes.
pub trait Encoding: Machine {
    /// Forms of its relaxable branches.
    type Branches: BranchForms;

    /// What expands its pseudo-instructions, by the first parameter of their rows.
    const EXPANSIONS: &'static [Expansion];

    /// Encodes a real (non-pseudo) instruction and records its trap site.
    fn encode(view: &InstView<'_>, places: Places<'_>, buffer: &mut CodeBuffer);

    /// Writes one of [`Machine::MOVES`], whose operands are a register and another or a spill slot.
    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer);

    /// Emits code out of line that traps.
    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer);

    /// Whether blocks that indirect branches go to begin with [`Encoding::emit_landing`].
    fn marks_landings(_: &Flags) -> bool {
        false
    }

    /// Emits what an indirect branch may go to.
    fn emit_landing(_: &mut CodeBuffer) {}
}

/// How a target's functions are entered.
pub trait Emission: Encoding {
    /// Lays out the frame: what is saved where. An error says what is too large.
    fn finish_frame(frame: &mut Frame, stencil: &Stencil, flags: &Flags) -> Result<(), String>;

    /// Emits the function's entry sequence.
    fn emit_prologue(frame: &Frame, flags: &Flags, buffer: &mut CodeBuffer);
}
