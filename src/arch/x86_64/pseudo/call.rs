//! Expands calls, returns, and accesses to registers that a frame or option reserves.

use crate::arch::x86_64::branch::Branches;
use crate::arch::x86_64::regs::*;
use crate::arch::x86_64::{Direct, frame, rows};
use crate::emit::branch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::reloc::RelocKind;
use crate::machine::size::Q64;
use crate::machine::symbol::SymbolRef;
use crate::machine::unwind::UnwindOp;

/// Emits the epilogue and a return.
pub fn return_(_: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    leave(cx, buffer, |buffer| {
        let sink = &mut Direct::of(cx, buffer);
        let removed = cx.frame.incoming_bytes + cx.frame.growth;
        if cx.frame.callee_pops && removed > 0 {
            rows::ret_i(sink, removed as i32, &[]);
        } else {
            rows::ret(sink, &[]);
        }
    });
}

/// Emits the epilogue and `last`. Restores the unwind state for the code that follows.
fn leave(cx: &EmitContext, buffer: &mut CodeBuffer, last: impl FnOnce(&mut CodeBuffer)) {
    let remember = cx.frame.has_unwind_state();
    if remember {
        buffer.unwind(UnwindOp::RememberState);
    }
    frame::epilogue(cx.frame, buffer);
    last(buffer);
    if remember {
        buffer.unwind(UnwindOp::RestoreState);
    }
}

/// Emits a call of a symbol that removes its stack arguments or is listed, and restores the stack pointer.
pub fn call_pops(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, addend) = (SymbolRef::unpack(view.words[1]), view.words[2] as i32);
    let start = buffer.position();
    buffer.put1(0xE8);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, symbol, addend as i64 - 4);
    buffer.put4(0);
    after_call(start, &view.words[3..], cx, buffer);
}

/// Emits a call of an address whose callee removes its stack arguments or that is listed, and restores the
/// stack pointer.
pub fn call_popr(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (target, start) = (view.operand(0), buffer.position());
    rows::call_rm(&mut Direct::of(cx, buffer), 0, target, &[]);
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
    buffer.put1(0xE8);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, SymbolRef::unpack(view.words[1]), -4);
    buffer.put4(0);
    after_try(start, &view.words[2..], cx, buffer);
}

/// Emits a call of an address with handlers, and the jump to its normal destination.
pub fn try_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (target, start) = (view.operand(0), buffer.position());
    rows::call_rm(&mut Direct::of(cx, buffer), 0, target, &[]);
    after_try(start, &view.words[1..], cx, buffer);
}

/// Emits what follows a call with handlers; see [`branch::after_try`].
fn after_try(start: u32, words: &[u32], cx: &EmitContext, buffer: &mut CodeBuffer) {
    let restore = |bytes, buffer: &mut CodeBuffer| restore_arguments(bytes, cx, buffer);
    branch::after_try::<Branches>((start, words), cx, buffer, restore);
}

/// Lowers the stack pointer by the bytes of arguments that a callee removed.
fn restore_arguments(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let rsp = physical(RSP);
    rows::sub_ri(&mut Direct::of(cx, buffer), Q64, rsp, rsp, bytes as i32);
}

/// Emits a tail call of a symbol.
pub fn tail_call_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let symbol = SymbolRef::unpack(view.words[0]);
    tail_call(view.words[2], cx, buffer, |sink| match view.words[3] {
        0 => rows::tail_symbol(sink, symbol, 0, &[]),
        _ => rows::tail_rm(sink, Amode::at(Place::Got(symbol), 0), &[]),
    });
}

/// Emits a tail call of an address.
pub fn tail_call_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let target = view.operand(0);
    tail_call(view.words[0], cx, buffer, |sink| rows::tail_rm(sink, target, &[]));
}

/// Emits the epilogue, moves the return address to below the callee's stack arguments, and emits the jump.
fn tail_call(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer, go: impl FnOnce(&mut Direct)) {
    leave(cx, buffer, |buffer| {
        let sink = &mut Direct::of(cx, buffer);
        let up = cx.frame.incoming_bytes + cx.frame.growth - bytes;
        if up > 0 {
            let (rsp, r11) = (physical(RSP), physical(R11));
            rows::mov_rm(sink, Q64, r11, Amode::base(rsp, 0));
            rows::mov_mr(sink, Q64, r11, Amode::base(rsp, up as i32));
            frame::registers_are_back(cx.frame, sink.buffer());
            rows::add_ri(sink, Q64, rsp, rsp, up as i32);
        }
        go(sink);
        sink.buffer().note_call(true);
    });
}

/// Reads the stack pointer.
pub fn get_stack_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_rm(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(RSP));
}

/// Reads the frame pointer.
pub fn get_frame_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_rm(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(FP));
}

/// Reads the return address from where the prologue left it.
pub fn get_return_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let at = (cx.frame.incoming - cx.frame.growth - 8) as i32;
    let d = view.operand(0);
    rows::mov_rm(&mut Direct::of(cx, buffer), Q64, d, Amode::base(physical(RSP), at));
}

/// Reads the pinned register.
pub fn get_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_rm(&mut Direct::of(cx, buffer), Q64, view.operand(0), physical(PINNED));
}

/// Writes the pinned register.
pub fn set_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_rm(&mut Direct::of(cx, buffer), Q64, physical(PINNED), view.operand(0));
}
