//! Simplifies functions as text: removes lines and parameters, and makes words and numbers simpler.

use std::ops::Range;

use super::{State, in_chunks, parts};
use crate::parse;

/// Words that a function does without.
const WORDS: [&str; 13] = [
    " notrap",
    " aligned",
    " can_move",
    " readonly",
    " little",
    " big",
    " cold",
    " colocated",
    " uext",
    " sext",
    " system_v",
    " fast",
    " tail",
];

/// Types, and simpler ones.
const TYPES: [(&str, &str); 6] =
    [("i128", "i64"), ("i64", "i32"), ("i16", "i8"), ("f128", "f64"), ("f64", "f32"), ("i32", "i8")];

/// A change of a function's text: the range that is replaced, and by what.
type Change = (Range<usize>, String);

/// Lists the changes that a function's text offers.
type Changes = fn(&str) -> Vec<Change>;

/// Simplifies each function of the file, and its data.
pub(super) fn simplify(state: &mut State<'_>) {
    let count = functions(&state.text).len();
    for number in (0..count).rev() {
        for changes in [lines as Changes, comments, words, numbers] {
            many(state, number, changes);
        }
        for group in [types as Groups, block_params, joined, signature] {
            groups(state, number, group);
        }
    }
    data(state);
}

/// The ranges of the file's functions.
fn functions(text: &[u8]) -> Vec<Range<usize>> {
    let split = parse::split(text, &mut Vec::new());
    split.functions.into_iter().map(|function| function.text).collect()
}

/// The text of a function.
fn function(state: &State<'_>, number: usize) -> Option<(usize, String)> {
    let range = functions(&state.text).get(number)?.clone();
    Some((range.start, String::from_utf8(state.text[range].to_vec()).ok()?))
}

/// Makes the changes, which are in order and apart, in a copy of the file's text.
fn changed(text: &[u8], start: usize, changes: &[Change]) -> Vec<u8> {
    let mut text = text.to_vec();
    for (range, new) in changes.iter().rev() {
        text.splice(start + range.start..start + range.end, new.bytes());
    }
    text
}

/// Tries changes of a function, many at once.
fn many(state: &mut State<'_>, number: usize, changes: Changes) {
    let list = |state: &State<'_>| function(state, number).map(|(start, text)| (start, changes(&text)));
    in_chunks(
        state,
        |state| list(state).map_or(0, |(_, changes)| changes.len()),
        |state, range| {
            let Some((start, changes)) = list(state) else { return false };
            let candidate = changed(&state.text, start, &changes[range]);
            state.take(candidate)
        },
    );
}

/// Lists groups of changes, each of which makes sense as a whole.
type Groups = fn(&str) -> Vec<Vec<Change>>;

/// Tries groups of changes of a function, one after the other.
fn groups(state: &mut State<'_>, number: usize, groups: Groups) {
    let mut next = 0;
    while let Some((start, text)) = function(state, number) {
        let Some(group) = groups(&text).into_iter().nth(next) else { break };
        let candidate = changed(&state.text, start, &group);
        if !state.take(candidate) {
            next += 1;
        }
    }
}

/// Lines between the first and the last.
fn lines(text: &str) -> Vec<Change> {
    let mut all = Vec::new();
    parts::lines(text.as_bytes(), 0..text.len(), &mut all);
    let inner = all.len().saturating_sub(1);
    all.truncate(inner);
    all.into_iter().skip(1).map(|line| (line, String::new())).collect()
}

/// Comments behind instructions.
fn comments(text: &str) -> Vec<Change> {
    let comments = text.match_indices("  ; ").map(|(at, _)| {
        let end = text[at..].find('\n').map_or(text.len(), |len| at + len);
        (at..end, String::new())
    });
    comments.collect()
}

/// Words that a function does without.
fn words(text: &str) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    for word in WORDS {
        for (at, _) in text.match_indices(word) {
            let end = at + word.len();
            if !text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                found.push((at..end, String::new()));
            }
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// Numbers other than zero, and offsets of addresses.
fn numbers(text: &str) -> Vec<Change> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let is_start = bytes[at].is_ascii_digit() && !is_word(bytes[at - usize::from(at > 0)]);
        if !is_start {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        let sign = usize::from(at > 0 && matches!(bytes[at - 1], b'+' | b'-'));
        let is_offset = sign == 1 && at > 1 && is_word(bytes[at - 2]);
        match is_offset {
            true => found.push((at - 1..end, String::new())),
            false if &text[at..end] != "0" => found.push((at - sign..end, "0".into())),
            false => {}
        }
        at = end;
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// Replaces a type everywhere in the function.
fn types(text: &str) -> Vec<Vec<Change>> {
    let group = |(old, new): &(&str, &str)| {
        let found = text.match_indices(old).filter(|(at, _)| {
            let before = text[..*at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        });
        found.map(|(at, _)| (at..at + old.len(), (*new).to_string())).collect::<Vec<_>>()
    };
    TYPES.iter().map(group).filter(|group| !group.is_empty()).collect()
}

/// The items of a list in parentheses that begins at `open`, which is that of the parenthesis: their ranges.
fn list(text: &str, open: usize) -> Option<Vec<Range<usize>>> {
    let close = open + text[open..].find(')')?;
    let mut at = open + 1;
    let mut items = Vec::new();
    for item in text[at..close].split(',') {
        items.push(at..at + item.len());
        at += item.len() + 1;
    }
    Some(items)
}

/// The change that removes item `n` of a list in parentheses; with the only item, the parentheses go too if
/// `whole` says so.
fn without(text: &str, open: usize, n: usize, whole: bool) -> Option<Change> {
    let items = list(text, open)?;
    let item = items.get(n)?.clone();
    Some(match items.len() {
        1 if whole => (open..item.end + 1, String::new()),
        1 => (item, String::new()),
        _ if n == 0 => {
            let space = usize::from(text[items[1].clone()].starts_with(' '));
            (item.start..items[1].start + space, String::new())
        }
        _ => (item.start - 1..item.end, String::new()),
    })
}

/// Removes a parameter of a block, and the arguments for it.
fn block_params(text: &str) -> Vec<Vec<Change>> {
    // The parameters of the entry are those of the signature.
    let headers = text.match_indices("\nblock").skip(1).filter_map(|(at, _)| {
        let line = text[at + 1..].lines().next()?;
        let open = line.find('(').filter(|_| line.contains(':'))?;
        Some((line[..open].to_string(), at + 1 + open))
    });
    let mut groups = Vec::new();
    for (name, open) in headers {
        let count = list(text, open).map_or(0, |items| items.len());
        for n in 0..count {
            let called = format!("{name}(");
            let uses = text.match_indices(&called).map(|(at, found)| at + found.len() - 1);
            groups.push(uses.filter_map(|open| without(text, open, n, true)).collect());
        }
    }
    groups
}

/// Joins a block to the one before it, which ends with a jump to it: removes the jump and the header.
fn joined(text: &str) -> Vec<Vec<Change>> {
    let mut all = Vec::new();
    parts::lines(text.as_bytes(), 0..text.len(), &mut all);
    let joins = all.windows(2).filter(|pair| {
        let [jump, header] = [&text[pair[0].clone()], &text[pair[1].clone()]].map(str::trim);
        let block = jump.strip_prefix("jump ");
        block.is_some_and(|block| header.strip_suffix(':') == Some(block))
    });
    joins.map(|pair| vec![(pair[0].start..pair[1].end, String::new())]).collect()
}

/// Removes a parameter of the function or its results.
fn signature(text: &str) -> Vec<Vec<Change>> {
    let Some(open) = text.find('(') else { return Vec::new() };
    let entry = text.find("\nblock").and_then(|at| {
        let line = text[at + 1..].lines().next()?;
        Some(at + 1 + line.find('(').filter(|_| line.contains(':'))?)
    });
    let mut groups = Vec::new();
    if let (Some(entry), Some(items)) = (entry, list(text, open)) {
        for n in 0..items.len() {
            let changes = [without(text, open, n, false), without(text, entry, n, true)];
            groups.push(changes.into_iter().flatten().collect());
        }
    }
    let header = text.lines().next().unwrap_or_default();
    if let (Some(arrow), Some(brace)) = (header.find(" -> "), header.rfind(" {")) {
        let mut group = vec![(arrow..brace, String::new())];
        for (at, word) in text.match_indices("\n    return ") {
            let end = at + 1 + text[at + 1..].find('\n').unwrap_or(0);
            group.push((at + word.len() - 1..end, String::new()));
        }
        groups.push(group);
    }
    groups
}

/// Removes the parts of data items, and makes the last one short.
fn data(state: &mut State<'_>) {
    let items = |text: &[u8]| parse::split(text, &mut Vec::new()).items;
    for number in (0..items(&state.text).len()).rev() {
        let Some(range) = items(&state.text).get(number).cloned() else { continue };
        let Some(equals) = state.text[range.clone()].iter().position(|byte| *byte == b'=') else { continue };
        let start = range.start + equals + 1;
        let parts = |text: &[u8]| text.split(|byte| *byte == b',').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let all = parts(&state.text[start..range.end]);
        let candidates = std::iter::once(b" zero 1".to_vec()).chain(all);
        for contents in candidates {
            let text = [&state.text[..start], &contents, &state.text[range.end..]].concat();
            if text.len() < state.text.len() && state.take(text) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, changes: Vec<Change>) -> Vec<String> {
        let one = |change: Change| String::from_utf8(changed(text.as_bytes(), 0, &[change])).expect("text");
        changes.into_iter().map(one).collect()
    }

    #[test]
    fn numbers_are_found() {
        let text = "v1 = load.i32 v0+8 iadd_imm v3, -17 iconst.i64 0 block2(v4)";
        let found = texts(text, numbers(text));
        assert_eq!(found[0], text.replace("+8", ""));
        assert_eq!(found[1], text.replace("-17", "0"));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn blocks_are_joined_and_lose_parameters() {
        let text = "function %f() {\nblock0:\n    jump block1(v1)\n\nblock1(v2: i32):\n    jump block2\n\
                    block2:\n    return\n}\n";
        let all = |groups: Vec<Vec<Change>>| groups.into_iter().flatten().collect::<Vec<_>>();
        let found = texts(text, all(joined(text)));
        assert_eq!(found, [text.replace("    jump block2\nblock2:\n", "")]);
        assert_eq!(block_params(text).len(), 1);
    }

    #[test]
    fn parameters_are_removed_from_lists() {
        let text = "f(a, b, c)";
        let without = |n| texts(text, without(text, 1, n, true).into_iter().collect());
        assert_eq!([without(0), without(1), without(2)].concat(), ["f(b, c)", "f(a, c)", "f(a, b)"]);
        assert_eq!(texts("f(a)", super::without("f(a)", 1, 0, true).into_iter().collect()), ["f"]);
        assert_eq!(texts("f(a)", super::without("f(a)", 1, 0, false).into_iter().collect()), ["f()"]);
    }
}
