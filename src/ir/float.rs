//! Float literals, parsed and printed.
//!
//! All formats have hexadecimal literals (`0x1.8p3`), which must be exact, `Inf`, `NaN`, `NaN:0x1` and
//! `sNaN:0x1`. f32 and f64 have decimal ones too, which are rounded to nearest.

/// An IEEE 754 interchange format.
#[derive(Clone, Copy, Debug)]
pub struct FloatFormat {
    /// Width of the format in bits.
    pub bits: u32,
    /// Number of bits of the significand that are stored.
    pub fraction: u32,
}

impl FloatFormat {
    /// The message for a text that doesn't start like a float.
    pub(crate) const EXPECTED: &str = "expected a float";

    /// The format that is `bits` wide: 16, 32, 64 or 128.
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

    /// The bits of a power of two that is at least 1, or of infinity if it is too large.
    pub(crate) fn power_of_two(self, exponent: u32) -> u128 {
        (self.bias() as u128 + u128::from(exponent)).min(self.exponent_mask()) << self.fraction
    }

    /// The bits of the number that `text` spells, or what is wrong with it.
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
            return Err(Self::EXPECTED);
        }
        let text = std::str::from_utf8(digits).map_err(|_| Self::EXPECTED)?;
        let bits = match self.bits {
            32 => text.parse::<f32>().ok().filter(|f| f.is_finite()).map(|f| f.to_bits() as u128),
            64 => text.parse::<f64>().ok().filter(|f| f.is_finite()).map(|f| f.to_bits() as u128),
            _ => return Err("f16 and f128 have no decimal literals: use hexadecimal, as in `0x1.8p0`"),
        };
        bits.ok_or("invalid decimal float literal, or one too large for its type: expected one like `1.5e3`")
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
                Some(_) => return Err("float literal has too many digits: at most 32"),
                None if b == b'.' && point.is_none() => point = Some(count),
                None => return Err("invalid hexadecimal float literal"),
            }
        }
        let mut power = match exponent {
            None => 0,
            Some(text) => std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse::<i16>().ok())
                .ok_or("invalid exponent in float literal: expected a decimal integer")?
                as i32,
        };
        if count == 0 {
            return Err("float literal has no digits");
        }
        power -= 4 * (count - point.unwrap_or(count));
        if significand == 0 { Ok(0) } else { self.encode(significand, power) }
    }

    /// The bits of `significand * 2^power`, which must be representable exactly.
    fn encode(self, significand: u128, power: i32) -> Result<u128, &'static str> {
        let top = 127 - significand.leading_zeros() as i32;
        // The exponent of the lowest stored bit.
        let lowest = (top + power).max(1 - self.bias()) - self.fraction as i32;
        let shift = lowest - power;
        if shift > 0 && (shift >= 128 || significand & ((1 << shift) - 1) != 0) {
            return Err(
                "float literal is not exact: its type cannot hold all digits, but rounds decimal ones",
            );
        }
        if top + power > self.bias() {
            return Err("float literal is too large for its type");
        }
        let stored = if shift >= 0 { significand >> shift } else { significand << -shift };
        if top + power < 1 - self.bias() {
            return Ok(stored);
        }
        let biased = (top + power + self.bias()) as u128;
        Ok(biased << self.fraction | stored & ((1 << self.fraction) - 1))
    }

    /// The literal of the number with these bits, which [`parse`](Self::parse) reads back.
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

/// The payload of a NaN: from `least` to below the quiet bit.
fn payload(hex: &[u8], least: u128, quiet: u128) -> Result<u128, &'static str> {
    std::str::from_utf8(hex)
        .ok()
        .and_then(|text| u128::from_str_radix(text, 16).ok())
        .filter(|&payload| payload >= least && payload < quiet)
        .ok_or("NaN payload out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

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
