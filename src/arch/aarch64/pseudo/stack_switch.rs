//! Expands `stack_switch`. A context has three words: the stack pointer, the frame pointer, and the address
//! where its stack goes on. Both contexts may be in the same memory, so the new one is read first.

use crate::arch::aarch64::branch::Branches;
use crate::arch::aarch64::regs::{FP, SP, X3, X4, X5, X16, number_of};
use crate::arch::aarch64::{Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::Amode;
use crate::machine::size::Q64;

/// Emits a switch of stacks. Where branch targets are checked, x16 may enter functions too.
pub fn switch_stacks(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let resumed = buffer.label();
    let word = |base: usize, at: i32| Amode::base(view.operand(base), at);
    let [sp, fp, here, next] = [X3, X4, X5, X16].map(physical);
    let sink = &mut Direct::of(cx, buffer);
    for (at, register) in [(0, sp), (8, fp), (16, next)] {
        rows::ldr(sink, Q64, register, word(2, at));
    }
    sink.buffer().branch::<Branches>(Branches::ADDRESS, number_of(here), resumed);
    rows::str(sink, Q64, here, word(1, 16));
    rows::add_ri(sink, Q64, here, physical(SP), 0);
    rows::str(sink, Q64, here, word(1, 0));
    rows::str(sink, Q64, physical(FP), word(1, 8));
    rows::add_ri(sink, Q64, physical(SP), sp, 0);
    rows::mov_r(sink, Q64, physical(FP), fp);
    rows::br(sink, next);
    sink.buffer().bind(resumed);
    if cx.flags.use_bti() {
        rows::bti_j(sink);
    }
}
