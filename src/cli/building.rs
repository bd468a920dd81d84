//! `clifc build`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use clifc::cache::{Cache, Statistics};
use clifc::diag::{Diagnostic, Severity, Source};
use clifc::driver::{self, BuildOptions, Built, Described, DumpRequest, Large, Observer, Session};
use clifc::ir::Name;
use clifc::object::disasm::{SourceLines, Style, Syntax, disassemble_with, json};
use clifc::object::{DebugLevel, DebugOptions, Joiner, Layout};
use clifc::options::{Arch, Flags, SETTINGS, Target};
use clifc::parse;
use clifc::pipeline::Controls;
use clifc::timing::{self, Timing};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{AsmSyntax, Build, Emit, LONG_VERSION};
use super::input::{self, Input};
use super::plan::{self, Plan};
use super::reporting::{Reporter, say};
use super::{CommandError, caching, dependencies, jobs, output, targeting};

/// Compiles files.
pub fn run(args: &Build, reporter: &Reporter) -> Result<(), CommandError> {
    let mut controls = Controls::default();
    controls.check = args.check_passes;
    args.passes.iter().try_for_each(|switch| controls.switch(switch)).map_err(CommandError::Usage)?;
    let jobs = jobs::new(args.jobs);
    let mut session = Session::new(jobs.threads);
    let remote = caching::remote_options(&args.cache)?;
    if let Some(cache) = caching::options(&args.cache, remote.is_some())? {
        let cache = Cache::open(&cache);
        session = session.with_cache(match remote {
            Some(remote) => cache.with_remote(remote),
            None => cache,
        });
    }
    let start = Instant::now();
    let paths = input::paths(&args.inputs);
    let plans = plan::of(args, &paths)?;
    let groups = groups(&input::sizes(&paths)?);
    // Files refer to each other by names that comments give.
    let all = args.symbol_comments.then(|| input::read_all(&paths)).transpose()?;
    let names = all.as_deref().map(symbol_comments).transpose()?;
    let mut failure = None;
    for group in groups {
        let own = if all.is_none() { input::read_all(&paths[group.clone()])? } else { Vec::new() };
        let files = all.as_ref().map_or(&own[..], |all| &all[group.clone()]);
        let jobs = files.iter().zip(&plans[group]);
        let jobs = jobs.map(|(file, plan)| Job { args, file, plan, names: &names, reporter });
        for done in build_all(&jobs.collect::<Vec<_>>(), &controls, &session) {
            // The other files are still compiled, so that all errors are reported at once.
            let Err(why) = done else { continue };
            failure = match (failure, why) {
                // What was not reported yet must not be lost.
                (Some(before), CommandError::Input) => Some(before),
                (_, why) => Some(why),
            };
        }
    }
    // Outputs are written. What the shared store has not taken yet may cost some more time, but not much.
    let share = caching::PATIENCE.max(start.elapsed() / 40);
    let warnings = session.cache().map(|cache| cache.finish(share)).unwrap_or_default();
    for warning in &warnings {
        reporter.warn(&format!("cache: {warning}"));
    }
    failure.map_or(Ok(()), Err)
}

/// Files of up to this many bytes are compiled in one thread each, several at a time.
const SMALL: u64 = 1 << 20;

/// Up to this many bytes of such files are read at a time.
const GROUP: u64 = 16 << 20;

/// Divides files into groups that are read and compiled one after the other, given their sizes.
fn groups(sizes: &[u64]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (at, &size) in sizes.iter().enumerate() {
        bytes += size;
        match groups.last_mut() {
            Some(group) if size <= SMALL && bytes <= GROUP => group.end = at + 1,
            Some(_) | None => {
                groups.push(at..at + 1);
                // A file that is not small stays alone.
                bytes = if size <= SMALL { size } else { GROUP };
            }
        }
    }
    groups
}

/// Builds a group of files and writes the requested outputs.
fn build_all(jobs: &[Job], controls: &Controls, session: &Session) -> Vec<Result<(), CommandError>> {
    let prepared = jobs.iter().map(|job| {
        let options = options(job, &job.source(), controls)?;
        if warn_of_dumps(job, &options) { Err(CommandError::Input) } else { Ok(options) }
    });
    let prepared: Vec<_> = prepared.collect();
    let works: Vec<_> =
        jobs.iter().zip(&prepared).map(|(job, options)| (job.work(), options.as_ref().ok())).collect();
    let build = |at: usize, progress: &Progress| {
        let (work, options) = &works[at];
        Some(build(work, (*options)?, session, progress))
    };
    let built: Vec<_> = match jobs.len() {
        1 => vec![with_progress(|progress| build(0, progress))],
        count => {
            let built: Vec<_> = (0..count).map(|_| Mutex::new(None)).collect();
            session.for_each(count, |at| {
                *built[at].lock().expect("no panic while it is locked") = build(at, &|_, _| {});
            });
            built.into_iter().map(|built| built.into_inner().expect("no panic while it is locked")).collect()
        }
    };
    let finish = |((job, options), built): ((&Job, Result<BuildOptions, CommandError>), Option<Finished>)| {
        let (options, Some(built)) = (options?, built) else { return Ok(()) };
        finish(job, &options, built)
    };
    jobs.iter().zip(prepared).zip(built).map(finish).collect()
}

/// What is told how many functions of how many are done.
type Progress<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// What came of building a file: the result with, for a large file, the object, and notes.
type Finished = (Result<(Built, Option<Joiner>), Vec<Diagnostic>>, Notes);

/// An input, and what is to be done with it.
struct Job<'a> {
    args: &'a Build,
    file: &'a Input,
    plan: &'a Plan,
    /// Linker names from comments.
    names: &'a Option<Arc<LinkerNames>>,
    reporter: &'a Reporter,
}

impl<'a> Job<'a> {
    fn source(&self) -> Source<'a> {
        Source { name: &self.file.name, text: &self.file.text }
    }

    fn work(&self) -> Work<'a> {
        Work { args: self.args, file: self.file, plan: self.plan }
    }
}

/// The part of a job that threads need.
struct Work<'a> {
    args: &'a Build,
    file: &'a Input,
    plan: &'a Plan,
}

/// Linker names of names.
type LinkerNames = HashMap<Name, Box<str>>;

/// Collects the linker names that comments of all files give functions, so that files can refer to each
/// other.
fn symbol_comments(files: &[Input]) -> Result<Arc<LinkerNames>, CommandError> {
    let mut names: HashMap<Name, (Box<str>, &str)> = HashMap::new();
    for file in files {
        let split = parse::split(&file.text, &mut Vec::new());
        for (name, symbol) in parse::symbol_comments(&file.text, &split) {
            match names.get(&name) {
                Some((other, place)) if **other != *symbol => {
                    let message =
                        format!("{name} is the symbol {other} in {place}, but {symbol} in {}", file.name);
                    return Err(CommandError::Usage(message));
                }
                Some(_) => {}
                None => drop(names.insert(name, (symbol.into(), &file.name))),
            }
        }
    }
    Ok(Arc::new(names.into_iter().map(|(name, (symbol, _))| (name, symbol)).collect()))
}

/// Returns the debug information that is asked for.
fn debug_options(args: &Build) -> Result<Option<DebugOptions>, CommandError> {
    let level = match (args.debug, args.debug_lines) {
        (true, _) => DebugLevel::Full,
        (false, true) => DebugLevel::Lines,
        (false, false) => return Ok(None),
    };
    // With debug information, instructions have numbers in place of the source locations that text shows.
    if args.emit.iter().any(|kind| matches!(kind, Emit::Clif | Emit::Vcode)) {
        let why = "-g can't be combined with --emit clif or vcode, which have no debug information";
        return Err(CommandError::Usage(why.into()));
    }
    let directory = std::env::current_dir().map_err(|error| CommandError::System(error.to_string()))?;
    let directory = directory.to_string_lossy().into_owned();
    let (frames, prefix_map) = (args.debug_frame, args.debug_prefix_map.clone());
    Ok(Some(DebugOptions { level, directory, frames, prefix_map }))
}

/// Returns the syntax of the assembly that is asked for.
fn assembly_syntax(job: &Job) -> Option<Syntax> {
    let wanted = job.plan.outputs.iter().any(|(kind, _)| *kind == Emit::Asm);
    wanted.then_some(match job.args.asm_syntax {
        None | Some(AsmSyntax::Att) => Syntax::Usual,
        Some(AsmSyntax::Intel) => Syntax::Intel,
    })
}

/// A function's text after a pass.
struct Dumped {
    /// The function's number in the file.
    index: usize,
    pass: String,
    name: String,
    text: String,
}

/// What is collected during a build, to be printed after it.
#[derive(Default)]
struct Notes {
    dumps: Vec<Dumped>,
    /// Problems with the cache.
    warnings: Vec<String>,
}

/// Returns the options for a file.
fn options(job: &Job, source: &Source, controls: &Controls) -> Result<BuildOptions, CommandError> {
    let args = job.args;
    let (target, mut flags) = targeting::of_file(&args.target, source, job.reporter)?;
    if args.no_verify {
        flags.set("enable_verifier", "false").map_err(CommandError::Usage)?;
    }
    if args.check_passes {
        flags.enable("regalloc_checker").map_err(CommandError::Usage)?;
    }
    if assembly_syntax(job) == Some(Syntax::Intel) && target.arch() != Arch::X86_64 {
        let warning = format!("`--asm-syntax intel` has no effect on {}", target.arch());
        if job.reporter.warn(&warning) {
            return Err(CommandError::Input);
        }
    }
    if args.verbose {
        say(about(job, &target, &flags));
    }
    Ok(BuildOptions {
        layout: Layout { function_sections: args.function_sections, data_sections: args.data_sections },
        time: args.time,
        trace_rules: args.trace_rules,
        debug: debug_options(args)?,
        assembly: assembly_syntax(job),
        names: job.names.clone(),
        describe: describes(job),
        controls: controls.clone(),
        shard: args.shard,
        image: args.base,
        inline_report: args.inline_report.is_some(),
        ..BuildOptions::new(target, flags)
    })
}

/// Whether a listing shows lines of the file. The source locations of other texts are left as they are.
fn describes(job: &Job) -> bool {
    let has = |wanted: &[Emit]| job.plan.outputs.iter().any(|(kind, _)| wanted.contains(kind));
    has(&[Emit::Listing]) && !has(&[Emit::Clif, Emit::Vcode]) && job.args.dump.is_empty()
}

/// Reports what came of a file, and writes the requested outputs.
fn finish(job: &Job, options: &BuildOptions, (built, notes): Finished) -> Result<(), CommandError> {
    let Job { args, file, plan, reporter, .. } = *job;
    let source = job.source();
    for warning in &notes.warnings {
        reporter.warn(&format!("cache: {warning}"));
    }
    for Dumped { pass, name, text, .. } in &notes.dumps {
        if args.dump.iter().any(|dump| dump.pass == *pass && dump.is_for(name)) {
            say(format!("; {name} after {pass}\n{text}\n"));
        }
    }
    let (built, mut large) = built.map_err(|diagnostics| {
        reporter.report(&source, &diagnostics);
        let bug = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Bug);
        if bug { CommandError::Bug } else { CommandError::Input }
    })?;
    if reporter.report(&source, &built.warnings) {
        return Err(CommandError::Input);
    }
    for (kind, path) in &plan.outputs {
        match large.take() {
            Some(object) => output::write_by(path, |out| object.finish(out))?,
            None => output::write(path, &emitted_bytes(*kind, &source, &built, &notes.dumps, options)?)?,
        }
    }
    if let (Some(path), Some(report)) = (&plan.report, &built.inlined) {
        output::write(path, report.as_bytes())?;
    }
    if let Some(path) = &plan.rule {
        output::write(path, &dependencies::rule(args, plan, &file.path))?;
    }
    if args.time {
        say(times(&built.timing, built.cache.as_ref()));
    }
    if args.cache.cache_stats {
        say(caching::statistics(&built.cache.unwrap_or_default()));
    }
    for (rule, count) in &built.rules {
        say(format!("{count:8} {rule}\n"));
    }
    Ok(())
}

/// Warns of each option that shows what a pass did which does not run. Returns whether that is an error.
fn warn_of_dumps(job: &Job, options: &BuildOptions) -> bool {
    let dumps = job.args.dump.iter().map(|dump| (format!("--dump {}", dump.pass), dump.pass.as_str()));
    let report = job.args.inline_report.iter().map(|_| ("--inline-report".to_string(), "inline"));
    let mut wrong = false;
    for (option, pass) in dumps.chain(report) {
        if let Some(why) = options.controls.why_not(pass, &options.flags) {
            let warning = format!("`{option}` shows nothing, because the pass does not run: {why}");
            wrong |= job.reporter.warn(&warning);
        }
    }
    wrong
}

/// Returns what `--verbose` prints.
fn about(job: &Job, target: &Target, flags: &Flags) -> String {
    let outputs: Vec<_> = job.plan.paths().map(|path| path.display().to_string()).collect();
    let mut text = format!("clifc {LONG_VERSION}\ninput: {}\n", job.file.name);
    text += &format!("output: {}\ntarget: {target}\nsettings:", outputs.join(" "));
    let defaults = Flags::new(target);
    let show = |flags: &Flags, name: &str| flags.show(name).unwrap_or_default();
    for setting in SETTINGS.iter().filter(|setting| setting.applies_to(target.arch())) {
        let value = show(flags, setting.name);
        if value != show(&defaults, setting.name) {
            text += &format!(" {}={value}", setting.name);
        }
    }
    text + "\n"
}

/// Builds a file. The dumps in the notes are in the order of the file's functions.
fn build(work: &Work, options: &BuildOptions, session: &Session, progress: &Progress) -> Finished {
    let Work { args, file, plan } = *work;
    let source = &Source { name: &file.name, text: &file.text };
    let notes = Mutex::new(Notes::default());
    let note = || notes.lock().expect("no panic while it is locked");
    let emitted = || plan.outputs.iter().filter_map(|(kind, _)| emitted_pass(*kind, options));
    let wants = |pass: &str| emitted().any(|emitted| emitted == pass);
    let wanted =
        |pass: &str, name: &Name| wants(pass) || args.dump.iter().any(|dump| dump.matches(pass, name));
    let take = |index: usize, pass: &str, name: &Name, text: String| {
        note().dumps.push(Dumped { index, pass: pass.into(), name: name.to_string(), text });
    };
    let dump = DumpRequest { wanted: &wanted, take: &take };
    let nothing = emitted().next().is_none() && args.dump.is_empty();
    let warn = |warning: &str| note().warnings.push(warning.into());
    let passed = |range: Range<usize>| file.text.pass(range);
    let observer = Observer { progress, dump: (!nothing).then_some(dump), warn: &warn, passed: &passed };
    let large = match &plan.outputs[..] {
        [(Emit::Obj, path)] => {
            driver::build_large(session, source, options, &observer, &output::directory(path))
        }
        _ => None,
    };
    let built = match large {
        Some(large) => large.map(|Large { built, object }| (built, Some(object))),
        None => driver::build_in(session, source, options, &observer).map(|built| (built, None)),
    };
    let mut notes = notes.into_inner().expect("no panic while it is locked");
    notes.dumps.sort_by_key(|dump| dump.index);
    (built, notes)
}

/// Returns the bytes of the output file.
fn emitted_bytes<'a>(
    kind: Emit,
    source: &Source,
    built: &'a Built,
    dumps: &[Dumped],
    options: &BuildOptions,
) -> Result<Cow<'a, [u8]>, CommandError> {
    let texts = || dumps.iter().filter(|dump| Some(dump.pass.as_str()) == emitted_pass(kind, options));
    match kind {
        Emit::Obj => Ok(Cow::Borrowed(&built.object)),
        Emit::Asm => Ok(built.assembly.as_deref().unwrap_or_default().as_bytes().into()),
        Emit::Image => Ok(Cow::Borrowed(built.image.as_ref().map_or(&[], |image| &image.bytes))),
        Emit::Map => Ok(built.image.as_ref().map_or("", |image| &image.map).as_bytes().into()),
        Emit::Listing => {
            let mut listing = Vec::new();
            disassemble_with(
                &built.object,
                Style::Text,
                &source_lines(source, &built.described),
                &mut listing,
            )
            .map_err(|error| CommandError::System(error.to_string()))?;
            Ok(listing.into())
        }
        Emit::Json => match json(&built.object) {
            Ok(text) => Ok(text.into_bytes().into()),
            Err(error) => Err(CommandError::System(error.to_string())),
        },
        Emit::Clif => {
            let items = [built.module.to_string()].into_iter().filter(|items| !items.is_empty());
            let parts = items.chain(texts().map(|dump| dump.text.clone()));
            Ok(parts.collect::<Vec<_>>().join("\n").into_bytes().into())
        }
        Emit::Vcode => {
            let parts = texts().map(|dump| format!("{}:\n{}", dump.name, dump.text));
            Ok(parts.collect::<Vec<_>>().join("\n").into_bytes().into())
        }
    }
}

/// Returns the lines of a file that functions' code comes from, as listings show them.
fn source_lines(source: &Source, described: &[Described]) -> SourceLines {
    let lines: Vec<&[u8]> = source.text.split(|byte| *byte == b'\n').collect();
    let of = |function: &Described| {
        let mut last = None;
        // Of those that begin in the same place, the last one has code.
        let has_code = |&(place, start): &(usize, &(u32, u32))| {
            function.starts.get(place + 1).is_none_or(|next| next.0 != start.0)
        };
        let line = |(_, &(at, number)): (usize, &(u32, u32))| {
            let line = *function.lines.get(number as usize)?;
            let text = lines.get((line as usize).checked_sub(1)?)?;
            let is_new = last.replace(line) != Some(line);
            is_new.then(|| (at, format!("        ; {line}: {}", String::from_utf8_lossy(text).trim())))
        };
        let starts = function.starts.iter().enumerate();
        (function.symbol.clone(), starts.filter(has_code).filter_map(line).collect())
    };
    described.iter().map(of).collect()
}

/// Returns the pass after which functions are written to the output, if it is not an object or made from one.
fn emitted_pass(kind: Emit, options: &BuildOptions) -> Option<&'static str> {
    match kind {
        Emit::Clif => Some(options.controls.last_ir_pass(&options.flags)),
        Emit::Vcode => Some("lower"),
        Emit::Obj | Emit::Asm | Emit::Image | Emit::Map | Emit::Listing | Emit::Json => None,
    }
}

fn times(timing: &Timing, cache: Option<&Statistics>) -> String {
    let line =
        |(phase, time): &(&str, Duration)| format!("{phase:<16} {:>10.3} ms\n", time.as_secs_f64() * 1e3);
    let mut phases = timing.phases().to_vec();
    phases.extend(cache.iter().flat_map(|found| caching::times(found)));
    let times: String = phases.iter().map(line).collect();
    let memory = timing::peak_memory();
    let memory = memory.map(|bytes| format!("{:<16} {:>10.3} MB\n", "peak memory", bytes as f64 / 1e6));
    times + &memory.unwrap_or_default()
}

/// Does `work`, which reports how many functions are done, and shows a progress bar if that takes long.
/// indicatif draws on terminals only.
fn with_progress<T>(work: impl FnOnce(&Progress) -> T) -> T {
    const LONG: Duration = Duration::from_secs(1);
    let start = Instant::now();
    let bar: OnceLock<ProgressBar> = OnceLock::new();
    let progress = |done: usize, all: usize| {
        // Reading the clock for every function would take longer than compiling some of them.
        if done.is_multiple_of(64) && start.elapsed() > LONG {
            bar.get_or_init(|| new_bar(all)).set_position(done as u64);
        }
    };
    let result = work(&progress);
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    result
}

fn new_bar(all: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} functions, {eta} left")
        .expect("a template that is right");
    ProgressBar::new(all as u64).with_style(style)
}
