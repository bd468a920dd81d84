//! The report on inlining: for each call by name, what took its place, or why nothing did.
//!
//! A function's code depends on its own text and on those of all functions that were inlined in it. Who keeps
//! compiled functions finds here which of them are out of date when one of the texts changes.

use crate::diag::{Lines, Source};
use crate::entity::Map;
use crate::ir::{Inst, Name, StructTypes};
use crate::opt::inline::Site;
use crate::parse::{self, ParseContext, Split};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Makes the report, given the calls of functions by their index in the file, in any order.
pub(super) fn report(
    source: &Source,
    split: &Split,
    types: &Arc<StructTypes>,
    mut calls: Vec<(usize, Vec<Site>)>,
) -> String {
    calls.sort_unstable_by_key(|(function, _)| *function);
    let mut report = Report::new(source, split, types);
    let functions: Vec<Value> = calls
        .iter()
        .map(|(function, sites)| {
            let line = report.line_of(split.functions[*function].text.start);
            json!({ "name": report.names[*function], "line": line, "calls": report.calls(*function, sites) })
        })
        .collect();
    format!("{:#}\n", json!({ "functions": functions }))
}

/// What the report needs to know of the file.
struct Report<'a> {
    source: &'a Source<'a>,
    split: &'a Split,
    lines: Lines<'a>,
    /// The names of all functions, and their indices.
    names: Vec<String>,
    by_name: HashMap<Name, usize>,
    parser: ParseContext,
    /// Where the instructions of functions are in the file, of those that were looked at.
    positions: HashMap<usize, Map<Inst, usize>>,
}

impl<'a> Report<'a> {
    fn new(source: &'a Source<'a>, split: &'a Split, types: &Arc<StructTypes>) -> Self {
        let mut names = Vec::new();
        let mut by_name = HashMap::new();
        for (function, item) in split.functions.iter().enumerate() {
            let name = parse::function_name(&source.text[item.text.clone()]);
            names.push(name.as_ref().map(Name::to_string).unwrap_or_default());
            by_name.extend(name.map(|name| (name, function)));
        }
        let mut parser = ParseContext::new();
        parser.types = types.clone();
        let (lines, positions) = (Lines::new(*source), HashMap::new());
        Report { source, split, lines, names, by_name, parser, positions }
    }

    /// The calls of a function as JSON. Those in an inlined body have the lines of the callee's text.
    fn calls(&mut self, function: usize, sites: &[Site]) -> Vec<Value> {
        let call = |report: &mut Self, site: &Site| {
            let line = report.line_of_call(function, site.call);
            let callee = site.callee.to_string();
            match &site.outcome {
                Ok(inner) => {
                    let calls = match report.by_name.get(&site.callee) {
                        Some(&callee) => report.calls(callee, inner),
                        None => Vec::new(),
                    };
                    json!({ "line": line, "callee": callee, "inlined": true, "calls": calls })
                }
                Err(why) => json!({ "line": line, "callee": callee, "inlined": false, "why": why.name() }),
            }
        };
        sites.iter().map(|site| call(self, site)).collect()
    }

    fn line_of_call(&mut self, function: usize, call: Inst) -> Option<usize> {
        let Report { source, split, parser, positions, .. } = self;
        let positions = positions.entry(function).or_insert_with(|| {
            let range = split.functions[function].text.clone();
            parse::positions(&source.text[range.clone()], range.start, parser).insts
        });
        let offset = *positions.get(call)?;
        Some(self.line_of(offset))
    }

    fn line_of(&self, offset: usize) -> usize {
        self.lines.line_col(offset).0
    }
}
