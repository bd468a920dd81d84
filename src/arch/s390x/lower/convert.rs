//! Conversions between integers and floats, between f32 and f64, and bitcasts.
//!
//! Conversions to integers of 32 and 64 bits saturate, and set condition code 3 for operands out of range and
//! NaNs. For a NaN, signed ones give the lowest integer, where CLIF's saturating conversions give 0. Narrower
//! integers are computed from one of 32 bits.

use super::compare::{Test, float_cond};
use super::float;
use super::inputs::*;
use super::select::move_on;
use crate::arch::s390x::operands::Cond;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::compare::Comparisons;
use crate::lower::convert::{Conversions, FloatOperand};
use crate::lower::float::{memory_operand, pool_number};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size, exact_size};
use crate::rule;

/// Converts between f32 and f64.
fn change_precision(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Value(data.a);
    if data.opcode == Opcode::Fpromote
        && let Some(m) = memory_operand(cx, source, true)
    {
        rows::ldeb_rm(cx, d, m);
        return;
    }
    let a = cx.put(source);
    match data.opcode {
        Opcode::Fpromote => rows::ldebr_rr(cx, d, a),
        Opcode::Fdemote => rows::ledbr(cx, d, a),
        other => unexpected(other),
    }
}

/// Lowers bitcast between integers and floats: a move or a load.
fn bitcast(cx: &mut Cx, d: VReg, data: &InstData) {
    let source = Value(data.a);
    let from = cx.ty(source);
    if let Some(amode) = sink_load(cx, source, from) {
        rule!(cx, "bitcast.load");
        match from.is_int() {
            true => rows::fl_rm(cx, exact_size(from), d, amode),
            false => rows::l_rm(cx, exact_size(from), d, amode),
        }
        return;
    }
    let source = cx.put(source);
    match from.is_int() {
        true => float::from_bits(cx, d, source, data.ty),
        false => float::to_bits(cx, d, source, from),
    }
}

/// Converts an integer of at most 64 bits to a float.
fn from_int(cx: &mut Cx, d: VReg, data: &InstData, to: Type) {
    let source = Value(data.a);
    let from = cx.ty(source);
    let signed = data.opcode == Opcode::FcvtFromSint;
    let a = put_extended_to_32(cx, source, signed);
    from_int_register(cx, d, a, (from, signed), to);
}

/// Converts an integer in a register, extended to 32 bits, to a float.
fn from_int_register(cx: &mut Cx, d: VReg, a: VReg, (from, signed): (Type, bool), to: Type) {
    let size = exact_size(to);
    match (alu_size(from), signed) {
        (L32, true) => rows::fromw(cx, size, d, a),
        (L32, false) => rows::fromuw(cx, size, d, a),
        (Q64, true) => rows::fromg(cx, size, d, a),
        (Q64, false) => rows::fromug(cx, size, d, a),
        (other, _) => unexpected(other),
    }
}

/// A float that is converted to an integer.
#[derive(Clone, Copy)]
struct FloatSource {
    register: VReg,
    ty: Type,
    signed: bool,
}

impl FloatSource {
    fn of(data: &InstData, FloatOperand { register, ty }: FloatOperand) -> Self {
        let signed = matches!(data.opcode, Opcode::FcvtToSint | Opcode::FcvtToSintSat);
        FloatSource { register, ty, signed }
    }

    /// Pushes the conversion to an integer of 32 or 64 bits.
    fn convert(self, cx: &mut Cx, size: OperandSize, d: VReg) {
        let from = exact_size(self.ty);
        match (size, self.signed) {
            (L32, true) => rows::tow(cx, from, d, self.register),
            (L32, false) => rows::touw(cx, from, d, self.register),
            (Q64, true) => rows::tog(cx, from, d, self.register),
            (Q64, false) => rows::toug(cx, from, d, self.register),
            (other, _) => unexpected(other),
        }
    }

    /// Compares the float with itself; returns the condition that it is a NaN.
    fn unordered(self, cx: &mut Cx) -> Cond {
        rows::fcmp_rr(cx, exact_size(self.ty), self.register, self.register);
        Cond::O
    }

    fn trap_if_unordered(self, cx: &mut Cx) {
        let cond = self.unordered(cx);
        S390x::trap_on(cx, Test::Code(cond), TrapCode::BAD_CONVERSION_TO_INTEGER);
    }
}

/// Converts to an integer; traps if it does not fit. See [`Conversions::to_int_or_trap`].
fn to_int_or_trap(cx: &mut Cx, d: VReg, data: &InstData, source: FloatSource) {
    let size = alu_size(data.ty);
    source.trap_if_unordered(cx);
    source.convert(cx, size, d);
    S390x::trap_on(cx, Test::Code(Cond::O), TrapCode::INTEGER_OVERFLOW);
    if data.ty.bits() < 32 {
        let extended = cx.tmp(RegClass::Int);
        extend_register(cx, extended, d, data.ty, source.signed);
        let differs = Test::Registers { size, signed: true, a: extended, b: d, cond: Cond::Lh };
        S390x::trap_on(cx, differs, TrapCode::INTEGER_OVERFLOW);
    }
}

/// Converts to the nearest integer in range. See [`Conversions::to_int_saturated`].
fn to_int_saturated(cx: &mut Cx, result: VReg, data: &InstData, source: FloatSource) {
    let size = alu_size(data.ty);
    let bits = data.ty.bits();
    let narrow = bits < 32;
    let mut d = if source.signed || narrow { cx.tmp(RegClass::Int) } else { result };
    source.convert(cx, size, d);
    if source.signed {
        let cond = source.unordered(cx);
        let next = if narrow { cx.tmp(RegClass::Int) } else { result };
        rows::lochi_ri(cx, size, next, d, 0, cond);
        d = next;
    }
    if !narrow {
        return;
    }
    let next = if source.signed { cx.tmp(RegClass::Int) } else { result };
    if !source.signed {
        let most = (1 << bits) - 1;
        rows::clfi_ri(cx, L32, d, most);
        // All ones is the highest integer of the type.
        rows::lochi_ri(cx, L32, next, d, -1, Cond::H);
        return;
    }
    let most = (1 << (bits - 1)) - 1;
    rows::chi_ri(cx, L32, d, most);
    rows::lochi_ri(cx, L32, next, d, most, Cond::H);
    rows::chi_ri(cx, L32, next, -most - 1);
    rows::lochi_ri(cx, L32, result, next, -most - 1, Cond::L);
}

impl Conversions for S390x {
    fn bitcast(cx: &mut Cx, d: VReg, data: &InstData) {
        bitcast(cx, d, data);
    }

    fn change_precision(cx: &mut Cx, d: VReg, data: &InstData) {
        float::canonical(cx, d, data.ty, |cx, d| change_precision(cx, d, data));
    }

    fn from_int(cx: &mut Cx, d: VReg, data: &InstData, to: Type) {
        from_int(cx, d, data, to);
    }

    fn from_int_register(cx: &mut Cx, d: VReg, a: VReg, from: (Type, bool), to: Type) {
        from_int_register(cx, d, a, from, to);
    }

    fn to_int_or_trap(cx: &mut Cx, d: VReg, data: &InstData, float: FloatOperand) {
        to_int_or_trap(cx, d, data, FloatSource::of(data, float));
    }

    fn to_int_saturated(cx: &mut Cx, d: VReg, data: &InstData, float: FloatOperand) {
        to_int_saturated(cx, d, data, FloatSource::of(data, float));
    }

    fn trap_if(cx: &mut Cx, float: VReg, ty: Type, cc: FloatCc, number: f64, code: TrapCode) {
        compare(cx, float, ty, number);
        S390x::trap_on(cx, Test::Code(float_cond(cc)), code);
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
        let chosen = cx.constant_register(chosen);
        compare(cx, float, ty, number);
        move_on(cx, Q64, d, float_cond(cc), chosen, other);
        d
    }
}

/// Compares a float with a number that is exact in its type.
fn compare(cx: &mut Cx, float: VReg, ty: Type, number: f64) {
    let number = pool_number(cx, ty, number);
    rows::fcmp_rm(cx, exact_size(ty), float, number);
}
