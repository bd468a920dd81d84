//! Values of any CLIF type: the arguments and results of run tests.

use crate::eval::Value;
use crate::ir::{FloatFormat, Type};
use crate::parse::Integer;

/// Parses a value of type `ty`: an integer, a float, or for vectors either `[lanes]` or `0x` and the digits
/// of all lanes, the last lane first.
pub(super) fn parse(text: &str, ty: Type) -> Result<Value, String> {
    if ty.is_dynamic() || ty.bits() == 0 {
        return Err(format!("type {ty} has no constants"));
    }
    if !ty.is_vector() {
        return Ok(Value::scalar(ty, lane(text, ty)?));
    }
    let Some(lanes) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return parse_hex(text, ty);
    };
    let lanes: Vec<&str> = lanes.split_whitespace().collect();
    if lanes.len() != ty.lanes() as usize {
        return Err(format!("`{text}` has {} lanes, expected {} for {ty}", lanes.len(), ty.lanes()));
    }
    let lanes: Vec<u128> = lanes.into_iter().map(|text| lane(text, ty.lane())).collect::<Result<_, _>>()?;
    Ok(Value::from_lanes(ty, |n| lanes[n as usize]))
}

fn parse_hex(text: &str, ty: Type) -> Result<Value, String> {
    let wrong = || format!("`{text}` is not a constant of type {ty}");
    let digits = text.strip_prefix("0x").ok_or_else(wrong)?.replace('_', "");
    let bytes = digits.as_bytes().rchunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        u8::from_str_radix(pair, 16).map_err(|_| wrong())
    });
    let bytes = bytes.collect::<Result<Vec<u8>, _>>()?;
    if bytes.is_empty() || bytes.len() > ty.bytes() as usize {
        return Err(wrong());
    }
    Ok(Value::from_bytes(ty, &bytes))
}

/// The bits of a scalar.
fn lane(text: &str, ty: Type) -> Result<u128, String> {
    if ty.is_float() {
        FloatFormat::new(ty.bits()).parse(text.as_bytes()).map_err(|why| format!("`{text}`: {why}"))
    } else {
        Integer::parse(text.as_bytes())
            .and_then(|integer| integer.to_bits(ty.bits()))
            .ok_or_else(|| format!("`{text}` is not a constant of type {ty}"))
    }
}

/// The values, separated by commas.
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
            let value = parse(text, ty).expect(text);
            assert_eq!(value.to_string(), shown);
        }
    }

    #[test]
    fn mistakes_are_errors() {
        for (text, ty) in
            [("256", "i8"), ("[1 2]", "i32x4"), ("x", "f32"), ("0x", "i8x4"), ("0x12345", "i8x2")]
        {
            assert!(parse(text, Type::parse(ty.as_bytes()).expect("a type")).is_err(), "{text}");
        }
    }
}
