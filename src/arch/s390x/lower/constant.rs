//! Making integer constants, and masks as ranges of bits.
//!
//! Every 64-bit constant is one instruction of four or six bytes, or one for its upper word and one that inserts the lower
//! word. None of them changes the condition code, so that constants can be made between a comparison and what
//! tests it.

use super::super::S390x;
use super::super::rows;
use super::operands::*;
use super::{field, float};
use crate::ir::*;
use crate::lower::address::{near_symbol, slot_amode};
use crate::lower::vocabulary::{Materialization, Rematerialization};
use crate::machine::amode::{Amode, Place};
use crate::machine::description::Machine;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::symbol::SymbolRef;
use crate::rule;

impl Materialization for S390x {
    fn rematerialization(data: &InstData) -> Rematerialization {
        match data.opcode {
            Opcode::Iconst if is_long(integer(data)) => Rematerialization::Nearby,
            Opcode::F32const | Opcode::F64const if data.imm64() != 0 => Rematerialization::Nearby,
            _ => Rematerialization::EachUse,
        }
    }

    fn make_constant(cx: &mut Cx, data: &InstData, d: VReg) {
        match data.opcode {
            Opcode::Iconst => constant(cx, d, integer(data)),
            _ => float::constant(cx, d, data),
        }
    }

    fn make_bits(cx: &mut Cx, d: VReg, bits: u64) {
        constant(cx, d, bits);
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
        // What is relative to the instruction is counted in halfwords.
        if let (true, Some(offset), 0) = (colocated, near_symbol(offset), offset & 1) {
            rows::la(cx, d, Amode::at(Place::Symbol(symbol), offset));
            return;
        }
        let base = if offset == 0 { d } else { cx.tmp(RegClass::Int) };
        match colocated {
            true => rows::la(cx, base, Amode::at(Place::Symbol(symbol), 0)),
            false => rows::l_rm(cx, G, base, Amode::at(Place::Got(symbol), 0)),
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

/// An instruction that makes a constant, with its immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whole {
    /// A halfword, sign-extended.
    SignedHalf(i16),
    /// One of the four halfwords, counted from the right; the others are zero.
    Half(u8, u16),
    /// A word, sign-extended.
    SignedWord(i32),
    /// The right word; the left one is zero.
    RightWord(u32),
    /// The left word; the right one is zero.
    LeftWord(u32),
}

/// An instruction that replaces a part of the right word, with its immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Insert {
    /// The right halfword, counted as 0, or the other.
    Half(u8, u16),
    /// All of it.
    Word(u32),
}

/// The instruction that makes a constant alone, if there is one: a short one first.
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

/// The instruction that puts a word in place of one that is zero.
fn insert(word: u32) -> Insert {
    match (word >> 16, word & 0xFFFF) {
        (0, half) => Insert::Half(0, half as u16),
        (half, 0) => Insert::Half(1, half as u16),
        _ => Insert::Word(word),
    }
}

/// Whether a constant takes two instructions.
pub fn is_long(bits: u64) -> bool {
    whole(bits).is_none()
}

/// Makes a 64-bit constant in `d`.
pub fn constant(cx: &mut Cx, d: VReg, bits: u64) {
    if let Some(whole) = whole(bits) {
        push_whole(cx, d, whole);
        return;
    }
    let left = cx.tmp(RegClass::Int);
    constant(cx, left, bits & !0xFFFF_FFFF);
    match insert(bits as u32) {
        Insert::Half(0, half) => rows::iill(cx, d, left, half as i32),
        Insert::Half(_, half) => rows::iilh(cx, d, left, half as i32),
        Insert::Word(word) => rows::iilf(cx, d, left, word as i32),
    }
}

fn push_whole(cx: &mut Cx, d: VReg, whole: Whole) {
    match whole {
        Whole::SignedHalf(half) => rows::lhi_ri(cx, G, d, half as i32),
        Whole::SignedWord(word) => rows::lgfi(cx, d, word),
        Whole::RightWord(word) => rows::llilf(cx, d, word as i32),
        Whole::LeftWord(word) => rows::llihf(cx, d, word as i32),
        Whole::Half(0, half) => rows::llill(cx, d, half as i32),
        Whole::Half(1, half) => rows::llilh(cx, d, half as i32),
        Whole::Half(2, half) => rows::llihl(cx, d, half as i32),
        Whole::Half(_, half) => rows::llihh(cx, d, half as i32),
    }
}

/// The number of the only halfword, counted from the right, that is not zero, and its bits.
pub fn only_half(bits: u64) -> Option<(u8, u16)> {
    let number = (bits.trailing_zeros() / 16).min(3) as u8;
    let half = (bits >> (16 * number)) as u16;
    (bits != 0 && (half as u64) << (16 * number) == bits).then_some((number, half))
}

/// First and last of a mask's ones, counted from the left, if they are in one piece. The piece may go over the right
/// end and on at the left one; then the first has the higher number.
pub fn bit_range(mask: u64) -> Option<(u8, u8)> {
    let start = if mask >> 63 == 1 && mask & 1 == 1 { mask.leading_ones() } else { 0 };
    // With the piece at the left end moved away there is one piece, or the mask is all ones.
    let turned = mask.rotate_left(start);
    if turned == 0 || mask == u64::MAX {
        return None;
    }
    let first = turned.leading_zeros();
    let length = (turned << first).leading_ones();
    if turned.count_ones() != length {
        return None;
    }
    let last = first + length - 1;
    Some((((first + start) % 64) as u8, ((last + start) % 64) as u8))
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

    #[test]
    fn ranges_of_bits() {
        assert_eq!(bit_range(0), None);
        assert_eq!(bit_range(u64::MAX), None);
        assert_eq!(bit_range(0b101), None);
        assert_eq!(bit_range(1), Some((63, 63)));
        assert_eq!(bit_range(0xFF0), Some((52, 59)));
        assert_eq!(bit_range(0xF000_0000_0000_0000), Some((0, 3)));
        assert_eq!(bit_range(0xF000_0000_0000_000F), Some((60, 3)));
        assert_eq!(bit_range(0xF000_0F00_0000_000F), None);
    }

    #[test]
    fn halves() {
        assert_eq!(only_half(0), None);
        assert_eq!(only_half(0x8000), Some((0, 0x8000)));
        assert_eq!(only_half(0x1_0000_0000), Some((2, 1)));
        assert_eq!(only_half(0x1_8000), None);
    }
}
