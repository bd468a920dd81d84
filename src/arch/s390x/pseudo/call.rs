//! Expands calls, returns, and accesses to registers that a frame or option reserves.

use crate::arch::s390x::abi::{SAVE_AREA, save_slot};
use crate::arch::s390x::address::SCRATCH;
use crate::arch::s390x::branch::Branches;
use crate::arch::s390x::regs::*;
use crate::arch::s390x::{Direct, frame, rows};
use crate::emit::branch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::VReg;
use crate::machine::size::Q64;
use crate::machine::symbol::SymbolRef;
use crate::machine::unwind::UnwindOp;

/// Emits the epilogue and a return.
pub fn return_(_: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let removed = match cx.frame.callee_pops {
        true => cx.frame.incoming_bytes - SAVE_AREA + cx.frame.growth,
        false => 0,
    };
    leave(removed, cx, buffer, |sink| rows::ret(sink, &[]));
}

/// Emits the epilogue, leaves the stack pointer `up` bytes above the position it had after [`Frame::growth`]
/// was subtracted, and emits `last`. Restores the unwind state for the code that follows.
///
/// [`Frame::growth`]: crate::emit::frame::Frame::growth
fn leave(up: u32, cx: &EmitContext, buffer: &mut CodeBuffer, last: impl FnOnce(&mut Direct)) {
    let remember = up > 0 || cx.frame.has_unwind_state();
    if remember {
        buffer.unwind(UnwindOp::RememberState);
    }
    frame::epilogue(cx.frame, up, cx.flags, buffer);
    last(&mut Direct::of(cx, buffer));
    if remember {
        buffer.unwind(UnwindOp::RestoreState);
    }
}

/// Emits a call of a symbol that removes its stack arguments or is listed, and restores the stack pointer.
pub fn call_pops(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let ((symbol, addend), start) = (view.symbol(1), buffer.position());
    rows::call_symbol(&mut Direct::of(cx, buffer), 0, symbol, addend as i32, &[]);
    after_call(start, &view.words[3..], cx, buffer);
}

/// Emits a call of an address whose callee removes its stack arguments or that is listed, and restores the
/// stack pointer.
pub fn call_popr(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let start = buffer.position();
    rows::call_r(&mut Direct::of(cx, buffer), 0, view.operand(0), &[]);
    after_call(start, &view.words[1..], cx, buffer);
}

/// Lists a call, and emits what follows it; see [`branch::after_call`].
fn after_call(start: u32, words: &[u32], cx: &EmitContext, buffer: &mut CodeBuffer) {
    let words = &[words[0], words[1]];
    branch::after_call((start, words), cx, buffer, |bytes, buffer| restore_arguments(bytes, cx, buffer));
}

/// Emits a call of a symbol with handlers, and the jump to its normal destination.
pub fn try_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let start = buffer.position();
    rows::call_symbol(&mut Direct::of(cx, buffer), 0, SymbolRef::unpack(view.words[1]), 0, &[]);
    after_try(start, &view.words[2..], cx, buffer);
}

/// Emits a call of an address with handlers, and the jump to its normal destination.
pub fn try_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let start = buffer.position();
    rows::call_r(&mut Direct::of(cx, buffer), 0, view.operand(0), &[]);
    after_try(start, &view.words[1..], cx, buffer);
}

/// Emits what follows a call with handlers; see [`branch::after_try`].
fn after_try(start: u32, words: &[u32], cx: &EmitContext, buffer: &mut CodeBuffer) {
    let restore = |bytes, buffer: &mut CodeBuffer| restore_arguments(bytes, cx, buffer);
    branch::after_try::<Branches>((start, words), cx, buffer, restore);
}

/// Lowers the stack pointer by the bytes of arguments that a callee removed.
fn restore_arguments(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer) {
    frame::move_stack(&mut Direct::of(cx, buffer), -(bytes as i32));
}

/// Emits a tail call of a symbol.
pub fn tail_call_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(0);
    tail_call(view.words[2], cx, buffer, |sink| rows::tail_symbol(sink, symbol, addend as i32, &[]));
}

/// Emits a tail call of an address. If the epilogue overwrites its register, the address is kept in one that
/// the epilogue leaves alone. That is r1 unless the epilogue computes addresses there; otherwise r0, which no
/// branch can use.
pub fn tail_call_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let target = view.operand(0);
    let (kept, last) = match (frame::restores(cx.frame, cx.flags, target), frame::is_near(cx.frame)) {
        (false, _) => (target, target),
        (true, true) => (SCRATCH, SCRATCH),
        (true, false) => (physical(R0), SCRATCH),
    };
    let copy = |sink: &mut Direct, to: VReg, from: VReg| {
        if to != from {
            rows::l_rr(sink, Q64, to, from);
        }
    };
    copy(&mut Direct::of(cx, buffer), kept, target);
    tail_call(view.words[0], cx, buffer, |sink| {
        copy(sink, last, kept);
        rows::tail_r(sink, last, &[]);
    });
}

/// Emits the epilogue, moves the stack pointer to below the callee's `bytes` of stack arguments, and emits
/// the jump.
fn tail_call(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer, go: impl FnOnce(&mut Direct)) {
    leave(cx.frame.incoming_bytes + cx.frame.growth - bytes, cx, buffer, |sink| {
        go(sink);
        sink.buffer().note_call(true);
    });
}

/// Reads the stack pointer.
pub fn get_stack_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::l_rr(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(R15));
}

/// Computes the caller's stack pointer, which links frames on s390x.
pub fn get_frame_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::la(&mut Direct::of(cx, buffer), view.operand(0), Amode::at(Place::Incoming, 0));
}

/// Reads the return address from its register, or from the frame if the prologue saved it.
pub fn get_return_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (sink, d) = (&mut Direct::of(cx, buffer), view.operand(0));
    if frame::saves_return_address(cx.frame) {
        let at = cx.frame.size + save_slot(R14);
        rows::l_rm(sink, Q64, d, Amode::base(physical(R15), at as i32));
    } else {
        rows::l_rr(sink, Q64, d, physical(R14));
    }
}

/// Reads the pinned register.
pub fn get_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::l_rr(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(PINNED));
}

/// Writes the pinned register.
pub fn set_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::l_rr(&mut Direct::of(cx, buffer), Q64, physical(PINNED), view.operand(0));
}

/// Moves a vector to a register that is not allocated.
pub fn pass_vector(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::vlr(&mut Direct::of(cx, buffer), physical(fpr(view.words[0] as u8)), view.operand(0));
}

/// Moves a vector from a register that is not allocated.
pub fn passed_vector(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::vlr(&mut Direct::of(cx, buffer), view.operand(0), physical(fpr(view.words[0] as u8)));
}
