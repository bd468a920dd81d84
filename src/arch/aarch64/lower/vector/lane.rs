//! Splats, and setting and reading single lanes.

use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::vector::Lanes;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, W16};
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
    let size = OperandSize::from_bits(lanes.bits());
    let a = cx.put(operand);
    match data.opcode {
        Opcode::Splat => match lanes {
            Lanes::I8 | Lanes::I16 | Lanes::I32 | Lanes::I64 => rows::vdup(cx, size, d, a),
            Lanes::F16 | Lanes::F32 | Lanes::F64 => rows::vdup_lane(cx, size, d, a, 0),
        },
        Opcode::ScalarToVector => {
            let zero = cx.tmp(RegClass::Float);
            rows::movi_zero(cx, zero);
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

/// `d` = `a` with `b` in a lane.
fn insert(cx: &mut Cx, d: VReg, lanes: Lanes, a: VReg, b: VReg, lane: i32) {
    let size = OperandSize::from_bits(lanes.bits());
    match lanes {
        Lanes::I8 | Lanes::I16 | Lanes::I32 | Lanes::I64 => rows::vset(cx, size, d, a, b, lane),
        Lanes::F16 => {
            let bits = cx.tmp(RegClass::Int);
            rows::vget(cx, W16, bits, b, 0);
            rows::vset(cx, W16, d, a, bits, lane);
        }
        Lanes::F32 | Lanes::F64 => rows::vset_float(cx, size, d, a, b, lane),
    }
}

/// The vector whose lanes a lane is the sum of: additions of pairs have made one number of them.
fn summed(cx: &Cx, mut value: Value) -> Option<Value> {
    let ty = cx.ty(value);
    let levels = match Lanes::of(ty) {
        Lanes::I8 | Lanes::I16 | Lanes::I32 if ty.bits() == 128 => ty.log2_lanes(),
        Lanes::I8 | Lanes::I16 | Lanes::I32 | Lanes::I64 | Lanes::F16 | Lanes::F32 | Lanes::F64 => {
            return None;
        }
    };
    for _ in 0..levels {
        let pairs = cx.def_by(value, Opcode::IaddPairwise).filter(|pairs| pairs.a == pairs.b)?;
        value = Value(pairs.a);
    }
    Some(value)
}

/// Lowers extractlane.
fn extract(cx: &mut Cx, inst: Inst, data: &InstData) {
    let (source, result, lane) = (Value(data.a), cx.f.first_result(inst), data.aux as i32);
    let lanes = Lanes::of(cx.ty(source));
    if lane == 0 && matches!(lanes, Lanes::F16 | Lanes::F32 | Lanes::F64) {
        return cx.same(result, source);
    }
    let size = OperandSize::from_bits(lanes.bits());
    if let Some(vector) = summed(cx, source) {
        rule!(cx, "vector.sum_of_lanes");
        let (a, d, sum) = (cx.put(vector), cx.reg(result), cx.tmp(RegClass::Float));
        match size {
            B8 => rows::addv_16b(cx, sum, a),
            W16 | L32 => rows::vaddv(cx, size, sum, a),
            other => unexpected(other),
        }
        return rows::vget(cx, size, d, sum, 0);
    }
    let (a, d) = (cx.put(source), cx.reg(result));
    match lanes {
        Lanes::I8 | Lanes::I16 | Lanes::I32 | Lanes::I64 => rows::vget(cx, size, d, a, lane),
        Lanes::F16 => rows::vdup_lane(cx, size, d, a, lane),
        Lanes::F32 | Lanes::F64 => rows::vget_float(cx, size, d, a, lane),
    }
}
