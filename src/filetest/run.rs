//! The tests of a file that need machine code: `compile` and `run`.

use std::fmt::Write as _;

use super::execute::{self, Case, Ended, Program, layout};
use super::file::{Command, TestFile, TestFunction};
use super::invocation::{Invocation, Want};
use super::report::Status;
use super::values::show_list;
use super::{FileContext, exact, subtests};
use crate::diag::{Diagnostic, Severity, Source};
use crate::driver::{self, BuildOptions, Observer};
use crate::ir::{AbiParam, Linkage, Name, Signature, Type};
use crate::object::Layout;
use crate::object::disasm::{Style, disassemble};
use crate::options::{Flags, Target};

/// What diagnostics of back ends contain where they lack something.
const NOT_YET: &str = "not supported yet on";

/// A compiled run test, and remarks on it.
pub struct Prepared {
    /// What to execute.
    pub program: Program,
    /// Remarks.
    pub notes: Vec<String>,
}

/// A function that is called by run tests.
struct Tested<'a> {
    function: &'a TestFunction<'a>,
    name: Name,
    signature: Signature,
    invocations: Vec<Invocation>,
}

/// Compiles a file for a run test, with an entry point for each function that is called.
pub fn prepare(cx: &FileContext, target: &Target, flags: &Flags) -> Result<Prepared, Status> {
    runnable(target, flags).map_err(Status::Skipped)?;
    let tested = tested_functions(cx.file).map_err(Status::Failed)?;
    let mut notes = Vec::new();
    let mut cases = Vec::new();
    let mut entries = Vec::new();
    let mut text = with_local_functions(cx.file);
    for (number, Tested { function, name, signature, invocations }) in tested.into_iter().enumerate() {
        let entry = format!("clifc_case_{}_{}_{number}", cx.number, symbol_part(&flags.key()));
        text.push_str(&trampoline(&entry, &name, &signature));
        entries.push(entry);
        let results = types(&signature.returns);
        for invocation in invocations {
            let called = Name::Text(invocation.name.as_str().into());
            if !invocation.name.is_empty() && called != name {
                let line = cx.file.line(function.item.text.start);
                notes.push(format!(
                    "line {}: `%{}` stands below another function, of line {line}, which is called",
                    invocation.line, invocation.name
                ));
            }
            cases.push(Case { entry: number, invocation, results: results.clone() });
        }
    }
    let object = compile_object(cx, &text, target, flags)?;
    Ok(Prepared { program: Program { arch: target.arch(), object, entries, cases }, notes })
}

/// Whether code for a target with such settings can run here; if not, why.
fn runnable(target: &Target, flags: &Flags) -> Result<(), String> {
    execute::available(target.arch())?;
    if execute::is_native(target.arch())
        && let Some(missing) = flags.missing_on_host()
    {
        return Err(format!("this machine lacks {missing}"));
    }
    Ok(())
}

fn types(params: &[AbiParam]) -> Vec<Type> {
    params.iter().map(|param| param.ty).collect()
}

/// The functions that comments ask to run.
fn tested_functions<'a>(file: &'a TestFile<'a>) -> Result<Vec<Tested<'a>>, String> {
    let mut tested = Vec::new();
    for function in &file.functions {
        let parsed = subtests::parse_function(file, function)?.function;
        let signature = parsed.stencil.signature;
        let (params, results) = (types(&signature.params), types(&signature.returns));
        let mut invocations = Vec::new();
        for comment in &function.comments {
            let invocation = Invocation::parse(comment.line, comment.text, &params, &results);
            invocations.extend(invocation.map_err(|why| format!("line {}: {why}", comment.line))?);
        }
        if !invocations.is_empty() {
            tested.push(Tested { function, name: parsed.params.name, signature, invocations });
        }
    }
    match tested.is_empty() {
        true => Err("no `run:` comment".into()),
        false => Ok(tested),
    }
}

/// The file with its exported functions made local, so that many files can be linked together. Lines
/// stay as they are.
fn with_local_functions(file: &TestFile) -> String {
    let mut text = String::new();
    let mut done = 0;
    for function in &file.functions {
        if function.item.linkage == Linkage::Export {
            let start = function.item.text.start;
            text.push_str(&file.text[done..start]);
            text.push_str("local ");
            done = start;
        }
    }
    text + &file.text[done..] + "\n"
}

/// A function that takes the address of memory with the arguments, and puts the results behind them.
fn trampoline(entry: &str, callee: &Name, signature: &Signature) -> String {
    let (params, results) = (types(&signature.params), types(&signature.returns));
    let (param_offsets, end) = layout(&params, 0);
    let (result_offsets, _) = layout(&results, end);
    let names = |from: usize, count: usize| -> String {
        (from..from + count).map(|n| format!("v{n}")).collect::<Vec<_>>().join(", ")
    };
    let mut text = format!(
        "function %{entry}(i64) system_v {{\n    fn0 = colocated {callee}{signature}\nblock0(v0: i64):\n"
    );
    for (n, (ty, at)) in params.iter().zip(param_offsets).enumerate() {
        writeln!(text, "    v{} = load.{ty} notrap v0+{at}", n + 1).expect("writing to a string");
    }
    let first = params.len() + 1;
    let assign = if results.is_empty() { "" } else { " = " };
    let (defined, args) = (names(first, results.len()), names(1, params.len()));
    writeln!(text, "    {defined}{assign}call fn0({args})").expect("writing to a string");
    for (n, at) in result_offsets.into_iter().enumerate() {
        writeln!(text, "    store notrap v{}, v0+{at}", first + n).expect("writing to a string");
    }
    text + "    return\n}\n"
}

/// Settings as part of a symbol, short and different for different ones.
fn symbol_part(key: &[u8]) -> String {
    // FNV-1a: the settings of one file's target lines are a handful.
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:x}")
}

/// Decides from how the cases ended.
pub fn judge(program: &Program, ended: Result<Vec<Ended>, String>, notes: &mut Vec<String>) -> Status {
    let ended = match ended {
        Ok(ended) => ended,
        Err(why) => return Status::Failed(why),
    };
    let mut failures = Vec::new();
    for (case, ended) in program.cases.iter().zip(ended) {
        let Invocation { line, name, args, want } = &case.invocation;
        let call = format!("%{name}({})", show_list(args));
        match ended {
            Ended::Returned(results) => {
                if let Err(why) = case.invocation.judge(&results) {
                    failures.push(format!("line {line}: {why}"));
                }
                if *want == Want::Shown {
                    notes.push(format!("line {line}: {call} is [{}]", show_list(&results)));
                }
            }
            Ended::Signal(signal) => failures.push(format!("line {line}: {call} ended with {signal}")),
            Ended::Timeout => failures.push(format!("line {line}: {call} did not end in time")),
        }
    }
    if failures.is_empty() { Status::Passed } else { Status::Failed(failures.join("\n")) }
}

/// Compiles a file. What its back end lacks is a reason to skip the test, anything else to fail it.
fn compile_object(cx: &FileContext, text: &str, target: &Target, flags: &Flags) -> Result<Vec<u8>, Status> {
    let source = Source { name: cx.name, text: text.as_bytes() };
    let mut flags = *flags;
    flags.enable("regalloc_checker").expect("a setting of all targets");
    let options = BuildOptions {
        target: target.clone(),
        flags,
        layout: Layout::default(),
        // Files are compiled in parallel already.
        jobs: 1,
        time: false,
    };
    let diagnostics = match driver::build(&source, &options, &Observer::NONE) {
        Ok(built) => return Ok(built.object),
        Err(diagnostics) => diagnostics,
    };
    let (lacking, wrong): (Vec<_>, Vec<_>) = diagnostics.into_iter().partition(|diagnostic| {
        diagnostic.severity == Severity::Error && diagnostic.message.contains(NOT_YET)
    });
    match lacking.first() {
        Some(diagnostic) if wrong.is_empty() => Err(Status::Skipped(diagnostic.message.clone())),
        _ => {
            let line = |diagnostic: &Diagnostic| {
                format!("line {}: {}", source.line_col(diagnostic.offset).0, diagnostic.message)
            };
            Err(Status::Failed(wrong.iter().map(line).collect::<Vec<_>>().join("\n")))
        }
    }
}

/// `test compile`: the code of each function matches, or is exactly what the file holds.
pub fn compile(cx: &FileContext, command: &Command, target: &Target, flags: &Flags) -> Status {
    let has = |option| command.options.contains(&option);
    let object = match compile_object(cx, cx.file.text, target, flags) {
        Err(Status::Failed(_)) if has("expect-fail") => return Status::Passed,
        Err(status) => return status,
        Ok(_) if has("expect-fail") => return Status::Failed("it compiles, and should not".into()),
        Ok(object) => object,
    };
    let result = listings(cx.file, &object).and_then(|listings| match has("precise-output") {
        true if cx.file.header.targets.len() != 1 => Err("exact output needs a single `target` line".into()),
        true if cx.options.bless => {
            let blessed = exact::bless(cx.file, &listings);
            std::fs::write(cx.path, blessed).map_err(|error| error.to_string())
        }
        true => compare(cx.file, &listings, exact::compare),
        false => compare(cx.file, &listings, subtests::check),
    });
    match result {
        Ok(()) => Status::Passed,
        Err(why) => Status::Failed(why),
    }
}

/// Compares the listing of each function by `test`.
fn compare(
    file: &TestFile,
    listings: &[String],
    test: fn(&TestFile, &TestFunction, &str) -> Result<(), String>,
) -> Result<(), String> {
    let mut listings = listings.iter();
    subtests::each(file, |function| {
        let listing = listings.next().ok_or("there is no code")?;
        test(file, function, listing)
    })
}

/// The code of each function, as text.
fn listings(file: &TestFile, object: &[u8]) -> Result<Vec<String>, String> {
    let mut text = Vec::new();
    disassemble(object, Style::Text, &mut text).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&text).into_owned();
    // A blank line and one with the name come before each.
    let listings: Vec<String> = text
        .split("\n\n")
        .skip(1)
        .map(|listing| listing.split_once('\n').unwrap_or_default().1.into())
        .collect();
    match listings.len() == file.functions.len() {
        true => Ok(listings),
        false => Err("only functions of one section can be compared".into()),
    }
}
