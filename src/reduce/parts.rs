//! Removes whole parts of a file: functions, items, header lines and comments.

use std::ops::Range;

use super::{State, in_chunks};
use crate::parse;

/// Removes as many parts as possible. The last first: a part mostly needs those before it.
pub(super) fn remove(state: &mut State<'_>) {
    in_chunks(
        state,
        |state| parts(&state.text).len(),
        |state, range| {
            let gone = &parts(&state.text)[range];
            let mut text = state.text.clone();
            for part in gone.iter().rev() {
                text.drain(part.clone());
            }
            state.take(text)
        },
    );
}

/// The parts of a file in order: functions with their attributes, and each line that is outside of them.
fn parts(text: &[u8]) -> Vec<Range<usize>> {
    let split = parse::split(text, &mut Vec::new());
    let mut parts = Vec::new();
    let mut at = 0;
    for function in &split.functions {
        lines(text, at..function.text.start, &mut parts);
        // Words before `function` belong to it.
        let start = function.text.start;
        let is_before =
            |last: &mut Range<usize>| last.end == start && text[last.start..start].last() != Some(&b'\n');
        let start = parts.pop_if(is_before).map_or(start, |last| last.start);
        let end = function.text.end + usize::from(text.get(function.text.end) == Some(&b'\n'));
        parts.push(start..end);
        at = end;
    }
    lines(text, at..text.len(), &mut parts);
    parts
}

/// Adds each line in a range to the parts.
pub(super) fn lines(text: &[u8], range: Range<usize>, parts: &mut Vec<Range<usize>>) {
    let mut start = range.start;
    for line in text[range].split_inclusive(|byte| *byte == b'\n') {
        parts.push(start..start + line.len());
        start += line.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_before_a_function_are_part_of_it() {
        let text = b"; x\n\nlocal function %f() {\nblock0:\n    return\n}\n; run\nfunction %g() {\n}";
        let parts = parts(text).into_iter().map(|part| std::str::from_utf8(&text[part]).expect("text"));
        let firsts: Vec<&str> = parts.map(|part| part.lines().next().unwrap_or_default()).collect();
        assert_eq!(firsts, ["; x", "", "local function %f() {", "; run", "function %g() {"]);
    }
}
