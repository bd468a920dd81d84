//! Counting, reversing and swapping bits: clz, ctz, cls, popcnt, bitrev, bswap.
//!
//! The bits above a narrow value are undefined. So each sequence extends the value, or puts a one just above
//! it where that also handles zero.

use super::inputs::*;
use crate::arch::x86_64::operands::Cond;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::wide::{Pair, result, tmp_pair};
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, W16, alu_size, exact_size};
use crate::rule;

/// Lowers clz, ctz, cls, popcnt, bitrev and bswap.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let value = Value(data.a);
    if data.ty == types::I128 {
        let d = result(cx, inst);
        let a = cx.put_pair(value);
        match data.opcode {
            Bitrev => {
                reverse(cx, d.0, a.1, types::I64);
                reverse(cx, d.1, a.0, types::I64);
            }
            Bswap => {
                rows::bswap_r(cx, Q64, d.0, a.1);
                rows::bswap_r(cx, Q64, d.1, a.0);
            }
            Clz | Ctz | Cls | Popcnt => {
                count_wide(cx, data.opcode, d.0, a);
                rows::zero_r(cx, d.1);
            }
            other => unexpected(other),
        }
        return Ok(());
    }
    let d = cx.def(inst);
    match data.opcode {
        Clz => leading_zeros(cx, d, value, data.ty),
        Ctz => trailing_zeros(cx, d, value, data.ty),
        Cls => leading_signs(cx, d, value, data.ty),
        Popcnt => ones(cx, d, value, data.ty),
        Bitrev => {
            let a = cx.put(value);
            reverse(cx, d, a, data.ty);
        }
        Bswap => {
            let a = cx.put(value);
            swap_bytes(cx, d, a, data.ty);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers opcodes that count bits of i128.
fn count_wide(cx: &mut Cx, opcode: Opcode, d: VReg, a: Pair) {
    match opcode {
        Opcode::Clz => leading_zeros_wide(cx, d, a),
        Opcode::Ctz => trailing_zeros_wide(cx, d, a),
        Opcode::Cls => {
            let marked = sign_changes_wide(cx, a);
            leading_zeros_wide(cx, d, marked);
        }
        Opcode::Popcnt => ones_wide(cx, d, a),
        other => unexpected(other),
    }
}

/// Counts leading zeros.
fn leading_zeros(cx: &mut Cx, d: VReg, value: Value, ty: Type) {
    let size = alu_size(ty);
    let a = put_extended_to_32(cx, value, false);
    if cx.flags.has_lzcnt() {
        rule!(cx, "clz.lzcnt");
        count_by_lzcnt(cx, d, a, ty);
        return;
    }
    // For zero, this index makes the subtraction below give the width.
    let none = cx.constant_register(2 * ty.bits() as u64 - 1);
    let (index, top) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::bsr_rm(cx, size, index, a);
    rows::cmov_rm(cx, size, top, index, none, Cond::E);
    below_top(cx, d, top, ty.bits());
}

/// `d = bits - 1 - index`, for an index below twice `bits`, which is a power of two.
fn below_top(cx: &mut Cx, d: VReg, index: VReg, bits: u32) {
    rows::xor_ri(cx, L32, d, index, bits as i32 - 1);
}

/// Counts leading zeros of a zero-extended value by `lzcnt`.
fn count_by_lzcnt(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
    let size = alu_size(ty);
    if ty.bits() >= 32 {
        rows::lzcnt_rm(cx, size, d, a);
        return;
    }
    let count = cx.tmp(RegClass::Int);
    rows::lzcnt_rm(cx, size, count, a);
    rows::sub_ri(cx, L32, d, count, 32 - ty.bits() as i32);
}

/// Counts leading zeros of i128.
fn leading_zeros_wide(cx: &mut Cx, d: VReg, a: Pair) {
    let (low, high, further) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    if cx.flags.has_lzcnt() {
        rule!(cx, "clz.wide_lzcnt");
        rows::lzcnt_rm(cx, Q64, low, a.0);
        rows::add_ri(cx, L32, further, low, 64);
        // The carry flag tells whether the high half is zero.
        rows::lzcnt_rm(cx, Q64, high, a.1);
        rows::cmov_rm(cx, L32, d, high, further, Cond::B);
        return;
    }
    let none = cx.constant_register(255);
    let (low_index, index) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::bsr_rm(cx, Q64, low, a.0);
    rows::cmov_rm(cx, L32, low_index, low, none, Cond::E);
    rows::bsr_rm(cx, Q64, high, a.1);
    rows::lea_rm(cx, L32, further, Amode::base(high, 64));
    rows::cmov_rm(cx, L32, index, further, low_index, Cond::E);
    below_top(cx, d, index, 128);
}

/// Counts trailing zeros.
fn trailing_zeros(cx: &mut Cx, d: VReg, value: Value, ty: Type) {
    let a = cx.put(value);
    let size = alu_size(ty);
    let by_tzcnt = cx.flags.has_bmi1();
    if ty.bits() < 32 {
        rule!(cx, "ctz.marked");
        let marked = cx.tmp(RegClass::Int);
        rows::or_ri(cx, L32, marked, a, 1 << ty.bits());
        rows::bsf_rm(cx, L32, d, marked);
    } else if by_tzcnt {
        rule!(cx, "ctz.tzcnt");
        rows::tzcnt_rm(cx, size, d, a);
    } else {
        let width = cx.constant_register(ty.bits() as u64);
        let count = cx.tmp(RegClass::Int);
        rows::bsf_rm(cx, size, count, a);
        rows::cmov_rm(cx, size, d, count, width, Cond::E);
    }
}

/// Counts trailing zeros of i128.
fn trailing_zeros_wide(cx: &mut Cx, d: VReg, a: Pair) {
    let (low, high, further) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    if cx.flags.has_bmi1() {
        rule!(cx, "ctz.wide_tzcnt");
        rows::tzcnt_rm(cx, Q64, high, a.1);
        rows::add_ri(cx, L32, further, high, 64);
        // The carry flag tells whether the low half is zero.
        rows::tzcnt_rm(cx, Q64, low, a.0);
        rows::cmov_rm(cx, L32, d, low, further, Cond::B);
        return;
    }
    let none = cx.constant_register(128);
    let either = cx.tmp(RegClass::Int);
    rows::bsf_rm(cx, Q64, high, a.1);
    rows::lea_rm(cx, L32, further, Amode::base(high, 64));
    rows::cmov_rm(cx, L32, either, further, none, Cond::E);
    rows::bsf_rm(cx, Q64, low, a.0);
    rows::cmov_rm(cx, L32, d, low, either, Cond::E);
}

/// Counts leading sign bits below the top one: the leading zeros of `(x ^ 2x) | 1`, which is never zero.
fn leading_signs(cx: &mut Cx, d: VReg, value: Value, ty: Type) {
    let size = alu_size(ty);
    let a = cx.put(value);
    let (double, changes, marked) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::lea_rm(cx, size, double, Amode::indexed(a, a, 0, 0));
    rows::xor_rm(cx, size, changes, double, a);
    rows::or_ri(cx, size, marked, changes, 1);
    let narrow = cx.tmp(RegClass::Int);
    let extended = match ty {
        types::I8 => {
            rows::movzb_rm(cx, L32, narrow, marked);
            narrow
        }
        types::I16 => {
            rows::movzw_rm(cx, L32, narrow, marked);
            narrow
        }
        types::I32 | types::I64 => marked,
        other => unexpected(other),
    };
    if cx.flags.has_lzcnt() {
        rule!(cx, "cls.lzcnt");
        count_by_lzcnt(cx, d, extended, ty);
        return;
    }
    let index = cx.tmp(RegClass::Int);
    rows::bsr_rm(cx, size, index, extended);
    below_top(cx, d, index, ty.bits());
}

/// Computes `(x ^ 2x) | 1` of i128.
fn sign_changes_wide(cx: &mut Cx, a: Pair) -> Pair {
    let (double, changes) = (tmp_pair(cx), tmp_pair(cx));
    let marked = cx.tmp(RegClass::Int);
    rows::add_rm(cx, Q64, double.0, a.0, a.0);
    rows::adc_rm(cx, Q64, double.1, a.1, a.1);
    rows::xor_rm(cx, Q64, changes.0, double.0, a.0);
    rows::xor_rm(cx, Q64, changes.1, double.1, a.1);
    rows::or_ri(cx, Q64, marked, changes.0, 1);
    (marked, changes.1)
}

/// Counts ones.
fn ones(cx: &mut Cx, d: VReg, value: Value, ty: Type) {
    let size = alu_size(ty);
    let a = put_extended_to_32(cx, value, false);
    if cx.flags.has_popcnt() {
        rule!(cx, "popcnt.popcnt");
        rows::popcnt_rm(cx, size, d, a);
        return;
    }
    let counts = ones_of_bytes(cx, size, a);
    sum_of_bytes(cx, size, d, counts);
}

/// Counts ones of i128.
fn ones_wide(cx: &mut Cx, d: VReg, a: Pair) {
    if cx.flags.has_popcnt() {
        rule!(cx, "popcnt.wide_popcnt");
        let (low, high) = tmp_pair(cx);
        rows::popcnt_rm(cx, Q64, low, a.0);
        rows::popcnt_rm(cx, Q64, high, a.1);
        rows::add_rm(cx, L32, d, low, high);
        return;
    }
    let (low, high) = (ones_of_bytes(cx, Q64, a.0), ones_of_bytes(cx, Q64, a.1));
    let counts = cx.tmp(RegClass::Int);
    rows::add_rm(cx, Q64, counts, low, high);
    sum_of_bytes(cx, Q64, d, counts);
}

/// Masks of alternating groups of 1, 2 and 4 bits. The lowest group is set.
const GROUPS: [u64; 3] = [0x5555_5555_5555_5555, 0x3333_3333_3333_3333, 0x0f0f_0f0f_0f0f_0f0f];

/// `a & mask` in a new register, for a mask that repeats in each byte.
fn mask_bits(cx: &mut Cx, size: OperandSize, a: VReg, mask: u64) -> VReg {
    let d = cx.tmp(RegClass::Int);
    if size == Q64 {
        let mask = cx.kept_constant(mask);
        rows::and_rm(cx, size, d, a, mask);
    } else {
        rows::and_ri(cx, size, d, a, mask as i32);
    }
    d
}

/// `a >> amount` in a new register.
fn shift_right(cx: &mut Cx, size: OperandSize, a: VReg, amount: i32) -> VReg {
    let d = cx.tmp(RegClass::Int);
    rows::shr_ri(cx, size, d, a, amount);
    d
}

/// Counts the ones of each byte, in that byte: adds neighbouring groups of 1, 2 and 4 bits.
fn ones_of_bytes(cx: &mut Cx, size: OperandSize, a: VReg) -> VReg {
    let (pairs, quads, sums) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    let upper = shift_right(cx, size, a, 1);
    let upper = mask_bits(cx, size, upper, GROUPS[0]);
    rows::sub_rm(cx, size, pairs, a, upper);
    let upper = shift_right(cx, size, pairs, 2);
    let upper = mask_bits(cx, size, upper, GROUPS[1]);
    let lower = mask_bits(cx, size, pairs, GROUPS[1]);
    rows::add_rm(cx, size, quads, lower, upper);
    let upper = shift_right(cx, size, quads, 4);
    rows::add_rm(cx, size, sums, upper, quads);
    mask_bits(cx, size, sums, GROUPS[2])
}

/// Adds up all bytes, whose sum is less than 256: a multiplication leaves it in the highest byte.
fn sum_of_bytes(cx: &mut Cx, size: OperandSize, d: VReg, counts: VReg) {
    let sums = cx.tmp(RegClass::Int);
    const ONES: u64 = 0x0101_0101_0101_0101;
    if size == Q64 {
        let ones = cx.kept_constant(ONES);
        rows::imul_rm(cx, size, sums, counts, ones);
    } else {
        rows::imul_rmi(cx, size, sums, counts, ONES as i32);
    }
    rows::shr_ri(cx, size, d, sums, size.bits() as i32 - 8);
}

/// Reverses the bytes, then the bits of each byte by exchanging neighbouring groups of 4, 2 and 1 bits.
fn reverse(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
    let size = alu_size(ty);
    let mut bits = a;
    if ty != types::I8 {
        bits = cx.tmp(RegClass::Int);
        swap_bytes(cx, bits, a, ty);
    }
    for (log2, &mask) in GROUPS.iter().enumerate().rev() {
        let upper = shift_right(cx, size, bits, 1 << log2);
        let upper = mask_bits(cx, size, upper, mask);
        let lower = mask_bits(cx, size, bits, mask);
        bits = if log2 == 0 { d } else { cx.tmp(RegClass::Int) };
        if log2 == 2 {
            let shifted = cx.tmp(RegClass::Int);
            rows::shl_ri(cx, size, shifted, lower, 4);
            rows::or_rm(cx, size, bits, shifted, upper);
        } else {
            rows::lea_rm(cx, size, bits, Amode::indexed(upper, lower, log2 as u8 + 1, 0));
        }
    }
}

/// Reverses the bytes of an integer of 16 to 64 bits.
pub fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
    match ty {
        types::I16 => rows::rol_ri(cx, W16, d, a, 8),
        types::I32 | types::I64 => rows::bswap_r(cx, exact_size(ty), d, a),
        other => unexpected(other),
    }
}
