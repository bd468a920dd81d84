//! Checking files without compiling them: parses and verifies.

use rayon::prelude::*;

use crate::diag::Diagnostic;
use crate::parse::{self, FunctionText, ParseContext};
use crate::pipeline::IrHalf;
use crate::verify::{self, Environment};

/// Checks functions one after the other in the same buffers, by the IR half of the pipeline.
#[derive(Default)]
pub struct Checker {
    /// The IR half, with the last function that could be parsed.
    pub ir: IrHalf,
    context: ParseContext,
}

impl Checker {
    /// Returns the errors in a function of the file `text`.
    pub fn check(&mut self, text: &[u8], item: &FunctionText, env: Environment) -> Vec<Diagnostic> {
        let source = &text[item.text.clone()];
        if parse::function(source, item.text.start, &mut self.context, &mut self.ir.function).is_err() {
            return std::mem::take(&mut self.context.diagnostics);
        }
        let errors = self.ir.check(env);
        if errors.is_empty() {
            return Vec::new();
        }
        // Only errors need positions, so the function is parsed again for them.
        let positions = parse::positions(source, item.text.start, &mut self.context);
        verify::diagnostics(errors, &positions).collect()
    }
}

/// Returns the errors in a file, in the order of its text.
pub fn file(text: &[u8], env: Environment) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let split = parse::split(text, &mut diagnostics);
    parse::module(text, &split, &mut diagnostics);
    let functions = split.functions.par_iter();
    let of_functions = functions.map_init(Checker::default, |checker, item| checker.check(text, item, env));
    diagnostics.par_extend(of_functions.flatten_iter());
    diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
    diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_all_functions_are_found_in_order() {
        let text = b"function %a() {\nblock0:\n nop\n retrn\n}\nrodata\n\
                     function %b() -> i32 {\nblock0:\n return\n}\n";
        let found = file(text, Environment::ANY);
        let lines: Vec<usize> =
            found.iter().map(|d| 1 + text[..d.offset].split(|b| *b == b'\n').count() - 1).collect();
        assert_eq!(lines, [4, 6, 9], "{found:?}");
        assert_eq!(file(b"function %a() {\nblock0:\n return\n}\n", Environment::ANY), []);
    }
}
