//! Arithmetic of f32 and f64, and operations on their signs and bits.
//!
//! Most operations overwrite their first operand and can have the second in memory. They have a longer form,
//! on a vector register's first element, with a destination of its own. An [`Op`] is all three. A register
//! has an f32 in its leftmost bits, so operations on signs are the same for both types.

use super::inputs::*;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::lower::float::*;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{OperandSize, exact_size};
use crate::rule;

/// An operation `d = a op b`.
struct Op {
    /// `d` in the register of `a`.
    rr: fn(&mut Cx<'_>, OperandSize, VReg, VReg, VReg),
    /// `d` in the register of `a`, `b` in memory.
    rm: fn(&mut Cx<'_>, OperandSize, VReg, VReg, Amode),
    /// `d` in a register of its own.
    rrr: fn(&mut Cx<'_>, OperandSize, VReg, VReg, VReg),
}

macro_rules! op {
    ($rr:ident $rm:ident $rrr:ident) => {
        Op {
            rr: |cx, size, d, a, b| rows::$rr(cx, size, d, a, b),
            rm: |cx, size, d, a, b| rows::$rm(cx, size, d, a, b),
            rrr: |cx, size, d, a, b| rows::$rrr(cx, size, d, a, b),
        }
    };
}

/// Addition.
static ADD: Op = op!(fadd_rr fadd_rm fadd_rrr);
/// Subtraction.
static SUBTRACT: Op = op!(fsub_rr fsub_rm fsub_rrr);
/// Multiplication.
static MULTIPLY: Op = op!(fmul_rr fmul_rm fmul_rrr);
/// Division.
static DIVIDE: Op = op!(fdiv_rr fdiv_rm fdiv_rrr);

/// Lowers arithmetic on floats.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    match data.opcode {
        Fneg | Fabs => sign_operation(cx, d, &data),
        Fcopysign => {
            let (magnitude, sign) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
            rows::fcopysign(cx, d, magnitude, sign);
        }
        Fadd | Fsub | Fmul | Fdiv | Sqrt | Fma | Fmin | Fmax | Ceil | Floor | Trunc | Nearest => {
            canonical(cx, d, data.ty, |cx, d| arithmetic(cx, d, &data))
        }
        other => unexpected(other),
    }
    Ok(())
}

/// Computes `d` by `compute`, and replaces a NaN by the canonical one if the settings ask for that.
pub fn canonical(cx: &mut Cx, d: VReg, ty: Type, compute: impl FnOnce(&mut Cx, VReg)) {
    let replace = |cx: &mut Cx, d, raw, nan| rows::canonical_nan(cx, exact_size(ty), d, raw, nan);
    canonicalize(cx, d, ty, compute, replace);
}

/// Pushes arithmetic, without replacing NaNs.
fn arithmetic(cx: &mut Cx, d: VReg, data: &InstData) {
    use Opcode::*;
    let size = exact_size(data.ty);
    let (a, b) = (Value(data.a), Value(data.b));
    match data.opcode {
        Fadd => return commutative(cx, &ADD, d, data),
        Fmul => return commutative(cx, &MULTIPLY, d, data),
        Fsub => return binary(cx, &SUBTRACT, d, (a, b), cx.dies_here(a)),
        Fdiv => return binary(cx, &DIVIDE, d, (a, b), cx.dies_here(a)),
        Sqrt => return square_root(cx, size, d, a),
        Fma => return multiply_add(cx, d, data),
        _ => {}
    }
    let a = cx.put(a);
    let b = if data.fixed_args() > 1 { cx.put(b) } else { a };
    compute(cx, data.opcode, size, d, a, b);
}

/// Pushes arithmetic other than `fma` on registers, without replacing NaNs.
pub fn compute(cx: &mut Cx, opcode: Opcode, size: OperandSize, d: VReg, a: VReg, b: VReg) {
    use Opcode::*;
    match opcode {
        Fadd => rows::fadd_rrr(cx, size, d, a, b),
        Fsub => rows::fsub_rrr(cx, size, d, a, b),
        Fmul => rows::fmul_rrr(cx, size, d, a, b),
        Fdiv => rows::fdiv_rrr(cx, size, d, a, b),
        Sqrt => rows::fsqrt_rr(cx, size, d, a),
        Fmin => rows::fmin_rrr(cx, size, d, a, b),
        Fmax => rows::fmax_rrr(cx, size, d, a, b),
        Ceil => rows::fceil(cx, size, d, a),
        Floor => rows::ffloor(cx, size, d, a),
        Trunc => rows::ftrunc(cx, size, d, a),
        Nearest => rows::fnearest(cx, size, d, a),
        other => unexpected(other),
    }
}

/// Pushes an operation with two operands, in the form that overwrites the first one if `overwrites` says so.
fn binary(cx: &mut Cx, op: &Op, d: VReg, (a, b): (Value, Value), overwrites: bool) {
    let size = exact_size(cx.ty(a));
    if let Some(b) = memory_operand(cx, b, true) {
        let a = cx.put(a);
        (op.rm)(cx, size, d, a, b);
        return;
    }
    let (a, b) = (cx.put(a), cx.put(b));
    if overwrites {
        (op.rr)(cx, size, d, a, b);
    } else {
        rule!(cx, "float.three_operands");
        (op.rrr)(cx, size, d, a, b);
    }
}

/// Pushes a commutative operation.
fn commutative(cx: &mut Cx, op: &Op, d: VReg, data: &InstData) {
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    // If one of them stays alive, the allocator has more choice without a register to overwrite.
    let overwrites = cx.dies_here(a) && cx.dies_here(b);
    binary(cx, op, d, (a, b), overwrites);
}

/// Pushes a square root.
fn square_root(cx: &mut Cx, size: OperandSize, d: VReg, a: Value) {
    match memory_operand(cx, a, true) {
        Some(m) => rows::fsqrt_rm(cx, size, d, m),
        None => {
            let a = cx.put(a);
            rows::fsqrt_rr(cx, size, d, a);
        }
    }
}

/// Pushes a fused multiplication and addition. A product is negated by way of one factor, because the
/// negating instruction negates the whole sum, zero included.
fn multiply_add(cx: &mut Cx, d: VReg, data: &InstData) {
    let (mut x, mut y, mut z) = (Value(data.a), Value(data.b), Value(data.c));
    let negative_product = strip_negations(cx, &mut x) ^ strip_negations(cx, &mut y);
    let negative_addend = strip_negations(cx, &mut z);
    let [mut x, y, z] = [x, y, z].map(|value| cx.put(value));
    if negative_product {
        let negated = cx.tmp(RegClass::Float);
        rows::fneg(cx, negated, x);
        x = negated;
    }
    let size = exact_size(data.ty);
    if negative_addend {
        rule!(cx, "fma.subtract");
        rows::fms(cx, size, d, x, y, z);
    } else {
        rows::fma(cx, size, d, x, y, z);
    }
}

/// Lowers fneg and fabs.
fn sign_operation(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Value(data.a);
    if data.opcode == Opcode::Fneg
        && let Some(inner) = absolute_of(cx, source)
    {
        rule!(cx, "fneg.fabs");
        let inner = cx.put(inner);
        rows::fnabs(cx, d, inner);
        return;
    }
    let a = cx.put(source);
    match data.opcode {
        Opcode::Fneg => rows::fneg(cx, d, a),
        Opcode::Fabs => rows::fabs(cx, d, a),
        other => unexpected(other),
    }
}

/// Lowers band, bor, bxor and bnot of floats.
pub fn bitwise(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let a = cx.put(Value(data.a));
    if data.opcode == Opcode::Bnot {
        rows::vno(cx, d, a, a);
        return Ok(());
    }
    let b = cx.put(Value(data.b));
    match data.opcode {
        Opcode::Band => rows::vn(cx, d, a, b),
        Opcode::Bor => rows::vo(cx, d, a, b),
        Opcode::Bxor => rows::vx(cx, d, a, b),
        other => unexpected(other),
    }
    Ok(())
}

/// Lowers bitselect of floats.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    rows::vsel(cx, d, ones, zeros, control);
    Ok(())
}

/// Moves the bits of a float from a general register.
pub fn from_bits(cx: &mut Cx, d: VReg, bits: VReg, ty: Type) {
    match ty {
        types::F16 => rows::vlvg_half(cx, d, bits),
        types::F32 => rows::vlvgf(cx, d, bits),
        types::F64 => rows::ldgr(cx, d, bits),
        other => unexpected(other),
    }
}

/// Moves the bits of a float to a general register.
pub fn to_bits(cx: &mut Cx, d: VReg, source: VReg, ty: Type) {
    match ty {
        types::F16 => rows::vlgv_half(cx, d, source),
        types::F32 => rows::vlgvf(cx, d, source),
        types::F64 => rows::lgdr(cx, d, source),
        other => unexpected(other),
    }
}
