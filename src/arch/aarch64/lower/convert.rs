//! Conversions between integers and floats, between f32 and f64, and bitcasts.
//!
//! From float to integer, instructions saturate, and make 0 of a NaN. A trapping conversion looks for a NaN first. Then, to
//! at most 32 bits, it converts to more and sees whether the extension of the low part is the whole; to 64
//! bits, it compares the operand with the bounds.

use super::super::Aarch64;
use super::super::operands::{Cond, OperandSize};
use super::super::regs::ZERO;
use super::super::rows;
use super::compare::{float_test, trap_on_flags};
use super::float::{self, number, size_of};
use super::operands::{CMP, Cx, L, Q, Source as Operand, alu_size, extension, put_extended};
use super::select::move_if;
use crate::ir::*;
use crate::lower::condition::Test;
use crate::lower::convert::Conversions;
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// A float from an integer of at most 64 bits.
fn from_int(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Value(data.a);
    let signed = data.opcode == Opcode::FcvtFromSint;
    let from = cx.ty(source);
    let register = put_extended(cx, source, signed);
    let size = size_of(data.ty);
    match (from == types::I64, signed) {
        (false, true) => rows::scvtf_w(cx, size, d, register),
        (true, true) => rows::scvtf_x(cx, size, d, register),
        (false, false) => rows::ucvtf_w(cx, size, d, register),
        (true, false) => rows::ucvtf_x(cx, size, d, register),
    }
}

/// A float that is to become an integer.
#[derive(Clone, Copy)]
struct Source {
    register: VReg,
    ty: Type,
}

impl Source {
    fn of(cx: &mut Cx, value: Value) -> Self {
        Source { register: cx.put(value), ty: cx.ty(value) }
    }

    /// Pushes the conversion to an integer of `size`, which saturates.
    fn convert(self, cx: &mut Cx, size: OperandSize, d: VReg, signed: bool) {
        match (self.ty, signed) {
            (types::F32, true) => rows::fcvtzs_s(cx, size, d, self.register),
            (types::F32, false) => rows::fcvtzu_s(cx, size, d, self.register),
            (_, true) => rows::fcvtzs_d(cx, size, d, self.register),
            (_, false) => rows::fcvtzu_d(cx, size, d, self.register),
        }
    }

    /// Sets the flags by comparing it with a number that is exact in its type.
    fn compare(self, cx: &mut Cx, with: f64) {
        if with == 0.0 {
            return rows::fcmp_z(cx, size_of(self.ty), self.register);
        }
        let bound = number(cx, self.ty, with);
        rows::fcmp(cx, size_of(self.ty), self.register, bound);
    }
}

/// See [`Conversions::to_int_or_trap`].
fn to_int_or_trap(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Source::of(cx, Value(data.a));
    let signed = data.opcode == Opcode::FcvtToSint;
    rows::fcmp(cx, size_of(source.ty), source.register, source.register);
    trap_on_flags(cx, Cond::Vs, TrapCode::BAD_CONVERSION_TO_INTEGER);
    if data.ty == types::I64 {
        check_bounds(cx, source, signed);
        trap_on_flags(cx, Cond::Ge, TrapCode::INTEGER_OVERFLOW);
        return source.convert(cx, Q, d, signed);
    }
    let size = if data.ty == types::I32 { Q } else { L };
    source.convert(cx, size, d, true);
    CMP.flags(cx, size, d, Operand::Extended(d, extension(data.ty, signed), 0));
    trap_on_flags(cx, Cond::Ne, TrapCode::INTEGER_OVERFLOW);
}

/// Sets the flags so that `ge` holds if a float, no NaN, is not in the range of an integer of 64 bits.
fn check_bounds(cx: &mut Cx, source: Source, signed: bool) {
    const TWO_63: f64 = (1u64 << 63) as f64;
    let (lower, inside, upper) = match signed {
        true => (-TWO_63, Cond::Ge, TWO_63),
        false => (-1.0, Cond::Gt, 2.0 * TWO_63),
    };
    let [lower, upper] = [lower, upper].map(|bound| number(cx, source.ty, bound));
    let size = size_of(source.ty);
    rows::fcmp(cx, size, source.register, lower);
    // With no flag set, `ge` holds.
    rows::fccmp(cx, size, source.register, upper, 0, inside);
}

/// See [`Conversions::to_int_saturated`].
fn to_int_saturated(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Source::of(cx, Value(data.a));
    let signed = data.opcode == Opcode::FcvtToSintSat;
    let bits = data.ty.bits();
    if bits >= 32 {
        return source.convert(cx, alu_size(data.ty), d, signed);
    }
    rule!(cx, "fcvt_to_int_sat.narrow");
    let whole = cx.tmp(RegClass::Int);
    source.convert(cx, L, whole, signed);
    let greatest = if signed { (1 << (bits - 1)) - 1 } else { (1 << bits) - 1 };
    if !signed {
        return limit(cx, d, whole, greatest, Cond::Lo);
    }
    let limited = cx.tmp(RegClass::Int);
    limit(cx, limited, whole, greatest, Cond::Lt);
    limit(cx, d, limited, -greatest - 1, Cond::Gt);
}

/// `d` = a 32-bit integer if it compares so with `bound`, else `bound`.
fn limit(cx: &mut Cx, d: VReg, a: VReg, bound: i32, cond: Cond) {
    let bound = cx.constant_register(bound as u32 as u64);
    CMP.flags(cx, L, a, bound);
    rows::csel(cx, L, d, a, bound, cond);
}

impl Conversions for Aarch64 {
    fn bitcast(cx: &mut Cx, d: VReg, data: &InstData) {
        float::bitcast(cx, d, data);
    }

    fn change_precision(cx: &mut Cx, d: VReg, data: &InstData) {
        float::with_canonical_nan(cx, d, data.ty, |cx, d| {
            let a = cx.put(Value(data.a));
            match data.opcode {
                Opcode::Fpromote => rows::fcvt_sd(cx, d, a),
                _ => rows::fcvt_ds(cx, d, a),
            }
        });
    }

    fn from_int(cx: &mut Cx, d: VReg, data: &InstData) {
        from_int(cx, d, data);
    }

    fn to_int_or_trap(cx: &mut Cx, d: VReg, data: &InstData) {
        to_int_or_trap(cx, d, data);
    }

    fn to_int_saturated(cx: &mut Cx, d: VReg, data: &InstData) {
        to_int_saturated(cx, d, data);
    }

    fn trap_if(cx: &mut Cx, float: VReg, ty: Type, cc: FloatCc, number: f64, code: TrapCode) {
        Source { register: float, ty }.compare(cx, number);
        if let Test::One(cond) = float_test(cc) {
            trap_on_flags(cx, cond, code);
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
        Source { register: float, ty }.compare(cx, number);
        move_if(cx, Q, d, float_test(cc), chosen, other);
        d
    }
}
