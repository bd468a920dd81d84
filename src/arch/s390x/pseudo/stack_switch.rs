//! Expands `stack_switch`. A context has three words: the stack pointer, the frame pointer, and the address
//! where its stack goes on. Both contexts may be in the same memory, so the new one is read first.

use crate::arch::s390x::regs::{FP, R0, R1, R5, R14, R15};
use crate::arch::s390x::{Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::size::Q64;

/// Emits a switch of stacks.
pub fn switch_stacks(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let resumed = buffer.label();
    let sink = &mut Direct::of(cx, buffer);
    let word = |base: usize, at: i32| Amode::base(view.operand(base), at);
    let [sp, fp, next, here] = [R0, R14, R5, R1].map(physical);
    for (at, register) in [(0, sp), (8, fp), (16, next)] {
        rows::l_rm(sink, Q64, register, word(2, at));
    }
    rows::la(sink, here, Amode::at(Place::Label(resumed), 0));
    for (at, register) in [(0, physical(R15)), (8, physical(FP)), (16, here)] {
        rows::st_mr(sink, Q64, register, word(1, at));
    }
    rows::l_rr(sink, Q64, physical(R15), sp);
    rows::l_rr(sink, Q64, physical(FP), fp);
    rows::br_r(sink, next);
    sink.buffer().bind(resumed);
}
