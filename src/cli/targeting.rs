//! The target and the settings to compile a file for: those of the file's `target` and `set` lines, changed
//! by the command line.

use std::ops::Range;

use clifc::diag::{Diagnostic, Source};
use clifc::options::{Arch, Flags, SETTINGS, Target};
use clifc::parse;

use super::CommandError;
use super::args::{OptArg, TargetArgs};
use super::reporting::Reporter;

/// A word of a header line: where it is, and its text.
type Word<'a> = (usize, &'a str);

/// A `target` line.
struct TargetLine<'a> {
    at: usize,
    target: Target,
    /// The settings of `set` lines above, and of the line.
    settings: Vec<Word<'a>>,
}

/// The header lines of a file that concern compilation.
#[derive(Default)]
struct Header<'a> {
    targets: Vec<TargetLine<'a>>,
    /// The first target that clifc does not know.
    unsupported: Option<Diagnostic>,
    /// The settings of all `set` lines.
    settings: Vec<Word<'a>>,
}

impl<'a> Header<'a> {
    fn read(source: &Source<'a>) -> Self {
        let mut header = Header::default();
        for range in parse::header(source.text) {
            let mut words = words(source.text, range).into_iter();
            match words.next() {
                Some((_, "set")) => header.settings.extend(words),
                Some((at, "target")) => header.target(at, words),
                _ => {}
            }
        }
        header
    }

    fn target(&mut self, at: usize, mut words: impl Iterator<Item = Word<'a>>) {
        let (at, name) = words.next().unwrap_or((at, ""));
        match Target::parse(name) {
            Ok(target) => {
                let settings = self.settings.iter().copied().chain(words).collect();
                self.targets.push(TargetLine { at, target, settings });
            }
            Err(error) => {
                self.unsupported.get_or_insert_with(|| Diagnostic::error(at, error.to_string()));
            }
        }
    }

    /// The `target` line to compile for: the one for the wanted target, or else for this machine, or else the
    /// only one. `None` if there is no line for what is wanted.
    fn choose(&self, wanted: Option<&Target>) -> Result<Option<&TargetLine<'a>>, Diagnostic> {
        let of = |arch: Arch| self.targets.iter().find(|line| line.target.arch() == arch);
        if let Some(wanted) = wanted {
            return Ok(of(wanted.arch()));
        }
        let Some(first) = self.targets.first() else {
            return self.unsupported.clone().map_or(Ok(None), Err);
        };
        let here = Target::host().ok().and_then(|host| of(host.arch()));
        match here {
            Some(line) => Ok(Some(line)),
            None if self.targets.iter().all(|line| line.target.arch() == first.target.arch()) => {
                Ok(Some(first))
            }
            None => {
                let message = "the file is for several targets: choose one with --target";
                Err(Diagnostic::error(first.at, message))
            }
        }
    }
}

/// The words of a header line without its comment.
fn words(text: &[u8], range: Range<usize>) -> Vec<Word<'_>> {
    let line = std::str::from_utf8(&text[range.clone()]).unwrap_or_default();
    let code = line.split(';').next().unwrap_or_default();
    let at = |word: &str| range.start + (word.as_ptr() as usize - line.as_ptr() as usize);
    code.split_whitespace().map(|word| (at(word), word)).collect()
}

/// Returns the target and the settings for a file.
pub fn of_file(
    args: &TargetArgs,
    source: &Source,
    reporter: &Reporter,
) -> Result<(Target, Flags), CommandError> {
    let wanted = args.target.as_deref().map(Target::parse).transpose();
    let wanted = wanted.map_err(|error| CommandError::Usage(error.to_string()))?;
    let header = Header::read(source);
    let mut diagnostics = Vec::new();
    let line = header.choose(wanted.as_ref()).map_err(|wrong| {
        reporter.report(source, &[wrong]);
        CommandError::Input
    })?;
    if let (Some(wanted), None, Some(first)) = (&wanted, line, header.targets.first()) {
        let message = format!("the file is for {}, but --target says {}", first.target.arch(), wanted.arch());
        diagnostics.push(Diagnostic::warning(first.at, message));
    }
    let target = match (wanted, line) {
        (Some(wanted), _) => wanted,
        (None, Some(line)) => line.target.clone(),
        (None, None) => Target::host().map_err(|error| CommandError::Usage(error.to_string()))?,
    };
    let settings = line.map_or(&header.settings, |line| &line.settings);
    let mut flags = Flags::new(&target);
    for (at, word) in settings {
        let applied = if line.is_some() { flags.apply(word) } else { flags.apply_where_known(word) };
        diagnostics.extend(applied.err().map(|why| Diagnostic::error(*at, why)));
    }
    let of_file = flags;
    apply(args, &mut flags).map_err(CommandError::Usage)?;
    diagnostics.extend(contradictions(settings, &of_file, &flags));
    diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
    let wrong = reporter.report(source, &diagnostics);
    if wrong | say_what_has_no_effect(args, target.arch(), reporter) {
        return Err(CommandError::Input);
    }
    Ok((target, flags))
}

/// Returns the target and the settings of the command line alone.
pub fn of_command(args: &TargetArgs, reporter: &Reporter) -> Result<(Target, Flags), CommandError> {
    of_file(args, &Source { name: "", text: b"" }, reporter)
}

/// Applies the settings of the command line.
fn apply(args: &TargetArgs, flags: &mut Flags) -> Result<(), String> {
    if let Some(level) = args.opt {
        flags.set("opt_level", level.setting())?;
    }
    args.cpu.iter().try_for_each(|name| flags.set_cpu(name))?;
    args.settings.iter().try_for_each(|setting| flags.apply(setting))
}

/// Returns warnings about settings that the file and the command line give different values.
fn contradictions(settings: &[Word], of_file: &Flags, flags: &Flags) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for (at, word) in settings {
        let name = word.split('=').next().unwrap_or_default();
        // Presets have no values of their own.
        let (Ok(file), Ok(command)) = (of_file.show(name), flags.show(name)) else { continue };
        let message = format!("the file sets `{name}` to {file}, but the command line to {command}");
        if file != command && !found.iter().any(|before| before.message == message) {
            found.push(Diagnostic::warning(*at, message));
        }
    }
    found
}

/// Warns about settings of the command line that have no effect on a target. Returns whether that is an
/// error.
fn say_what_has_no_effect(args: &TargetArgs, arch: Arch, reporter: &Reporter) -> bool {
    let asked = args.opt.filter(|level| *level != OptArg::None).map(|_| "opt_level");
    let given = args.settings.iter().filter_map(|setting| setting.split('=').next());
    let mut wrong = false;
    for name in asked.into_iter().chain(given) {
        let row = SETTINGS.iter().find(|row| row.name == name);
        if let Some(why) = row.and_then(|row| row.no_effect_on(arch)) {
            wrong |= reporter.warn(&format!("`{name}` has no effect on {arch}, because {why}"));
        }
    }
    wrong
}
