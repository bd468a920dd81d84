//! Conversions between integers and floats, between f32 and f64, and bitcasts.
//!
//! To an integer, `cvtt` gives the lowest integer for every operand out of range. So a trapping conversion
//! converts, checks whether the result can be right, and only if not checks the operand: to tell a NaN from
//! an overflow, and from a float that is the lowest integer. A saturating conversion to 32 or 64 signed bits
//! does the same to correct the result. To other types, it limits the operand first, to bounds that are exact
//! in f64; f32 operands of conversions to u32 are promoted.
//!
//! i128 is converted by library routines. Their results for operands out of range are not relied on.

use super::float;
use super::float::{Op, UnaryOp, op, unary_op};
use super::inputs::*;
use crate::arch::x86_64::operands::{Cond, Rm};
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::compare::{Comparisons, FlagTest};
use crate::lower::convert::{Conversions, FloatOperand};
use crate::lower::float::pool_number;
use crate::lower::vocabulary::Materialization;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size, exact_size};
use crate::rule;

/// Conversion of f32 to f64.
pub static PROMOTE: UnaryOp = unary_op!(fixed cvtss2sd_r vcvtss2sd_rm);
/// Conversion of f64 to f32.
pub static DEMOTE: UnaryOp = unary_op!(fixed cvtsd2ss_r vcvtsd2ss_rm);
/// Conversion of a signed integer to f32.
static SINGLE_FROM_INT: Op = op!(cvtsi2ss_rm vcvtsi2ss_rm);
/// Conversion of a signed integer to f64.
static DOUBLE_FROM_INT: Op = op!(cvtsi2sd_rm vcvtsi2sd_rm);

/// Lowers bitcast between integers and floats: a move or a load.
fn bitcast(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Value(data.a);
    let from = cx.ty(source);
    let size = exact_size(from);
    if let Some(amode) = sink_load(cx, source, from) {
        rule!(cx, "bitcast.load");
        if from.is_int() {
            rows::movs_load(cx, size, d, amode);
        } else {
            rows::mov_rm(cx, size, d, amode);
        }
        return;
    }
    let source = cx.put(source);
    if from.is_int() {
        rows::mov_xr(cx, size, d, source);
    } else {
        rows::mov_rx(cx, size, d, source);
    }
}

/// Converts a signed integer to a `ty`. The register is cleared first, because the instruction keeps its
/// upper part.
pub fn convert_signed(cx: &mut Cx, d: VReg, ty: Type, size: OperandSize, source: Rm) {
    let zero = cx.tmp(RegClass::Float);
    rows::zero_x(cx, zero);
    let op = if ty == types::F32 { &SINGLE_FROM_INT } else { &DOUBLE_FROM_INT };
    op.push(cx, size, d, zero, source);
}

/// Converts a signed integer of at most 64 bits to a float.
fn from_signed(cx: &mut Cx, d: VReg, source: Value, ty: Type) {
    let from = cx.ty(source);
    let operand = match from.bits() {
        8 | 16 => Rm::Reg(put_extended_to_32(cx, source, true)),
        32 | 64 => reg_mem(cx, source),
        other => unexpected(other),
    };
    convert_signed(cx, d, ty, alu_size(from), operand);
}

/// Converts an unsigned integer of at most 64 bits to a float.
fn from_unsigned(cx: &mut Cx, d: VReg, source: Value, ty: Type) {
    match cx.ty(source) {
        types::I8 | types::I16 => {
            let source = put_extended_to_32(cx, source, false);
            convert_signed(cx, d, ty, L32, Rm::Reg(source));
        }
        types::I32 => {
            let source = zero_extended(cx, source);
            convert_signed(cx, d, ty, Q64, Rm::Reg(source));
        }
        types::I64 if cx.def_by(source, Opcode::Uextend).is_some() => {
            rule!(cx, "fcvt_from_uint.extended");
            let source = cx.put(source);
            convert_signed(cx, d, ty, Q64, Rm::Reg(source));
        }
        types::I64 => {
            let source = cx.put(source);
            convert_unsigned(cx, d, ty, source);
        }
        other => unexpected(other),
    }
}

/// Converts an unsigned integer of 64 bits to a float.
fn convert_unsigned(cx: &mut Cx, d: VReg, ty: Type, source: VReg) {
    let half = cx.tmp(RegClass::Int);
    rows::cvtui2s(cx, exact_size(ty), d, half, source);
}

/// Asks for an i32, zero-extended to 64 bits.
fn zero_extended(cx: &mut Cx, value: Value) -> VReg {
    if cx.zero_extends(value) {
        return cx.put(value);
    }
    let source = reg_mem(cx, value);
    let extended = cx.tmp(RegClass::Int);
    rows::mov_rm(cx, L32, extended, source);
    extended
}

/// A float that is converted to an integer.
#[derive(Clone, Copy)]
struct FloatSource {
    register: VReg,
    ty: Type,
    size: OperandSize,
}

impl FloatSource {
    fn of(FloatOperand { register, ty }: FloatOperand) -> Self {
        FloatSource { register, ty, size: exact_size(ty) }
    }

    /// Pushes the conversion to a signed integer.
    fn convert(self, cx: &mut Cx, size: OperandSize, d: VReg) {
        match self.size {
            L32 => rows::cvttss2si_rm(cx, size, d, self.register),
            Q64 => rows::cvttsd2si_rm(cx, size, d, self.register),
            other => unexpected(other),
        }
    }

    fn converted(self, cx: &mut Cx, size: OperandSize) -> VReg {
        let d = cx.tmp(RegClass::Int);
        self.convert(cx, size, d);
        d
    }

    /// Applies an operation to the float.
    fn apply(self, cx: &mut Cx, op: &Op, operand: impl Into<Rm>) -> Self {
        FloatSource { register: op.value(cx, self.size, self.register, operand), ..self }
    }

    /// Converts the float to f64, if it is not one.
    fn promoted(self, cx: &mut Cx) -> Self {
        match self.size {
            L32 => {
                let register = cx.tmp(RegClass::Float);
                PROMOTE.push(cx, Q64, register, self.register);
                FloatSource { register, ty: types::F64, size: Q64 }
            }
            Q64 => self,
            other => unexpected(other),
        }
    }

    /// Replaces a NaN or a negative float by 0.
    fn not_negative(self, cx: &mut Cx) -> Self {
        let zero = cx.tmp(RegClass::Float);
        rows::zero_x(cx, zero);
        // If an operand is a NaN, the instruction gives the second operand.
        self.apply(cx, &float::GREATER, zero)
    }

    /// Limits the float to `bound`, which must be exact in its type.
    fn at_most(self, cx: &mut Cx, bound: f64) -> Self {
        let bound = pool_number(cx, self.ty, bound);
        self.apply(cx, &float::LESSER, bound)
    }

    /// Compares the float with `number`, which must be exact in its type.
    fn compare(self, cx: &mut Cx, number: f64) {
        let number = pool_number(cx, self.ty, number);
        rows::ucomis_rm(cx, self.size, self.register, number);
    }

    /// Traps if a condition holds, unless the float is `valid`.
    fn trap_if(self, cx: &mut Cx, cond: Cond, valid: f64) {
        let valid = pool_number(cx, self.ty, valid);
        rows::trap_conversion(cx, self.size, self.register, valid, cond);
    }
}

/// 2^63.
const TWO_63: f64 = (1u64 << 63) as f64;

/// Converts to an integer; traps if it does not fit. See [`Conversions::to_int_or_trap`].
fn to_int_or_trap(cx: &mut Cx, d: VReg, data: &InstData, source: FloatSource) {
    let signed = data.opcode == Opcode::FcvtToSint;
    match (data.ty, signed) {
        (types::I64, true) => {
            source.convert(cx, Q64, d);
            // Only the lowest integer overflows when 1 is subtracted.
            rows::cmp_mi(cx, Q64, d, 1);
            source.trap_if(cx, Cond::O, -TWO_63);
        }
        (types::I64, false) => {
            let (direct, reduced) = convert_halves(cx, source);
            rows::test_mr(cx, Q64, direct, reduced);
            source.trap_if(cx, Cond::S, 0.0);
            join_halves(cx, d, direct, reduced);
        }
        (ty @ (types::I8 | types::I16 | types::I32), _) => {
            // Convert to a wider integer, and check that the extension of its low part is the whole.
            let size = if ty == types::I32 { Q64 } else { L32 };
            let whole = source.converted(cx, size);
            match (ty, signed) {
                (types::I8, true) => rows::movsb_rm(cx, L32, d, whole),
                (types::I8, false) => rows::movzb_rm(cx, L32, d, whole),
                (types::I16, true) => rows::movsw_rm(cx, L32, d, whole),
                (types::I16, false) => rows::movzw_rm(cx, L32, d, whole),
                (types::I32, true) => rows::movslq_rm(cx, d, whole),
                (types::I32, false) => rows::mov_rm(cx, L32, d, whole),
                (other, _) => unexpected(other),
            }
            rows::cmp_rm(cx, size, d, whole);
            // 0 always fits, so it did not make the comparison fail.
            source.trap_if(cx, Cond::Ne, 0.0);
        }
        (other, _) => unexpected(other),
    }
}

/// Converts the operand, and the operand minus 2^63, to signed integers. If the operand is in the range of
/// u64, the first is the result if it is not negative, and else the second with its top bit set. If the
/// operand is out of range, both are negative.
fn convert_halves(cx: &mut Cx, source: FloatSource) -> (VReg, VReg) {
    static SUBTRACT: Op = op!(subs_rm vsubs_rm);
    let direct = source.converted(cx, Q64);
    let offset = pool_number(cx, source.ty, TWO_63);
    let reduced = source.apply(cx, &SUBTRACT, offset).converted(cx, Q64);
    (direct, reduced)
}

/// Joins the results of [`convert_halves`] to an unsigned integer. A negative `direct` has just the top bit
/// set. Returns `reduced` if `direct` is negative, else 0.
fn join_halves(cx: &mut Cx, d: VReg, direct: VReg, reduced: VReg) -> VReg {
    let [sign, upper] = [(); 2].map(|()| cx.tmp(RegClass::Int));
    rows::sar_ri(cx, Q64, sign, direct, 63);
    rows::and_rm(cx, Q64, upper, sign, reduced);
    rows::or_rm(cx, Q64, d, direct, upper);
    upper
}

/// Lowers fcvt_to_sint_sat to at most 64 bits.
fn to_signed_saturated(cx: &mut Cx, d: VReg, data: &InstData, source: FloatSource) {
    let bits = data.ty.bits();
    if bits >= 32 {
        rule!(cx, "fcvt_to_sint_sat.corrected");
        let size = exact_size(data.ty);
        let converted = source.converted(cx, size);
        let zero = pool_number(cx, source.ty, 0.0);
        match source.size {
            L32 => rows::saturate_ss(cx, size, d, converted, source.register, zero),
            Q64 => rows::saturate_sd(cx, size, d, converted, source.register, zero),
            other => unexpected(other),
        }
        return;
    }
    rule!(cx, "fcvt_to_sint_sat.limited");
    let limit = (1u32 << (bits - 1)) as f64;
    let ordered = float::MASK_ORDERED.value(cx, source.size, source.register, source.register);
    let low = pool_number(cx, source.ty, -limit);
    source
        .apply(cx, &float::AND, ordered)
        .apply(cx, &float::GREATER, low)
        .at_most(cx, limit - 1.0)
        .convert(cx, L32, d);
}

/// Lowers fcvt_to_uint_sat to at most 64 bits.
fn to_unsigned_saturated(cx: &mut Cx, d: VReg, data: &InstData, source: FloatSource) {
    let source = source.not_negative(cx);
    match data.ty {
        types::I8 => source.at_most(cx, u8::MAX as f64).convert(cx, L32, d),
        types::I16 => source.at_most(cx, u16::MAX as f64).convert(cx, L32, d),
        types::I32 => {
            source.promoted(cx).at_most(cx, u32::MAX as f64).convert(cx, Q64, d);
        }
        types::I64 => {
            let (direct, reduced) = convert_halves(cx, source);
            let [joined, overflow] = [(); 2].map(|()| cx.tmp(RegClass::Int));
            let upper = join_halves(cx, joined, direct, reduced);
            rows::sar_ri(cx, Q64, overflow, upper, 63);
            rows::or_rm(cx, Q64, d, joined, overflow);
        }
        other => unexpected(other),
    }
}

impl Conversions for X86_64 {
    fn bitcast(cx: &mut Cx, d: VReg, data: &InstData) {
        bitcast(cx, d, data);
    }

    fn change_precision(cx: &mut Cx, d: VReg, data: &InstData) {
        float::canonical(cx, d, data.ty, |cx, d| {
            let a = cx.put(Value(data.a));
            let op = if data.opcode == Opcode::Fpromote { &PROMOTE } else { &DEMOTE };
            op.push(cx, Q64, d, a);
        });
    }

    fn from_int(cx: &mut Cx, d: VReg, data: &InstData, to: Type) {
        let source = Value(data.a);
        match data.opcode {
            Opcode::FcvtFromSint => from_signed(cx, d, source, to),
            Opcode::FcvtFromUint => from_unsigned(cx, d, source, to),
            other => unexpected(other),
        }
    }

    fn from_int_register(cx: &mut Cx, d: VReg, a: VReg, (from, signed): (Type, bool), to: Type) {
        match signed {
            true => convert_signed(cx, d, to, alu_size(from), Rm::Reg(a)),
            false => convert_unsigned(cx, d, to, a),
        }
    }

    fn to_int_or_trap(cx: &mut Cx, d: VReg, data: &InstData, float: FloatOperand) {
        to_int_or_trap(cx, d, data, FloatSource::of(float));
    }

    fn to_int_saturated(cx: &mut Cx, d: VReg, data: &InstData, float: FloatOperand) {
        let source = FloatSource::of(float);
        match data.opcode {
            Opcode::FcvtToSintSat => to_signed_saturated(cx, d, data, source),
            Opcode::FcvtToUintSat => to_unsigned_saturated(cx, d, data, source),
            other => unexpected(other),
        }
    }

    fn trap_if(cx: &mut Cx, float: VReg, ty: Type, cc: FloatCc, number: f64, code: TrapCode) {
        let cond = compare_number(cx, float, ty, cc, number);
        Self::trap_on(cx, FlagTest::One(cond), code);
    }

    fn select_if(
        cx: &mut Cx,
        float: VReg,
        ty: Type,
        (cc, number): (FloatCc, f64),
        chosen: u64,
        other: VReg,
    ) -> VReg {
        let [d, constant] = [(); 2].map(|()| cx.tmp(RegClass::Int));
        X86_64::make_bits(cx, constant, chosen);
        let cond = compare_number(cx, float, ty, cc, number);
        rows::cmov_rm(cx, Q64, d, other, constant, cond);
        d
    }
}

/// Compares a float with a number that is exact in its type; returns the condition for `cc`.
fn compare_number(cx: &mut Cx, float: VReg, ty: Type, cc: FloatCc, number: f64) -> Cond {
    FloatSource::of(FloatOperand { register: float, ty }).compare(cx, number);
    match cc {
        FloatCc::Unordered => Cond::P,
        FloatCc::GreaterThanOrEqual => Cond::Ae,
        FloatCc::UnorderedOrLessThan => Cond::B,
        _ => Cond::Be,
    }
}
