//! i128: instructions on halves, and comparisons. What halves are made of is in [`crate::lower::wide`].

use super::super::Aarch64;
use super::super::operands::{Amode, Bitmask, Cond};
use super::super::regs::ZERO;
use super::super::rows;
use super::compare::int_cond;
use super::operands::*;
use crate::ir::*;
use crate::lower::context::{Lower, Unsupported};
use crate::lower::known_values::min_max_order;
use crate::lower::wide::{self, Half, WideLowering};
use crate::machine::reg::VReg;

use crate::lower::wide::{Pair, result};

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
            let d = result(cx, inst);
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

impl WideLowering for Aarch64 {
    const MEMORY_HALVES: bool = false;

    fn load_half(cx: &mut Lower<'_, Self>, d: VReg, from: Amode) {
        rows::ldr(cx, Q, d, from);
    }

    fn half_address(cx: &mut Lower<'_, Self>, d: VReg, of: Amode) {
        rows::address(cx, d, of);
    }

    fn bitwise_half(cx: &mut Lower<'_, Self>, opcode: Opcode, d: VReg, a: VReg, b: Half) {
        let b = source(cx, b);
        super::int::operation_of(opcode).to(cx, Q, d, a, b);
    }

    fn multiply_half(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, b: Half) {
        let b = register(cx, b);
        rows::mul_rr(cx, Q, d, a, b);
    }

    fn multiply_wide(cx: &mut Lower<'_, Self>, signed: bool, d: Pair, a: VReg, b: VReg) {
        rows::mul_rr(cx, Q, d.0, a, b);
        match signed {
            true => rows::smulh(cx, d.1, a, b),
            false => rows::umulh(cx, d.1, a, b),
        }
    }

    fn add_product(cx: &mut Lower<'_, Self>, d: VReg, sum: VReg, a: VReg, b: Half) {
        let b = register(cx, b);
        rows::madd(cx, Q, d, a, b, sum);
    }

    fn add_or_subtract(cx: &mut Lower<'_, Self>, subtract: bool, d: Pair, a: Pair, b: (Half, Half)) {
        let high = register(cx, b.1);
        let low = match b.0 {
            Half::Constant(imm @ 0..=0xFFF) if a.0 != ZERO => Source::from(imm as i32),
            low => Source::Reg(register(cx, low)),
        };
        let (first, second) = if subtract { (SUBS, SBCS) } else { (ADDS, ADCS) };
        first.to(cx, Q, d.0, a.0, low);
        second.to(cx, Q, d.1, a.1, high);
    }
}

/// A half in a register, which is that of zero if the half is.
pub fn register(cx: &mut Cx, half: Half) -> VReg {
    match half {
        Half::Constant(0) => ZERO,
        Half::Constant(bits) => cx.constant_register(bits as u64),
        half => wide::in_register(cx, half),
    }
}

/// A half as the last operand of a logical instruction.
fn source(cx: &mut Cx, half: Half) -> Source {
    if let Half::Constant(bits) = half
        && let Some(mask) = Bitmask::new(bits as u64, Q)
    {
        return Source::Mask(mask);
    }
    Source::Reg(register(cx, half))
}

/// The registers of an operand, which is only read.
pub fn registers(cx: &mut Cx, value: Value) -> Pair {
    let (low, high) = wide::halves(cx, value, false);
    (register(cx, low), register(cx, high))
}

/// iconcat to 64 bits and less: the high half is inserted above the low one.
fn concat_narrow(cx: &mut Cx, inst: Inst, data: &InstData) {
    let d = cx.def(inst);
    let half = data.ty.bits() as i32;
    let size = if half == 32 { Q } else { L };
    let (low, high) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    rows::bfm(cx, size, d, low, high, size.bits() as i32 - half, half - 1);
}

fn unary(cx: &mut Cx, d: Pair, data: &InstData) {
    let a = cx.put_pair(Value(data.a));
    match data.opcode {
        Opcode::Bnot => {
            MVN.unary(cx, Q, d.0, a.0);
            MVN.unary(cx, Q, d.1, a.1);
        }
        Opcode::Ineg => {
            let a = (Half::Register(a.0), Half::Register(a.1));
            Aarch64::add_or_subtract(cx, true, d, (ZERO, ZERO), a);
        }
        _ => wide::absolute(cx, d, a),
    }
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
    // The flags tell less from not less; the zero flag is that of the high half only.
    let (cc, a, b) = wide::less_or_not(cc, a, b);
    let (a, b) = (registers(cx, a), registers(cx, b));
    CMP.flags(cx, Q, a.0, b.0);
    match cc {
        IntCc::Equal | IntCc::NotEqual => rows::ccmp_rr(cx, Q, a.1, b.1, 0, Cond::Eq),
        _ => rows::sbcs_z(cx, Q, a.1, b.1),
    }
    int_cond(cc)
}
