//! What expands pseudo-instructions: one function for each `expand = name` of the rows.

mod float;
mod tls;

pub use super::atomic_loop::{rmw_loop, rmw_wide};
pub use float::*;
pub use tls::*;

use super::Direct;
use super::amode::{Amode, Cond, OperandSize, Place};
use super::encode::Branches;
use super::frame;
use super::regs::*;
use super::rows;
use crate::emit::branch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::{InstView, physical};
use crate::machine::inst::Label;
use crate::machine::reloc::RelocKind;
use crate::machine::symbol::SymbolRef;
use crate::machine::unwind::UnwindOp;

/// Bounds check, load of a distance, jump.
pub fn jump_table(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (count, default) = (view.words[0], Label(view.words[1]));
    let targets = &view.words[2..2 + count as usize];
    let table = buffer.jump_table(targets.iter().map(|&target| Label(target)));
    let (base, distance, index) = (view.operand(0), view.operand(1), view.operand(2));
    let sink = &mut Direct::of(cx, buffer);
    rows::cmp_mi(sink, OperandSize::L32, index, count as i32);
    rows::j_label(sink, Cond::Ae, default);
    rows::lea_rm(sink, OperandSize::Q64, base, Amode::at(Place::Label(table), 0));
    rows::movslq_rm(sink, distance, Amode::indexed(base, index, 2, 0));
    rows::add_rm(sink, OperandSize::Q64, distance, distance, base);
    rows::jmp_rm(sink, distance);
}

/// Epilogue and return.
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

/// The epilogue, then `last`; unwinding state is as before for what comes after.
fn leave(cx: &EmitContext, buffer: &mut CodeBuffer, last: impl FnOnce(&mut CodeBuffer)) {
    let remember = frame::has_unwind_state(cx.frame);
    if remember {
        buffer.unwind(UnwindOp::RememberState);
    }
    frame::epilogue(cx.frame, buffer);
    last(buffer);
    if remember {
        buffer.unwind(UnwindOp::RestoreState);
    }
}

/// A call whose callee removes its arguments: they are put back.
pub fn call_pops(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (symbol, addend) = (SymbolRef::unpack(view.words[1]), view.words[2] as i32);
    buffer.put1(0xE8);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, symbol, addend as i64 - 4);
    buffer.put4(0);
    restore_arguments(view.words[3], cx, buffer);
}

/// The same through a register.
pub fn call_popr(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let target = view.operand(0);
    rows::call_rm(&mut Direct::of(cx, buffer), 0, target, &[]);
    restore_arguments(view.words[1], cx, buffer);
}

/// A call of a symbol with handlers, and the jump to where it returns normally.
pub fn try_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    buffer.put1(0xE8);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, SymbolRef::unpack(view.words[1]), -4);
    buffer.put4(0);
    after_try(&view.words[2..], cx, buffer);
}

/// The same through a register.
pub fn try_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let target = view.operand(0);
    rows::call_rm(&mut Direct::of(cx, buffer), 0, target, &[]);
    after_try(&view.words[1..], cx, buffer);
}

fn after_try(words: &[u32], cx: &EmitContext, buffer: &mut CodeBuffer) {
    branch::after_try::<Branches>(words, cx, buffer, |bytes, buffer| restore_arguments(bytes, cx, buffer));
}

fn restore_arguments(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let rsp = physical(RSP);
    rows::sub_ri(&mut Direct::of(cx, buffer), OperandSize::Q64, rsp, rsp, bytes as i32);
}

/// A call of a symbol in place of the current function.
pub fn tail_call_symbol(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let symbol = SymbolRef::unpack(view.words[0]);
    tail_call(view.words[2], cx, buffer, |sink| match view.words[3] {
        0 => rows::tail_symbol(sink, symbol, 0, &[]),
        _ => rows::tail_rm(sink, Amode::at(Place::Got(symbol), 0), &[]),
    });
}

/// A call of an address in place of the current function.
pub fn tail_call_register(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let target = view.operand(0);
    tail_call(view.words[0], cx, buffer, |sink| rows::tail_rm(sink, target, &[]));
}

/// The epilogue, the return address moved to below the callee's arguments, and the jump.
fn tail_call(bytes: u32, cx: &EmitContext, buffer: &mut CodeBuffer, go: impl FnOnce(&mut Direct)) {
    leave(cx, buffer, |buffer| {
        let sink = &mut Direct::of(cx, buffer);
        let up = cx.frame.incoming_bytes + cx.frame.growth - bytes;
        if up > 0 {
            let (rsp, r11) = (physical(RSP), physical(R11));
            rows::mov_rm(sink, OperandSize::Q64, r11, Amode::base(rsp, 0));
            rows::mov_mr(sink, OperandSize::Q64, r11, Amode::base(rsp, up as i32));
            frame::registers_are_back(cx.frame, sink.buffer());
            rows::add_ri(sink, OperandSize::Q64, rsp, rsp, up as i32);
        }
        go(sink);
    });
}

/// The stack pointer.
pub fn get_stack_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, view.operand(0), physical(RSP));
}

/// The frame pointer.
pub fn get_frame_pointer(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, view.operand(0), physical(RBP));
}

/// The return address: where the prologue left it.
pub fn get_return_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let at = (cx.frame.incoming - cx.frame.growth - 8) as i32;
    let d = view.operand(0);
    rows::mov_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, d, Amode::base(physical(RSP), at));
}

/// The pinned register.
pub fn get_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, view.operand(0), physical(R15));
}

/// Sets the pinned register.
pub fn set_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::mov_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, physical(R15), view.operand(0));
}

/// The address of a label.
pub fn label_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let at = Amode::at(Place::Label(Label(view.words[0])), 0);
    rows::lea_rm(&mut Direct::of(cx, buffer), OperandSize::Q64, view.operand(0), at);
}
