//! Bitwise operations on integers of up to 64 bits.
//!
//! A mask in one piece is a bit field. A mask with all ones but for a halfword or word changes only that part
//! of its operand, as do other constants of `or` and exclusive or. A complement is folded into the operation
//! that uses it, where the facility for that is installed.

use super::field;
use super::field::{bit_range, only_half};
use super::inputs::*;
use crate::arch::s390x::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lowered;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, alu_size};
use crate::rule;

/// Pushes an operation with an immediate.
type Immediate = fn(&mut Cx<'_>, VReg, VReg, i32);

/// Lowers band, bor and bxor of up to 64 bits.
pub fn logic(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let d = cx.def(inst);
    let done = match cx.constant(b) {
        Some(bits) if data.opcode == Opcode::Band => and_constant(cx, inst, d, a, bits),
        Some(bits) => change_bits(cx, data.opcode, d, a, bits),
        None => {
            field::combine(cx, data.opcode, d, a, b)
                || field::combine(cx, data.opcode, d, b, a)
                || with_complement(cx, d, &data)
        }
    };
    if !done {
        with_code(cx, inst);
    }
    Ok(())
}

/// Lowers band, bor and bxor without immediates, so that the condition code tells whether the result is zero.
pub fn with_code(cx: &mut Cx, inst: Inst) {
    let data = cx.f.insts[inst];
    let (a, b) = cx.commute(Value(data.a), Value(data.b));
    let alu = alu(data.opcode).expect("dispatched by opcode");
    let d = cx.def(inst);
    let Some(constant) = cx.signed_constant(b) else {
        alu.lower(cx, data.ty, d, (a, b), true);
        return;
    };
    let overwrite = cx.dies_here(a);
    let (a, b) = (cx.put(a), cx.constant_register(constant as u64));
    alu.push(cx, alu_size(data.ty), d, a, Input::Register(b), overwrite);
}

/// Rows of `and` of one halfword with an immediate, by the halfword's number from the right.
static AND_HALF: [Immediate; 4] = [
    |cx, d, a, i| rows::nill(cx, d, a, i),
    |cx, d, a, i| rows::nilh(cx, d, a, i),
    |cx, d, a, i| rows::nihl(cx, d, a, i),
    |cx, d, a, i| rows::nihh(cx, d, a, i),
];
/// Rows of `or` of one halfword with an immediate, by the halfword's number from the right.
static OR_HALF: [Immediate; 4] = [
    |cx, d, a, i| rows::oill(cx, d, a, i),
    |cx, d, a, i| rows::oilh(cx, d, a, i),
    |cx, d, a, i| rows::oihl(cx, d, a, i),
    |cx, d, a, i| rows::oihh(cx, d, a, i),
];
/// Rows of `and` of one word with an immediate: `[right word, left word]`.
static AND_WORD: [Immediate; 2] =
    [|cx, d, a, i| rows::nilf(cx, d, a, i), |cx, d, a, i| rows::nihf(cx, d, a, i)];
/// Rows of `or` of one word with an immediate: `[right word, left word]`.
static OR_WORD: [Immediate; 2] =
    [|cx, d, a, i| rows::oilf(cx, d, a, i), |cx, d, a, i| rows::oihf(cx, d, a, i)];
/// Rows of exclusive or of one word with an immediate: `[right word, left word]`.
static XOR_WORD: [Immediate; 2] =
    [|cx, d, a, i| rows::xilf(cx, d, a, i), |cx, d, a, i| rows::xihf(cx, d, a, i)];

/// The only word that is not zero: its number from the right, and its bits.
fn only_word(bits: u64) -> Option<(usize, u32)> {
    match (bits >> 32, bits as u32) {
        (0, word) => Some((0, word)),
        (word, 0) => Some((1, word as u32)),
        _ => None,
    }
}

/// Lowers `d = a & mask`, if that needs no register for the mask. Returns whether it does not.
fn and_constant(cx: &mut Cx, inst: Inst, d: VReg, a: Value, mask: u64) -> bool {
    let ty = cx.f.insts[inst].ty;
    let result = cx.f.first_result(inst);
    if field::extract(cx, d, result, 2) {
        return true;
    }
    // Bits above the type do not matter. Keep them all, so that as few as possible are cleared.
    let above = u64::MAX.checked_shl(ty.bits()).unwrap_or(0);
    let cleared = !(mask | above);
    let overwrite = cx.dies_here(a);
    let piece = bit_range(mask).is_some();
    if let Some((number, half)) = only_half(cleared)
        && (overwrite || !piece)
    {
        rule!(cx, "band.half");
        let a = cx.put(a);
        AND_HALF[number as usize](cx, d, a, !half as i32);
        return true;
    }
    if piece {
        rule!(cx, "band.field");
        let a = cx.put(a);
        field::push(cx, d, a, 0, mask);
        return true;
    }
    let Some((number, word)) = only_word(cleared) else { return false };
    rule!(cx, "band.word");
    let a = cx.put(a);
    AND_WORD[number](cx, d, a, !word as i32);
    true
}

/// Lowers `d = a | bits` or `d = a ^ bits` to one or two instructions with immediates. Returns whether that
/// is possible.
fn change_bits(cx: &mut Cx, opcode: Opcode, d: VReg, a: Value, bits: u64) -> bool {
    let a = cx.put(a);
    if opcode == Opcode::Bor
        && let Some((number, half)) = only_half(bits)
    {
        rule!(cx, "bor.half");
        OR_HALF[number as usize](cx, d, a, half as i32);
        return true;
    }
    let rows = if opcode == Opcode::Bor { &OR_WORD } else { &XOR_WORD };
    rule!(cx, "bitwise.word");
    match only_word(bits) {
        Some((number, word)) => rows[number](cx, d, a, word as i32),
        None => {
            let half = cx.tmp(RegClass::Int);
            rows[1](cx, half, a, (bits >> 32) as i32);
            rows[0](cx, d, half, bits as i32);
        }
    }
    true
}

/// The operand of a complement that nothing else uses.
fn complemented(cx: &Cx, value: Value) -> Option<Value> {
    let data = cx.def_by(value, Opcode::Bnot)?;
    (cx.unique(value).is_some() && !cx.is_used(value)).then_some(Value(data.a))
}

/// Lowers an operation with the complement of an operand. Returns whether it is one.
fn with_complement(cx: &mut Cx, d: VReg, data: &InstData) -> bool {
    let joins = cx.flags.has_mie3();
    if !joins && data.opcode != Opcode::Band {
        return false;
    }
    let (a, b) = (Value(data.a), Value(data.b));
    let (a, b) = match (complemented(cx, b), complemented(cx, a)) {
        (Some(b), _) => (a, b),
        (None, Some(a)) => (b, a),
        (None, None) => return false,
    };
    rule!(cx, "bitwise.complement");
    let size = alu_size(data.ty);
    let (a, b) = (cx.put(a), cx.put(b));
    if !joins {
        // Exclusive or with the common bits clears them in `a`.
        let common = cx.tmp(RegClass::Int);
        rows::n_rrr(cx, size, common, a, b);
        XOR.push(cx, size, d, common, Input::Register(a), true);
        return true;
    }
    match data.opcode {
        Opcode::Band => rows::nc_rrr(cx, size, d, a, b),
        Opcode::Bor => rows::oc_rrr(cx, size, d, a, b),
        Opcode::Bxor => rows::nx_rrr(cx, size, d, a, b),
        other => unexpected(other),
    }
    true
}

/// Lowers bnot of up to 64 bits.
pub fn complement(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let value = Value(data.a);
    let size = alu_size(data.ty);
    let d = cx.def(inst);
    if cx.flags.has_mie3()
        && let Some(inner) = cx.unique(value).filter(|_| !cx.is_used(value)).map(|inner| cx.f.insts[inner])
        && alu(inner.opcode).is_some()
        && inner.ty.is_int()
    {
        rule!(cx, "bnot.of_operation");
        let (a, b) = (cx.put(Value(inner.a)), cx.put(Value(inner.b)));
        match inner.opcode {
            Opcode::Band => rows::nn_rrr(cx, size, d, a, b),
            Opcode::Bor => rows::no_rrr(cx, size, d, a, b),
            Opcode::Bxor => rows::nx_rrr(cx, size, d, a, b),
            other => unexpected(other),
        }
        return Ok(());
    }
    let overwrite = cx.dies_here(value);
    let a = cx.put(value);
    push_complement(cx, size, d, a, overwrite);
    Ok(())
}

/// `d = !a`. With `overwrite`, prefers to reuse `a`'s register: nothing else uses it.
pub fn push_complement(cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, overwrite: bool) {
    if cx.flags.has_mie3() {
        rows::no_rrr(cx, size, d, a, a);
    } else if size == L32 && overwrite {
        rows::xilf(cx, d, a, -1);
    } else {
        // -a - 1
        let negated = cx.tmp(RegClass::Int);
        rows::lc_rr(cx, size, negated, a);
        rows::ahi_ri(cx, size, d, negated, -1);
    }
}
