//! Counting, reversing and swapping bits: clz, ctz, cls, popcnt, bitrev, bswap.
//!
//! The processor finds the leftmost one of 64 bits, and gives 64 for zero. A narrow value is extended, or
//! gets a one just above it where that also handles zero. Ones are counted in each byte and the bytes added
//! up by a multiplication, unless there is an instruction for the whole.

use super::field;
use super::inputs::*;
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::context::Lowered;
use crate::lower::vocabulary::Materialization;
use crate::lower::wide::{Pair, result, tmp_pair};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size, exact_size};
use crate::rule;

/// Lowers clz, ctz, cls, popcnt, bitrev and bswap.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let value = Value(data.a);
    if data.ty == types::I128 {
        lower_wide(cx, inst, data.opcode, value);
        return Ok(());
    }
    let d = cx.def(inst);
    match data.opcode {
        Clz => {
            let a = put_extended_to_64(cx, value, false);
            leading_zeros(cx, d, a, 64 - data.ty.bits() as i32);
        }
        Ctz => trailing_zeros(cx, d, value, data.ty),
        Cls => {
            let a = put_extended_to_64(cx, value, true);
            let sign = cx.tmp(RegClass::Int);
            rows::sra_rri(cx, Q64, sign, a, 63);
            let changed = cx.tmp(RegClass::Int);
            rows::x_rrr(cx, Q64, changed, sign, a);
            leading_zeros(cx, d, changed, 65 - data.ty.bits() as i32);
        }
        Popcnt => ones(cx, d, value, data.ty),
        Bitrev => {
            let a = cx.put(value);
            reverse(cx, d, a, data.ty);
        }
        Bswap => match sink_load(cx, value, data.ty) {
            Some(m) if data.ty != types::I16 => {
                rule!(cx, "bswap.load");
                rows::lrv_rm(cx, exact_size(data.ty), d, m);
            }
            Some(m) => {
                let a = cx.tmp(RegClass::Int);
                load_int(cx, a, m, data.ty, None);
                swap_bytes(cx, d, a, data.ty);
            }
            None => {
                let a = cx.put(value);
                swap_bytes(cx, d, a, data.ty);
            }
        },
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers the family's opcodes on i128.
fn lower_wide(cx: &mut Cx, inst: Inst, opcode: Opcode, value: Value) {
    let d = result(cx, inst);
    let a = cx.put_pair(value);
    match opcode {
        Opcode::Bitrev => {
            reverse(cx, d.0, a.1, types::I64);
            reverse(cx, d.1, a.0, types::I64);
        }
        Opcode::Bswap => {
            rows::lrv_rr(cx, Q64, d.0, a.1);
            rows::lrv_rr(cx, Q64, d.1, a.0);
        }
        Opcode::Clz | Opcode::Ctz | Opcode::Cls | Opcode::Popcnt => {
            count_wide(cx, opcode, d.0, a);
            S390x::make_bits(cx, d.1, 0);
        }
        other => unexpected(other),
    }
}

/// Lowers opcodes that count bits of i128.
fn count_wide(cx: &mut Cx, opcode: Opcode, d: VReg, a: Pair) {
    match opcode {
        Opcode::Clz => leading_zeros_wide(cx, d, a),
        Opcode::Ctz => trailing_zeros_wide(cx, d, a),
        Opcode::Cls => {
            let (sign, count) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
            let changed = tmp_pair(cx);
            rows::sra_rri(cx, Q64, sign, a.1, 63);
            rows::x_rrr(cx, Q64, changed.0, a.0, sign);
            rows::x_rrr(cx, Q64, changed.1, a.1, sign);
            leading_zeros_wide(cx, count, changed);
            rows::ahi_ri(cx, Q64, d, count, -1);
        }
        Opcode::Popcnt => {
            let (low, high) = tmp_pair(cx);
            ones_of_64(cx, low, a.0);
            ones_of_64(cx, high, a.1);
            rows::a_rrr(cx, Q64, d, low, high);
        }
        other => unexpected(other),
    }
}

/// `d` = the leading zeros of 64 bits, less `excess`. If that is 0, the condition code tells whether there is
/// a one.
fn leading_zeros(cx: &mut Cx, d: VReg, a: VReg, excess: i32) {
    let rest = cx.tmp(RegClass::Int);
    if excess == 0 {
        rows::flogr(cx, d, rest, a);
        return;
    }
    let count = cx.tmp(RegClass::Int);
    rows::flogr(cx, count, rest, a);
    rows::ahi_ri(cx, Q64, d, count, -excess);
}

/// Counts leading zeros of i128.
fn leading_zeros_wide(cx: &mut Cx, d: VReg, a: Pair) {
    let [low, further, high] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    leading_zeros(cx, low, a.0, 0);
    rows::ahi_ri(cx, Q64, further, low, 64);
    leading_zeros(cx, high, a.1, 0);
    // Code 0 means that the high half is zero.
    rows::loc_rr(cx, Q64, d, high, further, Cond::E);
}

/// Counts trailing zeros.
fn trailing_zeros(cx: &mut Cx, d: VReg, value: Value, ty: Type) {
    let a = cx.put(value);
    if ty == types::I64 {
        trailing_zeros_of_64(cx, d, a);
        return;
    }
    rule!(cx, "ctz.marked");
    let marked = cx.tmp(RegClass::Int);
    match ty {
        types::I8 => rows::oill(cx, marked, a, 1 << 8),
        types::I16 => rows::oilh(cx, marked, a, 1),
        types::I32 => rows::oihl(cx, marked, a, 1),
        other => unexpected(other),
    }
    let count = lowest_one(cx, marked);
    rows::xilf(cx, d, count, 63);
}

/// Counts trailing zeros of 64 bits.
fn trailing_zeros_of_64(cx: &mut Cx, d: VReg, a: VReg) {
    let count = lowest_one(cx, a);
    let zero_too = cx.tmp(RegClass::Int);
    // For zero, this count makes the result 64.
    rows::lochi_ri(cx, Q64, zero_too, count, 64 ^ 63, Cond::E);
    rows::xilf(cx, d, zero_too, 63);
}

/// Finds the number of the lowest one, counted from the left. Sets condition code 0 if there is none.
fn lowest_one(cx: &mut Cx, a: VReg) -> VReg {
    let [negated, only, count] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    rows::lc_rr(cx, Q64, negated, a);
    rows::n_rrr(cx, Q64, only, negated, a);
    leading_zeros(cx, count, only, 0);
    count
}

/// Counts trailing zeros of i128.
fn trailing_zeros_wide(cx: &mut Cx, d: VReg, a: Pair) {
    let [low, high, further] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    trailing_zeros_of_64(cx, high, a.1);
    rows::ahi_ri(cx, Q64, further, high, 64);
    trailing_zeros_of_64(cx, low, a.0);
    rows::chi_ri(cx, Q64, low, 64);
    rows::loc_rr(cx, Q64, d, low, further, Cond::E);
}

/// Counts ones.
fn ones(cx: &mut Cx, d: VReg, value: Value, ty: Type) {
    if cx.flags.has_mie3() {
        rule!(cx, "popcnt.whole");
        let a = put_extended_to_64(cx, value, false);
        rows::popcnt(cx, d, a);
        return;
    }
    let a = cx.put(value);
    if ty == types::I64 {
        ones_of_64(cx, d, a);
        return;
    }
    let (bytes, sum) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::popcnt_bytes(cx, bytes, a);
    match ty {
        types::I8 => rows::llc_rr(cx, Q64, d, bytes),
        types::I16 => {
            rows::mhi_ri(cx, L32, sum, bytes, 0x0101);
            field::push(cx, d, sum, 64 - 8, 0xFF);
        }
        types::I32 => {
            rows::msfi_ri(cx, L32, sum, bytes, 0x0101_0101);
            rows::srl_rri(cx, L32, d, sum, 24);
        }
        other => unexpected(other),
    }
}

/// Counts ones of 64 bits.
fn ones_of_64(cx: &mut Cx, d: VReg, a: VReg) {
    if cx.flags.has_mie3() {
        rows::popcnt(cx, d, a);
        return;
    }
    let (bytes, sum) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    let factor = cx.kept_constant(0x0101_0101_0101_0101);
    rows::popcnt_bytes(cx, bytes, a);
    rows::ms_rrr(cx, Q64, sum, bytes, factor);
    rows::srl_rri(cx, Q64, d, sum, 56);
}

/// Reverses the bits of an integer of up to 64 bits: exchanges neighbours, pairs and nibbles, then bytes.
fn reverse(cx: &mut Cx, d: VReg, mut bits: VReg, ty: Type) {
    let size = alu_size(ty);
    for (distance, mask) in
        [(1, 0x5555_5555_5555_5555), (2, 0x3333_3333_3333_3333), (4, 0x0F0F_0F0F_0F0F_0F0F)]
    {
        let mask = cx.kept_constant(if size == L32 { mask & 0xFFFF_FFFF } else { mask });
        let exchanged = if distance == 4 && ty == types::I8 { d } else { cx.tmp(RegClass::Int) };
        exchange(cx, size, exchanged, bits, distance, mask);
        bits = exchanged;
    }
    if ty != types::I8 {
        swap_bytes(cx, d, bits, ty);
    }
}

/// Exchanges the bits under a mask with those `distance` bits above them.
fn exchange(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, distance: i32, mask: VReg) {
    let [shifted, upper, lower, moved] = std::array::from_fn(|_| cx.tmp(RegClass::Int));
    rows::srl_rri(cx, size, shifted, a, distance);
    rows::n_rrr(cx, size, upper, shifted, mask);
    rows::n_rrr(cx, size, lower, a, mask);
    rows::sll_rri(cx, size, moved, lower, distance);
    rows::o_rrr(cx, size, d, upper, moved);
}

/// Reverses the bytes of an integer of 16 to 64 bits.
pub fn swap_bytes(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
    match ty {
        types::I16 => {
            let swapped = cx.tmp(RegClass::Int);
            rows::lrv_rr(cx, L32, swapped, a);
            rows::srl_rri(cx, L32, d, swapped, 16);
        }
        types::I32 | types::I64 => rows::lrv_rr(cx, alu_size(ty), d, a),
        other => unexpected(other),
    }
}
