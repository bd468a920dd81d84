//! Integer lanes of half or twice the width. The low lanes, which come first, are in the left half.

use super::int::tmps;
use super::memory::make_constant;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::VReg;
use crate::machine::size::OperandSize;

/// Lowers snarrow, unarrow and uunarrow.
pub fn narrow(cx: &mut Cx, opcode: Opcode, wide: OperandSize, d: VReg, [a, b]: [VReg; 2]) {
    let size = OperandSize::from_bits(wide.bits() / 2);
    match opcode {
        Opcode::Snarrow => rows::vpks(cx, size, d, a, b),
        Opcode::Uunarrow => rows::vpkls(cx, size, d, a, b),
        Opcode::Unarrow => {
            // What is negative becomes zero first.
            let [zero, first, second] = tmps(cx);
            make_constant(cx, zero, [0; 16]);
            rows::vmx(cx, wide, first, a, zero);
            rows::vmx(cx, wide, second, b, zero);
            rows::vpkls(cx, size, d, first, second);
        }
        other => unexpected(other),
    }
}

/// Widens the first lanes.
pub fn widen_first(cx: &mut Cx, size: OperandSize, signed: bool, d: VReg, a: VReg) {
    match signed {
        true => rows::vuph(cx, size, d, a),
        false => rows::vuplh(cx, size, d, a),
    }
}

/// Lowers swiden_low, swiden_high, uwiden_low and uwiden_high.
pub fn widen(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    let size = OperandSize::from_bits(cx.ty(Value(data.a)).lane_bits());
    match data.opcode {
        Opcode::SwidenLow => rows::vuph(cx, size, d, a),
        Opcode::SwidenHigh => rows::vupl(cx, size, d, a),
        Opcode::UwidenLow => rows::vuplh(cx, size, d, a),
        Opcode::UwidenHigh => rows::vupll(cx, size, d, a),
        other => unexpected(other),
    }
    Ok(())
}
