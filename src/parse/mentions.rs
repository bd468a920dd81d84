//! Finds which functions a function's text mentions, without parsing it.

use super::cursor::Cursor;
use crate::ir::Name;

/// Calls `found` with the name in each declaration of a function (`fn0 = %name(i32)`) that begins a line
/// before the first block, also behind `;!`. Others are not found.
pub(crate) fn mentions(text: &[u8], mut found: impl FnMut(Name)) {
    let mut cur = Cursor::new(text);
    while !cur.at_end() {
        while matches!(cur.peek(), b' ' | b'\t' | b';' | b'!') {
            cur.pos += 1;
        }
        if cur.peek_word().starts_with(b"block") {
            return;
        }
        if let Some(name) = declared(&mut cur) {
            found(name);
        }
        let rest = &text[cur.pos.min(text.len())..];
        cur.pos += memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
    }
}

/// The name in a declaration of a function at the cursor.
fn declared(cur: &mut Cursor) -> Option<Name> {
    if cur.peek() != b'f' {
        return None;
    }
    cur.entity(b"fn")?;
    cur.space();
    if !cur.eat(b'=') {
        return None;
    }
    cur.space();
    while matches!(cur.peek_word(), b"colocated" | b"patchable") {
        cur.word();
        cur.space();
    }
    cur.name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_found() {
        let text =
            b"function %f(i32) -> i32 {\n  sig0 = (i32)\n  fn0 = %a sig0\n\n  fn1 = colocated u0:7(i32)\n\
            ;! fn2 = %\"b c\"(i64, ...)\n  gv0 = symbol %no\nblock0(v0: i32):\n  fn3 = %no(i32)\n}";
        let mut names = Vec::new();
        mentions(text, |name| names.push(name));
        let text = |text: &str| Name::Text(text.into());
        assert_eq!(names, [text("a"), Name::User(0, 7), text("b c")]);
        mentions(b"function %f() { fn0", |name| panic!("{name:?}"));
        mentions(b"fn0 = ", |name| panic!("{name:?}"));
    }
}
