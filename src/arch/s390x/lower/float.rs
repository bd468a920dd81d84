//! f32 and f64: arithmetic, comparison, selection, loads, stores, constants.
//!
//! Most operations overwrite their first operand and can have the second in memory; they have a longer
//! form, of a vector register's first element, with a destination of its own. An `Op` is all three. A
//! register has an f32 in its leftmost bits, so that operations on signs are the same for both types.
//!
//! Zero is made in a register; the other constants are memory operands in the constant pool.

use super::super::cond::Cond;
use super::super::rows;
use super::compare::{self, Test};
use super::operands::*;
use crate::ir::*;
use crate::lower::address::{access, access_as};
use crate::lower::condition::ConditionCode;
use crate::lower::context::Unsupported;
use crate::lower::float::{self as shared, *};
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// An operation `d = a op b`.
struct Op {
    /// In the register of `a`.
    rr: fn(&mut Cx<'_>, OperandSize, VReg, VReg, VReg),
    /// In the register of `a`, with `b` in memory.
    rm: fn(&mut Cx<'_>, OperandSize, VReg, VReg, Amode),
    /// In a register of its own.
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

static ADD: Op = op!(fadd_rr fadd_rm fadd_rrr);
static SUBTRACT: Op = op!(fsub_rr fsub_rm fsub_rrr);
static MULTIPLY: Op = op!(fmul_rr fmul_rm fmul_rrr);
static DIVIDE: Op = op!(fdiv_rr fdiv_rm fdiv_rrr);

/// Makes the constant of an f32const or f64const in a register.
pub fn constant(cx: &mut Cx, d: VReg, data: &InstData) {
    let (ty, bits) = match data.opcode {
        Opcode::F32const => (types::F32, data.a as u64),
        _ => (types::F64, data.imm64()),
    };
    if bits == 0 {
        rows::fzero(cx, exact_size(ty), d);
        return;
    }
    let source = pool(cx, ty, bits);
    rows::fl_rm(cx, exact_size(ty), d, source);
}

// Arithmetic.

/// All arithmetic on one type.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    match data.opcode {
        Fneg | Fabs => sign_operation(cx, d, &data),
        Fcopysign => {
            let (magnitude, sign) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
            rows::fcopysign(cx, d, magnitude, sign);
        }
        _ => canonical(cx, d, data.ty, |cx, d| arithmetic(cx, d, &data)),
    }
    Ok(())
}

/// See [`shared::canonical`].
pub fn canonical(cx: &mut Cx, d: VReg, ty: Type, compute: impl FnOnce(&mut Cx, VReg)) {
    let replace = |cx: &mut Cx, d, raw, nan| rows::canonical_nan(cx, exact_size(ty), d, raw, nan);
    shared::canonical(cx, d, ty, compute, replace);
}

fn arithmetic(cx: &mut Cx, d: VReg, data: &InstData) {
    use Opcode::*;
    let size = exact_size(data.ty);
    let (a, b) = (Value(data.a), Value(data.b));
    let round = match data.opcode {
        Fadd => return commutative(cx, &ADD, d, data),
        Fmul => return commutative(cx, &MULTIPLY, d, data),
        Fsub => return binary(cx, &SUBTRACT, d, a, b),
        Fdiv => return binary(cx, &DIVIDE, d, a, b),
        Sqrt => return square_root(cx, size, d, a),
        Fma => return multiply_add(cx, d, data),
        Fmin | Fmax => {
            let (a, b) = (cx.put(a), cx.put(b));
            match data.opcode {
                Fmin => rows::fmin_rrr(cx, size, d, a, b),
                _ => rows::fmax_rrr(cx, size, d, a, b),
            }
            return;
        }
        Ceil => rows::fceil,
        Floor => rows::ffloor,
        Trunc => rows::ftrunc,
        _ => rows::fnearest,
    };
    let a = cx.put(a);
    round(cx, size, d, a);
}

fn binary(cx: &mut Cx, op: &Op, d: VReg, a: Value, b: Value) {
    let size = exact_size(cx.ty(a));
    if let Some(b) = memory_operand(cx, b, true) {
        let a = cx.put(a);
        (op.rm)(cx, size, d, a, b);
        return;
    }
    let overwritten = cx.dies_here(a);
    let (a, b) = (cx.put(a), cx.put(b));
    if overwritten {
        (op.rr)(cx, size, d, a, b);
    } else {
        rule!(cx, "float.three_operands");
        (op.rrr)(cx, size, d, a, b);
    }
}

fn commutative(cx: &mut Cx, op: &Op, d: VReg, data: &InstData) {
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    binary(cx, op, d, a, b);
}

fn square_root(cx: &mut Cx, size: OperandSize, d: VReg, a: Value) {
    match memory_operand(cx, a, true) {
        Some(m) => rows::fsqrt_rm(cx, size, d, m),
        None => {
            let a = cx.put(a);
            rows::fsqrt_rr(cx, size, d, a);
        }
    }
}

/// The product is negated by one of its operands: the instruction that does it itself negates the sum as well, zero
/// included.
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

// Signs and bits.

/// fneg and fabs.
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
        _ => rows::fabs(cx, d, a),
    }
}

/// band, bor, bxor and bnot of floats.
pub fn bitwise(cx: &mut Cx, inst: Inst) -> Result {
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
        _ => rows::vx(cx, d, a, b),
    }
    Ok(())
}

/// bitselect of floats.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    rows::vsel(cx, d, ones, zeros, control);
    Ok(())
}

// Comparison and selection.

/// The condition after a comparison of floats: equal, low, high, or code 3 if they are not ordered.
pub fn float_cond(cc: FloatCc) -> Cond {
    use FloatCc::*;
    match cc {
        Ordered => Cond::Elh,
        Unordered => Cond::O,
        Equal => Cond::E,
        NotEqual => Cond::Lho,
        OrderedNotEqual => Cond::Lh,
        UnorderedOrEqual => Cond::Eo,
        LessThan => Cond::L,
        UnorderedOrGreaterThanOrEqual => Cond::Eho,
        LessThanOrEqual => Cond::El,
        UnorderedOrGreaterThan => Cond::Ho,
        GreaterThan => Cond::H,
        UnorderedOrLessThanOrEqual => Cond::Elo,
        GreaterThanOrEqual => Cond::Eh,
        UnorderedOrLessThan => Cond::Lo,
    }
}

/// Compares two floats; `may_fold` says that loads may be taken in.
pub fn compare(cx: &mut Cx, cc: FloatCc, a: Value, b: Value, may_fold: bool) -> Test {
    let size = exact_size(cx.ty(a));
    for (cc, a, b) in [(cc, a, b), (cc.swap_args(), b, a)] {
        if let Some(b) = memory_operand(cx, b, may_fold) {
            let a = cx.put(a);
            rows::fcmp_rm(cx, size, a, b);
            return Test::Code(float_cond(cc));
        }
    }
    let (a, b) = (cx.put(a), cx.put(b));
    rows::fcmp_rr(cx, size, a, b);
    Test::Code(float_cond(cc))
}

/// select of floats.
pub fn select(cx: &mut Cx, data: &InstData, d: VReg) -> Result {
    let (condition, chosen, other) = (Value(data.a), Value(data.b), Value(data.c));
    let size = exact_size(data.ty);
    if let Some(comparison) = selecting_comparison(cx, data)
        && let Some(Extreme { lesser, a, b }) = extreme(comparison, chosen, other)
    {
        rule!(cx, "select.float_extreme");
        let (a, b) = (cx.put(a), cx.put(b));
        match lesser {
            true => rows::flesser(cx, size, d, a, b),
            false => rows::fgreater(cx, size, d, a, b),
        }
        return Ok(());
    }
    // The one that is not needed any more is overwritten.
    let exchanged = cx.dies_here(chosen) && !cx.dies_here(other);
    let (chosen, other) = (cx.put(chosen), cx.put(other));
    let cond = compare::condition(cx, condition).code(cx);
    match exchanged {
        true => rows::select_x(cx, size, d, chosen, other, cond.complement()),
        false => rows::select_x(cx, size, d, other, chosen, cond),
    }
    Ok(())
}

// Memory.

/// Brings the bits of a float from a general register.
pub fn from_bits(cx: &mut Cx, d: VReg, bits: VReg, ty: Type) {
    match ty {
        types::F32 => rows::vlvgf(cx, d, bits),
        _ => rows::ldgr(cx, d, bits),
    }
}

/// Brings the bits of a float to a general register.
pub fn to_bits(cx: &mut Cx, d: VReg, source: VReg, ty: Type) {
    match ty {
        types::F32 => rows::vlgvf(cx, d, source),
        _ => rows::lgdr(cx, d, source),
    }
}

/// Loads a float, whose bytes are in reverse order if `swapped`.
pub fn load(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let ty = data.ty;
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) {
        rows::fl_rm(cx, exact_size(ty), d, amode);
        return Ok(());
    }
    let bits = cx.tmp(RegClass::Int);
    rows::lrv_rm(cx, exact_size(ty), bits, amode);
    from_bits(cx, d, bits, ty);
    Ok(())
}

/// store of a float.
pub fn store(cx: &mut Cx, inst: Inst) -> Result {
    let data = &cx.f.insts[inst];
    let value = Value(data.a);
    let ty = cx.ty(value);
    let size = exact_size(ty);
    let swaps = cx.swaps(&cx.mem_flags(data));
    if let Some(bits) = bits_of(cx, value) {
        rule!(cx, "store.float_bits");
        let source = cx.put(bits);
        let amode = access(cx, data);
        match swaps {
            true => rows::strv_mr(cx, size, source, amode),
            false => rows::st_mr(cx, size, source, amode),
        }
    } else if swaps {
        let source = cx.put(value);
        let bits = cx.tmp(RegClass::Int);
        to_bits(cx, bits, source, ty);
        let amode = access(cx, data);
        rows::strv_mr(cx, size, bits, amode);
    } else if cx.float_constant(value) == Some(0) && is_short(data.address().1) {
        rule!(cx, "store.float_zero");
        let amode = access_as(cx, &SHORT, data);
        rows::mvi_mi(cx, size, amode, 0);
    } else {
        let source = cx.put(value);
        let amode = access(cx, data);
        rows::fst_mr(cx, size, source, amode);
    }
    Ok(())
}
