//! Diagnostics: messages about places in the input, and their rendering.
//!
//! A diagnostic has only a byte offset; line and column are computed when it is rendered. So the parser need
//! not track positions of valid input.

use std::fmt::Write;

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
}

impl Diagnostic {
    /// Makes an error at a byte offset.
    pub fn error(offset: usize, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Error, offset, message: message.into(), notes: Vec::new() }
    }

    /// Makes an error at a byte offset about something that the target does not support.
    pub fn unsupported(offset: usize, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Unsupported, ..Diagnostic::error(offset, message) }
    }

    /// Adds a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
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
    /// Returns line and column of a byte offset, both from 1; columns count characters.
    pub fn line_col(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..offset.min(self.text.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
    }

    /// Renders a diagnostic: `file:line:col: error: message`, the source line, a caret and the notes.
    pub fn render(&self, diagnostic: &Diagnostic, colour: bool) -> String {
        let (line, col) = self.line_col(diagnostic.offset);
        let (label, sgr) = match diagnostic.severity {
            Severity::Error | Severity::Unsupported => ("error", "1;31"),
            Severity::Warning => ("warning", "1;35"),
            Severity::Bug => ("bug in clifc", "1;31"),
        };
        let paint = |text: &str, sgr: &str| match colour {
            true => format!("\x1b[{sgr}m{text}\x1b[0m"),
            false => text.to_string(),
        };
        let place = paint(&format!("{}:{line}:{col}:", self.name), "1");
        let mut out = format!("{place} {} {}\n", paint(&format!("{label}:"), sgr), diagnostic.message);
        let at = diagnostic.offset.min(self.text.len());
        let start = memchr::memrchr(b'\n', &self.text[..at]).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |n| at + n);
        let (shown, caret) = excerpt(&self.text[start..end], at - start);
        if !shown.trim().is_empty() {
            let pad: String = shown.chars().take(caret).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            writeln!(out, "  {shown}\n  {pad}{}", paint("^", "1;32")).expect("writing to a string");
        }
        for note in &diagnostic.notes {
            writeln!(out, "  note: {note}").expect("writing to a string");
        }
        out
    }
}

/// Returns the part of a long line around byte `at`, made printable, and the caret's column in it, in
/// characters.
fn excerpt(line: &[u8], at: usize) -> (String, usize) {
    const WIDTH: usize = 160;
    let from = if at > WIDTH * 3 / 4 { at - WIDTH / 2 } else { 0 };
    let to = line.len().min(from + WIDTH);
    let clean = |bytes: &[u8]| -> String {
        String::from_utf8_lossy(bytes)
            .chars()
            .map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c })
            .collect()
    };
    let head = clean(&line[from..at]);
    let caret = head.chars().count();
    (head + &clean(&line[at..to.max(at)]), caret)
}

/// Returns a suggestion, `; did you mean` and the candidate nearest to `name`, or an empty string if none is
/// near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    /// Longer words are unlikely to be misspelt names, and comparing them takes quadratic time.
    const LONGEST: usize = 48;
    if name.len() > LONGEST {
        return String::new();
    }
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + name.len() / 5)
        .map_or(String::new(), |(_, candidate)| format!("; did you mean `{candidate}`?"))
}

/// Returns the number of insertions, deletions and replacements that turn `a` into `b`.
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
