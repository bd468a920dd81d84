//! The subcommands. Each handles its arguments and output; the work is done by the library.

mod args;
mod building;
mod caching;
mod cat;
mod checking;
mod dependencies;
mod disasm;
mod explain;
mod explore;
mod input;
mod jobs;
mod listing;
mod manual;
mod output;
mod plan;
mod reducing;
mod reporting;
mod running;
mod spellings;
mod targeting;
mod testing;
mod wrong;

use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, ColorChoice, CommandFactory, FromArgMatches};

use self::args::{Cli, Colour, Command, ErrorFormat, ReportArgs, TargetArgs};
use self::reporting::{Reporter, say};

/// The exit code for bugs in clifc: EX_SOFTWARE of sysexits.h.
const BUG: u8 = 70;

/// Why a command failed.
#[derive(Debug)]
pub enum CommandError {
    /// The input is wrong; the errors were reported.
    Input,
    /// clifc has a bug; it was reported.
    Bug,
    /// The interpreted program exited with this code, which is not 0.
    Program(u8),
    /// The command line is wrong.
    Usage(String),
    /// The environment is at fault: a file can't be read, for example.
    System(String),
}

/// Runs the command that the process was given.
pub fn main() -> ExitCode {
    let cli = match spellings::arguments() {
        Ok(args) => match parse(args) {
            Ok(cli) => cli,
            Err(code) => return code,
        },
        Err(why) => {
            say(format!("clifc: {why}\n"));
            return ExitCode::from(2);
        }
    };
    let reporter = Reporter::new(cli.color, cli.error_format, cli.command.reports());
    quiet_panics();
    // Panics outside of a function's compilation end up here.
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| run(cli.command, &reporter)));
    let code = end(
        &reporter,
        result.unwrap_or_else(|_| {
            say("clifc: this is a bug in clifc; please report it with the command line and its files\n");
            Err(CommandError::Bug)
        }),
    );
    reporter.finish();
    code
}

/// Parses the command line, or shows what is wrong with it, the help or the version.
fn parse(args: Vec<std::ffi::OsString>) -> Result<Cli, ExitCode> {
    let colour = match chosen_colour(&args).applies_to(&io::stderr()) {
        true => ColorChoice::Always,
        false => ColorChoice::Never,
    };
    let parsed = Cli::command().color(colour).try_get_matches_from(&args);
    let parsed = parsed.and_then(|matches| {
        let mut cli = Cli::from_arg_matches(&matches)?;
        order_level(&matches, &mut cli.command);
        Ok(cli)
    });
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render();
            if error.kind() == ErrorKind::DisplayVersion {
                // Commands have no versions of their own.
                let text = text.to_string();
                let version = text.split_once(' ').map_or("", |(_, version)| version);
                return printed(format!("clifc {version}"));
            }
            printed(if colour == ColorChoice::Always { text.ansi().to_string() } else { text.to_string() })
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            say(error.render().to_string());
            ExitCode::from(2)
        }
        _ => {
            let json = args.windows(2).any(|pair| pair[0] == "--error-format" && pair[1] == "json")
                || args.iter().any(|arg| arg == "--error-format=json");
            let format = if json { ErrorFormat::Json } else { ErrorFormat::Human };
            Reporter::new(Colour::Never, format, None).error(&wrong::describe(&error, &args));
            ExitCode::from(2)
        }
    })
}

/// Prints the help or the version.
fn printed(text: String) -> ExitCode {
    end(&Reporter::new(Colour::Never, ErrorFormat::Human, None), print(text))
}

/// A level after settings of `opt_level` replaces them: of options given twice, the last counts.
fn order_level(matches: &ArgMatches, command: &mut Command) {
    let (Some((_, matches)), Some(target)) = (matches.subcommand(), command.target()) else { return };
    let last = |id: &str| matches.indices_of(id).and_then(Iterator::last);
    if target.opt.is_none() {
        return;
    }
    let level = last("opt");
    let mut indices = matches.indices_of("settings").into_iter().flatten();
    target.settings.retain(|setting| indices.next() > level || !setting.starts_with("opt_level="));
}

/// The last `--color` among arguments that may be wrong.
fn chosen_colour(args: &[std::ffi::OsString]) -> Colour {
    let mut chosen = Colour::Auto;
    for (at, arg) in args.iter().enumerate() {
        let arg = arg.to_str().unwrap_or_default();
        let value = match arg.strip_prefix("--color=") {
            Some(value) => Some(value),
            None if arg == "--color" => args.get(at + 1).and_then(|value| value.to_str()),
            None => None,
        };
        chosen = match value {
            Some("always") => Colour::Always,
            Some("never") => Colour::Never,
            Some("auto") => Colour::Auto,
            _ => chosen,
        };
    }
    chosen
}

/// Reports panics in one line, and with a backtrace only if `RUST_BACKTRACE` asks for one.
fn quiet_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |place| format!(" at {place}"));
        say(format!("clifc: panicked{place}; set RUST_BACKTRACE=1 for a backtrace\n"));
    }));
}

fn end(reporter: &Reporter, result: Result<(), CommandError>) -> ExitCode {
    let (code, why) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(CommandError::Input) => return ExitCode::from(1),
        Err(CommandError::Bug) => return ExitCode::from(BUG),
        Err(CommandError::Program(code)) => return ExitCode::from(code),
        Err(CommandError::System(why)) => (1, why),
        Err(CommandError::Usage(why)) => (2, why),
    };
    reporter.error(&why);
    ExitCode::from(code)
}

impl Command {
    /// The machine and the settings to compile for, of commands that compile.
    fn target(&mut self) -> Option<&mut TargetArgs> {
        match self {
            Command::Build(build) => Some(&mut build.target),
            Command::Check(check) => Some(&mut check.target),
            Command::Explore(explore) => Some(&mut explore.target),
            Command::Settings(settings) => Some(&mut settings.target),
            Command::Run(run) => Some(&mut run.target),
            Command::Reduce(reduce) => Some(&mut reduce.target),
            _ => None,
        }
    }

    /// The options about messages, of commands that have them.
    fn reports(&self) -> Option<&ReportArgs> {
        match self {
            Command::Build(build) => Some(&build.reports),
            Command::Check(check) => Some(&check.reports),
            _ => None,
        }
    }
}

fn run(command: Command, reporter: &Reporter) -> Result<(), CommandError> {
    match command {
        Command::Explain(explain) => explain::run(&explain),
        Command::Explore(explore) => explore::run(&explore, reporter),
        Command::Targets(targets) if targets.matrix => print(listing::matrix()),
        Command::Targets(targets) if targets.json => print(listing::targets_json()),
        Command::Targets(_) => print(listing::targets()),
        Command::Settings(mut settings) => {
            settings.target.target = settings.name.or(settings.target.target);
            let (target, flags) = targeting::of_command(&settings.target, reporter)?;
            print(match settings.json {
                true => listing::settings_json(&target, &flags),
                false => listing::settings(&target, &flags),
            })
        }
        Command::Build(build) => building::run(&build, reporter),
        Command::Cache(cache) => caching::run(&cache),
        Command::Cat(cat) => cat::run(&cat, reporter),
        Command::Cfg(cfg) => cat::graphs(&cfg, reporter),
        Command::Check(check) => checking::run(&check, reporter),
        Command::Completions(completions) => manual::completions(completions.shell),
        Command::Disasm(disasm) => disasm::run(&disasm),
        Command::Man(man) => manual::pages(man.out_dir.as_deref()),
        Command::Reduce(reduce) => reducing::run(&reduce, reporter),
        Command::Run(run) => running::run(&run, reporter),
        Command::Test(test) => testing::run(&test),
    }
}

/// Writes to standard output. It is not an error if the reader has closed the pipe.
fn print(text: impl AsRef<[u8]>) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::System(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Runs `work` in a pool of the requested number of threads.
fn with_threads<T: Send>(jobs: Option<u16>, work: impl FnOnce() -> T + Send) -> Result<T, CommandError> {
    let threads = jobs.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|error| CommandError::System(error.to_string()))?.install(work))
}
