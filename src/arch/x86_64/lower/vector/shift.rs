//! Shifts and rotations of all lanes by the same amount, modulo the width of a lane.
//!
//! There are no shifts of bytes, which are shifted as halves of words, and before AVX-512 none to the right
//! of 64-bit lanes with their signs: `((a >> n) ^ s) - s` is one, where `s` is the sign bit shifted as well.
//! Rotations are two shifts, but AVX-512 has those of wide lanes by a constant.

use super::ops::{AND, LEFT, OR, RIGHT, RIGHT_SIGNED, RIGHT_SIGNED_QUAD, SUBTRACT, Shift, XOR};
use super::{has_avx512, lane_size, ones, repeated};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// By how much to shift: less than the width of a lane.
#[derive(Clone, Copy)]
enum Amount {
    Constant(u32),
    /// The low half of a vector register.
    Register(VReg),
}

impl Shift {
    /// `a` shifted by an amount, in a new register.
    fn by(&self, cx: &mut Cx, size: OperandSize, a: VReg, amount: Amount) -> VReg {
        match amount {
            Amount::Constant(amount) => self.value(cx, size, a, amount),
            Amount::Register(amount) => self.by_register.value(cx, size, a, amount),
        }
    }
}

/// Lowers ishl, ushr, sshr, rotl and rotr.
pub fn shift(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = lane_size(data.ty);
    let result = cx.f.first_result(inst);
    let bits = data.ty.lane_bits();
    let a = cx.put(Value(data.a));
    if let Some(amount) = cx.constant(Value(data.b)) {
        rule!(cx, "vector.shift_constant");
        let amount = amount as u32 & (bits - 1);
        let shifted = match amount {
            0 => a,
            _ => by_constant(cx, data.opcode, size, a, amount),
        };
        cx.define_as(result, shifted);
        return Ok(());
    }
    let (amount, _) = cx.put_parts(Value(data.b));
    let masked = cx.tmp(RegClass::Int);
    rows::and_ri(cx, L32, masked, amount, bits as i32 - 1);
    let by = moved(cx, masked);
    let shifted = match data.opcode {
        Opcode::Rotl | Opcode::Rotr => {
            let [negative, other] = [(); 2].map(|()| cx.tmp(RegClass::Int));
            rows::neg_r(cx, L32, negative, masked);
            rows::and_ri(cx, L32, other, negative, bits as i32 - 1);
            let other = moved(cx, other);
            let (left, right) = if data.opcode == Opcode::Rotl { (by, other) } else { (other, by) };
            let high = shifted(cx, Opcode::Ishl, size, a, left);
            let low = shifted(cx, Opcode::Ushr, size, a, right);
            OR.value(cx, L32, high, low)
        }
        Opcode::Ishl | Opcode::Ushr | Opcode::Sshr => shifted(cx, data.opcode, size, a, by),
        other => unexpected(other),
    };
    cx.define_as(result, shifted);
    Ok(())
}

/// An amount in a vector register.
fn moved(cx: &mut Cx, amount: VReg) -> Amount {
    let d = cx.tmp(RegClass::Float);
    rows::mov_xr(cx, L32, d, amount);
    Amount::Register(d)
}

/// `a` shifted or rotated by a constant other than zero.
fn by_constant(cx: &mut Cx, opcode: Opcode, size: OperandSize, a: VReg, amount: u32) -> VReg {
    let bits = size.bits();
    match opcode {
        Opcode::Rotl | Opcode::Rotr => {
            let left = if opcode == Opcode::Rotl { amount } else { bits - amount };
            if matches!(size, L32 | Q64) && has_avx512(cx) {
                rule!(cx, "vector.rotate");
                let d = cx.tmp(RegClass::Float);
                rows::vprol_ri(cx, size, d, a, left as i32);
                return d;
            }
            let high = by_constant(cx, Opcode::Ishl, size, a, left);
            let low = by_constant(cx, Opcode::Ushr, size, a, bits - left);
            OR.value(cx, L32, high, low)
        }
        Opcode::Ishl if size == B8 => {
            let words = LEFT.value(cx, W16, a, amount);
            let kept = repeated(cx, B8, 0xFF << amount);
            AND.value(cx, L32, words, kept)
        }
        Opcode::Ushr if size == B8 => {
            let words = RIGHT.value(cx, W16, a, amount);
            let kept = repeated(cx, B8, 0xFF >> amount);
            AND.value(cx, L32, words, kept)
        }
        Opcode::Sshr if size == B8 => {
            let shifted = by_constant(cx, Opcode::Ushr, B8, a, amount);
            let sign = repeated(cx, B8, 0x80 >> amount);
            let flipped = XOR.value(cx, L32, shifted, sign);
            SUBTRACT.value(cx, B8, flipped, sign)
        }
        Opcode::Sshr if size == Q64 && !has_avx512(cx) => {
            let shifted = RIGHT.value(cx, Q64, a, amount);
            let sign = repeated(cx, Q64, 1 << (63 - amount));
            let flipped = XOR.value(cx, L32, shifted, sign);
            SUBTRACT.value(cx, Q64, flipped, sign)
        }
        Opcode::Ishl | Opcode::Ushr | Opcode::Sshr => shifted(cx, opcode, size, a, Amount::Constant(amount)),
        other => unexpected(other),
    }
}

/// `a` shifted by `ishl`, `ushr` or `sshr`.
fn shifted(cx: &mut Cx, opcode: Opcode, size: OperandSize, a: VReg, amount: Amount) -> VReg {
    match (opcode, size) {
        (_, B8) => shifted_bytes(cx, opcode, a, amount),
        (Opcode::Sshr, Q64) if has_avx512(cx) => RIGHT_SIGNED_QUAD.by(cx, size, a, amount),
        (Opcode::Sshr, Q64) => {
            let all = ones(cx);
            let top = LEFT.value(cx, Q64, all, 63);
            let sign = RIGHT.by(cx, Q64, top, amount);
            let shifted = RIGHT.by(cx, Q64, a, amount);
            let flipped = XOR.value(cx, L32, shifted, sign);
            SUBTRACT.value(cx, Q64, flipped, sign)
        }
        (Opcode::Ishl, _) => LEFT.by(cx, size, a, amount),
        (Opcode::Ushr, _) => RIGHT.by(cx, size, a, amount),
        (Opcode::Sshr, _) => RIGHT_SIGNED.by(cx, size, a, amount),
        (other, _) => unexpected(other),
    }
}

/// Bytes shifted as the halves of words.
fn shifted_bytes(cx: &mut Cx, opcode: Opcode, a: VReg, amount: Amount) -> VReg {
    let (low, high) = (repeated(cx, W16, 0xFF), repeated(cx, W16, 0xFF00));
    let (even, odd) = match opcode {
        Opcode::Ishl => {
            let words = LEFT.by(cx, W16, a, amount);
            let odd = AND.value(cx, L32, a, high);
            (AND.value(cx, L32, words, low), LEFT.by(cx, W16, odd, amount))
        }
        Opcode::Ushr => {
            let words = RIGHT.by(cx, W16, a, amount);
            let even = AND.value(cx, L32, a, low);
            (RIGHT.by(cx, W16, even, amount), AND.value(cx, L32, words, high))
        }
        Opcode::Sshr => {
            let words = RIGHT_SIGNED.by(cx, W16, a, amount);
            let even = LEFT.value(cx, W16, a, 8);
            let even = RIGHT_SIGNED.by(cx, W16, even, amount);
            (RIGHT.value(cx, W16, even, 8), AND.value(cx, L32, words, high))
        }
        other => unexpected(other),
    };
    OR.value(cx, L32, even, odd)
}
