//! f32 and f64: arithmetic, comparison, selection, loads, stores, constants.
//!
//! Each operation has an SSE form, which overwrites its first operand, and an AVX form with a destination
//! of its own; an [`Op`] is both. Instructions of one operand ([`UnaryOp`]) keep the upper part of their
//! destination, which makes them wait for whatever wrote it last: they get their own operand as
//! destination.
//!
//! Constants are never kept in registers: zero is made by `xorps`, the others are memory operands in the constant pool. Masks
//! for bitwise operations fill 16 aligned bytes there, as SSE asks for.

use super::super::X86_64;
use super::super::amode::{Amode, Cond, OperandSize, Place, Rm};
use super::super::rows;
use super::compare::{self, Test};
use super::operands::*;
use crate::ir::*;
use crate::lower::call;
use crate::lower::context::Unsupported;
use crate::lower::float::{self as shared, *};
use crate::lower::vocabulary::Materialization;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::symbol::LibCall;
use crate::rule;

type Result = std::result::Result<(), Unsupported>;
type BinaryRow = fn(&mut Cx<'_>, OperandSize, VReg, VReg, Rm);

/// An operation `d = a op b`, in its SSE and its AVX form.
pub struct Op {
    pub(super) sse: BinaryRow,
    pub(super) avx: BinaryRow,
}

/// The [`Op`] of two rows: of a family of sizes; or (`imm`) with an immediate; or (`single`) always in
/// single precision, whose bitwise operations do the same and are shorter.
macro_rules! op {
    ($sse:ident $avx:ident) => {
        Op {
            sse: |cx, size, d, a, b| rows::$sse(cx, size, d, a, b),
            avx: |cx, size, d, a, b| rows::$avx(cx, size, d, a, b),
        }
    };
    (single $sse:ident $avx:ident) => {
        Op {
            sse: |cx, _, d, a, b| rows::$sse(cx, OperandSize::L32, d, a, b),
            avx: |cx, _, d, a, b| rows::$avx(cx, OperandSize::L32, d, a, b),
        }
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

static ADD: Op = op!(adds_rm vadds_rm);
static SUBTRACT: Op = op!(subs_rm vsubs_rm);
static MULTIPLY: Op = op!(muls_rm vmuls_rm);
static DIVIDE: Op = op!(divs_rm vdivs_rm);
static SQUARE_ROOT: UnaryOp = unary_op!(sqrts_r vsqrts_rm);
/// `a < b ? a : b`.
pub static LESSER: Op = op!(mins_rm vmins_rm);
/// `a > b ? a : b`.
pub static GREATER: Op = op!(maxs_rm vmaxs_rm);
/// Bitwise.
pub static AND: Op = op!(single andp_rm vandp_rm);
/// `!a & b`.
static AND_NOT: Op = op!(single andnp_rm vandnp_rm);
static OR: Op = op!(single orp_rm vorp_rm);
static XOR: Op = op!(single xorp_rm vxorp_rm);
// Rounding modes, with bit 3 to raise no inexact exception.
static ROUND_NEAREST: UnaryOp = unary_op!(rounds_ri vrounds_rm 8);
static ROUND_DOWN: UnaryOp = unary_op!(rounds_ri vrounds_rm 9);
static ROUND_UP: UnaryOp = unary_op!(rounds_ri vrounds_rm 10);
static ROUND_TO_ZERO: UnaryOp = unary_op!(rounds_ri vrounds_rm 11);
// Comparisons that give a mask.
static MASK_EQUAL: Op = op!(imm cmps_rm vcmps_rm 0);
static MASK_LESS: Op = op!(imm cmps_rm vcmps_rm 1);
static MASK_LESS_OR_EQUAL: Op = op!(imm cmps_rm vcmps_rm 2);
static MASK_UNORDERED: Op = op!(imm cmps_rm vcmps_rm 3);
static MASK_NOT_EQUAL: Op = op!(imm cmps_rm vcmps_rm 4);
static MASK_NOT_LESS: Op = op!(imm cmps_rm vcmps_rm 5);
static MASK_NOT_LESS_OR_EQUAL: Op = op!(imm cmps_rm vcmps_rm 6);
/// All ones if neither is a NaN.
pub static MASK_ORDERED: Op = op!(imm cmps_rm vcmps_rm 7);

// Constants and operands.

/// A bit pattern in every lane of a 16-byte constant.
fn mask(cx: &mut Cx, size: OperandSize, bits: u64) -> Amode {
    let lanes = if size == OperandSize::L32 { bits | bits << 32 } else { bits };
    let number = cx.vcode.constant(&(lanes as u128 | (lanes as u128) << 64).to_le_bytes());
    Amode::at(Place::Constant(number), 0)
}

/// Makes the constant of an f32const or f64const in a register.
pub fn constant(cx: &mut Cx, d: VReg, data: &InstData) {
    let (ty, bits) = match data.opcode {
        Opcode::F32const => (types::F32, data.a as u64),
        _ => (types::F64, data.imm64()),
    };
    if bits == 0 {
        rows::zero_x(cx, d);
        return;
    }
    let source = pool(cx, ty, bits);
    rows::movs_load(cx, exact_size(ty), d, source);
}

/// A scalar that is read, in memory if it is a constant or, where `may_fold`, a load; else in a register.
pub fn operand(cx: &mut Cx, value: Value, may_fold: bool) -> Rm {
    match memory_operand(cx, value, may_fold) {
        Some(amode) => Rm::Mem(amode),
        None => Rm::Reg(cx.put(value)),
    }
}

/// Whether [`operand`] would find a value in memory.
fn in_memory(cx: &Cx, value: Value) -> bool {
    cx.float_constant(value).is_some() || cx.sinkable_load(value).is_some()
}

// Arithmetic.

/// All arithmetic on one type.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    match data.opcode {
        Fneg | Fabs => sign_operation(cx, d, &data),
        Fcopysign => copy_sign(cx, d, &data),
        _ => canonical(cx, d, data.ty, |cx, d| arithmetic(cx, d, &data)),
    }
    Ok(())
}

/// What `compute` puts into the register it is given, with every NaN replaced by the same one if the settings
/// ask for that.
pub fn canonical(cx: &mut Cx, d: VReg, ty: Type, compute: impl FnOnce(&mut Cx, VReg)) {
    let replace = |cx: &mut Cx, d, raw, nan| rows::canonical_nan(cx, exact_size(ty), d, raw, nan);
    shared::canonical(cx, d, ty, compute, replace);
}

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
                _ => rows::fmax(cx, exact_size(data.ty), d, a, b),
            }
        }
        Fma => multiply_add(cx, d, data),
        _ => round(cx, d, data),
    }
}

fn binary(cx: &mut Cx, op: &Op, d: VReg, ty: Type, a: Value, b: Value) {
    let b = operand(cx, b, true);
    let a = cx.put(a);
    op.push(cx, exact_size(ty), d, a, b);
}

fn commutative(cx: &mut Cx, op: &Op, d: VReg, data: &InstData) {
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    binary(cx, op, d, data.ty, a, b);
}

fn round(cx: &mut Cx, d: VReg, data: &InstData) {
    use LibCall::*;
    let (op, single, double) = match data.opcode {
        Opcode::Ceil => (&ROUND_UP, CeilF32, CeilF64),
        Opcode::Floor => (&ROUND_DOWN, FloorF32, FloorF64),
        Opcode::Trunc => (&ROUND_TO_ZERO, TruncF32, TruncF64),
        _ => (&ROUND_NEAREST, NearestF32, NearestF64),
    };
    let a = cx.put(Value(data.a));
    if cx.flags.has_sse41() {
        op.push(cx, exact_size(data.ty), d, a);
        return;
    }
    let function = if data.ty == types::F32 { single } else { double };
    call::libcall(cx, function, &[a], &[d]);
}

// Multiplication and addition in one.

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

/// By whether the addend and whether the product is negated.
static FUSED: [[FusedRows; 2]; 2] = [
    [fused!(vfmadd132s_rm vfmadd213s_rm vfmadd231s_rm), fused!(vfnmadd132s_rm vfnmadd213s_rm vfnmadd231s_rm)],
    [fused!(vfmsub132s_rm vfmsub213s_rm vfmsub231s_rm), fused!(vfnmsub132s_rm vfnmsub213s_rm vfnmsub231s_rm)],
];

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
        // `x` shall be the one to be overwritten.
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

// Signs and bits.

/// fneg and fabs.
fn sign_operation(cx: &mut Cx, d: VReg, data: &InstData) {
    let size = exact_size(data.ty);
    let source = Value(data.a);
    let (op, bits, source) = match absolute_of(cx, source) {
        Some(inner) if data.opcode == Opcode::Fneg => {
            rule!(cx, "fneg.fabs");
            (&OR, sign_bit(data.ty), inner)
        }
        _ if data.opcode == Opcode::Fneg => (&XOR, sign_bit(data.ty), source),
        _ => (&AND, magnitude_bits(data.ty), source),
    };
    with_mask(cx, op, d, size, source, bits);
}

/// `d = value op bits`.
fn with_mask(cx: &mut Cx, op: &Op, d: VReg, size: OperandSize, value: Value, bits: u64) {
    let bits = mask(cx, size, bits);
    let value = cx.put(value);
    op.push(cx, size, d, value, bits);
}

/// fcopysign: the magnitude of the first operand with the sign of the second.
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

/// band, bor, bxor and bnot of floats.
pub fn bitwise(cx: &mut Cx, inst: Inst) -> Result {
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
        _ => &XOR,
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

/// bitselect of floats.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    blend(cx, exact_size(data.ty), d, control, ones, zeros);
    Ok(())
}

/// The bits of `ones` where `control` has ones, else those of `zeros`.
fn blend(cx: &mut Cx, size: OperandSize, d: VReg, control: VReg, ones: VReg, zeros: VReg) {
    let ones = AND.value(cx, size, ones, control);
    let zeros = AND_NOT.value(cx, size, control, zeros);
    OR.push(cx, size, d, ones, zeros);
}

// Comparison and selection.

/// Conditions that cost two tests one way round and one the other are turned round: `ucomis` sets the flags
/// as an unsigned comparison does, and all of zero, parity and carry if the operands are unordered.
fn turn_round(cc: FloatCc, a: Value, b: Value) -> (FloatCc, Value, Value) {
    use FloatCc::*;
    match cc {
        LessThan | LessThanOrEqual | UnorderedOrGreaterThan | UnorderedOrGreaterThanOrEqual => {
            (cc.swap_args(), b, a)
        }
        _ => (cc, a, b),
    }
}

/// Sets the flags by comparing two floats; `may_fold` says that a load may be taken in.
pub fn compare(cx: &mut Cx, cc: FloatCc, a: Value, b: Value, may_fold: bool) -> Test {
    use FloatCc::*;
    let (mut cc, mut a, mut b) = turn_round(cc, a, b);
    if cc == cc.swap_args() && !in_memory(cx, b) && in_memory(cx, a) {
        (a, b) = (b, a);
    }
    if a == b {
        cc = match cc {
            Equal => Ordered,
            NotEqual => Unordered,
            other => other,
        };
    }
    let size = exact_size(cx.ty(a));
    let second = operand(cx, b, may_fold);
    let first = cx.put(a);
    rows::ucomis_rm(cx, size, first, second);
    match cc {
        Ordered => Test::One(Cond::Np),
        Unordered => Test::One(Cond::P),
        Equal => Test::Both(Cond::Np, Cond::E),
        NotEqual => Test::Either(Cond::P, Cond::Ne),
        OrderedNotEqual => Test::One(Cond::Ne),
        UnorderedOrEqual => Test::One(Cond::E),
        GreaterThan => Test::One(Cond::A),
        UnorderedOrLessThanOrEqual => Test::One(Cond::Be),
        GreaterThanOrEqual => Test::One(Cond::Ae),
        UnorderedOrLessThan => Test::One(Cond::B),
        LessThan | LessThanOrEqual | UnorderedOrGreaterThan | UnorderedOrGreaterThanOrEqual => {
            unreachable!("turned round")
        }
    }
}

/// A comparison as a mask: the instruction and its operands in order; `None` if there is no such one.
fn mask_compare(cc: FloatCc, a: Value, b: Value) -> Option<(&'static Op, Value, Value)> {
    use FloatCc::*;
    Some(match cc {
        Equal => (&MASK_EQUAL, a, b),
        NotEqual => (&MASK_NOT_EQUAL, a, b),
        Ordered => (&MASK_ORDERED, a, b),
        Unordered => (&MASK_UNORDERED, a, b),
        LessThan => (&MASK_LESS, a, b),
        LessThanOrEqual => (&MASK_LESS_OR_EQUAL, a, b),
        GreaterThan => (&MASK_LESS, b, a),
        GreaterThanOrEqual => (&MASK_LESS_OR_EQUAL, b, a),
        UnorderedOrGreaterThanOrEqual => (&MASK_NOT_LESS, a, b),
        UnorderedOrGreaterThan => (&MASK_NOT_LESS_OR_EQUAL, a, b),
        UnorderedOrLessThanOrEqual => (&MASK_NOT_LESS, b, a),
        UnorderedOrLessThan => (&MASK_NOT_LESS_OR_EQUAL, b, a),
        OrderedNotEqual | UnorderedOrEqual => return None,
    })
}

/// select of floats.
pub fn select(cx: &mut Cx, data: &InstData, d: VReg) -> Result {
    let (condition, chosen, other) = (Value(data.a), Value(data.b), Value(data.c));
    let size = exact_size(data.ty);
    if let Some(compare) = selecting_comparison(cx, data)
        && (select_extreme(cx, d, compare, chosen, other) || select_by_mask(cx, d, compare, chosen, other))
    {
        return Ok(());
    }
    if let (Some(chosen), Some(other)) = (cx.float_constant(chosen), cx.float_constant(other)) {
        rule!(cx, "select.float_constants");
        let [on_true, on_false, bits] = [(); 3].map(|()| cx.tmp(RegClass::Int));
        X86_64::make_bits(cx, on_true, chosen);
        X86_64::make_bits(cx, on_false, other);
        let test = compare::condition(cx, condition);
        compare::move_if(cx, size, bits, test, on_true, on_false);
        rows::mov_xr(cx, size, d, bits);
        return Ok(());
    }
    let (chosen, other) = (cx.put(chosen), cx.put(other));
    let test = compare::condition(cx, condition);
    move_if(cx, size, d, test, chosen, other);
    Ok(())
}

/// `a < b ? a : b` and the like are what `mins` and `maxs` compute, NaN and zeros included.
fn select_extreme(cx: &mut Cx, d: VReg, compare: &InstData, chosen: Value, other: Value) -> bool {
    let Some(Extreme { lesser, a, b }) = extreme(compare, chosen, other) else { return false };
    rule!(cx, "select.float_extreme");
    let second = operand(cx, b, false);
    let first = cx.put(a);
    let op = if lesser { &LESSER } else { &GREATER };
    op.push(cx, exact_size(cx.ty(a)), d, first, second);
    true
}

fn select_by_mask(cx: &mut Cx, d: VReg, compare: &InstData, chosen: Value, other: Value) -> bool {
    let comparison = mask_compare(compare.float_cc(), Value(compare.a), Value(compare.b));
    let Some((op, a, b)) = comparison else { return false };
    let size = exact_size(cx.ty(chosen));
    let second = operand(cx, b, false);
    let first = cx.put(a);
    let control = op.value(cx, size, first, second);
    if cx.float_constant(other) == Some(0) {
        rule!(cx, "select.float_or_zero");
        let chosen = cx.put(chosen);
        AND.push(cx, size, d, control, chosen);
    } else if cx.float_constant(chosen) == Some(0) {
        rule!(cx, "select.zero_or_float");
        let other = cx.put(other);
        AND_NOT.push(cx, size, d, control, other);
    } else {
        rule!(cx, "select.float_mask");
        let (chosen, other) = (cx.put(chosen), cx.put(other));
        blend(cx, size, d, control, chosen, other);
    }
    true
}

/// `d` = `chosen` if the test holds, else `other`.
fn move_if(cx: &mut Cx, size: OperandSize, d: VReg, test: Test, chosen: VReg, other: VReg) {
    match test {
        Test::One(cond) => rows::select_x(cx, size, d, other, chosen, cond),
        Test::Either(a, b) => {
            let first = cx.tmp(RegClass::Float);
            rows::select_x(cx, size, first, other, chosen, a);
            rows::select_x(cx, size, d, first, chosen, b);
        }
        Test::Both(..) => move_if(cx, size, d, test.complement(), other, chosen),
    }
}

// Memory.

/// Loads a float, whose bytes are in reverse order if `swapped`.
pub fn load(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let size = exact_size(data.ty);
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) {
        rows::movs_load(cx, size, d, amode);
        return Ok(());
    }
    let (raw, bits) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::mov_rm(cx, size, raw, amode);
    rows::bswap_r(cx, size, bits, raw);
    rows::mov_xr(cx, size, d, bits);
    Ok(())
}

/// store of a float.
pub fn store(cx: &mut Cx, inst: Inst) -> Result {
    let data = &cx.f.insts[inst];
    let value = Value(data.a);
    let size = exact_size(cx.ty(value));
    if cx.swaps(&cx.mem_flags(data)) {
        let source = cx.put(value);
        let (bits, swapped) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        rows::mov_rx(cx, size, bits, source);
        rows::bswap_r(cx, size, swapped, bits);
        let amode = access(cx, data);
        rows::mov_mr(cx, size, swapped, amode);
    } else if let Some(imm) = stored_immediate(cx, value) {
        rule!(cx, "store.float_imm");
        let amode = access(cx, data);
        rows::mov_mi(cx, size, amode, imm);
    } else if let Some(bits) = bits_of(cx, value) {
        rule!(cx, "store.float_bits");
        let source = cx.put(bits);
        let amode = access(cx, data);
        rows::mov_mr(cx, size, source, amode);
    } else {
        let source = cx.put(value);
        let amode = access(cx, data);
        rows::movs_store(cx, size, source, amode);
    }
    Ok(())
}

/// A float constant as the immediate of an integer store.
fn stored_immediate(cx: &Cx, value: Value) -> Option<i32> {
    let bits = cx.float_constant(value)?;
    match cx.ty(value) {
        types::F32 => Some(bits as i32),
        _ => i32::try_from(bits as i64).ok(),
    }
}
