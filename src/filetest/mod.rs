//! `clifc test`: runs test files, whose header lines and comments say what to test.
//!
//! Files are parsed, compiled and compared in parallel. The programs of run tests are collected and executed
//! together afterwards (`execute`), because starting a linker for each file would take longer than
//! everything else. Every test of every file is in the report: a test that is not possible here is skipped
//! with a reason, and an unknown command, directive or setting is a failure.

mod compile;
mod exact;
mod execute;
mod file;
mod filecheck;
mod interpret;
mod invocation;
mod optimize;
mod report;
mod run;
mod subtests;
mod toolchain;
mod values;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io};

use rayon::prelude::*;
use regex_lite::Regex;

use crate::diag::did_you_mean;
use crate::options::{Arch, Flags, Target};
use crate::verify::Environment;
use execute::Program;
use file::{Command, TestFile};
pub use invocation::parse_call_of;
pub use report::{Outcome, Status, Totals, json, junit, summary};
pub use toolchain::{Toolchain, Toolchains};
pub use values::show_list;

/// Which tests to run, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Test files, and directories to search for them.
    pub paths: Vec<PathBuf>,
    /// Run only the tests for this architecture.
    pub only: Option<Arch>,
    /// Update the expected output of `precise-output` tests.
    pub bless: bool,
    /// Settings to add to those of every `target` line.
    pub settings: Vec<String>,
    /// How to link and run programs.
    pub toolchains: Toolchains,
    /// Run only tests for whose file and name, `FILE: TEST`, this has a match.
    pub filter: Option<Regex>,
    /// The time that a call in a run test may take, in seconds; 0 for the default.
    pub seconds: u32,
}

/// The time that a call in a run test may take by default, in seconds.
pub const DEFAULT_SECONDS: u32 = 10;

/// Callbacks for progress, which are called from several threads.
pub struct Observer<'a> {
    /// Called for each test that is done.
    pub done: &'a (dyn Fn(&Outcome) + Sync),
    /// Called with the number of files whose tests are done or compiled, and the number of all files.
    pub files: &'a (dyn Fn(usize, usize) + Sync),
}

impl Observer<'_> {
    /// An observer that does nothing.
    pub const NONE: Observer<'static> = Observer { done: &|_| (), files: &|_, _| () };
}

/// The test commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Cat,
    Verifier,
    PrintCfg,
    Domtree,
    Compile,
    Run,
    Interpret,
    Optimize,
    Inline,
    AliasAnalysis,
    /// A command of Cranelift's tests that clifc does not support yet.
    NotYet,
}

impl Kind {
    /// Whether there is a test for each `target` line.
    fn is_per_target(self) -> bool {
        matches!(self, Kind::Compile | Kind::Run | Kind::Optimize | Kind::Inline | Kind::AliasAnalysis)
    }
}

/// The names of the commands, and the options of each.
const COMMANDS: [(&str, Kind, &[&str]); 14] = [
    ("cat", Kind::Cat, &[]),
    ("verifier", Kind::Verifier, &[]),
    ("print-cfg", Kind::PrintCfg, &[]),
    ("domtree", Kind::Domtree, &[]),
    ("compile", Kind::Compile, &["precise-output", "expect-fail"]),
    ("run", Kind::Run, &[]),
    ("interpret", Kind::Interpret, &[]),
    ("optimize", Kind::Optimize, &["precise-output"]),
    ("inline", Kind::Inline, &["precise-output", "optimize"]),
    ("alias-analysis", Kind::AliasAnalysis, &[]),
    ("safepoint", Kind::NotYet, &[]),
    ("unwind", Kind::NotYet, &[]),
    ("legalizer", Kind::NotYet, &[]),
    ("licm", Kind::NotYet, &[]),
];

impl Options {
    /// Whether a test of a file is to be run.
    fn wants(&self, file: &str, test: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(&format!("{file}: {test}")))
    }
}

/// The names of the commands that clifc has, for help.
pub fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().filter(|(_, kind, _)| *kind != Kind::NotYet).map(|(name, ..)| *name)
}

/// A test that may not be finished.
struct Test {
    outcome: Outcome,
    /// The program to execute, if it has not been.
    program: Option<Program>,
}

/// Runs all tests, in as many threads as the current pool has.
pub fn run(options: &Options, observer: &Observer) -> io::Result<Vec<Outcome>> {
    let not_found = |why: String| io::Error::new(io::ErrorKind::NotFound, why);
    if let Some(missing) = options.toolchains.missing_choice() {
        return Err(not_found(format!("`{missing}` is not installed")));
    }
    let mut paths = Vec::new();
    for path in &options.paths {
        let before = paths.len();
        collect(path, &mut paths)?;
        if paths.len() == before {
            return Err(not_found(format!("{}: no .clif files", path.display())));
        }
    }
    let files = AtomicUsize::new(0);
    let mut tests: Vec<Test> = paths
        .par_iter()
        .enumerate()
        .flat_map_iter(|(number, path)| {
            let tests = test_file(number, path, options);
            let done = tests.iter().filter(|test| test.program.is_none());
            done.for_each(|test| (observer.done)(&test.outcome));
            (observer.files)(files.fetch_add(1, Ordering::Relaxed) + 1, paths.len());
            tests
        })
        .collect();
    execute_all(&mut tests, options, observer);
    if let (true, Some(filter)) = (tests.is_empty(), &options.filter) {
        return Err(not_found(format!("no test matches `{filter}`")));
    }
    Ok(tests.into_iter().map(|test| test.outcome).collect())
}

/// Adds the test files at or below `path`, in order of their names.
fn collect(path: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    let context = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if !fs::metadata(path).map_err(context)?.is_dir() {
        into.push(path.into());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() || entry.extension().is_some_and(|extension| extension == "clif") {
            collect(&entry, into)?;
        }
    }
    Ok(())
}

/// Performs the tests of a file, except for the execution of programs.
fn test_file(number: usize, path: &Path, options: &Options) -> Vec<Test> {
    let name = path.display().to_string();
    let wanted = |test: &Test| options.wants(&name, &test.outcome.test);
    let mut tests = all_of_file(number, path, &name, options);
    tests.retain(wanted);
    tests
}

fn all_of_file(number: usize, path: &Path, name: &str, options: &Options) -> Vec<Test> {
    let read = fs::read_to_string(path).map_err(|error| error.to_string());
    let text = match &read {
        Ok(text) => text,
        Err(why) => return vec![Test::new(name, "file", Status::Failed(why.clone()))],
    };
    match TestFile::parse(name, text, &options.settings) {
        Ok(file) => {
            let cx = FileContext { number, name, path, file: &file, options };
            file.header.commands.iter().flat_map(|command| cx.command(command)).collect()
        }
        Err(why) => vec![Test::new(name, "file", Status::Failed(why))],
    }
}

impl Test {
    fn new(file: &str, test: &str, status: Status) -> Self {
        let (file, test, time) = (file.into(), test.into(), Duration::ZERO);
        Test { outcome: Outcome { file, test, status, notes: Vec::new(), time }, program: None }
    }
}

/// A file whose tests are being performed.
struct FileContext<'a> {
    /// The number of the file, which makes symbols unique.
    number: usize,
    name: &'a str,
    path: &'a Path,
    file: &'a TestFile<'a>,
    options: &'a Options,
}

impl FileContext<'_> {
    /// Performs the tests of a `test` line.
    fn command(&self, command: &Command) -> Vec<Test> {
        let start = Instant::now();
        let mut tests = self.tests_of(command);
        let each = start.elapsed() / tests.len().max(1) as u32;
        tests.iter_mut().for_each(|test| test.outcome.time = each);
        tests
    }

    fn tests_of(&self, command: &Command) -> Vec<Test> {
        let single = |status| vec![Test::new(self.name, command.name, status)];
        let Some((_, kind, allowed)) = COMMANDS.iter().find(|(name, ..)| *name == command.name) else {
            let near = did_you_mean(command.name, COMMANDS.map(|(name, ..)| name));
            let at = self.file.at(command.line);
            return single(Status::Failed(format!("{at}: unknown test command `{}`{near}", command.name)));
        };
        if let Some(option) = command.options.iter().find(|option| !allowed.contains(option)) {
            let at = self.file.at(command.line);
            let why = format!("{at}: `test {}` has no option `{option}`", command.name);
            return single(Status::Failed(why));
        }
        if let Some(feature) = self.file.header.features.first() {
            return single(Status::Skipped(format!("requires the feature {feature}")));
        }
        if *kind == Kind::NotYet {
            return single(Status::Skipped(format!("`test {}` is not supported yet", command.name)));
        }
        if kind.is_per_target() {
            return self.for_targets(*kind, command);
        }
        if !self.options.wants(self.name, command.name) {
            return Vec::new();
        }
        let mut notes = Vec::new();
        let status = self.without_target(*kind, &mut notes);
        let mut test = Test::new(self.name, command.name, status);
        test.outcome.notes = notes;
        vec![test]
    }

    fn without_target(&self, kind: Kind, notes: &mut Vec<String>) -> Status {
        // What the verifier allows depends on the target if the file is for a single one.
        let env = match &self.file.header.targets[..] {
            [line] => match &line.target {
                Ok((_, flags)) => Environment::new(flags),
                Err(why) => return Status::Skipped(why.clone()),
            },
            _ => Environment::ANY,
        };
        let result = match kind {
            Kind::Cat => subtests::cat(self.file),
            Kind::PrintCfg => subtests::print_cfg(self.file),
            Kind::Domtree => subtests::dominators(self.file),
            Kind::Interpret => interpret::test(self.file, env, notes),
            Kind::Verifier
            | Kind::Compile
            | Kind::Run
            | Kind::Optimize
            | Kind::Inline
            | Kind::AliasAnalysis
            | Kind::NotYet => subtests::verifier(self.file, env),
        };
        match result {
            Ok(()) => Status::Passed,
            Err(why) => Status::Failed(why),
        }
    }

    fn for_targets(&self, kind: Kind, command: &Command) -> Vec<Test> {
        let tests = self.file.header.targets_or_all().iter().enumerate().flat_map(|(unique, line)| {
            let test = format!("{} {}", command.name, line.text);
            match &line.target {
                _ if !self.options.wants(self.name, &test) => Vec::new(),
                Err(_) if self.options.only.is_some() => Vec::new(),
                Err(why) => vec![Test::new(self.name, &test, Status::Skipped(why.clone()))],
                Ok((target, _)) if self.options.only.is_some_and(|only| only != target.arch()) => Vec::new(),
                Ok((target, flags)) if kind == Kind::Compile => {
                    vec![Test::new(self.name, &test, compile::test(self, command, target, flags))]
                }
                Ok((_, flags)) if kind == Kind::Optimize => {
                    vec![Test::new(self.name, &test, optimize::optimize(self, command, flags))]
                }
                Ok((_, flags)) if kind == Kind::Inline => {
                    vec![Test::new(self.name, &test, optimize::inline(self, command, flags))]
                }
                Ok((_, flags)) if kind == Kind::AliasAnalysis => {
                    vec![Test::new(self.name, &test, optimize::alias_analysis(self, command, flags))]
                }
                Ok((target, flags)) => self.run(unique, &test, target, flags),
            }
        });
        tests.collect()
    }

    /// Prepares a run test. If some of its functions are left out, there is another test that is skipped for
    /// them.
    fn run(&self, unique: usize, test: &str, target: &Target, flags: &Flags) -> Vec<Test> {
        let prepared = match run::prepare(self, unique, target, flags) {
            Ok(prepared) => prepared,
            Err(status) => return vec![Test::new(self.name, test, status)],
        };
        let mut made = Test::new(self.name, test, Status::Passed);
        made.outcome.notes = prepared.notes;
        made.program = Some(prepared.program);
        let left_out = prepared.left_out.map(|(why, count)| {
            Test::new(self.name, &format!("{test}, {count} functions"), Status::Skipped(why))
        });
        [made].into_iter().chain(left_out).collect()
    }
}

/// Executes the programs of all tests, in a set for each thread and architecture.
fn execute_all(tests: &mut [Test], options: &Options, observer: &Observer) {
    let mut pending: Vec<&mut Test> = tests.iter_mut().filter(|test| test.program.is_some()).collect();
    // A stable sort, so that files stay in order.
    pending.sort_by_key(|test| test.program.as_ref().map(|program| program.arch as u8));
    let per_set = pending.len().div_ceil(rayon::current_num_threads()).max(1);
    pending.par_chunks_mut(per_set).for_each(|set| {
        let arch_of = |test: &&mut Test| test.program.as_ref().map(|program| program.arch);
        for same in set.chunk_by_mut(|a, b| arch_of(a) == arch_of(b)) {
            let programs: Vec<&Program> = same.iter().filter_map(|test| test.program.as_ref()).collect();
            let Some(first) = programs.first() else { continue };
            let start = Instant::now();
            let seconds = if options.seconds == 0 { DEFAULT_SECONDS } else { options.seconds };
            let results = execute::execute(options.toolchains.of(first.arch), seconds, &programs);
            let each = start.elapsed() / programs.len() as u32;
            for (test, result) in same.iter_mut().zip(results) {
                if let Some(program) = test.program.take() {
                    test.outcome.status = run::judge(&program, result, &mut test.outcome.notes);
                    test.outcome.time += each;
                    (observer.done)(&test.outcome);
                }
            }
        }
    });
}
