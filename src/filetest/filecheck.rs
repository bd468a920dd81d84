//! filecheck: directives in comments that specify what a text must contain.
//!
//! The language is that of Cranelift's tests. `check:` finds its pattern after the previous match, `sameln:`
//! on the same line, and `nextln:` on the next line. `unordered:` finds its pattern anywhere after the last
//! ordered match. `not:` forbids its pattern between the matches before and after it. `regex: NAME=…` names a
//! regular expression. Patterns are plain text in which `$` introduces variables: `$NAME`, `$(NAME)`,
//! `$(NAME=regex)`, `$(NAME=$OTHER)`, `$(=regex)`, `$()` for nothing and `$$` for a dollar sign. A pattern
//! that begins or ends in a letter or digit matches whole words.

use std::collections::HashMap;
use std::ops::Range;

use regex_lite::Regex;

/// The kind of a directive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Check,
    SameLine,
    NextLine,
    Unordered,
    Not,
    Regex,
}

/// The names of the directives.
const KINDS: [(&str, Kind); 6] = [
    ("check:", Kind::Check),
    ("sameln:", Kind::SameLine),
    ("nextln:", Kind::NextLine),
    ("unordered:", Kind::Unordered),
    ("not:", Kind::Not),
    ("regex:", Kind::Regex),
];

/// A regular expression: that of a variable, or a literal.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Expr {
    Literal(String),
    Variable(String),
}

/// A piece of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    Match(Expr),
    Define(String, Expr),
}

#[derive(Debug)]
struct Directive {
    kind: Kind,
    /// Its place in the test file.
    place: String,
    /// Its text in the file.
    text: String,
    parts: Vec<Part>,
}

/// The value of a variable, and the offset in the text from which it may be used.
struct Variable {
    regex: String,
    from: usize,
}

/// A list of directives.
#[derive(Debug, Default)]
pub(super) struct Checker {
    directives: Vec<Directive>,
}

impl Checker {
    /// Adds the directive of a comment, if it has one.
    pub(super) fn add(&mut self, place: &str, comment: &str) -> Result<(), String> {
        let Some((kind, text)) = find_directive(comment) else { return Ok(()) };
        let parts = match kind {
            Kind::Regex => {
                let (name, regex) = text.split_once('=').ok_or("expected NAME=regex after `regex:`")?;
                if name.is_empty() || name_len(name) != name.len() {
                    return Err(format!("invalid variable name `{name}`"));
                }
                vec![Part::Define(name.into(), Expr::Literal(regex.into()))]
            }
            _ => parse_pattern(text)?,
        };
        if kind == Kind::Not && parts.iter().any(|part| matches!(part, Part::Define(..))) {
            return Err("a `not:` pattern cannot define variables".into());
        }
        self.directives.push(Directive { kind, place: place.into(), text: text.into(), parts });
        Ok(())
    }

    /// Checks `text`. The error names the directive that failed and shows the text it was applied to.
    pub(super) fn check(&self, text: &str) -> Result<(), String> {
        let mut variables = HashMap::new();
        let mut ordered = 0;
        let mut reached = 0;
        let mut forbidden: Vec<(&Directive, usize, Regex)> = Vec::new();
        for directive in &self.directives {
            if let (Kind::Regex, [Part::Define(name, Expr::Literal(regex))]) =
                (directive.kind, &directive.parts[..])
            {
                variables.insert(name.clone(), Variable { regex: format!("(?:{regex})"), from: 0 });
                continue;
            }
            let regex = compile(&directive.parts, &variables).map_err(|why| directive.fail(&why))?;
            let from = directive.uses().filter_map(|name| variables.get(name)).map(|v| v.from);
            let unordered = from.fold(ordered, usize::max)..text.len();
            let range = match directive.kind {
                Kind::Check | Kind::Regex => reached..text.len(),
                Kind::SameLine => reached..next_line(text, reached),
                Kind::NextLine => {
                    let start = next_line(text, reached);
                    start..next_line(text, start)
                }
                Kind::Unordered => unordered,
                Kind::Not => {
                    forbidden.push((directive, unordered.start, regex));
                    continue;
                }
            };
            let Some(found) = regex.captures(&text[range.clone()]) else {
                return Err(directive.fail(&format!("no match in\n{}", excerpt(text, range))));
            };
            let whole = found.get(0).expect("group 0 is the match");
            let (start, end) = (range.start + whole.start(), range.start + whole.end());
            for name in regex.capture_names().flatten() {
                let held = found.name(name).map_or("", |group| group.as_str());
                variables.insert(name.into(), Variable { regex: regex_lite::escape(held), from: end });
            }
            reached = if directive.kind == Kind::Unordered { reached.max(end) } else { end };
            if directive.kind != Kind::Unordered {
                ordered = end;
                check_absent(&mut forbidden, text, start)?;
            }
        }
        check_absent(&mut forbidden, text, text.len())
    }
}

impl Directive {
    fn fail(&self, why: &str) -> String {
        let name = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name);
        format!("{}: `{name} {}`: {why}", self.place, self.text)
    }

    /// The variables that must be defined before.
    fn uses(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Match(Expr::Variable(name)) | Part::Define(_, Expr::Variable(name)) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Fails if a forbidden pattern matches between the start of its search and `end`.
fn check_absent(
    forbidden: &mut Vec<(&Directive, usize, Regex)>,
    text: &str,
    end: usize,
) -> Result<(), String> {
    for (directive, start, regex) in forbidden.drain(..) {
        if let Some(found) = text.get(start..end).and_then(|part| regex.find(part)) {
            return Err(directive.fail(&format!("forbidden match: `{}`", found.as_str())));
        }
    }
    Ok(())
}

/// The first directive in a comment, and the text after it.
fn find_directive(comment: &str) -> Option<(Kind, &str)> {
    let starts = KINDS.iter().flat_map(|&(name, kind)| {
        comment.match_indices(name).map(move |(at, _)| (at, at + name.len(), kind))
    });
    starts
        .filter(|&(at, end, _)| {
            let word_before = comment[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            !word_before && (end == comment.len() || comment[end..].starts_with(char::is_whitespace))
        })
        .min_by_key(|(at, ..)| *at)
        .map(|(_, end, kind)| (kind, comment[end..].trim()))
}

/// The length of the variable's name at the start of `text`.
fn name_len(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

fn parse_pattern(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let Some(after) = rest.strip_prefix('$') else {
            let end = rest.find('$').unwrap_or(rest.len());
            parts.push(Part::Text(rest[..end].into()));
            rest = &rest[end..];
            continue;
        };
        if let Some(tail) = after.strip_prefix('$') {
            parts.push(Part::Text("$".into()));
            rest = tail;
        } else if let Some(inner) = after.strip_prefix('(') {
            let end = closing_paren(inner).ok_or("missing `)` after `$(`")?;
            parts.push(parse_variable(&inner[..end])?);
            rest = &inner[end + 1..];
        } else {
            let len = name_len(after);
            if len == 0 {
                return Err("expected a variable after `$`; for a dollar sign, write `$$`".into());
            }
            parts.push(Part::Match(Expr::Variable(after[..len].into())));
            rest = &after[len..];
        }
    }
    Ok(parts)
}

/// Parses the text between `$(` and `)`.
fn parse_variable(inner: &str) -> Result<Part, String> {
    let (name, regex) = match inner.split_once('=') {
        Some((name, regex)) => (name, Some(regex)),
        None => (inner, None),
    };
    if name_len(name) != name.len() {
        return Err(format!("invalid variable name `{name}`"));
    }
    let expr = regex.map(|regex| match regex.strip_prefix('$') {
        Some(other) if !other.is_empty() && name_len(other) == other.len() => Expr::Variable(other.into()),
        _ => Expr::Literal(format!("(?:{regex})")),
    });
    Ok(match (name, expr) {
        ("", None) => Part::Text(String::new()),
        ("", Some(expr)) => Part::Match(expr),
        (name, None) => Part::Match(Expr::Variable(name.into())),
        (name, Some(expr)) => Part::Define(name.into(), expr),
    })
}

/// The offset of the parenthesis that closes the one before `text`, a regular expression.
fn closing_paren(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut class_start = None;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (byte, class_start) {
            (b'\\', _) => {
                bytes.next();
            }
            // A bracket directly after `[` or `[^` is a member of the class.
            (b']', Some(start)) if !matches!(&text[start..at], "[" | "[^") => class_start = None,
            (_, Some(_)) => {}
            (b'[', None) => class_start = Some(at),
            (b'(', None) => depth += 1,
            (b')', None) if depth == 0 => return Some(at),
            (b')', None) => depth -= 1,
            _ => {}
        }
    }
    None
}

fn compile(parts: &[Part], variables: &HashMap<String, Variable>) -> Result<Regex, String> {
    let value = |expr: &Expr| match expr {
        Expr::Literal(regex) => Ok(regex.clone()),
        Expr::Variable(name) => variables
            .get(name)
            .map(|variable| variable.regex.clone())
            .ok_or_else(|| format!("the variable `{name}` is not defined")),
    };
    let word_at = |part: Option<&Part>, edge: fn(&str) -> Option<char>| match part {
        Some(Part::Text(text)) if edge(text).is_some_and(char::is_alphanumeric) => r"\b",
        _ => "",
    };
    let mut regex = String::from(word_at(parts.first(), |text| text.chars().next()));
    for part in parts {
        match part {
            Part::Text(text) => regex.push_str(&regex_lite::escape(text)),
            Part::Match(expr) => regex.push_str(&value(expr)?),
            Part::Define(name, expr) => regex.push_str(&format!("(?P<{name}>{})", value(expr)?)),
        }
    }
    regex.push_str(word_at(parts.last(), |text| text.chars().next_back()));
    Regex::new(&regex).map_err(|error| error.to_string())
}

/// The offset of the line after the one that contains `at`.
fn next_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |n| at + n + 1)
}

/// The first lines of a part of a text, indented.
fn excerpt(text: &str, range: Range<usize>) -> String {
    const SHOWN: usize = 12;
    let mut lines: Vec<String> =
        text[range].lines().take(SHOWN + 1).map(|line| format!("    > {line}")).collect();
    if lines.len() > SHOWN {
        lines[SHOWN] = "    > ...".into();
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(directives: &[&str], text: &str) -> Result<(), String> {
        let mut checker = Checker::default();
        for (at, directive) in directives.iter().enumerate() {
            checker.add(&format!("f:{}", at + 1), directive)?;
        }
        checker.check(text)
    }

    fn matches(directives: &[&str], text: &str) -> bool {
        check(directives, text).is_ok()
    }

    #[test]
    fn ordered_matches() {
        assert!(matches(&["; check: one", "; check: two"], "one two"));
        assert!(!matches(&["; check: one", "; check: two"], "two one"));
        assert!(matches(&["; check: one", "; sameln: two"], "one and two"));
        assert!(!matches(&["; check: one", "; sameln: two"], "one\ntwo"));
        assert!(matches(&["; check: one", "; nextln: two"], "one\n  two"));
        assert!(!matches(&["; check: one", "; nextln: two"], "one\n\ntwo"));
        assert!(matches(&["; sameln: zero"], "zero\none"));
        assert!(matches(&["; nextln: one"], "zero\none"));
        assert!(matches(&["; check: one", "; nextln:", "; nextln: two"], "one\n\ntwo"));
    }

    #[test]
    fn words() {
        assert!(!matches(&["; check: one"], "zeroone"));
        assert!(!matches(&["; check: one"], "onetwo"));
        assert!(matches(&["; check: one$()"], "onetwo"));
        assert!(matches(&["; check: $$5"], "costs $5"));
    }

    #[test]
    fn unordered_matches_do_not_cross_ordered_ones() {
        let all = ["; unordered: one", "; unordered: two", "; check: three", "; unordered: four"];
        assert!(matches(&all, "two one three four"));
        assert!(!matches(&all, "two three one four"));
    }

    #[test]
    fn variables() {
        let all = ["; regex: V=\\bv\\d+\\b", "; check: $(a=$V) = load", "; check: iadd $a, $V"];
        assert!(matches(&all, "v1 = load\nv2 = iadd v1, v7"));
        assert!(!matches(&all, "v1 = load\nv2 = iadd v3, v7"));
        assert!(matches(&["; check: x$(n=[0-9()]+)y", "; check: z$(n)"], "x(1)y z(1)"));
        assert!(matches(&["; check: $(=a|b)c"], "bc"));
        assert!(matches(&["; check: $(x=[])]+);"], "));"));
    }

    #[test]
    fn forbidden_matches() {
        let all = ["; check: one", "; not: two", "; check: three"];
        assert!(matches(&all, "two one three two"));
        assert!(!matches(&all, "one two three"));
        assert!(!matches(&["; check: one", "; not: two"], "one two"));
    }

    #[test]
    fn mistakes_are_errors() {
        assert!(check(&["; check: $nowhere"], "x").is_err());
        assert!(check(&["; check: $("], "x").is_err());
        assert!(check(&["; check: 5$"], "x").is_err());
        assert!(check(&["; not: $(a=x)"], "y").is_err());
        assert!(check(&["; regex: 5"], "y").is_err());
        assert!(check(&["; check: $(a=()"], "y").is_err());
        assert!(check(&["; check: $(a=x) $(a=y)"], "x y").is_err());
    }
}
