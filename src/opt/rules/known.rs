//! What is known about a value from the instructions that define it.
//!
//! Only a few instructions are looked at for each question, so that the cost is bounded.

use super::Subject;
use crate::ir::{InstData, Opcode, Value};

/// How many instructions deep a question goes.
const DEPTH: u32 = 4;

/// As many ones as `bits`, at most 64.
pub(super) fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// The bits of an integer of up to 64 bits that are zero whenever the value is computed. Of other types,
/// nothing is known.
pub fn zeros(subject: &impl Subject, value: Value) -> u64 {
    zeros_at(subject, value, DEPTH)
}

/// Whether a value is 0 or 1 whenever it is computed.
pub(super) fn is_flag(subject: &impl Subject, value: Value) -> bool {
    let ty = subject.value_type(value);
    ty.is_int() && ty.bits() <= 64 && zeros(subject, value) | 1 == mask(ty.bits())
}

fn zeros_at(subject: &impl Subject, value: Value, depth: u32) -> u64 {
    let ty = subject.value_type(value);
    if !ty.is_int() || ty.bits() > 64 || depth == 0 {
        return 0;
    }
    let Some(data) = subject.definition(value) else { return 0 };
    of_definition(subject, &data, mask(ty.bits()), depth - 1) & mask(ty.bits())
}

/// The known zeros of the result of an instruction, with any bits above `all`, the ones of its type.
fn of_definition(subject: &impl Subject, data: &InstData, all: u64, depth: u32) -> u64 {
    let of = |word: u32| zeros_at(subject, Value(word), depth);
    let width = u64::from(all.count_ones());
    match data.opcode {
        Opcode::Iconst => !data.imm64(),
        // Comparisons of vectors have other results, but not of a scalar type.
        Opcode::Icmp | Opcode::Fcmp | Opcode::VanyTrue | Opcode::VallTrue => !1,
        Opcode::Uload8 => !0xff,
        Opcode::Uload16 => !0xffff,
        Opcode::Uload32 => !0xffff_ffff,
        Opcode::Uextend => of(data.a) | !mask(subject.value_type(Value(data.a)).bits()),
        Opcode::Sextend => {
            let bits = subject.value_type(Value(data.a)).bits();
            let zeros = of(data.a);
            if zeros >> (bits - 1) != 0 { zeros | !mask(bits) } else { zeros }
        }
        Opcode::Ireduce => of(data.a),
        Opcode::Band => of(data.a) | of(data.b),
        Opcode::Bor | Opcode::Bxor => of(data.a) & of(data.b),
        Opcode::Select | Opcode::SelectSpectreGuard => of(data.b) & of(data.c),
        Opcode::Ishl | Opcode::Ushr => match subject.constant(Value(data.b)) {
            Some(amount) if data.opcode == Opcode::Ishl => {
                let amount = (amount & (width - 1)) as u32;
                of(data.a) << amount | mask(amount)
            }
            Some(amount) => {
                let amount = (amount & (width - 1)) as u32;
                of(data.a) >> amount | !(all >> amount)
            }
            None => 0,
        },
        // A sum is less than twice the larger operand, if that is no overflow.
        Opcode::Iadd => {
            let top = (of(data.a) & of(data.b) | !all).leading_ones();
            !mask(65 - top.max(1)) & if top > 64 - width as u32 { u64::MAX } else { 0 }
        }
        Opcode::Umin => leading(of(data.a), all) | leading(of(data.b), all),
        Opcode::Urem => match subject.constant(Value(data.b)) {
            Some(divisor) if divisor > 0 => !mask(64 - (divisor - 1).leading_zeros()),
            _ => 0,
        },
        Opcode::Udiv => leading(of(data.a), all),
        Opcode::Clz | Opcode::Ctz | Opcode::Cls | Opcode::Popcnt => !mask(64 - width.leading_zeros()),
        _ => 0,
    }
}

/// The known zeros above all bits that may be set.
fn leading(zeros: u64, all: u64) -> u64 {
    !mask(64 - (zeros | !all).leading_ones())
}

/// Whether the low bits of a value, as many as `ty` has, are at hand without an instruction: it is a constant
/// or was extended from no more bits, or is a sum or the like of such values.
pub(super) fn narrows(subject: &impl Subject, value: Value, ty: crate::ir::Type) -> bool {
    narrows_at(subject, value, ty.bits(), 3)
}

fn narrows_at(subject: &impl Subject, value: Value, bits: u32, depth: u32) -> bool {
    let Some(data) = subject.definition(value) else { return false };
    match data.opcode {
        Opcode::Iconst => true,
        Opcode::Uextend | Opcode::Sextend => subject.value_type(Value(data.a)).bits() <= bits,
        Opcode::Iadd | Opcode::Isub | Opcode::Imul | Opcode::Band | Opcode::Bor | Opcode::Bxor
            if depth > 0 =>
        {
            narrows_at(subject, Value(data.a), bits, depth - 1)
                && narrows_at(subject, Value(data.b), bits, depth - 1)
        }
        _ => false,
    }
}
