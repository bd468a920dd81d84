//! Tests that require no machine code: `cat`, `verifier`, `print-cfg`, `domtree`.

use super::file::{TestFile, TestFunction};
use super::filecheck;
use crate::analysis::{Analysis, domtree, graph};
use crate::check::Checker;
use crate::diag::Diagnostic;
use crate::ir::{Function, Inst, SourceMap};
use crate::parse::{self, ParseContext};
use crate::verify::Environment;

/// A parsed function, and the positions of its parts in the file.
#[derive(Default)]
pub(super) struct Parsed {
    /// The function.
    pub(super) function: Function,
    positions: SourceMap,
}

impl Parsed {
    /// Parses a function of a file.
    pub(super) fn new(file: &TestFile, function: &TestFunction) -> Result<Self, Vec<Diagnostic>> {
        Self::from_text(file, &file.text[function.item.text.clone()], function.item.text.start)
    }

    fn from_text(file: &TestFile, text: &str, offset: usize) -> Result<Self, Vec<Diagnostic>> {
        let mut parsed = Parsed::default();
        let mut context = ParseContext::with_types(&file.types);
        let Parsed { function, positions } = &mut parsed;
        match parse::function_with_positions(text.as_bytes(), offset, &mut context, function, positions) {
            Ok(()) => Ok(parsed),
            Err(_) => Err(context.diagnostics),
        }
    }
}

/// Parses a function. Error messages have places.
pub(super) fn parse_function(file: &TestFile, function: &TestFunction) -> Result<Parsed, String> {
    Parsed::new(file, function).map_err(|diagnostics| messages(file, &diagnostics))
}

/// The messages of diagnostics, one on each line.
pub(super) fn messages(file: &TestFile, diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| file.message(diagnostic)).collect::<Vec<_>>().join("\n")
}

/// Checks `text` against the filecheck directives of a function.
pub(super) fn check(file: &TestFile, function: &TestFunction, text: &str) -> Result<(), String> {
    let mut checker = filecheck::Checker::default();
    for comment in file.leading.iter().chain(&function.comments) {
        let place = file.at(comment.line);
        checker.add(&place, comment.text).map_err(|why| format!("{place}: {why}"))?;
    }
    checker.check(text)
}

/// `test cat`: the printed text matches its directives, and is the same when it is parsed and printed again.
pub(super) fn cat(file: &TestFile) -> Result<(), String> {
    each(file, |function| {
        let parsed = parse_function(file, function)?.function;
        check(file, function, &parsed.as_stencil_sees().to_string())?;
        let text = parsed.to_string();
        let again = Parsed::from_text(file, &text, 0).map_err(|diagnostics| {
            format!("the printed text cannot be parsed: {}\n{text}", diagnostics[0].message)
        })?;
        match again.function.to_string() {
            same if same == text => Ok(()),
            other => {
                Err(format!("the printed text changes when it is parsed and printed again\n{text}\n{other}"))
            }
        }
    })
}

/// `test print-cfg`: the graph matches its directives.
pub(super) fn print_cfg(file: &TestFile) -> Result<(), String> {
    each(file, |function| {
        let parsed = parse_function(file, function)?;
        check(file, function, &graph::text(&parsed.function))
    })
}

/// `test domtree`: the dominator tree is as annotated.
pub(super) fn dominators(file: &TestFile) -> Result<(), String> {
    each(file, |function| {
        let parsed = parse_function(file, function)?;
        let stencil = &parsed.function.stencil;
        let mut analysis = Analysis::default();
        analysis.compute(stencil);
        let annotations = function.comments.iter().filter_map(|comment| {
            let blocks = comment.after("dominates:")?;
            let on_line = |inst: &Inst| file.line(parsed.positions.insts[*inst]) == comment.code_line;
            Some((stencil.insts.keys().rfind(on_line)?, blocks))
        });
        domtree::check(stencil, &analysis, annotations)?;
        check(file, function, &domtree::text(stencil, &analysis))
    })
}

/// `test verifier`: the errors are as annotated.
pub(super) fn verifier(file: &TestFile, env: Environment) -> Result<(), String> {
    each(file, |function| {
        let phrases = Checker::new(&file.types).phrases(file.text.as_bytes(), &function.item, env);
        let mut found: Vec<(usize, String)> =
            phrases.into_iter().map(|(offset, message)| (file.line(offset), message)).collect();
        let mut missing = String::new();
        for comment in &function.comments {
            let Some(wanted) = comment.after("error:") else { continue };
            let same =
                |(line, message): &(usize, String)| *line == comment.code_line && message.contains(wanted);
            match found.iter().position(same) {
                Some(at) => drop(found.swap_remove(at)),
                None => {
                    missing.push_str(&format!("{}: missing error: {wanted}\n", file.at(comment.code_line)));
                }
            }
        }
        let surplus =
            found.iter().map(|(line, message)| format!("{}: unexpected error: {message}\n", file.at(*line)));
        match missing + &surplus.collect::<String>() {
            all_right if all_right.is_empty() => Ok(()),
            wrong => Err(wrong),
        }
    })
}

/// Tests each function. The error names the functions that fail.
pub(super) fn each(
    file: &TestFile,
    mut test: impl FnMut(&TestFunction) -> Result<(), String>,
) -> Result<(), String> {
    if file.functions.is_empty() {
        return Err("the file has no functions".into());
    }
    let failures = file.functions.iter().filter_map(|function| {
        let why = test(function).err()?;
        let place = file.at(file.line(function.item.text.start));
        Some(format!("{place}: in this function:\n{}", why.trim_end()))
    });
    let failures: Vec<String> = failures.collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}
