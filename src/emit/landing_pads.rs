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
use crate::entity::Span;
use crate::machine::inst::Label;
use crate::machine::unwind::{Takes, selector, tags_of};
use crate::options::Flags;

/// A handler of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingHandler {
    /// The call's return address.
    pub(crate) return_address: u32,
    /// The exceptions it takes.
    pub(crate) takes: Takes,
    /// Its label; for a context, bytes from the stack pointer up to the context's value.
    pub(crate) place: u32,
}

impl PendingHandler {
    /// The tag that it takes, or `None` for all exceptions. There are no contexts among what has landing
    /// pads.
    fn tag(&self) -> Option<u32> {
        match self.takes {
            Takes::Tag(tag) => Some(tag),
            Takes::All | Takes::Context => None,
        }
    }
}

/// The landing pad of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingPad {
    /// The call's return address.
    pub(crate) return_address: u32,
    /// Its label: that of the only handler, or a label to be bound.
    pub(crate) label: Label,
    /// The call's handlers that can be reached; empty if the label is that of the only one.
    handlers: Span,
    /// Whether the stack pointer must be set.
    sets_stack: bool,
}

/// The handlers of a function's calls, and the landing pads that they need, in the order of the code.
#[derive(Debug, Default)]
pub(crate) struct Landings {
    /// The handlers of all calls.
    pub(crate) handlers: Vec<PendingHandler>,
    /// The landing pads.
    pub(crate) pads: Vec<PendingPad>,
}

impl Landings {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.handlers.clear();
        self.pads.clear();
    }
}

impl CodeBuffer {
    /// The number of handlers so far.
    pub(super) fn handler_count(&self) -> usize {
        self.landings.handlers.len()
    }

    /// Records that the call that ends at the current position, whose handlers are those from number `first`
    /// on, needs a landing pad. What comes after a handler that takes all exceptions is out of reach.
    pub(super) fn landing_pad(&mut self, first: usize, sets_stack: bool) {
        let own = &self.landings.handlers[first..];
        let takes_all = own.iter().position(|handler| handler.tag().is_none());
        let count = takes_all.map_or(own.len(), |last| last + 1);
        let only = own.first().filter(|_| count == 1 && !sets_stack).map(|handler| Label(handler.place));
        let handlers = Span::from(first as u32, first + if only.is_some() { 0 } else { count });
        let label = only.unwrap_or_else(|| self.label());
        let return_address = self.position();
        self.landings.pads.push(PendingPad { return_address, label, handlers, sets_stack });
    }
}

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
