//! `test interpret`: what `run:` comments ask for, by the interpreter.

use super::file::TestFile;
use super::invocation::{Invocation, Want};
use super::values::show_list;
use crate::check;
use crate::interp::{Machine, Options, Program, Stop, Why};
use crate::ir::{AbiParam, Function, TrapCode, Type};
use crate::verify::Environment;

fn types(params: &[AbiParam]) -> Vec<Type> {
    params.iter().map(|param| param.ty).collect()
}

/// Makes the calls that comments ask for, each in memory as the file says.
pub fn test(file: &TestFile, env: Environment, notes: &mut Vec<String>) -> Result<(), String> {
    let text = file.text.as_bytes();
    let messages = |diagnostics: Vec<_>| super::subtests::messages(file, &diagnostics);
    let checked = check::whole(text, env).map_err(messages)?;
    let calls = calls(file, &checked.functions)?;
    let program = Program::new(checked.functions, checked.module, &checked.offsets).map_err(messages)?;
    let mut failures = Vec::new();
    for (function, call) in calls {
        let place = file.at(call.line);
        let shown = format!("%{}({})", call.name, show_list(&call.args));
        let mut machine = Machine::new(&program, &Options::default());
        match machine.call(function, &call.args) {
            Ok(results) => {
                if call.want == Want::Shown {
                    notes.push(format!("{place}: {shown} is [{}] in the interpreter", show_list(&results)));
                }
                failures.extend(call.judge(&results).err().map(|why| format!("{place}: {why}")));
            }
            Err(stop) if call.expects_trap(trap_of(&stop)) => {}
            Err(stop) => {
                let at = stop.at.map(|at| {
                    let item = &file.functions[at.function].item;
                    format!(" at {}", file.at(file.line(check::place(text, item, at.inst))))
                });
                let at = at.unwrap_or_default();
                failures.push(format!("{place}: {shown} ended{at}: {}{}", stop.why, call.expectation()));
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// How a call ended, if it trapped.
fn trap_of(stop: &Stop) -> Option<Option<TrapCode>> {
    match stop.why {
        Why::Trap(code) => Some(Some(code)),
        Why::TooLong | Why::Exit(_) | Why::Thrown(_) | Why::Error(_) => None,
    }
}

/// The calls that the comments of each function ask for, with the function's number.
fn calls(file: &TestFile, functions: &[Function]) -> Result<Vec<(usize, Invocation)>, String> {
    let mut calls = Vec::new();
    for (number, (text, function)) in file.functions.iter().zip(functions).enumerate() {
        let signature = &function.stencil.signature;
        let (params, results) = (types(&signature.params), types(&signature.returns));
        for comment in &text.comments {
            let call = Invocation::parse(comment.line, comment.text, &params, &results);
            let call = call.map_err(|why| format!("{}: {why}", file.at(comment.line)))?;
            calls.extend(call.map(|call| (number, call)));
        }
    }
    if calls.is_empty() { Err(file.without_calls("interpret")) } else { Ok(calls) }
}
