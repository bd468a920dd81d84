//! Diagnostics: messages about places in the input, and their rendering.
//!
//! A diagnostic has only a byte offset; line and column are computed when it is rendered. So the parser need
//! not track positions of valid input.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Reports a defect of clifc: code that handles some opcodes, types or sizes was given another one. It ends
/// arms of a `match` whose other arms name all that is handled.
#[cold]
#[track_caller]
pub(crate) fn unexpected(found: impl std::fmt::Debug) -> ! {
    panic!("{found:?} is not handled here")
}

/// How severe a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The input is wrong: exit code 1.
    Error,
    /// The input may be right, but cannot be compiled for this target: exit code 1.
    Unsupported,
    /// The input is accepted, but probably not what was meant.
    Warning,
    /// A defect of clifc: exit code 70.
    Bug,
}

/// A second place that a diagnostic refers to, such as an earlier definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Related {
    /// Byte offset in the file.
    pub offset: usize,
    /// What is there: `first defined here`.
    pub message: String,
}

/// A message about a place in the input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// How severe it is.
    pub severity: Severity,
    /// Byte offset in the file.
    pub offset: usize,
    /// The message, without a final period.
    pub message: String,
    /// Notes that follow the message, one line each.
    pub notes: Vec<String>,
    /// Other places that it is about.
    pub related: Vec<Related>,
    /// Whether an example helps: the syntax is wrong, and the message does not say what to write instead.
    pub wants_example: bool,
}

impl Diagnostic {
    /// Makes an error at a byte offset.
    pub fn error(offset: usize, message: impl Into<String>) -> Self {
        let (severity, message) = (Severity::Error, message.into());
        Diagnostic { severity, offset, message, notes: Vec::new(), related: Vec::new(), wants_example: false }
    }

    /// Makes an error at a byte offset about something that the target does not support.
    pub fn unsupported(offset: usize, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Unsupported, ..Diagnostic::error(offset, message) }
    }

    /// Makes a warning at a byte offset.
    pub fn warning(offset: usize, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(offset, message) }
    }

    /// Adds a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a second place, and what is there.
    pub fn also(mut self, offset: usize, message: impl Into<String>) -> Self {
        self.related.push(Related { offset, message: message.into() });
        self
    }
}

/// An input file: the name shown to the user, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Name, as given on the command line.
    pub name: &'a str,
    /// Contents of the file.
    pub text: &'a [u8],
}

impl Source<'_> {
    /// Returns line and column of a byte offset, both from 1; columns count characters. It takes time in
    /// proportion to the offset: use [`Lines`] for many.
    pub fn line_col(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..offset.min(self.text.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        (line, characters(&before[start..]))
    }
}

/// The column, from 1, after the text of a line before it.
fn characters(before: &[u8]) -> usize {
    let mark: &[u8] = b"\xef\xbb\xbf";
    String::from_utf8_lossy(before.strip_prefix(mark).unwrap_or(before)).chars().count() + 1
}

/// Size of a piece of text in [`LineNumbers`], in bytes.
const PIECE: usize = 64;

/// Line numbers of many places in a text, in any order.
#[derive(Debug)]
pub struct LineNumbers<'a> {
    text: &'a [u8],
    /// The number of lines before each piece of the text.
    before: Vec<u32>,
}

impl<'a> LineNumbers<'a> {
    /// Counts the lines of a text.
    pub fn new(text: &'a [u8]) -> Self {
        let mut lines = 0;
        let (pieces, _) = text.as_chunks::<PIECE>();
        let mut before = Vec::with_capacity(pieces.len() + 1);
        before.push(0);
        before.extend(pieces.iter().map(|piece| {
            lines += u32::from(piece.iter().map(|byte| is_end(*byte)).sum::<u8>());
            lines
        }));
        LineNumbers { text, before }
    }

    /// The line of a byte offset, counted from 1; that of the end for one behind it.
    pub fn line(&self, offset: usize) -> u32 {
        let offset = offset.min(self.text.len());
        let (piece, length) = (offset / PIECE, offset % PIECE);
        let text = &self.text[offset - length..];
        let lines = match text.first_chunk::<PIECE>() {
            // As many steps for every length are a few wide instructions.
            Some(text) => {
                text.iter().zip(0..).map(|(byte, at)| is_end(*byte) & u8::from(at < length as u8)).sum()
            }
            None => text[..length].iter().map(|byte| is_end(*byte)).sum::<u8>(),
        };
        1 + self.before[piece] + u32::from(lines)
    }
}

/// 1 for a line end.
fn is_end(byte: u8) -> u8 {
    (byte == b'\n').into()
}

/// The lines of a file, found once, to render any number of diagnostics.
pub struct Lines<'a> {
    source: Source<'a>,
    /// Byte offset of each line.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a file.
    pub fn new(source: Source<'a>) -> Self {
        let after = memchr::memchr_iter(b'\n', source.text).map(|at| at + 1);
        Lines { source, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The line of a byte offset from 0, and the offset in it.
    fn place(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.source.text.len());
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        (line, offset - self.starts[line])
    }

    /// Returns line and column of a byte offset, both from 1; columns count characters.
    pub fn line_col(&self, offset: usize) -> (usize, usize) {
        let (line, at) = self.place(offset);
        (line + 1, characters(&self.text_of(line)[..at]))
    }

    /// The text of a line, counted from 0, with its line end.
    fn text_of(&self, line: usize) -> &'a [u8] {
        let end = self.starts.get(line + 1).copied().unwrap_or(self.source.text.len());
        &self.source.text[self.starts[line]..end]
    }

    /// Renders a diagnostic: `file:line:col: error: message`, the source line, a caret, the notes and the
    /// other places.
    pub fn render(&self, diagnostic: &Diagnostic, colour: bool) -> String {
        let severity = diagnostic.severity;
        let mut out = String::new();
        self.render_place(&mut out, diagnostic.offset, severity.label(), &diagnostic.message, colour);
        for note in &diagnostic.notes {
            writeln!(out, "  note: {note}").expect("writing to a string");
        }
        for Related { offset, message } in &diagnostic.related {
            self.render_place(&mut out, *offset, NOTE, message, colour);
        }
        out
    }

    fn render_place(
        &self,
        out: &mut String,
        offset: usize,
        (label, sgr): (&str, &str),
        message: &str,
        colour: bool,
    ) {
        let paint = |text: &str, sgr: &str| match colour {
            true => format!("\x1b[{sgr}m{text}\x1b[0m"),
            false => text.to_string(),
        };
        let (line, col) = self.line_col(offset);
        let place = paint(&format!("{}:{line}:{col}:", self.source.name), "1");
        writeln!(out, "{place} {} {message}", paint(&format!("{label}:"), sgr)).expect("writing to a string");
        let (line, at) = self.place(offset);
        let text = self.text_of(line);
        let (shown, pad) = excerpt(text.trim_ascii_end(), at);
        if !shown.trim().is_empty() {
            writeln!(out, "  {shown}\n  {pad}{}", paint("^", "1;32")).expect("writing to a string");
        }
    }
}

/// The label of second places, and its colour.
const NOTE: (&str, &str) = ("note", "1;36");

impl Severity {
    /// The word for it in messages, and its colour.
    pub fn label(self) -> (&'static str, &'static str) {
        match self {
            Severity::Error | Severity::Unsupported => ("error", "1;31"),
            Severity::Warning => ("warning", "1;35"),
            Severity::Bug => ("bug in clifc", "1;31"),
        }
    }
}

/// Returns the part of a long line around byte `at`, made printable, and the white space that is as wide as
/// the text before `at` on a terminal.
fn excerpt(line: &[u8], at: usize) -> (String, String) {
    const WIDTH: usize = 160;
    let at = at.min(line.len());
    let from = if at > WIDTH * 3 / 4 { at - WIDTH / 2 } else { 0 };
    let to = line.len().min(from + WIDTH);
    let clean = |bytes: &[u8]| -> String {
        let printable = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
        String::from_utf8_lossy(bytes).chars().filter(|c| *c != '\u{feff}').map(printable).collect()
    };
    let head = clean(&line[from..at]);
    let pad = |c: char| match c {
        '\t' => "\t".to_string(),
        _ => " ".repeat(c.width().unwrap_or(0)),
    };
    let space = head.chars().map(pad).collect();
    (head + &clean(&line[at..to.max(at)]), space)
}

/// Returns a suggestion, `; did you mean` and the candidate nearest to `name`, or an empty string if none is
/// near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    /// Longer words are unlikely to be misspelt names, and comparing them takes quadratic time.
    const LONGEST: usize = 48;
    if name.len() > LONGEST {
        return String::new();
    }
    let near = 1 + name.len() / 5;
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= near)
        .map(|candidate| (edit_distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= near)
        .map_or(String::new(), |(_, candidate)| format!("; did you mean `{candidate}`?"))
}

/// Returns the number of insertions, deletions, replacements and exchanges of neighbours that turn `a` into
/// `b`.
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_wide_characters() {
        let text = "\u{feff}ab\n\t\u{6f22}\u{5b57}e\u{301} x\r\n";
        let source = Source { name: "f", text: text.as_bytes() };
        let lines = Lines::new(source);
        let at = text.find('x').expect("it is there");
        assert_eq!(lines.line_col(at), (2, 7));
        assert_eq!(lines.line_col(at), source.line_col(at));
        assert_eq!(LineNumbers::new(source.text).line(at), 2);
        assert_eq!(lines.line_col(4), (1, 2), "a byte order mark is not a character");
        let rendered = lines.render(&Diagnostic::error(at, "m").also(3, "here"), false);
        let expected = "f:2:7: error: m\n  \t\u{6f22}\u{5b57}e\u{301} x\n  \t      ^\n\
                        f:1:1: note: here\n  ab\n  ^\n";
        assert_eq!(rendered, expected);
    }

    #[test]
    fn distances() {
        for (a, b, distance) in [("", "abc", 3), ("icpm", "icmp", 1), ("iadd", "isub", 3), ("ab", "ab", 0)] {
            assert_eq!(edit_distance(a.as_bytes(), b.as_bytes()), distance, "{a} {b}");
        }
    }

    #[test]
    fn the_end_of_a_file_is_a_place() {
        assert_eq!(LineNumbers::new(b"").line(3), 1);
        let text = [&[b'x'; 300][..], b"\n\n", &[b'y'; 300]].concat();
        let numbers = LineNumbers::new(&text);
        let expected = [(0, 1), (300, 1), (301, 2), (302, 3), (601, 3), (602, 3), (9999, 3)];
        assert_eq!(expected.map(|(at, _)| (at, numbers.line(at))), expected);
        let lines = Lines::new(Source { name: "f", text: b"" });
        assert_eq!(lines.render(&Diagnostic::error(7, "m"), false), "f:1:1: error: m\n");
    }
}
