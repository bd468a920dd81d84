//! Conversions between integers and floats, between f32 and f64, and bitcasts.
//!
//! Conversions to integers of 32 and 64 bits saturate, and set condition code 3 for what does not fit and for NaN. Of that
//! signed ones give the lowest integer, where CLIF's saturating conversions ask for 0. Narrower integers are made from one
//! of 32 bits.
//!
//! i128 goes through library functions, whose results for operands out of range are not relied on.

use super::super::cond::Cond;
use super::super::rows;
use super::compare::{Test, move_if, trap_on};
use super::constant::constant_register;
use super::float;
use super::operands::*;
use crate::ir::*;
use crate::mach::address::sink_load;
use crate::mach::call::{Routine, wide_libcall};
use crate::mach::compiled::LibCall;
use crate::mach::condition::ConditionCode;
use crate::mach::float::{memory_operand, pool_number};
use crate::mach::lower::Unsupported;
use crate::mach::size::OperandSize;
use crate::rule;
use regalloc2::{RegClass, VReg};

/// All conversions and bitcast.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let source = Value(data.a);
    match data.opcode {
        Bitcast => bitcast(cx, inst, &data),
        Fpromote | Fdemote if data.ty == cx.ty(source) => {
            let result = cx.f.first_result(inst);
            cx.same(result, source);
        }
        Fpromote | Fdemote => {
            let d = cx.def(inst);
            float::canonical(cx, d, data.ty, |cx, d| change_precision(cx, d, &data));
        }
        FcvtFromSint | FcvtFromUint if cx.ty(source) == types::I128 => from_i128(cx, inst, &data),
        FcvtFromSint | FcvtFromUint => from_int(cx, inst, &data),
        _ if data.ty == types::I128 => to_i128(cx, inst, &data),
        FcvtToSint | FcvtToUint => to_int_or_trap(cx, inst, &data),
        _ => to_int_saturated(cx, inst, &data),
    }
    Ok(())
}

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
        _ => rows::ledbr(cx, d, a),
    }
}

/// bitcast: between classes a move or a load, else nothing.
fn bitcast(cx: &mut Cx, inst: Inst, data: &InstData) {
    let source = Value(data.a);
    let result = cx.f.first_result(inst);
    let from = cx.ty(source);
    if from.is_int() == data.ty.is_int() {
        cx.same(result, source);
        return;
    }
    let d = cx.reg(result);
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

// From integers.

fn from_int(cx: &mut Cx, inst: Inst, data: &InstData) {
    let source = Value(data.a);
    let from = alu_size(cx.ty(source));
    let signed = data.opcode == Opcode::FcvtFromSint;
    let a = put_extended(cx, source, signed);
    let d = cx.def(inst);
    let size = exact_size(data.ty);
    match (from, signed) {
        (OperandSize::L32, true) => rows::fromw(cx, size, d, a),
        (OperandSize::L32, false) => rows::fromuw(cx, size, d, a),
        (_, true) => rows::fromg(cx, size, d, a),
        (_, false) => rows::fromug(cx, size, d, a),
    }
}

fn from_i128(cx: &mut Cx, inst: Inst, data: &InstData) {
    use LibCall::*;
    let function = match (data.opcode, data.ty) {
        (Opcode::FcvtFromSint, types::F32) => FloatI128F32,
        (Opcode::FcvtFromSint, _) => FloatI128F64,
        (_, types::F32) => FloatU128F32,
        _ => FloatU128F64,
    };
    let pair = cx.put_pair(Value(data.a));
    let d = cx.def(inst);
    wide_libcall(cx, function, &[Routine::Wide(pair)], Routine::Plain(d));
}

// To integers.

/// A float that is to become an integer.
#[derive(Clone, Copy)]
struct Source {
    reg: VReg,
    ty: Type,
    signed: bool,
}

impl Source {
    fn of(cx: &mut Cx, data: &InstData) -> Self {
        let value = Value(data.a);
        let signed = matches!(data.opcode, Opcode::FcvtToSint | Opcode::FcvtToSintSat);
        Source { reg: cx.put(value), ty: cx.ty(value), signed }
    }

    /// Pushes the conversion to an integer of 32 or 64 bits.
    fn convert(self, cx: &mut Cx, size: OperandSize, d: VReg) {
        let from = exact_size(self.ty);
        match (size, self.signed) {
            (OperandSize::L32, true) => rows::tow(cx, from, d, self.reg),
            (OperandSize::L32, false) => rows::touw(cx, from, d, self.reg),
            (_, true) => rows::tog(cx, from, d, self.reg),
            (_, false) => rows::toug(cx, from, d, self.reg),
        }
    }

    /// Compares it with itself: the result is a test whether it is a NaN.
    fn unordered(self, cx: &mut Cx) -> Cond {
        rows::fcmp_rr(cx, exact_size(self.ty), self.reg, self.reg);
        Cond::O
    }

    /// Compares it with `number`, which must be exact in its precision.
    fn compare(self, cx: &mut Cx, number: f64) {
        let number = pool_number(cx, self.ty, number);
        rows::fcmp_rm(cx, exact_size(self.ty), self.reg, number);
    }

    fn trap_if_unordered(self, cx: &mut Cx) {
        let cond = self.unordered(cx);
        trap_on(cx, Test::Code(cond), TrapCode::BAD_CONVERSION_TO_INTEGER);
    }
}

/// fcvt_to_sint and fcvt_to_uint to at most 64 bits.
fn to_int_or_trap(cx: &mut Cx, inst: Inst, data: &InstData) {
    let source = Source::of(cx, data);
    let d = cx.def(inst);
    let size = alu_size(data.ty);
    source.trap_if_unordered(cx);
    source.convert(cx, size, d);
    trap_on(cx, Test::Code(Cond::O), TrapCode::INTEGER_OVERFLOW);
    if data.ty.bits() < 32 {
        let extended = cx.tmp(RegClass::Int);
        extend_register(cx, extended, d, data.ty, source.signed);
        let differs = Test::Registers { size, signed: true, a: extended, b: d, cond: Cond::Lh };
        trap_on(cx, differs, TrapCode::INTEGER_OVERFLOW);
    }
}

/// fcvt_to_sint_sat and fcvt_to_uint_sat to at most 64 bits.
fn to_int_saturated(cx: &mut Cx, inst: Inst, data: &InstData) {
    let source = Source::of(cx, data);
    let result = cx.def(inst);
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
        rows::clfi_ri(cx, W, d, most);
        // All ones, for the type's own bits.
        rows::lochi_ri(cx, W, next, d, -1, Cond::H);
        return;
    }
    let most = (1 << (bits - 1)) - 1;
    rows::chi_ri(cx, W, d, most);
    rows::lochi_ri(cx, W, next, d, most, Cond::H);
    rows::chi_ri(cx, W, next, -most - 1);
    rows::lochi_ri(cx, W, result, next, -most - 1, Cond::L);
}

/// 2 to the 127.
const TWO_127: f64 = (1u128 << 127) as f64;

/// All conversions to i128.
fn to_i128(cx: &mut Cx, inst: Inst, data: &InstData) {
    use LibCall::*;
    let source = Source::of(cx, data);
    let function = match (source.signed, source.ty) {
        (true, types::F32) => FixF32I128,
        (true, _) => FixF64I128,
        (false, types::F32) => FixF32U128,
        (false, _) => FixF64U128,
    };
    let d = cx.put_pair(cx.f.first_result(inst));
    let argument = [Routine::Plain(source.reg)];
    if matches!(data.opcode, Opcode::FcvtToSint | Opcode::FcvtToUint) {
        check_i128(cx, source);
        wide_libcall(cx, function, &argument, Routine::Wide(d));
        return;
    }
    let mut pair = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    wide_libcall(cx, function, &argument, Routine::Wide(pair));
    let (least, greatest) = if source.signed { (1 << 127, (1 << 127) - 1) } else { (0, u128::MAX) };
    source.compare(cx, if source.signed { TWO_127 } else { 2.0 * TWO_127 });
    replace_if(cx, &mut pair, greatest, Cond::Eh);
    source.compare(cx, if source.signed { -TWO_127 } else { 0.0 });
    // NaN is 0, which is also the least unsigned integer.
    replace_if(cx, &mut pair, least, if source.signed { Cond::El } else { Cond::Elo });
    if source.signed {
        let cond = source.unordered(cx);
        replace_if(cx, &mut pair, 0, cond);
    }
    cx.alias(d.0, pair.0);
    cx.alias(d.1, pair.1);
}

/// Replaces an i128 by a constant if a condition holds.
fn replace_if(cx: &mut Cx, pair: &mut (VReg, VReg), constant: u128, cond: Cond) {
    for (part, half) in [(&mut pair.0, constant as u64), (&mut pair.1, (constant >> 64) as u64)] {
        let half = constant_register(cx, half);
        let d = cx.tmp(RegClass::Int);
        move_if(cx, G, d, cond, half, *part);
        *part = d;
    }
}

/// Traps unless the operand is in the range of an i128.
fn check_i128(cx: &mut Cx, source: Source) {
    source.trap_if_unordered(cx);
    source.compare(cx, if source.signed { TWO_127 } else { 2.0 * TWO_127 });
    trap_on(cx, Test::Code(Cond::L.complement()), TrapCode::INTEGER_OVERFLOW);
    let (bound, cond) = if source.signed { (-TWO_127, Cond::L) } else { (-1.0, Cond::El) };
    source.compare(cx, bound);
    trap_on(cx, Test::Code(cond), TrapCode::INTEGER_OVERFLOW);
}
