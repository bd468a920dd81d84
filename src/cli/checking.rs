//! `clifc check`.

use clifc::diag::Source;
use clifc::driver::{self, BuildOptions, Observer, Session};

use super::args::Check;
use super::reporting::Reporter;
use super::{CommandError, input, targeting};

/// Reports what `clifc build` would report, by building and writing nothing. The input is always verified.
pub fn run(args: &Check, reporter: &Reporter) -> Result<(), CommandError> {
    let session = Session::new(0);
    let mut right = true;
    for file in input::read_all(&input::paths(&args.inputs))? {
        let source = Source { name: &file.name, text: &file.text };
        let (target, mut flags) = match targeting::of_file(&args.target, &source, reporter) {
            Ok(found) => found,
            Err(CommandError::Input) => {
                right = false;
                continue;
            }
            Err(why) => return Err(why),
        };
        flags.set("enable_verifier", "true").map_err(CommandError::Usage)?;
        let built = driver::build_in(&session, &source, &BuildOptions::new(target, flags), &Observer::NONE);
        let found = built.map_or_else(|errors| errors, |built| built.warnings);
        right &= !reporter.report(&source, &found);
    }
    if right { Ok(()) } else { Err(CommandError::Input) }
}
