//! Lane-wise arithmetic of floats, and operations on their signs.

use super::int::{lane_size, tmps};
use super::memory::make_constant;
use crate::arch::s390x::lower::inputs::Cx;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::float::{canonicalize, strip_negations};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::exact_size;

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
                Fneg => rows::vflc(cx, size, d, a),
                Fabs => rows::vflp(cx, size, d, a),
                other => unexpected(other),
            }
        }
        Fcopysign => {
            let (magnitude, sign) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
            let [mask] = tmps(cx);
            let bytes = size.bytes() as usize;
            make_constant(cx, mask, std::array::from_fn(|at| if at % bytes == 0 { 0x80 } else { 0 }));
            rows::vsel(cx, d, sign, magnitude, mask);
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
        let lane = cx.tmp(RegClass::Float);
        rows::fl_rm(cx, exact_size(ty.lane()), lane, nan);
        let [all, is_number] = tmps(cx);
        let size = lane_size(ty);
        rows::vrep(cx, size, all, lane, 0);
        rows::vfce(cx, size, is_number, raw, raw);
        rows::vsel(cx, d, raw, all, is_number);
    });
}

/// Pushes arithmetic, without replacing NaNs.
fn arithmetic(cx: &mut Cx, d: VReg, data: &InstData) {
    use Opcode::*;
    let size = lane_size(data.ty);
    if data.opcode == Fma {
        return multiply_add(cx, d, data);
    }
    let a = cx.put(Value(data.a));
    match data.opcode {
        Sqrt => return rows::vfsq(cx, size, d, a),
        Ceil => return rows::vceil(cx, size, d, a),
        Floor => return rows::vfloor(cx, size, d, a),
        Trunc => return rows::vtrunc(cx, size, d, a),
        Nearest => return rows::vnearest(cx, size, d, a),
        _ => {}
    }
    let b = cx.put(Value(data.b));
    match data.opcode {
        Fadd => rows::vfa(cx, size, d, a, b),
        Fsub => rows::vfs(cx, size, d, a, b),
        Fmul => rows::vfm(cx, size, d, a, b),
        Fdiv => rows::vfd(cx, size, d, a, b),
        Fmin => rows::vfmin(cx, size, d, a, b),
        Fmax => rows::vfmax(cx, size, d, a, b),
        other => unexpected(other),
    }
}

/// Pushes a fused multiplication, and an addition or subtraction.
fn multiply_add(cx: &mut Cx, d: VReg, data: &InstData) {
    let mut z = Value(data.c);
    let negative = strip_negations(cx, &mut z);
    let size = lane_size(data.ty);
    let [x, y, z] = [Value(data.a), Value(data.b), z].map(|value| cx.put(value));
    match negative {
        false => rows::vfma(cx, size, d, x, y, z),
        true => rows::vfms(cx, size, d, x, y, z),
    }
}
