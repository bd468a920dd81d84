//! Bit fields: chains of masks, shifts and extensions as one instruction.
//!
//! `risbgn` rotates a register and keeps one piece of it. Shifts by constants, masks and zero extensions are
//! each a rotation and a mask, and so is any chain of them. [`find`] follows a chain from its last
//! instruction, as long as nothing else uses the intermediate values and the bits kept are in one piece.

use super::inputs::*;
use crate::arch::s390x::rows;
use crate::ir::*;
use crate::lower::address::MOST_STEPS;
use crate::machine::reg::VReg;
use crate::machine::size::Q64;
use crate::rule;

/// `source.rotate_left(rotate) & mask`, on 64 bits. Bits above a value's type are undefined, in the result
/// too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Field {
    source: Value,
    rotate: u32,
    mask: u64,
}

/// A mask of the lowest `bits` bits.
fn lowest(bits: u32) -> u64 {
    u64::MAX.checked_shr(64 - bits).unwrap_or(0)
}

/// The rotation and mask that an instruction applies to its first operand. `amount` is its constant operand.
fn step(opcode: Opcode, from: Type, to: Type, amount: Option<u64>) -> Option<(u32, u64)> {
    let shift = || amount.map(|amount| amount as u32 & (to.bits() - 1));
    match opcode {
        Opcode::Uextend if to.bits() <= 64 => Some((0, lowest(from.bits()))),
        Opcode::Ireduce if from.bits() <= 64 => Some((0, u64::MAX)),
        Opcode::Band => Some((0, amount?)),
        Opcode::Ishl => {
            let by = shift()?;
            Some((by, lowest(to.bits()) & (u64::MAX << by)))
        }
        Opcode::Ushr => {
            let by = shift()?;
            Some(((64 - by) % 64, lowest(to.bits() - by)))
        }
        _ => None,
    }
}

impl Field {
    /// The same field in terms of its source's operand, if an instruction that can be folded defines the
    /// source.
    fn further(self, cx: &Cx) -> Option<Field> {
        let ty = cx.ty(self.source);
        if ty.bits() > 64 {
            return None;
        }
        let data = &cx.f.insts[cx.def_inst(self.source)?];
        let (mut source, mut other) = (Value(data.a), Value(data.b));
        let amount = match data.opcode {
            Opcode::Band => {
                if cx.constant(source).is_some() {
                    (source, other) = (other, source);
                }
                cx.constant(other)
            }
            Opcode::Ishl | Opcode::Ushr => cx.constant_amount(other),
            Opcode::Uextend | Opcode::Ireduce => None,
            _ => return None,
        };
        let (rotate, mask) = step(data.opcode, cx.ty(source), ty, amount)?;
        Some(Field {
            source,
            rotate: (self.rotate + rotate) % 64,
            mask: self.mask & mask.rotate_left(self.rotate),
        })
    }
}

/// The field that `value`, which is being lowered, is, if it replaces at least `least` instructions.
fn find(cx: &Cx, value: Value, least: usize) -> Option<Field> {
    let mut field = Field { source: value, rotate: 0, mask: u64::MAX };
    let mut best = None;
    for steps in 1..=MOST_STEPS {
        let Some(further) = field.further(cx) else { break };
        field = further;
        if steps >= least && bit_range(field.mask).is_some() {
            best = Some(field);
        }
        if cx.unique(field.source).is_none() || cx.is_used(field.source) {
            break;
        }
    }
    best
}

/// Lowers `value` to a field, if it replaces at least `least` instructions. Returns whether it does.
pub fn extract(cx: &mut Cx, d: VReg, value: Value, least: usize) -> bool {
    let Some(Field { source, rotate, mask }) = find(cx, value, least) else { return false };
    rule!(cx, "field.extract");
    let a = cx.put(source);
    push(cx, d, a, rotate, mask);
    true
}

/// Pushes an instruction that combines a field with a register.
type Combine = fn(&mut Cx<'_>, VReg, VReg, VReg, i32, i32, i32);

/// Lowers `into | field` or `into ^ field` to one instruction, if `value` is a field that nothing else uses
/// and that would take an instruction of its own. Returns whether it is.
pub fn combine(cx: &mut Cx, opcode: Opcode, d: VReg, into: Value, value: Value) -> bool {
    let Some(inst) = cx.unique(value).filter(|_| !cx.is_used(value)) else { return false };
    let combine: Combine = match opcode {
        Opcode::Bor => |cx, d, a, b, first, last, rotate| rows::rosbg(cx, d, a, b, first, last, rotate),
        Opcode::Bxor => |cx, d, a, b, first, last, rotate| rows::rxsbg(cx, d, a, b, first, last, rotate),
        _ => return false,
    };
    let least = if cx.f.insts[inst].opcode == Opcode::Uextend { 2 } else { 1 };
    let Some(Field { source, rotate, mask }) = find(cx, value, least) else { return false };
    rule!(cx, "field.combine");
    let (first, last) = bit_range(mask).expect("the mask is in one piece");
    let (a, b) = (cx.put(into), cx.put(source));
    combine(cx, d, a, b, first as i32, last as i32, rotate as i32);
    true
}

/// `d = a.rotate_left(rotate) & mask`, for a mask in one piece.
pub fn push(cx: &mut Cx, d: VReg, a: VReg, rotate: u32, mask: u64) {
    match (rotate, mask) {
        (0, 0xFF) => rows::llc_rr(cx, Q64, d, a),
        (0, 0xFFFF) => rows::llh_rr(cx, Q64, d, a),
        (0, 0xFFFF_FFFF) => rows::llgf_rr(cx, d, a),
        _ => {
            let (first, last) = bit_range(mask).expect("the mask is in one piece");
            rows::risbg_rz(cx, d, a, first as i32, last as i32 + ZERO_OTHERS, rotate as i32);
        }
    }
}

/// The only halfword that is not zero: its number from the right, and its bits.
pub fn only_half(bits: u64) -> Option<(u8, u16)> {
    let number = (bits.trailing_zeros() / 16).min(3) as u8;
    let half = (bits >> (16 * number)) as u16;
    (bits != 0 && (half as u64) << (16 * number) == bits).then_some((number, half))
}

/// First and last of a mask's ones, counted from the left, if they are in one piece. The piece may wrap
/// around the right end; then the first has the higher number.
pub fn bit_range(mask: u64) -> Option<(u8, u8)> {
    let start = if mask >> 63 == 1 && mask & 1 == 1 { mask.leading_ones() } else { 0 };
    // After this rotation, no piece wraps around, unless the mask is all ones.
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

    fn apply(x: u64, (rotate, mask): (u32, u64)) -> u64 {
        x.rotate_left(rotate) & mask
    }

    #[test]
    fn steps_are_what_the_instructions_do() {
        let x = 0x8123_4567_89AB_CDEF;
        let word = types::I32;
        let long = types::I64;
        assert_eq!(apply(x, step(Opcode::Uextend, word, long, None).unwrap()), x & 0xFFFF_FFFF);
        assert_eq!(apply(x, step(Opcode::Ishl, long, long, Some(12)).unwrap()), x << 12);
        assert_eq!(apply(x, step(Opcode::Ushr, long, long, Some(12)).unwrap()), x >> 12);
        assert_eq!(apply(x, step(Opcode::Ushr, long, long, Some(64)).unwrap()), x);
        assert_eq!(apply(x, step(Opcode::Ishl, word, word, Some(8)).unwrap()), 0xABCD_EF00);
        assert_eq!(apply(x, step(Opcode::Ushr, word, word, Some(8)).unwrap()), 0x0089_ABCD);
        assert_eq!(apply(x, step(Opcode::Ushr, types::I8, types::I8, Some(3)).unwrap()), 0xEF >> 3);
        assert_eq!(apply(x, step(Opcode::Band, long, long, Some(0xFF0)).unwrap()), x & 0xFF0);
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
