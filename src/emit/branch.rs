//! Expansion of pseudo-instructions that all targets share: jumps and branches at the ends of blocks, and
//! branches to traps. A jump to the block that is emitted next is left out.

use crate::emit::buffer::{BranchForms, CodeBuffer};
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::InstView;
use crate::ir::TrapCode;
use crate::machine::call_site::{AfterCall, Reference};
use crate::machine::inst::Label;
use crate::machine::unwind::Takes;

/// A relaxable branch without its label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RelaxableBranch {
    /// The kind of branch: see [`BranchForms`].
    pub(crate) kind: u8,
    /// The target's own data for the branch: see [`BranchForms::write`].
    pub(crate) word: u32,
}

impl RelaxableBranch {
    /// Returns the branch that is taken when this one is not.
    fn complement<B: BranchForms>(self) -> Self {
        RelaxableBranch { kind: B::complement(self.kind), ..self }
    }
}

/// Emits nothing; for pseudo-instructions that only the allocator needs.
pub(crate) fn emit_nothing<B: BranchForms>(_: &InstView, _: &EmitContext, _: &mut CodeBuffer) {}

/// Emits a jump to the label in the first word, unless its block is next.
pub(crate) fn jump<B: BranchForms>(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    jump_unless_next::<B>(view.label(0), cx, buffer);
}

/// Emits a jump to `label`, unless its block is next.
pub(crate) fn jump_unless_next<B: BranchForms>(label: Label, cx: &EmitContext, buffer: &mut CodeBuffer) {
    if !cx.falls_through_to(label) {
        buffer.branch::<B>(B::JUMP, 0, label);
    }
}

/// Emits a conditional branch with two destinations.
pub(crate) fn branch<B: BranchForms>(
    condition: RelaxableBranch,
    (taken, other): (Label, Label),
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
) {
    if cx.falls_through_to(taken) {
        let RelaxableBranch { kind, word } = condition.complement::<B>();
        buffer.branch::<B>(kind, word, other);
    } else {
        buffer.branch::<B>(condition.kind, condition.word, taken);
        jump_unless_next::<B>(other, cx, buffer);
    }
}

/// Emits a branch of the kind in [`InstView::small`], to the labels in the first two words.
pub(crate) fn branch_small<B: BranchForms>(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let condition = RelaxableBranch { kind: view.small, word: 0 };
    branch::<B>(condition, (view.label(0), view.label(1)), cx, buffer);
}

/// Emits a branch that is taken if either of two kinds is: that in [`InstView::small`] or that in the first
/// word. The labels are in the next two words.
pub(crate) fn branch_either<B: BranchForms>(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    buffer.branch::<B>(view.small, 0, view.label(1));
    let second = RelaxableBranch { kind: view.words[0] as u8, word: 0 };
    branch::<B>(second, (view.label(1), view.label(2)), cx, buffer);
}

/// Emits a branch to an out-of-line trap.
pub(crate) fn trap_on<B: BranchForms>(condition: RelaxableBranch, view: &InstView, buffer: &mut CodeBuffer) {
    let stub = buffer.trap_stub(TrapCode(view.trap));
    buffer.branch::<B>(condition.kind, condition.word, stub);
}

/// Emits a branch of the kind in [`InstView::small`] to an out-of-line trap.
pub(crate) fn trap_if<B: BranchForms>(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    trap_on::<B>(RelaxableBranch { kind: view.small, word: 0 }, view, buffer);
}

/// Emits a trap that is taken if both the kind in [`InstView::small`] and that in the first word hold.
pub(crate) fn trap_if_both<B: BranchForms>(view: &InstView, _: &EmitContext, buffer: &mut CodeBuffer) {
    let stub = buffer.trap_stub(TrapCode(view.trap));
    let past = buffer.label();
    buffer.branch::<B>(B::complement(view.small), 0, past);
    buffer.branch::<B>(view.words[0] as u8, 0, stub);
    buffer.bind(past);
}

/// Lists a call that begins at `start` and ends here, and emits what follows it, given the words of its
/// [`AfterCall`]. `restore` is called to emit code that lowers the stack pointer by the popped bytes again.
pub(crate) fn after_call(
    (start, words): (u32, &[u32; 2]),
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
    restore: impl FnOnce(u32, &mut CodeBuffer),
) {
    let AfterCall { pops, listed } = AfterCall::unpack(*words);
    buffer.note_call(false);
    if let Some(number) = listed.stack_map {
        let entries = &cx.stack_maps[number as usize].1;
        buffer.stack_map(entries.iter().map(|entry| Reference {
            offset: cx.frame.slots[entry.slot] + entry.offset,
            size: entry.ty.bytes() as u16,
            kind: Reference::kind_of(entry.ty),
        }));
    }
    if listed.patchable {
        buffer.patch_site(start);
    }
    if pops > 0 {
        restore(pops, buffer);
    }
}

/// Emits what follows a call with exception handlers. `words` are whether the callee pops its arguments, the
/// words of an [`AfterCall`], the normal destination, the number of handlers, and for each what it takes and
/// its label, or where a context's value is. The call begins at `start`.
/// `restore` is called to emit code that lowers the stack pointer by the popped bytes again.
pub(crate) fn after_try<B: BranchForms>(
    (start, words): (u32, &[u32]),
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
    restore: impl FnOnce(u32, &mut CodeBuffer),
) {
    let &[pops, popped, listed, normal, count, ref handlers @ ..] = words else {
        unreachable!("the row's words")
    };
    let first = buffer.handler_count();
    for words in handlers[..3 * count as usize].chunks_exact(3) {
        buffer.handler(Takes::unpack([words[0], words[1]]), words[2]);
    }
    if cx.flags.has_landing_pads() {
        buffer.landing_pad(first, pops != 0);
    }
    after_call((start, &[popped, listed]), cx, buffer, restore);
    jump_unless_next::<B>(Label(normal), cx, buffer);
}
