//! Expands `stack_switch`. A context has three words: the stack pointer, the frame pointer, and the address
//! where its stack goes on. Both contexts may be in the same memory, so the new one is read first.

use crate::arch::x86_64::regs::{R8, R9, R10, RAX, RBP, RSP};
use crate::arch::x86_64::{Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::size::Q64;

/// Emits a switch of stacks.
pub fn switch_stacks(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let resumed = buffer.label();
    let sink = &mut Direct::of(cx, buffer);
    let word = |base: usize, at: i32| Amode::base(view.operand(base), at);
    let [sp, fp, next, here] = [R8, R9, R10, RAX].map(physical);
    for (at, register) in [(0, sp), (8, fp), (16, next)] {
        rows::mov_rm(sink, Q64, register, word(2, at));
    }
    rows::lea_rm(sink, Q64, here, Amode::at(Place::Label(resumed), 0));
    for (at, register) in [(0, physical(RSP)), (8, physical(RBP)), (16, here)] {
        rows::mov_mr(sink, Q64, register, word(1, at));
    }
    rows::mov_rm(sink, Q64, physical(RSP), sp);
    rows::mov_rm(sink, Q64, physical(RBP), fp);
    rows::jmp_rm(sink, next);
    sink.buffer().bind(resumed);
}
