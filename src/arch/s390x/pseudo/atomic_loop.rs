//! Expands atomic operations that take a loop.
//!
//! ```text
//!        l old, (a)
//! again: new = old op operand
//!        cs old, new, (a)           ; if it fails, old is the current value
//!        jl again
//! ```
//!
//! No compare-and-swap is narrower than a word. For a byte or halfword, the word around it is loaded and
//! rotated so that the byte or halfword is at its right end.

use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{Direct, regs, rows};
use crate::diag::unexpected;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, physical};
use crate::ir::AtomicRmwOp;
use crate::lower::atomic::Step;
use crate::machine::amode::Amode;
use crate::machine::reg::VReg;
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};

/// A register for intermediate results. The loops' addresses do not use it.
const R0: VReg = physical(regs::R0);

/// The condition that a failed compare-and-swap leaves.
const FAILED: Cond = Cond::L;

/// Expands a read-modify-write operation on a word or doubleword.
pub fn rmw_word(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let step = Step::unpack(view.words[0]);
    let [old, new, operand, address] = [0, 1, 2, 3].map(|index| view.operand(index));
    let memory = Amode::base(address, 0).with_trap(view.trap);
    let out = &mut Direct::of(cx, buffer);
    rows::l_rm(out, step.size, old, memory);
    let again = out.buffer().label_here();
    copy(out, step, new, old);
    combine(out, step, new, operand);
    if step.swap {
        rows::lrv_rr(out, step.size, new, new);
    }
    rows::cs(out, step.size, old, old, new, memory);
    rows::brc_label(out, FAILED, again);
}

/// Emits `d = a`, converted from memory's byte order.
fn copy(out: &mut Direct, step: Step, d: VReg, a: VReg) {
    match step.swap {
        true => rows::lrv_rr(out, step.size, d, a),
        false => rows::l_rr(out, step.size, d, a),
    }
}

/// Emits `new = new op operand` for whole registers.
fn combine(out: &mut Direct, step: Step, new: VReg, operand: VReg) {
    use AtomicRmwOp::*;
    let size = step.size;
    match step.op {
        Add => rows::a_rr(out, size, new, new, operand),
        Sub => rows::s_rr(out, size, new, new, operand),
        And => rows::n_rr(out, size, new, new, operand),
        Or => rows::o_rr(out, size, new, new, operand),
        Xor => rows::x_rr(out, size, new, new, operand),
        Xchg => rows::l_rr(out, size, new, operand),
        Nand => {
            rows::n_rr(out, size, new, new, operand);
            complement(out, size, new);
        }
        Smin | Smax => {
            rows::c_rr(out, size, new, operand);
            rows::loc_rr(out, size, new, new, operand, takes_operand(step.op));
        }
        Umin | Umax => {
            rows::cl_rr(out, size, new, operand);
            rows::loc_rr(out, size, new, new, operand, takes_operand(step.op));
        }
    }
}

/// Emits `d = !d`.
fn complement(out: &mut Direct, size: OperandSize, d: VReg) {
    rows::xilf(out, d, d, -1);
    if size == Q64 {
        rows::xihf(out, d, d, -1);
    }
}

/// The condition, after a comparison of the old value with the operand, on which their minimum or maximum is
/// the operand.
fn takes_operand(op: AtomicRmwOp) -> Cond {
    match op {
        AtomicRmwOp::Umin | AtomicRmwOp::Smin => Cond::H,
        AtomicRmwOp::Umax | AtomicRmwOp::Smax => Cond::L,
        other => unexpected(other),
    }
}

/// Expands a read-modify-write operation on a byte or halfword. The operand is extended to a word, with the
/// signedness of a minimum or maximum.
pub fn rmw_narrow(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    use AtomicRmwOp::*;
    let step = Step::unpack(view.words[0]);
    let [old, new, operand, address, right, back] = [0, 1, 2, 3, 4, 5].map(|index| view.operand(index));
    let memory = Amode::base(address, 0).with_trap(view.trap);
    let out = &mut Direct::of(cx, buffer);
    rows::l_rm(out, L32, old, memory);
    let again = out.buffer().label_here();
    rows::rll_rrc(out, L32, new, old, right);
    // The result is in the low bits of r0.
    match step.swap {
        true => {
            rows::lrv_rr(out, L32, R0, new);
            rows::srl_rri(out, L32, R0, R0, 16);
        }
        false => rows::l_rr(out, L32, R0, new),
    }
    if matches!(step.op, Smin | Smax) {
        sign_extend(out, step.size, R0);
    } else if matches!(step.op, Umin | Umax) {
        zero_extend(out, step.size, R0, R0);
    }
    combine(out, Step { size: L32, ..step }, R0, operand);
    if step.swap {
        rows::lrv_rr(out, L32, R0, R0);
        rows::srl_rri(out, L32, R0, R0, 16);
    }
    insert(out, step.size, new, R0);
    rows::rll_rrc(out, L32, new, new, back);
    rows::cs(out, L32, old, old, new, memory);
    rows::brc_label(out, FAILED, again);
    rows::rll_rrc(out, L32, old, old, right);
}

/// Emits `d = d`, sign-extended from `size`.
fn sign_extend(out: &mut Direct, size: OperandSize, d: VReg) {
    match size {
        B8 => rows::lb_rr(out, L32, d, d),
        W16 => rows::lh_rr(out, L32, d, d),
        other => unexpected(other),
    }
}

/// Emits `d = a`, zero-extended from `size`.
fn zero_extend(out: &mut Direct, size: OperandSize, d: VReg, a: VReg) {
    match size {
        B8 => rows::llc_rr(out, L32, d, a),
        W16 => rows::llh_rr(out, L32, d, a),
        other => unexpected(other),
    }
}

/// Replaces the low bits of `d` with those of `from`.
fn insert(out: &mut Direct, size: OperandSize, d: VReg, from: VReg) {
    rows::risbg_rr(out, d, d, from, 64 - size.bits() as i32, 63, 0);
}

/// Expands a compare-and-swap of a byte or halfword.
pub fn cas_narrow(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let step = Step::unpack(view.words[0]);
    let [d, old, new, expected, operand, address, right, back] = std::array::from_fn(|i| view.operand(i));
    let memory = Amode::base(address, 0).with_trap(view.trap);
    let out = &mut Direct::of(cx, buffer);
    rows::l_rm(out, L32, old, memory);
    let again = out.buffer().label_here();
    let done = out.buffer().label();
    rows::rll_rrc(out, L32, new, old, right);
    zero_extend(out, step.size, d, new);
    rows::clrj(out, L32, d, expected, Cond::Lh, done);
    insert(out, step.size, new, operand);
    rows::rll_rrc(out, L32, new, new, back);
    rows::cs(out, L32, old, old, new, memory);
    rows::brc_label(out, FAILED, again);
    out.buffer().bind(done);
}

/// Expands a read-modify-write operation on 128 bits: old value in r2 and r3, new value in r4 and r5, high
/// halves first.
pub fn rmw_wide(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let step = Step::unpack(view.words[0]);
    let [oh, ol, nh, nl, high, low, address] = std::array::from_fn(|i| view.operand(i));
    let memory = Amode::base(address, 0).with_trap(view.trap);
    let out = &mut Direct::of(cx, buffer);
    rows::lmg(out, oh, ol, memory);
    let again = out.buffer().label_here();
    // In the other byte order, the half at the lower address is the low one.
    let (old, new) = match step.swap {
        false => ((oh, ol), (nh, nl)),
        true => ((ol, oh), (nl, nh)),
    };
    combine_wide(out, step, old, new, (high, low));
    rows::cdsg(out, oh, ol, oh, ol, nh, nl, memory);
    rows::brc_label(out, FAILED, again);
}

/// The registers of an i128: high half, low half.
type Pair = (VReg, VReg);

/// Emits `new = old op operand` for 128 bits.
fn combine_wide(out: &mut Direct, step: Step, old: Pair, new: Pair, operand: Pair) {
    use AtomicRmwOp::*;
    copy(out, step, new.0, old.0);
    copy(out, step, new.1, old.1);
    match step.op {
        Add => {
            rows::al_rr(out, Q64, new.1, new.1, operand.1);
            rows::alc_rr(out, Q64, new.0, new.0, operand.0);
        }
        Sub => {
            rows::sl_rr(out, Q64, new.1, new.1, operand.1);
            rows::slb_rr(out, Q64, new.0, new.0, operand.0);
        }
        Umin | Umax | Smin | Smax => {
            // The low halves decide if the high halves are equal.
            let decided = out.buffer().label();
            rows::cl_rr(out, Q64, new.1, operand.1);
            rows::crj(out, Q64, new.0, operand.0, Cond::E, decided);
            match step.op {
                Smin | Smax => rows::c_rr(out, Q64, new.0, operand.0),
                Umin | Umax => rows::cl_rr(out, Q64, new.0, operand.0),
                other => unexpected(other),
            }
            out.buffer().bind(decided);
            rows::loc_rr(out, Q64, new.0, new.0, operand.0, takes_operand(step.op));
            rows::loc_rr(out, Q64, new.1, new.1, operand.1, takes_operand(step.op));
        }
        And | Nand | Or | Xor | Xchg => {
            combine(out, step, new.0, operand.0);
            combine(out, step, new.1, operand.1);
        }
    }
    if step.swap {
        rows::lrv_rr(out, Q64, new.0, new.0);
        rows::lrv_rr(out, Q64, new.1, new.1);
    }
}
