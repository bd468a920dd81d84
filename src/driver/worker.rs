//! A worker thread of a build, which parses and compiles functions one after the other in the same buffers.

use super::cached::{CacheNotes, Cached};
use super::callees::{BodyMaker, Making};
use super::numbering::parse_numbered;
use super::{BuildInputs, BuildOptions, DumpRequest, Outcome};
use crate::cache::Claim;
use crate::cache::remote::Group;
use crate::diag::{Diagnostic, Severity};
use crate::ir::SourceMap;
use crate::machine::compiled::{CompiledFunction, CompiledStencil};
use crate::options::Flags;
use crate::parse::{self, FunctionText, ParseContext};
use crate::pipeline::{Backend, CompileError, Compiler, Controls, PassDump, Placement};
use crate::timing::Timing;
use crate::verify;
use std::mem::take;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Buffers for parsing and compiling functions, for one target and set of settings.
struct Context<I: Backend> {
    parser: ParseContext,
    /// Positions of the current function's parts, for debug information.
    positions: SourceMap,
    compiler: Compiler<I>,
    /// Makes bodies of functions to be inlined.
    maker: BodyMaker,
}

impl<I: Backend> Context<I> {
    fn new(flags: &Flags) -> Box<Self> {
        Box::new(Context {
            parser: ParseContext::new(),
            positions: SourceMap::default(),
            compiler: Compiler::new(flags),
            maker: BodyMaker::default(),
        })
    }
}

/// A part of the pipeline.
type Stage<I, T> =
    fn(&mut Compiler<I>, &Controls, Placement<'_>, Option<PassDump<'_>>) -> Result<T, CompileError>;

/// A worker thread of a build.
pub(super) struct Worker<'a, I: Backend> {
    inputs: BuildInputs<'a>,
    context: Box<Context<I>>,
    notes: CacheNotes,
    outcome: Outcome,
}

impl<'a, I: Backend> Worker<'a, I> {
    /// Makes a worker, with a context of the session if there is one.
    pub(super) fn new(inputs: BuildInputs<'a>) -> Self {
        let flags = &inputs.options.flags;
        // Tracing can't be turned off again, so a context that traces is used for this build only.
        let kept = if inputs.options.trace_rules { None } else { inputs.session.take(flags) };
        let mut context: Box<Context<I>> = kept.unwrap_or_else(|| Context::new(flags));
        context.parser.types = inputs.module.types.clone();
        prepare(&mut context.compiler, &inputs);
        Worker { inputs, context, notes: CacheNotes::default(), outcome: Outcome::default() }
    }

    /// Returns the results, and gives the context back to the session.
    pub(super) fn finish(mut self) -> Outcome {
        let BuildInputs { session, options, cached, .. } = self.inputs;
        let compiler = &mut self.context.compiler;
        self.outcome.timing.merge(&compiler.progress.timing.take().unwrap_or_default());
        self.outcome.rules.extend(compiler.traced_rules());
        self.outcome.cache_notes.extend(cached.map(|_| self.notes));
        if !options.trace_rules {
            session.give_back(options.flags, self.context);
        }
        self.outcome
    }

    /// Parses and compiles a function. A panic in a pass becomes a diagnostic, and the worker continues with
    /// new buffers.
    pub(super) fn function(&mut self, index: usize, text: &FunctionText) {
        let result = catch_unwind(AssertUnwindSafe(|| self.parse_and_compile(index, text)));
        match result {
            Ok(Some(unit)) => self.outcome.units.push((index, Box::new(unit))),
            Ok(None) => {}
            Err(panic) => {
                let pass = self.context.compiler.progress.current;
                self.outcome.diagnostics.push(self.bug(text, pass, &panic_message(&*panic)));
                let timing = self.context.compiler.progress.timing.take();
                self.context = Context::new(&self.inputs.options.flags);
                self.context.parser.types = self.inputs.module.types.clone();
                prepare(&mut self.context.compiler, &self.inputs);
                self.context.compiler.progress.timing = timing;
            }
        }
    }

    /// Uses code from the shared store.
    pub(super) fn take_group(&mut self, group: &Group, code: Vec<CompiledFunction>) {
        if let Some(cached) = self.inputs.cached {
            cached.take_group(&mut self.notes, group, code, self.inputs.split, &mut self.outcome.units);
        }
    }

    /// Asks the shared store for the packs of groups.
    pub(super) fn ask(&mut self, groups: Range<usize>) {
        if let Some(cached) = self.inputs.cached {
            cached.ask(&mut self.notes, groups);
        }
    }

    /// Sends a group that was just compiled to the shared store.
    pub(super) fn send_group(&mut self, group: usize) {
        if let Some(cached) = self.inputs.cached {
            cached.send_group(&mut self.notes, group, &self.outcome.units);
        }
    }

    fn parse_and_compile(&mut self, index: usize, text: &FunctionText) -> Option<CompiledFunction> {
        let Context { parser, positions, compiler, .. } = &mut *self.context;
        compiler.progress.current = "parse";
        let bytes = &self.inputs.source.text[text.text.clone()];
        let start = self.inputs.options.time.then(Instant::now);
        let function = &mut compiler.ir.function;
        let offset = text.text.start;
        let map = self.inputs.options.numbers_instructions().then_some(&mut *positions);
        let parsed = parse_numbered(bytes, offset, parser, function, map);
        if let Some(start) = start {
            self.outcome.timing.add("parse", start.elapsed());
        }
        compiler.ir.note_written(positions.first_unwritten);
        if parsed.is_err() {
            self.outcome.diagnostics.append(&mut parser.diagnostics);
            return None;
        }
        self.find_callees(index);
        let rest: Stage<I, CompiledStencil> = match self.context.compiler.ir.callees.is_empty() {
            true => Compiler::compile,
            false => {
                self.run(index, text, Compiler::complete)?;
                Compiler::finish
            }
        };
        match self.inputs.cached {
            Some(cached) => self.compile_unless_stored(index, text, cached, rest),
            None => self.compile(index, text, rest),
        }
    }

    /// Gives the compiler the bodies of the parsed function's callees, to be inlined.
    fn find_callees(&mut self, index: usize) {
        let BuildInputs { source, split, module, options, callees, .. } = self.inputs;
        let notes_calls = options.inline_report;
        let Context { compiler, maker, .. } = &mut *self.context;
        let Compiler { ir, progress, .. } = compiler;
        ir.callees.clear();
        if callees.concern(index) || notes_calls {
            let BuildOptions { flags, controls, .. } = options;
            let numbers_instructions = options.numbers_instructions();
            let making = Making {
                text: source.text,
                split,
                module,
                flags,
                controls,
                numbers_instructions,
                notes_calls,
            };
            ir.callees = callees.of(index, &ir.function, &making, maker, progress);
        }
    }

    /// Compiles the parsed function by `rest` if the cache does not have its stencil.
    fn compile_unless_stored(
        &mut self,
        index: usize,
        text: &FunctionText,
        cached: &Cached,
        rest: Stage<I, CompiledStencil>,
    ) -> Option<CompiledFunction> {
        let (key, claim) = cached.claim(&self.context.compiler.ir.function, &mut self.notes);
        let stored = match claim {
            Claim::Found(code) if cached.checks() => Some(code),
            Claim::Found(code) => {
                let params = take(&mut self.context.compiler.ir.function.params);
                cached.found_stencil(&mut self.notes, index, key, &params);
                return Some(CompiledFunction { params, code: *code });
            }
            Claim::Shared => {
                cached.defer(
                    &mut self.notes,
                    index,
                    key,
                    take(&mut self.context.compiler.ir.function.params),
                );
                return None;
            }
            Claim::Compile => None,
        };
        let start = Instant::now();
        let unit = self.compile(index, text, rest)?;
        self.notes.compiled(text.text.len(), start.elapsed());
        cached.compiled(&mut self.notes, index, key, &unit, stored.as_deref());
        Some(unit)
    }

    /// Compiles the parsed function by `rest`, the passes that have not run.
    fn compile(
        &mut self,
        index: usize,
        text: &FunctionText,
        rest: Stage<I, CompiledStencil>,
    ) -> Option<CompiledFunction> {
        let code = self.run(index, text, rest)?;
        let calls = self.context.compiler.ir.take_noted_calls();
        if !calls.is_empty() {
            self.outcome.calls.push((index, calls));
        }
        Some(CompiledFunction { params: take(&mut self.context.compiler.ir.function.params), code })
    }

    /// Runs a part of the pipeline on the parsed function.
    fn run<T>(&mut self, index: usize, text: &FunctionText, stage: Stage<I, T>) -> Option<T> {
        let placement = text.placement();
        let compiler = &mut self.context.compiler;
        let dump = self.inputs.observer.dump.map(|DumpRequest { wanted, take }| {
            let name = compiler.ir.function.params.name.clone();
            move |pass: &'static str, function: &dyn Fn() -> String| {
                if wanted(pass, &name) {
                    take(index, pass, &name, function());
                }
            }
        });
        let dump = dump.as_ref().map(|dump| dump as PassDump<'_>);
        let result = stage(compiler, &self.inputs.options.controls, placement, dump);
        result.map_err(|failure| self.report(text, failure)).ok()
    }

    /// Makes the diagnostic for a defect of a pass.
    fn bug(&self, text: &FunctionText, pass: &str, message: &str) -> Diagnostic {
        let header = &self.inputs.source.text[text.text.clone()];
        let header = header.split(|byte| *byte == b'(').next().unwrap_or_default();
        let message = format!("pass `{pass}` failed on {}: {message}", String::from_utf8_lossy(header));
        let bug = Diagnostic { severity: Severity::Bug, ..Diagnostic::error(text.text.start, message) };
        bug.note("to reproduce this, compile the function alone in a file of its own")
    }

    /// Reports an error as diagnostics, parsing the function again for its positions.
    fn report(&mut self, text: &FunctionText, failure: CompileError) {
        if let CompileError::Bug { pass, message } = &failure {
            self.outcome.diagnostics.push(self.bug(text, pass, message));
            return;
        }
        let bytes = &self.inputs.source.text[text.text.clone()];
        let positions = parse::positions(bytes, text.text.start, &mut self.context.parser);
        let diagnostics = &mut self.outcome.diagnostics;
        match failure {
            CompileError::Invalid(errors) => {
                diagnostics.extend(verify::diagnostics(&errors, &positions, self.inputs.source.text));
            }
            CompileError::Unsupported { inst, message } => {
                let offset = inst.and_then(|inst| positions.insts.get(inst).copied());
                diagnostics.push(Diagnostic::unsupported(offset.unwrap_or(positions.function), message));
            }
            CompileError::Bug { .. } => unreachable!("reported above"),
        }
    }
}

/// Enables timing and tracing in a compiler as the options ask for. Source locations are for debug
/// information, and for the cache, from which a later build may take them.
fn prepare<I: Backend>(compiler: &mut Compiler<I>, inputs: &BuildInputs) {
    let options = inputs.options;
    compiler.omit_locations(!options.numbers_instructions() && inputs.cached.is_none());
    compiler.progress.timing = options.time.then(Timing::default);
    compiler.track_values(inputs.tracks_values);
    compiler.ir.note_calls(options.inline_report);
    if options.trace_rules {
        compiler.trace_rules();
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_string())
}
