//! Expands atomic operations that take a loop.
//!
//! ```text
//! again: ldaxr old, [m]
//!        new = old op operand
//!        stlxr w17, new, [m]        ; 0 if nothing came in between
//!        cbnz w17, again
//! ```
//!
//! No other memory access may come between load and store, or the loop might never end. So the loop is one
//! pseudo-instruction.

use crate::arch::aarch64::address::{Memory, SCRATCH};
use crate::arch::aarch64::operands::{Cond, Extend};
use crate::arch::aarch64::regs::X17;
use crate::arch::aarch64::{Direct, rows};
use crate::diag::unexpected;
use crate::emit::buffer::CodeBuffer;
use crate::emit::inst_view::{EmitContext, InstView, Places, physical};
use crate::ir::AtomicRmwOp;
use crate::lower::atomic::Step;
use crate::machine::amode::Amode;
use crate::machine::reg::VReg;
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};

/// Zero if the store succeeded.
const STATUS: VReg = physical(X17);

/// The registers of an i128: low half, high half.
type Pair = (VReg, VReg);

/// Reduces the memory operand to an address in a register. The operand is in the first two words and the
/// registers from `first` on.
fn memory(view: &InstView, cx: &EmitContext, first: usize, buffer: &mut CodeBuffer) -> Amode {
    let memory = Memory::at(view, 0, first, Places::of(cx));
    let (base, _) = memory.reduce(SCRATCH, |disp| disp == 0, &mut Direct::of(cx, buffer));
    Amode::base(base, 0).with_trap(view.trap)
}

/// Expands a read-modify-write operation on up to 64 bits.
pub fn rmw_loop(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let step = Step::unpack(view.words[2]);
    let [old, new, operand] = [0, 1, 2].map(|index| view.operand(index));
    let m = memory(view, cx, 3, buffer);
    let again = buffer.label_here();
    let out = &mut Direct::of(cx, buffer);
    rows::ldaxr(out, step.size, old, m);
    let mut current = old;
    if step.swap {
        swap_bytes(out, step.size, new, old);
        current = new;
    }
    use AtomicRmwOp::*;
    let mut result = new;
    match step.op {
        Xchg => result = operand,
        Add | Sub | And | Nand | Or | Xor | Umin | Umax | Smin | Smax => {
            combine(out, step, new, current, operand);
        }
    }
    if step.swap {
        swap_bytes(out, step.size, new, new);
    }
    rows::stlxr(out, step.size, STATUS, result, m);
    rows::cbnz(out, L32, STATUS, again);
}

/// Emits `new = old op operand`.
fn combine(out: &mut Direct, step: Step, new: VReg, old: VReg, operand: VReg) {
    use AtomicRmwOp::*;
    let whole = step.size.max(L32);
    match step.op {
        Add => rows::add_rr(out, whole, new, old, operand),
        Sub => rows::sub_rr(out, whole, new, old, operand),
        And => rows::and_rr(out, whole, new, old, operand),
        Or => rows::orr_rr(out, whole, new, old, operand),
        Xor => rows::eor_rr(out, whole, new, old, operand),
        Xchg => rows::mov_r(out, whole, new, operand),
        Nand => {
            rows::and_rr(out, whole, new, old, operand);
            rows::mvn_r(out, whole, new, new);
        }
        Umin | Umax | Smin | Smax => {
            let signed = matches!(step.op, Smin | Smax);
            let mut current = old;
            match (step.size, signed) {
                (B8, true) => rows::sxtb(out, L32, new, old),
                (W16, true) => rows::sxth(out, L32, new, old),
                _ => {}
            }
            if whole != step.size && signed {
                current = new;
            }
            compare(out, step.size, current, operand, signed);
            rows::csel(out, whole, new, current, operand, keeps_old(step.op));
        }
    }
}

/// The condition, after a comparison of the old value with the operand, on which their minimum or maximum is
/// the old value.
fn keeps_old(op: AtomicRmwOp) -> Cond {
    match op {
        AtomicRmwOp::Umin => Cond::Lo,
        AtomicRmwOp::Umax => Cond::Hs,
        AtomicRmwOp::Smin => Cond::Lt,
        AtomicRmwOp::Smax => Cond::Ge,
        other => unexpected(other),
    }
}

/// Compares `a`, which is extended, with `b`, whose bits above `size` are undefined.
fn compare(out: &mut Direct, size: OperandSize, a: VReg, b: VReg, signed: bool) {
    let extend = match (size, signed) {
        (B8, false) => Extend::Uxtb,
        (B8, true) => Extend::Sxtb,
        (W16, false) => Extend::Uxth,
        (W16, true) => Extend::Sxth,
        (L32 | Q64, _) => return rows::cmp_rr(out, size, a, b),
        (other, _) => unexpected(other),
    };
    rows::cmp_rx(out, L32, a, b, extend, 0);
}

/// Emits `d = a` with its bytes reversed.
fn swap_bytes(out: &mut Direct, size: OperandSize, d: VReg, a: VReg) {
    match size {
        W16 => rows::rev16(out, L32, d, a),
        L32 | Q64 => rows::rev(out, size, d, a),
        other => unexpected(other),
    }
}

/// Expands a read-modify-write operation on 128 bits.
pub fn rmw_wide(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let step = Step::unpack(view.words[2]);
    let [old_low, old_high, new_low, new_high, low, high] = std::array::from_fn(|i| view.operand(i));
    let m = memory(view, cx, 6, buffer);
    let again = buffer.label_here();
    let out = &mut Direct::of(cx, buffer);
    rows::ldaxp(out, old_low, old_high, m);
    // In the other byte order, the half at the lower address is the high one.
    let (mut old, new) = match step.swap {
        false => ((old_low, old_high), (new_low, new_high)),
        true => ((old_high, old_low), (new_high, new_low)),
    };
    if step.swap {
        rows::rev(out, Q64, new.0, old.0);
        rows::rev(out, Q64, new.1, old.1);
        old = new;
    }
    combine_wide(out, step, new, old, (low, high));
    if step.swap {
        rows::rev(out, Q64, new.0, new.0);
        rows::rev(out, Q64, new.1, new.1);
    }
    rows::stlxp(out, STATUS, new_low, new_high, m);
    rows::cbnz(out, L32, STATUS, again);
}

/// Emits `new = old op operand` for 128 bits.
fn combine_wide(out: &mut Direct, step: Step, new: Pair, old: Pair, operand: Pair) {
    use AtomicRmwOp::*;
    match step.op {
        Add => {
            rows::adds_rr(out, Q64, new.0, old.0, operand.0);
            rows::adc_rr(out, Q64, new.1, old.1, operand.1);
        }
        Sub => {
            rows::subs_rr(out, Q64, new.0, old.0, operand.0);
            rows::sbc_rr(out, Q64, new.1, old.1, operand.1);
        }
        Umin | Umax | Smin | Smax => {
            rows::cmp_rr(out, Q64, old.0, operand.0);
            rows::sbcs_rr(out, Q64, STATUS, old.1, operand.1);
            rows::csel(out, Q64, new.0, old.0, operand.0, keeps_old(step.op));
            rows::csel(out, Q64, new.1, old.1, operand.1, keeps_old(step.op));
        }
        And | Nand | Or | Xor | Xchg => {
            combine(out, step, new.0, old.0, operand.0);
            combine(out, step, new.1, old.1, operand.1);
        }
    }
}

/// Expands a compare-and-swap of up to 64 bits.
pub fn cas_loop(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let size = OperandSize::from_bits(8 << view.words[2]);
    let [old, expected, new] = [0, 1, 2].map(|index| view.operand(index));
    let m = memory(view, cx, 3, buffer);
    let again = buffer.label_here();
    let done = buffer.label();
    let out = &mut Direct::of(cx, buffer);
    rows::ldaxr(out, size, old, m);
    compare(out, size, old, expected, false);
    rows::b_cc(out, Cond::Ne, done);
    rows::stlxr(out, size, STATUS, new, m);
    rows::cbnz(out, L32, STATUS, again);
    buffer.bind(done);
}

/// Expands a compare-and-swap of 128 bits. Only a successful store shows that both halves were read at once,
/// so a value other than the expected one is written back.
pub fn cas_wide(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
    let [old_low, old_high, low, high] = std::array::from_fn(|i| view.operand(i));
    let [expected_low, expected_high, new_low, new_high] = std::array::from_fn(|i| view.operand(i + 4));
    let m = memory(view, cx, 8, buffer);
    let again = buffer.label_here();
    let out = &mut Direct::of(cx, buffer);
    rows::ldaxp(out, old_low, old_high, m);
    rows::cmp_rr(out, Q64, old_low, expected_low);
    rows::ccmp_rr(out, Q64, old_high, expected_high, 0, Cond::Eq);
    rows::csel(out, Q64, low, new_low, old_low, Cond::Eq);
    rows::csel(out, Q64, high, new_high, old_high, Cond::Eq);
    rows::stlxp(out, STATUS, low, high, m);
    rows::cbnz(out, L32, STATUS, again);
}
