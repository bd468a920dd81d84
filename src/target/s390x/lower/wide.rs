//! i128: a pair of registers, low half first.
//!
//! Halves are joined and split without instructions: a result's register is another name for its operand's.
//! So an operand is looked at half by half ([`halves`]): one of an extension is zero, one of a
//! constant an immediate, and one of a load memory. The halves of an addition or subtraction are joined by the carry or
//! borrow in the condition code: 2 or 3 after a logical operation that carries, or does not borrow.

use super::super::cond::Cond;
use super::super::rows;
use super::compare::{self, Test, int_cond};
use super::constant::{constant, constant_register};
use super::int::{self, Operand};
use super::operands::*;
use super::{logic, wide_shift};
use crate::ir::*;
use crate::mach::address::sink_load;
use crate::mach::amode::Amode;
use crate::mach::condition::ConditionCode;
use crate::mach::facts::min_max_order;
use crate::mach::lower::Unsupported;
use crate::rule;
use regalloc2::{RegClass, VReg};

type Result = std::result::Result<(), Unsupported>;

/// The registers of an i128: low half, high half.
pub type Pair = (VReg, VReg);

/// Half of an operand.
pub enum Half {
    /// A constant.
    Constant(i64),
    /// A register.
    Register(VReg),
    /// Memory.
    Memory(Amode),
}

/// The condition after a logical addition that it carried.
pub const CARRY: Cond = Cond::Ho;
/// The condition after a logical subtraction that it borrowed.
pub const BORROW: Cond = Cond::El;

/// Lowers an instruction on i128, and isplit and iconcat of any type.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    use Opcode::*;
    let data = cx.f.insts[inst];
    match data.opcode {
        Isplit => split(cx, inst, &data),
        Iconcat if data.ty != types::I64 => concat_narrow(cx, inst, &data),
        Ishl | Ushr | Sshr | Rotl | Rotr => wide_shift::lower(cx, inst, &data),
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
pub fn halves(cx: &mut Cx, value: Value, fold: bool) -> (Half, Half) {
    if let Some(bits) = cx.wide_constant(value) {
        return (Half::Constant(bits as i64), Half::Constant((bits >> 64) as i64));
    }
    let fold = fold && cx.unique(value).is_some();
    if let Some(inst) = cx.def_inst(value) {
        let data = cx.f.insts[inst];
        let source = Value(data.a);
        match data.opcode {
            Opcode::Iconcat => return (half(cx, source, fold), half(cx, Value(data.b), fold)),
            Opcode::Uextend => {
                rule!(cx, "wide.zero_high");
                return (extended_half(cx, value, source, fold), Half::Constant(0));
            }
            Opcode::Ishl if cx.constant_amount(Value(data.b)) == Some(64) => {
                rule!(cx, "wide.zero_low");
                return (Half::Constant(0), Half::Register(cx.low_half(source)));
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
    (Half::Register(low), Half::Register(high))
}

/// An operand of iconcat.
fn half(cx: &mut Cx, value: Value, fold: bool) -> Half {
    if let Some(constant) = cx.signed_constant(value) {
        return Half::Constant(constant);
    }
    match if fold { sink_load(cx, value, types::I64) } else { None } {
        Some(amode) => Half::Memory(amode),
        None => Half::Register(cx.put(value)),
    }
}

/// The low half of `value`, which is the zero extension of `source`; `here` says that it may be extended here.
fn extended_half(cx: &mut Cx, value: Value, source: Value, here: bool) -> Half {
    Half::Register(match here || cx.ty(source) == types::I64 || cx.zero_extends(source) {
        true => put_extended_wide(cx, source, false),
        false => cx.put_pair(value).0,
    })
}

/// Both halves of a load that the instruction being lowered does itself.
fn memory_halves(cx: &mut Cx, value: Value) -> Option<(Half, Half)> {
    let load = cx.sinkable_load(value)?;
    let data = &cx.f.insts[load];
    let flags = cx.mem_flags(data);
    if data.opcode != Opcode::Load || cx.swaps(&flags) {
        return None;
    }
    rule!(cx, "wide.load");
    cx.sink(load);
    let high = wide_access(cx, data);
    Some((Half::Memory(high.upper()), Half::Memory(high)))
}

/// A half in a register.
pub fn in_register(cx: &mut Cx, half: Half) -> VReg {
    match half {
        Half::Register(reg) => reg,
        Half::Constant(bits) => constant_register(cx, bits as u64),
        Half::Memory(amode) => {
            let reg = cx.tmp(RegClass::Int);
            rows::l_rm(cx, G, reg, amode);
            reg
        }
    }
}

/// A half as an operand of arithmetic.
fn operand(cx: &mut Cx, half: Half) -> Operand {
    match half {
        Half::Memory(amode) => Operand::Memory(amode),
        half => Operand::Register(in_register(cx, half)),
    }
}

fn extend(cx: &mut Cx, (low, high): Pair, data: &InstData) {
    let source = Value(data.a);
    let signed = data.opcode == Opcode::Sextend;
    let extended = put_extended_wide(cx, source, signed);
    cx.alias(low, extended);
    match signed {
        true => rows::sra_rri(cx, G, high, extended, 63),
        false => constant(cx, high, 0),
    }
}

fn concat(cx: &mut Cx, (low, high): Pair, data: &InstData) {
    rule!(cx, "iconcat.free");
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    cx.alias(low, a);
    cx.alias(high, b);
}

/// iconcat to 64 bits and less: the upper half is put above the lower one.
fn concat_narrow(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = cx.def(inst);
    let bits = data.ty.bits() as i32;
    let (low, high) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    rows::risbg_rr(cx, d, low, high, 64 - 2 * bits, 63 - bits, bits);
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
        rows::srl_rri(cx, alu_size(data.ty), d, reg, data.ty.bits() as i32 / 2);
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

/// `d = a ± b`; the condition code is that of the high half.
pub fn push_add_or_subtract(cx: &mut Cx, subtract: bool, d: Pair, a: Value, b: Value) {
    let (b_low, b_high) = halves(cx, b, true);
    let (a_low, a_high) = cx.put_pair(a);
    let b_high = operand(cx, b_high);
    push_low(cx, subtract, d.0, a_low, b_low);
    with_carry(cx, subtract, d.1, a_high, b_high);
}

/// `d = a ± b` of low halves, whose carry or borrow is then in the condition code.
fn push_low(cx: &mut Cx, subtract: bool, d: VReg, a: VReg, b: Half) {
    if let Half::Constant(imm) = b {
        match (i16::try_from(imm), u32::try_from(imm)) {
            (Ok(_), _) if !subtract => return rows::alhsi_rri(cx, G, d, a, imm as i32),
            (_, Ok(_)) if subtract => return rows::slfi_ri(cx, G, d, a, imm as i32),
            (_, Ok(_)) => return rows::alfi_ri(cx, G, d, a, imm as i32),
            _ => {}
        }
    }
    let b = operand(cx, b);
    let alu = if subtract { &int::SUB_LOGICAL } else { &int::ADD_LOGICAL };
    alu.push(cx, G, d, a, b, false);
}

/// `d = a ± b ± carry`, which sets the condition code likewise.
pub fn with_carry(cx: &mut Cx, subtract: bool, d: VReg, a: VReg, b: Operand) {
    match (subtract, b) {
        (false, Operand::Memory(m)) => rows::alc_rm(cx, G, d, a, m),
        (true, Operand::Memory(m)) => rows::slb_rm(cx, G, d, a, m),
        (false, Operand::Register(b)) => rows::alc_rr(cx, G, d, a, b),
        (true, Operand::Register(b)) => rows::slb_rr(cx, G, d, a, b),
        _ => unreachable!("halves are whole registers or memory"),
    }
}

fn bitwise(cx: &mut Cx, d: Pair, data: &InstData) {
    let (a, b) = order(cx, Value(data.a), Value(data.b));
    let b = halves(cx, b, true);
    let a = halves(cx, a, false);
    bitwise_half(cx, data.opcode, d.0, a.0, b.0);
    bitwise_half(cx, data.opcode, d.1, a.1, b.1);
}

fn bitwise_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: Half, b: Half) {
    let (a, b) = if matches!(a, Half::Constant(_)) { (b, a) } else { (a, b) };
    match (opcode, &b) {
        (Opcode::Band, Half::Constant(0)) => constant(cx, d, 0),
        (Opcode::Band, Half::Constant(-1)) | (Opcode::Bor | Opcode::Bxor, Half::Constant(0)) => {
            rule!(cx, "wide.bitwise_free");
            let a = in_register(cx, a);
            cx.alias(d, a);
        }
        _ => {
            let a = in_register(cx, a);
            let b = operand(cx, b);
            logic::alu(opcode).expect("dispatched by opcode").push(cx, G, d, a, b, false);
        }
    }
}

fn unary(cx: &mut Cx, (low, high): Pair, data: &InstData) {
    let (a_low, a_high) = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Bnot => {
            logic::push_complement(cx, G, low, a_low, false);
            logic::push_complement(cx, G, high, a_high, false);
        }
        Opcode::Ineg => {
            let (zero, from) = (constant_register(cx, 0), constant_register(cx, 0));
            rows::sl_rrr(cx, G, low, zero, a_low);
            rows::slb_rr(cx, G, high, from, a_high);
        }
        _ => {
            let sign = cx.tmp(RegClass::Int);
            let flipped = tmp_pair(cx);
            rows::sra_rri(cx, G, sign, a_high, 63);
            rows::x_rrr(cx, G, flipped.0, a_low, sign);
            rows::x_rrr(cx, G, flipped.1, a_high, sign);
            rows::sl_rrr(cx, G, low, flipped.0, sign);
            rows::slb_rr(cx, G, high, flipped.1, sign);
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
        rows::mg_rrr(cx, d.1, d.0, a, b);
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
        rows::mlg_rr(cx, d.1, d.0, a_low, b_low);
        return;
    };
    let high = cx.tmp(RegClass::Int);
    rows::mlg_rr(cx, high, d.0, a_low, b_low);
    match second {
        None => rows::a_rrr(cx, G, d.1, high, first),
        Some(second) => {
            let sum = cx.tmp(RegClass::Int);
            rows::a_rrr(cx, G, sum, high, first);
            rows::a_rrr(cx, G, d.1, sum, second);
        }
    }
}

/// The product of a low half and a high half; `None` if it is zero.
fn cross(cx: &mut Cx, low: VReg, high: Half) -> Option<VReg> {
    let product = cx.tmp(RegClass::Int);
    match high {
        Half::Constant(0) => return None,
        Half::Constant(factor) => int::multiply_by(cx, G, product, low, factor),
        half => {
            let high = in_register(cx, half);
            rows::ms_rrr(cx, G, product, low, high);
        }
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
    let sum = add_carrying(cx, sum, upper_b);
    if data.opcode == Opcode::Umulhi {
        cx.alias(d.0, sum.0);
        cx.alias(d.1, sum.1);
        return;
    }
    // A negative factor counts as 2^128 too much: the other factor is subtracted from the high half.
    let corrected = tmp_pair(cx);
    subtract_if_negative(cx, corrected, sum, a.1, b);
    subtract_if_negative(cx, d, corrected, b.1, a);
}

fn product(cx: &mut Cx, a: VReg, b: VReg) -> Pair {
    let d = tmp_pair(cx);
    rows::mlg_rr(cx, d.1, d.0, a, b);
    d
}

fn add_carrying(cx: &mut Cx, a: Pair, b: VReg) -> Pair {
    let d = tmp_pair(cx);
    let zero = constant_register(cx, 0);
    rows::al_rrr(cx, G, d.0, a.0, b);
    rows::alc_rr(cx, G, d.1, a.1, zero);
    d
}

/// `d = a - (if sign is negative { b } else { 0 })`.
fn subtract_if_negative(cx: &mut Cx, d: Pair, a: Pair, sign: VReg, b: Pair) {
    let mask = cx.tmp(RegClass::Int);
    let masked = tmp_pair(cx);
    rows::sra_rri(cx, G, mask, sign, 63);
    rows::n_rrr(cx, G, masked.0, mask, b.0);
    rows::n_rrr(cx, G, masked.1, mask, b.1);
    rows::sl_rrr(cx, G, d.0, a.0, masked.0);
    rows::slb_rr(cx, G, d.1, a.1, masked.1);
}

fn min_max(cx: &mut Cx, d: Pair, data: &InstData) {
    let (a, b) = (Value(data.a), Value(data.b));
    let (a_regs, b_regs) = (cx.put_pair(a), cx.put_pair(b));
    let cond = compare(cx, min_max_order(data.opcode), a, b).code(cx);
    compare::move_if(cx, G, d.0, cond, a_regs.0, b_regs.0);
    compare::move_if(cx, G, d.1, cond, a_regs.1, b_regs.1);
}

/// Compares two i128.
pub fn compare(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
    let (mut cc, mut a, mut b) = (cc, a, b);
    if cx.wide_constant(a).is_some() {
        (cc, a, b) = (cc.swap_args(), b, a);
    }
    match cc {
        IntCc::Equal => compare_equal(cx, a, b).complement(),
        IntCc::NotEqual => compare_equal(cx, a, b),
        _ => compare_order(cx, cc, a, b),
    }
}

/// A test whether two i128 differ.
fn compare_equal(cx: &mut Cx, a: Value, b: Value) -> Test {
    let a = halves(cx, a, false);
    let b = halves(cx, b, false);
    let low = difference(cx, a.0, b.0);
    let high = difference(cx, a.1, b.1);
    let either = cx.tmp(RegClass::Int);
    rows::o_rrr(cx, G, either, low, high);
    Test::Code(Cond::Lho)
}

/// A register that is zero if both halves are equal.
fn difference(cx: &mut Cx, a: Half, b: Half) -> VReg {
    let (a, b) = if matches!(a, Half::Constant(_)) { (b, a) } else { (a, b) };
    let a = in_register(cx, a);
    if matches!(b, Half::Constant(0)) {
        return a;
    }
    let d = cx.tmp(RegClass::Int);
    let b = operand(cx, b);
    int::XOR.push(cx, G, d, a, b, false);
    d
}

/// A comparison by subtracting, for an ordering.
fn compare_order(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
    use IntCc::*;
    if cx.wide_constant(b) == Some(0) && matches!(cc, SignedLessThan | SignedGreaterThanOrEqual) {
        rule!(cx, "wide.compare_sign");
        let (_, high) = cx.put_pair(a);
        return Test::Immediate { size: G, signed: true, a: high, imm: 0, cond: int_cond(cc) };
    }
    // The borrow tells less from not less.
    let (cc, a, b) = match cc {
        SignedGreaterThan | SignedLessThanOrEqual | UnsignedGreaterThan | UnsignedLessThanOrEqual => {
            (cc.swap_args(), b, a)
        }
        _ => (cc, a, b),
    };
    let a = halves(cx, a, false);
    let b = halves(cx, b, false);
    let (mut a_high, mut b_high) = (a.1, b.1);
    if cc.is_signed() {
        (a_high, b_high) = (without_sign(cx, a_high), without_sign(cx, b_high));
    }
    let a_high = in_register(cx, a_high);
    let b_high = operand(cx, b_high);
    let a_low = in_register(cx, a.0);
    let (low, high) = tmp_pair(cx);
    push_low(cx, true, low, a_low, b.0);
    with_carry(cx, true, high, a_high, b_high);
    let less = matches!(cc, SignedLessThan | UnsignedLessThan);
    Test::Code(if less { BORROW } else { BORROW.complement() })
}

/// A half with its sign bit the other way round: unsigned, such halves are in the order of the signed ones.
fn without_sign(cx: &mut Cx, half: Half) -> Half {
    match half {
        Half::Constant(bits) => Half::Constant(bits ^ i64::MIN),
        half => {
            let (a, d) = (in_register(cx, half), cx.tmp(RegClass::Int));
            rows::xihf(cx, d, a, i32::MIN);
            Half::Register(d)
        }
    }
}
