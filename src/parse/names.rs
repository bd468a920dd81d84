//! Parses symbol names and the escapes of quoted strings.

use super::cursor::Cursor;
use crate::ir::Name;

impl Cursor<'_> {
    /// Moves past a symbol name and the white space after it.
    pub fn name(&mut self) -> Option<Name> {
        let name = if self.peek() == b'%' {
            self.pos += 1;
            match self.peek() {
                b'"' => Name::Text(String::from_utf8(unescape(self.quoted()?)?).ok()?.into()),
                _ => Name::Text(std::str::from_utf8(self.word()).ok()?.into()),
            }
        } else if self.at_entity(b"userextname") {
            Name::UserRef(self.entity(b"userextname")?)
        } else {
            let namespace = self.entity(b"u")?;
            if !self.eat(b':') {
                return None;
            }
            Name::User(namespace, self.integer()?.to_u32()?)
        };
        self.space();
        Some(name)
    }
}

/// The message about a string that [`unescape`] refuses.
pub(super) const UNKNOWN_ESCAPE: &str = r#"unknown escape in string: expected \n \r \t \0 \\ \" or \xNN"#;

/// Where in a string the first escape is that [`unescape`] does not know.
#[cold]
pub(super) fn unknown_escape(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr(b'\\', &text[at..])?;
        let len = if text.get(at + 1) == Some(&b'x') { 4 } else { 2 };
        let end = text.len().min(at + len);
        if unescape(&text[at..end]).is_none() {
            return Some(at);
        }
        at = end;
    }
}

/// Resolves the escapes of a quoted string that names something in an object file.
pub(super) fn object_string(text: &[u8]) -> Result<Box<str>, &'static str> {
    match String::from_utf8(unescape(text).ok_or(UNKNOWN_ESCAPE)?) {
        Ok(text) if !text.is_empty() && !text.contains('\0') => Ok(text.into()),
        _ => Err("invalid string: it must be UTF-8, not empty, and have no zero bytes"),
    }
}

/// Resolves the escapes of a quoted string: `\n`, `\r`, `\t`, `\0`, `\\`, `\"`, and `\x` with two hexadecimal
/// digits. `None` if it has others.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let (&escape, tail) = rest.split_first()?;
        rest = tail;
        out.push(match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => 0,
            b'\\' | b'"' => escape,
            b'x' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(out)
}
