//! Operand values of aarch64: conditions, kinds of shift and extension, and immediates that are codes.

use crate::diag::unexpected;
use crate::lower::compare::Complement;
use crate::machine::size::{L32, OperandSize, Q64};
use crate::named_enum;

named_enum! {
    /// A condition on the flags, numbered as in the encoding. The string is its spelling.
    Cond {
        Eq "eq", Ne "ne", Hs "hs", Lo "lo", Mi "mi", Pl "pl", Vs "vs", Vc "vc",
        Hi "hi", Ls "ls", Ge "ge", Lt "lt", Gt "gt", Le "le", Al "al", Nv "nv",
    }
}

impl Complement for Cond {
    /// A condition and its complement differ in the lowest bit.
    #[inline]
    fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 1)
    }
}

named_enum! {
    /// A kind of shift, numbered as in the encoding.
    Shift { Lsl "lsl", Lsr "lsr", Asr "asr", Ror "ror" }
}

named_enum! {
    /// An extension of the low bits of a register, numbered as in the encoding.
    Extend {
        Uxtb "uxtb", Uxth "uxth", Uxtw "uxtw", Uxtx "uxtx",
        Sxtb "sxtb", Sxth "sxth", Sxtw "sxtw", Sxtx "sxtx",
    }
}

impl From<Shift> for u32 {
    fn from(shift: Shift) -> u32 {
        shift as u32
    }
}

impl From<Extend> for u32 {
    fn from(extend: Extend) -> u32 {
        extend as u32
    }
}

/// The immediate of a logical instruction: a rotated run of ones, repeated across the register.
///
/// It is encoded as N:immr:imms. The repeated element has 2, 4, … or 64 bits; its size is in the leading ones
/// of `NOT(N):imms`, followed by the number of ones minus one. It is rotated to the right by immr.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bitmask(u32);

impl From<Bitmask> for u32 {
    fn from(mask: Bitmask) -> u32 {
        mask.0
    }
}

impl Bitmask {
    /// The immediate for the low bits of `value` in a register of `size`, if there is one.
    pub fn new(value: u64, size: OperandSize) -> Option<Self> {
        let value = if size == Q64 { value } else { value << 32 | value & 0xFFFF_FFFF };
        if value == 0 || value == u64::MAX {
            return None;
        }
        let mut bits = 64;
        while bits > 2 && value == value.rotate_right(bits / 2) {
            bits /= 2;
        }
        let element = value & (u64::MAX >> (64 - bits));
        let ones = element.count_ones();
        // Rotate so that a run of ones begins at bit 0.
        let start = value.rotate_left(1) ^ value;
        let start = (start & value).trailing_zeros() % bits;
        let turned = value.rotate_right(start) & (u64::MAX >> (64 - bits));
        if turned != (1 << ones) - 1 {
            return None;
        }
        let rotation = (bits - start) % bits;
        let wide = (bits == 64) as u32;
        let size_and_ones = !(2 * bits - 1) & 63 | (ones - 1);
        Some(Bitmask(wide << 12 | rotation << 6 | size_and_ones))
    }

    /// The immediate in an instruction's data word.
    pub fn unpack(word: u32) -> Self {
        Bitmask(word)
    }

    /// The immediate's value in a register of `bits` bits.
    pub fn value(self, bits: u16) -> u64 {
        let (wide, rotation, low) = (self.0 >> 12 & 1, self.0 >> 6 & 63, self.0 & 63);
        let size = 31 - (wide << 6 | !low & 63).max(2).leading_zeros();
        let element_bits = 1 << size;
        let ones = (low & (element_bits - 1)) + 1;
        let mut value = u64::MAX >> (64 - ones.min(64));
        for step in size..6 {
            value |= value << (1 << step);
        }
        let value = value.rotate_right(rotation % element_bits);
        value & (u64::MAX >> (64 - bits.min(64)))
    }
}

/// The immediate of `fmov`: a sign bit, three bits of exponent and four bits of fraction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FloatImmediate(u32);

impl From<FloatImmediate> for u32 {
    fn from(immediate: FloatImmediate) -> u32 {
        immediate.0
    }
}

impl FloatImmediate {
    /// The immediate for the float of `size` with these bits, if there is one.
    pub fn new(bits: u64, size: OperandSize) -> Option<Self> {
        let (value, exact) = match size {
            L32 => (f32::from_bits(bits as u32) as f64, bits >> 32 == 0),
            Q64 => (f64::from_bits(bits), true),
            other => unexpected(other),
        };
        let bits = value.to_bits();
        let exponent = (bits >> 52 & 0x7FF) as i32 - 1023;
        if !exact || bits << 16 != 0 || !(-3..=4).contains(&exponent) {
            return None;
        }
        let packed_exponent = (exponent + 3) as u32 ^ 4;
        let (sign, fraction) = ((bits >> 63) as u32, (bits >> 48) as u32 & 15);
        Some(FloatImmediate(sign << 7 | packed_exponent << 4 | fraction))
    }

    /// The immediate in an instruction's data word.
    pub fn unpack(word: u32) -> Self {
        FloatImmediate(word)
    }

    /// The immediate's value.
    pub fn value(self) -> f64 {
        let exponent = (self.0 >> 4 & 7 ^ 4) as i32 - 3;
        let magnitude = (16 + (self.0 & 15)) as f64 / 16.0 * f64::powi(2.0, exponent);
        if self.0 & 128 != 0 { -magnitude } else { magnitude }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_immediates_are_those_of_eight_bits() {
        for word in 0..256 {
            let value = FloatImmediate::unpack(word).value();
            assert_eq!(FloatImmediate::new(value.to_bits(), Q64), Some(FloatImmediate(word)));
            let single = (value as f32).to_bits() as u64;
            assert_eq!(FloatImmediate::new(single, L32), Some(FloatImmediate(word)));
        }
        for value in [0.0, 0.1, 32.0, 0.0625, 1.03125, f64::NAN, f64::INFINITY] {
            assert_eq!(FloatImmediate::new(value.to_bits(), Q64), None, "{value}");
        }
    }

    #[test]
    fn masks_are_repeated_runs_of_ones() {
        for value in [0x5555_5555_5555_5555, 0x00FF_00FF_00FF_00FF, 1, 1 << 63, !1, 0x8000_0000_0000_0001] {
            let mask = Bitmask::new(value, Q64).expect("a run of ones");
            assert_eq!(mask.value(64), value);
        }
        for value in [0, u64::MAX, 5, 0x0001_0000_0000_0002] {
            assert_eq!(Bitmask::new(value, Q64), None, "{value:#x}");
        }
        assert_eq!(Bitmask::new(0xFFFF_FFFF, L32), None);
        let mask = Bitmask::new(0xF000_000F, L32).expect("a run of ones");
        assert_eq!(mask.value(32), 0xF000_000F);
    }
}
