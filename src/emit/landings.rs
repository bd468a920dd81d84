//! What the code buffer keeps of exception handlers: the handlers of each call, and its landing pad, which
//! [`landing_pads`](super::landing_pads) emits.

use crate::entity::Span;
use crate::machine::inst::Label;
use crate::machine::unwind::Takes;

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
    pub(super) fn tag(&self) -> Option<u32> {
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
    pub(super) handlers: Span,
    /// Whether the stack pointer must be set.
    pub(super) sets_stack: bool,
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

    /// Adds the landing pad of a call whose handlers are those from number `first` on. What comes after a
    /// handler that takes all exceptions is out of reach. `label` makes a new label.
    pub(super) fn add_pad(
        &mut self,
        return_address: u32,
        first: usize,
        sets_stack: bool,
        label: impl FnOnce() -> Label,
    ) {
        let own = &self.handlers[first..];
        let takes_all = own.iter().position(|handler| handler.tag().is_none());
        let count = takes_all.map_or(own.len(), |last| last + 1);
        let only = own.first().filter(|_| count == 1 && !sets_stack).map(|handler| Label(handler.place));
        let handlers = Span::from(first as u32, first + if only.is_some() { 0 } else { count });
        let label = only.unwrap_or_else(label);
        self.pads.push(PendingPad { return_address, label, handlers, sets_stack });
    }
}
