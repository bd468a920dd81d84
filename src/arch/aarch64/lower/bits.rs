//! Counting, reversing and swapping bits: clz, ctz, cls, popcnt, bitrev, bswap.
//!
//! The bits above a narrow value are undefined. So each sequence extends the value, moves it to the top of
//! the register, or puts a one just above it.

use super::inputs::*;
use crate::arch::aarch64::operands::{Cond, Shift};
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::vocabulary::Materialization;
use crate::lower::wide::{Pair, result};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size};
use crate::rule;

/// Lowers clz, ctz, cls, popcnt, bitrev and bswap.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    if data.ty == types::I128 {
        lower_wide(cx, inst, &data);
        return Ok(());
    }
    let value = Value(data.a);
    let d = cx.def(inst);
    match data.opcode {
        Clz => {
            let a = put_extended_to_32(cx, value, false);
            count(cx, d, a, data.ty, |cx, size, d, a| rows::clz(cx, size, d, a));
        }
        Cls => {
            let a = put_extended_to_32(cx, value, true);
            count(cx, d, a, data.ty, |cx, size, d, a| rows::cls(cx, size, d, a));
        }
        Ctz => trailing_zeros(cx, d, value, data.ty),
        Popcnt => {
            let a = put_extended_to_32(cx, value, false);
            ones(cx, d, a, alu_size(data.ty));
        }
        Bitrev => reverse(cx, d, value, data.ty),
        Bswap => {
            let a = cx.put(value);
            swap_bytes(cx, d, a, data.ty);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// `d` = the bits that `push` counts at the top of an extended value, less those that the extension added.
fn count(cx: &mut Cx, d: VReg, a: VReg, ty: Type, push: fn(&mut Cx<'_>, OperandSize, VReg, VReg)) {
    if ty.bits() >= 32 {
        push(cx, alu_size(ty), d, a);
        return;
    }
    let counted = cx.tmp(RegClass::Int);
    push(cx, L32, counted, a);
    SUB.to(cx, L32, d, counted, 32 - ty.bits() as i32);
}

/// Counts trailing zeros.
fn trailing_zeros(cx: &mut Cx, d: VReg, value: Value, ty: Type) {
    let size = alu_size(ty);
    let mut a = cx.put(value);
    if ty.bits() < 32 {
        rule!(cx, "ctz.marked");
        a = ORR.in_new(cx, L32, a, mask(1 << ty.bits(), L32));
    }
    let reversed = cx.tmp(RegClass::Int);
    rows::rbit(cx, size, reversed, a);
    rows::clz(cx, size, d, reversed);
}

/// Counts ones: in each byte of a vector register, then adds up the bytes.
fn ones(cx: &mut Cx, d: VReg, a: VReg, size: OperandSize) {
    let [bits, counts, sum] = [(); 3].map(|()| cx.tmp(RegClass::Float));
    rows::fmov_fr(cx, size, bits, a);
    rows::cnt_8b(cx, counts, bits);
    rows::addv_8b(cx, sum, counts);
    rows::fmov_rf(cx, L32, d, sum);
}

/// Reverses the bits of an integer.
fn reverse(cx: &mut Cx, d: VReg, value: Value, ty: Type) {
    let a = cx.put(value);
    if ty.bits() >= 32 {
        rows::rbit(cx, alu_size(ty), d, a);
        return;
    }
    let reversed = cx.tmp(RegClass::Int);
    rows::rbit(cx, L32, reversed, a);
    rows::lsr_ri(cx, L32, d, reversed, 32 - ty.bits() as i32);
}

/// Lowers the family's opcodes on i128.
fn lower_wide(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = result(cx, inst);
    let a = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Bitrev => {
            rows::rbit(cx, Q64, d.0, a.1);
            rows::rbit(cx, Q64, d.1, a.0);
            return;
        }
        Opcode::Bswap => {
            rows::rev(cx, Q64, d.0, a.1);
            rows::rev(cx, Q64, d.1, a.0);
            return;
        }
        Opcode::Clz => leading_zeros_wide(cx, d.0, a),
        Opcode::Ctz => {
            let (low, high) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
            rows::rbit(cx, Q64, low, a.1);
            rows::rbit(cx, Q64, high, a.0);
            leading_zeros_wide(cx, d.0, (low, high));
        }
        Opcode::Cls => leading_signs_wide(cx, d.0, a),
        Opcode::Popcnt => ones_wide(cx, d.0, a),
        other => unexpected(other),
    }
    Aarch64::make_bits(cx, d.1, 0);
}

/// Counts leading zeros of i128: those of the high half, plus those of the low half if the high half is zero.
fn leading_zeros_wide(cx: &mut Cx, d: VReg, (low, high): Pair) {
    let (low_count, high_count) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::clz(cx, Q64, high_count, high);
    rows::clz(cx, Q64, low_count, low);
    let sum = ADD.in_new(cx, Q64, low_count, 64);
    CMP.flags(cx, Q64, high, 0);
    rows::csel(cx, Q64, d, sum, high_count, Cond::Eq);
}

/// Counts leading sign bits of i128: those of the high half, plus those at the top of the low half if the
/// high half has nothing else. The latter are the leading zeros of the low half's difference from the sign.
fn leading_signs_wide(cx: &mut Cx, d: VReg, (low, high): Pair) {
    let [high_count, low_count, differing] = [(); 3].map(|()| cx.tmp(RegClass::Int));
    rows::cls(cx, Q64, high_count, high);
    EOR.to(cx, Q64, differing, low, Input::Shifted(high, Shift::Asr, 63));
    rows::clz(cx, Q64, low_count, differing);
    let sum = ADD.in_new(cx, Q64, low_count, 63);
    CMP.flags(cx, Q64, high_count, 63);
    rows::csel(cx, Q64, d, sum, high_count, Cond::Eq);
}

/// Counts ones of i128.
fn ones_wide(cx: &mut Cx, d: VReg, (low, high): Pair) {
    let [lower, bits, counts, sum] = [(); 4].map(|()| cx.tmp(RegClass::Float));
    rows::fmov_fr(cx, Q64, lower, low);
    rows::fmov_upper_fr(cx, bits, lower, high);
    rows::cnt_16b(cx, counts, bits);
    rows::addv_16b(cx, sum, counts);
    rows::fmov_rf(cx, L32, d, sum);
}

/// Reverses the bytes of an integer of 16 to 64 bits.
pub fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
    match ty {
        types::I16 => rows::rev16(cx, L32, d, a),
        types::I32 | types::I64 => rows::rev(cx, alu_size(ty), d, a),
        other => unexpected(other),
    }
}
