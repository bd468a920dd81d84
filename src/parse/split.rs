//! Splits a file into functions and module items, without parsing them.
//!
//! The top level of a file consists of comments, header lines (`test`, `set`, `target`, `feature`), module
//! items (bare, or behind `;!`) and functions. Linkage, section and alignment of a function can also be on a
//! line before it, which keeps the function plain CLIF: `;! hidden function align 64`.
//!
//! A function ends with the first `}` outside of comments and strings. Neither extends past its line, so the
//! end is found by searching for `}` and scanning only the lines that have one.

use super::context::MAX_ERRORS;
use super::cursor::{Cursor, is_word};
use super::names::object_string;
use super::{foreign, hints};
use crate::diag::Diagnostic;
use crate::ir::{Group, Inlining, Linkage, Name, Placement};
use std::ops::Range;

/// A function's text, linkage, section and alignment. Ranges are byte offsets in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionText {
    /// The text, from `function` to `}`.
    pub text: Range<usize>,
    /// The text from the `}` to the next function: `; run:` lines and other comments.
    pub trailing: Range<usize>,
    /// The linkage.
    pub linkage: Linkage,
    /// The name of the section, if given.
    pub section: Option<Box<str>>,
    /// The alignment, if given.
    pub align: Option<u32>,
    /// The group.
    pub group: Group,
    /// What it asks of the inliner.
    pub inlining: Inlining,
}

impl FunctionText {
    /// Where the function goes in the object.
    pub fn placement(&self) -> Placement<'_> {
        let &FunctionText { linkage, ref section, align, ref group, inlining, .. } = self;
        Placement { linkage, section: section.as_deref(), align, group: Some(group), inlining }
    }
}

/// The parts of a file. Ranges are byte offsets in the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Split {
    /// Header lines of test files, without their line ends.
    pub header: Vec<Range<usize>>,
    /// The text before the first function: comments, white space and header lines.
    pub leading: Range<usize>,
    /// Functions, in order.
    pub functions: Vec<FunctionText>,
    /// Module items, in order, without `;!`.
    pub items: Vec<Range<usize>>,
}

/// A comment, from its `;` to the end of its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comment<'a> {
    /// Byte offset in the file.
    pub offset: usize,
    /// The text, with the `;`.
    pub text: &'a [u8],
}

/// The comments in a range of a file, such as [`FunctionText::trailing`].
pub fn comments(text: &[u8], range: Range<usize>) -> impl Iterator<Item = Comment<'_>> {
    let mut cur = Cursor { text: &text[..range.end], pos: range.start };
    std::iter::from_fn(move || {
        loop {
            cur.pos += memchr::memchr2(b';', b'"', &cur.text[cur.pos..])?;
            let offset = cur.pos;
            if cur.peek() == b';' {
                cur.skip_line();
                return Some(Comment { offset, text: cur.text[offset..cur.pos].trim_ascii_end() });
            }
            if cur.quoted().is_none() {
                cur.pos += 1;
            }
        }
    })
}

/// The header lines before anything else in a file, without the rest of the file being looked at.
pub fn header(text: &[u8]) -> Vec<Range<usize>> {
    let mut cur = Cursor::new(text);
    cur.eat_bytes(foreign::BYTE_ORDER_MARK);
    let mut lines = Vec::new();
    loop {
        cur.space();
        let start = cur.pos;
        if !matches!(cur.peek_word(), b"test" | b"set" | b"target" | b"feature") {
            return lines;
        }
        cur.skip_line();
        lines.push(start..start + text[start..cur.pos].trim_ascii_end().len());
    }
}

/// The name of a function, given its text; `None` if the text does not begin as functions do.
pub(crate) fn function_name(text: &[u8]) -> Option<Name> {
    let mut cur = Cursor::new(text);
    if cur.eat_word(b"function") { cur.name() } else { None }
}

/// Splits a file. Reports and skips lines that are none of its parts.
pub fn split(text: &[u8], diagnostics: &mut Vec<Diagnostic>) -> Split {
    split_with(text, diagnostics, &mut |_| {})
}

/// Like [`split()`], and calls `each` with the text of each function while it is in the processor's cache.
pub(crate) fn split_with(
    text: &[u8],
    diagnostics: &mut Vec<Diagnostic>,
    each: &mut dyn FnMut(&[u8]),
) -> Split {
    let mut splitter = Splitter {
        cur: Cursor::new(text),
        out: Split::default(),
        placement: PlacementWords::default(),
        diagnostics,
        errors: 0,
        each,
    };
    splitter.run(usize::MAX);
    splitter.out
}

/// A file that is split piece by piece, so that not all of its functions are held at once.
pub(crate) struct Pieces<'a> {
    cur: Cursor<'a>,
    placement: PlacementWords,
    errors: usize,
}

impl<'a> Pieces<'a> {
    /// Starts at the beginning of a file.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Pieces { cur: Cursor::new(text), placement: PlacementWords::default(), errors: 0 }
    }

    /// Byte offset of the text that has not been split.
    pub(crate) fn position(&self) -> usize {
        self.cur.pos
    }

    /// Splits the next piece, whose text has at least this many bytes unless it is the last one; `None` at
    /// the end of the file.
    pub(crate) fn next(&mut self, bytes: usize, diagnostics: &mut Vec<Diagnostic>) -> Option<Split> {
        if self.cur.at_end() {
            return None;
        }
        let mut splitter = Splitter {
            cur: self.cur,
            out: Split::default(),
            placement: std::mem::take(&mut self.placement),
            diagnostics,
            errors: self.errors,
            each: &mut |_| {},
        };
        splitter.run(self.cur.pos.saturating_add(bytes));
        let Splitter { cur, out, placement, errors, .. } = splitter;
        *self = Pieces { cur, placement, errors };
        Some(out)
    }
}

/// Linkage, section, alignment and group of a function, and what it asks of the inliner.
#[derive(Default)]
struct PlacementWords {
    linkage: Linkage,
    section: Option<Box<str>>,
    align: Option<u32>,
    group: Group,
    inlining: Inlining,
}

struct Splitter<'a, 'd> {
    cur: Cursor<'a>,
    out: Split,
    /// The placement of the next function, from the `;!` line before it.
    placement: PlacementWords,
    diagnostics: &'d mut Vec<Diagnostic>,
    errors: usize,
    each: &'d mut dyn FnMut(&[u8]),
}

impl Splitter<'_, '_> {
    /// Splits what begins before `end`.
    fn run(&mut self, end: usize) {
        if self.cur.pos == 0 {
            self.cur.eat_bytes(foreign::BYTE_ORDER_MARK);
        }
        while self.cur.pos < end && !self.cur.at_end() {
            match self.cur.peek() {
                0 if self.cur.text[self.cur.pos..].iter().all(|byte| *byte == 0) => {
                    self.cur.pos = self.cur.text.len();
                }
                b' ' | b'\t'..=b'\r' => self.cur.pos += 1,
                b';' if self.cur.peek_at(1) == b'!' => {
                    self.cur.pos += 2;
                    self.top_level(true);
                }
                b';' => self.cur.skip_line(),
                _ => self.top_level(false),
            }
        }
        self.close_range(self.cur.pos);
    }

    /// Splits off a function, an item or a header line. `hidden` says that it is behind `;!`.
    fn top_level(&mut self, hidden: bool) {
        while matches!(self.cur.peek(), b' ' | b'\t') {
            self.cur.pos += 1;
        }
        let start = self.cur.pos;
        let mut linkage = None;
        let mut word = self.cur.peek_word();
        while let Some(parsed) = Linkage::parse(word) {
            linkage = Some(parsed);
            self.cur.word();
            self.cur.space();
            word = self.cur.peek_word();
        }
        match word {
            b"function" => {
                self.placement.linkage = linkage.unwrap_or(self.placement.linkage);
                if hidden {
                    self.header_words(true);
                } else {
                    self.function(start);
                }
            }
            b"type" if linkage.is_none() => {
                let end = self.braces_end();
                self.item(start, end);
            }
            b"symbol" | b"alias" | b"rodata" | b"data" | b"tls" | b"file" | b"loc" | b"source"
            | b"personality" | b"tag" => {
                self.item(start, start);
            }
            b"test" | b"set" | b"target" | b"feature" if !hidden && linkage.is_none() => {
                let is_late = !self.out.functions.is_empty() || !self.out.items.is_empty();
                if is_late && matches!(self.cur.peek_word(), b"set" | b"target") {
                    self.error(
                        start,
                        "this line comes too late; `set` and `target` lines are before functions and items",
                    );
                }
                self.cur.skip_line();
                let line = self.cur.text[start..self.cur.pos].trim_ascii_end();
                self.out.header.push(start..start + line.len());
            }
            _ => {
                let found = self.cur.found("the end of the file");
                let hint = hints::outside(&self.cur.text[self.cur.pos..]);
                let message = format!("expected a function, a module item or a comment, found {found}{hint}");
                self.error(self.cur.pos, &message);
                self.skip_unknown();
            }
        }
    }

    /// Skips a line that is no part of a file, and what is in braces if it ends with one.
    fn skip_unknown(&mut self) {
        if self.cur.at_end() {
            return;
        }
        let start = self.cur.pos;
        self.cur.skip_line();
        if !self.cur.text[start..self.cur.pos].trim_ascii_end().ends_with(b"{") {
            return;
        }
        while !self.cur.at_end() {
            self.cur.pos += 1;
            let closes = self.cur.peek() == b'}';
            let begins_function = self.cur.peek_word() == b"function";
            if begins_function {
                return;
            }
            self.cur.skip_line();
            if closes {
                return;
            }
        }
    }

    /// Where the structure of a type at the cursor ends: at its last brace, or here if braces do not match
    /// or what they enclose can't be a structure.
    fn braces_end(&self) -> usize {
        let mut cur = self.cur;
        let mut depth = 0u32;
        while !cur.at_end() {
            match cur.peek() {
                b';' => cur.skip_line(),
                b'"' if cur.quoted().is_some() => continue,
                b'{' => depth += 1,
                b'}' if depth <= 1 => return cur.pos + 1,
                b'}' => depth -= 1,
                b'\n' if depth == 0 => break,
                b'=' if depth == 0 => {}
                b':' | b',' | b'[' | b']' => {}
                byte if is_word(byte) || byte.is_ascii_whitespace() => {}
                _ => break,
            }
            cur.pos += 1;
        }
        self.cur.pos
    }

    /// Splits off an item: its line, and the next one as long as a line ends with a comma. Lines that end
    /// before `at_least` do not end it.
    fn item(&mut self, start: usize, at_least: usize) {
        let mut comma = false;
        loop {
            match self.cur.peek() {
                0 if self.cur.at_end() => break,
                b'\n' if !comma && self.cur.pos >= at_least => break,
                b';' => {
                    self.cur.skip_line();
                    continue;
                }
                b'"' if self.cur.quoted().is_some() => {
                    comma = false;
                    continue;
                }
                b',' => comma = true,
                b if b.is_ascii_whitespace() => {}
                _ => comma = false,
            }
            self.cur.pos += 1;
        }
        self.out.items.push(start..self.cur.pos);
    }

    /// Splits off a function, whose linkage begins at `start`.
    fn function(&mut self, start: usize) {
        self.close_range(start);
        let from = self.cur.pos;
        self.header_words(false);
        self.skip_body();
        let PlacementWords { linkage, section, align, group, inlining } = std::mem::take(&mut self.placement);
        let text = from..self.cur.pos;
        (self.each)(&self.cur.text[text.clone()]);
        self.out.functions.push(FunctionText {
            text,
            trailing: 0..0,
            linkage,
            section,
            align,
            group,
            inlining,
        });
    }

    /// Ends the text before a function or the end of the file at `end`.
    fn close_range(&mut self, end: usize) {
        match self.out.functions.last_mut() {
            None => self.out.leading = 0..end,
            Some(last) => last.trailing = last.text.end..end,
        }
    }

    /// Moves to the `{` after a function's signature, or with `one_line` to the end of the line, and records
    /// section and alignment.
    fn header_words(&mut self, one_line: bool) {
        self.cur.word();
        loop {
            match self.cur.peek() {
                b'{' => return,
                b'\n' if one_line => return,
                0 if self.cur.at_end() => return,
                b';' => self.cur.skip_line(),
                b'"' if self.cur.quoted().is_some() => {}
                b'%' => {
                    self.cur.pos += 1;
                    self.cur.word();
                }
                b if is_word(b) => self.header_word(),
                _ => self.cur.pos += 1,
            }
        }
    }

    /// Moves past a word of a function's header. What says where it goes, or is for the inliner, is recorded.
    fn header_word(&mut self) {
        match self.cur.word() {
            b"section" => {
                self.cur.space();
                let at = self.cur.pos;
                match self.cur.quoted().map(object_string) {
                    Some(Ok(name)) => self.placement.section = Some(name),
                    Some(Err(message)) => self.error(at, message),
                    // The parser of the function reports it.
                    None => {}
                }
            }
            b"align" => {
                self.cur.space();
                let at = self.cur.pos;
                let align = self.cur.integer().and_then(|n| n.to_u32()).filter(|n| n.is_power_of_two());
                if align.is_none() {
                    self.error(at, "an alignment must be a power of two");
                }
                self.placement.align = align;
            }
            b"comdat" => {
                self.cur.space();
                self.placement.group = match self.cur.peek() {
                    b'%' => self.cur.name().map_or(Group::Own, Group::Of),
                    _ => Group::Own,
                };
            }
            word => self.placement.inlining = Inlining::parse(word).unwrap_or(self.placement.inlining),
        }
    }

    /// Moves past the `}` that ends a function, or to the end of the text.
    fn skip_body(&mut self) {
        let text = self.cur.text;
        let mut line_from = self.cur.pos;
        while let Some(n) = memchr::memchr(b'}', &text[line_from..]) {
            let brace = line_from + n;
            let line =
                memchr::memrchr(b'\n', &text[line_from..brace]).map_or(line_from, |n| line_from + n + 1);
            self.cur.pos = line;
            // Scan the line from its start for a brace outside of comments and strings.
            while !matches!(self.cur.peek(), b'\n') && !self.cur.at_end() {
                match self.cur.peek() {
                    b'}' => {
                        self.cur.pos += 1;
                        return;
                    }
                    b';' => self.cur.skip_line(),
                    b'"' if self.cur.quoted().is_some() => {}
                    _ => self.cur.pos += 1,
                }
            }
            line_from = self.cur.pos;
        }
        self.cur.pos = text.len();
    }

    /// Reports an error. If the file is of another kind, that is the only message.
    fn error(&mut self, at: usize, message: &str) {
        let nothing_yet = self.out.functions.is_empty() && self.out.items.is_empty();
        self.errors += 1;
        let kind = if nothing_yet && self.errors == 1 { foreign::kind(self.cur.text) } else { None };
        if let Some(kind) = kind {
            self.diagnostics.push(Diagnostic::error(0, format!("this is {kind}, not CLIF text")));
        } else if nothing_yet && self.errors == 2 && !foreign::has_items(&self.cur.text[at..]) {
            // Some other language: the first message is enough.
        } else if self.errors <= MAX_ERRORS {
            self.diagnostics.push(Diagnostic::error(at, message));
            return;
        } else {
            let message = "too many errors between functions: the rest of the file is not read";
            self.diagnostics.push(Diagnostic::error(at, message));
        }
        self.cur.pos = self.cur.text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> (Vec<&str>, Split, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let out = split(text.as_bytes(), &mut diagnostics);
        (out.functions.iter().map(|f| &text[f.text.clone()]).collect(), out, diagnostics)
    }

    #[test]
    fn braces_in_comments_and_strings_end_nothing() {
        let text = "test run\n; function }\nfunction %a() { ; }\n region0 = 1 \"}\"\n ; }\n} ; run\n\
                    hidden function %\"{;\"() section \".t;}\" align 64 { }\n;! symbol %x = \"y\"\n";
        let (functions, out, diagnostics) = show(text);
        assert_eq!(diagnostics, []);
        assert!(functions[0].ends_with(" ; }\n}"), "{functions:?}");
        assert!(functions[1].starts_with("function %") && functions[1].ends_with("{ }"));
        assert_eq!(out.functions[1].linkage, Linkage::Hidden);
        assert_eq!(out.functions[1].align, Some(64));
        assert_eq!(out.functions[1].section.as_deref(), Some(".t;}"));
        assert_eq!(&text[out.items[0].clone()], "symbol %x = \"y\"");
        assert_eq!(&text[out.header[0].clone()], "test run");
        let after: Vec<_> = comments(text.as_bytes(), out.functions[0].trailing.clone()).collect();
        assert_eq!(after.len(), 1);
        assert_eq!(after[0].text, b"; run");
    }

    #[test]
    fn names_of_sections_are_strings() {
        let (_, out, diagnostics) = show(r#"function %f() section ".a\x42\"" {}"#);
        assert_eq!((out.functions[0].section.as_deref(), diagnostics), (Some(".aB\""), vec![]));
        for (name, message) in
            [("", "invalid string"), (r"\q", "unknown escape"), (r"\xff", "invalid string")]
        {
            let (_, _, diagnostics) = show(&format!("function %f() section \"{name}\" {{}}"));
            let [error] = &diagnostics[..] else { panic!("{name}: {diagnostics:?}") };
            assert!((error.offset, error.message.starts_with(message)) == (22, true), "{error:?}");
        }
    }

    #[test]
    fn names_of_functions_are_found() {
        assert_eq!(function_name(b"function %f(i32)"), Some(Name::Text("f".into())));
        assert_eq!(function_name(b"function u1:2() {"), Some(Name::User(1, 2)));
        assert_eq!(function_name(b"f"), None);
    }

    #[test]
    fn editors_leave_marks() {
        let (functions, _, diagnostics) = show("\u{feff}function %a() {\r\nblock0:\r\n return\r\n}\r\n\0\0");
        assert_eq!((functions.len(), diagnostics), (1, vec![]));
        let (functions, _, diagnostics) = show("\u{feff};! local function\nfunction %a() {}\n\0x");
        assert_eq!((functions.len(), diagnostics.len()), (1, 1));
    }

    #[test]
    fn other_files_are_one_message() {
        for (text, kind) in [
            ("\u{7f}ELF\x02\x01\x01", "an ELF file"),
            ("#include <stdio.h>\nint main(void) {\n}\n", "C or C++"),
            ("; ModuleID = 'a'\ntarget datalayout = \"e\"\ndefine i32 @f() {\n}\n", "LLVM IR"),
            ("f\0u\0n\0c\0t\0i\0o\0n\0", "UTF-16"),
            ("(module\n (func))\n", "WebAssembly text"),
            ("abc\0def\n", "a binary file"),
        ] {
            let (_, _, diagnostics) = show(text);
            let messages: Vec<_> = diagnostics.iter().map(|d| d.message.as_str()).collect();
            assert_eq!(messages, [format!("this is {kind}, not CLIF text")]);
        }
        let garbage = "x\n".repeat(100_000);
        assert_eq!(show(&garbage).2.len(), 1);
        assert_eq!(show(&format!("{garbage}data %x = i8 1\n")).2.len(), MAX_ERRORS + 1);
    }

    #[test]
    fn what_belongs_nowhere_is_reported() {
        let (functions, out, diagnostics) =
            show("foo\ndata %x = i8 1,\n i8 2\nweak symbol %y\nfunction %a() {");
        assert_eq!((functions.len(), out.items.len(), diagnostics.len()), (1, 2, 1));
    }

    #[test]
    fn a_hidden_line_places_the_next_function() {
        let (functions, out, _) = show(";! local function align 8\nfunction %a() {}\nfunction %b() {}");
        assert_eq!(functions, ["function %a() {}", "function %b() {}"]);
        assert_eq!((out.functions[0].linkage, out.functions[0].align), (Linkage::Local, Some(8)));
        assert_eq!((out.functions[1].linkage, out.functions[1].align), (Linkage::Export, None));
    }
}
