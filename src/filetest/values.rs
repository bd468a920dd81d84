//! Constants of any CLIF type: the arguments and results of run tests.

use std::fmt;

use crate::ir::{FloatFormat, Type};
use crate::parse::Integer;

/// A constant, as little-endian bytes of each lane, lane 0 first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value {
    /// Its type.
    pub ty: Type,
    bytes: Vec<u8>,
}

impl Value {
    /// Reads a constant of type `ty`: an integer, a float, or for vectors `[lanes]` or `0x` and digits
    /// of all lanes, the last first.
    pub fn parse(text: &str, ty: Type) -> Result<Self, String> {
        if ty.is_dynamic() || ty.bits() == 0 {
            return Err(format!("there are no constants of type {ty}"));
        }
        if !ty.is_vector() {
            let bytes = lane(text, ty)?;
            return Ok(Value { ty, bytes });
        }
        let Some(lanes) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return Self::parse_hex(text, ty);
        };
        let lanes: Vec<&str> = lanes.split_whitespace().collect();
        if lanes.len() != ty.lanes() as usize {
            return Err(format!("`{text}` has {} lanes, and {ty} has {}", lanes.len(), ty.lanes()));
        }
        let lanes: Result<Vec<_>, _> = lanes.into_iter().map(|text| lane(text, ty.lane())).collect();
        Ok(Value { ty, bytes: lanes?.concat() })
    }

    fn parse_hex(text: &str, ty: Type) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no constant of type {ty}");
        let digits = text.strip_prefix("0x").ok_or_else(wrong)?.replace('_', "");
        let mut bytes = digits.as_bytes().rchunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            u8::from_str_radix(pair, 16).map_err(|_| wrong())
        });
        let mut value = bytes.by_ref().collect::<Result<Vec<u8>, _>>()?;
        if value.is_empty() || value.len() > ty.bytes() as usize {
            return Err(wrong());
        }
        value.resize(ty.bytes() as usize, 0);
        Ok(Value { ty, bytes: value })
    }

    /// Reads a value from the start of `memory`, as the target has it there.
    pub fn from_memory(memory: &[u8], ty: Type, big_endian: bool) -> Self {
        let mut value = Value { ty, bytes: memory[..ty.bytes() as usize].to_vec() };
        value.swap_if(big_endian);
        value
    }

    /// The value as the target has it in memory.
    pub fn to_memory(&self, big_endian: bool) -> Vec<u8> {
        let mut value = self.clone();
        value.swap_if(big_endian);
        value.bytes
    }

    /// Whether all bits are zero.
    pub fn is_zero(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == 0)
    }

    fn swap_if(&mut self, big_endian: bool) {
        if big_endian {
            self.bytes.chunks_mut((self.ty.lane_bits() / 8) as usize).for_each(|lane| lane.reverse());
        }
    }
}

/// The bytes of a scalar.
fn lane(text: &str, ty: Type) -> Result<Vec<u8>, String> {
    let bits = if ty.is_float() {
        FloatFormat::new(ty.bits()).parse(text.as_bytes()).map_err(|why| format!("`{text}`: {why}"))?
    } else {
        Integer::parse(text.as_bytes())
            .and_then(|integer| integer.to_bits(ty.bits()))
            .ok_or_else(|| format!("`{text}` is no constant of type {ty}"))?
    };
    Ok(bits.to_le_bytes()[..ty.bytes() as usize].to_vec())
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lane = self.ty.lane();
        let show = |bytes: &[u8]| {
            let mut padded = [0; 16];
            padded[..bytes.len()].copy_from_slice(bytes);
            let bits = u128::from_le_bytes(padded);
            match lane.is_float() {
                true => FloatFormat::new(lane.bits()).print(bits),
                false if lane.bits() > 64 || self.ty.is_vector() => format!("{bits:#x}"),
                // Shifted up and down again, to extend the sign.
                false => (((bits << (128 - lane.bits())) as i128) >> (128 - lane.bits())).to_string(),
            }
        };
        let lanes: Vec<String> = self.bytes.chunks(lane.bytes() as usize).map(show).collect();
        match self.ty.is_vector() {
            true => write!(f, "[{}]", lanes.join(" ")),
            false => f.write_str(&lanes[0]),
        }
    }
}

/// Values as a list in parentheses or brackets.
pub fn show_list(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_and_shown() {
        for (text, ty, shown) in [
            ("-1", "i8", "-1"),
            ("255", "i8", "-1"),
            ("0x1_0000", "i32", "65536"),
            ("0x0123456789abcdef0123456789abcdef", "i128", "0x123456789abcdef0123456789abcdef"),
            ("0x1.8", "f32", "0x1.800000p0"),
            ("-NaN", "f64", "-NaN"),
            ("[1 -1 0xff 3]", "i32x4", "[0x1 0xffffffff 0xff 0x3]"),
            ("0x0201", "i8x2", "[0x1 0x2]"),
            ("0x1", "i8x4", "[0x1 0x0 0x0 0x0]"),
            ("[0x1.0 Inf]", "f64x2", "[0x1.0000000000000p0 +Inf]"),
        ] {
            let ty = Type::parse(ty.as_bytes()).expect("a type");
            let value = Value::parse(text, ty).expect(text);
            assert_eq!(value.to_string(), shown);
            for big_endian in [false, true] {
                assert_eq!(Value::from_memory(&value.to_memory(big_endian), ty, big_endian), value);
            }
        }
    }

    #[test]
    fn mistakes_are_errors() {
        for (text, ty) in
            [("256", "i8"), ("[1 2]", "i32x4"), ("x", "f32"), ("0x", "i8x4"), ("0x12345", "i8x2")]
        {
            assert!(Value::parse(text, Type::parse(ty.as_bytes()).expect("a type")).is_err(), "{text}");
        }
    }
}
