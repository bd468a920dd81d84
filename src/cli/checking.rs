//! `clifc check`.

use clifc::check;
use clifc::diag::{Diagnostic, Source};
use clifc::verify::Environment;

use super::args::Check;
use super::{CommandError, input, target};

/// Reports all errors in files.
pub fn run(args: &Check, colour: bool) -> Result<(), CommandError> {
    let (_, flags) = target(&args.target)?;
    let mut right = true;
    for file in input::read_all(&args.inputs)? {
        let found = check::file(&file.text, Environment::new(&flags));
        report(&Source { name: &file.name, text: &file.text }, &found, colour);
        right &= found.is_empty();
    }
    if right { Ok(()) } else { Err(CommandError::Input) }
}

/// Prints diagnostics of a file to stderr.
pub fn report(source: &Source, diagnostics: &[Diagnostic], colour: bool) {
    for diagnostic in diagnostics {
        eprint!("{}", source.render(diagnostic, colour));
    }
}
