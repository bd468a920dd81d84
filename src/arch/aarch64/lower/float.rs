//! f32 and f64: arithmetic, signs and bits, loads, stores, constants.
//!
//! Constants are never kept in registers for long: zero and small numbers are immediates, those whose bits an integer
//! instruction makes come by way of an integer register, and the others are loaded from behind the code.

use super::super::address::constant_cost;
use super::super::operands::{Cond, FloatImmediate, OperandSize};
use super::super::regs::ZERO;
use super::super::rows;
use super::mem;
use super::operands::*;
use crate::ir::*;
use crate::lower::address::{access, sink_load};
use crate::lower::context::Unsupported;
use crate::lower::float::{bits_of, canonical, pool, strip_negations};
use crate::lower::vocabulary::Rematerialization;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

type Result = std::result::Result<(), Unsupported>;

/// The size of a float type.
pub fn size_of(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.bits())
}

// Constants.

/// The bits and size of an f32const or f64const.
fn constant_bits(data: &InstData) -> (OperandSize, u64) {
    match data.opcode {
        Opcode::F32const => (L, data.a as u64),
        _ => (Q, data.imm64()),
    }
}

/// How a constant's register is filled.
enum Making {
    Zero,
    Immediate(FloatImmediate),
    Integer,
    Load,
}

impl Making {
    fn of(size: OperandSize, bits: u64) -> Self {
        match FloatImmediate::new(bits, size) {
            _ if bits == 0 => Making::Zero,
            Some(immediate) => Making::Immediate(immediate),
            None if constant_cost(bits) == 1 => Making::Integer,
            None => Making::Load,
        }
    }
}

/// Whether constants are made where they are used.
pub fn rematerialization(data: &InstData) -> Rematerialization {
    let (size, bits) = constant_bits(data);
    match Making::of(size, bits) {
        Making::Zero | Making::Immediate(_) => Rematerialization::EachUse,
        Making::Integer | Making::Load => Rematerialization::Nearby,
    }
}

/// Makes the constant of an f32const or f64const in a register.
pub fn constant(cx: &mut Cx, d: VReg, data: &InstData) {
    let (size, bits) = constant_bits(data);
    constant_of(cx, size, d, bits);
}

fn constant_of(cx: &mut Cx, size: OperandSize, d: VReg, bits: u64) {
    match Making::of(size, bits) {
        Making::Zero => rows::movi_zero(cx, d),
        Making::Immediate(immediate) => rows::fmov_i(cx, size, d, immediate),
        Making::Integer => {
            let integer = cx.constant_register(bits);
            rows::fmov_fr(cx, size, d, integer);
        }
        Making::Load => {
            let amode = pool(cx, if size == L { types::F32 } else { types::F64 }, bits);
            rows::ldr_f(cx, size, d, amode);
        }
    }
}

/// `number`, which must be exact in the type, in a new register.
pub fn number(cx: &mut Cx, ty: Type, number: f64) -> VReg {
    let d = cx.tmp(RegClass::Float);
    constant_of(cx, size_of(ty), d, crate::lower::float::number_bits(ty, number));
    d
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
        _ => with_canonical_nan(cx, d, data.ty, |cx, d| arithmetic(cx, d, &data)),
    }
    Ok(())
}

/// What `compute` puts into the register it is given, with every NaN replaced by the same one if the settings
/// ask for that.
pub fn with_canonical_nan(cx: &mut Cx, d: VReg, ty: Type, compute: impl FnOnce(&mut Cx, VReg)) {
    canonical(cx, d, ty, compute, |cx, d, raw, nan| {
        let size = size_of(ty);
        let replacement = cx.tmp(RegClass::Float);
        rows::ldr_f(cx, size, replacement, nan);
        rows::fcmp(cx, size, raw, raw);
        rows::fcsel(cx, size, d, replacement, raw, Cond::Vs);
    });
}

fn arithmetic(cx: &mut Cx, d: VReg, data: &InstData) {
    use Opcode::*;
    let size = size_of(data.ty);
    if data.opcode == Fma {
        return multiply_add(cx, d, data);
    }
    let a = cx.put(Value(data.a));
    match data.opcode {
        Sqrt => return rows::fsqrt(cx, size, d, a),
        Ceil => return rows::frintp(cx, size, d, a),
        Floor => return rows::frintm(cx, size, d, a),
        Trunc => return rows::frintz(cx, size, d, a),
        Nearest => return rows::frintn(cx, size, d, a),
        _ => {}
    }
    let b = cx.put(Value(data.b));
    match data.opcode {
        Fadd => rows::fadd(cx, size, d, a, b),
        Fsub => rows::fsub(cx, size, d, a, b),
        Fmul => rows::fmul(cx, size, d, a, b),
        Fdiv => rows::fdiv(cx, size, d, a, b),
        Fmin => rows::fmin(cx, size, d, a, b),
        _ => rows::fmax(cx, size, d, a, b),
    }
}

fn multiply_add(cx: &mut Cx, d: VReg, data: &InstData) {
    let (mut x, mut y, mut z) = (Value(data.a), Value(data.b), Value(data.c));
    let negative_product = strip_negations(cx, &mut x) ^ strip_negations(cx, &mut y);
    let negative_addend = strip_negations(cx, &mut z);
    let size = size_of(data.ty);
    let [x, y, z] = [x, y, z].map(|value| cx.put(value));
    match (negative_product, negative_addend) {
        (false, false) => rows::fmadd(cx, size, d, x, y, z),
        (true, false) => rows::fmsub(cx, size, d, x, y, z),
        (true, true) => rows::fnmadd(cx, size, d, x, y, z),
        (false, true) => rows::fnmsub(cx, size, d, x, y, z),
    }
}

// Signs and bits.

/// fneg and fabs.
fn sign_operation(cx: &mut Cx, d: VReg, data: &InstData) {
    let size = size_of(data.ty);
    let source = Value(data.a);
    let a = cx.put(source);
    match data.opcode {
        Opcode::Fneg => rows::fneg(cx, size, d, a),
        _ => rows::fabs(cx, size, d, a),
    }
}

/// fcopysign: the magnitude of the first operand with the sign of the second.
fn copy_sign(cx: &mut Cx, d: VReg, data: &InstData) {
    let size = size_of(data.ty);
    let (magnitude, sign) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
    let bit = cx.tmp(RegClass::Float);
    rows::ushr_sign(cx, size, bit, sign);
    rows::sli_sign(cx, size, d, magnitude, bit);
}

/// band, bor, bxor and bnot of floats.
pub fn bitwise(cx: &mut Cx, inst: Inst) -> Result {
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
        _ => rows::eor_8b(cx, d, a, b),
    }
    Ok(())
}

/// bitselect of floats.
pub fn bit_select(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let [control, ones, zeros] = [data.a, data.b, data.c].map(|value| cx.put(Value(value)));
    rows::bsl_8b(cx, d, control, ones, zeros);
    Ok(())
}

// Memory.

/// load of a float.
pub fn load(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    if mem::load_two(cx, inst, &data) {
        return Ok(());
    }
    let size = size_of(data.ty);
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) {
        rows::ldr_f(cx, size, d, amode);
        return Ok(());
    }
    let (raw, bits) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::ldr(cx, size, raw, amode);
    rows::rev(cx, size, bits, raw);
    rows::fmov_fr(cx, size, d, bits);
    Ok(())
}

/// Whether a float's bits are in an integer register already, or all zero, when it is stored.
pub fn is_in_integer(cx: &Cx, value: Value) -> bool {
    cx.float_constant(value) == Some(0) || bits_of(cx, value).is_some()
}

/// store of a float.
pub fn store(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    if mem::store_two(cx, inst, &data) {
        return Ok(());
    }
    let value = Value(data.a);
    let size = size_of(cx.ty(value));
    let swaps = cx.swaps(&cx.mem_flags(&data));
    let bits = match cx.float_constant(value) {
        Some(0) => Some(ZERO),
        _ => bits_of(cx, value).map(|bits| put(cx, bits)),
    };
    let source = match bits {
        Some(bits) => {
            rule!(cx, "store.float_bits");
            bits
        }
        None if swaps => {
            let (source, bits) = (cx.put(value), cx.tmp(RegClass::Int));
            rows::fmov_rf(cx, size, bits, source);
            bits
        }
        None => {
            let source = cx.put(value);
            let amode = access(cx, &data);
            rows::str_f(cx, size, source, amode);
            return Ok(());
        }
    };
    let source = match swaps && source != ZERO {
        true => {
            let swapped = cx.tmp(RegClass::Int);
            rows::rev(cx, size, swapped, source);
            swapped
        }
        false => source,
    };
    let amode = access(cx, &data);
    rows::str(cx, size, source, amode);
    Ok(())
}

/// bitcast between integers and floats: a move or a load.
pub fn bitcast(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Value(data.a);
    let from = cx.ty(source);
    let size = size_of(from);
    if let Some(amode) = sink_load(cx, source, from) {
        rule!(cx, "bitcast.load");
        return match from.is_int() {
            true => rows::ldr_f(cx, size, d, amode),
            false => rows::ldr(cx, size, d, amode),
        };
    }
    match from.is_int() {
        true => {
            let source = put(cx, source);
            rows::fmov_fr(cx, size, d, source);
        }
        false => {
            let source = cx.put(source);
            rows::fmov_rf(cx, size, d, source);
        }
    }
}
