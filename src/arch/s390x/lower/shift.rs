//! Shifts and rotations of up to 64 bits.
//!
//! The processor takes an amount modulo 64, whatever the size. For narrower types, a variable amount is
//! masked first, unless it is known to be small.

use super::field;
use super::inputs::*;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, alu_size};
use crate::rule;

/// Lowers ishl, ushr, sshr, rotl and rotr of up to 64 bits.
pub fn shift(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let value = Value(data.a);
    if let Some(amount) = cx.constant_amount(Value(data.b)) {
        let amount = amount as u32 & (data.ty.bits() - 1);
        match data.opcode {
            Rotl => rotate_by(cx, d, value, data.ty, amount),
            Rotr => rotate_by(cx, d, value, data.ty, (data.ty.bits() - amount) & (data.ty.bits() - 1)),
            Ishl | Ushr | Sshr => shift_by(cx, inst, d, amount as i32),
            other => unexpected(other),
        }
        return Ok(());
    }
    let dies = cx.dies_here(Value(data.b));
    let amount = cx.put_amount(Value(data.b));
    match data.opcode {
        Rotl => rotate(cx, d, value, data.ty, amount),
        Rotr => {
            let left = cx.tmp(RegClass::Int);
            rows::lc_rr(cx, L32, left, amount);
            rotate(cx, d, value, data.ty, left);
        }
        opcode @ (Ishl | Ushr | Sshr) => {
            let amount = masked(cx, Value(data.b), amount, data.ty, dies);
            let a = shifted_operand(cx, opcode, value);
            let size = alu_size(data.ty);
            match opcode {
                Ishl => rows::sll_rrc(cx, size, d, a, amount),
                Ushr => rows::srl_rrc(cx, size, d, a, amount),
                Sshr => rows::sra_rrc(cx, size, d, a, amount),
                other => unexpected(other),
            }
        }
        other => unexpected(other),
    }
    Ok(())
}

/// The amount modulo the bits of `ty`, masked if the processor does not take it so. With `overwrite`, prefers
/// to reuse the amount's register: nothing else uses it.
fn masked(cx: &mut Cx, value: Value, amount: VReg, ty: Type, overwrite: bool) -> VReg {
    let most = ty.bits() as u64 - 1;
    let mask = cx.def_by(value, Opcode::Band).and_then(|data| cx.constant(Value(data.b)));
    if ty == types::I64 || mask.is_some_and(|mask| mask <= most) {
        return amount;
    }
    let masked = cx.tmp(RegClass::Int);
    match overwrite {
        true => rows::nill(cx, masked, amount, most as i32),
        false => field::push(cx, masked, amount, 0, most),
    }
    masked
}

/// Lowers ishl, ushr or sshr by a constant.
fn shift_by(cx: &mut Cx, inst: Inst, d: VReg, amount: i32) {
    let data = cx.f.insts[inst];
    let value = Value(data.a);
    let narrow = data.ty.bits() < 32;
    let result = cx.f.first_result(inst);
    // A right shift of a narrow value has to clear the bits above it anyway.
    let least = if narrow && data.opcode == Opcode::Ushr && !cx.zero_extends(value) { 1 } else { 2 };
    if data.opcode != Opcode::Sshr && field::extract(cx, d, result, least) {
        return;
    }
    rule!(cx, "shift.imm");
    let size = alu_size(data.ty);
    let overwrite = size == L32 && cx.dies_here(value);
    let a = shifted_operand(cx, data.opcode, value);
    match (data.opcode, overwrite) {
        (Opcode::Ishl, true) => rows::sll_ri(cx, d, a, amount),
        (Opcode::Ushr, true) => rows::srl_ri(cx, d, a, amount),
        (Opcode::Sshr, true) => rows::sra_ri(cx, d, a, amount),
        (Opcode::Ishl, false) => rows::sll_rri(cx, size, d, a, amount),
        (Opcode::Ushr, false) => rows::srl_rri(cx, size, d, a, amount),
        (Opcode::Sshr, false) => rows::sra_rri(cx, size, d, a, amount),
        (other, _) => unexpected(other),
    }
}

/// Asks for the value to be shifted, extended as a right shift needs it.
fn shifted_operand(cx: &mut Cx, opcode: Opcode, value: Value) -> VReg {
    match opcode {
        Opcode::Ushr => put_extended_to_32(cx, value, false),
        Opcode::Sshr => put_extended_to_32(cx, value, true),
        Opcode::Ishl => cx.put(value),
        other => unexpected(other),
    }
}

/// Rotates left by a constant less than the type's bits.
fn rotate_by(cx: &mut Cx, d: VReg, value: Value, ty: Type, amount: u32) {
    let a = cx.put(value);
    if ty.bits() >= 32 {
        rule!(cx, "rotate.imm");
        rows::rll_rri(cx, alu_size(ty), d, a, amount as i32);
        return;
    }
    // With a copy of the value above itself, a right shift brings in the rotated bits.
    let twice = repeated(cx, a, ty.bits(), 2 * ty.bits());
    rows::srl_rri(cx, L32, d, twice, ((ty.bits() - amount) % ty.bits()) as i32);
}

/// Rotates left by a variable amount modulo the type's bits.
fn rotate(cx: &mut Cx, d: VReg, value: Value, ty: Type, amount: VReg) {
    let a = cx.put(value);
    let a = repeated(cx, a, ty.bits(), 32);
    rows::rll_rrc(cx, alu_size(ty), d, a, amount);
}

/// Repeats a value of `bits` bits to fill `to` bits.
fn repeated(cx: &mut Cx, mut a: VReg, mut bits: u32, to: u32) -> VReg {
    while bits < to {
        let d = cx.tmp(RegClass::Int);
        rows::risbg_rr(cx, d, a, a, 64 - 2 * bits as i32, 63 - bits as i32, bits as i32);
        (a, bits) = (d, 2 * bits);
    }
    a
}

/// Computes ishl, ushr or sshr by a constant. By zero, `d` becomes another name for `a`.
pub fn shift_register(cx: &mut Cx, size: OperandSize, opcode: Opcode, d: VReg, a: VReg, amount: i32) {
    match opcode {
        Opcode::Ishl | Opcode::Ushr | Opcode::Sshr if amount == 0 => cx.alias(d, a),
        Opcode::Ishl => rows::sll_rri(cx, size, d, a, amount),
        Opcode::Ushr => rows::srl_rri(cx, size, d, a, amount),
        Opcode::Sshr => rows::sra_rri(cx, size, d, a, amount),
        other => unexpected(other),
    }
}
