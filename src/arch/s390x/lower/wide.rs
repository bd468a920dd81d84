//! i128 on s390x; [`crate::lower::wide`] says how halves are found and what is made of them.
//!
//! The halves of an addition or subtraction are joined by the carry or borrow in the condition code: 2 or 3 after a logical
//! operation that carries, or does not borrow.

use super::super::cond::Cond;
use super::super::{S390x, rows};
use super::compare::{self, Test, int_cond};
use super::int::{self, Operand};
use super::operands::*;
use super::{logic, wide_shift};
use crate::ir::*;
use crate::lower::condition::ConditionCode;
use crate::lower::context::Unsupported;
use crate::lower::known_values::min_max_order;
use crate::lower::wide::{self, Half, Pair, WideLowering, halves, in_register, tmp_pair};
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// The condition after a logical addition that it carried.
pub const CARRY: Cond = Cond::Ho;
/// The condition after a logical subtraction that it borrowed.
pub const BORROW: Cond = Cond::El;

/// Lowers an instruction on i128, and isplit and iconcat of any type.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    use Opcode::*;
    let data = cx.f.insts[inst];
    match data.opcode {
        Isplit => wide::split(cx, inst, &data),
        Iconcat if data.ty != types::I64 => concat_narrow(cx, inst, &data),
        Ishl | Ushr | Sshr | Rotl | Rotr => wide_shift::lower(cx, inst, &data),
        _ => {
            let d = wide::result(cx, inst);
            match data.opcode {
                Iconcat => wide::concat(cx, d, &data),
                Iadd | Isub => {
                    let operands = (Value(data.a), Value(data.b));
                    wide::add_or_subtract(cx, data.opcode == Isub, d, operands);
                }
                Band | Bor | Bxor => wide::bitwise(cx, d, &data),
                Bnot | Ineg | Iabs => unary(cx, d, &data),
                Imul => wide::multiply(cx, d, &data),
                Umulhi | Smulhi => wide::multiply_high(cx, d, &data),
                Uextend | Sextend => wide::extend(cx, d, &data),
                _ => min_max(cx, d, &data),
            }
        }
    }
    Ok(())
}

/// A half as an operand of arithmetic.
fn operand(cx: &mut Cx, half: Half) -> Operand {
    match half {
        Half::Memory(amode) => Operand::Memory(amode),
        half => Operand::Register(in_register(cx, half)),
    }
}

impl WideLowering for S390x {
    fn load_half(cx: &mut Cx, d: VReg, from: Amode) {
        rows::l_rm(cx, G, d, from);
    }

    fn half_address(cx: &mut Cx, d: VReg, of: Amode) {
        rows::la(cx, d, of);
    }

    fn bitwise_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: Half) {
        let b = operand(cx, b);
        logic::alu(opcode).expect("dispatched by opcode").push(cx, G, d, a, b, false);
    }

    fn multiply_half(cx: &mut Cx, d: VReg, a: VReg, b: Half) {
        match b {
            Half::Constant(factor) => int::multiply_by(cx, G, d, a, factor),
            Half::Memory(m) => rows::ms_rm(cx, G, d, a, m),
            Half::Register(b) => rows::ms_rrr(cx, G, d, a, b),
        }
    }

    fn multiply_wide(cx: &mut Cx, signed: bool, d: Pair, a: VReg, b: VReg) {
        match signed {
            true => rows::mg_rrr(cx, d.1, d.0, a, b),
            false => rows::mlg_rr(cx, d.1, d.0, a, b),
        }
    }

    fn add_or_subtract(cx: &mut Cx, subtract: bool, d: Pair, a: Pair, b: (Half, Half)) {
        let high = operand(cx, b.1);
        push_low(cx, subtract, d.0, a.0, b.0);
        with_carry(cx, subtract, d.1, a.1, high);
    }
}

/// iconcat to 64 bits and less: the upper half is put above the lower one.
fn concat_narrow(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = cx.def(inst);
    let bits = data.ty.bits() as i32;
    let (low, high) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    rows::risbg_rr(cx, d, low, high, 64 - 2 * bits, 63 - bits, bits);
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

fn unary(cx: &mut Cx, (low, high): Pair, data: &InstData) {
    let (a_low, a_high) = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Bnot => {
            logic::push_complement(cx, G, low, a_low, false);
            logic::push_complement(cx, G, high, a_high, false);
        }
        Opcode::Ineg => {
            let (zero, from) = (cx.constant_register(0), cx.constant_register(0));
            rows::sl_rrr(cx, G, low, zero, a_low);
            rows::slb_rr(cx, G, high, from, a_high);
        }
        _ => wide::absolute(cx, (low, high), (a_low, a_high)),
    }
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
    let (cc, a, b) = wide::constant_second(cx, cc, a, b);
    if !matches!(cc, IntCc::Equal | IntCc::NotEqual) {
        return compare_order(cx, cc, a, b);
    }
    let (low, high) = wide::differences(cx, a, b);
    let either = cx.tmp(RegClass::Int);
    rows::o_rrr(cx, G, either, low, high);
    Test::Code(if cc == IntCc::Equal { Cond::E } else { Cond::Lho })
}

/// A comparison by subtracting, for an ordering.
fn compare_order(cx: &mut Cx, cc: IntCc, a: Value, b: Value) -> Test {
    use IntCc::*;
    if cx.wide_constant(b) == Some(0) && matches!(cc, SignedLessThan | SignedGreaterThanOrEqual) {
        rule!(cx, "wide.compare_sign");
        let (_, high) = cx.put_pair(a);
        return Test::Immediate { size: G, signed: true, a: high, imm: 0, cond: int_cond(cc) };
    }
    let (cc, a, b) = wide::less_or_not(cc, a, b);
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
