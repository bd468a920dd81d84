//! Building: from a file's text to an object.
//!
//! Functions are compiled independently. Each worker thread (`worker`) has its own parser context, function
//! and compiler, and takes the next few functions by advancing a shared counter. Results are sorted into
//! source order at the end, so that the object's bytes don't depend on the number of threads. A function that
//! can't be compiled yields a diagnostic while the others are still compiled, and an object is written only
//! if there are no errors. What outlives a build is in a [`Session`]. With a cache, only functions that it
//! does not have are compiled (`cached`). A build can be of some of a file's functions only (`shard`). Large
//! files are compiled piece by piece (`large`).

mod cached;
pub(crate) mod callees;
mod contradictions;
mod described;
mod image;
mod inlined;
mod large;
mod numbering;
mod pack_names;
mod session;
mod shard;
mod unused;
mod worker;

use crate::arch::aarch64::Aarch64;
use crate::arch::s390x::S390x;
use crate::arch::x86_64::X86_64;
use crate::cache::remote::Task;
use crate::cache::{Cache, Statistics};
use crate::diag::{Diagnostic, Severity, Source};
use crate::ir::{Inlining, Module, Name};
use crate::lower::context::RuleCounts;
use crate::machine::compiled::CompiledFunction;
use crate::object::{self, Contents, DebugInfo, DebugLevel, DebugOptions, FunctionDef, Part};
use crate::opt::inline::Site;
use crate::options::{Arch, Flags, OptLevel, Target};
use crate::parse::{self, Split};
use crate::pipeline::{Backend, Controls};
use crate::timing::Timing;
use cached::{CacheNotes, Cached};
use callees::{Callees, Making};
pub use described::{Described, Held};
pub use large::{LARGE, Large, build_large};
use pack_names::PackInputs;
pub use session::Session;
pub use shard::Shard;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use worker::Worker;

/// The options of a build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The target to compile for.
    pub target: Target,
    /// The settings of the target.
    pub flags: Flags,
    /// How the object is divided into sections.
    pub layout: object::Layout,
    /// Whether to measure the time of each phase.
    pub time: bool,
    /// Whether to count the lowering rules that are used.
    pub trace_rules: bool,
    /// Debug information, if there is to be any.
    pub debug: Option<DebugOptions>,
    /// The syntax of assembly text, if there is to be any.
    pub assembly: Option<object::disasm::Syntax>,
    /// Linker names, for names that the file gives none: see [`parse::symbol_comments`].
    pub names: Option<Arc<HashMap<Name, Box<str>>>>,
    /// Whether to describe the code of functions: [`Built::described`]. Dumps then have the
    /// numbers of instructions as source locations.
    pub describe: bool,
    /// Which passes run, and whether their results are checked.
    pub controls: Controls,
    /// The part of the functions to compile, if not all of them.
    pub shard: Option<Shard>,
    /// The address of the image to make, if there is to be one.
    pub image: Option<u64>,
    /// Whether to report what was inlined: [`Built::inlined`].
    pub inline_report: bool,
}

impl BuildOptions {
    /// Makes options for a target with these settings and defaults otherwise.
    pub fn new(target: Target, flags: Flags) -> Self {
        let (layout, controls) = (object::Layout::default(), Controls::default());
        BuildOptions {
            target,
            flags,
            layout,
            time: false,
            trace_rules: false,
            debug: None,
            assembly: None,
            names: None,
            describe: false,
            controls,
            shard: None,
            image: None,
            inline_report: false,
        }
    }

    /// Whether source locations are the numbers of instructions.
    fn numbers_instructions(&self) -> bool {
        self.debug.is_some() || self.describe
    }

    /// With numbered instructions, whether compiled functions say where values are. `module` is `None` before
    /// it is known.
    fn tracks_values(&self, module: Option<&Module>) -> Option<bool> {
        let has_values = module.is_none_or(Module::tracks_values);
        let full = self.debug.as_ref().is_some_and(|debug| debug.level == DebugLevel::Full);
        self.numbers_instructions().then_some(full && has_values || self.describe)
    }
}

/// Callbacks for progress, dumps and warnings. `progress` and `dump` are called from several threads.
pub struct Observer<'a> {
    /// Called with the number of functions that are done, and the number of all functions.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Which texts of functions after passes to make, and what to do with them.
    pub dump: Option<DumpRequest<'a>>,
    /// Called with a message for each problem with the cache.
    pub warn: &'a (dyn Fn(&str) + Sync),
    /// Called with ranges of the text that are not needed for now, when a large file is built.
    pub passed: &'a (dyn Fn(Range<usize>) + Sync),
}

impl Observer<'_> {
    /// No callbacks.
    pub const NONE: Observer<'static> =
        Observer { progress: &|_, _| {}, dump: None, warn: &|_| {}, passed: &|_| {} };
}

/// A request for the texts of functions after passes.
#[derive(Clone, Copy)]
pub struct DumpRequest<'a> {
    /// Returns whether the text after this pass of the function with this name is wanted.
    pub wanted: &'a (dyn Fn(&str, &Name) -> bool + Sync),
    /// Called with the function's index in the file, the pass, the function's name and the text.
    pub take: &'a (dyn Fn(usize, &str, &Name, String) + Sync),
}

/// The result of a build.
#[derive(Debug)]
pub struct Built {
    /// The object file.
    pub object: Vec<u8>,
    /// Assembly text that gives the same object, if [`BuildOptions::assembly`] asks for it.
    pub assembly: Option<String>,
    /// The image, if [`BuildOptions::image`] asks for it.
    pub image: Option<object::Image>,
    /// What has become of the calls of functions, as JSON, if [`BuildOptions::inline_report`] asks for it.
    pub inlined: Option<String>,
    /// Descriptions of the functions' code, if [`BuildOptions::describe`] asks for them.
    pub described: Vec<Described>,
    /// Warnings: what is probably not what was meant.
    pub warnings: Vec<Diagnostic>,
    /// The file's items other than functions.
    pub module: Module,
    /// Time by phase: summed over threads for parsing and passes, wall time for the others.
    pub timing: Timing,
    /// How often each lowering rule was used, if [`BuildOptions::trace_rules`] is set.
    pub rules: RuleCounts,
    /// The statistics of the cache, if one was used.
    pub cache: Option<Statistics>,
}

/// A function's index in the file, and the compiled function.
type Unit = (usize, Box<CompiledFunction>);

/// An instance of [`compile_all`] for one target.
type CompileAll = for<'a> fn(&BuildInputs<'a>) -> Outcome;

/// Returns the back end of an architecture.
fn back_end(arch: Arch) -> CompileAll {
    match arch {
        Arch::X86_64 => compile_all::<X86_64>,
        Arch::S390x => compile_all::<S390x>,
        Arch::Aarch64 => compile_all::<Aarch64>,
    }
}

/// Builds an object from a file, in one thread and without a cache.
pub fn build(source: &Source, options: &BuildOptions, observer: &Observer) -> Result<Built, Vec<Diagnostic>> {
    build_in(&Session::new(1), source, options, observer)
}

/// Builds an object from a file. The session's cache is not used if functions are dumped, traced or reported
/// on or passes are not the default ones, since all functions must then be compiled.
pub fn build_in(
    session: &Session,
    source: &Source,
    options: &BuildOptions,
    observer: &Observer,
) -> Result<Built, Vec<Diagnostic>> {
    let mut timing = Timing::default();
    let mut diagnostics = Vec::new();
    let cache = usable_cache(session, options, observer);
    let mut values = options.tracks_values(None);
    let Parts { mut split, part, mut cached } =
        split_file(cache, source, (options, values), &mut timing, &mut diagnostics);
    let module = parse::module(source.text, &split, &mut diagnostics);
    let mut options = Cow::Borrowed(options);
    let has_values = options.tracks_values(Some(&module));
    if module.personality.is_some() || has_values != values {
        // The keys of the cache depend on both.
        options.to_mut().flags = options.flags.with_landing_pads(module.personality.is_some());
        values = has_values;
        Parts { split, cached, .. } =
            split_file(cache, source, (&options, values), &mut timing, &mut Vec::new());
    }
    let place = Environment {
        session,
        source,
        module: &module,
        options: &options,
        tracks_values: values.unwrap_or(false),
        observer,
    };
    let built = compile(&place, Parts { split, part, cached }, timing, diagnostics)?;
    Ok(Built { module, ..built })
}

/// The session's cache, if it can be used with these options.
fn usable_cache<'a>(session: &'a Session, options: &BuildOptions, observer: &Observer) -> Option<&'a Cache> {
    let needs_all = observer.dump.is_some() || options.trace_rules || options.inline_report;
    session.cache().filter(|_| !needs_all && options.controls.are_default())
}

/// What does not depend on which functions are compiled.
#[derive(Clone, Copy)]
struct Environment<'a> {
    session: &'a Session,
    source: &'a Source<'a>,
    module: &'a Module,
    options: &'a BuildOptions,
    /// Whether debug information says where values are.
    tracks_values: bool,
    observer: &'a Observer<'a>,
}

/// Compiles the functions of a file that has been split, and writes the object. The result has no module.
fn compile(
    environment: &Environment,
    Parts { split, part, mut cached }: Parts,
    mut timing: Timing,
    mut diagnostics: Vec<Diagnostic>,
) -> Result<Built, Vec<Diagnostic>> {
    let Environment { session, source, module, options, tracks_values, observer } = *environment;
    let start = Instant::now();
    let BuildOptions { flags, controls, .. } = options;
    let making = Making {
        text: source.text,
        split: &split,
        module,
        flags,
        controls,
        numbers_instructions: options.numbers_instructions(),
        notes_calls: options.inline_report,
    };
    let callees = Callees::find(&making, part.is_some());
    if let Some(cached) = &mut cached {
        cached.depend_on(&module.types, &callees);
        cached.find(
            PackInputs { text: source.text, split: &split, callees: &callees },
            &module.types,
            session,
        );
    }
    let inputs = BuildInputs {
        session,
        source,
        split: &split,
        module,
        options,
        tracks_values,
        observer,
        callees: &callees,
        cached: cached.as_ref(),
    };
    let Outcome { mut units, diagnostics: mut found, timing: of_workers, rules, cache_notes, calls } =
        back_end(options.target.arch())(&inputs);
    timing.merge(&of_workers);
    diagnostics.append(&mut found);
    let additions = cached.map(|cached| cached.finish(cache_notes, &mut units, &split, &mut diagnostics));
    timing.add("compile (wall)", start.elapsed());
    let store = || {
        let (statistics, warnings) = additions?.store();
        warnings.iter().for_each(|warning| (observer.warn)(warning));
        Some(statistics)
    };
    if diagnostics.iter().any(|d| d.severity != Severity::Warning) {
        store();
        diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
        return Err(diagnostics);
    }
    units.sort_unstable_by_key(|unit| unit.0);
    // Other parts may refer to the local functions of this one.
    if options.flags.opt_level() != OptLevel::None && part.is_none() {
        unused::leave_out(&mut units, &split, module);
    }
    let bodies = if options.debug.is_some() { callees.offsets(&split) } else { HashMap::new() };
    let (debug, threads) = (options.debug.as_ref(), session.pool(units.len()));
    let debug = debug.map(|options| DebugInfo { options, source, bodies: &bodies, threads });
    let mut write =
        || timing.measure("object", || write_object((&split, module), part.as_ref(), &units, options, debug));
    let (object, statistics) = match threads {
        Some(pool) => pool.install(|| rayon::join(write, store)),
        None => (write(), store()),
    };
    let (written, assembly) = object?;
    let image = image::make(source, &split, module, &units, options, &written)?;
    let object::Written { bytes: object, mut warnings, symbols, contradictions, .. } = written;
    let inlined = options.inline_report.then(|| inlined::report(source, &split, &module.types, calls));
    let described = match options.describe {
        true => described::all(source, &split, &units, symbols),
        false => Vec::new(),
    };
    warnings.append(&mut diagnostics);
    warnings.extend(contradictions::diagnostics(source, &split, module, &contradictions));
    warnings.sort_by_key(|diagnostic| diagnostic.offset);
    Ok(Built {
        object,
        assembly,
        image,
        inlined,
        described,
        warnings,
        module: Module::default(),
        timing,
        rules,
        cache: statistics,
    })
}

/// A file that has been split.
struct Parts<'a> {
    /// The functions to compile, and all items.
    split: Split,
    /// What is known of the other functions, if some are not to be compiled.
    part: Option<Part>,
    /// The keys of the functions' texts, with a cache.
    cached: Option<Cached<'a>>,
}

/// Splits a file into functions and items, and leaves out the functions of other shards. With a cache,
/// computes the keys of the functions' texts; `values` is what [`BuildOptions::tracks_values`] says.
fn split_file<'a>(
    cache: Option<&'a Cache>,
    source: &Source,
    (options, values): (&BuildOptions, Option<bool>),
    timing: &mut Timing,
    diagnostics: &mut Vec<Diagnostic>,
) -> Parts<'a> {
    let cache = cache.map(|cache| cache.build(&options.target, &options.flags, values));
    match (options.shard.filter(|shard| !shard.is_whole()), cache) {
        (None, Some(cache)) => {
            let (split, cached) = Cached::split(cache, source.text, timing, diagnostics);
            Parts { split, part: None, cached: Some(cached) }
        }
        (None, None) => {
            let split = timing.measure("split", || parse::split(source.text, diagnostics));
            Parts { split, part: None, cached: None }
        }
        (Some(shard), cache) => {
            let (split, part) = timing.measure("split", || {
                let mut split = parse::split(source.text, diagnostics);
                let part = shard.take_from(&mut split, source.text);
                (split, Some(part))
            });
            let cached = cache.map(|cache| Cached::of(cache, source.text, &split));
            Parts { split, part, cached }
        }
    }
}

fn write_object(
    (split, module): (&Split, &Module),
    part: Option<&Part>,
    units: &[Unit],
    options: &BuildOptions,
    debug: Option<DebugInfo<'_>>,
) -> Result<(object::Written, Option<String>), Vec<Diagnostic>> {
    // Linkers and other compilers know this name.
    let cold = options.target.is_elf().then_some(".text.unlikely");
    let functions = units.iter().map(|(index, unit)| {
        let text = &split.functions[*index];
        FunctionDef {
            offset: text.text.start,
            params: &unit.params,
            linkage: text.linkage,
            section: text.section.as_deref().or(cold.filter(|_| text.inlining == Inlining::Cold)),
            align: text.align.unwrap_or(1),
            group: &text.group,
            code: &unit.code,
        }
    });
    let names = options.names.as_deref();
    let (functions, describes) = (functions.collect(), options.describe || options.image.is_some());
    let contents = Contents { module, functions, part, names, debug, describes };
    let BuildOptions { target, flags, layout, assembly, .. } = options;
    match *assembly {
        None => Ok((object::write(target, flags, *layout, &contents)?, None)),
        Some(syntax) => {
            let (written, text) = object::write_assembly(target, flags, *layout, &contents, syntax)?;
            Ok((written, Some(text)))
        }
    }
}

/// Number of functions that a worker takes at a time.
const BATCH: usize = 4;

/// The inputs of a build, which its workers share.
#[derive(Clone, Copy)]
struct BuildInputs<'a> {
    session: &'a Session,
    source: &'a Source<'a>,
    split: &'a Split,
    module: &'a Module,
    options: &'a BuildOptions,
    /// Whether debug information says where values are.
    tracks_values: bool,
    observer: &'a Observer<'a>,
    callees: &'a Callees,
    cached: Option<&'a Cached<'a>>,
}

/// The combined results of workers.
#[derive(Default)]
struct Outcome {
    /// Compiled functions, in any order.
    units: Vec<Unit>,
    diagnostics: Vec<Diagnostic>,
    timing: Timing,
    rules: RuleCounts,
    /// What each worker noted for the cache.
    cache_notes: Vec<CacheNotes>,
    /// What has become of the calls of functions, by the index in the file.
    calls: Vec<(usize, Vec<Site>)>,
}

/// Compiles all functions that the cache does not have.
fn compile_all<I: Backend>(inputs: &BuildInputs) -> Outcome {
    let BuildInputs { session, split, observer, cached, .. } = *inputs;
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let count = split.functions.len();
    let workers = session.run(count, || {
        let mut worker = Worker::<I>::new(*inputs);
        let take = || match cached.and_then(Cached::lookups) {
            Some(lookups) => lookups.next(),
            None => {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                (first < count).then(|| Task::Compile(first..count.min(first + BATCH), None))
            }
        };
        while let Some(task) = take() {
            let (functions, group) = match task {
                Task::Compile(functions, group) => (functions, group),
                Task::Use(group, code) => {
                    worker.take_group(group, code);
                    continue;
                }
                Task::Ask(groups) => {
                    worker.ask(groups);
                    continue;
                }
            };
            for index in functions {
                if cached.is_none_or(|cached| cached.is_wanted(index)) {
                    worker.function(index, &split.functions[index]);
                }
                (observer.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, count);
            }
            if let Some(group) = group {
                worker.send_group(group);
            }
        }
        worker.finish()
    });
    let mut outcome = Outcome::default();
    for mut worker in workers {
        outcome.units.append(&mut worker.units);
        outcome.diagnostics.append(&mut worker.diagnostics);
        outcome.timing.merge(&worker.timing);
        for (rule, count) in worker.rules {
            *outcome.rules.entry(rule).or_default() += count;
        }
        outcome.cache_notes.append(&mut worker.cache_notes);
        outcome.calls.append(&mut worker.calls);
    }
    outcome
}
