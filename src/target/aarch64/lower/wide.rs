//! i128: a pair of registers, low half first.
//!
//! Halves are joined and split without instructions: a result's register is another name for its operand's.
//! So an operand is looked at half by half ([`halves`]): one that is known to be zero is the zero register.

use super::super::operands::{Cond, Shift};
use super::super::regs::ZERO;
use super::super::rows;
use super::compare::int_cond;
use super::mem::{self, constant_register};
use super::operands::*;
use crate::ir::*;
use crate::mach::facts::min_max_order;
use crate::mach::lower::Unsupported;
use crate::mach::wide::{self, Pair, tmp_pair};
use crate::rule;
use regalloc2::{RegClass, VReg};

type Result = std::result::Result<(), Unsupported>;

/// Lowers an instruction on i128, and isplit and iconcat of any type.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    use Opcode::*;
    let data = cx.f.insts[inst];
    match data.opcode {
        Isplit => wide::split(cx, inst, &data),
        Iconcat if data.ty != types::I64 => concat_narrow(cx, inst, &data),
        Ishl | Ushr | Sshr | Rotl | Rotr => super::wide_shift::lower(cx, inst, &data),
        _ => {
            let d = wide::result(cx, inst);
            match data.opcode {
                Iconcat => wide::concat(cx, d, &data),
                Iadd | Isub => {
                    let (a, b) = (halves(cx, Value(data.a)), halves(cx, Value(data.b)));
                    add_or_subtract(cx, data.opcode == Isub, d, a, b);
                }
                Band | Bor | Bxor => bitwise(cx, d, &data),
                Bnot | Ineg | Iabs => unary(cx, d, &data),
                Imul => multiply(cx, d, &data),
                Umulhi | Smulhi => multiply_high(cx, d, &data),
                Uextend | Sextend => wide::extend(cx, d, &data),
                _ => min_max(cx, d, &data),
            }
        }
    }
    Ok(())
}

/// The halves of an operand, which is only read.
pub fn halves(cx: &mut Cx, value: Value) -> Pair {
    if let Some(bits) = cx.wide_constant(value) {
        return (constant_half(cx, bits as u64), constant_half(cx, (bits >> 64) as u64));
    }
    let Some(inst) = cx.def_inst(value) else { return cx.put_pair(value) };
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    match data.opcode {
        Opcode::Iconcat => (put(cx, source), put(cx, Value(data.b))),
        Opcode::Uextend => {
            rule!(cx, "wide.zero_high");
            let plain = cx.ty(source) == types::I64 || cx.zero_extends(source);
            let low = if plain || cx.unique(value).is_some() && !cx.is_used(value) {
                put_extended_wide(cx, source, false)
            } else {
                cx.put_pair(value).0
            };
            (low, ZERO)
        }
        Opcode::Ishl if cx.constant_amount(Value(data.b)) == Some(64) => {
            rule!(cx, "wide.zero_low");
            (ZERO, cx.low_half(source))
        }
        _ => cx.put_pair(value),
    }
}

fn constant_half(cx: &mut Cx, bits: u64) -> VReg {
    if bits == 0 { ZERO } else { constant_register(cx, bits) }
}

/// Makes `d` another name for `a`, or zero.
pub fn rename(cx: &mut Cx, d: VReg, a: VReg) {
    if a == ZERO { mem::constant(cx, d, 0) } else { cx.alias(d, a) }
}

/// iconcat to 64 bits and less: the high half is inserted above the low one.
fn concat_narrow(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = cx.def(inst);
    let half = data.ty.bits() as i32;
    let size = if half == 32 { Q } else { L };
    let (low, high) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    rows::bfm(cx, size, d, low, high, size.bits() as i32 - half, half - 1);
}

/// `d = a ± b`.
fn add_or_subtract(cx: &mut Cx, subtracts: bool, d: Pair, a: Pair, b: Pair) {
    match subtracts {
        true => {
            SUBS.to(cx, Q, d.0, a.0, b.0);
            rows::sbc_rr(cx, Q, d.1, a.1, b.1);
        }
        false => {
            ADDS.to(cx, Q, d.0, a.0, b.0);
            rows::adc_rr(cx, Q, d.1, a.1, b.1);
        }
    }
}

fn bitwise(cx: &mut Cx, d: Pair, data: &InstData) {
    let (a, b) = (halves(cx, Value(data.a)), halves(cx, Value(data.b)));
    bitwise_half(cx, data.opcode, d.0, a.0, b.0);
    bitwise_half(cx, data.opcode, d.1, a.1, b.1);
}

fn bitwise_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: VReg) {
    let (a, b) = if a == ZERO { (b, a) } else { (a, b) };
    match opcode {
        Opcode::Band if b == ZERO => mem::constant(cx, d, 0),
        Opcode::Bor | Opcode::Bxor if b == ZERO => {
            rule!(cx, "wide.bitwise_free");
            rename(cx, d, a);
        }
        Opcode::Band => AND.to(cx, Q, d, a, b),
        Opcode::Bor => ORR.to(cx, Q, d, a, b),
        _ => EOR.to(cx, Q, d, a, b),
    }
}

fn unary(cx: &mut Cx, d: Pair, data: &InstData) {
    let a = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Bnot => {
            MVN.unary(cx, Q, d.0, a.0);
            MVN.unary(cx, Q, d.1, a.1);
        }
        Opcode::Ineg => add_or_subtract(cx, true, d, (ZERO, ZERO), a),
        _ => {
            let sign = cx.tmp(RegClass::Int);
            rows::asr_ri(cx, Q, sign, a.1, 63);
            let low = EOR.new(cx, Q, a.0, sign);
            let high = EOR.new(cx, Q, a.1, sign);
            add_or_subtract(cx, true, d, (low, high), (sign, sign));
        }
    }
}

/// The low 128 bits of a product: one widening multiplication and two cross products, of which those with a
/// half that is zero fall away.
fn multiply(cx: &mut Cx, d: Pair, data: &InstData) {
    let (a, b) = (Value(data.a), Value(data.b));
    if let (Some(a), Some(b)) = (cx.def_by(a, Opcode::Sextend), cx.def_by(b, Opcode::Sextend)) {
        rule!(cx, "wide.multiply_signed");
        let a = put_extended_wide(cx, Value(a.a), true);
        let b = put_extended_wide(cx, Value(b.a), true);
        rows::mul_rr(cx, Q, d.0, a, b);
        rows::smulh(cx, d.1, a, b);
        return;
    }
    let (a, b) = (halves(cx, a), halves(cx, b));
    let crosses = [(a.0, b.1), (b.0, a.1)];
    let last = crosses.iter().rposition(|cross| cross.0 != ZERO && cross.1 != ZERO);
    rule!(cx, "wide.multiply");
    rows::mul_rr(cx, Q, d.0, a.0, b.0);
    let mut high = if last.is_none() { d.1 } else { cx.tmp(RegClass::Int) };
    rows::umulh(cx, high, a.0, b.0);
    for (i, (low_half, high_half)) in crosses.into_iter().enumerate() {
        if low_half == ZERO || high_half == ZERO {
            continue;
        }
        let sum = if Some(i) == last { d.1 } else { cx.tmp(RegClass::Int) };
        rows::madd(cx, Q, sum, low_half, high_half, high);
        high = sum;
    }
}

/// The high 128 bits of a product, from four widening multiplications.
fn multiply_high(cx: &mut Cx, d: Pair, data: &InstData) {
    let a = cx.put_pair(Value(data.a));
    let b = cx.put_pair(Value(data.b));
    let low_low = cx.tmp(RegClass::Int);
    rows::umulh(cx, low_low, a.0, b.0);
    let (low_high, high_low) = (product(cx, a.0, b.1), product(cx, a.1, b.0));
    let high_high = product(cx, a.1, b.1);
    // Both middle products are added to the upper half of the low one, only for their carries.
    let middle = add_carrying(cx, (low_low, low_high.1), low_high.0);
    let upper = add_carrying(cx, (middle.0, high_low.1), high_low.0);
    let sum = add_carrying(cx, high_high, middle.1);
    if data.opcode == Opcode::Umulhi {
        add_or_subtract(cx, false, d, sum, (upper.1, ZERO));
        return;
    }
    // A negative factor counts as 2^128 too much: the other factor is subtracted from the high half.
    let sum = add_carrying(cx, sum, upper.1);
    let corrected = tmp_pair(cx);
    subtract_if_negative(cx, corrected, sum, a.1, b);
    subtract_if_negative(cx, d, corrected, b.1, a);
}

fn product(cx: &mut Cx, a: VReg, b: VReg) -> Pair {
    let d = tmp_pair(cx);
    rows::mul_rr(cx, Q, d.0, a, b);
    rows::umulh(cx, d.1, a, b);
    d
}

fn add_carrying(cx: &mut Cx, a: Pair, b: VReg) -> Pair {
    let d = tmp_pair(cx);
    add_or_subtract(cx, false, d, a, (b, ZERO));
    d
}

/// `d = a - (if sign is negative { b } else { 0 })`.
fn subtract_if_negative(cx: &mut Cx, d: Pair, a: Pair, sign: VReg, b: Pair) {
    let low = AND.new(cx, Q, b.0, Source::Shifted(sign, Shift::Asr, 63));
    let high = AND.new(cx, Q, b.1, Source::Shifted(sign, Shift::Asr, 63));
    add_or_subtract(cx, true, d, a, (low, high));
}

fn min_max(cx: &mut Cx, d: Pair, data: &InstData) {
    let (a, b) = (Value(data.a), Value(data.b));
    let (a_regs, b_regs) = (cx.put_pair(a), cx.put_pair(b));
    let cond = compare(cx, min_max_order(data.opcode), a, b);
    rows::csel(cx, Q, d.0, a_regs.0, b_regs.0, cond);
    rows::csel(cx, Q, d.1, a_regs.1, b_regs.1, cond);
}

/// Sets the flags by comparing two i128; gives the condition to test.
pub fn compare(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Cond {
    use IntCc::*;
    // The flags tell less from not less; the zero flag is that of the high half only.
    let (cc, a, b) = match cc {
        SignedGreaterThan | SignedLessThanOrEqual | UnsignedGreaterThan | UnsignedLessThanOrEqual => {
            (cc.swap_args(), b, a)
        }
        _ => (cc, a, b),
    };
    let (a, b) = (halves(cx, a), halves(cx, b));
    CMP.flags(cx, Q, a.0, b.0);
    match cc {
        Equal | NotEqual => rows::ccmp_rr(cx, Q, a.1, b.1, 0, Cond::Eq),
        _ => rows::sbcs_z(cx, Q, a.1, b.1),
    }
    int_cond(cc)
}
