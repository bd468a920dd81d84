//! The text of rules, parsed. `rules/README.md` describes the language.

use super::expr::{Binary, Expr, Fact, Unary};
use super::ir::{ALL, Format, Opcode};
use std::collections::BTreeSet;

/// The integer conditions, in the order of their codes, with the names of their variants.
pub const INT_CONDITIONS: [(&str, &str); 10] = [
    ("eq", "Equal"),
    ("ne", "NotEqual"),
    ("slt", "SignedLessThan"),
    ("sge", "SignedGreaterThanOrEqual"),
    ("sgt", "SignedGreaterThan"),
    ("sle", "SignedLessThanOrEqual"),
    ("ult", "UnsignedLessThan"),
    ("uge", "UnsignedGreaterThanOrEqual"),
    ("ugt", "UnsignedGreaterThan"),
    ("ule", "UnsignedLessThanOrEqual"),
];

/// A rule as it is written, with its loops expanded.
#[derive(Clone, PartialEq, Debug)]
pub struct Text {
    /// The name.
    pub name: String,
    /// The file and line.
    pub place: String,
    /// What it applies to.
    pub pattern: Term,
    /// What that is replaced by.
    pub result: Term,
    /// Under which conditions.
    pub conditions: Vec<Expr>,
    /// Whether operands of the pattern have been exchanged, in operations that commute.
    pub is_turned: bool,
}

/// One side of a rule, or a part of it.
#[derive(Clone, PartialEq, Debug)]
pub enum Term {
    /// An instruction.
    Op {
        /// Its opcode.
        head: Head,
        /// The type or type variable after the dot.
        ty: Option<String>,
        /// The condition of a comparison.
        cc: Option<Cc>,
        /// The operands.
        args: Vec<Term>,
    },
    /// Any value.
    Value {
        /// Its name, in lower case.
        name: String,
        /// The type or type variable after the colon.
        ty: Option<String>,
    },
    /// A constant: in patterns a name or a number.
    Constant(Expr),
}

/// What a term that isn't a variable begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Head {
    /// An opcode.
    Opcode(Opcode),
    /// `test`: whether a value is zero, which all that branches, traps or selects by it wants to know.
    Test,
    /// `not_test`: the opposite.
    NotTest,
}

/// The condition of a comparison.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cc {
    /// Any of these integer conditions, by code.
    OneOf(Vec<usize>),
    /// Any condition.
    Any,
    /// In results: the one that the pattern found.
    Same,
    /// The one that holds when it does not.
    Inverse,
    /// The one that holds with exchanged operands.
    Swapped,
    /// The one that compares as unsigned integers.
    Unsigned,
}

impl Term {
    /// The number of values and constants in the order of the text.
    pub fn visit(&self, visit: &mut impl FnMut(&Term)) {
        visit(self);
        if let Term::Op { args, .. } = self {
            args.iter().for_each(|arg| arg.visit(visit));
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Word(String),
    Number(u64),
    Sign(&'static str),
}

/// Signs, those that begin with another one first.
const SIGNS: [&str; 23] = [
    "=>", "==", "!=", "<=", ">=", "<<", ">>", "<", ">", "(", ")", ",", ":", ".", "|", "&", "^", "+", "-",
    "*", "~", "#", "=",
];

/// Reads the rules of a file.
pub fn parse_file(name: &str, text: &str, rules: &mut Vec<Text>, errors: &mut Vec<String>) {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default();
        match (line.trim().is_empty(), line.starts_with(' '), lines.last_mut()) {
            (true, ..) => {}
            (false, true, Some((_, rule))) => *rule += line,
            (false, ..) => lines.push((number, line.to_owned())),
        }
    }
    for (number, line) in lines {
        let place = format!("{name}:{number}");
        if let Err(message) = parse_rule(&place, &line, rules) {
            errors.push(format!("{place}: {message}"));
        }
    }
}

fn parse_rule(place: &str, line: &str, rules: &mut Vec<Text>) -> Result<(), String> {
    let (name, body) = line.split_once(':').ok_or("expected `name: pattern => result`")?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(format!("`{name}` is not a name"));
    }
    let tokens = tokens(body)?;
    let at = tokens.iter().position(|token| *token == Token::Word("for".into()));
    let (body, loops) = match at {
        Some(at) => (&tokens[..at], &tokens[at + 1..]),
        None => (&tokens[..], &[][..]),
    };
    for tokens in expand(body, loops)? {
        let mut parser = Parser { tokens: &tokens, at: 0, constants: BTreeSet::new(), in_result: false };
        rules.push(parser.rule(name, place)?);
    }
    Ok(())
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let token = if first.is_ascii_digit() {
            let word = &rest[..length];
            let number = match word.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16),
                None => word.parse(),
            };
            (Token::Number(number.map_err(|_| format!("`{word}` is not a number"))?), length)
        } else if length > 0 {
            (Token::Word(rest[..length].to_owned()), length)
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("unexpected `{first}`"))?;
            (Token::Sign(sign), sign.len())
        };
        tokens.push(token.0);
        rest = rest[token.1..].trim_start();
    }
    Ok(tokens)
}

/// The rule for each group of words of its loop, `names in words, words, ...`.
fn expand(body: &[Token], loops: &[Token]) -> Result<Vec<Vec<Token>>, String> {
    if loops.is_empty() {
        return Ok(vec![body.to_vec()]);
    }
    let of = loops.iter().position(|token| *token == Token::Word("in".into()));
    let (names, groups) = loops.split_at(of.ok_or("expected `for name in words`")?);
    let mut all = Vec::new();
    for group in groups[1..].split(|token| *token == Token::Sign(",")) {
        if group.len() != names.len() {
            return Err(format!("expected groups of {} words after `in`", names.len()));
        }
        let replace = |token: &Token| match names.iter().position(|name| name == token) {
            Some(at) => group[at].clone(),
            None => token.clone(),
        };
        all.push(body.iter().map(replace).collect());
    }
    Ok(all)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    /// The constants that the pattern binds.
    constants: BTreeSet<String>,
    in_result: bool,
}

impl Parser<'_> {
    fn rule(&mut self, name: &str, place: &str) -> Result<Text, String> {
        let pattern = self.term()?;
        self.expect("=>")?;
        self.in_result = true;
        let result = self.term()?;
        let mut conditions = Vec::new();
        if self.takes_word("if") {
            conditions.push(self.expression(0)?);
            while self.takes(",") {
                conditions.push(self.expression(0)?);
            }
        }
        match self.tokens.get(self.at) {
            None => Ok(Text {
                name: name.into(),
                place: place.into(),
                pattern,
                result,
                conditions,
                is_turned: false,
            }),
            Some(token) => Err(format!("unexpected {token:?} after the rule")),
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(match self.tokens.get(self.at) {
            Some(token) => format!("expected `{sign}`, found {token:?}"),
            None => format!("expected `{sign}` at the end"),
        })
    }

    fn word(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word.clone())
            }
            other => Err(format!("expected a word, found {other:?}")),
        }
    }

    fn term(&mut self) -> Result<Term, String> {
        let Some(Token::Word(word)) = self.tokens.get(self.at).cloned() else {
            return self.constant();
        };
        if let Some(head) = head(&word) {
            self.at += 1;
            return self.operation(head);
        }
        if !word.starts_with(|c: char| c.is_ascii_lowercase()) || function_of(&word) {
            return self.constant();
        }
        self.at += 1;
        let ty = if self.takes(":") { Some(self.word()?) } else { None };
        Ok(Term::Value { name: word, ty })
    }

    /// A constant: a name or a number in patterns, any expression in results.
    fn constant(&mut self) -> Result<Term, String> {
        let expr = match self.in_result {
            true => self.expression(0)?,
            false => self.prefixed()?,
        };
        if let (false, Expr::Constant(name)) = (self.in_result, &expr) {
            self.constants.insert(name.clone());
        }
        Ok(Term::Constant(expr))
    }

    fn operation(&mut self, head: Head) -> Result<Term, String> {
        let (mut ty, mut cc) = (None, None);
        let compares = match head {
            Head::Opcode(opcode) => matches!(opcode.format(), Format::IntCompare | Format::FloatCompare),
            Head::Test | Head::NotTest => false,
        };
        if compares {
            self.expect(".")?;
            cc = Some(self.condition_code()?);
        } else if self.takes(".") {
            ty = Some(self.word()?);
        }
        self.expect("(")?;
        let mut args = vec![self.term()?];
        while self.takes(",") {
            args.push(self.term()?);
        }
        self.expect(")")?;
        let count = match head {
            Head::Opcode(opcode) => opcode.info().args.len(),
            Head::Test | Head::NotTest => 1,
        };
        if args.len() != count {
            return Err(format!("expected {count} operands, found {}", args.len()));
        }
        Ok(Term::Op { head, ty, cc, args })
    }

    fn condition_code(&mut self) -> Result<Cc, String> {
        let code = |word: &str| INT_CONDITIONS.iter().position(|(name, _)| *name == word);
        let first = self.word()?;
        let changed = match first.as_str() {
            "cc" => Some(if self.in_result { Cc::Same } else { Cc::Any }),
            "inverse" => Some(Cc::Inverse),
            "swapped" => Some(Cc::Swapped),
            "unsigned" => Some(Cc::Unsigned),
            _ => None,
        };
        if let Some(cc) = changed {
            return Ok(cc);
        }
        let unknown = |word: &str| format!("unknown condition `{word}`");
        let mut codes = vec![code(&first).ok_or_else(|| unknown(&first))?];
        while self.takes("|") {
            let word = self.word()?;
            codes.push(code(&word).ok_or_else(|| unknown(&word))?);
        }
        Ok(Cc::OneOf(codes))
    }

    /// An expression whose operators bind at least as tightly as level `level`.
    fn expression(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = LEVELS.get(level) else { return self.prefixed() };
        let mut left = self.expression(level + 1)?;
        while let Some((_, function)) = operators.iter().find(|(sign, _)| self.takes(sign)) {
            let right = self.expression(level + 1)?;
            left = Expr::Binary(*function, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn prefixed(&mut self) -> Result<Expr, String> {
        for (sign, function) in [("-", Unary::Negate), ("~", Unary::Complement)] {
            if self.takes(sign) {
                let operand = self.prefixed()?;
                return Ok(match operand {
                    Expr::Number(n) => Expr::Number(function.apply(n)),
                    other => Expr::Unary(function, Box::new(other)),
                });
            }
        }
        if self.takes("(") {
            let inner = self.expression(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if let Some(Token::Number(n)) = self.tokens.get(self.at) {
            self.at += 1;
            return Ok(Expr::Number(*n));
        }
        let word = self.word()?;
        if function_of(&word) {
            return self.call(&word);
        }
        if self.in_result && !self.constants.contains(&word) {
            return Err(format!("the pattern has no constant `{word}`"));
        }
        Ok(Expr::Constant(word))
    }

    fn call(&mut self, function: &str) -> Result<Expr, String> {
        self.expect("(")?;
        let expr = match function {
            "bits" => Expr::Fact(Fact::Bits, self.word()?),
            "mask" => Expr::Fact(Fact::Mask, self.word()?),
            "zeros" => Expr::Fact(Fact::Zeros, self.word()?),
            "flag" => Expr::Fact(Fact::Flag, self.word()?),
            "varies" => Expr::Fact(Fact::Varies, self.word()?),
            "scalar" => Expr::Fact(Fact::Scalar, self.word()?),
            "pow2" => Expr::Unary(Unary::IsPower, Box::new(self.expression(0)?)),
            "log2" => Expr::Unary(Unary::Log2, Box::new(self.expression(0)?)),
            "min" => {
                let first = self.expression(0)?;
                self.expect(",")?;
                Expr::Binary(Binary::Min, Box::new(first), Box::new(self.expression(0)?))
            }
            "narrows" => {
                let value = self.word()?;
                self.expect(",")?;
                Expr::Narrows(value, self.word()?)
            }
            _ => {
                let operand = self.expression(0)?;
                self.expect(",")?;
                Expr::SignExtend(Box::new(operand), self.word()?)
            }
        };
        self.expect(")")?;
        Ok(expr)
    }
}

/// Binary operators by how tightly they bind, the loosest first.
const LEVELS: [&[(&str, Binary)]; 6] = [
    &[("==", Binary::Equal), ("!=", Binary::NotEqual), ("<=", Binary::LessOrEqual), ("<", Binary::Less)],
    &[("|", Binary::Or)],
    &[("^", Binary::Xor)],
    &[("&", Binary::And)],
    &[("<<", Binary::Shl), (">>", Binary::Shr)],
    &[("+", Binary::Add), ("-", Binary::Sub), ("*", Binary::Mul)],
];

/// Whether a word is a function of expressions.
fn function_of(word: &str) -> bool {
    const NAMES: [&str; 11] =
        ["bits", "mask", "zeros", "flag", "varies", "scalar", "pow2", "log2", "min", "narrows", "sext"];
    NAMES.contains(&word)
}

fn head(word: &str) -> Option<Head> {
    match word {
        "test" => Some(Head::Test),
        "not_test" => Some(Head::NotTest),
        _ => ALL.iter().find(|opcode| opcode.name() == word).map(|opcode| Head::Opcode(*opcode)),
    }
}
