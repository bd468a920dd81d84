//! Expands calls, returns, and accesses to registers that a frame or option reserves.

use crate::arch::aarch64::address::add_constant;
use crate::arch::aarch64::branch::Branches;
use crate::arch::aarch64::regs::*;
use crate::arch::aarch64::{Direct, frame, rows};
use crate::emit::branch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::Amode;
use crate::machine::size::Q64;
use crate::machine::symbol::SymbolRef;
use crate::machine::unwind::UnwindOp;

/// Emits the epilogue and a return.
pub fn return_(_: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let own = if cx.frame.callee_pops { cx.frame.incoming_bytes } else { 0 };
    // If there is one, use the instruction that authenticates the return address and returns.
    let authenticates = own == 0 && cx.flags.has_pauth() && frame::signs(cx.frame, cx.flags);
    let key_b = cx.flags.sign_return_address_with_bkey();
    leave(own as i32, !authenticates, cx, buffer, |sink| match (authenticates, key_b) {
        (false, _) => rows::ret(sink, &[]),
        (true, false) => rows::retaa(sink, &[]),
        (true, true) => rows::retab(sink, &[]),
    });
}

/// Emits the epilogue, leaves the stack pointer `above` bytes above its value on entry, and emits `last`.
/// Restores the unwind state for the code that follows. With `authenticate`, authenticates the return address
/// if it was signed; otherwise `last` does.
fn leave(
    above: i32,
    authenticate: bool,
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
    last: impl FnOnce(&mut Direct),
) {
    let signs = frame::signs(cx.frame, cx.flags);
    let remember = signs || cx.frame.incoming > 0 || above != 0;
    if remember {
        buffer.unwind(UnwindOp::RememberState);
    }
    frame::epilogue(cx.frame, buffer);
    let sink = &mut Direct::of(cx, buffer);
    let mut cfa = cx.frame.growth as i32;
    let entry = cfa;
    let mut raise = |bytes: i32, sink: &mut Direct| {
        if bytes != 0 {
            raise_stack(bytes as i64, sink);
            cfa -= bytes;
            sink.buffer().unwind(UnwindOp::CfaOffset(cfa));
        }
    };
    if !(signs && authenticate) {
        raise(entry + above, sink);
    } else if above >= 0 {
        raise(entry, sink);
        match cx.flags.sign_return_address_with_bkey() {
            false => rows::autiasp(sink),
            true => rows::autibsp(sink),
        }
        sink.buffer().unwind(UnwindOp::NegateReturnAddressState);
        raise(above, sink);
    } else {
        authenticate_below(entry as i64, cx, sink);
        raise(entry + above, sink);
    }
    last(sink);
    if remember {
        buffer.unwind(UnwindOp::RestoreState);
    }
}

/// Adds to the stack pointer.
fn raise_stack(bytes: i64, sink: &mut Direct) {
    if bytes != 0 {
        add_constant(physical(SP), physical(SP), bytes, sink);
    }
}

/// Authenticates the return address while the stack pointer is `growth` bytes below its value on entry,
/// because arguments lie between the two.
fn authenticate_below(growth: i64, cx: &EmitContext, sink: &mut Direct) {
    let (modifier, address) = (physical(X16), physical(X17));
    add_constant(modifier, physical(SP), growth, sink);
    rows::mov_r(sink, Q64, address, physical(LR));
    match cx.flags.sign_return_address_with_bkey() {
        false => rows::autia1716(sink),
        true => rows::autib1716(sink),
    }
    rows::mov_r(sink, Q64, physical(LR), address);
    sink.buffer().unwind(UnwindOp::NegateReturnAddressState);
}

/// Emits a call of a symbol that removes its stack arguments or is listed, and restores the stack pointer.
pub fn call_pops(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let ((symbol, addend), start) = (view.symbol(1), buffer.position());
    rows::bl(&mut Direct::of(cx, buffer), 0, symbol, addend as i32, &[]);
    after_call(start, &view.words[3..], cx, buffer);
}

/// Emits a call of an address whose callee removes its stack arguments or that is listed, and restores the
/// stack pointer.
pub fn call_popr(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let start = buffer.position();
    rows::blr(&mut Direct::of(cx, buffer), 0, view.operand(0), &[]);
    after_call(start, &view.words[1..], cx, buffer);
}

/// Lists a call, and emits what follows it; see [`branch::after_call`].
fn after_call(start: u32, words: &[u32], cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::after_call((start, &[words[0], words[1]]), cx, buffer, |bytes, buffer| {
        raise_stack(-(bytes as i64), &mut Direct::of(cx, buffer));
    });
}

/// Emits a call of a symbol with handlers, and the jump to its normal destination.
pub fn try_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let start = buffer.position();
    rows::bl(&mut Direct::of(cx, buffer), 0, SymbolRef::unpack(view.words[1]), 0, &[]);
    after_try(start, &view.words[2..], cx, buffer);
}

/// Emits a call of an address with handlers, and the jump to its normal destination.
pub fn try_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let start = buffer.position();
    rows::blr(&mut Direct::of(cx, buffer), 0, view.operand(0), &[]);
    after_try(start, &view.words[1..], cx, buffer);
}

/// Emits what follows a call with handlers; see [`branch::after_try`].
fn after_try(start: u32, words: &[u32], cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::after_try::<Branches>((start, words), cx, buffer, |bytes, buffer| {
        raise_stack(-(bytes as i64), &mut Direct::of(cx, buffer));
    });
}

/// Emits a tail call of a symbol.
pub fn tail_call_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(0);
    tail_call(view.words[2], cx, buffer, |sink| rows::tail_symbol(sink, symbol, addend as i32, &[]));
}

/// Emits a tail call of an address.
pub fn tail_call_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let target = view.operand(0);
    tail_call(view.words[0], cx, buffer, |sink| {
        if !cx.flags.use_bti() {
            return rows::tail_r(sink, target, &[]);
        }
        // Where branch targets are checked, only a jump through x16 may enter a function.
        rows::mov_r(sink, Q64, physical(X16), target);
        rows::tail_r(sink, physical(X16), &[]);
    });
}

/// Emits the epilogue, moves the stack pointer to below the callee's `bytes` of stack arguments, and emits
/// the jump.
fn tail_call(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer, go: impl FnOnce(&mut Direct)) {
    leave(cx.frame.incoming_bytes as i32 - bytes as i32, true, cx, buffer, |sink| {
        go(sink);
        sink.buffer().note_call(true);
    });
}

/// Reads the stack pointer.
pub fn get_stack_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::add_ri(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(SP), 0);
}

/// Reads the frame pointer.
pub fn get_frame_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_r(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(FP));
}

/// Reads the return address from where the prologue left it, and strips its signature if it is signed.
pub fn get_return_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let sink = &mut Direct::of(cx, buffer);
    let (d, lr) = (view.operand(0), physical(LR));
    let saved = frame::saves_return_address(cx.frame);
    let at = Amode::base(physical(SP), (cx.frame.incoming - cx.frame.growth) as i32 - 8);
    match (saved, frame::signs(cx.frame, cx.flags)) {
        (true, false) => rows::ldr(sink, Q64, d, at),
        (true, true) => {
            rows::ldr(sink, Q64, lr, at);
            rows::xpaclri(sink);
            rows::mov_r(sink, Q64, d, lr);
        }
        (false, false) => rows::mov_r(sink, Q64, d, lr),
        (false, true) => {
            rows::mov_r(sink, Q64, physical(X16), lr);
            rows::xpaclri(sink);
            rows::mov_r(sink, Q64, d, lr);
            rows::mov_r(sink, Q64, lr, physical(X16));
        }
    }
}

/// Reads the pinned register.
pub fn get_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_r(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(PINNED));
}

/// Writes the pinned register.
pub fn set_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_r(&mut Direct::of(cx, buffer), Q64, physical(PINNED), view.operand(0));
}
