//! Bitwise operations, and selections by a scalar or by bits.

use super::int::lane_size;
use crate::arch::aarch64::lower::compare::{set_by_flags, test_in_flags};
use crate::arch::aarch64::lower::inputs::*;
use crate::arch::aarch64::operands::Cond;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::compare::{Complement, FlagTest};
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::Q64;

/// Lowers band, bor and bxor.
pub fn logic(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    match data.opcode {
        Opcode::Band => rows::and_16b(cx, d, a, b),
        Opcode::Bor => rows::orr_16b(cx, d, a, b),
        Opcode::Bxor => rows::eor_16b(cx, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers bnot.
pub fn complement(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    rows::not_16b(cx, d, a);
    Ok(())
}

/// Lowers bitselect.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    rows::bsl_16b(cx, d, control, ones, zeros);
    Ok(())
}

/// Lowers blendv: the top bit of each lane of the first operand selects.
pub fn lane_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    let mask = cx.tmp(RegClass::Float);
    rows::vcmlt_zero(cx, lane_size(data.ty), mask, control);
    rows::bsl_16b(cx, d, mask, ones, zeros);
    Ok(())
}

/// Lowers select and select_spectre_guard: the condition becomes a mask of all bits.
pub fn select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let (chosen, other) = (cx.put(Value(data.b)), cx.put(Value(data.c)));
    let test = test_in_flags(cx, Value(data.a));
    move_if(cx, d, test, chosen, other);
    if data.opcode == Opcode::SelectSpectreGuard {
        rows::csdb(cx);
    }
    Ok(())
}

/// `d = chosen` if a test of the flags holds, else `other`.
pub fn move_if(cx: &mut Cx, d: VReg, test: FlagTest<Cond>, chosen: VReg, other: VReg) {
    let bits = cx.tmp(RegClass::Int);
    match test {
        FlagTest::One(cond) => rows::csinv_z(cx, Q64, bits, cond.complement()),
        test @ (FlagTest::Either(..) | FlagTest::Both(..)) => {
            let bit = cx.tmp(RegClass::Int);
            set_by_flags(cx, bit, test);
            NEG.unary(cx, Q64, bits, bit);
        }
    }
    let mask = cx.tmp(RegClass::Float);
    rows::vdup(cx, Q64, mask, bits);
    rows::bsl_16b(cx, d, mask, chosen, other);
}
