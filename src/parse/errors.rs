//! Reports errors in a function, and finds where parsing can continue after one.
//!
//! One mistake is one message: definitions in text that could not be parsed are looked up there
//! ([`places`]) before a reference to them is reported.

use std::fmt::Display;

use super::context::Failed;
use super::hints::{self, Kind};
use super::number::Integer;
use super::parser::Parser;
use super::{examples, mnemonic, older, places};
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::builder::Misfit;
use crate::ir::{Opcode, Type, types};

impl Parser<'_> {
    /// Reports an error at a position of the text.
    #[cold]
    pub fn error_at(&mut self, at: usize, message: impl Into<String>) -> Failed {
        self.report(Diagnostic::error(self.base + at, message))
    }

    #[cold]
    pub(super) fn report(&mut self, diagnostic: Diagnostic) -> Failed {
        if self.is_last_error() {
            let message = "too many errors in the function: the rest of it is not read";
            self.cx.diagnostics.push(Diagnostic::error(diagnostic.offset, message));
        } else if !self.hopeless() {
            self.cx.diagnostics.push(diagnostic);
        }
        Failed
    }

    /// Reports an error at the cursor.
    #[cold]
    pub fn error(&mut self, message: impl Into<String>) -> Failed {
        self.error_at(self.cur.pos, message)
    }

    /// Reports that `what` was expected at the cursor, and what is there.
    #[cold]
    pub fn expected(&mut self, what: &str) -> Failed {
        if self.is_next_line() {
            return self.expected_before_line_end(what);
        }
        let hint = hints::at(what, &self.cur.text[self.cur.pos..]);
        self.report_expected(what, &self.cur.found(self.end), &hint)
    }

    /// Reports that `what` was expected at the cursor, what is there, and what to write if that is known.
    #[cold]
    fn report_expected(&mut self, what: &str, found: &str, hint: &str) -> Failed {
        let message = format!("expected {what}, found {found}{hint}");
        let error = Diagnostic::error(self.base + self.cur.pos, message);
        self.report(Diagnostic { wants_example: hint.is_empty(), ..error })
    }

    /// Like [`expected`](Self::expected), and says what to write instead of the word at the cursor.
    #[cold]
    pub fn expected_kind(&mut self, what: &str, kind: Kind) -> Failed {
        if kind != Kind::Declaration && self.is_next_line() {
            return self.expected_before_line_end(what);
        }
        let mut cur = self.cur;
        cur.space();
        let hint = match hints::instead(kind, &String::from_utf8_lossy(cur.peek_word())) {
            hint if hint.is_empty() => hints::at(what, &cur.text[cur.pos..]),
            hint => hint,
        };
        self.report_expected(what, &self.cur.found(self.end), &hint)
    }

    /// Reports that a reference was expected at the cursor: `noun`, which is `prefix` and a number.
    #[cold]
    pub fn expected_entity(&mut self, prefix: &[u8], noun: &str) -> Failed {
        let what = format!("{noun} such as `{}0`", String::from_utf8_lossy(prefix));
        match prefix {
            b"v" if matches!(self.cur.peek(), b'0'..=b'9' | b'-') => self.expected_value_not_number(&what),
            b"v" => self.expected_kind(&what, Kind::Flag),
            b"block" => self.expected_kind(&what, Kind::Block),
            _ => self.expected(&what),
        }
    }

    /// Reports a number in the place of a value, and names the opcode that takes one.
    #[cold]
    fn expected_value_not_number(&mut self, what: &str) -> Failed {
        let with_number = format!("{}_imm", self.opcode_before(self.cur.pos).unwrap_or_default());
        let found = self.cur.found(self.end);
        let hint = match older::lookup(with_number.as_bytes()) {
            Some(_) => format!("`{with_number}` takes a number"),
            None => "make constants with `iconst`, `f32const` or `f64const`".into(),
        };
        self.error(format!("expected {what}, found {found}; {hint}"))
    }

    #[cold]
    pub fn expected_byte(&mut self, byte: u8) -> Failed {
        self.expected(&format!("`{}`", byte as char))
    }

    /// Whether the cursor is at an instruction, a block or the end of the function on a line below what was
    /// parsed last, which was to go on.
    fn is_next_line(&self) -> bool {
        let mut cur = self.cur;
        cur.space();
        let last = self.cur.text[..cur.pos].trim_ascii_end().len();
        if !self.cur.text[last..cur.pos].contains(&b'\n') {
            return false;
        }
        let word = cur.peek_word();
        let is_opcode = mnemonic::named(word).is_some();
        cur.at_end() || cur.peek() == b'}' || is_opcode || places::begins_definition(cur)
    }

    /// Reports that `what` was expected at the end of the last line that was parsed.
    #[cold]
    fn expected_before_line_end(&mut self, what: &str) -> Failed {
        let mut cur = self.cur;
        cur.space();
        let here = std::mem::replace(&mut self.cur.pos, self.cur.text[..cur.pos].trim_ascii_end().len());
        let failed = self.report_expected(what, "the end of the line", "");
        self.cur.pos = here;
        failed
    }

    /// Adds an instruction with an opcode as an example to the message about the operands of an instruction
    /// at `at`, if that helps.
    #[cold]
    pub fn malformed(&mut self, name: &[u8], at: usize) -> Failed {
        let name = String::from_utf8_lossy(name);
        if let Some(diagnostic) = self.cx.diagnostics.last_mut()
            && diagnostic.offset >= self.base + at
            && std::mem::take(&mut diagnostic.wants_example)
            && let Some(example) = examples::instruction(&name)
        {
            diagnostic.message += &format!("; write it like `{example}`");
        }
        Failed
    }

    /// Reports that the function's `}` is missing, at the end of its text.
    #[cold]
    pub fn expected_brace(&mut self) -> Failed {
        self.cur.pos = self.cur.text.trim_ascii_end().len();
        self.error("expected `}` at the end of the function, found the end of the file")
    }

    /// The opcode of the instruction before a position on its line.
    fn opcode_before(&self, at: usize) -> Option<&str> {
        let start = places::line_start(self.cur.text, at);
        let line = std::str::from_utf8(&self.cur.text[start..at]).ok()?;
        let code = line.rsplit(" = ").next().unwrap_or_default().trim_start();
        code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().filter(|word| !word.is_empty())
    }

    /// Reports that there is no block before an instruction or a declaration of an old dialect. Nothing can
    /// be parsed before the next block.
    #[cold]
    pub fn expected_block_header(&mut self) -> Failed {
        let failed = self.expected_kind("a block header such as `block0:`", Kind::Declaration);
        self.skip_to_block();
        failed
    }

    /// Moves to the next block header, or to the end of the function.
    fn skip_to_block(&mut self) {
        loop {
            self.recover(self.cur.pos);
            self.cur.space();
            if self.cur.at_end() || self.cur.peek() == b'}' || self.cur.at_entity(b"block") {
                return;
            }
        }
    }

    #[cold]
    pub fn unknown_opcode(&mut self, word: &[u8], at: usize) -> Failed {
        /// The length of the part that is shown.
        const LONGEST: usize = 40;
        let text = String::from_utf8_lossy(word);
        let shown = &text[..text.floor_char_boundary(LONGEST)];
        if self.cx.scratch.results.is_empty()
            && let Some(failed) = self.behind_instruction(word, at)
        {
            return failed;
        }
        match word {
            [] => self.expected("an instruction"),
            b"function" => {
                let failed = self.error_at(at, "expected an instruction; is a `}` missing above?");
                // The rest is another function.
                self.cur.pos = self.cur.text.len();
                self.stop = true;
                failed
            }
            _ if self.is_block_header() => {
                self.lost_block = true;
                let hint = match hints::instead(Kind::Block, &text) {
                    hint if hint.is_empty() => {
                        did_you_mean(text.trim_end_matches(|c: char| c.is_ascii_digit()), ["block"])
                    }
                    hint => hint,
                };
                let hint = if hint.is_empty() { "; blocks are numbered".into() } else { hint };
                self.error_at(at, format!("expected a block header such as `block0:`, found `{text}`{hint}"))
            }
            [b'v', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
                let hint = match self.cur.peek() {
                    b'\n' | b'\r' | b';' => "an alias is written with an arrow, as in `v1 -> v0`",
                    _ => "an instruction begins with its opcode, as in `v2 = iadd v0, v1`",
                };
                self.error_at(at, format!("expected an opcode, found `{text}`; {hint}"))
            }
            _ if Integer::parse(word).is_some() => {
                let hint = "make constants with `iconst`, `f32const` or `f64const`";
                self.error_at(at, format!("expected an opcode, found `{shown}`; {hint}"))
            }
            _ if self.cur.peek() == b'.' && Type::parse(word).is_some() => {
                let hint = "the type follows the opcode, as in `iconst.i32`";
                self.error_at(at, format!("expected an opcode, found `{text}`; {hint}"))
            }
            _ if !hints::instead(Kind::Late, &text).is_empty() => {
                let hint = hints::instead(Kind::Late, &text);
                self.error_at(at, format!("expected an instruction, found `{text}`{hint}"))
            }
            _ if self.is_assigned() => {
                let hint = "values are numbered, as in `v2 = iadd v0, v1`";
                self.error_at(at, format!("expected a value such as `v0`, found `{shown}`; {hint}"))
            }
            _ => {
                let hint = hints::instead(Kind::Opcode, &text);
                self.error_at(at, format!("unknown opcode `{shown}`{hint}"))
            }
        }
    }

    /// Whether `=` follows.
    fn is_assigned(&self) -> bool {
        let mut cur = self.cur;
        cur.space();
        cur.peek() == b'='
    }

    /// Reports a word or character behind the operands of an instruction, which is no opcode and resembles
    /// none.
    pub(super) fn behind_instruction(&mut self, word: &[u8], at: usize) -> Option<Failed> {
        let text = String::from_utf8_lossy(word);
        if self.is_assigned() {
            return None;
        }
        let example = examples::instruction(self.opcode_before(at)?)?;
        let hint = match hints::is_flag(&text) {
            true => "; flags come before the address".into(),
            false if !hints::instead(Kind::Opcode, &text).is_empty() => return None,
            false => hints::at("the end of the instruction", &self.cur.text[at..]),
        };
        let hint = if hint.is_empty() { format!("; write it like `{example}`") } else { hint };
        self.cur.pos = at;
        let found = self.cur.found(self.end);
        Some(self.error(format!("expected the end of the instruction, found {found}{hint}")))
    }

    /// Whether the rest of the line looks like that of a block header.
    fn is_block_header(&self) -> bool {
        let rest = &self.cur.text[self.cur.pos..];
        let line = rest.split(|byte| matches!(byte, b'\n' | b';')).next().unwrap_or_default();
        line.trim_ascii_end().ends_with(b":") && matches!(line.first(), Some(b':' | b'('))
    }

    /// Reports a type that an opcode does not take.
    #[cold]
    pub fn invalid_type(&mut self, opcode: Opcode, ty: Type, at: usize) -> Failed {
        let name = opcode.name();
        let other = other_opcode(opcode).filter(|other| other.info().ctrl_set.contains(ty));
        let other = match (name, other) {
            ("iconst", _) if ty == types::I128 => {
                "; make an i64, and extend it by `uextend.i128` or `sextend.i128`".into()
            }
            ("brif" | "trapz" | "trapnz", _) if ty.is_float() => "; make a condition by `fcmp`".into(),
            ("fcvt_to_sint" | "fcvt_to_uint" | "fcvt_to_sint_sat" | "fcvt_to_uint_sat", _)
                if ty.is_float() =>
            {
                "; did you mean `fcvt_from_sint` or `fcvt_from_uint`?".into()
            }
            ("fcvt_from_sint" | "fcvt_from_uint", _) if ty.is_int() => {
                "; did you mean `fcvt_to_sint_sat` or `fcvt_to_uint_sat`?".into()
            }
            ("trunc", _) if ty.is_int() => "; did you mean `ireduce`?".into(),
            ("fdiv", _) if ty.is_int() => "; did you mean `sdiv` (signed) or `udiv` (unsigned)?".into(),
            ("fmin" | "fmax", _) if ty.is_int() => {
                let rest = &name[1..];
                format!("; did you mean `s{rest}` (signed) or `u{rest}` (unsigned)?")
            }
            ("sdiv" | "udiv" | "smin" | "umin" | "smax" | "umax", _) if ty.is_float() => {
                format!("; did you mean `f{}`?", &name[1..])
            }
            (_, Some(other)) => format!("; did you mean `{}`?", other.name()),
            (_, None) => String::new(),
        };
        let see = if other.is_empty() { format!("; see `clifc explain {name}`") } else { other };
        self.error_at(at, format!("invalid type {ty} for {name}{see}"))
    }

    /// Reports a reference to something that is not declared, unless the declaration has an error.
    #[cold]
    pub fn not_declared(&mut self, at: usize, entity: impl Display) -> Failed {
        let entity = entity.to_string();
        let example = match entity.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "fn" => "%name(i32) -> i32",
            "gv" => "symbol %name",
            "sig" => "(i32) -> i32",
            "ss" => "explicit_slot 8",
            _ => return self.undefined(at, &entity, "is not declared"),
        };
        let problem = format!("is not declared: before the first block, write `{entity} = {example}`");
        self.undefined(at, &entity, &problem)
    }

    /// Reports that an entity is undefined, unless it is defined by text that has an error.
    #[cold]
    pub fn undefined(&mut self, at: usize, entity: &str, problem: &str) -> Failed {
        if self.in_failed_text(entity) {
            return Failed;
        }
        self.error_at(at, format!("{entity} {problem}"))
    }

    /// Whether text that could not be parsed defines an entity.
    #[cold]
    pub fn in_failed_text(&mut self, entity: &str) -> bool {
        self.definitions.is_in(&self.cx.scratch.failed_text, entity)
    }

    /// Reports the second definition of an entity, with the place of the first.
    #[cold]
    pub fn defined_twice(&mut self, at: usize, entity: impl Display, verb: &str) -> Failed {
        let entity = entity.to_string();
        let mut diagnostic = Diagnostic::error(self.base + at, format!("{entity} is {verb} twice"));
        if let Some(first) = self.definitions.first(&entity, 0..at) {
            diagnostic = diagnostic.also(self.base + first, format!("first {verb} here"));
        } else if entity.starts_with("sig") {
            let note = "a function that is declared with its signature takes the next free number for it";
            diagnostic = diagnostic.note(note);
        }
        self.report(diagnostic)
    }

    /// Reports that something cannot be added to the function.
    #[cold]
    pub fn misfit(&mut self, misfit: Misfit, at: usize) -> Failed {
        match misfit {
            Misfit::SecondDefinition(value) => self.defined_twice(at, self.spelled_value(value), "defined"),
            Misfit::SecondBlock(block) => {
                let failed = self.defined_twice(at, self.spelled_block(block), "defined");
                self.skip_to_block();
                failed
            }
            Misfit::NoResult(opcode, ty) => {
                self.error_at(at, format!("{}.{ty} has no result type", opcode.name()))
            }
            Misfit::ResultCount(count) => {
                let plural = if count == 1 { "" } else { "s" };
                let given = self.cx.scratch.results.len();
                let hint = match (count, given) {
                    (0, _) => "leave out what is before the opcode",
                    (1, _) => "it is named by `v1 =` before the opcode",
                    (_, _) => "they are named by `v1, v2 =` before the opcode",
                };
                self.error_at(at, format!("the instruction has {count} result{plural}, not {given}; {hint}"))
            }
        }
    }

    /// Notes that the text from `start` on could not be parsed, and moves to where parsing can continue.
    #[cold]
    pub fn recover_from(&mut self, start: usize) {
        self.recover(start);
        self.cx.scratch.failed_text.push(start..self.cur.pos);
    }

    /// Moves to where parsing can continue after an error in text from `start` on: the end of the line, or a
    /// `}` before it. A line of which nothing was parsed is left for the next attempt.
    fn recover(&mut self, start: usize) {
        if places::begins_line(self.cur.text, start, self.cur.pos) {
            return;
        }
        loop {
            match self.cur.peek() {
                0 if self.cur.at_end() => return,
                b'\n' | b'}' => return,
                b';' => self.cur.skip_line(),
                b'"' if self.cur.quoted().is_some() => {}
                _ => self.cur.pos += 1,
            }
        }
    }
}

/// The opcode that does on floats what `opcode` does on integers, or the other way round.
fn other_opcode(opcode: Opcode) -> Option<Opcode> {
    let name = opcode.name();
    let other = match (name.strip_prefix('i'), name.strip_prefix('f')) {
        (Some(rest), _) => format!("f{rest}"),
        (_, Some(rest)) => format!("i{rest}"),
        _ => return None,
    };
    mnemonic::named(other.as_bytes())
}
