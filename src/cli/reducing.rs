//! `clifc reduce`.
//!
//! Each candidate is written to a file in a directory of its own, where the commands run, so that what they
//! leave behind disturbs nothing.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clifc::check;
use clifc::diag::Source;
use clifc::options::{Flags, SETTINGS, Target};
use clifc::parse;
use clifc::reduce::{self, Reduced};
use clifc::temporary::Temporary;
use clifc::verify::Environment;

use super::args::{OptArg, Reduce, TargetArgs};
use super::reporting::{Reporter, say};
use super::{BUG, CommandError, input, output, targeting};

/// Reduces a file.
pub fn run(args: &Reduce, reporter: &Reporter) -> Result<(), CommandError> {
    let files = input::read_all(std::slice::from_ref(&args.file))?;
    let Some(file) = files.first() else { return Ok(()) };
    let source = Source { name: &file.name, text: &file.text };
    let machine = targeting::of_file(&args.target, &source, reporter)?;
    let name = args.file.file_name().filter(|name| *name != "-").unwrap_or("stdin.clif".as_ref());
    let directory =
        Temporary::of_process("reduce").map_err(|error| CommandError::System(error.to_string()))?;
    let candidate = directory.path().join(name);
    let mut trouble = None;
    let mut check =
        |text: &[u8]| match trouble.is_none().then(|| is_interesting(args, &machine, &candidate, text)) {
            Some(Ok(interesting)) => interesting,
            Some(Err(why)) => {
                trouble = Some(why);
                false
            }
            None => false,
        };
    if !check(&file.text) {
        let why = "the file does not pass the check, so there is nothing to keep while it is reduced; \
                   commands run in an empty directory, and need absolute paths of other files";
        return Err(trouble.unwrap_or_else(|| CommandError::Usage(why.into())));
    }
    let Reduced { text, checks } = reduce::reduce(&file.text, Environment::new(&machine.1), &mut check);
    if let Some(why) = trouble {
        return Err(why);
    }
    output::write(args.output.as_deref().unwrap_or(Path::new("-")), &text)?;
    let (before, after) = (file.text.len(), text.len());
    say(format!("clifc: {before} bytes reduced to {after}, in {checks} checks\n"));
    Ok(())
}

/// Whether a text shows what the command line asks for.
fn is_interesting(
    args: &Reduce,
    machine: &(Target, Flags),
    path: &Path,
    text: &[u8],
) -> Result<bool, CommandError> {
    let system = |error: std::io::Error| CommandError::System(format!("{}: {error}", path.display()));
    fs::write(path, text).map_err(system)?;
    let limit = Duration::from_secs(args.timeout.unwrap_or(10).into());
    if let Some(command) = &args.check {
        return Ok(run_limited(shell(command, path), limit)?.is_some_and(|(status, _)| status.success()));
    }
    if args.crash {
        let command = build(&args.target, path)?;
        let crashed = |status: ExitStatus| status.signal().is_some() || status.code() == Some(BUG.into());
        // Taking too long is a defect as well.
        return Ok(run_limited(command, limit)?.is_none_or(|(status, _)| crashed(status)));
    }
    if args.wrong {
        return wrong(machine, path, text, limit);
    }
    let [first, second] = &args.differ[..] else { return Ok(false) };
    let results = [first, second].map(|command| run_limited(shell(command, path), limit));
    let [first, second] = results;
    match (first?, second?) {
        (Some((a, first)), Some((b, second))) if a.signal().is_none() && b.signal().is_none() => {
            Ok((a.code(), first) != (b.code(), second))
        }
        _ => Ok(false),
    }
}

/// A command of the shell, in the file's directory. `{}` stands for the file; without, it is the last
/// argument.
fn shell(command: &str, path: &Path) -> Command {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let quoted = format!("'{}'", name.replace('\'', "'\\''"));
    let line = match command.contains("{}") {
        true => command.replace("{}", &quoted),
        false => format!("{command} {quoted}"),
    };
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line).current_dir(path.parent().unwrap_or(Path::new(".")));
    shell
}

/// This program.
fn itself() -> Result<Command, CommandError> {
    let program: PathBuf =
        std::env::current_exe().map_err(|error| CommandError::System(error.to_string()))?;
    Ok(Command::new(program))
}

/// The command that compiles a file with the options about the target.
fn build(target: &TargetArgs, path: &Path) -> Result<Command, CommandError> {
    let mut command = itself()?;
    command.args(["build", "--no-cache", "-j1", "-o", "/dev/null"]).arg(path);
    let values = [("--target", &target.target), ("--cpu", &target.cpu)];
    for (option, value) in values.into_iter().filter_map(|(option, value)| Some((option, value.as_ref()?))) {
        command.args([option, value]);
    }
    target.settings.iter().for_each(|setting| {
        command.args(["--set", setting]);
    });
    if let Some(level) = target.opt.map(OptArg::setting) {
        command.args(["--set", &format!("opt_level={level}")]);
    }
    Ok(command)
}

/// Whether compiled code gives other results than the interpreter, of the calls in the file's `run:` and
/// `print:` comments.
fn wrong(
    (target, flags): &(Target, Flags),
    path: &Path,
    text: &[u8],
    limit: Duration,
) -> Result<bool, CommandError> {
    if !check::file(text, Environment::new(flags)).is_empty() {
        return Ok(false);
    }
    let settings = changed_settings(target, flags);
    let printed = |command: &str| -> Result<Option<Vec<String>>, CommandError> {
        let file = path.with_extension(format!("{command}.clif"));
        let mut contents = format!("test {command}\ntarget {}\n", target.arch().name());
        contents += &printing(text);
        fs::write(&file, contents).map_err(|error| CommandError::System(error.to_string()))?;
        let mut test = itself()?;
        test.args(["test", "-j1", "--target", target.arch().name()]).arg(&file);
        settings.iter().for_each(|setting| {
            test.args(["--set", setting]);
        });
        let Some((status, out)) = run_limited(test, limit)? else { return Ok(None) };
        let lines = String::from_utf8_lossy(&out).into_owned();
        Ok(status.success().then(|| results(&lines)))
    };
    let right = printed("interpret")?;
    // A program without defined results shows nothing.
    let Some(right) = right.filter(|results| !results.is_empty()) else { return Ok(false) };
    Ok(printed("run")?.is_none_or(|results| results != right))
}

/// The settings that are not the target's defaults.
fn changed_settings(target: &Target, flags: &Flags) -> Vec<String> {
    let defaults = Flags::new(target);
    let setting = |name: &str| {
        let value = flags.show(name).ok()?;
        (defaults.show(name).as_ref() != Ok(&value)).then(|| format!("{name}={value}"))
    };
    SETTINGS.iter().filter_map(|row| setting(row.name)).collect()
}

/// The file without header lines, with a `print:` comment for each call.
fn printing(text: &[u8]) -> String {
    let mut lines = String::new();
    let header = parse::header(text);
    let start = header.last().map_or(0, |line| line.end);
    for line in String::from_utf8_lossy(&text[start..]).lines() {
        match line.strip_prefix("; run: ") {
            Some(call) => {
                let end = call.find(')').map_or(call.len(), |at| at + 1);
                lines += &format!("; print: {}\n", &call[..end]);
            }
            None => lines += &format!("{line}\n"),
        }
    }
    lines
}

/// The calls and results in the output of `clifc test`, without the name of the target.
fn results(output: &str) -> Vec<String> {
    let shown = output.lines().filter_map(|line| Some(line[line.find('%')?..].rsplit_once(" on ")?.0));
    shown.map(str::to_string).collect()
}

/// Runs a command up to a time limit, and returns its status and output; `None` if it was stopped.
fn run_limited(mut command: Command, limit: Duration) -> Result<Option<(ExitStatus, Vec<u8>)>, CommandError> {
    let system = |error: std::io::Error| CommandError::System(error.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(system)?;
    let mut pipe = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut out = Vec::new();
        if let Some(pipe) = &mut pipe {
            // What can't be read is not compared.
            let _ = std::io::Read::read_to_end(pipe, &mut out);
        }
        out
    });
    let start = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().map_err(system)? {
            return Ok(Some((status, reader.join().unwrap_or_default())));
        }
        if start.elapsed() > limit {
            child.kill().map_err(system)?;
            child.wait().map_err(system)?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_compared_without_the_target() {
        assert_eq!(results("a.clif:3: %f(1) is [7] on x86_64\n1 passed\n"), ["%f(1) is [7]"]);
    }

    #[test]
    fn calls_are_printed() {
        let text = b"test run\nfunction %f() -> i8 {\n}\n; run: %f(1) == 3\n; print: %f(2)\n";
        assert_eq!(printing(text).trim_start(), "function %f() -> i8 {\n}\n; print: %f(1)\n; print: %f(2)\n");
    }
}
