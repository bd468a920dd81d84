//! Runs tasks with clifc.

use crate::measure::{Phase, Phases};
use crate::task::{Kind, Task, Who};
use anyhow::{Result, anyhow};
use clifc::analysis::Analysis;
use clifc::diag::{Diagnostic, Source};
use clifc::driver::{self, BuildOptions, Observer, Session};
use clifc::ir::Function;
use clifc::options::{Arch, Flags, Target};
use clifc::parse::{self, ParseContext, Split};
use clifc::pipeline;
use clifc::verify::{Environment, Verifier};
use rayon::prelude::*;

/// Runs a task. The second result is what it made.
pub fn run(task: &Task, arch: Arch, text: &str, threads: usize) -> Result<(Phases, Vec<u8>)> {
    let target = Target::of(arch);
    let mut flags = Flags::new(&target);
    for (name, value) in task.settings(Who::Clifc) {
        flags.set(name, value).map_err(|message| anyhow!(message))?;
    }
    match task.kind {
        Kind::Parse => parse_all(text, task.verify.then(|| Environment::new(&flags)), threads),
        Kind::Build { .. } => {
            build(text, BuildOptions { time: true, ..BuildOptions::new(target, flags) }, threads)
        }
    }
}

fn failed(diagnostics: &[Diagnostic]) -> anyhow::Error {
    let first = diagnostics.first().map_or("no reason given", |diagnostic| &diagnostic.message);
    anyhow!("clifc: {} errors, the first: {first}", diagnostics.len())
}

fn parse_all(text: &str, verify: Option<Environment>, threads: usize) -> Result<(Phases, Vec<u8>)> {
    let mut diagnostics = Vec::new();
    let split = parse::split(text.as_bytes(), &mut diagnostics);
    if threads == 1 {
        parse_some(text, &split, verify, 0..split.functions.len())?;
    } else {
        let parts = threads * 8;
        let size = split.functions.len().div_ceil(parts).max(1);
        crate::task::pool(threads)?.install(|| {
            (0..split.functions.len()).into_par_iter().step_by(size).try_for_each(|start| {
                let end = split.functions.len().min(start + size);
                parse_some(text, &split, verify, start..end)
            })
        })?;
    }
    if diagnostics.is_empty() { Ok(Default::default()) } else { Err(failed(&diagnostics)) }
}

fn parse_some(
    text: &str,
    split: &Split,
    verify: Option<Environment>,
    range: std::ops::Range<usize>,
) -> Result<()> {
    let (mut context, mut function) = (ParseContext::new(), Function::default());
    let (mut analysis, mut verifier) = (Analysis::default(), Verifier::default());
    for part in &split.functions[range] {
        let bytes = &text.as_bytes()[part.text.clone()];
        parse::function(bytes, part.text.start, &mut context, &mut function)
            .map_err(|_| failed(&context.diagnostics))?;
        if let Some(environment) = verify {
            analysis.compute(&function.stencil);
            if let Some(error) = verifier.verify(&function.stencil, &analysis, environment).first() {
                return Err(anyhow!("clifc: {error}"));
            }
        }
    }
    Ok(())
}

/// The phase to which clifc's phase or pass of this name belongs; `None` for the total time. A pass that is
/// not named here is one of the optimiser's.
fn phase_of(name: &str) -> Option<Phase> {
    match name {
        "split" | "parse" => Some(Phase::Parse),
        "verify" => Some(Phase::Verify),
        "lower" => Some(Phase::Lower),
        "regalloc" => Some(Phase::Regalloc),
        "emit" => Some(Phase::Emit),
        "object" => Some(Phase::Object),
        _ => pipeline::pass_names().any(|pass| pass == name).then_some(Phase::Optimise),
    }
}

fn build(text: &str, options: BuildOptions, threads: usize) -> Result<(Phases, Vec<u8>)> {
    let source = Source { name: "input", text: text.as_bytes() };
    let built = driver::build_in(&Session::new(threads), &source, &options, &Observer::NONE)
        .map_err(|errors| failed(&errors))?;
    let mut phases = Phases::default();
    for &(name, time) in built.timing.phases() {
        if let Some(phase) = phase_of(name) {
            phases.add(phase, time.as_secs_f64());
        }
    }
    Ok((phases, built.object))
}
