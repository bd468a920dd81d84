//! Finds definitions in a function's text, for messages: where something was defined first, and whether it
//! was to be defined by text with an error. Only messages need this, so parsing records nothing for it.

use std::ops::Range;

use super::cursor::{Cursor, is_word};

/// Returns the position of the first definition of an entity in a part of the text: of `v1`, `block1`, `ss0`.
#[cold]
pub(super) fn definition(text: &[u8], part: Range<usize>, entity: &str) -> Option<usize> {
    let (entity, end) = (entity.as_bytes(), part.end);
    let mut cur = Cursor { text, pos: part.start };
    while cur.pos < end {
        match cur.peek() {
            b';' => cur.skip_line(),
            b'"' if cur.quoted().is_some() => {}
            b'%' => {
                cur.pos += 1;
                cur.word();
            }
            byte if is_word(byte) => {
                let at = cur.pos;
                if cur.word() == entity && defines(cur, entity.starts_with(b"block")) {
                    return Some(at);
                }
            }
            _ => cur.pos += 1,
        }
    }
    None
}

/// Whether an entity before the cursor is being defined: `=`, `:` or `->` follows, after other results or,
/// for a block, parameters.
fn defines(mut cur: Cursor, is_block: bool) -> bool {
    space_on_line(&mut cur);
    if is_block {
        if cur.peek() == b'(' {
            while !matches!(cur.peek(), b')' | b'\n') && !cur.at_end() {
                cur.pos += 1;
            }
            cur.eat(b')');
        }
        cur.eat_word(b"cold");
        return cur.peek() == b':';
    }
    while cur.peek() == b',' {
        cur.pos += 1;
        space_on_line(&mut cur);
        if cur.entity(b"v").is_none() {
            return false;
        }
        space_on_line(&mut cur);
    }
    matches!(cur.peek(), b'=' | b':') || cur.text[cur.pos..].starts_with(b"->")
}

/// Whether a result, a block or a declaration is defined at the cursor.
#[cold]
pub(super) fn begins_definition(mut cur: Cursor) -> bool {
    let word = cur.word();
    word.last().is_some_and(u8::is_ascii_digit) && defines(cur, word.starts_with(b"block"))
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
        let find = |entity: &str| definition(text.as_bytes(), 0..text.len(), entity);
        let of = |what: &str| text.find(what);
        assert_eq!(find("ss0"), Some(0));
        assert_eq!(find("v0"), of("v0: i32"));
        assert_eq!(find("v1"), of("v1, v2"));
        assert_eq!(find("v2"), of("v2 = f"));
        assert_eq!(find("block1"), of("block1(v3"));
        assert_eq!(find("block2"), of("block2:"));
        assert_eq!((find("v3"), find("v4")), (of("v3: i8"), of("v4 ->")));
        assert_eq!((find("block9"), find("v9")), (None, None));
    }
}
