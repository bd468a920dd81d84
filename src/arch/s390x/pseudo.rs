//! What expands pseudo-instructions: one function for each `expand = name` of the rows.

mod float;
mod tls;

pub use super::atomic_loop::{cas_narrow, rmw_narrow, rmw_wide, rmw_word};
pub use float::*;
pub use tls::*;

use super::abi::{PINNED, SAVE_AREA, save_slot};
use super::cond::Cond;
use super::encode::Branches;
use super::regs::*;
use super::{Direct, frame, rows};
use crate::emit::branch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::{InstView, physical};
use crate::machine::amode::{Amode, Place};
use crate::machine::inst::Label;
use crate::machine::inst::OperandForm;
use crate::machine::reg::VReg;
use crate::machine::size::OperandSize;
use crate::machine::symbol::SymbolRef;
use crate::machine::unwind::UnwindOp;

const G: OperandSize = OperandSize::Q64;
const SCRATCH: VReg = physical(R1);

macro_rules! comparing_branches {
    ($($name:ident $opcode:literal $immediate:literal,)*) => {
        $(
            #[doc = concat!("Ends a block with `", stringify!($name), "`.")]
            pub fn $name(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
                compare_and_branch($opcode, $immediate, view, cx, buffer);
            }
        )*
    };
}

// The last byte of the instruction, and whether it has an immediate.
comparing_branches! {
    branch_crj 0x76 false, branch_cgrj 0x64 false, branch_clrj 0x77 false, branch_clgrj 0x65 false,
    branch_cij 0x7E true, branch_cgij 0x7C true, branch_clij 0x7F true, branch_clgij 0x7D true,
}

fn compare_and_branch(
    opcode: u8,
    immediate: bool,
    view: &InstView,
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
) {
    let (second, labels) = match immediate {
        true => (view.words[0] as u8, 1),
        false => (view.register(1), 0),
    };
    let condition = Branches::comparing(opcode, view.register(0), second, immediate, view.small);
    branch::branch::<Branches>(condition, (view.label(labels), view.label(labels + 1)), cx, buffer);
}

/// Stores a constant by way of r0, which no address has.
pub fn store_reversed(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let OperandForm::Mem { bits } = view.row.operands[0].kind else { unreachable!("it stores to memory") };
    let (register, imm) = (physical(R0), view.words[2] as i32);
    let sink = &mut Direct::of(cx, buffer);
    match i16::try_from(imm) {
        Ok(imm) => rows::lhi_ri(sink, G, register, imm.into()),
        Err(_) => rows::lgfi(sink, register, imm),
    }
    rows::strv_mr(sink, OperandSize::from_bits(bits as u32), register, view.amode(0, 0));
}

/// Bounds check, load of a distance, jump.
pub fn jump_table(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let (count, default) = (view.words[0], view.label(1));
    let targets = &view.words[2..2 + count as usize];
    let table = buffer.jump_table(targets.iter().map(|&target| Label(target)));
    let (distance, index, base) = (view.operand(0), view.operand(1), SCRATCH);
    let sink = &mut Direct::of(cx, buffer);
    rows::clfi_ri(sink, G, index, count as i32);
    rows::brc_label(sink, Cond::Eh, default);
    rows::la(sink, base, Amode::at(Place::Label(table), 0));
    rows::sll_rri(sink, G, distance, index, 2);
    rows::lgf_rm(sink, distance, Amode::indexed(base, distance, 0, 0));
    rows::a_rr(sink, G, distance, distance, base);
    rows::br_r(sink, distance);
}

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
    let remember = up > 0 || frame::has_unwind_state(cx.frame);
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
            rows::l_rr(sink, G, to, from);
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
    rows::l_rr(&mut Direct::of(cx, buffer), G, view.operand(0), physical(R15));
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
        rows::l_rm(sink, G, d, Amode::base(physical(R15), at as i32));
    } else {
        rows::l_rr(sink, G, d, physical(R14));
    }
}

/// The pinned register.
pub fn get_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::l_rr(&mut Direct::of(cx, buffer), G, view.operand(0), physical(PINNED));
}

/// Sets the pinned register.
pub fn set_pinned(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::l_rr(&mut Direct::of(cx, buffer), G, physical(PINNED), view.operand(0));
}

/// The address of a label.
pub fn label_address(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    rows::la(&mut Direct::of(cx, buffer), view.operand(0), Amode::at(Place::Label(view.label(0)), 0));
}
