//! Calls that `run` and `print` comments ask for.
//!
//! `; run: %f(1, 2) == 3` calls the function above the comment and compares its result. `!=` negates the
//! comparison, and `== [1, 2]` compares several results. `; run: %f(0) traps int_divz` expects a trap, and
//! without a code, any trap. A bare `; run` calls a function without parameters,
//! which must not return zero. `; print: %f(1)` shows the results.

use super::values::{self, show_list};
use crate::diag::did_you_mean;
use crate::eval::Value;
use crate::ir::{TrapCode, Type};

/// The expected results.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Want {
    /// These results.
    Equal(Vec<Value>),
    /// Any results except these.
    NotEqual(Vec<Value>),
    /// A result that is not zero.
    NonZero,
    /// Any results; they are shown.
    Shown,
    /// A trap, with this code if there is one.
    Trap(Option<TrapCode>),
}

/// A call of a function under test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Invocation {
    /// The line number of the comment.
    pub(super) line: usize,
    /// The name of the function in the comment, without the `%`; empty if the comment has none.
    pub(super) name: String,
    /// The arguments.
    pub(super) args: Vec<Value>,
    /// The expected results.
    pub(super) want: Want,
}

impl Invocation {
    /// Parses a comment, given the types of the function's parameters and results; `None` if it does not ask
    /// for a call.
    pub(super) fn parse(
        line: usize,
        comment: &str,
        params: &[Type],
        results: &[Type],
    ) -> Result<Option<Self>, String> {
        let text = comment.trim_start_matches([';', ' ', '\t']);
        // Remove a comment inside the comment.
        let text = text.split(';').next().unwrap_or("").trim_end();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if !matches!(word, "run" | "print") {
            return Ok(None);
        }
        let Some(call) = rest.strip_prefix(':') else {
            return Self::bare(line, word, rest, params, results);
        };
        let (name, args, rest) = parse_call(call.trim())?;
        let args = parse_list(args, params).map_err(|why| format!("arguments: {why}"))?;
        let want = match (word, rest.split_at_checked(2)) {
            ("print", _) if rest.is_empty() => Want::Shown,
            ("run", Some(("==", values))) => Want::Equal(parse_results(values.trim(), results)?),
            ("run", Some(("!=", values))) => Want::NotEqual(parse_results(values.trim(), results)?),
            ("run", _) if rest.split_whitespace().next() == Some("traps") => Want::Trap(parse_trap(rest)?),
            ("run", _) if rest.is_empty() => {
                return Err(format!("expected `==`, `!=` or `traps` behind `{}`", call.trim()));
            }
            ("run", _) => return Err(format!("expected `==`, `!=` or `traps` before `{rest}`")),
            _ => return Err(format!("unexpected `{rest}`")),
        };
        Ok(Some(Invocation { line, name: name.into(), args, want }))
    }

    /// Parses the forms without a call.
    fn bare(
        line: usize,
        word: &str,
        rest: &str,
        params: &[Type],
        results: &[Type],
    ) -> Result<Option<Self>, String> {
        if !rest.is_empty() {
            // This is prose that begins with the word, unless it looks like a call without the colon.
            return match rest.trim_start().starts_with(['%', '(', ':']) {
                true => Err(format!("expected `:` after `{word}`")),
                false => Ok(None),
            };
        }
        let want = match word {
            "print" => Want::Shown,
            _ if matches!(results, [ty] if ty.is_int()) => Want::NonZero,
            _ => return Err("`run` without a call requires a function with one integer result".into()),
        };
        if !params.is_empty() {
            return Err(format!("`{word}` without a call requires a function without parameters"));
        }
        Ok(Some(Invocation { line, name: String::new(), args: Vec::new(), want }))
    }

    /// Compares the results of the call with those expected. The error shows how they differ.
    pub(super) fn judge(&self, results: &[Value]) -> Result<(), String> {
        let right = match &self.want {
            Want::Equal(values) => values == results,
            Want::NotEqual(values) => values != results,
            Want::NonZero => results.iter().any(|value| !value.is_zero()),
            Want::Shown => true,
            Want::Trap(_) => false,
        };
        if right {
            return Ok(());
        }
        let call = format!("%{}({})", self.name, show_list(&self.args));
        let got = show_list(results);
        Err(match &self.want {
            Want::Equal(values) => format!("{call} is [{got}], expected [{}]", show_list(values)),
            Want::Trap(_) => format!("{call} is [{got}]{}", self.expectation()),
            Want::NotEqual(_) | Want::NonZero | Want::Shown => {
                format!("{call} is [{got}], expected another result")
            }
        })
    }

    /// Whether the call is expected to trap with this code; `None` if it ended otherwise, `Some(None)` if the
    /// code is unknown.
    pub(super) fn expects_trap(&self, trap: Option<Option<TrapCode>>) -> bool {
        match (&self.want, trap) {
            (Want::Trap(None), Some(_)) => true,
            (Want::Trap(wanted), Some(code)) => *wanted == code,
            _ => false,
        }
    }

    /// What messages about calls that do not return say of the expectation.
    pub(super) fn expectation(&self) -> String {
        match &self.want {
            Want::Trap(Some(code)) => format!(", expected the trap {code}"),
            Want::Trap(None) => ", expected a trap".into(),
            Want::Equal(_) | Want::NotEqual(_) | Want::NonZero | Want::Shown => String::new(),
        }
    }
}

/// Parses a call like `%f(1, 2)`; `params_of` returns the types of a function's parameters.
pub fn parse_call_of(
    text: &str,
    params_of: impl FnOnce(&str) -> Option<Vec<Type>>,
) -> Result<(String, Vec<Value>), String> {
    let (name, args, rest) = parse_call(text.trim())?;
    if !rest.is_empty() {
        return Err(format!("unexpected `{rest}`"));
    }
    let params = params_of(name).ok_or_else(|| format!("unknown function `%{name}`"))?;
    let args = parse_list(args, &params).map_err(|why| format!("arguments: {why}"))?;
    Ok((name.into(), args))
}

/// Splits `%name(args)` into the name, the arguments and the text after them.
fn parse_call(text: &str) -> Result<(&str, &str, &str), String> {
    let parts = text.strip_prefix('%').and_then(|text| {
        let (name, rest) = text.split_once('(')?;
        let (args, rest) = rest.split_once(')')?;
        Some((name.trim(), args, rest.trim()))
    });
    parts.ok_or_else(|| format!("expected a call like `%f(1)`, found `{text}`"))
}

/// Parses `traps` or `traps int_divz`.
fn parse_trap(text: &str) -> Result<Option<TrapCode>, String> {
    let mut words = text.split_whitespace().skip(1);
    let (code, rest) = (words.next(), words.next());
    if let Some(rest) = rest {
        return Err(format!("unexpected `{rest}`"));
    }
    let unknown = |code| {
        let near = did_you_mean(code, TrapCode::names().chain(["user1"]));
        format!("unknown trap code `{code}`{near}")
    };
    code.map(|code| TrapCode::parse(code.as_bytes()).ok_or_else(|| unknown(code))).transpose()
}

fn parse_results(text: &str, types: &[Type]) -> Result<Vec<Value>, String> {
    let values = match types {
        [_] => text,
        _ => text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .ok_or_else(|| format!("expected {} results in brackets", types.len()))?,
    };
    parse_list(values, types).map_err(|why| format!("results: {why}"))
}

/// Values separated by commas, where those in brackets are of vectors.
fn parse_list(text: &str, types: &[Type]) -> Result<Vec<Value>, String> {
    let mut depth = 0;
    let is_separator = |c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ',' && depth == 0
    };
    let items: Vec<&str> = match text.trim() {
        "" => Vec::new(),
        text => text.split(is_separator).map(str::trim).collect(),
    };
    if items.len() != types.len() {
        return Err(format!("{} given, {} needed", items.len(), types.len()));
    }
    items.into_iter().zip(types).map(|(item, &ty)| values::parse(item, ty)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types::{F32, I8, I32, I32X4};

    #[test]
    fn calls() {
        let parse = |text, params: &[Type], results: &[Type]| Invocation::parse(1, text, params, results);
        let call = parse("; run: %f(1, [1 2 3 4]) == [7, -1] ; so", &[I8, I32X4], &[I8, I32]);
        let call = call.expect("right").expect("a call");
        assert_eq!((call.name.as_str(), call.args.len()), ("f", 2));
        assert!(matches!(&call.want, Want::Equal(values) if show_list(values) == "7, -1"));
        let trap = parse("; run: %f(1) traps int_divz", &[I8], &[]).expect("right").expect("a call");
        assert!(trap.expects_trap(Some(Some(TrapCode::INTEGER_DIVISION_BY_ZERO))));
        assert!(!trap.expects_trap(Some(Some(TrapCode(1)))) && !trap.expects_trap(None));
        let any = parse("; run: %f(1) traps", &[I8], &[]).expect("right").expect("a call");
        assert!(any.expects_trap(Some(None)) && any.judge(&[]).is_err());
        assert!(parse("; run: %f(1) traps int_divs", &[I8], &[]).is_err_and(|why| why.contains("int_divz")));
        assert!(matches!(parse("; run", &[], &[I8]), Ok(Some(Invocation { want: Want::NonZero, .. }))));
        assert!(matches!(parse(";; print: %f()", &[], &[]), Ok(Some(Invocation { want: Want::Shown, .. }))));
        assert!(matches!(parse("; run the loop backwards", &[], &[]), Ok(None)));
        assert!(matches!(parse("; running", &[], &[]), Ok(None)));
        for bad in
            ["; run: %f(1)", "; run: f(1) == 2", "; run %f(1) == 2", "; run: %f() == 2", "; run: %f(1) == x"]
        {
            assert!(parse(bad, &[I8], &[I8]).is_err(), "{bad}");
        }
        assert!(parse("; run", &[I8], &[I8]).is_err());
        assert!(parse("; run", &[], &[F32]).is_err());
    }

    #[test]
    fn judgement() {
        let invocation = |text| Invocation::parse(1, text, &[], &[I8]).expect("right").expect("a call");
        let value = |text| [values::parse(text, I8).expect("a value")];
        assert!(invocation("; run: %f() == 3").judge(&value("3")).is_ok());
        assert_eq!(
            invocation("; run: %f() == 3").judge(&value("4")),
            Err("%f() is [4], expected [3]".into())
        );
        assert!(invocation("; run: %f() != 3").judge(&value("4")).is_ok());
        assert!(invocation("; run: %f() != 3").judge(&value("3")).is_err());
        assert!(invocation("; run").judge(&value("0")).is_err());
    }
}
