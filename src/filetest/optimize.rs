//! Runs the optimiser on test files, and compares what becomes of their functions: `test optimize`;
//! `test inline`, which does nothing but inline unless it has the option `optimize`; and
//! `test alias-analysis`, which does nothing but number values, and tells what becomes of each instruction.

use super::FileContext;
use super::file::{Command, TestFunction};
use super::report::Status;
use super::{exact, subtests};
use crate::driver::callees::{BodyMaker, Callees, Making};
use crate::entity::Entity;
use crate::ir::{Function, Value};
use crate::options::Flags;
use crate::parse;
use crate::pipeline::{CompileError, Controls, IrHalf, Placement, Progress, Run};
use std::fmt::Write;

/// `test optimize`: each function after the optimiser's passes, each of which is checked, matches its
/// directives, or is exactly the expected one.
pub(super) fn optimize(cx: &FileContext, command: &Command, flags: &Flags) -> Status {
    let mut controls = Controls::default();
    controls.check = true;
    test(cx, command, |_, function| {
        let mut half = parsed(cx, function)?;
        run(&mut half, flags, &controls)?;
        Ok(half.function.to_string())
    })
}

/// `test inline`: the same after inlining the functions of the file into each other.
pub(super) fn inline(cx: &FileContext, command: &Command, flags: &Flags) -> Status {
    let text = cx.file.text.as_bytes();
    let split = parse::split(text, &mut Vec::new());
    let module = parse::module(text, &split, &mut Vec::new());
    let mut controls = Controls::default();
    controls.check = true;
    let defaults = Controls::default();
    let making = Making {
        text,
        split: &split,
        module: &module,
        flags,
        controls: &defaults,
        numbers_instructions: false,
        notes_calls: false,
    };
    let callees = Callees::find(&making, false);
    if !command.options.contains(&"optimize") {
        controls.stop_after_inlining();
    }
    test(cx, command, |index, function| {
        let mut half = parsed(cx, function)?;
        let (maker, progress) = (&mut BodyMaker::default(), &mut Progress::default());
        half.callees = callees.of(index, &half.function, &making, maker, progress);
        run(&mut half, flags, &controls)?;
        Ok(half.function.to_string())
    })
}

/// `test alias-analysis`: each instruction of a function after value numbering, or `v2 -> v1` if its result
/// is replaced.
pub(super) fn alias_analysis(cx: &FileContext, command: &Command, flags: &Flags) -> Status {
    let mut controls = Controls::default();
    controls.check = true;
    controls.only("value_numbering");
    test(cx, command, |_, function| {
        let mut half = parsed(cx, function)?;
        let before = half.function.clone();
        run(&mut half, flags, &controls)?;
        Ok(fates(&before, &half))
    })
}

/// What became of each instruction of a function, a line each.
fn fates(before: &Function, half: &IrHalf) -> String {
    let mut text = String::new();
    let after = &half.function.stencil;
    let mut now = vec![None; before.stencil.insts.len()];
    for &block in &after.layout {
        for inst in after.block_insts(block) {
            now[half.origins.of(inst).index()] = Some((block, inst));
        }
    }
    for &block in &before.stencil.layout {
        writeln!(text, "{}", before.display_header(block)).expect("a string");
        for inst in before.stencil.block_insts(block) {
            let results = before.stencil.inst_results(inst).iter().map(|&word| Value(word));
            for (value, by) in results.map(|value| (value, half.replacement_of(value))) {
                if value != by {
                    writeln!(text, "    {value} -> {by}").expect("a string");
                }
            }
            if let Some((block, inst)) = now[inst.index()] {
                writeln!(text, "    {}", half.function.display_inst(block, inst)).expect("a string");
            }
        }
    }
    text
}

/// Compares the text that `make` makes of each function, given its index.
fn test(
    cx: &FileContext,
    command: &Command,
    make: impl Fn(usize, &TestFunction) -> Result<String, String>,
) -> Status {
    let is_precise = command.options.contains(&"precise-output");
    if is_precise && !cx.options.settings.is_empty() {
        return Status::Skipped("precise output is only valid for the settings in the file".into());
    }
    let mut texts = Vec::new();
    let result = subtests::each(cx.file, |function| {
        let text = make(texts.len(), function)?;
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

/// A function before the passes over the IR.
fn parsed(cx: &FileContext, function: &TestFunction) -> Result<IrHalf, String> {
    let mut half = IrHalf::default();
    half.function = subtests::parse_function(cx.file, function)?.function;
    Ok(half)
}

/// Runs the passes over the IR.
fn run(half: &mut IrHalf, flags: &Flags, controls: &Controls) -> Result<(), String> {
    let run = Run { flags, controls, placement: Placement::default(), dump: None };
    match half.run(&run, &mut Progress::default()) {
        Ok(()) => Ok(()),
        Err(CompileError::Invalid(errors)) => {
            Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
        Err(CompileError::Unsupported { message, .. }) => Err(message),
        Err(CompileError::Bug { pass, message }) => Err(format!("pass `{pass}` failed: {message}")),
    }
}
