//! Diagnostics: what is wrong with the input, where, and how it is shown.
//!
//! A diagnostic carries byte offsets only; line and column are worked out when it is printed, so that
//! the parser keeps no positions for input that is right.

use std::fmt::Write;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The input is wrong: exit code 1.
    Error,
    /// The input may be right, but cannot be compiled for this target: exit code 1.
    Unsupported,
    /// The input is accepted, and probably not what was meant.
    Warning,
    /// A defect of clifc: exit code 70.
    Bug,
}

/// One message about one place of the input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Byte offset in the file.
    pub offset: usize,
    /// The reason, without a final period.
    pub message: String,
    /// More to say, one line each.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error at a byte offset.
    pub fn error(offset: usize, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Error, offset, message: message.into(), notes: Vec::new() }
    }

    /// What a target cannot do, at a byte offset.
    pub fn unsupported(offset: usize, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Unsupported, ..Diagnostic::error(offset, message) }
    }

    /// Adds a line to what is said.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// An input file: the name shown to the user, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// As given on the command line.
    pub name: &'a str,
    /// The file.
    pub text: &'a [u8],
}

impl Source<'_> {
    /// Line and column of a byte offset, both from 1; columns count characters.
    pub fn line_col(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..offset.min(self.text.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
    }

    /// Renders a diagnostic as `file:line:col: error: text`, the source line, a caret and the notes.
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

/// The part of a long line around byte `at`, made printable, and the caret's character column in it.
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

/// `; did you mean` the candidate nearest to `name`; empty if none is near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    /// Longer words than this are not misspelt names, and comparing them takes quadratic time.
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

/// How many insertions, deletions and replacements lead from `a` to `b`.
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
