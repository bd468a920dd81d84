//! What users are told beside an error: where an operand stands, and how to convert a value.

use crate::ir::{SourceMap, Type, Value};

/// Returns the position of an operand of the instruction whose line begins at `offset`.
#[cold]
pub(super) fn operand_at(text: &[u8], offset: usize, value: Value, positions: &SourceMap) -> Option<usize> {
    let number = positions.value_numbers.get(value.0 as usize).copied().unwrap_or(value.0);
    let name = format!("v{number}");
    let line = text.get(offset..)?.split(|byte| matches!(byte, b'\n' | b';')).next()?;
    let start = line.windows(2).position(|pair| pair == b"= ").unwrap_or(0);
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let found = (start..line.len()).find(|&at| {
        line[at..].starts_with(name.as_bytes())
            && !is_word(line.get(at + name.len()))
            && !is_word(at.checked_sub(1).and_then(|before| line.get(before)))
    })?;
    Some(offset + found)
}

/// Returns how to convert a value to another type, as the end of a message; empty if no one way suits.
#[cold]
pub(super) fn conversion(from: Type, to: Type) -> String {
    if from.is_vector() || to.is_vector() || from.bits() == 0 {
        return String::new();
    }
    if from == to {
        return "; it needs no conversion".into();
    }
    let wider = to.bits() > from.bits();
    match (from.is_int() && to.is_int(), from.is_float() && to.is_float()) {
        (true, _) if wider => format!("; widen it by `uextend.{to}` (unsigned) or `sextend.{to}` (signed)"),
        (true, _) => format!("; narrow it by `ireduce.{to}`"),
        (_, true) if wider => format!("; widen it by `fpromote.{to}`"),
        (_, true) => format!("; narrow it by `fdemote.{to}`"),
        _ if to.is_float() => {
            format!("; convert it by `fcvt_from_sint.{to}` (signed) or `fcvt_from_uint.{to}` (unsigned)")
        }
        _ => format!("; convert it by `fcvt_to_sint_sat.{to}` or `fcvt_to_uint_sat.{to}`"),
    }
}

/// A count and a noun in the number that it needs.
pub(super) fn count(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types::{F32, F64, I8, I32, I64};

    #[test]
    fn operands_are_found_behind_results() {
        let at = |line: &str, number| operand_at(line.as_bytes(), 0, Value(number), &SourceMap::default());
        assert_eq!(at("v2 = iadd v2, v1", 2), Some(10));
        assert_eq!(at("v2 = iadd v11, v1", 1), Some(15));
        assert_eq!(at("jump block1(v3) ; v4", 4), None);
        assert_eq!(at("return v3", 3), Some(7));
    }

    #[test]
    fn conversions_go_by_kind_and_width() {
        assert!(conversion(I8, I32).contains("`uextend.i32`"));
        assert!(conversion(I64, I32).contains("`ireduce.i32`"));
        assert!(conversion(F32, F64).contains("`fpromote.f64`"));
        assert!(conversion(I32, F64).contains("`fcvt_from_sint.f64`"));
        assert!(conversion(F64, I32).contains("`fcvt_to_sint_sat.i32`"));
    }
}
