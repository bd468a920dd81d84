//! Runs the optimiser on test files, and compares what becomes of their functions: `test optimize`.

use super::FileContext;
use super::file::{Command, TestFunction};
use super::report::Status;
use super::{exact, subtests};
use crate::options::Flags;
use crate::pipeline::{CompileError, Controls, IrHalf, Placement, Progress, Run};

/// `test optimize`: each function after the optimiser's passes, each of which is checked, matches its
/// directives, or is exactly the expected one.
pub(super) fn test(cx: &FileContext, command: &Command, flags: &Flags) -> Status {
    let is_precise = command.options.contains(&"precise-output");
    if is_precise && !cx.options.settings.is_empty() {
        return Status::Skipped("precise output is only valid for the settings in the file".into());
    }
    let mut texts = Vec::new();
    let result = subtests::each(cx.file, |function| {
        let text = optimized(cx, function, flags)?;
        let result = match is_precise {
            true if cx.options.bless => Ok(()),
            true => exact::compare(cx.file, function, &text),
            false => subtests::check(cx.file, function, &text),
        };
        texts.push(text);
        result
    });
    let result = result.and_then(|()| match is_precise && cx.options.bless {
        true => std::fs::write(cx.path, exact::bless(cx.file, &texts)).map_err(|error| error.to_string()),
        false => Ok(()),
    });
    match result {
        Ok(()) => Status::Passed,
        Err(why) => Status::Failed(why),
    }
}

/// The text of a function after the passes over the IR.
fn optimized(cx: &FileContext, function: &TestFunction, flags: &Flags) -> Result<String, String> {
    let mut half = IrHalf::default();
    half.function = subtests::parse_function(cx.file, function)?.function;
    let mut controls = Controls::default();
    controls.check = true;
    let run = Run { flags, controls: &controls, placement: Placement::default(), dump: None };
    match half.run(&run, &mut Progress::default()) {
        Ok(()) => Ok(half.function.to_string()),
        Err(CompileError::Invalid(errors)) => {
            Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
        Err(CompileError::Unsupported { message, .. }) => Err(message),
        Err(CompileError::Bug { pass, message }) => Err(format!("pass `{pass}` failed: {message}")),
    }
}
