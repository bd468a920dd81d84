//! i128: a pair of registers, low half first.
//!
//! Halves are joined and split without instructions: a result's register is another name for its operand's.
//! So an operand is looked at half by half ([`halves`]): one of an extension is zero, one of a
//! constant an immediate, and one of a load memory.

use super::super::amode::{Cond, OperandSize, Rm};
use super::super::rows;
use super::compare::{Test, int_cond};
use super::divide::put_extended_wide;
use super::int;
use super::mem;
use super::operands::*;
use crate::ir::*;
use crate::mach::facts::min_max_order;
use crate::mach::lower::Unsupported;
use crate::rule;
use regalloc2::{RegClass, VReg};

type Result = std::result::Result<(), Unsupported>;

/// The registers of an i128: low half, high half.
pub type Pair = (VReg, VReg);

const Q: OperandSize = OperandSize::Q64;

/// Lowers an instruction on i128, and isplit and iconcat of any type.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    use Opcode::*;
    let data = cx.f.insts[inst];
    match data.opcode {
        Isplit => split(cx, inst, &data),
        Iconcat if data.ty != types::I64 => concat_narrow(cx, inst, &data),
        Ishl | Ushr | Sshr | Rotl | Rotr => super::wide_shift::lower(cx, inst, &data),
        _ => {
            let d = result(cx, inst);
            match data.opcode {
                Iconcat => concat(cx, d, &data),
                Iadd | Isub => add_or_subtract(cx, d, &data),
                Band | Bor | Bxor => bitwise(cx, d, &data),
                Bnot | Ineg | Iabs => unary(cx, d, &data),
                Imul => multiply(cx, d, &data),
                Umulhi | Smulhi => multiply_high(cx, d, &data),
                Uextend | Sextend => extend(cx, d, &data),
                _ => min_max(cx, d, &data),
            }
        }
    }
    Ok(())
}

/// The registers the result of `inst` is to be defined in.
pub fn result(cx: &mut Cx, inst: Inst) -> Pair {
    let value = cx.f.first_result(inst);
    cx.put_pair(value)
}

/// New registers for an intermediate i128.
pub fn tmp_pair(cx: &mut Cx) -> Pair {
    (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int))
}

/// An i128 operand as instructions on its halves take it, low half first. With `fold`, halves may be memory, and the
/// caller uses each of them once.
pub fn halves(cx: &mut Cx, value: Value, fold: bool) -> (Operand, Operand) {
    if let Some(bits) = cx.wide_constant(value) {
        return (constant_half(cx, bits as i64), constant_half(cx, (bits >> 64) as i64));
    }
    let unique = cx.unique(value).is_some();
    if let Some(inst) = cx.def_inst(value) {
        let data = cx.f.insts[inst];
        let source = Value(data.a);
        match data.opcode {
            Opcode::Iconcat => {
                let low = half(cx, source, fold && unique);
                let high = half(cx, Value(data.b), fold && unique);
                return (low, high);
            }
            Opcode::Uextend => {
                rule!(cx, "wide.zero_high");
                return (extended_half(cx, value, source, unique && fold), Operand::Imm(0));
            }
            Opcode::Ishl if cx.constant_amount(Value(data.b)) == Some(64) => {
                rule!(cx, "wide.zero_low");
                let high = cx.low_half(source);
                return (Operand::Imm(0), Operand::Rm(Rm::Reg(high)));
            }
            Opcode::Load if fold => {
                if let Some(halves) = memory_halves(cx, value) {
                    return halves;
                }
            }
            _ => {}
        }
    }
    let (low, high) = cx.put_pair(value);
    (Operand::Rm(Rm::Reg(low)), Operand::Rm(Rm::Reg(high)))
}

fn constant_half(cx: &mut Cx, bits: i64) -> Operand {
    match i32::try_from(bits) {
        Ok(imm) => Operand::Imm(imm),
        Err(_) => Operand::Rm(Rm::Reg(mem::constant_register(cx, bits as u64))),
    }
}

/// An operand of iconcat.
fn half(cx: &mut Cx, value: Value, fold: bool) -> Operand {
    match imm32(cx, value) {
        Some(imm) => Operand::Imm(imm),
        None if fold => Operand::Rm(reg_mem(cx, value)),
        None => Operand::Rm(Rm::Reg(cx.put(value))),
    }
}

/// The low half of `value`, which is the zero extension of `source`; `here` says that it may be extended here.
fn extended_half(cx: &mut Cx, value: Value, source: Value, here: bool) -> Operand {
    let reg = if cx.ty(source) == types::I64 || cx.zero_extends(source) {
        cx.put(source)
    } else if here {
        let reg = cx.tmp(RegClass::Int);
        extend_into(cx, reg, source, false);
        reg
    } else {
        cx.put_pair(value).0
    };
    Operand::Rm(Rm::Reg(reg))
}

/// Both halves of a load that the instruction being lowered does itself.
fn memory_halves(cx: &mut Cx, value: Value) -> Option<(Operand, Operand)> {
    let load = cx.sinkable_load(value)?;
    let data = &cx.f.insts[load];
    let flags = cx.mem_flags(data);
    if data.opcode != Opcode::Load || cx.swaps(&flags) {
        return None;
    }
    rule!(cx, "wide.load");
    cx.sink(load);
    let low = wide_access(cx, data);
    Some((Operand::Rm(Rm::Mem(low)), Operand::Rm(Rm::Mem(low.upper()))))
}

/// A half in a register.
pub fn in_register(cx: &mut Cx, half: Operand) -> VReg {
    match half {
        Operand::Rm(Rm::Reg(reg)) => reg,
        Operand::Imm(imm) => mem::constant_register(cx, imm as i64 as u64),
        Operand::Rm(rm) => {
            let reg = cx.tmp(RegClass::Int);
            rows::mov_rm(cx, Q, reg, rm);
            reg
        }
    }
}

/// Extends an integer of up to 64 bits to 64.
fn extend_into(cx: &mut Cx, d: VReg, source: Value, signed: bool) {
    let from = cx.ty(source);
    let source = match sink_load(cx, source, from) {
        Some(amode) => Rm::Mem(amode),
        None => Rm::Reg(cx.put(source)),
    };
    extend_operand(cx, d, source, from, signed);
}

fn extend(cx: &mut Cx, (low, high): Pair, data: &InstData) {
    let source = Value(data.a);
    let signed = data.opcode == Opcode::Sextend;
    if cx.ty(source) == types::I64 || !signed && cx.zero_extends(source) {
        let source = cx.put(source);
        cx.alias(low, source);
    } else {
        extend_into(cx, low, source, signed);
    }
    match signed {
        true => rows::sar_ri(cx, Q, high, low, 63),
        false => rows::zero_r(cx, high),
    }
}

fn concat(cx: &mut Cx, (low, high): Pair, data: &InstData) {
    rule!(cx, "iconcat.free");
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    cx.alias(low, a);
    cx.alias(high, b);
}

/// iconcat to 64 bits and less.
fn concat_narrow(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = cx.def(inst);
    let (low, high) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    let size = OperandSize::from_bits(2 * data.ty.bits()).max(OperandSize::L32);
    extend_into(cx, low, Value(data.a), false);
    let upper = cx.put(Value(data.b));
    rows::shl_ri(cx, size, high, upper, data.ty.bits() as i32);
    rows::or_rm(cx, size, d, low, high);
}

/// isplit of any type. The bits above a narrow half are whatever they are.
fn split(cx: &mut Cx, inst: Inst, data: &InstData) {
    let source = Value(data.a);
    let results = cx.f.inst_results(inst);
    let (low, high) = (Value(results[0]), Value(results[1]));
    if data.ty == types::I128 {
        rule!(cx, "isplit.free");
        let (source_low, source_high) = cx.put_pair(source);
        for (half, source) in [(low, source_low), (high, source_high)] {
            if cx.is_used(half) {
                cx.define_as(half, source);
            }
        }
        return;
    }
    let reg = cx.put(source);
    if cx.is_used(high) {
        let d = cx.reg(high);
        rows::shr_ri(cx, alu_size(data.ty), d, reg, data.ty.bits() as i32 / 2);
    }
    if cx.is_used(low) {
        cx.define_as(low, reg);
    }
}

/// The operands of a commutative operation, the one that folds better second.
fn order(cx: &Cx, a: Value, b: Value) -> (Value, Value) {
    let rank = |value: Value| {
        if cx.wide_constant(value).is_some() {
            3
        } else if cx.def_by(value, Opcode::Uextend).is_some() {
            2
        } else {
            cx.sinkable_load(value).is_some() as u8
        }
    };
    if rank(a) > rank(b) { (b, a) } else { (a, b) }
}

fn add_or_subtract(cx: &mut Cx, d: Pair, data: &InstData) {
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    if data.opcode == Opcode::Iadd {
        (a, b) = order(cx, a, b);
    }
    push_add_or_subtract(cx, data.opcode == Opcode::Isub, d, a, b);
}

/// `d = a ± b`; the flags are those of the high half.
pub fn push_add_or_subtract(cx: &mut Cx, subtract: bool, d: Pair, a: Value, b: Value) {
    let (b_low, b_high) = halves(cx, b, true);
    let (a_low, a_high) = cx.put_pair(a);
    let (first, second) = if subtract { (&int::SUB, &int::SBB) } else { (&int::ADD, &int::ADC) };
    first.push(cx, Q, d.0, a_low, b_low);
    second.push(cx, Q, d.1, a_high, b_high);
}

fn bitwise(cx: &mut Cx, d: Pair, data: &InstData) {
    let (a, b) = order(cx, Value(data.a), Value(data.b));
    let b = halves(cx, b, true);
    let a = halves(cx, a, false);
    bitwise_half(cx, data.opcode, d.0, a.0, b.0);
    bitwise_half(cx, data.opcode, d.1, a.1, b.1);
}

fn bitwise_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: Operand, b: Operand) {
    let (a, b) = if matches!(a, Operand::Imm(_)) { (b, a) } else { (a, b) };
    match (opcode, &b) {
        (Opcode::Band, Operand::Imm(0)) => rows::zero_r(cx, d),
        (Opcode::Band, Operand::Imm(-1)) | (Opcode::Bor | Opcode::Bxor, Operand::Imm(0)) => {
            rule!(cx, "wide.bitwise_free");
            let a = in_register(cx, a);
            cx.alias(d, a);
        }
        _ => {
            let a = in_register(cx, a);
            int::alu(opcode).expect("dispatched by opcode").push(cx, Q, d, a, b);
        }
    }
}

fn unary(cx: &mut Cx, (low, high): Pair, data: &InstData) {
    let (a_low, a_high) = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Bnot => {
            rows::not_r(cx, Q, low, a_low);
            rows::not_r(cx, Q, high, a_high);
        }
        Opcode::Ineg => {
            let carried = cx.tmp(RegClass::Int);
            rows::neg_r(cx, Q, low, a_low);
            rows::adc_ri(cx, Q, carried, a_high, 0);
            rows::neg_r(cx, Q, high, carried);
        }
        _ => {
            let sign = cx.tmp(RegClass::Int);
            let flipped = tmp_pair(cx);
            rows::sar_ri(cx, Q, sign, a_high, 63);
            rows::xor_rm(cx, Q, flipped.0, a_low, sign);
            rows::xor_rm(cx, Q, flipped.1, a_high, sign);
            rows::sub_rm(cx, Q, low, flipped.0, sign);
            rows::sbb_rm(cx, Q, high, flipped.1, sign);
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
        rows::imul_wide(cx, Q, d.0, d.1, a, b);
        return;
    }
    let (a_low, a_high) = halves(cx, a, false);
    let (b_low, b_high) = halves(cx, b, false);
    let a_low = in_register(cx, a_low);
    let b_low = in_register(cx, b_low);
    let mut crosses = [cross(cx, a_low, b_high), cross(cx, b_low, a_high)].into_iter().flatten();
    let (first, second) = (crosses.next(), crosses.next());
    let Some(first) = first else {
        rule!(cx, "wide.multiply_unsigned");
        rows::mul_wide(cx, Q, d.0, d.1, a_low, b_low);
        return;
    };
    let high = cx.tmp(RegClass::Int);
    rows::mul_wide(cx, Q, d.0, high, a_low, b_low);
    match second {
        None => rows::add_rm(cx, Q, d.1, high, first),
        Some(second) => {
            let sum = cx.tmp(RegClass::Int);
            rows::add_rm(cx, Q, sum, high, first);
            rows::add_rm(cx, Q, d.1, sum, second);
        }
    }
}

/// The product of a low half and a high half; `None` if it is zero.
fn cross(cx: &mut Cx, low: VReg, high: Operand) -> Option<VReg> {
    if matches!(high, Operand::Imm(0)) {
        return None;
    }
    let product = cx.tmp(RegClass::Int);
    match high {
        Operand::Imm(imm) => rows::imul_rmi(cx, Q, product, low, imm),
        Operand::Rm(rm) => rows::imul_rm(cx, Q, product, low, rm),
    }
    Some(product)
}

/// The high 128 bits of a product, from four widening multiplications.
fn multiply_high(cx: &mut Cx, d: Pair, data: &InstData) {
    let a = cx.put_pair(Value(data.a));
    let b = cx.put_pair(Value(data.b));
    let (low_low, low_high) = (product(cx, a.0, b.0), product(cx, a.0, b.1));
    let (high_low, high_high) = (product(cx, a.1, b.0), product(cx, a.1, b.1));
    // Both middle products are added to the upper half of the low one, only for their carries.
    let (middle, upper_a) = add_carrying(cx, (low_low.1, low_high.1), low_high.0);
    let (_, upper_b) = add_carrying(cx, (middle, high_low.1), high_low.0);
    let sum = add_carrying(cx, high_high, upper_a);
    if data.opcode == Opcode::Umulhi {
        rows::add_rm(cx, Q, d.0, sum.0, upper_b);
        rows::adc_ri(cx, Q, d.1, sum.1, 0);
        return;
    }
    // A negative factor counts as 2^128 too much: the other factor is subtracted from the high half.
    let sum = add_carrying(cx, sum, upper_b);
    let corrected = tmp_pair(cx);
    subtract_if_negative(cx, corrected, sum, a.1, b);
    subtract_if_negative(cx, d, corrected, b.1, a);
}

fn product(cx: &mut Cx, a: VReg, b: VReg) -> Pair {
    let d = tmp_pair(cx);
    rows::mul_wide(cx, Q, d.0, d.1, a, b);
    d
}

fn add_carrying(cx: &mut Cx, a: Pair, b: VReg) -> Pair {
    let d = tmp_pair(cx);
    rows::add_rm(cx, Q, d.0, a.0, b);
    rows::adc_ri(cx, Q, d.1, a.1, 0);
    d
}

/// `d = a - (if sign is negative { b } else { 0 })`.
fn subtract_if_negative(cx: &mut Cx, d: Pair, a: Pair, sign: VReg, b: Pair) {
    let mask = cx.tmp(RegClass::Int);
    let masked = tmp_pair(cx);
    rows::sar_ri(cx, Q, mask, sign, 63);
    rows::and_rm(cx, Q, masked.0, mask, b.0);
    rows::and_rm(cx, Q, masked.1, mask, b.1);
    rows::sub_rm(cx, Q, d.0, a.0, masked.0);
    rows::sbb_rm(cx, Q, d.1, a.1, masked.1);
}

fn min_max(cx: &mut Cx, d: Pair, data: &InstData) {
    let cc = min_max_order(data.opcode);
    let (a, b) = (Value(data.a), Value(data.b));
    let (a_regs, b_regs) = (cx.put_pair(a), cx.put_pair(b));
    let cond = compare_order(cx, cc, a, b);
    rows::cmov_rm(cx, Q, d.0, b_regs.0, a_regs.0, cond);
    rows::cmov_rm(cx, Q, d.1, b_regs.1, a_regs.1, cond);
}

/// Sets the flags by comparing two i128.
pub fn compare(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
    let (mut cc, mut a, mut b) = (cc, a, b);
    if cx.wide_constant(a).is_some() {
        (cc, a, b) = (cc.swap_args(), b, a);
    }
    Test::One(match cc {
        IntCc::Equal | IntCc::NotEqual => {
            compare_equal(cx, a, b);
            int_cond(cc)
        }
        _ => compare_order(cx, cc, a, b),
    })
}

/// Sets the zero flag if both are equal.
fn compare_equal(cx: &mut Cx, a: Value, b: Value) {
    let a = halves(cx, a, false);
    let b = halves(cx, b, false);
    let low = difference(cx, a.0, b.0);
    let high = difference(cx, a.1, b.1);
    let either = cx.tmp(RegClass::Int);
    rows::or_rm(cx, Q, either, low, high);
}

/// A register that is zero if both halves are equal.
fn difference(cx: &mut Cx, a: Operand, b: Operand) -> VReg {
    let (a, b) = if matches!(a, Operand::Imm(_)) { (b, a) } else { (a, b) };
    let a = in_register(cx, a);
    if matches!(b, Operand::Imm(0)) {
        return a;
    }
    let d = cx.tmp(RegClass::Int);
    int::XOR.push(cx, Q, d, a, b);
    d
}

/// Sets the flags by subtracting, for an ordering; gives the condition to test.
fn compare_order(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Cond {
    use IntCc::*;
    if cx.wide_constant(b) == Some(0) && matches!(cc, SignedLessThan | SignedGreaterThanOrEqual) {
        rule!(cx, "wide.compare_sign");
        let (_, high) = cx.put_pair(a);
        rows::test_mr(cx, Q, high, high);
        return if cc == SignedLessThan { Cond::S } else { Cond::Ns };
    }
    // The flags tell less from not less; the zero flag is that of the high half only.
    let (cc, a, b) = match cc {
        SignedGreaterThan | SignedLessThanOrEqual | UnsignedGreaterThan | UnsignedLessThanOrEqual => {
            (cc.swap_args(), b, a)
        }
        _ => (cc, a, b),
    };
    let a = halves(cx, a, false);
    let (b_low, b_high) = halves(cx, b, false);
    let (a_low, a_high) = (in_register(cx, a.0), in_register(cx, a.1));
    let high = cx.tmp(RegClass::Int);
    match b_low {
        Operand::Imm(imm) => rows::cmp_mi(cx, Q, a_low, imm),
        Operand::Rm(b) => rows::cmp_rm(cx, Q, a_low, b),
    }
    int::SBB.push(cx, Q, high, a_high, b_high);
    int_cond(cc)
}
