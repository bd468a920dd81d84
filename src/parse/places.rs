//! Finds definitions in a function's text, for messages: where something was defined first, and whether it
//! was to be defined by text with an error. Only messages need this, so parsing records nothing for it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::cursor::{Cursor, is_word};

/// The definitions in a function's text. They are searched for once, when they are first asked for, so that
/// any number of errors takes time in proportion to the text.
pub(super) struct Definitions<'a> {
    text: &'a [u8],
    index: Option<Index<'a>>,
}

/// All definitions in a text.
struct Index<'a> {
    /// Positions of the definitions of an entity, in order.
    places: HashMap<&'a [u8], Vec<usize>>,
    /// Positions and entities, in the order of the text.
    ordered: Vec<(usize, &'a [u8])>,
    /// The entities that text with an error defines.
    failed: HashSet<&'a [u8]>,
    /// Number of parts with errors that `failed` covers.
    parts: usize,
}

impl<'a> Definitions<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Definitions { text, index: None }
    }

    fn index(&mut self) -> &mut Index<'a> {
        self.index.get_or_insert_with(|| Index::new(self.text))
    }

    /// Returns the position of the first definition of an entity in a part of the text: of `v1`, `block1`,
    /// `ss0`.
    #[cold]
    pub(super) fn first(&mut self, entity: &str, part: Range<usize>) -> Option<usize> {
        let places = self.index().places.get(entity.as_bytes())?;
        let first = places.partition_point(|place| *place < part.start);
        places.get(first).copied().filter(|place| *place < part.end)
    }

    /// Whether a part of the text that could not be parsed defines an entity. `parts` has those that it had
    /// before, and any number of others behind them.
    #[cold]
    pub(super) fn is_in(&mut self, parts: &[Range<usize>], entity: &str) -> bool {
        let index = self.index();
        for part in &parts[index.parts..] {
            let first = index.ordered.partition_point(|(place, _)| *place < part.start);
            let inside = index.ordered[first..].iter().take_while(|(place, _)| *place < part.end);
            index.failed.extend(inside.map(|(_, entity)| entity));
        }
        index.parts = parts.len();
        index.failed.contains(entity.as_bytes())
    }
}

impl<'a> Index<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut index =
            Index { places: HashMap::new(), ordered: Vec::new(), failed: HashSet::new(), parts: 0 };
        let mut cur = Cursor::new(text);
        let mut close = Close::default();
        while !cur.at_end() {
            match cur.peek() {
                // Declarations can be in such comments.
                b';' if cur.peek_at(1) == b'!' => cur.pos += 2,
                b';' => cur.skip_line(),
                b'"' if cur.quoted().is_some() => {}
                b'%' => {
                    cur.pos += 1;
                    cur.word();
                }
                byte if is_word(byte) => index.words(&mut cur, &mut close),
                _ => cur.pos += 1,
            }
        }
        index
    }

    /// Moves past a word, or a list of values, and notes what is defined there.
    fn words(&mut self, cur: &mut Cursor<'a>, close: &mut Close) {
        let (first, start) = (self.ordered.len(), cur.pos);
        let word = cur.word();
        self.ordered.push((start, word));
        if is_value(word) {
            // All that is before the same `=` is defined there.
            while let Some((at, value)) = next_of_list(cur) {
                self.ordered.push((at, value));
            }
        }
        if !defines(*cur, word.starts_with(b"block"), close) {
            self.ordered.truncate(first);
        }
        for &(at, entity) in &self.ordered[first..] {
            self.places.entry(entity).or_default().push(at);
        }
    }
}

fn is_value(word: &[u8]) -> bool {
    matches!(word, [b'v', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Moves past a comma and a value behind it, on the same line, if they are next.
fn next_of_list<'a>(cur: &mut Cursor<'a>) -> Option<(usize, &'a [u8])> {
    let mut next = *cur;
    space_on_line(&mut next);
    if !next.eat(b',') {
        return None;
    }
    space_on_line(&mut next);
    let (at, value) = (next.pos, next.word());
    is_value(value).then(|| {
        *cur = next;
        (at, value)
    })
}

/// The position where the parameters of a block end, or their line: of the last block that was looked at.
#[derive(Default)]
struct Close(usize);

impl Close {
    fn after(&mut self, cur: Cursor) -> usize {
        if self.0 <= cur.pos {
            let rest = &cur.text[cur.pos..];
            self.0 = cur.pos + memchr::memchr2(b')', b'\n', rest).unwrap_or(rest.len());
        }
        self.0
    }
}

/// Whether an entity before the cursor, or a list of values, is being defined: `=`, `:` or `->` follows, or
/// for a block `:` after its parameters.
fn defines(mut cur: Cursor, is_block: bool, close: &mut Close) -> bool {
    space_on_line(&mut cur);
    if is_block {
        if cur.peek() == b'(' {
            cur.pos = close.after(cur);
            cur.eat(b')');
        }
        cur.eat_word(b"cold");
        return cur.peek() == b':';
    }
    matches!(cur.peek(), b'=' | b':') || cur.text[cur.pos..].starts_with(b"->")
}

/// Whether a result, a block or a declaration is defined at the cursor.
#[cold]
pub(super) fn begins_definition(mut cur: Cursor) -> bool {
    let word = cur.word();
    if is_value(word) {
        while next_of_list(&mut cur).is_some() {}
    }
    let is_block = word.starts_with(b"block");
    word.last().is_some_and(u8::is_ascii_digit) && defines(cur, is_block, &mut Close::default())
}

/// The start of the line of a position.
#[cold]
pub(super) fn line_start(text: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1)
}

/// Whether a line of a part of the text is the header of a block.
#[cold]
pub(super) fn has_block_header(part: &[u8]) -> bool {
    part.split(|byte| *byte == b'\n').any(|line| {
        let line = line.trim_ascii_start();
        line.starts_with(b"block") && begins_definition(Cursor::new(line))
    })
}

fn space_on_line(cur: &mut Cursor) {
    while matches!(cur.peek(), b' ' | b'\t') {
        cur.pos += 1;
    }
}

/// Whether only white space is before a position on its line, and the line begins after `start`.
#[cold]
pub(super) fn begins_line(text: &[u8], start: usize, at: usize) -> bool {
    let before = &text[start..at.min(text.len())];
    before.iter().rev().find(|byte| **byte == b'\n' || !byte.is_ascii_whitespace()) == Some(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_found_where_they_are() {
        let text = "ss0 = explicit_slot 8\nblock0(v0: i32): ; v1 = 1\n v1, v2 = f v0\n \
                    br_table v0, block1, [block2]\n\
                    block1(v3: i8) cold:\n v4 -> v3\nblock2:\n return v1";
        let mut definitions = Definitions::new(text.as_bytes());
        let mut find = |entity: &str| definitions.first(entity, 0..text.len());
        let of = |what: &str| text.find(what);
        assert_eq!(find("ss0"), Some(0));
        assert_eq!(find("v0"), of("v0: i32"));
        assert_eq!(find("v1"), of("v1, v2"));
        assert_eq!(find("v2"), of("v2 = f"));
        assert_eq!(find("block1"), of("block1(v3"));
        assert_eq!(find("block2"), of("block2:"));
        assert_eq!((find("v3"), find("v4")), (of("v3: i8"), of("v4 ->")));
        assert_eq!((find("block9"), find("v9")), (None, None));
        let (header, end) = (of("block1(v3").expect("it is there"), text.len());
        assert_eq!(definitions.first("v1", header..end), None);
        assert!(!definitions.is_in(&[], "v3"));
        assert!(!definitions.is_in(std::slice::from_ref(&(0..header)), "v3"));
        assert!(definitions.is_in(&[0..header, header..end], "v3"));
    }
}
