//! Lowering of i128, which is a pair of registers, the low half first.
//!
//! Joining and splitting halves takes no instructions: a result's register is an alias of its operand's.
//! Operands are matched half by half (`halves`): a half of a zero extension is zero, that of a constant an
//! immediate, and that of a load a memory operand. A target supplies the arithmetic on halves:
//! [`WideLowering`].

use super::context::Lowered;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{access, sink_load};
use crate::lower::context::Lower;
use crate::lower::select::Selection;
use crate::lower::vocabulary::Lowering;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// The registers of an i128: its low and its high half.
pub type Pair = (VReg, VReg);

/// A half of an operand.
pub enum Half {
    /// A constant.
    Constant(i64),
    /// A register.
    Register(VReg),
    /// Memory.
    Memory(Amode),
}

/// A target's arithmetic on halves.
pub trait WideLowering: Selection {
    /// Whether arithmetic can take halves in memory.
    const MEMORY_HALVES: bool = true;

    /// `d` = `band`, `bor` or `bxor` of two halves.
    fn bitwise_half(cx: &mut Lower<'_, Self>, opcode: Opcode, d: VReg, a: VReg, b: Half);

    /// `d` = the low half of `a * b`.
    fn multiply_half(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, b: Half);

    /// `d` = the whole product of two halves.
    fn multiply_wide(cx: &mut Lower<'_, Self>, signed: bool, d: Pair, a: VReg, b: VReg);

    /// `d = sum + a * b`.
    fn add_product(cx: &mut Lower<'_, Self>, d: VReg, sum: VReg, a: VReg, b: Half) {
        let product = cx.tmp(RegClass::Int);
        Self::multiply_half(cx, product, a, b);
        Self::add(cx, 64, d, sum, product);
    }

    /// `d = a ± b`.
    fn add_or_subtract(cx: &mut Lower<'_, Self>, subtract: bool, d: Pair, a: Pair, b: (Half, Half));

    /// `d = !a`.
    fn complement_half(cx: &mut Lower<'_, Self>, d: VReg, a: VReg);

    /// `d = -a`.
    fn negate_wide(cx: &mut Lower<'_, Self>, d: Pair, a: Pair);

    /// `d` = the concatenation of two integers of the same type, of up to 32 bits each.
    fn concat_narrow(cx: &mut Lower<'_, Self>, d: VReg, low: Value, high: Value);

    /// Compares two i128.
    fn compare_wide(cx: &mut Lower<'_, Self>, cc: IntCc, a: Value, b: Value) -> Self::Test;

    /// Compares the order of two i128 in registers.
    fn compare_order(cx: &mut Lower<'_, Self>, cc: IntCc, a: Value, b: Value) -> Self::Test;
}

/// Lowers instructions on i128 other than shifts, and `isplit` and `iconcat` of any type.
pub fn lower<I: WideLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = &cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    match data.opcode {
        Isplit => {
            split(cx, inst, data);
            return Ok(());
        }
        Iconcat if data.ty != types::I64 => {
            let d = cx.def(inst);
            I::concat_narrow(cx, d, a, b);
            return Ok(());
        }
        _ => {}
    }
    let d = result(cx, inst);
    match data.opcode {
        Iconcat => concat(cx, d, data),
        Iadd | Isub => add_or_subtract(cx, data.opcode == Isub, d, (a, b)),
        Band | Bor | Bxor => bitwise(cx, d, data),
        Bnot => {
            let a = cx.put_pair(a);
            I::complement_half(cx, d.0, a.0);
            I::complement_half(cx, d.1, a.1);
        }
        Ineg => {
            let a = cx.put_pair(a);
            I::negate_wide(cx, d, a);
        }
        Iabs => {
            let a = cx.put_pair(a);
            absolute(cx, d, a);
        }
        Imul => multiply(cx, d, data),
        Umulhi | Smulhi => multiply_high(cx, d, data),
        Uextend | Sextend => extend(cx, d, data),
        Smin | Smax | Umin | Umax => min_max(cx, d, data),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers `smin`, `smax`, `umin` and `umax`.
fn min_max<I: WideLowering>(cx: &mut Lower<'_, I>, d: Pair, data: &InstData) {
    let (a, b) = (Value(data.a), Value(data.b));
    let (chosen, other) = (cx.put_pair(a), cx.put_pair(b));
    let test = I::compare_order(cx, data.opcode.min_max_order(), a, b);
    I::move_if(cx, d.0, test, chosen.0, other.0);
    I::move_if(cx, d.1, test, chosen.1, other.1);
}

/// Returns the registers that the result of `inst` is defined in.
pub(crate) fn result<I: Lowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Pair {
    let value = cx.f.first_result(inst);
    cx.put_pair(value)
}

/// Makes new registers for an intermediate i128.
pub(crate) fn tmp_pair<I: Lowering>(cx: &mut Lower<'_, I>) -> Pair {
    (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int))
}

/// Returns the address of a 16-byte access, such that [`Amode::upper`] is the address of its second half.
pub(crate) fn wide_access<I: WideLowering>(cx: &mut Lower<'_, I>, data: &InstData) -> Amode {
    let amode = access(cx, data);
    if amode.disp <= i32::MAX - 8 {
        return amode;
    }
    let base = cx.tmp(RegClass::Int);
    I::make_address(cx, base, amode);
    Amode::base(base, 0).with_trap(amode.trap)
}

/// Returns the low and the high half of an i128 operand. With `fold`, halves may be in memory, and the caller
/// must use each of them once.
pub(crate) fn halves<I: WideLowering>(cx: &mut Lower<'_, I>, value: Value, fold: bool) -> (Half, Half) {
    if let Some(bits) = cx.wide_constant(value) {
        return (Half::Constant(bits as i64), Half::Constant((bits >> 64) as i64));
    }
    let fold = fold && cx.unique(value).is_some() && !cx.is_used(value);
    if let Some(inst) = cx.def_inst(value) {
        let data = cx.f.insts[inst];
        let source = Value(data.a);
        match data.opcode {
            Opcode::Iconcat => {
                let fold = fold && I::MEMORY_HALVES;
                return (half(cx, source, fold), half(cx, Value(data.b), fold));
            }
            Opcode::Uextend => {
                rule!(cx, "wide.zero_high");
                return (extended_half(cx, value, source, fold), Half::Constant(0));
            }
            Opcode::Ishl if cx.constant_amount(Value(data.b)) == Some(64) => {
                rule!(cx, "wide.zero_low");
                return (Half::Constant(0), Half::Register(cx.low_half(source)));
            }
            Opcode::Load if fold && I::MEMORY_HALVES => {
                if let Some(halves) = memory_halves(cx, value) {
                    return halves;
                }
            }
            _ => {}
        }
    }
    let (low, high) = cx.put_pair(value);
    (Half::Register(low), Half::Register(high))
}

/// Returns an operand of `iconcat` as a half.
fn half<I: WideLowering>(cx: &mut Lower<'_, I>, value: Value, fold: bool) -> Half {
    if let Some(constant) = cx.signed_constant(value) {
        return Half::Constant(constant);
    }
    match if fold { sink_load(cx, value, types::I64) } else { None } {
        Some(amode) => Half::Memory(amode),
        None => Half::Register(cx.put(value)),
    }
}

/// Returns the low half of `value`, the zero extension of `source`; `here` says whether it may be extended
/// here.
fn extended_half<I: WideLowering>(cx: &mut Lower<'_, I>, value: Value, source: Value, here: bool) -> Half {
    Half::Register(match here || cx.ty(source) == types::I64 || cx.zero_extends(source) {
        true => I::put_extended(cx, source, false, 64),
        false => cx.put_pair(value).0,
    })
}

/// Sinks a load into the instruction being lowered, and returns its halves.
fn memory_halves<I: WideLowering>(cx: &mut Lower<'_, I>, value: Value) -> Option<(Half, Half)> {
    let load = cx.sinkable_load(value)?;
    let data = &cx.f.insts[load];
    let flags = cx.mem_flags(data);
    if data.opcode != Opcode::Load || cx.swaps(&flags) {
        return None;
    }
    rule!(cx, "wide.load");
    cx.sink(load);
    let first = wide_access(cx, data);
    let (first, second) = (Half::Memory(first), Half::Memory(first.upper()));
    Some(match I::ENDIANNESS {
        Endianness::Little => (first, second),
        Endianness::Big => (second, first),
    })
}

/// Returns a register with a half.
pub(crate) fn in_register<I: WideLowering>(cx: &mut Lower<'_, I>, half: Half) -> VReg {
    if let Half::Register(reg) = half {
        return reg;
    }
    let d = cx.tmp(RegClass::Int);
    match half {
        Half::Constant(bits) => I::make_bits(cx, d, bits as u64),
        Half::Memory(amode) => I::load_register(cx, d, amode, types::I64),
        Half::Register(_) => unreachable!("told apart above"),
    }
    d
}

/// Lowers `uextend` and `sextend` to i128.
fn extend<I: Lowering>(cx: &mut Lower<'_, I>, (low, high): Pair, data: &InstData) {
    let signed = data.opcode == Opcode::Sextend;
    let extended = I::put_extended(cx, Value(data.a), signed, 64);
    cx.alias(low, extended);
    match signed {
        true => I::shift(cx, 64, Opcode::Sshr, high, extended, 63),
        false => I::make_bits(cx, high, 0),
    }
}

/// Lowers `iconcat` to i128.
fn concat<I: Lowering>(cx: &mut Lower<'_, I>, (low, high): Pair, data: &InstData) {
    rule!(cx, "iconcat.free");
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    cx.alias(low, a);
    cx.alias(high, b);
}

/// Lowers `isplit` of any type. The bits above a narrow half are undefined.
fn split<I: Lowering>(cx: &mut Lower<'_, I>, inst: Inst, data: &InstData) {
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
        I::shift(cx, data.ty.bits().max(32), Opcode::Ushr, d, reg, data.ty.bits() / 2);
    }
    if cx.is_used(low) {
        cx.define_as(low, reg);
    }
}

/// Lowers `ireduce`: the result is in the same register, with undefined upper bits.
pub fn reduce<I: Lowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    let result = cx.f.first_result(inst);
    if cx.ty(source) != types::I128 {
        cx.same(result, source);
    } else if data.ty == types::I128 {
        return Err(cx.unsupported("ireduce to i128"));
    } else {
        let low = cx.low_half(source);
        cx.define_as(result, low);
    }
    Ok(())
}

/// Orders the operands of a commutative operation: the one that folds better comes second.
fn order<I: WideLowering>(cx: &Lower<'_, I>, a: Value, b: Value) -> (Value, Value) {
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

/// Lowers `iadd` and `isub`, and leaves the flags or condition code as set by the high half.
pub(crate) fn add_or_subtract<I: WideLowering>(
    cx: &mut Lower<'_, I>,
    subtract: bool,
    d: Pair,
    (a, b): (Value, Value),
) {
    let (a, b) = if subtract { (a, b) } else { order(cx, a, b) };
    let b = halves(cx, b, true);
    let a = cx.put_pair(a);
    I::add_or_subtract(cx, subtract, d, a, b);
}

/// Lowers `band`, `bor` and `bxor`.
fn bitwise<I: WideLowering>(cx: &mut Lower<'_, I>, d: Pair, data: &InstData) {
    let (a, b) = order(cx, Value(data.a), Value(data.b));
    let b = halves(cx, b, true);
    let a = halves(cx, a, false);
    bitwise_half(cx, data.opcode, d.0, a.0, b.0);
    bitwise_half(cx, data.opcode, d.1, a.1, b.1);
}

fn bitwise_half<I: WideLowering>(cx: &mut Lower<'_, I>, opcode: Opcode, d: VReg, a: Half, b: Half) {
    let (a, b) = if matches!(a, Half::Constant(_)) { (b, a) } else { (a, b) };
    match (opcode, &b) {
        (Opcode::Band, Half::Constant(0)) => I::make_bits(cx, d, 0),
        (Opcode::Band, Half::Constant(-1)) | (Opcode::Bor | Opcode::Bxor, Half::Constant(0)) => {
            rule!(cx, "wide.bitwise_free");
            let a = in_register(cx, a);
            cx.alias(d, a);
        }
        (Opcode::Band | Opcode::Bor | Opcode::Bxor, _) => {
            let a = in_register(cx, a);
            I::bitwise_half(cx, opcode, d, a, b);
        }
        (other, _) => unexpected(other),
    }
}

/// Lowers `imul`: one widening multiplication and two cross products, except those with a half that is zero.
fn multiply<I: WideLowering>(cx: &mut Lower<'_, I>, d: Pair, data: &InstData) {
    let (a, b) = (Value(data.a), Value(data.b));
    if let (Some(a), Some(b)) = (cx.def_by(a, Opcode::Sextend), cx.def_by(b, Opcode::Sextend)) {
        rule!(cx, "wide.multiply_signed");
        let a = I::put_extended(cx, Value(a.a), true, 64);
        let b = I::put_extended(cx, Value(b.a), true, 64);
        I::multiply_wide(cx, true, d, a, b);
        return;
    }
    let (a_low, a_high) = halves(cx, a, false);
    let (b_low, b_high) = halves(cx, b, false);
    let a_low = in_register(cx, a_low);
    let b_low = in_register(cx, b_low);
    let crosses = [(a_low, b_high), (b_low, a_high)];
    let mut crosses = crosses.into_iter().filter(|cross| !matches!(cross.1, Half::Constant(0))).peekable();
    if crosses.peek().is_none() {
        rule!(cx, "wide.multiply_unsigned");
        I::multiply_wide(cx, false, d, a_low, b_low);
        return;
    }
    let mut high = cx.tmp(RegClass::Int);
    I::multiply_wide(cx, false, (d.0, high), a_low, b_low);
    while let Some((low, other)) = crosses.next() {
        let sum = if crosses.peek().is_some() { cx.tmp(RegClass::Int) } else { d.1 };
        I::add_product(cx, sum, high, low, other);
        high = sum;
    }
}

/// Lowers `umulhi` and `smulhi`, by four widening multiplications.
fn multiply_high<I: WideLowering>(cx: &mut Lower<'_, I>, d: Pair, data: &InstData) {
    let a = cx.put_pair(Value(data.a));
    let b = cx.put_pair(Value(data.b));
    let (low_low, low_high) = (product(cx, a.0, b.0), product(cx, a.0, b.1));
    let (high_low, high_high) = (product(cx, a.1, b.0), product(cx, a.1, b.1));
    // Both middle products are added to the upper half of the low product; only the carries matter.
    let (middle, upper_a) = add_carrying(cx, (low_low.1, low_high.1), low_high.0);
    let (_, upper_b) = add_carrying(cx, (middle, high_low.1), high_low.0);
    let sum = add_carrying(cx, high_high, upper_a);
    let zero_above = (Half::Register(upper_b), Half::Constant(0));
    if data.opcode == Opcode::Umulhi {
        I::add_or_subtract(cx, false, d, sum, zero_above);
        return;
    }
    // A negative factor was counted as 2^128 too much, so the other factor is subtracted from the high half.
    let sum = add_carrying(cx, sum, upper_b);
    let corrected = tmp_pair(cx);
    subtract_if_negative(cx, corrected, sum, a.1, b);
    subtract_if_negative(cx, d, corrected, b.1, a);
}

fn product<I: WideLowering>(cx: &mut Lower<'_, I>, a: VReg, b: VReg) -> Pair {
    let d = tmp_pair(cx);
    I::multiply_wide(cx, false, d, a, b);
    d
}

fn add_carrying<I: WideLowering>(cx: &mut Lower<'_, I>, a: Pair, b: VReg) -> Pair {
    let d = tmp_pair(cx);
    I::add_or_subtract(cx, false, d, a, (Half::Register(b), Half::Constant(0)));
    d
}

/// `d = a - (if sign is negative { b } else { 0 })`.
fn subtract_if_negative<I: WideLowering>(cx: &mut Lower<'_, I>, d: Pair, a: Pair, sign: VReg, b: Pair) {
    let mask = cx.tmp(RegClass::Int);
    let masked = tmp_pair(cx);
    I::shift(cx, 64, Opcode::Sshr, mask, sign, 63);
    I::bitwise_half(cx, Opcode::Band, masked.0, mask, Half::Register(b.0));
    I::bitwise_half(cx, Opcode::Band, masked.1, mask, Half::Register(b.1));
    I::add_or_subtract(cx, true, d, a, (Half::Register(masked.0), Half::Register(masked.1)));
}

/// Lowers `iabs`: complements both halves if the number is negative, and subtracts the sign.
fn absolute<I: WideLowering>(cx: &mut Lower<'_, I>, d: Pair, a: Pair) {
    let sign = cx.tmp(RegClass::Int);
    let flipped = tmp_pair(cx);
    I::shift(cx, 64, Opcode::Sshr, sign, a.1, 63);
    I::bitwise_half(cx, Opcode::Bxor, flipped.0, a.0, Half::Register(sign));
    I::bitwise_half(cx, Opcode::Bxor, flipped.1, a.1, Half::Register(sign));
    I::add_or_subtract(cx, true, d, flipped, (Half::Register(sign), Half::Register(sign)));
}

/// Returns two registers that are both zero exactly if two i128 are equal.
pub(crate) fn differences<I: WideLowering>(cx: &mut Lower<'_, I>, a: Value, b: Value) -> Pair {
    let a = halves(cx, a, false);
    let b = halves(cx, b, false);
    (difference(cx, a.0, b.0), difference(cx, a.1, b.1))
}

fn difference<I: WideLowering>(cx: &mut Lower<'_, I>, a: Half, b: Half) -> VReg {
    let (a, b) = if matches!(a, Half::Constant(_)) { (b, a) } else { (a, b) };
    let a = in_register(cx, a);
    if matches!(b, Half::Constant(0)) {
        return a;
    }
    let d = cx.tmp(RegClass::Int);
    I::bitwise_half(cx, Opcode::Bxor, d, a, b);
    d
}

/// Orders the operands of a comparison: a constant comes second.
pub(crate) fn constant_second<I: Lowering>(
    cx: &Lower<'_, I>,
    cc: IntCc,
    a: Value,
    b: Value,
) -> (IntCc, Value, Value) {
    match cx.wide_constant(a) {
        Some(_) => (cc.swap_args(), b, a),
        None => (cc, a, b),
    }
}

/// Rewrites a comparison as one for less than or its negation, which is all that a borrow can tell.
pub(crate) fn less_or_not(cc: IntCc, a: Value, b: Value) -> (IntCc, Value, Value) {
    use IntCc::*;
    match cc {
        SignedGreaterThan | SignedLessThanOrEqual | UnsignedGreaterThan | UnsignedLessThanOrEqual => {
            (cc.swap_args(), b, a)
        }
        _ => (cc, a, b),
    }
}
