//! Integer and float literals.
//!
//! Integers are decimal or `0x`, with underscores anywhere among the digits. Floats are hexadecimal
//! (`0x1.8p3`), which must be exact, or `Inf`, `NaN`, `NaN:0x1`, `sNaN:0x1`; decimal ones are read as
//! Rust reads them, rounded to nearest.

use super::cursor::{Cursor, is_word};

/// An integer literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// Whether it has a minus sign.
    pub negative: bool,
    /// The digits' value.
    pub magnitude: u128,
}

impl Integer {
    /// The integer that all of `text` spells.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        cursor.integer().filter(|_| cursor.at_end())
    }

    /// The low `bits` bits of its two's complement, if it is in the range of a signed or an unsigned
    /// integer of that many bits.
    #[inline]
    pub fn to_bits(self, bits: u32) -> Option<u128> {
        let mask = u128::MAX >> (128 - bits);
        let limit = if self.negative { (mask >> 1) + 1 } else { mask };
        let value = if self.negative { self.magnitude.wrapping_neg() } else { self.magnitude };
        (self.magnitude <= limit).then_some(value & mask)
    }

    /// As a signed 32-bit number.
    #[inline]
    pub fn to_i32(self) -> Option<i32> {
        let value = i64::try_from(self.magnitude).ok()?;
        i32::try_from(if self.negative { -value } else { value }).ok()
    }

    /// As a signed or unsigned 64-bit number's bits.
    pub fn to_i64(self) -> Option<i64> {
        self.to_bits(64).map(|bits| bits as i64)
    }

    /// As an unsigned 32-bit number.
    pub fn to_u32(self) -> Option<u32> {
        (!self.negative).then(|| u32::try_from(self.magnitude).ok())?
    }
}

impl Cursor<'_> {
    /// Moves past an integer literal with an optional sign.
    #[inline]
    pub fn integer(&mut self) -> Option<Integer> {
        let negative = self.peek() == b'-';
        let start = self.pos + (negative || self.peek() == b'+') as usize;
        let digits = &self.text[start..];
        let mut value = 0u64;
        let mut len = 0;
        while let Some(&b) = digits.get(len)
            && b.is_ascii_digit()
            && len < 18
        {
            value = value * 10 + (b - b'0') as u64;
            len += 1;
        }
        let mut magnitude = value as u128;
        if len == 0 || digits.get(len).is_some_and(|&b| is_word(b)) {
            (magnitude, len) = long_integer(digits)?;
        }
        if digits.get(len) == Some(&b'.') {
            return None;
        }
        self.pos = start + len;
        Some(Integer { negative, magnitude })
    }

    /// Moves past a float literal of a format, and gives its bits.
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

/// An integer with underscores, a hexadecimal one, or one of many digits: its value and length.
#[cold]
fn long_integer(digits: &[u8]) -> Option<(u128, usize)> {
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

/// The widths that make an IEEE 754 interchange format.
#[derive(Clone, Copy, Debug)]
pub struct FloatFormat {
    /// Bits in all.
    pub bits: u32,
    /// Bits of the significand that are stored.
    pub fraction: u32,
}

impl FloatFormat {
    /// Of a float of `bits` bits: 16, 32, 64 or 128.
    pub const fn new(bits: u32) -> Self {
        let fraction = match bits {
            16 => 10,
            32 => 23,
            64 => 52,
            _ => 112,
        };
        FloatFormat { bits, fraction }
    }

    fn exponent_mask(self) -> u128 {
        (1 << (self.bits - 1 - self.fraction)) - 1
    }

    fn bias(self) -> i32 {
        (self.exponent_mask() >> 1) as i32
    }

    /// The bits of the number that `text` spells.
    pub fn parse(self, text: &[u8]) -> Result<u128, &'static str> {
        let (sign, digits) = match text {
            [b'-', rest @ ..] => (1 << (self.bits - 1), rest),
            [b'+', rest @ ..] => (0, rest),
            _ => (0, text),
        };
        let infinity = self.exponent_mask() << self.fraction;
        let quiet = 1u128 << (self.fraction - 1);
        let magnitude = match digits {
            b"0.0" => 0,
            b"Inf" => infinity,
            b"NaN" => infinity | quiet,
            [b'0', b'x', hex @ ..] => self.parse_hex(hex)?,
            [b'N', b'a', b'N', b':', b'0', b'x', hex @ ..] => infinity | quiet | payload(hex, 0, quiet)?,
            [b's', b'N', b'a', b'N', b':', b'0', b'x', hex @ ..] => infinity | payload(hex, 1, quiet)?,
            _ => self.parse_decimal(digits)?,
        };
        Ok(sign | magnitude)
    }

    fn parse_decimal(self, digits: &[u8]) -> Result<u128, &'static str> {
        if !digits.first().is_some_and(u8::is_ascii_digit) {
            return Err("expected a float");
        }
        let text = std::str::from_utf8(digits).map_err(|_| "expected a float")?;
        let bits = match self.bits {
            32 => text.parse::<f32>().ok().filter(|f| f.is_finite()).map(|f| f.to_bits() as u128),
            64 => text.parse::<f64>().ok().filter(|f| f.is_finite()).map(|f| f.to_bits() as u128),
            _ => return Err("a float of this type must be written in hexadecimal"),
        };
        bits.ok_or("bad decimal float, or one too large for its type")
    }

    fn parse_hex(self, text: &[u8]) -> Result<u128, &'static str> {
        let split = text.iter().position(|&b| b == b'p').unwrap_or(text.len());
        let (digits, exponent) = (&text[..split], text.get(split + 1..));
        let mut significand = 0u128;
        let mut count = 0;
        let mut point = None;
        for &b in digits {
            match (b as char).to_digit(16) {
                Some(digit) if count < 32 => {
                    significand = significand << 4 | digit as u128;
                    count += 1;
                }
                Some(_) => return Err("too many digits in a float"),
                None if b == b'.' && point.is_none() => point = Some(count),
                None => return Err("expected a float"),
            }
        }
        let mut power = match exponent {
            None => 0,
            Some(text) => std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse::<i16>().ok())
                .ok_or("bad exponent in a float")? as i32,
        };
        if count == 0 {
            return Err("expected a float");
        }
        power -= 4 * (count - point.unwrap_or(count));
        if significand == 0 { Ok(0) } else { self.encode(significand, power) }
    }

    /// The bits of `significand * 2^power`, which must be exact.
    fn encode(self, significand: u128, power: i32) -> Result<u128, &'static str> {
        let top = 127 - significand.leading_zeros() as i32;
        // The power of two that the lowest stored bit stands for.
        let lowest = (top + power).max(1 - self.bias()) - self.fraction as i32;
        let shift = lowest - power;
        if shift > 0 && (shift >= 128 || significand & ((1 << shift) - 1) != 0) {
            return Err("a float with more digits than its type holds");
        }
        if top + power > self.bias() {
            return Err("a float too large for its type");
        }
        let stored = if shift >= 0 { significand >> shift } else { significand << -shift };
        if top + power < 1 - self.bias() {
            return Ok(stored);
        }
        let biased = (top + power + self.bias()) as u128;
        Ok(biased << self.fraction | stored & ((1 << self.fraction) - 1))
    }

    /// Spells the number with these bits, so that [`parse`](Self::parse) reads it back.
    pub fn print(self, bits: u128) -> String {
        let fraction = bits & ((1 << self.fraction) - 1);
        let exponent = bits >> self.fraction & self.exponent_mask();
        let negative = bits >> (self.bits - 1) & 1 != 0;
        let quiet = 1u128 << (self.fraction - 1);
        let digits = self.fraction.div_ceil(4) as usize;
        let aligned = fraction << (4 * digits as u32 - self.fraction);
        let minus = if negative { "-" } else { "" };
        if exponent == self.exponent_mask() {
            let sign = if negative { "-" } else { "+" };
            return match (fraction, fraction & quiet != 0) {
                (0, _) => format!("{sign}Inf"),
                (f, true) if f == quiet => format!("{sign}NaN"),
                (f, true) => format!("{sign}NaN:0x{:x}", f & !quiet),
                (f, false) => format!("{sign}sNaN:0x{f:x}"),
            };
        }
        match (exponent, fraction) {
            (0, 0) => format!("{minus}0.0"),
            (0, _) => format!("{minus}0x0.{aligned:0digits$x}p{}", 1 - self.bias()),
            _ => format!("{minus}0x1.{aligned:0digits$x}p{}", exponent as i32 - self.bias()),
        }
    }
}

/// A NaN's payload: at least `least`, below the quiet bit.
fn payload(hex: &[u8], least: u128, quiet: u128) -> Result<u128, &'static str> {
    std::str::from_utf8(hex)
        .ok()
        .and_then(|text| u128::from_str_radix(text, 16).ok())
        .filter(|&payload| payload >= least && payload < quiet)
        .ok_or("bad NaN payload")
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

    #[test]
    fn floats_read_back_as_printed() {
        for (bits, text) in [
            (32, "0x1.800000p1"),
            (32, "-0x0.000002p-126"),
            (64, "0x1.fffffffffffffp1023"),
            (64, "+NaN:0x1"),
            (64, "-sNaN:0x7ffffffffffff"),
            (16, "0x1.554p-2"),
            (128, "0x1.0000000000000000000000000001p0"),
            (32, "+Inf"),
            (16, "-0.0"),
        ] {
            let format = FloatFormat::new(bits);
            assert_eq!(format.print(format.parse(text.as_bytes()).unwrap()), text);
        }
        assert_eq!(FloatFormat::new(64).parse(b"0.1"), Ok(0.1f64.to_bits() as u128));
        assert_eq!(FloatFormat::new(32).parse(b"0x0.8p-149").ok(), None);
        assert_eq!(FloatFormat::new(32).parse(b"0x1p128").ok(), None);
        assert_eq!(FloatFormat::new(32).parse(b"0x1.0000001p0").ok(), None);
        assert_eq!(FloatFormat::new(64).parse(b"nan").ok(), None);
    }
}
