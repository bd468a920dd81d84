//! From a file's text to an object: the module loop.
//!
//! Functions are independent. Each worker thread has a parser context, a function and a compiler of its
//! own, and takes the next few functions off a counter; results are put in source order at the end, so that the
//! object's bytes don't depend on the number of threads. A function that can't be compiled is a diagnostic;
//! the others go on, and there is an object only if there was none. With a cache, only functions that it does not
//! have get that far: see [`cached`].

mod cached;

use crate::cache::{Cache, Claim};
use crate::diag::{Diagnostic, Severity, Source};
use crate::ir::{Function, Module, Name, SourceMap};
use crate::mach::compiled::CompiledFunction;
use crate::mach::isa::Isa;
use crate::mach::lower::RuleCounts;
use crate::object::{self, Contents, FunctionDef};
use crate::options::{Arch, Flags, Target};
use crate::parse::{self, FunctionText, ParseContext, Split};
use crate::pipeline::{self, Compiler, Failure, State};
use crate::target::aarch64::Aarch64;
use crate::target::s390x::S390x;
use crate::target::x86_64::X86_64;
use crate::timing::Timing;
use crate::verify;
use cached::Cached;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How to build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// For which target.
    pub target: Target,
    /// With which settings.
    pub flags: Flags,
    /// Sections of the object.
    pub layout: object::Layout,
    /// Threads; 0 for one per processor.
    pub jobs: usize,
    /// Whether to measure the time of each phase.
    pub time: bool,
    /// Whether to count the lowering rules that are used.
    pub trace_rules: bool,
}

/// Who wants to know how a build goes on. Both are called from several threads.
pub struct Observer<'a> {
    /// Is told how many functions are done, and how many there are.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Is given the text of functions after passes.
    pub dump: Option<Dump<'a>>,
}

impl Observer<'_> {
    /// Nobody.
    pub const NONE: Observer<'static> = Observer { progress: &|_, _| {}, dump: None };
}

/// Which texts are wanted, and who takes them.
#[derive(Clone, Copy)]
pub struct Dump<'a> {
    /// Whether the function's text after the pass is wanted.
    pub wanted: &'a (dyn Fn(&str, &Name) -> bool + Sync),
    /// Takes it; first come the function's number in the file, the pass and the name.
    pub take: &'a (dyn Fn(usize, &str, &Name, String) + Sync),
}

/// What came of it.
#[derive(Debug)]
pub struct Built {
    /// The object file.
    pub object: Vec<u8>,
    /// What the file has besides functions.
    pub module: Module,
    /// Time by phase: of parsing and passes summed over threads, of the others as it passed.
    pub timing: Timing,
    /// How often each lowering rule was used, if that was counted.
    pub rules: RuleCounts,
}

/// A function's place in the file, and what it was compiled to.
type Unit = (usize, Box<CompiledFunction>);

/// [`compile_all`] for one target.
type CompileAll = for<'a> fn(&Job<'a>) -> Outcome;

/// What compiles for an architecture.
fn back_end(arch: Arch) -> CompileAll {
    match arch {
        Arch::X86_64 => compile_all::<X86_64>,
        Arch::S390x => compile_all::<S390x>,
        Arch::Aarch64 => compile_all::<Aarch64>,
    }
}

/// Builds an object from a file.
pub fn build(source: &Source, options: &BuildOptions, observer: &Observer) -> Result<Built, Vec<Diagnostic>> {
    build_with(source, options, observer, None)
}

/// The same, with what a cache has. What is dumped or traced has to be compiled: then it is without the cache.
pub fn build_with(
    source: &Source,
    options: &BuildOptions,
    observer: &Observer,
    cache: Option<&Cache>,
) -> Result<Built, Vec<Diagnostic>> {
    let cache = cache.filter(|_| observer.dump.is_none() && !options.trace_rules);
    let mut timing = Timing::default();
    let mut diagnostics = Vec::new();
    let mut keys = Vec::new();
    let split = match cache {
        Some(cache) => cached::split(cache, source.text, &mut keys, &mut timing, &mut diagnostics),
        None => timing.measure("split", || parse::split(source.text, &mut diagnostics)),
    };
    let module = parse::module(source.text, &split, &mut diagnostics);
    let start = Instant::now();
    let cached = cache.map(|cache| Cached::find(cache, keys));
    let job = Job { source, split: &split, options, observer, cached: cached.as_ref() };
    let mut outcome = back_end(options.target.arch())(&job);
    timing.merge(&outcome.timing);
    diagnostics.append(&mut outcome.diagnostics);
    let mut units = outcome.units;
    if let Some(cached) = cached {
        cached.finish(&mut units, &split, &mut diagnostics);
    }
    timing.add("compile (wall)", start.elapsed());
    if diagnostics.iter().any(|d| d.severity != Severity::Warning) {
        diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
        return Err(diagnostics);
    }
    units.sort_unstable_by_key(|unit| unit.0);
    let object = timing.measure("object", || write_object(source, &split, &module, &units, options));
    Ok(Built { object: object?, module, timing, rules: outcome.rules })
}

fn write_object(
    source: &Source,
    split: &Split,
    module: &Module,
    units: &[Unit],
    options: &BuildOptions,
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let functions = units.iter().map(|(index, unit)| {
        let text = &split.functions[*index];
        FunctionDef {
            offset: text.text.start,
            params: &unit.params,
            linkage: text.linkage,
            section: text.section.clone().and_then(|range| std::str::from_utf8(&source.text[range]).ok()),
            align: text.align.unwrap_or(1),
            code: &unit.code,
        }
    });
    let contents = Contents { module, functions: functions.collect() };
    object::write(&options.target, &options.flags, options.layout, &contents)
}

/// Functions a worker takes at a time.
const BATCH: usize = 4;

/// What the workers of a build share.
#[derive(Clone, Copy)]
struct Job<'a> {
    source: &'a Source<'a>,
    split: &'a Split,
    options: &'a BuildOptions,
    observer: &'a Observer<'a>,
    cached: Option<&'a Cached<'a>>,
}

/// What workers made.
#[derive(Default)]
struct Outcome {
    /// Functions by their place in the file, in no order.
    units: Vec<Unit>,
    diagnostics: Vec<Diagnostic>,
    timing: Timing,
    rules: RuleCounts,
}

/// Compiles all functions that the cache does not have.
fn compile_all<I: Isa>(job: &Job) -> Outcome {
    let Job { split, options, observer, cached, .. } = *job;
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let work = || {
        let mut worker = Worker::<I>::new(*job);
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= split.functions.len() {
                return worker;
            }
            for index in first..split.functions.len().min(first + BATCH) {
                if cached.is_none_or(|cached| cached.is_wanted(index)) {
                    worker.function(index, &split.functions[index]);
                }
                (observer.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, split.functions.len());
            }
        }
    };
    let workers = match options.jobs {
        1 => vec![work()],
        jobs => match rayon::ThreadPoolBuilder::new().num_threads(jobs).build() {
            Ok(pool) => pool.broadcast(|_| work()),
            Err(_) => vec![work()],
        },
    };
    let mut outcome = Outcome::default();
    for mut worker in workers {
        outcome.units.append(&mut worker.units);
        outcome.diagnostics.append(&mut worker.diagnostics);
        outcome.timing.merge(&worker.timing);
        for (rule, count) in worker.compiler.traced_rules() {
            *outcome.rules.entry(rule).or_default() += count;
        }
        outcome.timing.merge(worker.compiler.timing.as_ref().unwrap_or(&Timing::default()));
    }
    outcome
}

/// A thread's own state.
struct Worker<'a, I: Isa> {
    job: Job<'a>,
    context: ParseContext,
    function: Function,
    compiler: Compiler<I>,
    timing: Timing,
    units: Vec<Unit>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a, I: Isa> Worker<'a, I> {
    fn new(job: Job<'a>) -> Self {
        Worker {
            job,
            context: ParseContext::new(),
            function: Function::default(),
            compiler: new_compiler(job.options),
            timing: Timing::default(),
            units: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// Compiles one function; a panic in a pass is a diagnostic, and costs this worker its buffers.
    fn function(&mut self, index: usize, text: &FunctionText) {
        let result = catch_unwind(AssertUnwindSafe(|| self.parse_and_compile(index, text)));
        match result {
            Ok(Some(unit)) => self.units.push((index, Box::new(unit))),
            Ok(None) => {}
            Err(panic) => {
                let pass = self.compiler.current;
                self.diagnostics.push(self.bug(text, pass, &panic_message(&*panic)));
                let timing = self.compiler.timing.take();
                self.compiler = new_compiler(self.job.options);
                self.compiler.timing = timing;
                self.context = ParseContext::new();
                self.function = Function::default();
            }
        }
    }

    fn parse_and_compile(&mut self, index: usize, text: &FunctionText) -> Option<CompiledFunction> {
        self.compiler.current = "parse";
        let file = self.job.source.text;
        let bytes = &file[text.text.clone()];
        let start = self.job.options.time.then(Instant::now);
        let parsed = parse::function(bytes, text.text.start, &mut self.context, &mut self.function);
        if let Some(start) = start {
            self.timing.add("parse", start.elapsed());
        }
        if parsed.is_err() {
            self.diagnostics.append(&mut self.context.diagnostics);
            return None;
        }
        match self.job.cached {
            Some(cached) => self.compile_unless_stored(index, text, cached),
            None => self.compile(index, text),
        }
    }

    /// Compiles the parsed function if the cache does not have its stencil.
    fn compile_unless_stored(
        &mut self,
        index: usize,
        text: &FunctionText,
        cached: &Cached,
    ) -> Option<CompiledFunction> {
        let (key, claim) = cached.claim(&self.function);
        let stored = match claim {
            Claim::Found(code) if cached.checks() => Some(code),
            Claim::Found(code) => {
                let params = std::mem::take(&mut self.function.params);
                cached.found_stencil(index, &key, &params);
                return Some(CompiledFunction { params, code });
            }
            Claim::Shared => {
                cached.leave(index, key, std::mem::take(&mut self.function.params));
                return None;
            }
            Claim::Compile => None,
        };
        let unit = self.compile(index, text)?;
        cached.compiled(index, key, &unit, stored.as_ref());
        Some(unit)
    }

    /// Compiles the parsed function.
    fn compile(&mut self, index: usize, text: &FunctionText) -> Option<CompiledFunction> {
        let file = self.job.source.text;
        let function = &self.function;
        let name = &function.params.name;
        let dump = self.job.observer.dump.map(|Dump { wanted, take }| {
            move |pass: &'static str, state: &State<I>| {
                if wanted(pass, name) {
                    let section = text.section.clone().map(|range| &file[range]);
                    let clif = function.placed(text.linkage, section, text.align);
                    take(index, pass, name, state.text(pass, &function.params, clif));
                }
            }
        });
        let dump = dump.as_ref().map(|dump| dump as pipeline::Dump<'_, I>);
        match self.compiler.compile(&function.stencil, dump) {
            Ok(code) => Some(CompiledFunction { params: std::mem::take(&mut self.function.params), code }),
            Err(failure) => {
                self.report(text, failure);
                None
            }
        }
    }

    /// Says that a pass failed on a function.
    fn bug(&self, text: &FunctionText, pass: &str, message: &str) -> Diagnostic {
        let header = &self.job.source.text[text.text.clone()];
        let header = header.split(|byte| *byte == b'(').next().unwrap_or_default();
        Diagnostic {
            severity: Severity::Bug,
            offset: text.text.start,
            message: format!("pass {pass} fails on {}: {message}", String::from_utf8_lossy(header)),
            notes: vec!["the function alone, in a file of its own, is a reproducer".to_string()],
        }
    }

    /// Turns a failure into diagnostics, reading the function again for its positions.
    fn report(&mut self, text: &FunctionText, failure: Failure) {
        if let Failure::Bug { pass, message } = &failure {
            self.diagnostics.push(self.bug(text, pass, message));
            return;
        }
        let mut positions = SourceMap::default();
        let mut again = Function::default();
        let bytes = &self.job.source.text[text.text.clone()];
        parse::function_with_positions(bytes, text.text.start, &mut self.context, &mut again, &mut positions)
            .expect("the same text, which could be parsed");
        match failure {
            Failure::Invalid(errors) => {
                self.diagnostics.extend(verify::diagnostics(&errors, &positions));
            }
            Failure::Unsupported { inst, message } => {
                let offset = inst.and_then(|inst| positions.insts.get(inst).copied());
                let offset = offset.unwrap_or(positions.function);
                self.diagnostics.push(Diagnostic::unsupported(offset, message));
            }
            Failure::Bug { .. } => unreachable!("reported above"),
        }
    }
}

fn new_compiler<I: Isa>(options: &BuildOptions) -> Compiler<I> {
    let mut compiler = Compiler::new(&options.flags);
    compiler.timing = options.time.then(Timing::default);
    if options.trace_rules {
        compiler.trace_rules();
    }
    compiler
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_string())
}
