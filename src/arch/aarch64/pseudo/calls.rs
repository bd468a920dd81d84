//! What expands calls, returns, jump tables, special registers and thread-local addresses.

use super::super::Direct;
use super::super::address::add_constant;
use super::super::branch::Branches;
use super::super::frame;
use super::super::operands::{Amode, OperandSize};
use super::super::regs::*;
use super::super::rows;
use crate::emit::branch::jump_unless_next;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::{InstView, physical};
use crate::machine::inst::Label;
use crate::machine::symbol::SymbolRef;
use crate::machine::unwind::UnwindOp;

const X: OperandSize = OperandSize::Q64;

/// Epilogue and return.
pub fn return_(_: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let own = if cx.frame.callee_pops { cx.frame.incoming_bytes } else { 0 };
    // There may be an instruction that authenticates the return address and returns.
    let authenticates = own == 0 && cx.flags.has_pauth() && frame::signs(cx.frame, cx.flags);
    let key_b = cx.flags.sign_return_address_with_bkey();
    leave(own as i32, !authenticates, cx, buffer, |sink| match (authenticates, key_b) {
        (false, _) => rows::ret(sink, &[]),
        (true, false) => rows::retaa(sink, &[]),
        (true, true) => rows::retab(sink, &[]),
    });
}

/// The epilogue, the stack pointer `above` what it was on entry, then `last`; unwinding state is as before for what
/// comes after. Unless `last` does it, the return address is authenticated if it was signed.
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

fn raise_stack(bytes: i64, sink: &mut Direct) {
    if bytes != 0 {
        add_constant(physical(SP), physical(SP), bytes, sink);
    }
}

/// Authenticates the return address while the stack pointer is `growth` below what it was on entry: arguments lie there.
fn authenticate_below(growth: i64, cx: &EmitContext, sink: &mut Direct) {
    let (modifier, address) = (physical(X16), physical(X17));
    add_constant(modifier, physical(SP), growth, sink);
    rows::mov_r(sink, X, address, physical(LR));
    match cx.flags.sign_return_address_with_bkey() {
        false => rows::autia1716(sink),
        true => rows::autib1716(sink),
    }
    rows::mov_r(sink, X, physical(LR), address);
    sink.buffer().unwind(UnwindOp::NegateReturnAddressState);
}

/// A call whose callee removes its arguments: they are put back.
pub fn call_pops(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(1);
    let sink = &mut Direct::of(cx, buffer);
    rows::bl(sink, 0, symbol, addend as i32, &[]);
    raise_stack(-(view.words[3] as i64), sink);
}

/// The same through a register.
pub fn call_popr(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let sink = &mut Direct::of(cx, buffer);
    rows::blr(sink, 0, view.operand(0), &[]);
    raise_stack(-(view.words[1] as i64), sink);
}

/// A call of a symbol with handlers, and the jump to where it returns normally.
pub fn try_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::bl(&mut Direct::of(cx, buffer), 0, SymbolRef::unpack(view.words[1]), 0, &[]);
    after_try(&view.words[2..], cx, buffer);
}

/// The same through a register.
pub fn try_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::blr(&mut Direct::of(cx, buffer), 0, view.operand(0), &[]);
    after_try(&view.words[1..], cx, buffer);
}

/// `words`: bytes that the callee removed, normal destination, number of handlers, their tags and places.
fn after_try(words: &[u32], cx: &EmitContext, buffer: &mut CodeBuffer) {
    let handlers = &words[3..3 + 2 * words[2] as usize];
    for pair in handlers.chunks_exact(2) {
        buffer.handler(pair[0].checked_sub(1), Label(pair[1]));
    }
    raise_stack(-(words[0] as i64), &mut Direct::of(cx, buffer));
    jump_unless_next::<Branches>(Label(words[1]), cx, buffer);
}

/// A call of a symbol in place of the current function.
pub fn tail_call_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(0);
    let above = cx.frame.incoming_bytes as i32 - view.words[2] as i32;
    leave(above, true, cx, buffer, |sink| rows::tail_symbol(sink, symbol, addend as i32, &[]));
}

/// A call of an address in place of the current function.
pub fn tail_call_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let target = view.operand(0);
    let above = cx.frame.incoming_bytes as i32 - view.words[0] as i32;
    leave(above, true, cx, buffer, |sink| {
        if !cx.flags.use_bti() {
            return rows::tail_r(sink, target, &[]);
        }
        // Only by this register may a jump go where calls go.
        rows::mov_r(sink, X, physical(X16), target);
        rows::tail_r(sink, physical(X16), &[]);
    });
}

/// A stop for the debugger.
pub fn debug_trap(_: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::brk(&mut Direct::of(cx, buffer), 0, 0);
}

/// The stack pointer.
pub fn get_stack_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::add_ri(&mut Direct::of(cx, buffer), X, view.operand(0), physical(SP), 0);
}

/// The frame pointer.
pub fn get_frame_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_r(&mut Direct::of(cx, buffer), X, view.operand(0), physical(FP));
}

/// The return address: where the prologue left it. If it is signed, it is taken without the signature.
pub fn get_return_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let sink = &mut Direct::of(cx, buffer);
    let (d, lr) = (view.operand(0), physical(LR));
    let saved = frame::saves_return_address(cx.frame);
    let at = Amode::base(physical(SP), (cx.frame.incoming - cx.frame.growth) as i32 - 8);
    match (saved, frame::signs(cx.frame, cx.flags)) {
        (true, false) => rows::ldr(sink, X, d, at),
        (true, true) => {
            rows::ldr(sink, X, lr, at);
            rows::xpaclri(sink);
            rows::mov_r(sink, X, d, lr);
        }
        (false, false) => rows::mov_r(sink, X, d, lr),
        (false, true) => {
            rows::mov_r(sink, X, physical(X16), lr);
            rows::xpaclri(sink);
            rows::mov_r(sink, X, d, lr);
            rows::mov_r(sink, X, lr, physical(X16));
        }
    }
}

/// The pinned register.
pub fn get_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_r(&mut Direct::of(cx, buffer), X, view.operand(0), physical(PINNED));
}

/// Sets the pinned register.
pub fn set_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_r(&mut Direct::of(cx, buffer), X, physical(PINNED), view.operand(0));
}
