//! Parses number literals.
//!
//! Integers are decimal or hexadecimal (`0x`), with underscores anywhere among the digits. For floats, this
//! module only finds the end of the literal; [`FloatFormat`] interprets it.

use super::bytes8;
use super::cursor::{Cursor, is_word};
use crate::ir::{FloatFormat, Type};

/// An integer literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// Whether the literal has a minus sign.
    pub negative: bool,
    /// The value of the digits.
    pub magnitude: u128,
}

impl Integer {
    /// The integer that `text` spells as a whole.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        cursor.integer().filter(|_| cursor.at_end())
    }

    /// The two's complement in `bits` bits, if the integer is in the range of a signed or an unsigned integer
    /// of that width.
    #[inline]
    pub fn to_bits(self, bits: u32) -> Option<u128> {
        let mask = u128::MAX >> (128 - bits);
        let limit = if self.negative { (mask >> 1) + 1 } else { mask };
        let value = if self.negative { self.magnitude.wrapping_neg() } else { self.magnitude };
        (self.magnitude <= limit).then_some(value & mask)
    }

    /// The integer as a signed 32-bit number.
    #[inline]
    pub fn to_i32(self) -> Option<i32> {
        let value = i64::try_from(self.magnitude).ok()?;
        i32::try_from(if self.negative { -value } else { value }).ok()
    }

    /// The bits of the integer as a signed or an unsigned 64-bit number.
    pub fn to_i64(self) -> Option<i64> {
        self.to_bits(64).map(|bits| bits as i64)
    }

    /// The integer as an unsigned 32-bit number.
    pub fn to_u32(self) -> Option<u32> {
        (!self.negative).then(|| u32::try_from(self.magnitude).ok())?
    }
}

/// The message about an integer that is out of range for a type, which has up to 128 bits or is a lane of a
/// vector.
#[cold]
pub(super) fn out_of_range(ty: Type) -> String {
    let (lowest, highest) = (i128::MIN >> (128 - ty.bits()), u128::MAX >> (128 - ty.bits()));
    format!("integer out of range for {ty}: expected {lowest} to {highest}")
}

impl Cursor<'_> {
    /// Moves past an integer literal with an optional sign.
    #[inline(always)]
    pub fn integer(&mut self) -> Option<Integer> {
        let negative = self.peek() == b'-';
        let sign = (negative || self.peek() == b'+') as usize;
        let digits = self.peek8(sign);
        let (number, len) = bytes8::decimal(digits);
        let after = (digits >> (8 * (len & 7))) as u8;
        if len.wrapping_sub(1) >= 7 || is_word(after) || after == b'.' {
            return self.long_integer(negative, sign);
        }
        self.pos += sign + len;
        Some(Integer { negative, magnitude: number as u128 })
    }

    /// Like [`integer`](Self::integer), with any number of digits, hexadecimal, and with underscores.
    #[inline(never)]
    fn long_integer(&mut self, negative: bool, sign: usize) -> Option<Integer> {
        let (magnitude, len) = long_magnitude(self.text.get(self.pos + sign..)?)?;
        if self.peek_at(sign + len) == b'.' {
            return None;
        }
        self.pos += sign + len;
        Some(Integer { negative, magnitude })
    }

    /// Moves past a float literal of the given format, and returns its bits.
    pub fn float(&mut self, format: FloatFormat) -> Result<u128, &'static str> {
        let rest = &self.text[self.pos..];
        let sign = matches!(rest.first(), Some(b'-' | b'+')) as usize;
        let hex = rest[sign..].starts_with(b"0x");
        let mut len = sign;
        while let Some(&b) = rest.get(len) {
            let exponent = matches!(rest[len - (len > sign) as usize], b'p' | b'P')
                || !hex && matches!(rest[len - (len > sign) as usize], b'e' | b'E');
            if !(is_word(b) || matches!(b, b'.' | b':') || matches!(b, b'-' | b'+') && exponent) {
                break;
            }
            len += 1;
        }
        let bits = format.parse(&rest[..len])?;
        self.pos += len;
        Ok(bits)
    }
}

/// The value and the length of the digits at the start of `digits`.
fn long_magnitude(digits: &[u8]) -> Option<(u128, usize)> {
    let (radix, prefix) = if digits.starts_with(b"0x") { (16, 2) } else { (10, 0) };
    let mut value = 0u128;
    let mut any = false;
    let mut len = prefix;
    while let Some(&b) = digits.get(len)
        && is_word(b)
    {
        if b != b'_' {
            let digit = (b as char).to_digit(radix)?;
            value = value.checked_mul(radix as u128)?.checked_add(digit as u128)?;
            any = true;
        }
        len += 1;
    }
    any.then_some((value, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        let read = |text: &str| Cursor::new(text.as_bytes()).integer();
        assert_eq!(read("-0x8000_0000").unwrap().to_i32(), Some(i32::MIN));
        assert_eq!(read("+12 ").unwrap().to_i32(), Some(12));
        assert_eq!(read("255").unwrap().to_bits(8), Some(255));
        assert_eq!(read("-128").unwrap().to_bits(8), Some(128));
        assert_eq!(read("-129").unwrap().to_bits(8), None);
        assert_eq!(read("256").unwrap().to_bits(8), None);
        assert_eq!(read("1_8446744073709551615").unwrap().to_bits(64), Some(u64::MAX as u128));
        assert_eq!(read("340282366920938463463374607431768211456"), None);
        for bad in ["", "-", "0x", "12a", "_", "1.5", "0x_"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
