//! Shifts and rotations of up to 64 bits.
//!
//! The processor takes an amount modulo the register's size. For narrower types, the amount is masked first.

use super::inputs::*;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, alu_size};
use crate::rule;

/// Lowers ishl, ushr, sshr, rotl and rotr of up to 64 bits.
pub fn shift(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (value, amount) = (Value(data.a), Value(data.b));
    let d = cx.def(inst);
    if let Some(amount) = cx.constant_amount(amount) {
        rule!(cx, "shift.imm");
        let amount = amount as i32 & (data.ty.bits() as i32 - 1);
        shift_by_constant(cx, &data, d, value, amount);
        return Ok(());
    }
    let amount = cx.put_amount(amount);
    shift_by_register(cx, &data, d, value, amount);
    Ok(())
}

/// Lowers a shift or rotation by a constant.
fn shift_by_constant(cx: &mut Cx, data: &InstData, d: VReg, value: Value, amount: i32) {
    use Opcode::*;
    let size = alu_size(data.ty);
    let top = data.ty.bits() as i32 - 1;
    match data.opcode {
        Ishl => {
            if !shift_extended(cx, data, d, value, amount) {
                let a = cx.put(value);
                shift_left(cx, size, d, a, amount);
            }
        }
        Ushr | Sshr => {
            let (a, from, last) = shifted_left(cx, data, value, amount).unwrap_or_else(|| {
                let a = cx.put(value);
                (a, amount, top)
            });
            match data.opcode {
                Ushr => rows::ubfm(cx, size, d, a, from, last),
                Sshr => rows::sbfm(cx, size, d, a, from, last),
                other => unexpected(other),
            }
        }
        Rotl | Rotr => {
            let bits = data.ty.bits() as i32;
            let amount = if data.opcode == Rotl { (bits - amount) & top } else { amount };
            let a = repeated(cx, value, data.ty);
            rows::extr(cx, size, d, a, a, amount);
        }
        other => unexpected(other),
    }
}

/// Lowers `extend(x) << n` to the insertion of a bit field. Returns whether it is one.
fn shift_extended(cx: &mut Cx, data: &InstData, d: VReg, value: Value, amount: i32) -> bool {
    let Some(inst) = cx.unique(value).filter(|_| !cx.is_used(value)) else { return false };
    let inner = cx.f.insts[inst];
    let signed = inner.opcode == Opcode::Sextend;
    if !signed && inner.opcode != Opcode::Uextend || amount == 0 {
        return false;
    }
    let source = Value(inner.a);
    if signed && cx.sinkable_load(source).is_some() {
        return false;
    }
    rule!(cx, "ishl.extended");
    let size = alu_size(data.ty);
    let bits = size.bits() as i32;
    let width = (cx.ty(source).bits() as i32).min(bits - amount);
    let source = cx.put(source);
    match signed {
        true => rows::sbfm(cx, size, d, source, bits - amount, width - 1),
        false => rows::ubfm(cx, size, d, source, bits - amount, width - 1),
    }
    true
}

/// Matches `(x << m) >> n` with m <= n: the register of x, and the lowest and highest of its bits that are
/// kept.
fn shifted_left(cx: &mut Cx, data: &InstData, value: Value, amount: i32) -> Option<(VReg, i32, i32)> {
    let inner = cx.f.insts[cx.unique(value)?];
    if inner.opcode != Opcode::Ishl || cx.is_used(value) {
        return None;
    }
    let bits = data.ty.bits() as i32;
    let left = cx.constant_amount(Value(inner.b))? as i32 & (bits - 1);
    if left > amount {
        return None;
    }
    rule!(cx, "shift.bit_field");
    Some((cx.put(Value(inner.a)), amount - left, bits - 1 - left))
}

/// A register to rotate: a value narrower than 32 bits is repeated to fill them.
fn repeated(cx: &mut Cx, value: Value, ty: Type) -> VReg {
    let mut a = cx.put(value);
    let mut width = ty.bits() as i32;
    while width < 32 {
        let twice = cx.tmp(RegClass::Int);
        rows::bfm(cx, L32, twice, a, a, 32 - width, width - 1);
        (a, width) = (twice, 2 * width);
    }
    a
}

/// Lowers a shift or rotation by a variable amount.
fn shift_by_register(cx: &mut Cx, data: &InstData, d: VReg, value: Value, amount: VReg) {
    use Opcode::*;
    let size = alu_size(data.ty);
    let bits = data.ty.bits();
    if matches!(data.opcode, Rotl | Rotr) {
        let a = repeated(cx, value, data.ty);
        let amount = match data.opcode {
            Rotl => {
                let negated = cx.tmp(RegClass::Int);
                NEG.unary(cx, size, negated, amount);
                negated
            }
            Rotr => amount,
            other => unexpected(other),
        };
        rows::ror_rr(cx, size, d, a, amount);
        return;
    }
    let a = match data.opcode {
        Ushr => put_extended_to_32(cx, value, false),
        Sshr => put_extended_to_32(cx, value, true),
        Ishl => cx.put(value),
        other => unexpected(other),
    };
    // The processor takes the amount modulo the register's size.
    let amount = match bits < 32 {
        true => AND.in_new(cx, L32, amount, mask(bits as u64 - 1, L32)),
        false => amount,
    };
    match data.opcode {
        Ishl => rows::lsl_rr(cx, size, d, a, amount),
        Ushr => rows::lsr_rr(cx, size, d, a, amount),
        Sshr => rows::asr_rr(cx, size, d, a, amount),
        other => unexpected(other),
    }
}

/// `d = a << amount`, for an amount less than the size.
pub fn shift_left(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, amount: i32) {
    let bits = size.bits() as i32;
    rows::ubfm(cx, size, d, a, (bits - amount) & (bits - 1), bits - 1 - amount);
}
