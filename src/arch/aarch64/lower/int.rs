//! Integer arithmetic up to 64 bits, extensions, shifts.
//!
//! i8 and i16 are computed in 32 bits; the bits above a value's type are undefined unless `zero_extends` says
//! otherwise. Operations on 32 bits clear the upper half of a register.

use super::super::Aarch64;
use super::super::operands::{Bitmask, OperandSize, Shift};
use super::super::rows;
use super::mem;
use super::operands::*;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::context::Unsupported;
use crate::lower::vocabulary::Extensions;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

impl Extensions for Aarch64 {
    fn zero_extends(data: &InstData, ty: Type) -> bool {
        use Opcode::*;
        match ty {
            types::I8 | types::I16 => {
                matches!(data.opcode, Load | Icmp | Fcmp | Iconst | Ushr | Clz | Ctz | Popcnt | Bitrev)
            }
            types::I32 => matches!(
                data.opcode,
                Load | Uload8
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
        rows::mov_r(cx, OperandSize::L32, d, a);
    }
}

type Result = std::result::Result<(), Unsupported>;

/// iadd, isub.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Result {
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

/// Whether a value can be shifted or extended by the addition that uses it.
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

/// An immediate that a value, or its negation, is.
fn sum_constant(
    cx: &Cx,
    value: Value,
    size: OperandSize,
    subtracts: bool,
) -> Option<(&'static Operation, Source)> {
    let constant = cx.signed_constant(value)?;
    let (same, opposite) = if subtracts { (&SUB, &ADD) } else { (&ADD, &SUB) };
    if let Some((imm, high)) = imm12(bits_of(constant, size)) {
        return Some((same, Source::Imm(imm, high)));
    }
    if let Some((imm, high)) = imm12(bits_of(constant.wrapping_neg(), size)) {
        return Some((opposite, Source::Imm(imm, high)));
    }
    let addend = if subtracts { constant.wrapping_neg() } else { constant };
    (addend.unsigned_abs() < 1 << 24).then_some((&ADD, Source::Imm24(addend as i32)))
}

/// An addition or subtraction of a product that nothing else uses.
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
    let addend = put(cx, addend);
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

/// A product of two registers that is used once.
fn product(cx: &Cx, value: Value) -> Option<InstData> {
    let data = cx.f.insts[cx.unique(value)?];
    if data.opcode != Opcode::Imul || cx.is_used(value) {
        return None;
    }
    let by_shift = cx.constant(Value(data.b)).is_some_and(u64::is_power_of_two);
    (!by_shift).then_some(data)
}

/// What a product is of.
struct Factors {
    a: Value,
    b: Value,
    /// Whether they are 32 bits that are extended, and if so, by their signs.
    widens: Option<bool>,
}

/// The factors of a product, from before their extension if both are extended alike.
fn product_factors(cx: &Cx, value: Value) -> Factors {
    let data = &cx.f.insts[cx.def_inst(value).expect("a product")];
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

/// imul up to 64 bits.
pub fn multiply(cx: &mut Cx, inst: Inst) -> Result {
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
        ADD.to(cx, size, d, a, Source::Shifted(a, Shift::Lsl, amount));
    } else {
        let factor = cx.constant_register(bits_of(factor, size));
        rows::mul_rr(cx, size, d, a, factor);
    }
}

/// `d = a << amount`, of less than `size`.
pub fn shift_left(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, amount: i32) {
    let bits = size.bits() as i32;
    rows::ubfm(cx, size, d, a, (bits - amount) & (bits - 1), bits - 1 - amount);
}

/// band, bor, bxor.
pub fn logic(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    if data.ty == types::I8 && super::chain::join(cx, inst) {
        return Ok(());
    }
    let (mut a, mut b) = (Value(data.a), Value(data.b));
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    if cx.constant(a).is_some() || cx.constant(b).is_none() && better_second(cx, a) && !better_second(cx, b) {
        (a, b) = (b, a);
    }
    if let Some(bits) = cx.constant(b)
        && logic_constant(cx, &data, d, a, bits)
    {
        return Ok(());
    }
    if let Some(complement) = complement_of(cx, b) {
        rule!(cx, "logic.complement");
        let a = cx.put(a);
        let b = logic_operand(cx, complement, data.ty);
        let operation = match data.opcode {
            Opcode::Band => BIC,
            Opcode::Bor => ORN,
            _ => EON,
        };
        operation.to(cx, size, d, a, b);
        return Ok(());
    }
    let a = cx.put(a);
    let b = logic_operand(cx, b, data.ty);
    operation_of(data.opcode).to(cx, size, d, a, b);
    Ok(())
}

/// The instructions of band, bor and bxor.
pub fn operation_of(opcode: Opcode) -> Operation {
    match opcode {
        Opcode::Band => AND,
        Opcode::Bor => ORR,
        _ => EOR,
    }
}

/// Whether a value can be complemented or shifted by the operation that uses it.
fn better_second(cx: &Cx, value: Value) -> bool {
    use Opcode::*;
    !cx.is_used(value)
        && cx.unique(value).is_some_and(|inst| {
            let data = &cx.f.insts[inst];
            match data.opcode {
                Ishl | Ushr | Sshr | Rotl | Rotr => cx.constant_amount(Value(data.b)).is_some(),
                Bnot => true,
                _ => false,
            }
        })
}

/// What a value is the complement of, if nothing else uses it.
fn complement_of(cx: &Cx, value: Value) -> Option<Value> {
    let data = &cx.f.insts[cx.unique(value)?];
    (data.opcode == Opcode::Bnot && !cx.is_used(value)).then_some(Value(data.a))
}

/// A logical operation with a constant that is a mask, or whose bits above the type make it one.
fn logic_constant(cx: &mut Cx, data: &InstData, d: VReg, a: Value, bits: u64) -> bool {
    let size = alu_size(data.ty);
    if data.opcode == Opcode::Band && bit_field(cx, data, d, a, bits) {
        return true;
    }
    if data.opcode == Opcode::Bxor && bits == u64::MAX >> (64 - data.ty.bits()) {
        rule!(cx, "bxor.complement");
        let a = cx.put(a);
        MVN.unary(cx, size, d, a);
        return true;
    }
    let Some(mask) = Bitmask::new(bits, size) else { return false };
    rule!(cx, "logic.mask");
    let a = cx.put(a);
    operation_of(data.opcode).to(cx, size, d, a, Source::Mask(mask));
    true
}

/// `(x >> n) & mask` as one extraction.
fn bit_field(cx: &mut Cx, data: &InstData, d: VReg, a: Value, mask: u64) -> bool {
    if mask == 0 || mask == u64::MAX || !(mask + 1).is_power_of_two() || cx.is_used(a) {
        return false;
    }
    let Some(inst) = cx.unique(a) else { return false };
    let shift = cx.f.insts[inst];
    if !matches!(shift.opcode, Opcode::Ushr | Opcode::Sshr) {
        return false;
    }
    let Some(amount) = cx.constant_amount(Value(shift.b)) else { return false };
    let bits = data.ty.bits() as u64;
    let amount = amount & (bits - 1);
    let width = mask.count_ones() as u64;
    if amount + width > bits {
        return false;
    }
    rule!(cx, "band.bit_field");
    let source = cx.put(Value(shift.a));
    rows::ubfm(cx, alu_size(data.ty), d, source, amount as i32, (amount + width - 1) as i32);
    true
}

/// ineg, bnot.
pub fn unary(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    let a = Value(data.a);
    if data.opcode == Opcode::Bnot {
        let a = logic_operand(cx, a, data.ty);
        MVN.unary(cx, size, d, a);
        return Ok(());
    }
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

/// uextend and sextend up to 64 bits.
pub fn extend(cx: &mut Cx, inst: Inst) -> Result {
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
    super::operands::extend(cx, size, d, source, from, signed);
    Ok(())
}

/// ishl, ushr, sshr, rotl, rotr up to 64 bits.
pub fn shift(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (value, amount) = (Value(data.a), Value(data.b));
    let d = cx.def(inst);
    if let Some(amount) = cx.constant_amount(amount) {
        rule!(cx, "shift.imm");
        let amount = amount as i32 & (data.ty.bits() as i32 - 1);
        shift_by_constant(cx, &data, d, value, amount);
        return Ok(());
    }
    let amount = match cx.ty(amount) {
        types::I128 => cx.low_half(amount),
        _ => cx.put(amount),
    };
    shift_by_register(cx, &data, d, value, amount);
    Ok(())
}

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
                _ => rows::sbfm(cx, size, d, a, from, last),
            }
        }
        _ => {
            let bits = data.ty.bits() as i32;
            let amount = if data.opcode == Rotl { (bits - amount) & top } else { amount };
            let a = repeated(cx, value, data.ty);
            rows::extr(cx, size, d, a, a, amount);
        }
    }
}

/// `extend(x) << n` as one insertion.
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

/// The source of `(x << m) >> n`, with m no more than n, and the lowest and highest of its bits that stay.
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

/// A value to rotate: repeated to fill 32 bits, if it is narrower.
fn repeated(cx: &mut Cx, value: Value, ty: Type) -> VReg {
    let mut a = cx.put(value);
    let mut width = ty.bits() as i32;
    while width < 32 {
        let twice = cx.tmp(RegClass::Int);
        rows::bfm(cx, L, twice, a, a, 32 - width, width - 1);
        (a, width) = (twice, 2 * width);
    }
    a
}

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
            _ => amount,
        };
        rows::ror_rr(cx, size, d, a, amount);
        return;
    }
    let a = match data.opcode {
        Ushr => put_extended(cx, value, false),
        Sshr => put_extended(cx, value, true),
        _ => cx.put(value),
    };
    // The processor takes the amount modulo the size.
    let amount = match bits < 32 {
        true => AND.in_new(cx, L, amount, mask(bits as u64 - 1, L)),
        false => amount,
    };
    match data.opcode {
        Ishl => rows::lsl_rr(cx, size, d, a, amount),
        Ushr => rows::lsr_rr(cx, size, d, a, amount),
        _ => rows::asr_rr(cx, size, d, a, amount),
    }
}
