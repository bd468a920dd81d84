//! Materialises constants and addresses.
//!
//! Every 64-bit constant takes one instruction of four or six bytes, or one for its upper word and one that
//! inserts the lower word. None of them changes the condition code, so constants can be materialised between
//! a comparison and the instruction that tests it.

use super::field;
use super::inputs::*;
use super::vector;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{near_symbol, slot_amode};
use crate::lower::float::pool;
use crate::lower::loop_constants::LoopsKeep;
use crate::lower::vocabulary::{Materialization, Rematerialization};
use crate::machine::amode::{Amode, Place};
use crate::machine::description::Machine;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{Q64, exact_size};
use crate::machine::symbol::SymbolRef;
use crate::rule;

impl Materialization for S390x {
    const LOOPS_KEEP: LoopsKeep =
        LoopsKeep { registers: [12, 14], over_calls: [6, 7], small_constants: true, variables: false };

    fn rematerialization(data: &InstData) -> Rematerialization {
        match data.opcode {
            Opcode::Iconst if is_long(integer(data)) => Rematerialization::Nearby,
            Opcode::F32const | Opcode::F64const if data.imm64() != 0 => Rematerialization::Nearby,
            Opcode::Iconst | Opcode::F32const | Opcode::F64const => Rematerialization::EachUse,
            other => unexpected(other),
        }
    }

    fn make_constant(cx: &mut Cx, data: &InstData, d: VReg) {
        match data.opcode {
            Opcode::Iconst => Self::make_bits(cx, d, integer(data)),
            Opcode::F32const | Opcode::F64const => make_float(cx, d, data),
            other => unexpected(other),
        }
    }

    fn make_half(cx: &mut Cx, d: VReg, bits: u16) {
        if bits == 0 {
            return rows::fzero(cx, Q64, d);
        }
        let integer = cx.constant_register(u64::from(bits) << 48);
        rows::ldgr(cx, d, integer);
    }

    fn make_bits(cx: &mut Cx, d: VReg, bits: u64) {
        if let Some(whole) = whole(bits) {
            push_whole(cx, d, whole);
            return;
        }
        let left = cx.tmp(RegClass::Int);
        Self::make_bits(cx, left, bits & !0xFFFF_FFFF);
        match insert(bits as u32) {
            Insert::Half(0, half) => rows::iill(cx, d, left, half as i32),
            Insert::Half(_, half) => rows::iilh(cx, d, left, half as i32),
            Insert::Word(word) => rows::iilf(cx, d, left, word as i32),
        }
    }

    fn make_vector(cx: &mut Cx, d: VReg, bytes: [u8; 16]) {
        vector::memory::make_constant(cx, d, bytes);
    }

    fn make_slot_address(cx: &mut Cx, d: VReg, slot: StackSlot, offset: i32) {
        if let Some(amode) = slot_amode::<S390x>(cx.f, slot, offset) {
            rows::la(cx, d, amode);
            return;
        }
        rule!(cx, "stack_addr.rounded");
        let stack = S390x::STACK_ALIGNMENT;
        let align = (1i64 << cx.f.stack_slots[slot].align_shift).max(stack.into());
        let (unrounded, start) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        let rounding = (align - i64::from(stack)) as i32;
        rows::la(cx, unrounded, Amode::at(Place::Slot(slot), rounding));
        field::push(cx, start, unrounded, 0, align.wrapping_neg() as u64);
        rows::la(cx, d, Amode::base(start, offset));
    }

    fn make_symbol_address(cx: &mut Cx, d: VReg, symbol: SymbolRef, offset: i64, colocated: bool) {
        // A relative address counts halfwords.
        if let (true, Some(offset), 0) = (colocated, near_symbol(offset), offset & 1) {
            rows::la(cx, d, Amode::at(Place::Symbol(symbol), offset));
            return;
        }
        let base = if offset == 0 { d } else { cx.tmp(RegClass::Int) };
        match colocated {
            true => rows::la(cx, base, Amode::at(Place::Symbol(symbol), 0)),
            false => rows::l_rm(cx, Q64, base, Amode::at(Place::Got(symbol), 0)),
        }
        match i32::try_from(offset) {
            Ok(0) => {}
            Ok(offset) if (INDEXED.displacement)(offset, 0, false) => {
                rows::la(cx, d, Amode::base(base, offset))
            }
            _ => {
                let distance = cx.constant_register(offset as u64);
                rows::la(cx, d, Amode::indexed(base, distance, 0, 0));
            }
        }
    }
}

/// An iconst's bits, sign-extended.
fn integer(data: &InstData) -> u64 {
    let unused = 64 - data.ty.bits();
    ((data.imm64() << unused) as i64 >> unused) as u64
}

/// An instruction that materialises a constant, with its immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whole {
    /// A halfword, sign-extended.
    SignedHalf(i16),
    /// One of the four halfwords, by its number from the right; the others are zero.
    Half(u8, u16),
    /// A word, sign-extended.
    SignedWord(i32),
    /// The right word; the left one is zero.
    RightWord(u32),
    /// The left word; the right one is zero.
    LeftWord(u32),
}

/// An instruction that replaces part of the right word, with its immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Insert {
    /// A halfword, by its number from the right: 0 or 1.
    Half(u8, u16),
    /// The whole word.
    Word(u32),
}

/// The instruction that materialises a constant alone, if there is one, preferably a short one.
fn whole(bits: u64) -> Option<Whole> {
    let signed = bits as i64;
    if let Ok(half) = i16::try_from(signed) {
        return Some(Whole::SignedHalf(half));
    }
    if let Some(number) = (0..4).find(|number| bits & !(0xFFFF << (16 * number)) == 0) {
        return Some(Whole::Half(number, (bits >> (16 * number)) as u16));
    }
    if let Ok(word) = i32::try_from(signed) {
        return Some(Whole::SignedWord(word));
    }
    match (bits >> 32, bits as u32) {
        (0, right) => Some(Whole::RightWord(right)),
        (left, 0) => Some(Whole::LeftWord(left as u32)),
        _ => None,
    }
}

/// The instruction that replaces a right word of zero.
fn insert(word: u32) -> Insert {
    match (word >> 16, word & 0xFFFF) {
        (0, half) => Insert::Half(0, half as u16),
        (half, 0) => Insert::Half(1, half as u16),
        _ => Insert::Word(word),
    }
}

/// Whether a constant takes two instructions.
fn is_long(bits: u64) -> bool {
    whole(bits).is_none()
}

/// Pushes an instruction that materialises a constant.
fn push_whole(cx: &mut Cx, d: VReg, whole: Whole) {
    match whole {
        Whole::SignedHalf(half) => rows::lhi_ri(cx, Q64, d, half as i32),
        Whole::SignedWord(word) => rows::lgfi(cx, d, word),
        Whole::RightWord(word) => rows::llilf(cx, d, word as i32),
        Whole::LeftWord(word) => rows::llihf(cx, d, word as i32),
        Whole::Half(0, half) => rows::llill(cx, d, half as i32),
        Whole::Half(1, half) => rows::llilh(cx, d, half as i32),
        Whole::Half(2, half) => rows::llihl(cx, d, half as i32),
        Whole::Half(_, half) => rows::llihh(cx, d, half as i32),
    }
}

/// Materialises an f32const or f64const in a register.
fn make_float(cx: &mut Cx, d: VReg, data: &InstData) {
    let (ty, bits) = match data.opcode {
        Opcode::F32const => (types::F32, data.a as u64),
        Opcode::F64const => (types::F64, data.imm64()),
        other => unexpected(other),
    };
    if bits == 0 {
        rows::fzero(cx, exact_size(ty), d);
        return;
    }
    let source = pool(cx, ty, bits);
    rows::fl_rm(cx, exact_size(ty), d, source);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bits: u64) -> u64 {
        match whole(bits) {
            Some(Whole::SignedHalf(half)) => half as i64 as u64,
            Some(Whole::SignedWord(word)) => word as i64 as u64,
            Some(Whole::RightWord(word)) => word as u64,
            Some(Whole::LeftWord(word)) => (word as u64) << 32,
            Some(Whole::Half(number, half)) => (half as u64) << (16 * number),
            None => {
                let right = match insert(bits as u32) {
                    Insert::Half(number, half) => (half as u64) << (16 * number),
                    Insert::Word(word) => word as u64,
                };
                value(bits & !0xFFFF_FFFF) | right
            }
        }
    }

    #[test]
    fn constants_are_made_right() {
        let parts = [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x1234];
        for &a in &parts {
            for &b in &parts {
                for &c in &parts {
                    for &d in &parts {
                        let bits = a << 48 | b << 32 | c << 16 | d;
                        assert_eq!(value(bits), bits, "{bits:#x}");
                    }
                }
            }
        }
    }

    #[test]
    fn short_forms_are_found() {
        assert_eq!(whole(-5i64 as u64), Some(Whole::SignedHalf(-5)));
        assert_eq!(whole(0xFFFF), Some(Whole::Half(0, 0xFFFF)));
        assert_eq!(whole(0x8000_0000), Some(Whole::Half(1, 0x8000)));
        assert_eq!(whole(0x1_8000_0000), None);
        assert_eq!(insert(0x8000_0000), Insert::Half(1, 0x8000));
    }
}
