//! `clifc run`.

use clifc::check;
use clifc::diag::{Diagnostic, Source};
use clifc::filetest;
use clifc::interp::{Machine, Options, Program, Stop, Why};
use clifc::ir::{Endianness, Function, Name, Type};
use clifc::parse;
use clifc::verify::Environment;

use super::args::Run;
use super::reporting::Reporter;
use super::{CommandError, input, print, targeting};

/// Calls functions of a file and prints their results, or calls `%main` and exits with its result.
pub fn run(args: &Run, reporter: &Reporter) -> Result<(), CommandError> {
    let files = input::read_all(std::slice::from_ref(&args.file))?;
    let Some(file) = files.first() else { return Ok(()) };
    let source = Source { name: &file.name, text: &file.text };
    let (target, flags) = targeting::of_file(&args.target, &source, reporter)?;
    let wrong = |diagnostics: Vec<Diagnostic>| {
        reporter.report(&source, &diagnostics);
        CommandError::Input
    };
    let checked = check::whole(&file.text, Environment::new(&flags)).map_err(wrong)?;
    let program = Program::new(checked.functions, checked.module, &checked.offsets).map_err(wrong)?;
    let order = match target.arch().is_big_endian() {
        true => Endianness::Big,
        false => Endianness::Little,
    };
    let options = Options { order, steps: args.steps.unwrap_or(u64::MAX), trace: args.trace };
    if args.call.is_empty() {
        return call_main(&program, &options).unwrap_or_else(|stop| Err(ended(&source, &stop, reporter)));
    }
    for call in &args.call {
        let params = |name: &str| Some(types(function_of(&program, name)?.1));
        let (name, values) = filetest::parse_call_of(call, params).map_err(CommandError::Usage)?;
        let Some((number, _)) = function_of(&program, &name) else { continue };
        let mut machine = Machine::new(&program, &options);
        let results = machine.call(number, &values);
        print(machine.take_output())?;
        match results {
            Ok(results) if results.len() == 1 => print(format!("{}\n", results[0]))?,
            Ok(results) => print(format!("[{}]\n", filetest::show_list(&results)))?,
            Err(stop) => return Err(ended(&source, &stop, reporter)),
        }
    }
    Ok(())
}

fn function_of<'p>(program: &'p Program, name: &str) -> Option<(usize, &'p Function)> {
    let number = program.function_named(&Name::Text(name.into()))?;
    Some((number, program.functions().nth(number)?))
}

fn types(function: &Function) -> Vec<Type> {
    function.stencil.signature.params.iter().map(|param| param.ty).collect()
}

/// Calls `%main`, whose first result, if it has any, is the exit code.
fn call_main(program: &Program, options: &Options) -> Result<Result<(), CommandError>, Stop> {
    let Some((number, main)) = function_of(program, "main") else {
        return Ok(Err(CommandError::Usage("no function `%main`: name another one with --call".into())));
    };
    if !types(main).is_empty() {
        return Ok(Err(CommandError::Usage("`%main` has parameters: pass arguments with --call".into())));
    }
    let mut machine = Machine::new(program, options);
    let results = machine.call(number, &[]);
    let written = print(machine.take_output());
    let code = results?.first().map_or(0, |result| result.bits() as u8);
    Ok(written.and(if code == 0 { Ok(()) } else { Err(CommandError::Program(code)) }))
}

/// Reports why and where a run ended before its function returned.
fn ended(source: &Source, stop: &Stop, reporter: &Reporter) -> CommandError {
    if let Why::Exit(code) = stop.why {
        return CommandError::Program(code);
    }
    let split = parse::split(source.text, &mut Vec::new());
    let place = stop.at.and_then(|at| Some((split.functions.get(at.function)?, at.inst)));
    let offset = place.map_or(0, |(item, inst)| check::place(source.text, item, inst));
    reporter.report(source, &[Diagnostic::error(offset, stop.why.to_string())]);
    CommandError::Input
}
