//! A cursor over the bytes of a text, with which functions and module items are parsed.
//!
//! There are no tokens: a method looks at the bytes at the cursor and, if they are what it parses, moves past
//! them. A zero byte, which no valid text contains, stands for the end.

use super::bytes8;
use crate::ir::Type;
use crate::ir::types::{I8, I32, I64};

/// The class of bytes that words consist of: letters, digits and `_`.
const WORD: u8 = 1;
/// The class of white space and of `;`, which begins a comment.
const SKIPPED: u8 = 2;

/// The class of each byte.
static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => WORD,
            b' ' | b'\t'..=b'\r' | b';' => SKIPPED,
            _ => 0,
        };
        byte += 1;
    }
    table
};

/// Whether `byte` can be part of a word.
#[inline(always)]
pub(super) fn is_word(byte: u8) -> bool {
    CLASSES[byte as usize] == WORD
}

/// The value of each byte as a hexadecimal digit; 16 or more if it isn't one.
static HEX_DIGITS: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

const SPACES: u64 = bytes8::prefix(b"        ");

/// The eight bytes from a position on, the first being the lowest; zeros after the end.
#[inline(always)]
fn eight_at(text: &[u8], pos: usize) -> u64 {
    // Written like this, it compiles to two branches; with `get`, to conditional moves as well.
    if text.len() < 8 || pos > text.len() - 8 {
        return last_bytes(text, pos);
    }
    let bytes = text[pos..].first_chunk().expect("eight bytes follow");
    u64::from_le_bytes(*bytes)
}

/// Like [`eight_at`], for the last seven positions.
#[cold]
#[inline(never)]
fn last_bytes(text: &[u8], pos: usize) -> u64 {
    bytes8::prefix(text.get(pos..).unwrap_or_default())
}

/// The position of the next line end, or of the end of the text.
#[inline]
fn line_end(text: &[u8], mut pos: usize) -> usize {
    while pos < text.len() {
        let len = bytes8::find(eight_at(text, pos), b'\n');
        pos += len;
        if len < 8 {
            return pos;
        }
    }
    text.len()
}

/// The first position from `pos` on that is not in white space or a comment.
#[inline(never)]
fn skip_space(text: &[u8], mut pos: usize) -> usize {
    loop {
        let bytes = eight_at(text, pos);
        let spaces = bytes8::spaces(bytes);
        pos += spaces;
        if spaces < 8 {
            match (bytes >> (8 * spaces)) as u8 {
                b'\t'..=b'\r' => pos += 1,
                b';' => pos = line_end(text, pos) + 1,
                _ => return pos.min(text.len()),
            }
        }
    }
}

/// A text and a position in it.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub text: &'a [u8],
    pub pos: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Cursor { text, pos: 0 }
    }

    /// The byte at the cursor; zero at the end.
    #[inline(always)]
    pub fn peek(&self) -> u8 {
        self.peek_at(0)
    }

    /// The byte `ahead` bytes after the cursor; zero at the end.
    #[inline(always)]
    pub fn peek_at(&self, ahead: usize) -> u8 {
        self.text.get(self.pos + ahead).copied().unwrap_or(0)
    }

    /// Whether the cursor is at the end of the text.
    pub fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// The eight bytes from `ahead` bytes after the cursor on, the first being the lowest; zeros after the
    /// end.
    #[inline(always)]
    pub fn peek8(&self, ahead: usize) -> u64 {
        eight_at(self.text, self.pos + ahead)
    }

    /// Moves past white space, line ends and comments.
    #[inline(always)]
    pub fn space(&mut self) {
        let bytes = self.peek8(0);
        let one = matches!(bytes as u8, b' ' | b'\n') as usize;
        self.pos += one;
        if CLASSES[(bytes >> (8 * one)) as u8 as usize] == SKIPPED {
            self.pos = skip_space(self.text, self.pos);
        }
    }

    /// Moves past `bytes` if they are next, and returns whether they were.
    #[inline(always)]
    pub fn eat_bytes(&mut self, bytes: &[u8]) -> bool {
        let (head, tail) = bytes.split_at(bytes.len().min(8));
        let found = bytes8::first(self.peek8(0), head.len()) == bytes8::prefix(head)
            && self.text[self.pos + head.len()..].starts_with(tail);
        if found {
            self.pos += bytes.len();
        }
        found
    }

    /// Moves to the end of the line.
    pub fn skip_line(&mut self) {
        self.pos = line_end(self.text, self.pos);
    }

    /// Moves past `byte` and the white space around it if it is next, and returns whether it was.
    #[inline(always)]
    pub fn eat(&mut self, byte: u8) -> bool {
        let bytes = self.peek8(0);
        if bytes as u8 != byte {
            return self.eat_after_space(byte);
        }
        let one = matches!((bytes >> 8) as u8, b' ' | b'\n') as usize;
        self.pos += 1 + one;
        if CLASSES[(bytes >> (8 + 8 * one)) as u8 as usize] == SKIPPED {
            self.pos = skip_space(self.text, self.pos);
        }
        true
    }

    fn eat_after_space(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == byte;
        if found {
            self.pos += 1;
            self.space();
        }
        found
    }

    /// Moves past `word` and the white space around it if it is the next word, and returns whether it was.
    pub fn eat_word(&mut self, word: &[u8]) -> bool {
        self.space();
        let found = self.text[self.pos..].starts_with(word) && !is_word(self.peek_at(word.len()));
        if found {
            self.pos += word.len();
            self.space();
        }
        found
    }

    /// The word at the cursor, which can be empty. The cursor does not move.
    #[inline]
    pub fn peek_word(&self) -> &'a [u8] {
        let rest = &self.text[self.pos..];
        let len = rest.iter().position(|&b| !is_word(b)).unwrap_or(rest.len());
        &rest[..len]
    }

    /// Moves past the word at the cursor, and returns it.
    #[inline]
    pub fn word(&mut self) -> &'a [u8] {
        let word = self.peek_word();
        self.pos += word.len();
        word
    }

    /// Whether `prefix` and a digit are next: a reference like `v12`.
    #[inline]
    pub fn at_entity(&self, prefix: &[u8]) -> bool {
        self.text[self.pos..].starts_with(prefix) && self.peek_at(prefix.len()).is_ascii_digit()
    }

    /// Moves past a reference, `prefix` and a number, and returns the number.
    #[inline(always)]
    pub fn entity(&mut self, prefix: &[u8]) -> Option<u32> {
        let bytes = self.peek8(0);
        if bytes8::first(bytes, prefix.len()) != bytes8::prefix(prefix) {
            return None;
        }
        let digits = if prefix.len() == 1 { bytes >> 8 } else { self.peek8(prefix.len()) };
        let (number, len) = bytes8::decimal(digits);
        // There is no leading zero, and the byte after the number is among the eight.
        let short = len.wrapping_sub(1) < 6 && (digits as u8 != b'0' || len == 1);
        if !short || is_word((digits >> (8 * len)) as u8) {
            return self.long_entity(prefix);
        }
        self.pos += prefix.len() + len;
        Some(number)
    }

    /// Like [`entity`](Self::entity), with any number of digits.
    #[cold]
    #[inline(never)]
    fn long_entity(&mut self, prefix: &[u8]) -> Option<u32> {
        let word = self.peek_word();
        let digits = word.strip_prefix(prefix)?;
        let canonical = digits == b"0" || !digits.starts_with(b"0");
        if !canonical || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        self.pos += word.len();
        Some(number)
    }

    /// Moves past `v1 = `, and returns the number. Does not move if anything else is next.
    #[inline(always)]
    pub fn one_result(&mut self) -> Option<u32> {
        let mut cur = *self;
        let number = cur.entity(b"v")?;
        if !cur.eat_bytes(b" = ") {
            return None;
        }
        *self = cur;
        Some(number)
    }

    /// Moves past a source location, `@1f`, and the white space after it, which is mostly many spaces: as
    /// many as in `last`, the text of the one before, since what follows is in columns.
    #[inline(always)]
    pub fn srcloc(&mut self, last: &[u8]) -> Option<u32> {
        let mut digits = self.peek8(1);
        let mut number = 0;
        let mut len = 0;
        while let digit @ ..16 = HEX_DIGITS[digits as u8 as usize] {
            number = number << 4 | digit as u32;
            digits >>= 8;
            len += 1;
        }
        let mut pos = self.pos + 1 + len;
        if let (Some(rest), Some(spaces)) = (self.text.get(pos..), last.get(1 + len..))
            && rest.starts_with(spaces)
        {
            pos += spaces.len();
        }
        while eight_at(self.text, pos) == SPACES {
            pos += 8;
        }
        if len == 0 || is_word(self.peek_at(1 + len)) {
            return None;
        }
        self.pos = pos;
        self.space();
        Some(number)
    }

    /// Moves past `.i32 ` or `.i64 `, if no more white space follows.
    #[inline(always)]
    pub fn common_suffix(&mut self) -> Option<Type> {
        const I32_TEXT: u64 = bytes8::prefix(b".i32 ");
        const I64_TEXT: u64 = bytes8::prefix(b".i64 ");
        let bytes = self.peek8(0);
        let ty = match bytes8::first(bytes, 5) {
            I32_TEXT => I32,
            I64_TEXT => I64,
            _ => return None,
        };
        if CLASSES[(bytes >> 40) as u8 as usize] == SKIPPED {
            return None;
        }
        self.pos += 5;
        Some(ty)
    }

    /// Moves past a type.
    #[inline(always)]
    pub fn ty(&mut self) -> Option<Type> {
        const I32_TEXT: u64 = bytes8::prefix(b"i32");
        const I64_TEXT: u64 = bytes8::prefix(b"i64");
        let word = self.peek8(0);
        let ty = match bytes8::first(word, 3) {
            I32_TEXT => I32,
            I64_TEXT => I64,
            _ => return self.other_type(),
        };
        if is_word((word >> 24) as u8) {
            return self.other_type();
        }
        self.pos += 3;
        Some(ty)
    }

    fn other_type(&mut self) -> Option<Type> {
        let word = self.peek_word();
        let ty = if word == b"i8" { I8 } else { Type::parse(word)? };
        self.pos += word.len();
        Some(ty)
    }

    /// Moves past a quoted string that ends on its line, and returns the text between the quotes. The byte
    /// after a backslash does not end it.
    pub fn quoted(&mut self) -> Option<&'a [u8]> {
        if self.peek() != b'"' {
            return None;
        }
        let start = self.pos + 1;
        let mut end = start;
        loop {
            match self.text.get(end)? {
                b'"' => break,
                b'\n' => return None,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        self.pos = end + 1;
        Some(&self.text[start..end])
    }

    /// What is next, as an error message quotes it: a word, a name, a number or a character. `end` is what
    /// the end of the text is called.
    #[cold]
    pub fn found(&self, end: &str) -> String {
        const LONGEST: usize = 40;
        let mut cur = *self;
        cur.space();
        let rest = &cur.text[cur.pos..];
        let shown = String::from_utf8_lossy(&rest[..rest.len().min(LONGEST)]);
        let mut chars = shown.chars();
        match chars.next() {
            None => end.into(),
            Some(first) if first.is_control() => format!("the byte 0x{:02x}", rest[0]),
            Some(first @ ('%' | '@' | '.' | '+' | '-' | '_' | 'a'..='z' | 'A'..='Z' | '0'..='9')) => {
                let word: String = chars.take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                format!("`{first}{word}`")
            }
            Some(first) => format!("`{first}`"),
        }
    }
}
