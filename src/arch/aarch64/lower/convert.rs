//! Conversions between integers and floats, between f32 and f64, and bitcasts.
//!
//! Conversions to integers saturate, and give 0 for a NaN. A trapping conversion checks for a NaN first.
//! Then, to at most 32 bits, it converts to a wider integer and checks that the extension of the low part is
//! the whole; to 64 bits, it compares the operand with the bounds.

use super::compare::{Test, float_test};
use super::constant::number_register;
use super::float;
use super::inputs::*;
use super::select::move_by_flags;
use crate::arch::aarch64::operands::Cond;
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::compare::{Comparisons, FlagTest};
use crate::lower::convert::{Conversions, FloatOperand};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size, exact_size};
use crate::rule;

/// Converts an integer of at most 64 bits to a float.
fn from_int(cx: &mut Cx, d: VReg, data: &InstData, to: Type) {
    let source = Value(data.a);
    let signed = data.opcode == Opcode::FcvtFromSint;
    let from = cx.ty(source);
    let register = put_extended_to_32(cx, source, signed);
    from_int_register(cx, d, register, (from, signed), to);
}

/// Converts an integer in a register, extended to 32 bits, to a float.
fn from_int_register(cx: &mut Cx, d: VReg, register: VReg, (from, signed): (Type, bool), to: Type) {
    let size = exact_size(to);
    match (from == types::I64, signed) {
        (false, true) => rows::scvtf_w(cx, size, d, register),
        (true, true) => rows::scvtf_x(cx, size, d, register),
        (false, false) => rows::ucvtf_w(cx, size, d, register),
        (true, false) => rows::ucvtf_x(cx, size, d, register),
    }
}

/// A float that is converted to an integer.
#[derive(Clone, Copy)]
struct FloatSource {
    register: VReg,
    ty: Type,
}

impl FloatSource {
    fn of(FloatOperand { register, ty }: FloatOperand) -> Self {
        FloatSource { register, ty }
    }

    /// Pushes the saturating conversion to an integer of `size`.
    fn convert(self, cx: &mut Cx, size: OperandSize, d: VReg, signed: bool) {
        match (self.ty, signed) {
            (types::F32, true) => rows::fcvtzs_s(cx, size, d, self.register),
            (types::F32, false) => rows::fcvtzu_s(cx, size, d, self.register),
            (types::F64, true) => rows::fcvtzs_d(cx, size, d, self.register),
            (types::F64, false) => rows::fcvtzu_d(cx, size, d, self.register),
            (other, _) => unexpected(other),
        }
    }

    /// Compares the float with a number that is exact in its type.
    fn compare(self, cx: &mut Cx, with: f64) {
        if with == 0.0 {
            return rows::fcmp_z(cx, exact_size(self.ty), self.register);
        }
        let bound = number_register(cx, self.ty, with);
        rows::fcmp(cx, exact_size(self.ty), self.register, bound);
    }
}

/// Converts to an integer; traps if it does not fit. See [`Conversions::to_int_or_trap`].
fn to_int_or_trap(cx: &mut Cx, d: VReg, data: &InstData, source: FloatSource) {
    let signed = data.opcode == Opcode::FcvtToSint;
    rows::fcmp(cx, exact_size(source.ty), source.register, source.register);
    Aarch64::trap_on(cx, Test::one(Cond::Vs), TrapCode::BAD_CONVERSION_TO_INTEGER);
    if data.ty == types::I64 {
        check_bounds(cx, source, signed);
        Aarch64::trap_on(cx, Test::one(Cond::Ge), TrapCode::INTEGER_OVERFLOW);
        return source.convert(cx, Q64, d, signed);
    }
    let size = if data.ty == types::I32 { Q64 } else { L32 };
    source.convert(cx, size, d, true);
    CMP.flags(cx, size, d, Input::Extended(d, extension(data.ty, signed), 0));
    Aarch64::trap_on(cx, Test::one(Cond::Ne), TrapCode::INTEGER_OVERFLOW);
}

/// Sets the flags so that `ge` holds if a float that is not a NaN is out of the range of a 64-bit integer.
fn check_bounds(cx: &mut Cx, source: FloatSource, signed: bool) {
    const TWO_63: f64 = (1u64 << 63) as f64;
    let (lower, inside, upper) = match signed {
        true => (-TWO_63, Cond::Ge, TWO_63),
        false => (-1.0, Cond::Gt, 2.0 * TWO_63),
    };
    let [lower, upper] = [lower, upper].map(|bound| number_register(cx, source.ty, bound));
    let size = exact_size(source.ty);
    rows::fcmp(cx, size, source.register, lower);
    // `ge` holds if no flag is set.
    rows::fccmp(cx, size, source.register, upper, 0, inside);
}

/// Converts to the nearest integer in range. See [`Conversions::to_int_saturated`].
fn to_int_saturated(cx: &mut Cx, d: VReg, data: &InstData, source: FloatSource) {
    let signed = data.opcode == Opcode::FcvtToSintSat;
    let bits = data.ty.bits();
    if bits >= 32 {
        return source.convert(cx, alu_size(data.ty), d, signed);
    }
    rule!(cx, "fcvt_to_int_sat.narrow");
    let whole = cx.tmp(RegClass::Int);
    source.convert(cx, L32, whole, signed);
    let greatest = if signed { (1 << (bits - 1)) - 1 } else { (1 << bits) - 1 };
    if !signed {
        return limit(cx, d, whole, greatest, Cond::Lo);
    }
    let limited = cx.tmp(RegClass::Int);
    limit(cx, limited, whole, greatest, Cond::Lt);
    limit(cx, d, limited, -greatest - 1, Cond::Gt);
}

/// `d = a`, a 32-bit integer, if `cond` holds of its comparison with `bound`, else `bound`.
fn limit(cx: &mut Cx, d: VReg, a: VReg, bound: i32, cond: Cond) {
    let bound = cx.constant_register(bound as u32 as u64);
    CMP.flags(cx, L32, a, bound);
    rows::csel(cx, L32, d, a, bound, cond);
}

impl Conversions for Aarch64 {
    fn bitcast(cx: &mut Cx, d: VReg, data: &InstData) {
        bitcast(cx, d, data);
    }

    fn change_precision(cx: &mut Cx, d: VReg, data: &InstData) {
        float::canonical(cx, d, data.ty, |cx, d| {
            let a = cx.put(Value(data.a));
            match data.opcode {
                Opcode::Fpromote => rows::fcvt_sd(cx, d, a),
                Opcode::Fdemote => rows::fcvt_ds(cx, d, a),
                other => unexpected(other),
            }
        });
    }

    fn from_int(cx: &mut Cx, d: VReg, data: &InstData, to: Type) {
        from_int(cx, d, data, to);
    }

    fn from_int_register(cx: &mut Cx, d: VReg, a: VReg, from: (Type, bool), to: Type) {
        from_int_register(cx, d, a, from, to);
    }

    fn to_int_or_trap(cx: &mut Cx, d: VReg, data: &InstData, float: FloatOperand) {
        to_int_or_trap(cx, d, data, FloatSource::of(float));
    }

    fn to_int_saturated(cx: &mut Cx, d: VReg, data: &InstData, float: FloatOperand) {
        to_int_saturated(cx, d, data, FloatSource::of(float));
    }

    fn trap_if(cx: &mut Cx, float: VReg, ty: Type, cc: FloatCc, number: f64, code: TrapCode) {
        FloatSource { register: float, ty }.compare(cx, number);
        if let FlagTest::One(cond) = float_test(cc) {
            Self::trap_on(cx, Test::one(cond), code);
        }
    }

    fn select_if(
        cx: &mut Cx,
        float: VReg,
        ty: Type,
        (cc, number): (FloatCc, f64),
        chosen: u64,
        other: VReg,
    ) -> VReg {
        let d = cx.tmp(RegClass::Int);
        let chosen = if chosen == 0 { ZERO } else { cx.constant_register(chosen) };
        FloatSource { register: float, ty }.compare(cx, number);
        move_by_flags(cx, Q64, d, float_test(cc), chosen, other);
        d
    }
}

/// Lowers bitcast between integers and floats: a move or a load.
fn bitcast(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Value(data.a);
    let from = cx.ty(source);
    let size = exact_size(from);
    if let Some(amode) = sink_load(cx, source, from) {
        rule!(cx, "bitcast.load");
        return match from.is_int() {
            true => rows::ldr_f(cx, size, d, amode),
            false => rows::ldr(cx, size, d, amode),
        };
    }
    match from.is_int() {
        true => {
            let source = put_or_zero(cx, source);
            rows::fmov_fr(cx, size, d, source);
        }
        false => {
            let source = cx.put(source);
            rows::fmov_rf(cx, size, d, source);
        }
    }
}
