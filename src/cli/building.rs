//! `clifc build`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use clifc::cache::{Cache, Statistics};
use clifc::diag::{Diagnostic, Severity, Source};
use clifc::driver::{self, BuildOptions, Built, DumpRequest, Observer, Session};
use clifc::ir::Name;
use clifc::object::disasm::{Style, disassemble};
use clifc::object::{DebugLevel, DebugOptions, Layout};
use clifc::pipeline::Controls;
use clifc::timing::{self, Timing};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Build, Emit};
use super::caching;
use super::checking::report;
use super::input::{self, Input};
use super::{CommandError, output, target};

/// Compiles files.
pub fn run(args: &Build, colour: bool) -> Result<(), CommandError> {
    let (target, mut flags) = target(&args.target)?;
    if args.no_verify {
        flags.set("enable_verifier", "false").map_err(CommandError::Usage)?;
    }
    if args.output.is_some() && args.inputs.files.len() > 1 {
        return Err(CommandError::Usage("`-o` takes one output, but there are several inputs".into()));
    }
    let mut controls = Controls::default();
    controls.check = args.check_passes;
    args.passes.iter().try_for_each(|switch| controls.switch(switch)).map_err(CommandError::Usage)?;
    let options = BuildOptions {
        target,
        flags,
        layout: Layout { function_sections: args.function_sections, data_sections: args.data_sections },
        time: args.time,
        trace_rules: args.trace_rules,
        debug: debug_options(args)?,
        controls,
    };
    let mut session = Session::new(args.jobs.map_or(0, usize::from));
    if let Some(cache) = caching::options(&args.cache)? {
        session = session.with_cache(Cache::open(&cache));
    }
    let mut failure = None;
    for file in input::read_all(&args.inputs)? {
        // The other files are still compiled, so that all errors are reported at once.
        if let Err(why) = one(args, &file, &options, &session, colour) {
            failure = Some(why);
        }
    }
    failure.map_or(Ok(()), Err)
}

/// The debug information that is asked for. Text outputs have none.
fn debug_options(args: &Build) -> Result<Option<DebugOptions>, CommandError> {
    let level = match (args.debug, args.debug_lines) {
        (true, _) => DebugLevel::Full,
        (false, true) => DebugLevel::Lines,
        (false, false) => return Ok(None),
    };
    if emitted_pass(args).is_some() {
        return Ok(None);
    }
    let directory = std::env::current_dir().map_err(|error| CommandError::System(error.to_string()))?;
    let directory = directory.to_string_lossy().into_owned();
    Ok(Some(DebugOptions { level, directory, prefix_map: args.debug_prefix_map.clone() }))
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

/// Compiles a file and writes the requested outputs.
fn one(
    args: &Build,
    file: &Input,
    options: &BuildOptions,
    session: &Session,
    colour: bool,
) -> Result<(), CommandError> {
    let source = Source { name: &file.name, text: &file.text };
    let (built, notes) = build(args, &source, options, session);
    for warning in &notes.warnings {
        eprintln!("clifc: warning: cache: {warning}");
    }
    for Dumped { pass, name, text, .. } in &notes.dumps {
        if args.dump.iter().any(|dump| dump.pass == *pass && dump.is_for(name)) {
            eprintln!("; {name} after {pass}\n{text}");
        }
    }
    let built = built.map_err(|diagnostics| {
        report(&source, &diagnostics, colour);
        let bug = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Bug);
        if bug { CommandError::Bug } else { CommandError::Input }
    })?;
    report(&source, &built.warnings, colour);
    let path = match &args.output {
        Some(path) => path.clone(),
        None => default_output(&file.path, emitted(args)),
    };
    output::write(&path, &emitted_bytes(args, &built, &notes.dumps)?)?;
    if args.depend {
        let beside = if path == Path::new("-") { default_output(&file.path, Emit::Obj) } else { path };
        output::write(&beside.with_extension("d"), dependencies(&beside, &file.path).as_bytes())?;
    }
    if args.time {
        eprint!("{}", times(&built.timing, built.cache.as_ref()));
    }
    if args.cache.cache_stats {
        eprint!("{}", caching::statistics(&built.cache.unwrap_or_default()));
    }
    for (rule, count) in &built.rules {
        eprintln!("{count:8} {rule}");
    }
    Ok(())
}

/// Builds a file. The dumps in the notes are in the order of the file's functions.
fn build(
    args: &Build,
    source: &Source,
    options: &BuildOptions,
    session: &Session,
) -> (Result<Built, Vec<Diagnostic>>, Notes) {
    let notes = Mutex::new(Notes::default());
    let note = || notes.lock().expect("no panic while it is locked");
    let built = with_progress(|progress| {
        let wanted = |pass: &str, name: &Name| {
            emitted_pass(args) == Some(pass) || args.dump.iter().any(|dump| dump.matches(pass, name))
        };
        let take = |index: usize, pass: &str, name: &Name, text: String| {
            note().dumps.push(Dumped { index, pass: pass.into(), name: name.to_string(), text });
        };
        let dump = DumpRequest { wanted: &wanted, take: &take };
        let nothing = emitted_pass(args).is_none() && args.dump.is_empty();
        let warn = |warning: &str| note().warnings.push(warning.into());
        let observer = Observer { progress, dump: (!nothing).then_some(dump), warn: &warn };
        driver::build_in(session, source, options, &observer)
    });
    let mut notes = notes.into_inner().expect("no panic while it is locked");
    notes.dumps.sort_by_key(|dump| dump.index);
    (built, notes)
}

/// Returns the bytes of the output file.
fn emitted_bytes<'a>(
    args: &Build,
    built: &'a Built,
    dumps: &[Dumped],
) -> Result<Cow<'a, [u8]>, CommandError> {
    let texts = || dumps.iter().filter(|dump| Some(dump.pass.as_str()) == emitted_pass(args));
    match emitted(args) {
        Emit::Obj => Ok(Cow::Borrowed(&built.object)),
        Emit::Asm => {
            let mut listing = Vec::new();
            disassemble(&built.object, Style::Text, &mut listing)
                .map_err(|error| CommandError::System(error.to_string()))?;
            Ok(listing.into())
        }
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

/// Returns the pass after which functions are written to the output, if it is not an object or made from one.
fn emitted_pass(args: &Build) -> Option<&'static str> {
    match emitted(args) {
        Emit::Clif => Some("analyse"),
        Emit::Vcode => Some("lower"),
        Emit::Obj | Emit::Asm => None,
    }
}

fn emitted(args: &Build) -> Emit {
    if args.assembly { Emit::Asm } else { args.emit }
}

/// Returns the default output: the input's name with another suffix, in the current directory; standard
/// output for standard input.
fn default_output(input: &Path, emit: Emit) -> PathBuf {
    let suffix = match emit {
        Emit::Obj => "o",
        Emit::Asm => "s",
        Emit::Clif => "out.clif",
        Emit::Vcode => "vcode",
    };
    match input.file_name() {
        Some(name) if input != Path::new("-") => Path::new(name).with_extension(suffix),
        _ => PathBuf::from("-"),
    }
}

/// Returns a rule for make that says that the output depends on the input.
fn dependencies(output: &Path, input: &Path) -> String {
    let escape = |path: &Path| path.display().to_string().replace('$', "$$").replace(' ', "\\ ");
    format!("{}: {}\n", escape(output), escape(input))
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
fn with_progress<T>(work: impl FnOnce(&(dyn Fn(usize, usize) + Sync)) -> T) -> T {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_after_inputs() {
        assert_eq!(default_output(Path::new("a/b.clif"), Emit::Obj), Path::new("b.o"));
        assert_eq!(default_output(Path::new("-"), Emit::Asm), Path::new("-"));
        assert_eq!(dependencies(Path::new("a b.o"), Path::new("$x.clif")), "a\\ b.o: $$x.clif\n");
    }
}
