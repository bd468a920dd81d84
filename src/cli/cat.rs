//! `clifc cat` and `clifc cfg`, which print files as clifc understands them.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use clifc::analysis::graph;
use clifc::diag::{Diagnostic, Source};
use clifc::ir::{Function, Linkage, StructTypes};
use clifc::parse::{self, FunctionText, ParseContext, Split};
use rayon::prelude::*;

use super::args::{Cat, CfgArgs};
use super::input::Input;
use super::reporting::Reporter;
use super::{CommandError, input, output};

/// Prints files back: items first, then functions. With `--upgrade`, everything around the functions is left
/// unchanged.
pub fn run(args: &Cat, reporter: &Reporter) -> Result<(), CommandError> {
    let mut out = String::new();
    for file in input::read_all(&input::paths(&args.inputs))? {
        let mut diagnostics = Vec::new();
        let split = parse::split(&file.text, &mut diagnostics);
        let module = parse::module(&file.text, &split, &mut diagnostics);
        let functions = functions(&file, &split, &module.types, &mut diagnostics, |function, item| {
            let mut placement = item.placement();
            if args.upgrade {
                placement.linkage = Linkage::Export;
            }
            function.placed(placement).to_string()
        });
        stop_if_wrong(&file, diagnostics, reporter)?;
        if args.upgrade {
            let mut done = 0;
            for (item, function) in split.functions.iter().zip(&functions) {
                out += &String::from_utf8_lossy(&file.text[done..item.text.start]);
                out += function.trim_end();
                done = item.text.end;
            }
            out += &String::from_utf8_lossy(&file.text[done..]);
        } else {
            let items = module.to_string();
            let parts = [items].into_iter().filter(|items| !items.is_empty()).chain(functions);
            out += &parts.collect::<Vec<_>>().join("\n");
        }
    }
    output::write(args.output.as_deref().unwrap_or(Path::new("-")), out.as_bytes())
}

/// Prints control-flow graphs, or writes one file for each function.
pub fn graphs(args: &CfgArgs, reporter: &Reporter) -> Result<(), CommandError> {
    let is_directory = |path: &Path| path.is_dir() || path.as_os_str().as_bytes().ends_with(b"/");
    let directory = args.output.as_deref().filter(|path| is_directory(path));
    let mut all = String::new();
    let mut found = false;
    for file in input::read_all(&input::paths(&args.inputs))? {
        let mut diagnostics = Vec::new();
        let split = parse::split(&file.text, &mut diagnostics);
        let module = parse::module(&file.text, &split, &mut diagnostics);
        let graphs = functions(&file, &split, &module.types, &mut diagnostics, |function, _| {
            (function.params.name.to_string(), graph::drawing(function))
        });
        stop_if_wrong(&file, diagnostics, reporter)?;
        let is_wanted = |name: &str| {
            args.function
                .as_ref()
                .is_none_or(|wanted| wanted == name || name.strip_prefix('%') == Some(wanted))
        };
        for (name, graph) in graphs.into_iter().filter(|(name, _)| is_wanted(name)) {
            found = true;
            match directory {
                Some(directory) => write_graph(directory, &name, &graph)?,
                None => all += &graph,
            }
        }
    }
    if let (false, Some(name)) = (found, &args.function) {
        return Err(CommandError::Usage(format!("no function `{name}`")));
    }
    match directory {
        Some(_) => Ok(()),
        None => output::write(args.output.as_deref().unwrap_or(Path::new("-")), all.as_bytes()),
    }
}

/// Writes a graph to a file that is named after the function.
fn write_graph(directory: &Path, name: &str, graph: &str) -> Result<(), CommandError> {
    let created = fs::create_dir_all(directory);
    created.map_err(|error| CommandError::System(format!("{}: {error}", directory.display())))?;
    let name = name.trim_start_matches('%').replace(|c: char| !c.is_alphanumeric() && c != '.', "_");
    output::write(&directory.join(format!("{name}.dot")), graph.as_bytes())
}

/// Parses all functions of a file and returns what `text_of` makes of each.
fn functions<T: Send>(
    file: &Input,
    split: &Split,
    types: &Arc<StructTypes>,
    diagnostics: &mut Vec<Diagnostic>,
    text_of: impl Fn(&Function, &FunctionText) -> T + Sync,
) -> Vec<T> {
    let one = |(context, function): &mut (ParseContext, Function), item: &FunctionText| match parse::function(
        &file.text[item.text.clone()],
        item.text.start,
        context,
        function,
    ) {
        Ok(()) => Ok(text_of(function, item)),
        Err(_) => Err(std::mem::take(&mut context.diagnostics)),
    };
    let results: Vec<_> = split
        .functions
        .par_iter()
        .map_init(|| (ParseContext::with_types(types), Function::default()), one)
        .collect();
    let mut texts = Vec::new();
    for result in results {
        match result {
            Ok(text) => texts.push(text),
            Err(wrong) => diagnostics.extend(wrong),
        }
    }
    texts
}

fn stop_if_wrong(
    file: &Input,
    mut diagnostics: Vec<Diagnostic>,
    reporter: &Reporter,
) -> Result<(), CommandError> {
    diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
    reporter.report(&Source { name: &file.name, text: &file.text }, &diagnostics);
    if diagnostics.is_empty() { Ok(()) } else { Err(CommandError::Input) }
}
