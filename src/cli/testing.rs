//! `clifc test`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use clifc::filetest::{self, Observer, Options, Outcome, Status, Toolchains, Totals};
use clifc::options::Target;
use indicatif::{ProgressBar, ProgressStyle};
use regex_lite::Regex;

use super::args::Test;
use super::{CommandError, print, with_threads};

/// Runs test files and prints a report.
pub fn run(args: &Test) -> Result<(), CommandError> {
    let only = args.target.as_deref().map(Target::parse).transpose();
    let only = only.map_err(|error| CommandError::Usage(error.to_string()))?.map(|target| target.arch());
    let mut toolchains = Toolchains::default();
    for tool in &args.linkers {
        toolchains.set_linker(tool.arch, tool.command.clone());
    }
    for tool in &args.runners {
        toolchains.set_runner(tool.arch, tool.command.clone());
    }
    let filter = args.filter.as_deref().map(Regex::new).transpose();
    let options = Options {
        filter: filter.map_err(|error| CommandError::Usage(format!("--filter: {error}")))?,
        seconds: args.timeout.unwrap_or(filetest::DEFAULT_SECONDS),
        paths: args.paths.clone(),
        only,
        bless: args.bless,
        settings: args.settings.clone(),
        toolchains,
    };
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} files, {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let failed = AtomicUsize::new(0);
    let written = Mutex::new(Ok(()));
    let done = |outcome: &Outcome| {
        if matches!(outcome.status, Status::Failed(_)) {
            bar.set_message(format!("{} failed", failed.fetch_add(1, Ordering::Relaxed) + 1));
        }
        let text = outcome.text(args.verbose);
        if !text.is_empty() {
            let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
            if written.is_ok() {
                *written = bar.suspend(|| print(text));
            }
        }
    };
    let files = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let observer = Observer { done: &done, files: &files };
    let outcomes = with_threads(args.jobs, || filetest::run(&options, &observer))?;
    bar.finish_and_clear();
    written.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    let outcomes = outcomes.map_err(|error| CommandError::Usage(error.to_string()))?;
    let write = |path: &Option<std::path::PathBuf>, text: &dyn Fn() -> String| match path {
        Some(path) => std::fs::write(path, text())
            .map_err(|error| CommandError::System(format!("{}: {error}", path.display()))),
        None => Ok(()),
    };
    write(&args.json, &|| filetest::json(&outcomes))?;
    write(&args.junit, &|| filetest::junit(&outcomes))?;
    print(filetest::summary(&outcomes))?;
    let totals = Totals::of(&outcomes);
    match totals.failed > 0 || args.fail_on_skip && totals.skipped > 0 {
        true => Err(CommandError::Input),
        false => Ok(()),
    }
}
