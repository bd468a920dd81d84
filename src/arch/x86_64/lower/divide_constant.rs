//! Division by constants: what the shared algorithm asks for.

use super::super::X86_64;
use super::super::amode::{Cond, OperandSize};
use super::super::rows;
use super::compare::{Test, trap_on};
use super::divide::put_extended_wide;
use super::operands::*;
use crate::ir::*;
use crate::lower::divide_constant::DivisionLowering;
use crate::machine::reg::{RegClass, VReg};

const Q: OperandSize = OperandSize::Q64;

fn size(bits: u32) -> OperandSize {
    OperandSize::from_bits(bits)
}

impl DivisionLowering for X86_64 {
    fn put_extended(cx: &mut Cx, value: Value, signed: bool, bits: u32) -> VReg {
        match bits {
            64 => put_extended_wide(cx, value, signed),
            _ => put_extended(cx, value, signed),
        }
    }

    fn copy(cx: &mut Cx, bits: u32, d: VReg, a: VReg) {
        rows::mov_rm(cx, size(bits), d, a);
    }

    fn add(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        rows::add_rm(cx, size(bits), d, a, b);
    }

    fn subtract(cx: &mut Cx, bits: u32, d: VReg, a: VReg, b: VReg) {
        rows::sub_rm(cx, size(bits), d, a, b);
    }

    fn negate(cx: &mut Cx, bits: u32, d: VReg, a: VReg) {
        rows::neg_r(cx, size(bits), d, a);
    }

    fn negate_or_trap(cx: &mut Cx, ty: Type, d: VReg, a: VReg) {
        rows::neg_r(cx, exact_size(ty), d, a);
        trap_on(cx, Test::One(Cond::O), TrapCode::INTEGER_OVERFLOW);
    }

    fn mask(cx: &mut Cx, bits: u32, d: VReg, a: VReg, mask: i64) {
        match i32::try_from(mask) {
            Ok(mask) => rows::and_ri(cx, size(bits), d, a, mask),
            Err(_) => {
                let mask = cx.constant_register(mask as u64);
                rows::and_rm(cx, size(bits), d, a, mask);
            }
        }
    }

    fn shift(cx: &mut Cx, bits: u32, opcode: Opcode, d: VReg, a: VReg, amount: u32) {
        match opcode {
            Opcode::Ishl => rows::shl_ri(cx, size(bits), d, a, amount as i32),
            Opcode::Ushr => rows::shr_ri(cx, size(bits), d, a, amount as i32),
            _ => rows::sar_ri(cx, size(bits), d, a, amount as i32),
        }
    }

    fn multiply(cx: &mut Cx, bits: u32, d: VReg, a: VReg, factor: i64) {
        match i32::try_from(factor) {
            Ok(imm) => rows::imul_rmi(cx, size(bits), d, a, imm),
            Err(_) => {
                let factor = cx.constant_register(factor as u64);
                rows::imul_rm(cx, size(bits), d, a, factor);
            }
        }
    }

    fn multiply_high(cx: &mut Cx, signed: bool, d: VReg, a: VReg, factor: u64) {
        let factor = cx.constant_register(factor);
        let low = cx.tmp(RegClass::Int);
        match signed {
            true => rows::imul_wide(cx, Q, low, d, factor, a),
            false => rows::mul_wide(cx, Q, low, d, factor, a),
        }
    }

    fn at_least(cx: &mut Cx, d: VReg, a: VReg, limit: u64) {
        let (limit, zero) = (cx.constant_register(limit), cx.tmp(RegClass::Int));
        rows::zero_r(cx, zero);
        rows::cmp_rm(cx, Q, a, limit);
        rows::set_rz(cx, d, zero, Cond::Ae);
    }
}
