//! Prepares and judges tests that execute a file: `test run`.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;

use super::compile::{self, Trouble};
use super::execute::{Case, Ended, Program, layout};
use super::file::{TestFile, TestFunction};
use super::invocation::{Invocation, Want};
use super::report::Status;
use super::values::show_list;
use super::{FileContext, subtests};
use crate::ir::{AbiParam, Function, Linkage, Name, Signature, Type};
use crate::options::{Flags, Target};

/// A compiled run test.
pub(super) struct Prepared {
    /// The program to execute.
    pub(super) program: Program,
    /// Remarks.
    pub(super) notes: Vec<String>,
    /// What the back end does not support, and the number of called functions that are left out because of
    /// that.
    pub(super) left_out: Option<(String, usize)>,
}

/// A function of a file, and the calls that comments ask for.
struct Known<'a> {
    function: &'a TestFunction<'a>,
    name: Name,
    signature: Signature,
    /// The names it refers to.
    refers_to: Vec<Name>,
    invocations: Vec<Invocation>,
}

/// Compiles a file for a run test, with an entry point for each function that is called. Functions that the
/// back end does not support are left out, and those that refer to them too.
pub(super) fn prepare(
    cx: &FileContext,
    unique: usize,
    target: &Target,
    flags: &Flags,
) -> Result<Prepared, Status> {
    if let Some(missing) = cx.options.toolchains.of(target.arch()).missing(target, flags) {
        return Err(Status::Skipped(missing));
    }
    let functions = known_functions(cx.file).map_err(Status::Failed)?;
    let mut left_out = vec![false; functions.len()];
    let mut reason = None;
    loop {
        if !functions.iter().zip(&left_out).any(|(known, out)| !out && !known.invocations.is_empty()) {
            return Err(Status::Skipped(reason.unwrap_or_default()));
        }
        let unit = Unit::new(cx, unique, &functions, &left_out);
        let lacks = match compile::object(cx.name, &unit.text, target, flags) {
            Ok(object) => {
                let tested = |(known, out): (&Known, &bool)| *out && !known.invocations.is_empty();
                let count = functions.iter().zip(&left_out).filter(|pair| tested(*pair)).count();
                let Unit { entries, cases, notes, .. } = unit;
                let (arch, pic, file) = (target.arch(), flags.is_pic(), cx.name.to_string());
                let program = Program { file, arch, pic, object, entries, cases };
                return Ok(Prepared { program, notes, left_out: reason.map(|why| (why, count)) });
            }
            Err(Trouble::Wrong(why)) => return Err(Status::Failed(why)),
            Err(Trouble::Lacking(lacks)) => lacks,
        };
        let lines = lacks.iter().map(|(line, _)| *line);
        let before = left_out.clone();
        lines.filter_map(|line| unit.function_at(line)).for_each(|number| left_out[number] = true);
        leave_out_users(&functions, &mut left_out);
        let why = reason.get_or_insert_with(|| lacks.into_iter().next().unwrap_or_default().1);
        if before == left_out {
            return Err(Status::Skipped(why.clone()));
        }
    }
}

/// Leaves out functions that refer to functions that are left out.
fn leave_out_users(functions: &[Known], left_out: &mut [bool]) {
    loop {
        let gone: HashSet<&Name> =
            functions.iter().zip(&*left_out).filter(|(_, out)| **out).map(|(known, _)| &known.name).collect();
        let users = functions.iter().map(|known| known.refers_to.iter().any(|name| gone.contains(name)));
        let users: Vec<bool> = users.zip(&*left_out).map(|(user, out)| user && !out).collect();
        if !users.contains(&true) {
            return;
        }
        left_out.iter_mut().zip(users).for_each(|(out, user)| *out |= user);
    }
}

/// The text that is compiled for a run test.
struct Unit {
    text: String,
    /// The first line of each function and entry point, and the number of the function that it belongs to.
    starts: Vec<(usize, usize)>,
    entries: Vec<String>,
    cases: Vec<Case>,
    notes: Vec<String>,
}

impl Unit {
    fn new(cx: &FileContext, unique: usize, functions: &[Known], left_out: &[bool]) -> Self {
        let text = with_local_definitions(cx.file, left_out);
        let line_of = |known: &Known| cx.file.line(known.function.item.text.start);
        let starts = functions.iter().map(line_of).zip(0..).collect();
        let mut unit = Unit { text, starts, entries: Vec::new(), cases: Vec::new(), notes: Vec::new() };
        for (number, known) in functions.iter().enumerate() {
            if left_out[number] || known.invocations.is_empty() {
                continue;
            }
            let entry = format!("clifc_case_{}_{unique}_{number}", cx.number);
            unit.starts.push((unit.text.lines().count() + 1, number));
            unit.text.push_str(&trampoline(&entry, &known.name, &known.signature));
            for invocation in &known.invocations {
                let called = Name::Text(invocation.name.as_str().into());
                if !invocation.name.is_empty() && called != known.name {
                    unit.notes.push(format!(
                        "{}: `%{}` is not the function above the comment (line {}), which is called",
                        cx.file.at(invocation.line),
                        invocation.name,
                        line_of(known)
                    ));
                }
                let results = types(&known.signature.returns);
                unit.cases.push(Case { entry: unit.entries.len(), invocation: invocation.clone(), results });
            }
            unit.entries.push(entry);
        }
        unit
    }

    /// The number of the function that a line belongs to.
    fn function_at(&self, line: usize) -> Option<usize> {
        let above = self.starts.partition_point(|(start, _)| *start <= line);
        above.checked_sub(1).map(|at| self.starts[at].1)
    }
}

fn types(params: &[AbiParam]) -> Vec<Type> {
    params.iter().map(|param| param.ty).collect()
}

/// The functions of a file. It is an error if no comment calls any of them.
fn known_functions<'a>(file: &'a TestFile<'a>) -> Result<Vec<Known<'a>>, String> {
    let mut functions = Vec::new();
    for function in &file.functions {
        let Function { stencil, params } = subtests::parse_function(file, function)?.function;
        let signature = stencil.signature;
        let (args, results) = (types(&signature.params), types(&signature.returns));
        let mut invocations = Vec::new();
        for comment in &function.comments {
            let invocation = Invocation::parse(comment.line, comment.text, &args, &results);
            invocations.extend(invocation.map_err(|why| format!("{}: {why}", file.at(comment.line)))?);
        }
        let refers_to = params.names.values().cloned().collect();
        functions.push(Known { function, name: params.name, signature, refers_to, invocations });
    }
    match functions.iter().any(|known| !known.invocations.is_empty()) {
        true => Ok(functions),
        false => Err(file.without_calls("run")),
    }
}

/// The text of the file without functions that are left out, and with functions and data made local, so that
/// many files can be linked together and no name captures calls of others or of libraries. Line numbers do
/// not change.
fn with_local_definitions(file: &TestFile, left_out: &[bool]) -> String {
    // Replacements of parts of the text. Of several words of linkage, the last counts.
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (function, out) in file.functions.iter().zip(left_out) {
        let item = &function.item.text;
        edits.push(match out {
            true => {
                let gone = function.start..item.end;
                (gone.clone(), file.text[gone].chars().filter(|c| *c == '\n').collect())
            }
            false => (item.start..item.start, "local ".into()),
        });
    }
    let data = file.items.iter().filter_map(|item| data_keyword(file.text, item));
    edits.extend(data.map(|at| (at..at, "local ".into())));
    edits.sort_by_key(|(range, _)| range.start);
    let mut text = String::new();
    let mut done = 0;
    for (range, replacement) in edits {
        text.push_str(&file.text[done..range.start]);
        text.push_str(&replacement);
        done = range.end;
    }
    text + &file.text[done..] + "\n"
}

/// The offset of the word that makes a module item one of data, behind its linkage; `None` for other items.
fn data_keyword(text: &str, item: &Range<usize>) -> Option<usize> {
    let mut rest = text[item.clone()].trim_start();
    loop {
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())];
        if Linkage::parse(word.as_bytes()).is_none() {
            let at = item.end - rest.len();
            return matches!(word, "rodata" | "data" | "tls").then_some(at);
        }
        rest = rest[word.len()..].trim_start();
    }
}

/// The text of an entry point: it takes the address of memory with the arguments, and stores the results
/// behind them.
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

/// The status of a run test, given how its cases ended.
pub(super) fn judge(program: &Program, ended: Result<Vec<Ended>, String>, notes: &mut Vec<String>) -> Status {
    let ended = match ended {
        Ok(ended) => ended,
        Err(why) => return Status::Failed(why),
    };
    let mut failures = Vec::new();
    for (case, ended) in program.cases.iter().zip(ended) {
        let Invocation { line, name, args, want } = &case.invocation;
        let call = format!("%{name}({})", show_list(args));
        let place = format!("{}:{line}", program.file);
        match ended {
            Ended::Returned(results) => {
                if let Err(why) = case.invocation.judge(&results) {
                    failures.push(format!("{place}: {why}"));
                }
                if *want == Want::Shown {
                    notes.push(format!("{place}: {call} is [{}] on {}", show_list(&results), program.arch));
                }
            }
            Ended::Signal(_, trap) if case.invocation.expects_trap(Some(trap)) => {}
            Ended::Signal(signal, trap) => {
                let trap = trap.map_or(String::new(), |code| format!(" (trap {code})"));
                let wanted = case.invocation.expectation();
                failures.push(format!("{place}: {call} ended with {signal}{trap}{wanted}"));
            }
            Ended::Timeout => failures.push(format!("{place}: {call} timed out")),
        }
    }
    if failures.is_empty() { Status::Passed } else { Status::Failed(failures.join("\n")) }
}
