//! Shifts and rotations of up to 64 bits.

use super::inputs::*;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, alu_size, exact_size};
use crate::rule;

/// Lowers ishl, ushr, sshr, rotl and rotr of up to 64 bits.
pub fn shift(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let (value, amount) = (Value(data.a), Value(data.b));
    let narrow = data.ty.bits() < 32;
    let rotates = matches!(data.opcode, Rotl | Rotr);
    let size = if rotates { exact_size(data.ty) } else { alu_size(data.ty) };
    let mask = data.ty.bits() - 1;
    let d = cx.def(inst);
    if let Some(amount) = cx.constant_amount(amount) {
        rule!(cx, "shift.imm");
        let a = shifted_operand(cx, data.opcode, value);
        let amount = (amount as u32 & mask) as i32;
        match data.opcode {
            Ishl if amount == 1 && cx.is_used(value) => {
                rows::lea_rm(cx, size, d, Amode::indexed(a, a, 0, 0));
            }
            Ishl => rows::shl_ri(cx, size, d, a, amount),
            Ushr => rows::shr_ri(cx, size, d, a, amount),
            Sshr => rows::sar_ri(cx, size, d, a, amount),
            Rotl => rows::rol_ri(cx, size, d, a, amount),
            Rotr => rows::ror_ri(cx, size, d, a, amount),
            other => unexpected(other),
        }
        return Ok(());
    }
    let amount = cx.put_amount(amount);
    let a = shifted_operand(cx, data.opcode, value);
    if cx.flags.has_bmi2() && !narrow && !rotates {
        rule!(cx, "shift.bmi2");
        match data.opcode {
            Ishl => rows::shlx(cx, size, d, amount, a),
            Ushr => rows::shrx(cx, size, d, amount, a),
            Sshr => rows::sarx(cx, size, d, amount, a),
            other => unexpected(other),
        }
        return Ok(());
    }
    let amount = if narrow && !rotates {
        // The processor takes the amount modulo 32.
        let masked = cx.tmp(RegClass::Int);
        rows::and_ri(cx, L32, masked, amount, mask as i32);
        masked
    } else {
        amount
    };
    match data.opcode {
        Ishl => rows::shl_rc(cx, size, d, a, amount),
        Ushr => rows::shr_rc(cx, size, d, a, amount),
        Sshr => rows::sar_rc(cx, size, d, a, amount),
        Rotl => rows::rol_rc(cx, size, d, a, amount),
        Rotr => rows::ror_rc(cx, size, d, a, amount),
        other => unexpected(other),
    }
    Ok(())
}

/// Asks for the value to be shifted, extended as a right shift needs it.
fn shifted_operand(cx: &mut Cx, opcode: Opcode, value: Value) -> VReg {
    match opcode {
        Opcode::Ushr => put_extended_to_32(cx, value, false),
        Opcode::Sshr => put_extended_to_32(cx, value, true),
        Opcode::Ishl | Opcode::Rotl | Opcode::Rotr => cx.put(value),
        other => unexpected(other),
    }
}
