//! `clifc explore`: a page that shows how functions are compiled.
//!
//! The file is compiled with all passes dumped and with numbered instructions. The number of an instruction
//! links its line in the file with lines after passes and with machine code.

mod drawing;
mod page;
mod registers;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clifc::analysis::graph::{self, Node};
use clifc::diag::Source;
use clifc::driver::{self, BuildOptions, Described, DumpRequest, Observer, Session};
use clifc::ir::{Function, Name};
use clifc::object::disasm::json;
use clifc::parse::{self, ParseContext};
use serde::Deserialize;

use super::args::Explore;
use super::input::Input;
use super::reporting::Reporter;
use super::{CommandError, input, output, plan, targeting};

/// The text of a function after a pass.
struct Stage {
    pass: String,
    text: String,
}

/// What a page shows of a function.
struct Shown {
    name: String,
    /// The lines of its text.
    source: Lines,
    stages: Vec<Stage>,
    code: Vec<Instruction>,
    described: Described,
    graph: Vec<Node>,
}

/// A machine instruction, as `clifc disasm --json` has it.
#[derive(Deserialize)]
struct Instruction {
    offset: u64,
    text: String,
}

#[derive(Deserialize)]
struct Disassembled {
    functions: Vec<DisassembledFunction>,
}

#[derive(Deserialize)]
struct DisassembledFunction {
    names: Vec<String>,
    instructions: Vec<Instruction>,
}

/// Writes the page of a file.
pub fn run(args: &Explore, reporter: &Reporter) -> Result<(), CommandError> {
    plan::refuse_replacing(&args.file, &path(args))?;
    let file = input::read_all(std::slice::from_ref(&args.file))?.remove(0);
    let source = Source { name: &file.name, text: &file.text };
    let (target, flags) = targeting::of_file(&args.target, &source, reporter)?;
    let options = BuildOptions { describe: true, ..BuildOptions::new(target.clone(), flags) };
    let dumps = Mutex::new(Vec::new());
    let take = |index: usize, pass: &str, name: &Name, text: String| {
        dumps.lock().expect("no panic while it is locked").push((
            index,
            pass.to_string(),
            name.to_string(),
            text,
        ));
    };
    let dump = Some(DumpRequest { wanted: &|_, _| true, take: &take });
    let observer = Observer { dump, ..Observer::NONE };
    let built = driver::build_in(&Session::new(0), &source, &options, &observer).map_err(|errors| {
        reporter.report(&source, &errors);
        CommandError::Input
    })?;
    if reporter.report(&source, &built.warnings) {
        return Err(CommandError::Input);
    }
    let text = json(&built.object).map_err(|error| CommandError::System(error.to_string()))?;
    let mut code: Disassembled =
        serde_json::from_str(&text).map_err(|error| CommandError::System(error.to_string()))?;
    let mut dumps = dumps.into_inner().expect("no panic while it is locked");
    // Passes stay in the order in which they ran.
    dumps.sort_by_key(|dump| dump.0);
    let mut graphs = graphs(&file);
    let shown = built.described.into_iter().map(|described| {
        // Functions may have been left out.
        let (source, graph) = std::mem::take(&mut graphs[described.index]);
        let own = || dumps.iter().filter(|dump| dump.0 == described.index);
        let stages = own().map(|(_, pass, _, text)| Stage { pass: pass.clone(), text: text.clone() });
        let found = code.functions.iter_mut().find(|function| function.names.contains(&described.symbol));
        Shown {
            name: own().next().map_or_else(|| described.symbol.clone(), |dump| dump.2.clone()),
            source,
            stages: stages.collect(),
            code: found.map(|function| std::mem::take(&mut function.instructions)).unwrap_or_default(),
            described,
            graph,
        }
    });
    let shown: Vec<Shown> = shown.collect();
    let page = page::html(&file.name, &target, &shown);
    output::write(&path(args), page.as_bytes())
}

/// Where the page goes.
fn path(args: &Explore) -> PathBuf {
    match (&args.output, args.file.file_name()) {
        (Some(path), _) => path.clone(),
        (None, Some(name)) if args.file != Path::new("-") => Path::new(name).with_extension("html"),
        (None, _) => PathBuf::from("-"),
    }
}

/// Lines of a file, and the number of the first one.
type Lines = (Vec<String>, u32);

/// For each function of a file without errors, its lines and its graph.
fn graphs(file: &Input) -> Vec<(Lines, Vec<Node>)> {
    let split = parse::split(&file.text, &mut Vec::new());
    let mut context = ParseContext::with_types(&parse::types(&file.text));
    let mut function = Function::default();
    let mut of = |item: &parse::FunctionText| {
        let text = &file.text[item.text.clone()];
        let parsed = parse::function(text, item.text.start, &mut context, &mut function);
        let lines = String::from_utf8_lossy(text).lines().map(str::to_string).collect();
        let before = file.text[..item.text.start].iter().filter(|byte| **byte == b'\n').count();
        let graph = parsed.map_or(Vec::new(), |()| graph::nodes(&function));
        ((lines, before as u32 + 1), graph)
    };
    split.functions.iter().map(&mut of).collect()
}
