//! What is wrong with a command line, in one line as other messages are.
//!
//! clap knows what is wrong. Its texts name one letter of an option with a single dash, and propose options
//! that have little in common with the one that was given.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};
use clifc::diag::did_you_mean;

use super::args::Cli;

/// Describes an error about the arguments.
pub fn describe(error: &Error, args: &[OsString]) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let (arg, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    match error.kind() {
        ErrorKind::UnknownArgument => unknown_option(&arg, args),
        ErrorKind::InvalidSubcommand => unknown_command(&text(ContextKind::InvalidSubcommand)),
        ErrorKind::InvalidValue if value.is_empty() => format!("`{arg}` needs a value"),
        ErrorKind::InvalidValue if arg.starts_with("--opt-level") => {
            format!("invalid value `{value}` for `-O`: expected none, speed or size, or 0 to 3, g, s or z")
        }
        ErrorKind::InvalidValue => {
            let valid = text(ContextKind::ValidValue);
            format!("invalid value `{value}` for `{arg}`: expected one of {valid}")
        }
        ErrorKind::MissingRequiredArgument => format!("missing argument: {arg}"),
        ErrorKind::ValueValidation => of_value(&first_paragraph(&error.render().to_string())),
        _ => first_paragraph(&error.render().to_string()).replace('\'', "`"),
    }
}

/// A message about a value, with ranges and numbers in words.
fn of_value(text: &str) -> String {
    let text = text.replace('\'', "`").replace("invalid digit found in string", "expected a number");
    let range = text.split_once(" is not in ").and_then(|(before, range)| {
        let (message, _) = before.rsplit_once(' ')?;
        let (first, last) = range.split_once("..=")?;
        Some(format!("{message} expected {first} to {last}"))
    });
    range.unwrap_or(text)
}

/// The words of clap up to an empty line.
fn first_paragraph(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let text = lines.collect::<Vec<_>>().join(" ");
    text.strip_prefix("error: ").unwrap_or(&text).to_string()
}

/// The command among the arguments, and the arguments behind it.
fn command(args: &[OsString]) -> Option<(String, &[OsString])> {
    let is_command = |arg: &OsString| {
        let arg = arg.to_str()?;
        Cli::command().find_subcommand(arg).map(|found| found.get_name().to_string())
    };
    let at = args.iter().skip(1).position(|arg| is_command(arg).is_some())? + 1;
    Some((is_command(&args[at])?, &args[at + 1..]))
}

fn unknown_option(arg: &str, args: &[OsString]) -> String {
    let (name, rest) = command(args).map_or((String::new(), args), |(name, rest)| (name, rest));
    let help = format!("see `{} --help`", format!("clifc {name}").trim_end());
    let Some(long) = arg.strip_prefix("--") else {
        let letter = arg.trim_start_matches('-');
        let has_letter = |word: &&OsString| {
            let word = word.to_string_lossy();
            word.starts_with('-') && !word.starts_with("--") && word.contains(letter)
        };
        let word = rest.iter().find(has_letter).map_or(arg.into(), |word| word.to_string_lossy());
        return match word.starts_with('-') {
            true => format!("unknown option `{word}`; {help}"),
            false => format!("unexpected argument `{word}`; {help}"),
        };
    };
    let cli = Cli::command();
    let known = cli.find_subcommand(&name).unwrap_or(&cli);
    let names = known.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(|arg| arg.get_long());
    let long = long.split('=').next().unwrap_or(long);
    let names: Vec<String> = names.map(|name| format!("--{name}")).collect();
    match did_you_mean(&format!("--{long}"), names.iter().map(String::as_str)) {
        hint if hint.is_empty() => format!("unknown option `--{long}`; {help}"),
        hint => format!("unknown option `--{long}`{hint}"),
    }
}

fn unknown_command(word: &str) -> String {
    if word.ends_with(".clif") || Path::new(word).is_file() {
        return format!("`{word}` is a file, not a command: write `clifc build {word}`");
    }
    let cli = Cli::command();
    match did_you_mean(word, cli.get_subcommands().map(|command| command.get_name())) {
        hint if hint.is_empty() => format!("unknown command `{word}`; see `clifc --help`"),
        hint => format!("unknown command `{word}`{hint}"),
    }
}
