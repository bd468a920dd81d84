//! Ends of blocks that every target expands alike: jumps and branches, without a jump to what comes next anyway.

use crate::emit::buffer::{BranchForms, CodeBuffer};
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::InstView;
use crate::ir::TrapCode;
use crate::machine::inst::Label;

/// A relaxable branch without its label: its kind and word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BranchTemplate {
    /// See [`BranchForms`].
    pub kind: u8,
    /// See [`BranchForms::write`].
    pub word: u32,
}

impl BranchTemplate {
    /// The one that branches when this does not.
    fn complement<B: BranchForms>(self) -> Self {
        BranchTemplate { kind: B::complement(self.kind), ..self }
    }
}

/// Nothing.
pub fn emit_nothing<B: BranchForms>(_: &InstView, _: &EmitContext, _: &mut CodeBuffer) {}

/// A jump to the label in the first word, unless it comes next.
pub fn jump<B: BranchForms>(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    jump_unless_next::<B>(view.label(0), cx, buffer);
}

/// A jump, unless its target comes next.
pub fn jump_unless_next<B: BranchForms>(label: Label, cx: &EmitContext, buffer: &mut CodeBuffer) {
    if !cx.falls_through_to(label) {
        buffer.branch::<B>(B::JUMP, 0, label);
    }
}

/// A conditional branch with two targets.
pub fn branch<B: BranchForms>(
    condition: BranchTemplate,
    (taken, other): (Label, Label),
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
) {
    if cx.falls_through_to(taken) {
        let BranchTemplate { kind, word } = condition.complement::<B>();
        buffer.branch::<B>(kind, word, other);
    } else {
        buffer.branch::<B>(condition.kind, condition.word, taken);
        jump_unless_next::<B>(other, cx, buffer);
    }
}

/// A branch on the kind in [`InstView::small`], to the labels in the first two words.
pub fn branch_small<B: BranchForms>(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let condition = BranchTemplate { kind: view.small, word: 0 };
    branch::<B>(condition, (view.label(0), view.label(1)), cx, buffer);
}

/// A branch on either of two kinds: that in [`InstView::small`] and that in the first word. The labels follow.
pub fn branch_either<B: BranchForms>(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    buffer.branch::<B>(view.small, 0, view.label(1));
    let second = BranchTemplate { kind: view.words[0] as u8, word: 0 };
    branch::<B>(second, (view.label(1), view.label(2)), cx, buffer);
}

/// A branch to a trap out of line.
pub fn trap_on<B: BranchForms>(condition: BranchTemplate, view: &InstView, buffer: &mut CodeBuffer) {
    let stub = buffer.trap_stub(TrapCode(view.trap));
    buffer.branch::<B>(condition.kind, condition.word, stub);
}

/// The same on the kind in [`InstView::small`].
pub fn trap_if<B: BranchForms>(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    trap_on::<B>(BranchTemplate { kind: view.small, word: 0 }, view, buffer);
}

/// The same if the kind in the first word holds as well.
pub fn trap_if_both<B: BranchForms>(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    let stub = buffer.trap_stub(TrapCode(view.trap));
    let past = buffer.label();
    buffer.branch::<B>(B::complement(view.small), 0, past);
    buffer.branch::<B>(view.words[0] as u8, 0, stub);
    buffer.bind(past);
}

/// What comes behind a call with handlers. `words`: bytes that the callee removed, normal destination, number of handlers,
/// their tags and places. `restore` puts the stack pointer back by so many bytes.
pub fn after_try<B: BranchForms>(
    words: &[u32],
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
    restore: impl FnOnce(u32, &mut CodeBuffer),
) {
    let handlers = &words[3..3 + 2 * words[2] as usize];
    for pair in handlers.chunks_exact(2) {
        buffer.handler(pair[0].checked_sub(1), Label(pair[1]));
    }
    if words[0] > 0 {
        restore(words[0], buffer);
    }
    jump_unless_next::<B>(Label(words[1]), cx, buffer);
}
