//! Reports errors in a function, and finds where parsing can continue after one.
//!
//! One mistake is one message: definitions in text that could not be parsed are looked up there
//! ([`places`]) before a reference to them is reported.

use std::fmt::Display;

use super::context::Failed;
use super::hints::{self, Kind};
use super::parser::Parser;
use super::{older, places};
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::builder::Misfit;
use crate::ir::{Opcode, Type, opcode};

impl Parser<'_> {
    /// Reports an error at a position of the text.
    #[cold]
    pub fn error_at(&mut self, at: usize, message: impl Into<String>) -> Failed {
        self.report(Diagnostic::error(self.base + at, message))
    }

    #[cold]
    fn report(&mut self, diagnostic: Diagnostic) -> Failed {
        if !self.hopeless() {
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
        let hint = hints::at(what, &self.cur.text[self.cur.pos..]);
        self.error(format!("expected {what}, found {}{hint}", self.cur.found(self.end)))
    }

    /// Like [`expected`](Self::expected), and says what to write instead of the word at the cursor.
    #[cold]
    pub fn expected_kind(&mut self, what: &str, kind: Kind) -> Failed {
        let mut cur = self.cur;
        cur.space();
        let hint = match hints::instead(kind, &String::from_utf8_lossy(cur.peek_word())) {
            hint if hint.is_empty() => hints::at(what, &cur.text[cur.pos..]),
            hint => hint,
        };
        self.error(format!("expected {what}, found {}{hint}", self.cur.found(self.end)))
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
        let start = memchr::memrchr(b'\n', &self.cur.text[..self.cur.pos]).map_or(0, |at| at + 1);
        let line = String::from_utf8_lossy(&self.cur.text[start..self.cur.pos]);
        let code = line.rsplit(" = ").next().unwrap_or_default().trim_start();
        let word = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        let with_number = format!("{word}_imm");
        let found = self.cur.found(self.end);
        let hint = match older::lookup(with_number.as_bytes()) {
            Some(_) => format!("`{with_number}` takes a number"),
            None => "make constants with `iconst`, `f32const` or `f64const`".into(),
        };
        self.error(format!("expected {what}, found {found}; {hint}"))
    }

    #[cold]
    pub fn expected_byte(&mut self, byte: u8) -> Failed {
        let before = self.cur.text[..self.cur.pos].trim_ascii_end().len();
        if byte == b',' && self.cur.text[before..self.cur.pos].contains(&b'\n') {
            // What is on the next line belongs to the next instruction.
            self.cur.pos = before;
            return self.error("expected `,`, found the end of the line");
        }
        self.expected(&format!("`{}`", byte as char))
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
        let text = String::from_utf8_lossy(word);
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
                self.error_at(at, format!("expected a block header such as `block0:`, found `{text}`{hint}"))
            }
            [b'v', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
                let hint = match self.cur.peek() {
                    b'\n' | b'\r' | b';' => "an alias is written with an arrow, as in `v1 -> v0`",
                    _ => "an instruction begins with its opcode, as in `v2 = iadd v0, v1`",
                };
                self.error_at(at, format!("expected an opcode, found `{text}`; {hint}"))
            }
            _ => {
                let hint = hints::instead(Kind::Opcode, &text);
                self.error_at(at, format!("unknown opcode `{text}`{hint}"))
            }
        }
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
    pub fn in_failed_text(&self, entity: &str) -> bool {
        let mut failed = self.cx.scratch.failed_text.iter();
        failed.any(|part| places::definition(self.cur.text, part.clone(), entity).is_some())
    }

    /// Reports the second definition of an entity, with the place of the first.
    #[cold]
    pub fn defined_twice(&mut self, at: usize, entity: impl Display, verb: &str) -> Failed {
        let entity = entity.to_string();
        let mut diagnostic = Diagnostic::error(self.base + at, format!("{entity} is {verb} twice"));
        if let Some(first) = places::definition(self.cur.text, 0..at, &entity) {
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
                self.error_at(at, format!("the instruction has {count} result{plural}, not {given}"))
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
    opcode::ALL.iter().copied().find(|opcode| opcode.name() == other)
}
