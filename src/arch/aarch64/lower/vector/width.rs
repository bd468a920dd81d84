//! Integer lanes of half or twice the width.

use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;

/// Lowers snarrow, unarrow and uunarrow.
pub fn narrow(cx: &mut Cx, opcode: Opcode, wide: OperandSize, d: VReg, [a, b]: [VReg; 2]) {
    let size = OperandSize::from_bits(wide.bits() / 2);
    let low = cx.tmp(RegClass::Float);
    match opcode {
        Opcode::Snarrow => {
            rows::vsqxtn(cx, size, low, a);
            rows::vsqxtn_high(cx, size, d, low, b);
        }
        Opcode::Unarrow => {
            rows::vsqxtun(cx, size, low, a);
            rows::vsqxtun_high(cx, size, d, low, b);
        }
        Opcode::Uunarrow => {
            rows::vuqxtn(cx, size, low, a);
            rows::vuqxtn_high(cx, size, d, low, b);
        }
        other => unexpected(other),
    }
}

/// Widens the first lanes.
pub fn widen_first(cx: &mut Cx, size: OperandSize, signed: bool, d: VReg, a: VReg) {
    match signed {
        true => rows::vsxtl(cx, size, d, a),
        false => rows::vuxtl(cx, size, d, a),
    }
}

/// Lowers swiden_low, swiden_high, uwiden_low and uwiden_high.
pub fn widen(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    let size = OperandSize::from_bits(cx.ty(Value(data.a)).lane_bits());
    match data.opcode {
        Opcode::SwidenLow => rows::vsxtl(cx, size, d, a),
        Opcode::SwidenHigh => rows::vsxtl_high(cx, size, d, a),
        Opcode::UwidenLow => rows::vuxtl(cx, size, d, a),
        Opcode::UwidenHigh => rows::vuxtl_high(cx, size, d, a),
        other => unexpected(other),
    }
    Ok(())
}
