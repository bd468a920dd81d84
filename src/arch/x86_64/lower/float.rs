//! Arithmetic of f32 and f64, and operations on their signs and bits.
//!
//! Each operation has an SSE form, which overwrites its first operand, and an AVX form with a destination of
//! its own; an [`Op`] is both. Instructions of one operand ([`UnaryOp`]) keep the upper part of their
//! destination, and so wait for the instruction that wrote it last. To avoid that, they get their own operand
//! as destination.
//!
//! Constants are never kept in registers: zero is computed by `xorps`, all others are memory operands in the
//! constant pool. There, masks for bitwise operations fill 16 aligned bytes, as SSE requires.

use super::inputs::*;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::call;
use crate::lower::context::Lowered;
use crate::lower::float::*;
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, exact_size};
use crate::machine::symbol::LibCall;
use crate::rule;

/// Pushes `d = a op b`.
type BinaryRow = fn(&mut Cx<'_>, OperandSize, VReg, VReg, Rm);

/// An operation `d = a op b`, in its SSE and its AVX form.
pub struct Op {
    pub(super) sse: BinaryRow,
    pub(super) avx: BinaryRow,
}

/// The [`Op`] of two rows. With `imm`, the rows have an immediate. With `single`, single precision is always
/// used, whose bitwise operations do the same and are shorter. With `fixed`, the rows have no sizes.
macro_rules! op {
    ($sse:ident $avx:ident) => {
        Op {
            sse: |cx, size, d, a, b| rows::$sse(cx, size, d, a, b),
            avx: |cx, size, d, a, b| rows::$avx(cx, size, d, a, b),
        }
    };
    (single $sse:ident $avx:ident) => {
        Op {
            sse: |cx, _, d, a, b| rows::$sse(cx, L32, d, a, b),
            avx: |cx, _, d, a, b| rows::$avx(cx, L32, d, a, b),
        }
    };
    (fixed $sse:ident $avx:ident) => {
        Op { sse: |cx, _, d, a, b| rows::$sse(cx, d, a, b), avx: |cx, _, d, a, b| rows::$avx(cx, d, a, b) }
    };
    (imm $sse:ident $avx:ident $imm:literal) => {
        Op {
            sse: |cx, size, d, a, b| rows::$sse(cx, size, d, a, b, $imm),
            avx: |cx, size, d, a, b| rows::$avx(cx, size, d, a, b, $imm),
        }
    };
}
pub(super) use op;

impl Op {
    /// Pushes the instruction.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, b: impl Into<Rm>) {
        let row = if cx.flags.has_avx() { self.avx } else { self.sse };
        row(cx, size, d, a, b.into());
    }

    /// Pushes the instruction with a new register as result.
    pub fn value(&self, cx: &mut Cx, size: OperandSize, a: VReg, b: impl Into<Rm>) -> VReg {
        let d = cx.tmp(RegClass::Float);
        self.push(cx, size, d, a, b);
        d
    }
}

/// Pushes `d = op a`.
type UnaryRow = fn(&mut Cx<'_>, OperandSize, VReg, VReg);

/// An operation `d = op a`, in its SSE and its AVX form.
pub struct UnaryOp {
    pub(super) sse: UnaryRow,
    pub(super) avx: UnaryRow,
}

/// The [`UnaryOp`] of two rows, perhaps with an immediate.
macro_rules! unary_op {
    ($sse:ident $avx:ident $($imm:literal)?) => {
        UnaryOp {
            sse: |cx, size, d, a| rows::$sse(cx, size, d, a $(, $imm)?),
            avx: |cx, size, d, a| rows::$avx(cx, size, d, a, a $(, $imm)?),
        }
    };
    (fixed $sse:ident $avx:ident) => {
        UnaryOp {
            sse: |cx, _, d, a| rows::$sse(cx, d, a),
            avx: |cx, _, d, a| rows::$avx(cx, d, a, a),
        }
    };
}
pub(super) use unary_op;

impl UnaryOp {
    /// Pushes the instruction.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: VReg, a: VReg) {
        let row = if cx.flags.has_avx() { self.avx } else { self.sse };
        row(cx, size, d, a);
    }
}

/// Addition.
static ADD: Op = op!(adds_rm vadds_rm);
/// Subtraction.
static SUBTRACT: Op = op!(subs_rm vsubs_rm);
/// Multiplication.
static MULTIPLY: Op = op!(muls_rm vmuls_rm);
/// Division.
static DIVIDE: Op = op!(divs_rm vdivs_rm);
/// Square root.
static SQUARE_ROOT: UnaryOp = unary_op!(sqrts_r vsqrts_rm);
/// `a < b ? a : b`.
pub static LESSER: Op = op!(mins_rm vmins_rm);
/// `a > b ? a : b`.
pub static GREATER: Op = op!(maxs_rm vmaxs_rm);
/// Bitwise and.
pub static AND: Op = op!(single andp_rm vandp_rm);
/// `!a & b`.
pub static AND_NOT: Op = op!(single andnp_rm vandnp_rm);
/// Bitwise or.
pub static OR: Op = op!(single orp_rm vorp_rm);
/// Exclusive or.
pub static XOR: Op = op!(single xorp_rm vxorp_rm);
// Immediates are rounding modes, with bit 3 to raise no inexact exception.
static ROUND_NEAREST: UnaryOp = unary_op!(rounds_ri vrounds_rm 8);
static ROUND_DOWN: UnaryOp = unary_op!(rounds_ri vrounds_rm 9);
static ROUND_UP: UnaryOp = unary_op!(rounds_ri vrounds_rm 10);
static ROUND_TO_ZERO: UnaryOp = unary_op!(rounds_ri vrounds_rm 11);
// Comparisons that give a mask.
pub static MASK_EQUAL: Op = op!(imm cmps_rm vcmps_rm 0);
pub static MASK_LESS: Op = op!(imm cmps_rm vcmps_rm 1);
pub static MASK_LESS_OR_EQUAL: Op = op!(imm cmps_rm vcmps_rm 2);
pub static MASK_UNORDERED: Op = op!(imm cmps_rm vcmps_rm 3);
pub static MASK_NOT_EQUAL: Op = op!(imm cmps_rm vcmps_rm 4);
pub static MASK_NOT_LESS: Op = op!(imm cmps_rm vcmps_rm 5);
pub static MASK_NOT_LESS_OR_EQUAL: Op = op!(imm cmps_rm vcmps_rm 6);
/// All ones if neither is a NaN.
pub static MASK_ORDERED: Op = op!(imm cmps_rm vcmps_rm 7);

/// A 16-byte constant in memory with a bit pattern in every lane.
fn mask(cx: &mut Cx, size: OperandSize, bits: u64) -> Amode {
    let lanes = if size == L32 { bits | bits << 32 } else { bits };
    let number = cx.vcode.constant(&(lanes as u128 | (lanes as u128) << 64).to_le_bytes());
    Amode::at(Place::Constant(number), 0)
}

/// Asks for a scalar as a memory operand if it is a constant or, with `may_fold`, a load; else in a register.
pub fn operand(cx: &mut Cx, value: Value, may_fold: bool) -> Rm {
    match memory_operand(cx, value, may_fold) {
        Some(amode) => Rm::Mem(amode),
        None => Rm::Reg(cx.put(value)),
    }
}

/// Whether [`operand`] finds a value in memory.
pub fn in_memory(cx: &Cx, value: Value) -> bool {
    cx.float_constant(value).is_some() || cx.sinkable_load(value).is_some()
}

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
    let replace = |cx: &mut Cx, d, raw, nan| rows::canonical_nan(cx, exact_size(ty), d, raw, nan);
    canonicalize(cx, d, ty, compute, replace);
}

/// Pushes arithmetic, without replacing NaNs.
fn arithmetic(cx: &mut Cx, d: VReg, data: &InstData) {
    use Opcode::*;
    match data.opcode {
        Fadd => commutative(cx, &ADD, d, data),
        Fmul => commutative(cx, &MULTIPLY, d, data),
        Fsub => binary(cx, &SUBTRACT, d, data.ty, Value(data.a), Value(data.b)),
        Fdiv => binary(cx, &DIVIDE, d, data.ty, Value(data.a), Value(data.b)),
        Sqrt => {
            let a = cx.put(Value(data.a));
            SQUARE_ROOT.push(cx, exact_size(data.ty), d, a);
        }
        Fmin | Fmax => {
            let (a, b) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
            match data.opcode {
                Fmin => rows::fmin(cx, exact_size(data.ty), d, a, b),
                Fmax => rows::fmax(cx, exact_size(data.ty), d, a, b),
                other => unexpected(other),
            }
        }
        Fma => multiply_add(cx, d, data),
        Ceil | Floor | Trunc | Nearest => {
            let a = cx.put(Value(data.a));
            round(cx, data.opcode, data.ty, d, a);
        }
        other => unexpected(other),
    }
}

/// Pushes arithmetic other than `fma` on registers, without replacing NaNs.
pub fn compute(cx: &mut Cx, opcode: Opcode, ty: Type, d: VReg, a: VReg, b: VReg) {
    use Opcode::*;
    let size = exact_size(ty);
    let op = match opcode {
        Fadd => &ADD,
        Fsub => &SUBTRACT,
        Fmul => &MULTIPLY,
        Fdiv => &DIVIDE,
        Sqrt => return SQUARE_ROOT.push(cx, size, d, a),
        Fmin => return rows::fmin(cx, size, d, a, b),
        Fmax => return rows::fmax(cx, size, d, a, b),
        Ceil | Floor | Trunc | Nearest => return round(cx, opcode, ty, d, a),
        other => unexpected(other),
    };
    op.push(cx, size, d, a, b);
}

/// Pushes an operation with two operands.
fn binary(cx: &mut Cx, op: &Op, d: VReg, ty: Type, a: Value, b: Value) {
    let b = operand(cx, b, true);
    let a = cx.put(a);
    op.push(cx, exact_size(ty), d, a, b);
}

/// Pushes a commutative operation.
fn commutative(cx: &mut Cx, op: &Op, d: VReg, data: &InstData) {
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    binary(cx, op, d, data.ty, a, b);
}

/// Pushes a rounding to an integral value.
fn round(cx: &mut Cx, opcode: Opcode, ty: Type, d: VReg, a: VReg) {
    use LibCall::*;
    let (op, single, double) = match opcode {
        Opcode::Ceil => (&ROUND_UP, CeilF32, CeilF64),
        Opcode::Floor => (&ROUND_DOWN, FloorF32, FloorF64),
        Opcode::Trunc => (&ROUND_TO_ZERO, TruncF32, TruncF64),
        Opcode::Nearest => (&ROUND_NEAREST, NearestF32, NearestF64),
        other => unexpected(other),
    };
    if cx.flags.has_sse41() {
        op.push(cx, exact_size(ty), d, a);
        return;
    }
    let function = if ty == types::F32 { single } else { double };
    call::libcall(cx, function, &[a], &[d]);
}

/// Pushes a fused multiplication and addition of three operands.
type FmaRow = fn(&mut Cx<'_>, OperandSize, VReg, VReg, VReg, Rm);

/// The three operand orders of a fused operation on x * y + z.
struct FusedRows {
    /// `a * c + b`.
    rows132: FmaRow,
    /// `b * a + c`.
    rows213: FmaRow,
    /// `b * c + a`.
    rows231: FmaRow,
}

macro_rules! fused {
    ($a:ident $b:ident $c:ident) => {
        FusedRows {
            rows132: |cx, size, d, a, b, c| rows::$a(cx, size, d, a, b, c),
            rows213: |cx, size, d, a, b, c| rows::$b(cx, size, d, a, b, c),
            rows231: |cx, size, d, a, b, c| rows::$c(cx, size, d, a, b, c),
        }
    };
}

/// Fused operations by `[addend is negated][product is negated]`.
static FUSED: [[FusedRows; 2]; 2] = [
    [fused!(vfmadd132s_rm vfmadd213s_rm vfmadd231s_rm), fused!(vfnmadd132s_rm vfnmadd213s_rm vfnmadd231s_rm)],
    [fused!(vfmsub132s_rm vfmsub213s_rm vfmsub231s_rm), fused!(vfnmsub132s_rm vfnmsub213s_rm vfnmsub231s_rm)],
];

/// Pushes a fused multiplication and addition.
fn multiply_add(cx: &mut Cx, d: VReg, data: &InstData) {
    let (mut x, mut y, mut z) = (Value(data.a), Value(data.b), Value(data.c));
    if !cx.flags.has_fma() {
        let arguments = [cx.put(x), cx.put(y), cx.put(z)];
        let function = if data.ty == types::F32 { LibCall::FmaF32 } else { LibCall::FmaF64 };
        call::libcall(cx, function, &arguments, &[d]);
        return;
    }
    let negative_product = strip_negations(cx, &mut x) ^ strip_negations(cx, &mut y);
    let negative_addend = strip_negations(cx, &mut z);
    let rows = &FUSED[negative_addend as usize][negative_product as usize];
    let size = exact_size(data.ty);
    if in_memory(cx, x) || (cx.is_used(x) && !in_memory(cx, y)) {
        // `x` is the factor to be overwritten.
        (x, y) = (y, x);
    }
    if in_memory(cx, z) && !in_memory(cx, y) {
        rule!(cx, "fma.213");
        let z = operand(cx, z, true);
        let (x, y) = (cx.put(x), cx.put(y));
        (rows.rows213)(cx, size, d, x, y, z);
    } else if cx.is_used(z) && !cx.is_used(x) {
        rule!(cx, "fma.132");
        let y = operand(cx, y, true);
        let (x, z) = (cx.put(x), cx.put(z));
        (rows.rows132)(cx, size, d, x, z, y);
    } else {
        rule!(cx, "fma.231");
        let y = operand(cx, y, true);
        let (x, z) = (cx.put(x), cx.put(z));
        (rows.rows231)(cx, size, d, z, x, y);
    }
}

/// Lowers fneg and fabs.
fn sign_operation(cx: &mut Cx, d: VReg, data: &InstData) {
    let size = exact_size(data.ty);
    let source = Value(data.a);
    let (op, bits, source) = match (data.opcode, absolute_of(cx, source)) {
        (Opcode::Fneg, Some(inner)) => {
            rule!(cx, "fneg.fabs");
            (&OR, sign_bit(data.ty), inner)
        }
        (Opcode::Fneg, None) => (&XOR, sign_bit(data.ty), source),
        (Opcode::Fabs, _) => (&AND, magnitude_bits(data.ty), source),
        (other, _) => unexpected(other),
    };
    with_mask(cx, op, d, size, source, bits);
}

/// `d = value op bits`.
fn with_mask(cx: &mut Cx, op: &Op, d: VReg, size: OperandSize, value: Value, bits: u64) {
    let bits = mask(cx, size, bits);
    let value = cx.put(value);
    op.push(cx, size, d, value, bits);
}

/// Lowers fcopysign: the magnitude of the first operand with the sign of the second.
fn copy_sign(cx: &mut Cx, d: VReg, data: &InstData) {
    let size = exact_size(data.ty);
    let (magnitude, sign) = (Value(data.a), Value(data.b));
    if let Some(bits) = cx.float_constant(sign) {
        rule!(cx, "fcopysign.constant_sign");
        match bits & sign_bit(data.ty) {
            0 => with_mask(cx, &AND, d, size, magnitude, magnitude_bits(data.ty)),
            sign => with_mask(cx, &OR, d, size, magnitude, sign),
        }
        return;
    }
    let only_sign = cx.tmp(RegClass::Float);
    with_mask(cx, &AND, only_sign, size, sign, sign_bit(data.ty));
    if let Some(bits) = cx.float_constant(magnitude) {
        rule!(cx, "fcopysign.constant_magnitude");
        let bits = mask(cx, size, bits & magnitude_bits(data.ty));
        OR.push(cx, size, d, only_sign, bits);
        return;
    }
    let only_magnitude = cx.tmp(RegClass::Float);
    with_mask(cx, &AND, only_magnitude, size, magnitude, magnitude_bits(data.ty));
    OR.push(cx, size, d, only_magnitude, only_sign);
}

/// Lowers band, bor, bxor and bnot of floats.
pub fn bitwise(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let size = exact_size(data.ty);
    let a = Value(data.a);
    let op = match data.opcode {
        Opcode::Bnot => {
            with_mask(cx, &XOR, d, size, a, magnitude_bits(data.ty) | sign_bit(data.ty));
            return Ok(());
        }
        Opcode::Band => &AND,
        Opcode::Bor => &OR,
        Opcode::Bxor => &XOR,
        other => unexpected(other),
    };
    let (a, b) = cx.commute(a, Value(data.b));
    match cx.float_constant(b) {
        Some(bits) => with_mask(cx, op, d, size, a, bits),
        None => {
            let (a, b) = (cx.put(a), cx.put(b));
            op.push(cx, size, d, a, b);
        }
    }
    Ok(())
}

/// Lowers bitselect of floats.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    blend(cx, exact_size(data.ty), d, control, ones, zeros);
    Ok(())
}

/// `d` = the bits of `ones` where `control` has ones, those of `zeros` elsewhere.
pub fn blend(cx: &mut Cx, size: OperandSize, d: VReg, control: VReg, ones: VReg, zeros: VReg) {
    let ones = AND.value(cx, size, ones, control);
    let zeros = AND_NOT.value(cx, size, control, zeros);
    OR.push(cx, size, d, ones, zeros);
}
