//! Arithmetic of f32 and f64, and operations on their signs and bits.

use super::inputs::*;
use crate::arch::aarch64::operands::Cond;
use crate::arch::aarch64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::float::*;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, exact_size};

/// Lowers arithmetic on floats.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    match data.opcode {
        Fneg | Fabs => sign_operation(cx, d, &data),
        Fcopysign => copy_sign(cx, d, &data),
        Fadd | Fsub | Fmul | Fdiv | Sqrt | Fma | Fmin | Fmax | Ceil | Floor | Trunc | Nearest => {
            canonical(cx, d, data.ty, |cx, d| arithmetic(cx, d, &data))
        }
        other => unexpected(other),
    }
    Ok(())
}

/// Computes `d` by `compute`, and replaces a NaN by the canonical one if the settings ask for that.
pub fn canonical(cx: &mut Cx, d: VReg, ty: Type, compute: impl FnOnce(&mut Cx, VReg)) {
    canonicalize(cx, d, ty, compute, |cx, d, raw, nan| {
        let size = exact_size(ty);
        let replacement = cx.tmp(RegClass::Float);
        rows::ldr_f(cx, size, replacement, nan);
        rows::fcmp(cx, size, raw, raw);
        rows::fcsel(cx, size, d, replacement, raw, Cond::Vs);
    });
}

/// Pushes arithmetic, without replacing NaNs.
fn arithmetic(cx: &mut Cx, d: VReg, data: &InstData) {
    use Opcode::*;
    if data.opcode == Fma {
        return multiply_add(cx, d, data);
    }
    let a = cx.put(Value(data.a));
    let b = if data.fixed_args() > 1 { cx.put(Value(data.b)) } else { a };
    compute(cx, data.opcode, exact_size(data.ty), d, a, b);
}

/// Pushes arithmetic other than `fma` on registers, without replacing NaNs.
pub fn compute(cx: &mut Cx, opcode: Opcode, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    use Opcode::*;
    match opcode {
        Sqrt => rows::fsqrt(cx, size, d, a),
        Ceil => rows::frintp(cx, size, d, a),
        Floor => rows::frintm(cx, size, d, a),
        Trunc => rows::frintz(cx, size, d, a),
        Nearest => rows::frintn(cx, size, d, a),
        Fadd => rows::fadd(cx, size, d, a, b),
        Fsub => rows::fsub(cx, size, d, a, b),
        Fmul => rows::fmul(cx, size, d, a, b),
        Fdiv => rows::fdiv(cx, size, d, a, b),
        Fmin => rows::fmin(cx, size, d, a, b),
        Fmax => rows::fmax(cx, size, d, a, b),
        other => unexpected(other),
    }
}

/// Pushes a fused multiplication and addition.
fn multiply_add(cx: &mut Cx, d: VReg, data: &InstData) {
    let (mut x, mut y, mut z) = (Value(data.a), Value(data.b), Value(data.c));
    let negative_product = strip_negations(cx, &mut x) ^ strip_negations(cx, &mut y);
    let negative_addend = strip_negations(cx, &mut z);
    let size = exact_size(data.ty);
    let [x, y, z] = [x, y, z].map(|value| cx.put(value));
    match (negative_product, negative_addend) {
        (false, false) => rows::fmadd(cx, size, d, x, y, z),
        (true, false) => rows::fmsub(cx, size, d, x, y, z),
        (true, true) => rows::fnmadd(cx, size, d, x, y, z),
        (false, true) => rows::fnmsub(cx, size, d, x, y, z),
    }
}

/// Lowers fneg and fabs.
fn sign_operation(cx: &mut Cx, d: VReg, data: &InstData) {
    let size = exact_size(data.ty);
    let source = Value(data.a);
    let a = cx.put(source);
    match data.opcode {
        Opcode::Fneg => rows::fneg(cx, size, d, a),
        Opcode::Fabs => rows::fabs(cx, size, d, a),
        other => unexpected(other),
    }
}

/// Lowers fcopysign: the magnitude of the first operand with the sign of the second.
fn copy_sign(cx: &mut Cx, d: VReg, data: &InstData) {
    let size = exact_size(data.ty);
    let (magnitude, sign) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let bit = cx.tmp(RegClass::Float);
    rows::ushr_sign(cx, size, bit, sign);
    rows::sli_sign(cx, size, d, magnitude, bit);
}

/// Lowers band, bor, bxor and bnot of floats.
pub fn bitwise(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    if data.opcode == Opcode::Bnot {
        rows::not_8b(cx, d, a);
        return Ok(());
    }
    let b = cx.put(Value(data.b));
    match data.opcode {
        Opcode::Band => rows::and_8b(cx, d, a, b),
        Opcode::Bor => rows::orr_8b(cx, d, a, b),
        Opcode::Bxor => rows::eor_8b(cx, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers bitselect of floats.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    rows::bsl_8b(cx, d, control, ones, zeros);
    Ok(())
}
