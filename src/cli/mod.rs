//! The subcommands. Each handles its arguments and output; the work is done by the library.

mod args;
mod building;
mod caching;
mod cat;
mod checking;
mod disasm;
mod explain;
mod input;
mod listing;
mod output;
mod running;
mod testing;

use std::io::{self, IsTerminal, Write};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser;
use clifc::options::{Flags, Target};

use self::args::{Cli, Colour, Command, OptArg, TargetArgs};

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
    let cli = match args::expand() {
        Ok(args) => Cli::parse_from(args),
        Err(why) => return end(Err(CommandError::Usage(why))),
    };
    let colour = match cli.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    quiet_panics();
    // Panics outside of a function's compilation end up here.
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| run(cli.command, colour)));
    end(result.unwrap_or_else(|_| {
        eprintln!("clifc: this is a bug in clifc; please report it with the command line and its files");
        Err(CommandError::Bug)
    }))
}

/// Reports panics in one line, and with a backtrace only if `RUST_BACKTRACE` asks for one.
fn quiet_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |place| format!(" at {place}"));
        eprintln!("clifc: panicked{place}; set RUST_BACKTRACE=1 for a backtrace");
    }));
}

fn end(result: Result<(), CommandError>) -> ExitCode {
    let (code, why) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(CommandError::Input) => return ExitCode::from(1),
        Err(CommandError::Bug) => return ExitCode::from(BUG),
        Err(CommandError::Program(code)) => return ExitCode::from(code),
        Err(CommandError::System(why)) => (1, why),
        Err(CommandError::Usage(why)) => (2, why),
    };
    eprintln!("clifc: {why}");
    ExitCode::from(code)
}

fn run(command: Command, colour: bool) -> Result<(), CommandError> {
    match command {
        Command::Explain(explain) => {
            let texts: Result<Vec<_>, _> =
                explain.opcodes.iter().map(|name| explain::explain(name)).collect();
            let texts = texts.map_err(CommandError::Usage)?;
            print(if texts.is_empty() { explain::summary() } else { texts.join("\n") })
        }
        Command::Targets(targets) if targets.matrix => print(listing::matrix()),
        Command::Targets(_) => print(listing::targets()),
        Command::Settings(mut settings) => {
            settings.target.target = settings.name.or(settings.target.target);
            let (target, flags) = target(&settings.target)?;
            print(listing::settings(&target, &flags))
        }
        Command::Build(build) => building::run(&build, colour),
        Command::Cache(cache) => caching::run(&cache),
        Command::Cat(cat) => cat::run(&cat, colour),
        Command::Cfg(inputs) => cat::graphs(&inputs, colour),
        Command::Check(check) => checking::run(&check, colour),
        Command::Disasm(disasm) => disasm::run(&disasm),
        Command::Run(run) => running::run(&run, colour),
        Command::Test(test) => testing::run(&test),
    }
}

/// Writes to standard output. It is not an error if the reader has closed the pipe.
fn print(text: impl AsRef<[u8]>) -> Result<(), CommandError> {
    match io::stdout().write_all(text.as_ref()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::System(error.to_string()))
        }
        _ => Ok(()),
    }
}

/// Returns the target and settings that arguments ask for.
fn target(args: &TargetArgs) -> Result<(Target, Flags), CommandError> {
    let target = match &args.target {
        Some(name) => Target::parse(name),
        None => Target::host(),
    };
    let target = target.map_err(|error| CommandError::Usage(error.to_string()))?;
    let mut flags = Flags::new(&target);
    let level = match args.opt {
        OptArg::None => "none",
        OptArg::Speed => "speed",
        OptArg::Size => "speed_and_size",
    };
    let mut all = || -> Result<(), String> {
        flags.set("opt_level", level)?;
        args.cpu.iter().try_for_each(|name| flags.set_cpu(name))?;
        args.settings.iter().try_for_each(|setting| flags.apply(setting))
    };
    all().map_err(CommandError::Usage)?;
    Ok((target, flags))
}

/// Runs `work` in a pool of the requested number of threads.
fn with_threads<T: Send>(jobs: Option<u16>, work: impl FnOnce() -> T + Send) -> Result<T, CommandError> {
    let threads = jobs.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|error| CommandError::System(error.to_string()))?.install(work))
}
