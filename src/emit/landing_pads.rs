//! Landing pads: where the system's unwinder enters a function whose call threw an exception.
//!
//! The unwinder knows one place for each call, and passes the number of the tag that matches in the second
//! payload register. The landing pad compares it with the tags of the call's handlers and goes on to the
//! handler. A call with one handler has no code of its own for this: the handler is the landing pad.
//!
//! A callee that pops its arguments may have made a tail call with other arguments. The unwinder then leaves
//! the stack pointer off by the difference, and the landing pad sets it by the frame pointer, which such
//! functions keep.

use super::buffer::CodeBuffer;
use super::encoding::Emission;
use super::frame::Frame;
use crate::machine::inst::Label;
use crate::machine::unwind::{selector, tags_of};
use crate::options::Flags;

/// Emits the code of all landing pads.
pub(super) fn emit<I: Emission>(frame: &Frame, flags: &Flags, buffer: &mut CodeBuffer) {
    if buffer.landings.pads.iter().all(|pad| pad.handlers.is_empty()) {
        return;
    }
    let landings = std::mem::take(&mut buffer.landings);
    let tags = tags_of(landings.handlers.iter().map(|handler| handler.tag()));
    for pad in landings.pads.iter().filter(|pad| !pad.handlers.is_empty()) {
        buffer.bind(pad.label);
        if I::marks_landings(flags) {
            I::emit_landing(buffer);
        }
        if pad.sets_stack {
            I::set_stack_pointer(frame, buffer);
        }
        let (last, others) = pad.handlers.of(&landings.handlers).split_last().expect("there are handlers");
        for handler in others {
            I::go_if_selected(selector(&tags, handler.tag()), Label(handler.place), frame, buffer);
        }
        buffer.branch::<I::Branches>(<I::Branches as super::buffer::BranchForms>::JUMP, 0, Label(last.place));
    }
    buffer.landings = landings;
}
