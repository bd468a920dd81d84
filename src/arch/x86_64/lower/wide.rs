//! i128 on x86_64; [`crate::lower::wide`] says how halves are found and what is made of them.

use super::super::X86_64;
use super::super::amode::{Amode, Cond, OperandSize, Rm};
use super::super::rows;
use super::compare::{Test, int_cond};
use super::operands::*;
use super::{int, wide_shift};
use crate::ir::*;
use crate::lower::context::Unsupported;
use crate::lower::known_values::min_max_order;
use crate::lower::wide::{self, Half, Pair, WideLowering, halves, in_register};
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

const Q: OperandSize = OperandSize::Q64;

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

/// A half as instructions take it.
pub fn operand(cx: &mut Cx, half: Half) -> Operand {
    match half {
        Half::Register(reg) => Operand::Rm(Rm::Reg(reg)),
        Half::Memory(amode) => Operand::Rm(Rm::Mem(amode)),
        Half::Constant(bits) => match i32::try_from(bits) {
            Ok(imm) => Operand::Imm(imm),
            Err(_) => Operand::Rm(Rm::Reg(cx.constant_register(bits as u64))),
        },
    }
}

impl WideLowering for X86_64 {
    fn load_half(cx: &mut Cx, d: VReg, from: Amode) {
        rows::mov_rm(cx, Q, d, from);
    }

    fn half_address(cx: &mut Cx, d: VReg, of: Amode) {
        rows::lea_rm(cx, Q, d, of);
    }

    fn bitwise_half(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: Half) {
        let b = operand(cx, b);
        int::alu(opcode).expect("dispatched by opcode").push(cx, Q, d, a, b);
    }

    fn multiply_half(cx: &mut Cx, d: VReg, a: VReg, b: Half) {
        match operand(cx, b) {
            Operand::Imm(imm) => rows::imul_rmi(cx, Q, d, a, imm),
            Operand::Rm(b) => rows::imul_rm(cx, Q, d, a, b),
        }
    }

    fn multiply_wide(cx: &mut Cx, signed: bool, d: Pair, a: VReg, b: VReg) {
        match signed {
            true => rows::imul_wide(cx, Q, d.0, d.1, a, b),
            false => rows::mul_wide(cx, Q, d.0, d.1, a, b),
        }
    }

    fn add_or_subtract(cx: &mut Cx, subtract: bool, d: Pair, a: Pair, b: (Half, Half)) {
        let (low, high) = if subtract { (&int::SUB, &int::SBB) } else { (&int::ADD, &int::ADC) };
        // Making constants changes the flags.
        let (b_low, b_high) = (operand(cx, b.0), operand(cx, b.1));
        low.push(cx, Q, d.0, a.0, b_low);
        high.push(cx, Q, d.1, a.1, b_high);
    }
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

/// Extends an integer of up to 64 bits to 64.
pub fn extend_into(cx: &mut Cx, d: VReg, source: Value, signed: bool) {
    let from = cx.ty(source);
    let source = match sink_load(cx, source, from) {
        Some(amode) => Rm::Mem(amode),
        None => Rm::Reg(cx.put(source)),
    };
    extend_operand(cx, d, source, from, signed);
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
        _ => wide::absolute(cx, (low, high), (a_low, a_high)),
    }
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
    let (cc, a, b) = wide::constant_second(cx, cc, a, b);
    Test::One(match cc {
        IntCc::Equal | IntCc::NotEqual => {
            let (low, high) = wide::differences(cx, a, b);
            let either = cx.tmp(RegClass::Int);
            rows::or_rm(cx, Q, either, low, high);
            int_cond(cc)
        }
        _ => compare_order(cx, cc, a, b),
    })
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
    // The zero flag is that of the high half only.
    let (cc, a, b) = wide::less_or_not(cc, a, b);
    let a = halves(cx, a, false);
    let b = halves(cx, b, false);
    let (b_low, b_high) = (operand(cx, b.0), operand(cx, b.1));
    let (a_low, a_high) = (in_register(cx, a.0), in_register(cx, a.1));
    let high = cx.tmp(RegClass::Int);
    match b_low {
        Operand::Imm(imm) => rows::cmp_mi(cx, Q, a_low, imm),
        Operand::Rm(b) => rows::cmp_rm(cx, Q, a_low, b),
    }
    int::SBB.push(cx, Q, high, a_high, b_high);
    int_cond(cc)
}
