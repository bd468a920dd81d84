//! Lane-wise arithmetic of floats, and operations on their signs.

use super::int::lane_size;
use super::shift::right;
use crate::arch::aarch64::lower::inputs::Cx;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::float::{canonicalize, strip_negations};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::W16;
use crate::rule;

/// Lowers arithmetic on floats.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let size = lane_size(data.ty);
    match data.opcode {
        Fneg | Fabs => {
            let a = cx.put(Value(data.a));
            match data.opcode {
                Fneg => rows::vfneg(cx, size, d, a),
                Fabs => rows::vfabs(cx, size, d, a),
                other => unexpected(other),
            }
        }
        Fcopysign => {
            // The sign moves to the lowest bit, from which it is inserted above the magnitude.
            let (magnitude, sign) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
            let (bit, last) = (cx.tmp(RegClass::Float), size.bits() as i32 - 1);
            rows::vushr(cx, size, bit, sign, right(size, last));
            rows::vsli(cx, size, d, magnitude, bit, last);
        }
        Fadd | Fsub | Fmul | Fdiv | Sqrt | Fma | Fmin | Fmax | Ceil | Floor | Trunc | Nearest => {
            canonical(cx, d, data.ty, |cx, d| arithmetic(cx, d, &data))
        }
        other => unexpected(other),
    }
    Ok(())
}

/// Computes `d` by `compute`, and replaces NaNs by the canonical one if the settings ask for that.
pub(super) fn canonical(cx: &mut Cx, d: VReg, ty: Type, compute: impl FnOnce(&mut Cx, VReg)) {
    canonicalize(cx, d, ty.lane(), compute, |cx, d, raw, nan| {
        let size = lane_size(ty);
        let [lane, all, is_number] = [(); 3].map(|()| cx.tmp(RegClass::Float));
        rows::ldr_f(cx, size, lane, nan);
        rows::vdup_lane(cx, size, all, lane, 0);
        rows::vfcmeq(cx, size, is_number, raw, raw);
        rows::bsl_16b(cx, d, is_number, raw, all);
    });
}

/// Pushes arithmetic, without replacing NaNs.
fn arithmetic(cx: &mut Cx, d: VReg, data: &InstData) {
    use Opcode::*;
    let size = lane_size(data.ty);
    if data.opcode == Fma {
        return multiply_add(cx, d, data);
    }
    if data.opcode == Fmul && multiply_by_scalar(cx, d, data) {
        return;
    }
    let a = cx.put(Value(data.a));
    match data.opcode {
        Sqrt => return rows::vfsqrt(cx, size, d, a),
        Ceil => return rows::vfrintp(cx, size, d, a),
        Floor => return rows::vfrintm(cx, size, d, a),
        Trunc => return rows::vfrintz(cx, size, d, a),
        Nearest => return rows::vfrintn(cx, size, d, a),
        _ => {}
    }
    let b = cx.put(Value(data.b));
    match data.opcode {
        Fadd => rows::vfadd(cx, size, d, a, b),
        Fsub => rows::vfsub(cx, size, d, a, b),
        Fmul => rows::vfmul(cx, size, d, a, b),
        Fdiv => rows::vfdiv(cx, size, d, a, b),
        Fmin => rows::vfmin(cx, size, d, a, b),
        Fmax => rows::vfmax(cx, size, d, a, b),
        other => unexpected(other),
    }
}

/// Multiplies by a scalar in all lanes, which need not be put there. Returns whether a factor is that.
fn multiply_by_scalar(cx: &mut Cx, d: VReg, data: &InstData) -> bool {
    let size = lane_size(data.ty);
    let scalar = |value: Value| {
        let splat = cx.f.insts[cx.unique(value)?];
        (splat.opcode == Opcode::Splat && size != W16).then_some(Value(splat.a))
    };
    let (a, b) = (Value(data.a), Value(data.b));
    let (vector, factor) = match (scalar(b), scalar(a)) {
        (Some(factor), _) => (a, factor),
        (None, Some(factor)) => (b, factor),
        (None, None) => return false,
    };
    rule!(cx, "vector.multiply_by_scalar");
    let [vector, factor] = [vector, factor].map(|value| cx.put(value));
    rows::vfmul_lane(cx, size, d, vector, factor);
    true
}

/// Pushes a fused multiplication and addition.
fn multiply_add(cx: &mut Cx, d: VReg, data: &InstData) {
    let (mut x, mut y) = (Value(data.a), Value(data.b));
    let negative = strip_negations(cx, &mut x) ^ strip_negations(cx, &mut y);
    let size = lane_size(data.ty);
    let [x, y, z] = [x, y, Value(data.c)].map(|value| cx.put(value));
    match negative {
        false => rows::vfmla(cx, size, d, z, x, y),
        true => rows::vfmls(cx, size, d, z, x, y),
    }
}
