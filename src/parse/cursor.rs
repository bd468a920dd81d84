//! A position in the bytes of a text: what functions and module items are read with.
//!
//! There are no tokens: each method looks at the bytes from the position on and, where they are what
//! it reads, moves past them. A zero byte stands for the end, which no valid text contains.

use super::bytes8;
use crate::ir::Type;
use crate::ir::types::{I8, I32, I64};

/// Letters, digits and `_`: what words are made of.
const WORD: u8 = 1;
/// White space, and what begins a comment.
const SKIPPED: u8 = 2;

/// By byte: its classes.
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

/// By byte: what it is worth as a hexadecimal digit; 16 or more if it is none.
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

/// The eight bytes from a position on, the first lowest; zeros after the end.
#[inline(always)]
fn eight_at(text: &[u8], pos: usize) -> u64 {
    // Said so, this is two branches; through `get` it is conditional moves as well.
    if text.len() < 8 || pos > text.len() - 8 {
        return last_bytes(text, pos);
    }
    let bytes = text[pos..].first_chunk().expect("eight bytes follow");
    u64::from_le_bytes(*bytes)
}

/// As [`eight_at`], fewer than eight bytes before the end.
#[cold]
#[inline(never)]
fn last_bytes(text: &[u8], pos: usize) -> u64 {
    bytes8::prefix(text.get(pos..).unwrap_or_default())
}

/// The first line end from a position on, or the text's end.
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

/// The first position from `pos` on that is in no white space or comment.
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
    /// At the start of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Cursor { text, pos: 0 }
    }

    /// The byte at the position; zero at the end.
    #[inline(always)]
    pub fn peek(&self) -> u8 {
        self.peek_at(0)
    }

    /// The byte `ahead` bytes after the position; zero at the end.
    #[inline(always)]
    pub fn peek_at(&self, ahead: usize) -> u8 {
        self.text.get(self.pos + ahead).copied().unwrap_or(0)
    }

    /// Whether nothing follows.
    pub fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// The eight bytes `ahead` bytes after the position, the first lowest; zeros after the end.
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

    /// Moves past exactly these bytes, if they are next.
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

    /// Moves past `byte` if it is next, with white space before and after it.
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

    /// Moves past `word` if the next word is exactly that, and past white space after it.
    pub fn eat_word(&mut self, word: &[u8]) -> bool {
        self.space();
        let found = self.text[self.pos..].starts_with(word) && !is_word(self.peek_at(word.len()));
        if found {
            self.pos += word.len();
            self.space();
        }
        found
    }

    /// The word at the position, which may be empty; the position stays.
    #[inline]
    pub fn peek_word(&self) -> &'a [u8] {
        let rest = &self.text[self.pos..];
        let len = rest.iter().position(|&b| !is_word(b)).unwrap_or(rest.len());
        &rest[..len]
    }

    /// Moves past the word at the position.
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

    /// Moves past `prefix` and the number that makes it a reference, and gives the number.
    #[inline(always)]
    pub fn entity(&mut self, prefix: &[u8]) -> Option<u32> {
        let bytes = self.peek8(0);
        if bytes8::first(bytes, prefix.len()) != bytes8::prefix(prefix) {
            return None;
        }
        let digits = if prefix.len() == 1 { bytes >> 8 } else { self.peek8(prefix.len()) };
        let (number, len) = bytes8::decimal(digits);
        // No zero before other digits; and what ends the number has been seen.
        let short = len.wrapping_sub(1) < 6 && (digits as u8 != b'0' || len == 1);
        if !short || is_word((digits >> (8 * len)) as u8) {
            return self.long_entity(prefix);
        }
        self.pos += prefix.len() + len;
        Some(number)
    }

    /// As [`entity`](Self::entity), of any length.
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

    /// Moves past `v1 = `, and gives the number; stays where it is if that is not all.
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

    /// Moves past the `@1f` of a line and the white space after it, most often a long run of spaces.
    #[inline(always)]
    pub fn srcloc(&mut self) -> Option<u32> {
        let mut digits = self.peek8(1);
        let mut number = 0;
        let mut len = 0;
        while let digit @ ..16 = HEX_DIGITS[digits as u8 as usize] {
            number = number << 4 | digit as u32;
            digits >>= 8;
            len += 1;
        }
        let mut pos = self.pos + 1 + len;
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

    /// Moves past `.i32 ` or `.i64 `, but for a longer white space.
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

    /// Moves past a quoted string that ends on its line, and gives what is between the quotes. A
    /// backslash takes the next byte along.
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
}
