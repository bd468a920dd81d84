//! Splats, and setting and reading single lanes.

use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::context::Lowered;
use crate::lower::vector::Lanes;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;
use crate::rule;

/// Lowers splat, scalar_to_vector, insertlane and extractlane.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let operand = Value(data.a);
    if data.opcode == Opcode::Extractlane {
        extract(cx, inst, &data);
        return Ok(());
    }
    let d = cx.def(inst);
    let lanes = Lanes::of(data.ty);
    if data.opcode == Opcode::Splat {
        let scalar = cx.ty(operand);
        if let Some(memory) = sink_load(cx, operand, scalar) {
            rule!(cx, "splat.load");
            rows::vlrep(cx, OperandSize::from_bits(lanes.bits()), d, memory);
            return Ok(());
        }
    }
    let a = cx.put(operand);
    match data.opcode {
        Opcode::Splat => splat(cx, d, lanes, a),
        Opcode::ScalarToVector => {
            let zero = cx.tmp(RegClass::Float);
            rows::vgbm(cx, zero, 0);
            insert(cx, d, lanes, zero, a, 0);
        }
        Opcode::Insertlane => {
            let b = cx.put(Value(data.b));
            insert(cx, d, lanes, a, b, data.aux as i32);
        }
        other => unexpected(other),
    }
    Ok(())
}

/// `d` = a vector with a scalar in all lanes.
fn splat(cx: &mut Cx, d: VReg, lanes: Lanes, scalar: VReg) {
    let size = OperandSize::from_bits(lanes.bits());
    match lanes {
        Lanes::I64 => rows::vlvgp(cx, d, scalar, scalar),
        Lanes::I8 | Lanes::I16 | Lanes::I32 => {
            let both = cx.tmp(RegClass::Float);
            rows::vlvgp(cx, both, scalar, scalar);
            // The last lane of the left half.
            rows::vrep(cx, size, d, both, (64 / lanes.bits()) as i32 - 1);
        }
        Lanes::F16 | Lanes::F32 | Lanes::F64 => rows::vrep(cx, size, d, scalar, 0),
    }
}

/// `d` = `a` with `b` in a lane.
fn insert(cx: &mut Cx, d: VReg, lanes: Lanes, a: VReg, b: VReg, lane: i32) {
    let size = OperandSize::from_bits(lanes.bits());
    match lanes {
        Lanes::I8 | Lanes::I16 | Lanes::I32 | Lanes::I64 => rows::vlvg(cx, size, d, a, b, lane),
        Lanes::F16 | Lanes::F32 | Lanes::F64 => {
            let bits = cx.tmp(RegClass::Int);
            rows::vlgv(cx, size, bits, b, 0);
            rows::vlvg(cx, size, d, a, bits, lane);
        }
    }
}

/// Lowers extractlane.
fn extract(cx: &mut Cx, inst: Inst, data: &InstData) {
    let (source, result, lane) = (Value(data.a), cx.f.first_result(inst), data.aux as i32);
    let lanes = Lanes::of(cx.ty(source));
    if lane == 0 && matches!(lanes, Lanes::F16 | Lanes::F32 | Lanes::F64) {
        return cx.same(result, source);
    }
    let size = OperandSize::from_bits(lanes.bits());
    let (a, d) = (cx.put(source), cx.reg(result));
    match lanes {
        Lanes::I8 | Lanes::I16 | Lanes::I32 | Lanes::I64 => rows::vlgv(cx, size, d, a, lane),
        Lanes::F16 | Lanes::F32 | Lanes::F64 => rows::vrep(cx, size, d, a, lane),
    }
}
