//! `clifc test`.

use clifc::filetest::{self, Options, Toolchains, Totals};
use clifc::options::Target;

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
    let options = Options {
        paths: args.paths.clone(),
        only,
        bless: args.bless,
        settings: args.settings.clone(),
        toolchains,
    };
    let outcomes = with_threads(args.jobs, || filetest::run(&options))?;
    let outcomes = outcomes.map_err(|error| CommandError::Usage(error.to_string()))?;
    let write = |path: &Option<std::path::PathBuf>, text: &dyn Fn() -> String| match path {
        Some(path) => std::fs::write(path, text())
            .map_err(|error| CommandError::System(format!("{}: {error}", path.display()))),
        None => Ok(()),
    };
    write(&args.json, &|| filetest::json(&outcomes))?;
    write(&args.junit, &|| filetest::junit(&outcomes))?;
    print(filetest::text(&outcomes, args.verbose))?;
    let totals = Totals::of(&outcomes);
    match totals.failed > 0 || args.fail_on_skip && totals.skipped > 0 {
        true => Err(CommandError::Input),
        false => Ok(()),
    }
}
