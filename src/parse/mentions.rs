//! Finds which functions a function's text mentions, and whether it has a stack limit, without parsing it.

use super::cursor::Cursor;
use crate::ir::Name;
use memchr::memmem;

/// Calls `found` with the name in each declaration of a function (`fn0 = %name(i32)`) that begins a line
/// before the first block, also behind `;!`. Others are not found.
pub(crate) fn mentions(text: &[u8], mut found: impl FnMut(Name)) {
    let first_block = memmem::find_iter(text, b"block").find(|&at| begins_line(text, at));
    let declarations = &text[..first_block.unwrap_or(text.len())];
    for at in memmem::find_iter(declarations, b"fn").filter(|&at| begins_line(text, at)) {
        if let Some(name) = declared(&mut Cursor { text, pos: at }) {
            found(name);
        }
    }
}

/// Whether there is nothing but white space and signs of comments before a position of a line.
fn begins_line(text: &[u8], at: usize) -> bool {
    let before = text[..at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b';' | b'!'));
    before.is_none_or(|byte| *byte == b'\n')
}

/// Whether a line of a function's text declares a stack limit, `stack_limit = gv0`.
pub(crate) fn has_stack_limit(text: &[u8]) -> bool {
    const WORD: &[u8] = b"stack_limit";
    memmem::find_iter(text, WORD).any(|at| {
        let before = text[..at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t'));
        let after = Cursor { text, pos: at + WORD.len() };
        before.is_none_or(|byte| *byte == b'\n') && matches!(after.peek(), b' ' | b'\t' | b'=')
    })
}

/// The name in a declaration of a function at the cursor.
fn declared(cur: &mut Cursor) -> Option<Name> {
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

    #[test]
    fn stack_limits_are_found() {
        assert!(has_stack_limit(b"function %f() {\n\tgv0 = vmctx\n    stack_limit = gv0\nblock0:\n"));
        assert!(has_stack_limit(b"\nstack_limit=gv0"));
        let others = b"function %stack_limit() { ; stack_limit = gv0\n  stack_limits = gv0\n  stack_limit";
        assert!(!has_stack_limit(others));
    }
}
