//! Messages to the user: about places in files, about the command, and their number at the end.
//!
//! Invariant: a message that cannot be written is lost, and nothing else happens. Whether there were errors
//! does not depend on standard error.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

use clifc::diag::{Diagnostic, Lines, Severity, Source};
use clifc::parse;
use serde::Serialize;

use super::args::{Colour, ErrorFormat, ReportArgs};

/// Writes a text to standard error, or loses it.
pub fn say(text: impl AsRef<[u8]>) {
    // There is nobody to tell.
    let _ = io::stderr().lock().write_all(text.as_ref());
}

/// How many messages are shown unless `--error-limit` says so.
const LIMIT: usize = 20;

/// Shows and counts messages.
pub struct Reporter {
    colour: bool,
    format: ErrorFormat,
    /// How many messages about places are shown; the others are counted.
    limit: usize,
    warnings_as_errors: bool,
    no_warnings: bool,
    errors: Cell<usize>,
    warnings: Cell<usize>,
    shown: Cell<usize>,
    /// Warnings about the command that were given.
    said: RefCell<BTreeSet<String>>,
}

/// A message as JSON has it.
#[derive(Serialize)]
struct Message<'a> {
    severity: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Option<Position<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<RelatedMessage<'a>>,
}

#[derive(Serialize)]
struct RelatedMessage<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Position<'a>,
}

#[derive(Serialize)]
struct Position<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    offset: usize,
}

/// The last message as JSON has it.
#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    shown: usize,
}

impl Reporter {
    /// Makes a reporter as the command line says.
    pub fn new(colour: Colour, format: ErrorFormat, args: Option<&ReportArgs>) -> Self {
        Reporter {
            colour: colour.applies_to(&io::stderr()),
            format,
            limit: args.and_then(|args| args.error_limit).unwrap_or(LIMIT),
            warnings_as_errors: args.is_some_and(|args| args.warnings_as_errors),
            no_warnings: args.is_some_and(|args| args.no_warnings),
            errors: Cell::new(0),
            warnings: Cell::new(0),
            shown: Cell::new(0),
            said: RefCell::default(),
        }
    }

    /// Shows diagnostics of a file, which are in the order of its text. Returns whether any is an error.
    pub fn report(&self, source: &Source, diagnostics: &[Diagnostic]) -> bool {
        let is_warning = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Warning;
        let wanted = || diagnostics.iter().filter(|diagnostic| !is_warning(diagnostic) || !self.no_warnings);
        let mut wrong = false;
        if wanted().next().is_none() {
            return false;
        }
        let lines = Lines::new(*source);
        let functions = Functions::new(source.text);
        let mut function = None;
        for diagnostic in wanted() {
            let mut diagnostic = diagnostic.clone();
            if is_warning(&diagnostic) && self.warnings_as_errors {
                diagnostic.severity = Severity::Error;
            }
            wrong |= !is_warning(&diagnostic);
            if !self.count(diagnostic.severity) {
                continue;
            }
            let within = functions.name_at(diagnostic.offset);
            match self.format {
                ErrorFormat::Human => {
                    if let Some(name) = within.filter(|_| function != within) {
                        say(format!("{}: in function {name}:\n", source.name));
                    }
                    function = within;
                    say(lines.render(&diagnostic, self.colour));
                }
                ErrorFormat::Json => self.json(source.name, &lines, &diagnostic, within),
            }
        }
        wrong
    }

    fn json(&self, file: &str, lines: &Lines, diagnostic: &Diagnostic, function: Option<&str>) {
        let place = |offset: usize| {
            let (line, column) = lines.line_col(offset);
            Position { file, line, column, offset }
        };
        let related = diagnostic.related.iter();
        say_json(&Message {
            severity: diagnostic.severity.label().0,
            message: &diagnostic.message,
            place: Some(place(diagnostic.offset)),
            function,
            notes: &diagnostic.notes,
            related: related
                .map(|related| RelatedMessage { message: &related.message, place: place(related.offset) })
                .collect(),
        });
    }

    /// Counts a message about a place. Returns whether to show it.
    fn count(&self, severity: Severity) -> bool {
        let counter = if severity == Severity::Warning { &self.warnings } else { &self.errors };
        counter.set(counter.get() + 1);
        let show = self.limit == 0 || self.shown.get() < self.limit;
        self.shown.set(self.shown.get() + usize::from(show));
        show
    }

    /// Shows an error about the command or the system.
    pub fn error(&self, message: &str) {
        self.about_command(Severity::Error, message);
    }

    /// Shows a warning about the command, once. Returns whether it is an error.
    pub fn warn(&self, message: &str) -> bool {
        if self.no_warnings || !self.said.borrow_mut().insert(message.into()) {
            return false;
        }
        let severity = if self.warnings_as_errors { Severity::Error } else { Severity::Warning };
        self.count(severity);
        self.about_command(severity, message);
        self.warnings_as_errors
    }

    fn about_command(&self, severity: Severity, message: &str) {
        match self.format {
            ErrorFormat::Human if severity == Severity::Warning => {
                say(format!("clifc: warning: {message}\n"))
            }
            ErrorFormat::Human => say(format!("clifc: {message}\n")),
            ErrorFormat::Json => {
                let (severity, notes, related) = (severity.label().0, &[][..], Vec::new());
                say_json(&Message { severity, message, place: None, function: None, notes, related });
            }
        }
    }

    /// Shows how many messages there were, if there were any.
    pub fn finish(&self) {
        let (errors, warnings, shown) = (self.errors.get(), self.warnings.get(), self.shown.get());
        if errors + warnings == 0 {
            return;
        }
        if self.format == ErrorFormat::Json {
            return say_json(&Summary { errors, warnings, shown });
        }
        let some = |count: usize, noun: &str| match count {
            0 => None,
            1 => Some(format!("1 {noun}")),
            _ => Some(format!("{count} {noun}s")),
        };
        let counts = [some(errors, "error"), some(warnings, "warning")];
        let counts = counts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let hidden = match shown < errors + warnings {
            true => format!("; {shown} are shown, `--error-limit 0` shows all"),
            false => String::new(),
        };
        say(format!("clifc: {counts}{hidden}\n"));
    }
}

/// Writes a value and a line end to standard error.
fn say_json(value: &impl Serialize) {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    say(line);
}

/// The functions of a file, for messages.
struct Functions<'a>(Vec<(std::ops::Range<usize>, &'a str)>);

impl<'a> Functions<'a> {
    fn new(text: &'a [u8]) -> Self {
        let split = parse::split(text, &mut Vec::new());
        let named = split.functions.into_iter().filter_map(|function| {
            let name = spelled_name(&text[function.text.clone()])?;
            Some((function.text, name))
        });
        Functions(named.collect())
    }

    /// The name of the function around a byte offset.
    fn name_at(&self, offset: usize) -> Option<&'a str> {
        let after = self.0.partition_point(|(range, _)| range.start <= offset);
        let (range, name) = self.0.get(after.checked_sub(1)?)?;
        (offset < range.end).then_some(*name)
    }
}

/// The name of a function as its text spells it.
fn spelled_name(function: &[u8]) -> Option<&str> {
    let line = function.split(|byte| *byte == b'\n').next()?;
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("function")?.trim_start();
    let end = match rest.strip_prefix("%\"") {
        Some(quoted) => {
            let is_end = |(at, _): &(usize, &str)| !quoted[..*at].ends_with('\\');
            quoted.match_indices('"').find(is_end)?.0 + "%\"\"".len()
        }
        None => rest.find(|c: char| matches!(c, '(' | '{') || c.is_whitespace()).unwrap_or(rest.len()),
    };
    (end > 0).then_some(&rest[..end])
}

impl Colour {
    /// Whether to use colour on a stream: by `--color`, NO_COLOR, CLICOLOR_FORCE and CLICOLOR, in this order.
    pub fn applies_to(self, stream: &impl IsTerminal) -> bool {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto if variable("NO_COLOR").is_some() => false,
            Colour::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            Colour::Auto if variable("CLICOLOR").is_some_and(|value| value == "0") => false,
            Colour::Auto => stream.is_terminal(),
        }
    }
}
