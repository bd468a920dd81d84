//! A test file: its header lines, its functions, and the comments of each function.
//!
//! The `set` lines before a `target` line apply to that target; a file without a `target` line is for every
//! target. Comments before the first function belong to all functions, others to the function they are in or
//! below.

use std::ops::Range;
use std::sync::Arc;

use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::StructTypes;
use crate::options::{Arch, Flags, Target, TargetError};
use crate::parse::{self, FunctionText, Split};

/// A comment, from its first semicolon to the end of its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Comment<'a> {
    /// Its line number, from 1.
    pub(super) line: usize,
    /// The line number of the code that it annotates: code on its own line, or else on the nearest line
    /// above.
    pub(super) code_line: usize,
    /// Its text, including the semicolon.
    pub(super) text: &'a str,
}

impl<'a> Comment<'a> {
    /// The text after `directive`, which ends in a colon, if the comment begins with it.
    pub(super) fn after(&self, directive: &str) -> Option<&'a str> {
        let text = self.text.trim_start_matches(';').trim_start();
        text.strip_prefix(directive).map(str::trim)
    }
}

/// A `test` line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Command<'a> {
    /// The name of the command.
    pub(super) name: &'a str,
    /// The words after the name.
    pub(super) options: Vec<&'a str>,
    /// The number of its line.
    pub(super) line: usize,
}

/// A `target` line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TargetLine<'a> {
    /// The text after the word `target`.
    pub(super) text: &'a str,
    /// The target and its settings, or a message if clifc does not support the target.
    pub(super) target: Result<(Target, Flags), String>,
}

/// The header lines of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Header<'a> {
    /// The `test` lines.
    pub(super) commands: Vec<Command<'a>>,
    /// The `target` lines.
    pub(super) targets: Vec<TargetLine<'a>>,
    /// All targets, if there is no `target` line.
    everywhere: Vec<TargetLine<'a>>,
    /// The settings of `set` lines.
    pub(super) settings: Vec<&'a str>,
    /// Settings of the command line, for every target that has them.
    pub(super) overrides: &'a [String],
    /// The `feature` lines: features that the runner must have, none of which clifc has.
    pub(super) features: Vec<&'a str>,
}

impl<'a> Header<'a> {
    /// Checks that there is a test, and that all settings are those of its targets.
    fn complete(&mut self) -> Result<(), String> {
        if self.commands.is_empty() {
            return Err("missing `test` line".into());
        }
        let unused = |why| format!("`set`: {why}");
        match self.targets.last() {
            // Check settings behind the last target, although they have no effect.
            Some(line) => drop(self.target(line.text).map_err(unused)?),
            None => {
                for arch in Arch::ALL {
                    let target = self.target(arch.name()).map_err(unused)?;
                    self.everywhere.push(TargetLine { text: arch.name(), target });
                }
            }
        }
        Ok(())
    }

    /// The targets to test.
    pub(super) fn targets_or_all(&self) -> &[TargetLine<'a>] {
        if self.targets.is_empty() { &self.everywhere } else { &self.targets }
    }

    fn add(&mut self, code: &'a str, line: usize) -> Result<(), String> {
        let (word, rest) = code.split_once(char::is_whitespace).unwrap_or((code, ""));
        let mut words = rest.split_whitespace();
        match word {
            "test" => {
                let name = words.next().ok_or("missing test command")?;
                self.commands.push(Command { name, options: words.collect(), line });
            }
            "set" => self.settings.extend(words),
            "feature" => self.features.extend(words),
            _ => {
                let target = self.target(rest)?;
                self.targets.push(TargetLine { text: rest, target });
            }
        }
        Ok(())
    }

    fn target(&self, text: &str) -> Result<Result<(Target, Flags), String>, String> {
        let mut words = text.split_whitespace();
        match Target::parse(words.next().unwrap_or("")) {
            Ok(target) => {
                let mut flags = Flags::new(&target);
                let mut words = self.settings.iter().copied().chain(words);
                words.try_for_each(|word| flags.apply(word))?;
                self.overrides.iter().try_for_each(|word| flags.apply_where_known(word))?;
                Ok(Ok((target, flags)))
            }
            Err(error @ TargetError::Unsupported(_)) => Ok(Err(error.to_string())),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A function and the comments in and below it.
#[derive(Debug)]
pub(super) struct TestFunction<'a> {
    /// The offset where it begins, including its linkage.
    pub(super) start: usize,
    /// The positions of its parts.
    pub(super) item: FunctionText,
    /// The comments in and below it.
    pub(super) comments: Vec<Comment<'a>>,
}

/// A test file, split into its parts.
#[derive(Debug)]
pub(super) struct TestFile<'a> {
    /// The name of the file in messages.
    name: &'a str,
    /// The text of the file.
    pub(super) text: &'a str,
    /// Its header lines.
    pub(super) header: Header<'a>,
    /// Comments before the first function.
    pub(super) leading: Vec<Comment<'a>>,
    /// The functions, in order.
    pub(super) functions: Vec<TestFunction<'a>>,
    /// The module items, in order.
    pub(super) items: Vec<Range<usize>>,
    /// The types that items define.
    pub(super) types: Arc<StructTypes>,
    /// The offset of each line.
    line_starts: Vec<usize>,
}

impl<'a> TestFile<'a> {
    /// Splits a file into its parts.
    pub(super) fn parse(name: &'a str, text: &'a str, overrides: &'a [String]) -> Result<Self, String> {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes());
        let line_starts: Vec<usize> = std::iter::once(0).chain(newlines.map(|at| at + 1)).collect();
        let mut diagnostics = Vec::new();
        let split = parse::split(text.as_bytes(), &mut diagnostics);
        // Errors in items are left to tests that compile.
        let types = parse::module(text.as_bytes(), &split, &mut Vec::new()).types;
        let Split { header, leading, functions, items } = split;
        let mut file = TestFile {
            name,
            text,
            header: Header { overrides, ..Header::default() },
            leading: Vec::new(),
            functions: Vec::new(),
            items,
            types,
            line_starts,
        };
        file.header = file.read_header(header, overrides)?;
        if let Some(diagnostic) = diagnostics.first() {
            return Err(file.message(diagnostic));
        }
        let mut start = leading.end;
        file.leading = file.comments(leading);
        let with_comments = |item: FunctionText| {
            let comments = file.comments(item.text.start..item.trailing.end);
            let start = std::mem::replace(&mut start, item.trailing.end);
            TestFunction { start, item, comments }
        };
        file.functions = functions.into_iter().map(with_comments).collect();
        let all = file.functions.iter().flat_map(|function| &function.comments).chain(&file.leading);
        for comment in all {
            if let Some(why) = misspelt_directive(comment.text) {
                return Err(format!("{}: {why}", file.at(comment.line)));
            }
        }
        Ok(file)
    }

    /// The line number of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// A line as messages name it, `file:line`.
    pub(super) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.name)
    }

    /// The message that nothing is called for a command, at its line.
    pub(super) fn without_calls(&self, command: &str) -> String {
        let line =
            self.header.commands.iter().find(|found| found.name == command).map_or(1, |found| found.line);
        format!("{}: missing `run:` comment", self.at(line))
    }

    /// The message of a diagnostic, with its place.
    pub(super) fn message(&self, diagnostic: &Diagnostic) -> String {
        format!("{}: {}", self.at(self.line(diagnostic.offset)), diagnostic.message)
    }

    fn read_header(&self, lines: Vec<Range<usize>>, overrides: &'a [String]) -> Result<Header<'a>, String> {
        let text: &'a str = self.text;
        let mut header = Header { overrides, ..Header::default() };
        let mut last = 0;
        for range in lines {
            last = range.start;
            let code = text[range].split(';').next().unwrap_or("").trim();
            let line = self.line(last);
            header.add(code, line).map_err(|why| format!("{}: `{code}`: {why}", self.at(line)))?;
        }
        header.complete().map_err(|why| format!("{}: {why}", self.at(self.line(last))))?;
        Ok(header)
    }

    fn comments(&self, part: Range<usize>) -> Vec<Comment<'a>> {
        let line_text = |line: usize| {
            let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
            &self.text[self.line_starts[line - 1]..end]
        };
        let mut seen_line = self.line(part.start);
        let mut code_line = seen_line;
        let mut found = Vec::new();
        for comment in parse::comments(self.text.as_bytes(), part) {
            let line = self.line(comment.offset);
            let before = (seen_line..line).rev().find(|&line| {
                let text = line_text(line).trim_start();
                !text.is_empty() && !text.starts_with(';')
            });
            code_line = before.unwrap_or(code_line);
            if !self.text[self.line_starts[line - 1]..comment.offset].trim().is_empty() {
                code_line = line;
            }
            seen_line = line;
            let text = &self.text[comment.offset..comment.offset + comment.text.len()];
            found.push(Comment { line, code_line, text });
        }
        found
    }
}

/// An error message for a comment that looks like a misspelt directive.
fn misspelt_directive(comment: &str) -> Option<String> {
    const LONG_ENOUGH: [&str; 8] =
        ["check", "sameln", "nextln", "unordered", "regex", "error", "dominates", "print"];
    let text = comment.trim_start_matches(';').trim_start();
    let (word, rest) = text.split_once(':')?;
    let is_call = rest.trim_start().starts_with('%') && (rest.contains("==") || rest.contains("!="));
    if is_call && !word.contains(char::is_whitespace) && !["run", "print", "check"].contains(&word) {
        return Some(format!("unknown directive `{word}:`; did you mean `run`?"));
    }
    if word.contains(char::is_whitespace) || LONG_ENOUGH.contains(&word) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let near = match lower.len() {
        0..3 => return None,
        3 if lower == "run" && word != "run" => "; did you mean `run`?".into(),
        3 => return None,
        _ => did_you_mean(&lower, LONG_ENOUGH),
    };
    (!near.is_empty()).then(|| format!("unknown directive `{word}:`{near}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let text = "test run\ntest compile precise-output ; why\nset opt_level=speed\ntarget x86_64 has_avx\n\
                    set is_pic=false\n; check: x\ntarget riscv64 has_v\n\n\
                    function %f() {\nblock0:\n return\n}\n";
        let file = TestFile::parse("f", text, &[]).expect("a file");
        let header = &file.header;
        assert_eq!(header.commands.len(), 2);
        assert_eq!(header.commands[1].options, ["precise-output"]);
        assert_eq!(file.leading.len(), 2);
        let (_, flags) = header.targets[0].target.as_ref().expect("supported");
        assert!(flags.has_avx() && flags.is_pic());
        assert!(header.targets[1].target.as_ref().is_err_and(|why| why.contains("unsupported target")));
    }

    #[test]
    fn no_target_is_every_target() {
        let text = "test run\nset opt_level=speed\n";
        let header = TestFile::parse("f", text, &[]).expect("a file").header;
        assert!(header.targets.is_empty());
        assert!(header.targets_or_all().iter().map(|line| line.text).eq(Arch::ALL.map(Arch::name)));
        assert!(TestFile::parse("f", "test run\nset has_lse\n", &[]).is_err());
        assert!(TestFile::parse("f", "test run\n", &["has_lse=true".into()]).is_ok());
    }

    #[test]
    fn mistakes_in_headers_are_errors() {
        for bad in ["", "test", "test x\nset opt_level=9\ntarget x86_64", "test x\ntarget x86_65", "tset run"]
        {
            assert!(TestFile::parse("f", bad, &[]).is_err(), "{bad}");
        }
        assert!(TestFile::parse("f", "test run\ntarget x86_64 has_lse", &[]).is_err());
    }

    #[test]
    fn comments_know_their_code() {
        let text = "test cat\nfunction %\"a;b\"() { ; one\nblock0: return\n\n ; two\n ; three\n}";
        let file = TestFile::parse("f", text, &[]).expect("a file");
        let seen: Vec<_> = file.functions[0].comments.iter().map(|c| (c.line, c.code_line, c.text)).collect();
        assert_eq!(seen, [(2, 2, "; one"), (5, 3, "; two"), (6, 3, "; three")]);
        assert_eq!(Comment { line: 1, code_line: 1, text: ";; error: x " }.after("error:"), Some("x"));
    }

    #[test]
    fn misspelt_directives_are_found() {
        for bad in ["; chek: x", "; nextline: y", "; RUN: %f()", "; CHECK: x", "; eror: x", "; rn: %f() == 1"]
        {
            assert!(misspelt_directive(bad).is_some(), "{bad}");
        }
        for good in ["; check: x", "; note: this", "; run: %f()", "; see below: x", "; TODO: x", "; prose"] {
            assert_eq!(misspelt_directive(good), None, "{good}");
        }
    }
}
