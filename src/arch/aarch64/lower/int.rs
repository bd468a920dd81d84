//! Integer arithmetic of up to 64 bits, and extensions.
//!
//! i8 and i16 are computed in 32 bits. The bits above a value's type are undefined, unless
//! [`Lower::zero_extends`](crate::lower::context::Lower::zero_extends) says otherwise. Operations on 32 bits
//! clear the upper half of a register.

use super::inputs::*;
use super::logic::rows_of;
use super::mem;
use super::shift::shift_left;
use crate::arch::aarch64::operands::{Bitmask, Shift};
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::context::Lowered;
use crate::lower::vocabulary::{Arithmetic, Extensions};
use crate::machine::reg::VReg;
use crate::machine::size::{L32, OperandSize, alu_size};
use crate::rule;

impl Extensions for Aarch64 {
    fn zero_extends(data: &InstData, ty: Type) -> bool {
        use Opcode::*;
        match ty {
            types::I8 | types::I16 => {
                matches!(
                    data.opcode,
                    Load | Icmp | Fcmp | Iconst | Ushr | Clz | Ctz | Popcnt | Bitrev | Extractlane
                )
            }
            types::I32 => matches!(
                data.opcode,
                Load | Extractlane
                    | Uload8
                    | Uload16
                    | Sload8
                    | Sload16
                    | Iconst
                    | Iadd
                    | Isub
                    | Imul
                    | Ineg
                    | Band
                    | Bor
                    | Bxor
                    | Bnot
                    | Ishl
                    | Ushr
                    | Sshr
                    | Rotl
                    | Rotr
                    | Uextend
                    | Sextend
                    | Udiv
                    | Sdiv
                    | Urem
                    | Srem
                    | Bswap
                    | Bitrev
                    | Iabs
                    | Smin
                    | Smax
                    | Umin
                    | Umax
                    | Clz
                    | Ctz
                    | Cls
                    | Popcnt
                    | Select
            ),
            _ => false,
        }
    }

    fn zero_extend(cx: &mut Cx, d: VReg, a: VReg, _: bool) {
        rows::mov_r(cx, L32, d, a);
    }
}

impl Arithmetic for Aarch64 {
    fn put_extended(cx: &mut Cx, value: Value, signed: bool, bits: u32) -> VReg {
        match bits {
            64 => put_extended_to_64(cx, value, signed),
            32 => put_extended_to_32(cx, value, signed),
            other => unexpected(other),
        }
    }

    fn copy(cx: &mut Cx, bits: u32, d: VReg, a: VReg) {
        rows::mov_r(cx, OperandSize::from_bits(bits), d, a);
    }

    fn add(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        ADD.to(cx, OperandSize::from_bits(bits), d, a, b);
    }

    fn subtract(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        SUB.to(cx, OperandSize::from_bits(bits), d, a, b);
    }

    fn negate(cx: &mut Cx, bits: u32, d: VReg, a: VReg) {
        NEG.unary(cx, OperandSize::from_bits(bits), d, a);
    }

    fn bitwise(cx: &mut Cx, bits: u32, opcode: Opcode, d: VReg, (a, b): (VReg, VReg), _: bool) {
        rows_of(opcode).to(cx, OperandSize::from_bits(bits), d, a, b);
    }

    fn mask(cx: &mut Cx, bits: u32, d: VReg, a: VReg, mask: i64) {
        let size = OperandSize::from_bits(bits);
        let mask = register_bits(mask, size);
        match Bitmask::new(mask, size) {
            Some(mask) => AND.to(cx, size, d, a, Input::Mask(mask)),
            None => {
                let mask = cx.kept_constant(mask);
                AND.to(cx, size, d, a, mask);
            }
        }
    }

    fn shift(cx: &mut Cx, bits: u32, opcode: Opcode, d: VReg, a: VReg, amount: u32) {
        let (size, amount) = (OperandSize::from_bits(bits), amount as i32);
        match opcode {
            Opcode::Ishl => shift_left(cx, size, d, a, amount),
            Opcode::Ushr => rows::lsr_ri(cx, size, d, a, amount),
            Opcode::Sshr => rows::asr_ri(cx, size, d, a, amount),
            other => unexpected(other),
        }
    }

    fn multiply(cx: &mut Cx, bits: u32, d: VReg, a: VReg, factor: i64) {
        multiply_by(cx, OperandSize::from_bits(bits), d, a, factor);
    }

    fn multiply_high(cx: &mut Cx, signed: bool, d: VReg, a: VReg, factor: u64) {
        let factor = cx.kept_constant(factor);
        match signed {
            true => rows::smulh(cx, d, a, factor),
            false => rows::umulh(cx, d, a, factor),
        }
    }
}

/// Lowers iadd and isub of up to 64 bits.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let subtracts = data.opcode == Opcode::Isub;
    let size = alu_size(data.ty);
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let d = cx.def(inst);
    if !subtracts && cx.constant(a).is_some() {
        (a, b) = (b, a);
    }
    if let Some((operation, source)) = sum_constant(cx, b, size, subtracts) {
        rule!(cx, "sum.imm");
        let a = cx.put(a);
        operation.to(cx, size, d, a, source);
        return Ok(());
    }
    if multiply_and_add(cx, d, a, b, data.ty, subtracts) {
        return Ok(());
    }
    if !subtracts && folds(cx, a) && !folds(cx, b) {
        (a, b) = (b, a);
    }
    if subtracts && cx.constant(a) == Some(0) {
        let b = negated_operand(cx, b, data.ty);
        NEG.unary(cx, size, d, b);
        return Ok(());
    }
    let a = cx.put(a);
    let b = sum_operand(cx, b, data.ty);
    if subtracts { SUB } else { ADD }.to(cx, size, d, a, b);
    Ok(())
}

/// Whether a value is a shift or extension that an addition can fold.
fn folds(cx: &Cx, value: Value) -> bool {
    use Opcode::*;
    !cx.is_used(value)
        && cx.unique(value).is_some_and(|inst| {
            let data = &cx.f.insts[inst];
            match data.opcode {
                Ishl | Ushr | Sshr | Imul => cx.constant_amount(Value(data.b)).is_some(),
                Uextend | Sextend => true,
                _ => false,
            }
        })
}

/// The immediate that a value or its negation is, if it is one.
fn sum_constant(
    cx: &Cx,
    value: Value,
    size: OperandSize,
    subtracts: bool,
) -> Option<(&'static AluRows, Input)> {
    let constant = cx.signed_constant(value)?;
    let (same, opposite) = if subtracts { (&SUB, &ADD) } else { (&ADD, &SUB) };
    if let Some((imm, high)) = imm12(register_bits(constant, size)) {
        return Some((same, Input::Imm(imm, high)));
    }
    if let Some((imm, high)) = imm12(register_bits(constant.wrapping_neg(), size)) {
        return Some((opposite, Input::Imm(imm, high)));
    }
    let addend = if subtracts { constant.wrapping_neg() } else { constant };
    (addend.unsigned_abs() < 1 << 24).then_some((&ADD, Input::Imm24(addend as i32)))
}

/// Lowers an addition or subtraction of a product that nothing else uses. Returns whether it is one.
fn multiply_and_add(cx: &mut Cx, d: VReg, a: Value, b: Value, ty: Type, subtracts: bool) -> bool {
    let (product, addend) = if product(cx, b).is_some() {
        (b, a)
    } else if !subtracts && product(cx, a).is_some() {
        (a, b)
    } else {
        return false;
    };
    let factors = product_factors(cx, product);
    rule!(cx, "sum.multiply");
    let size = alu_size(ty);
    let addend = put_or_zero(cx, addend);
    let (a, b) = (cx.put(factors.a), cx.put(factors.b));
    match (factors.widens, subtracts) {
        (None, false) => rows::madd(cx, size, d, a, b, addend),
        (None, true) => rows::msub(cx, size, d, a, b, addend),
        (Some(true), false) => rows::smaddl(cx, d, a, b, addend),
        (Some(true), true) => rows::smsubl(cx, d, a, b, addend),
        (Some(false), false) => rows::umaddl(cx, d, a, b, addend),
        (Some(false), true) => rows::umsubl(cx, d, a, b, addend),
    }
    true
}

/// A product of two registers that nothing else uses.
fn product(cx: &Cx, value: Value) -> Option<InstData> {
    let data = cx.f.insts[cx.unique(value)?];
    if data.opcode != Opcode::Imul || cx.is_used(value) {
        return None;
    }
    let by_shift = cx.constant(Value(data.b)).is_some_and(u64::is_power_of_two);
    (!by_shift).then_some(data)
}

/// The factors of a product.
struct Factors {
    a: Value,
    b: Value,
    /// Whether the factors are extended from 32 bits: `Some(signed)`, or `None` if they are not.
    widens: Option<bool>,
}

/// The factors of a product, without their extensions if both are extended alike from 32 bits.
fn product_factors(cx: &Cx, value: Value) -> Factors {
    let data = &cx.f.insts[cx.def_inst(value).expect("an instruction defines the product")];
    let (a, b) = (Value(data.a), Value(data.b));
    for (opcode, signed) in [(Opcode::Sextend, true), (Opcode::Uextend, false)] {
        if let (Some(left), Some(right)) = (cx.def_by(a, opcode), cx.def_by(b, opcode))
            && cx.ty(Value(left.a)) == types::I32
            && cx.ty(Value(right.a)) == types::I32
            && data.ty == types::I64
        {
            return Factors { a: Value(left.a), b: Value(right.a), widens: Some(signed) };
        }
    }
    Factors { a, b, widens: None }
}

/// Lowers imul of up to 64 bits.
pub fn multiply(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    if cx.constant(a).is_some() {
        (a, b) = (b, a);
    }
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    if let Some(factor) = cx.signed_constant(b) {
        let a = cx.put(a);
        multiply_by(cx, size, d, a, factor);
        return Ok(());
    }
    let factors = product_factors(cx, cx.f.first_result(inst));
    match factors.widens {
        Some(signed) => {
            rule!(cx, "imul.widening");
            let (a, b) = (cx.put(factors.a), cx.put(factors.b));
            match signed {
                true => rows::smull(cx, d, a, b),
                false => rows::umull(cx, d, a, b),
            }
        }
        None => {
            let (a, b) = (cx.put(a), cx.put(b));
            rows::mul_rr(cx, size, d, a, b);
        }
    }
    Ok(())
}

/// `d = a * factor`.
pub fn multiply_by(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, factor: i64) {
    let magnitude = factor.unsigned_abs();
    if factor > 0 && magnitude.is_power_of_two() {
        rule!(cx, "imul.shift");
        shift_left(cx, size, d, a, magnitude.trailing_zeros() as i32 & (size.bits() as i32 - 1));
    } else if factor > 2 && (magnitude - 1).is_power_of_two() {
        rule!(cx, "imul.shifted_add");
        let amount = (magnitude - 1).trailing_zeros() as i32;
        ADD.to(cx, size, d, a, Input::Shifted(a, Shift::Lsl, amount));
    } else {
        let factor = cx.kept_constant(register_bits(factor, size));
        rows::mul_rr(cx, size, d, a, factor);
    }
}

/// Lowers ineg of up to 64 bits.
pub fn negate(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    let a = Value(data.a);
    if let Some(product) = product(cx, a).filter(|_| data.ty.bits() >= 32) {
        rule!(cx, "ineg.product");
        let (a, b) = (cx.put(Value(product.a)), cx.put(Value(product.b)));
        rows::mneg_rr(cx, size, d, a, b);
        return Ok(());
    }
    let a = negated_operand(cx, a, data.ty);
    NEG.unary(cx, size, d, a);
    Ok(())
}

/// Lowers uextend and sextend to at most 64 bits.
pub fn extend(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let signed = data.opcode == Opcode::Sextend;
    let source = Value(data.a);
    let from = cx.ty(source);
    if !signed && cx.zero_extends(source) {
        rule!(cx, "uextend.free");
        let result = cx.f.first_result(inst);
        cx.same(result, source);
        return Ok(());
    }
    let d = cx.def(inst);
    let size = alu_size(data.ty);
    if signed && let Some(amode) = sink_load(cx, source, from) {
        rule!(cx, "extend.load");
        mem::load_int(cx, d, amode, from, data.ty, true);
        return Ok(());
    }
    let source = cx.put(source);
    extend_register(cx, size, d, source, from, signed);
    Ok(())
}
