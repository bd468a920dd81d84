//! Calls, returns, and the registers that a frame gives meaning to.

use crate::arch::s390x::abi::{SAVE_AREA, save_slot};
use crate::arch::s390x::address::SCRATCH;
use crate::arch::s390x::branch::Branches;
use crate::arch::s390x::regs::*;
use crate::arch::s390x::{Direct, frame, rows};
use crate::emit::branch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::compiled::{SymbolRef, UnwindOp};
use crate::machine::reg::VReg;
use crate::machine::size::Q64;

/// Epilogue and return.
pub fn return_(_: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let removed = match cx.frame.callee_pops {
        true => cx.frame.incoming_bytes - SAVE_AREA + cx.frame.growth,
        false => 0,
    };
    leave(removed, cx, buffer, |sink| rows::ret(sink, &[]));
}

/// The epilogue, with the stack pointer `up` from where it was on entry, and `last`; unwinding state is as before for what
/// comes after.
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

/// A call whose callee removes its arguments: they are put back.
pub fn call_pops(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(1);
    rows::call_symbol(&mut Direct::of(cx, buffer), 0, symbol, addend as i32, &[]);
    restore_arguments(view.words[3], cx, buffer);
}

/// The same through a register.
pub fn call_popr(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::call_r(&mut Direct::of(cx, buffer), 0, view.operand(0), &[]);
    restore_arguments(view.words[1], cx, buffer);
}

/// A call of a symbol with handlers, and the jump to where it returns normally.
pub fn try_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::call_symbol(&mut Direct::of(cx, buffer), 0, SymbolRef::unpack(view.words[1]), 0, &[]);
    after_try(&view.words[2..], cx, buffer);
}

/// The same through a register.
pub fn try_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::call_r(&mut Direct::of(cx, buffer), 0, view.operand(0), &[]);
    after_try(&view.words[1..], cx, buffer);
}

fn after_try(words: &[u32], cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::after_try::<Branches>(words, cx, buffer, |bytes, buffer| restore_arguments(bytes, cx, buffer));
}

fn restore_arguments(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer) {
    frame::move_stack(&mut Direct::of(cx, buffer), -(bytes as i32));
}

/// A call of a symbol in place of the current function.
pub fn tail_call_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(0);
    tail_call(view.words[2], cx, buffer, |sink| rows::tail_symbol(sink, symbol, addend as i32, &[]));
}

/// A call of an address in place of the current function. Where the epilogue restores its register, it goes to one that the
/// epilogue leaves alone: r1 may hold a far address meanwhile, and nothing branches to r0.
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

/// The epilogue, the stack pointer moved to below the callee's `bytes` of arguments, and the jump.
fn tail_call(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer, go: impl FnOnce(&mut Direct)) {
    leave(cx.frame.incoming_bytes + cx.frame.growth - bytes, cx, buffer, go);
}

/// The stack pointer.
pub fn get_stack_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::l_rr(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(R15));
}

/// What links frames: the caller's stack pointer.
pub fn get_frame_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::la(&mut Direct::of(cx, buffer), view.operand(0), Amode::at(Place::Incoming, 0));
}

/// The return address: in its register, unless the prologue saved it.
pub fn get_return_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (sink, d) = (&mut Direct::of(cx, buffer), view.operand(0));
    if frame::saves_return_address(cx.frame) {
        let at = cx.frame.size + save_slot(R14);
        rows::l_rm(sink, Q64, d, Amode::base(physical(R15), at as i32));
    } else {
        rows::l_rr(sink, Q64, d, physical(R14));
    }
}

/// The pinned register.
pub fn get_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::l_rr(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(PINNED));
}

/// Sets the pinned register.
pub fn set_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::l_rr(&mut Direct::of(cx, buffer), Q64, physical(PINNED), view.operand(0));
}
