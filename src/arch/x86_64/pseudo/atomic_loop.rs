//! Expands atomic operations that take a loop.
//!
//! ```text
//!        mov (m), old
//! again: new = old op operand
//!        lock cmpxchg new, (m)      ; if it fails, old is the current value
//!        jne again
//! ```

use crate::arch::x86_64::operands::Cond;
use crate::arch::x86_64::regs::{R8, R9, RCX, RDI, RDX, RSI};
use crate::arch::x86_64::{Direct, rows};
use crate::diag::unexpected;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::ir::AtomicRmwOp;
use crate::lower::atomic::{SEQUENTIALLY_CONSISTENT, Step};
use crate::machine::amode::Amode;
use crate::machine::reg::VReg;
use crate::machine::reloc::RelocKind;
use crate::machine::size::{L32, OperandSize, Q64, W16};
use crate::machine::symbol::{LibCall, SymbolRef};

/// The condition, after a comparison of the old value with the operand, on which their minimum or maximum is
/// the operand.
fn takes_operand(op: AtomicRmwOp) -> Cond {
    match op {
        AtomicRmwOp::Umin => Cond::Ae,
        AtomicRmwOp::Umax => Cond::B,
        AtomicRmwOp::Smin => Cond::Ge,
        AtomicRmwOp::Smax => Cond::L,
        other => unexpected(other),
    }
}

/// Expands a read-modify-write operation on up to 64 bits.
pub fn rmw_loop(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let step = Step::unpack(view.words[2]);
    let size = step.size;
    let [old, new, value] = [0, 1, 2].map(|index| view.operand(index));
    let m = view.amode(3, 0);
    rows::mov_rm(&mut Direct::of(cx, buffer), size, old, m);
    let again = buffer.label_here();
    let out = &mut Direct::of(cx, buffer);
    rows::mov_rm(out, size.max(L32), new, old);
    if step.swap {
        swap_bytes(out, size, new);
    }
    combine(out, step, new, value);
    if step.swap {
        swap_bytes(out, size, new);
    }
    rows::cmpxchg(out, size, old, old, new, m);
    rows::j_label(out, Cond::Ne, again);
}

/// Emits `new = new op operand`.
fn combine(out: &mut Direct, step: Step, new: VReg, operand: VReg) {
    use AtomicRmwOp::*;
    let whole = step.size.max(L32);
    match step.op {
        Add => rows::add_rm(out, whole, new, new, operand),
        Sub => rows::sub_rm(out, whole, new, new, operand),
        And => rows::and_rm(out, whole, new, new, operand),
        Or => rows::or_rm(out, whole, new, new, operand),
        Xor => rows::xor_rm(out, whole, new, new, operand),
        Xchg => rows::mov_rm(out, whole, new, operand),
        Nand => {
            rows::and_rm(out, whole, new, new, operand);
            rows::not_r(out, whole, new, new);
        }
        Umin | Umax | Smin | Smax => {
            rows::cmp_rm(out, step.size, new, operand);
            rows::cmov_rm(out, whole, new, new, operand, takes_operand(step.op));
        }
    }
}

/// Reverses the bytes of `d`.
fn swap_bytes(out: &mut Direct, size: OperandSize, d: VReg) {
    match size {
        W16 => rows::rol_ri(out, size, d, d, 8),
        L32 | Q64 => rows::bswap_r(out, size, d, d),
        other => unexpected(other),
    }
}

/// Expands a read-modify-write operation on 128 bits: old value in rdx:rax, new value in rcx:rbx.
pub fn rmw_wide(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let step = Step::unpack(view.words[2]);
    let [old_low, old_high, new_low, new_high, low, high] = std::array::from_fn(|i| view.operand(i));
    let m = view.amode(6, 0);
    let out = &mut Direct::of(cx, buffer);
    rows::mov_rm(out, Q64, old_low, m);
    rows::mov_rm(out, Q64, old_high, m.upper());
    let again = buffer.label_here();
    let out = &mut Direct::of(cx, buffer);
    // In the other byte order, the half at the lower address is the high one.
    let (old, new) = match step.swap {
        false => ((old_low, old_high), (new_low, new_high)),
        true => ((old_high, old_low), (new_high, new_low)),
    };
    combine_wide(out, step, old, new, (low, high));
    rows::cmpxchg16b(out, old_low, old_high, old_low, old_high, new_low, new_high, m);
    rows::j_label(out, Cond::Ne, again);
}

/// Expands a read-modify-write operation on 128 bits whose compare-and-exchange is a call. It takes the
/// address of the old value, which it replaces if it fails; what has to survive it is in registers that calls
/// preserve.
pub fn rmw_call(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let step = Step::unpack(view.words[1]);
    let [old_low, old_high, address, low, high, expected] = std::array::from_fn(|i| view.operand(i));
    let [rcx, rdx, rsi, rdi, r8, r9] = [RCX, RDX, RSI, RDI, R8, R9].map(physical);
    let place = Amode::base(expected, 0);
    let out = &mut Direct::of(cx, buffer);
    rows::mov_rm(out, Q64, rdi, address);
    rows::movl_ri(out, rsi, SEQUENTIALLY_CONSISTENT);
    call(LibCall::AtomicLoad16, buffer);
    let again = buffer.label_here();
    let out = &mut Direct::of(cx, buffer);
    rows::mov_mr(out, Q64, old_low, place);
    rows::mov_mr(out, Q64, old_high, place.upper());
    let (old, new) = match step.swap {
        false => ((old_low, old_high), (rsi, rcx)),
        true => ((old_high, old_low), (rcx, rsi)),
    };
    combine_wide(out, step, old, new, (low, high));
    rows::mov_rm(out, Q64, rdx, rsi);
    rows::mov_rm(out, Q64, rdi, address);
    rows::mov_rm(out, Q64, rsi, expected);
    rows::movl_ri(out, r8, SEQUENTIALLY_CONSISTENT);
    rows::movl_ri(out, r9, SEQUENTIALLY_CONSISTENT);
    call(LibCall::AtomicCompareExchange16, buffer);
    let out = &mut Direct::of(cx, buffer);
    rows::test_mr(out, L32, old_low, old_low);
    rows::mov_rm(out, Q64, old_low, place);
    rows::mov_rm(out, Q64, old_high, place.upper());
    rows::j_label(out, Cond::E, again);
}

/// Emits a call of a library routine.
fn call(routine: LibCall, buffer: &mut CodeBuffer) {
    buffer.put1(0xE8);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, SymbolRef::LibCall(routine), -4);
    buffer.put4(0);
}

/// Emits `d = a`, converted from memory's byte order.
fn copy_half(out: &mut Direct, step: Step, d: VReg, a: VReg) {
    rows::mov_rm(out, Q64, d, a);
    if step.swap {
        rows::bswap_r(out, Q64, d, d);
    }
}

/// The registers of an i128: low half, high half.
type Pair = (VReg, VReg);

/// Emits `new = old op operand` for 128 bits.
fn combine_wide(out: &mut Direct, step: Step, old: Pair, new: Pair, operand: Pair) {
    use AtomicRmwOp::*;
    if step.op != Xchg {
        copy_half(out, step, new.0, old.0);
        copy_half(out, step, new.1, old.1);
    }
    match step.op {
        Add => {
            rows::add_rm(out, Q64, new.0, new.0, operand.0);
            rows::adc_rm(out, Q64, new.1, new.1, operand.1);
        }
        Sub => {
            rows::sub_rm(out, Q64, new.0, new.0, operand.0);
            rows::sbb_rm(out, Q64, new.1, new.1, operand.1);
        }
        Umin | Umax | Smin | Smax => {
            rows::cmp_rm(out, Q64, new.0, operand.0);
            rows::sbb_rm(out, Q64, new.1, new.1, operand.1);
            // None of these changes the flags.
            copy_half(out, step, new.1, old.1);
            rows::cmov_rm(out, Q64, new.0, new.0, operand.0, takes_operand(step.op));
            rows::cmov_rm(out, Q64, new.1, new.1, operand.1, takes_operand(step.op));
        }
        And | Nand | Or | Xor | Xchg => {
            combine(out, step, new.0, operand.0);
            combine(out, step, new.1, operand.1);
        }
    }
    if step.swap {
        rows::bswap_r(out, Q64, new.0, new.0);
        rows::bswap_r(out, Q64, new.1, new.1);
    }
}
