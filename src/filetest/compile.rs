//! Compiles test files, and compares their code: `test compile`.

use super::file::{Command, TestFile, TestFunction};
use super::report::Status;
use super::{FileContext, exact, subtests};
use crate::diag::{Diagnostic, Severity, Source};
use crate::driver::{self, BuildOptions, Observer};
use crate::object::disasm::{Style, disassemble};
use crate::options::{Flags, Target};

/// Why a file does not compile.
pub(super) enum Trouble {
    /// The target does not support something: lines and messages.
    Lacking(Vec<(usize, String)>),
    /// The file or clifc is wrong: messages.
    Wrong(String),
}

/// Compiles a file, checking the result of every pass, including register allocation.
pub(super) fn object(name: &str, text: &str, target: &Target, flags: &Flags) -> Result<Vec<u8>, Trouble> {
    let source = Source { name, text: text.as_bytes() };
    let mut flags = *flags;
    flags.enable("regalloc_checker").expect("a setting of all targets");
    let mut options = BuildOptions::new(target.clone(), flags);
    options.controls.check = true;
    // In one thread: files are compiled in parallel already.
    let diagnostics = match driver::build(&source, &options, &Observer::NONE) {
        Ok(built) => return Ok(built.object),
        Err(diagnostics) => diagnostics,
    };
    let line = |diagnostic: &Diagnostic| source.line_col(diagnostic.offset).0;
    let is_lack = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Unsupported;
    let (lacks, wrong): (Vec<_>, Vec<_>) = diagnostics.iter().partition(is_lack);
    if wrong.is_empty() {
        return Err(Trouble::Lacking(lacks.into_iter().map(|d| (line(d), d.message.clone())).collect()));
    }
    let messages = wrong.into_iter().map(|d| format!("{name}:{}: {}", line(d), d.message));
    Err(Trouble::Wrong(messages.collect::<Vec<_>>().join("\n")))
}

/// `test compile`: the code of each function matches its directives, or is exactly the expected one.
pub(super) fn test(cx: &FileContext, command: &Command, target: &Target, flags: &Flags) -> Status {
    let has = |option| command.options.contains(&option);
    if has("precise-output") && !cx.options.settings.is_empty() {
        return Status::Skipped("precise output is only valid for the settings in the file".into());
    }
    let object = match object(cx.name, cx.file.text, target, flags) {
        Err(Trouble::Wrong(_)) if has("expect-fail") => return Status::Passed,
        Err(Trouble::Wrong(why)) => return Status::Failed(why),
        Err(Trouble::Lacking(lacks)) => {
            return Status::Skipped(lacks.into_iter().next().map_or(String::new(), |(_, why)| why));
        }
        Ok(_) if has("expect-fail") => return Status::Failed("expected an error, but it compiles".into()),
        Ok(object) => object,
    };
    let result = listings(cx.file, &object).and_then(|listings| match has("precise-output") {
        true if cx.file.header.targets.len() != 1 => {
            Err("`precise-output` requires a single `target` line".into())
        }
        true if cx.options.bless => {
            let blessed = exact::bless(cx.file, &listings);
            std::fs::write(cx.path, blessed).map_err(|error| error.to_string())
        }
        true => compare(cx.file, &listings, exact::compare),
        false => compare(cx.file, &listings, subtests::check),
    });
    match result {
        Ok(()) => Status::Passed,
        Err(why) => Status::Failed(why),
    }
}

/// Tests the listing of each function.
fn compare(
    file: &TestFile,
    listings: &[String],
    test: fn(&TestFile, &TestFunction, &str) -> Result<(), String>,
) -> Result<(), String> {
    let mut listings = listings.iter();
    subtests::each(file, |function| {
        let listing = listings.next().ok_or("the function has no code")?;
        test(file, function, listing)
    })
}

/// The listing of each function.
fn listings(file: &TestFile, object: &[u8]) -> Result<Vec<String>, String> {
    let mut text = Vec::new();
    disassemble(object, Style::Text, &mut text).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&text).into_owned();
    // Each is preceded by a blank line and a line with the name.
    let listings: Vec<String> = text
        .split("\n\n")
        .skip(1)
        .map(|listing| listing.split_once('\n').unwrap_or_default().1.into())
        .collect();
    match listings.len() == file.functions.len() {
        true => Ok(listings),
        false => Err("only functions in a single section can be compared".into()),
    }
}
