//! A position in the bytes of a text: what functions and module items are read with.
//!
//! There are no tokens: each method looks at the bytes from the position on and, where they are what
//! it reads, moves past them. A zero byte stands for the end, which no valid text contains.

use crate::ir::Type;
use crate::ir::types::{I8, I32, I64};

/// By byte: whether it can be part of a word.
static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

/// Whether `byte` can be part of a word.
#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    WORD[byte as usize]
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

    /// Moves past white space, line ends and comments.
    #[inline(always)]
    pub fn space(&mut self) {
        // What is not to be skipped is most often a letter, `}` or a bracket, all above the rest.
        if self.peek() <= b';' {
            if self.peek() == b' ' {
                self.pos += 1;
            }
            if self.peek() <= b';' {
                self.long_space();
            }
        }
    }

    fn long_space(&mut self) {
        let text = self.text;
        let mut pos = self.pos;
        loop {
            // Lines with source locations are indented far.
            while text.get(pos..pos + 8) == Some(b"        ") {
                pos += 8;
            }
            match text.get(pos) {
                Some(b' ' | b'\t'..=b'\r') => pos += 1,
                Some(b';') => pos += memchr::memchr(b'\n', &text[pos..]).unwrap_or(text.len() - pos),
                _ => break,
            }
        }
        self.pos = pos;
    }

    /// Moves past exactly these bytes, if they are next.
    #[inline(always)]
    pub fn eat_bytes(&mut self, bytes: &[u8]) -> bool {
        let found = self.text[self.pos..].starts_with(bytes);
        if found {
            self.pos += bytes.len();
        }
        found
    }

    /// Moves to the end of the line.
    pub fn skip_line(&mut self) {
        let rest = &self.text[self.pos..];
        self.pos += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// Moves past `byte` if it is next, with white space before and after it.
    #[inline(always)]
    pub fn eat(&mut self, byte: u8) -> bool {
        if self.peek() != byte {
            self.space();
        }
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
        let text = self.text;
        if !text[self.pos..].starts_with(prefix) {
            return None;
        }
        let start = self.pos + prefix.len();
        let mut end = start;
        let mut n = 0u64;
        let after = loop {
            let byte = text.get(end).copied().unwrap_or(0);
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break byte;
            }
            n = n.wrapping_mul(10).wrapping_add(digit as u64);
            end += 1;
        };
        // No more than ten digits, and no zero before others.
        let canonical = end - start <= 10 && (text.get(start) != Some(&b'0') || end - start == 1);
        if end == start || !canonical || n > u32::MAX as u64 || is_word(after) {
            return None;
        }
        self.pos = end;
        Some(n as u32)
    }

    /// Moves past a type.
    #[inline]
    pub fn ty(&mut self) -> Option<Type> {
        let (ty, len) = match self.text[self.pos..] {
            [b'i', b'3', b'2', after, ..] if !is_word(after) => (I32, 3),
            [b'i', b'6', b'4', after, ..] if !is_word(after) => (I64, 3),
            [b'i', b'8', after, ..] if !is_word(after) => (I8, 2),
            _ => {
                let word = self.peek_word();
                (Type::parse(word)?, word.len())
            }
        };
        self.pos += len;
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
