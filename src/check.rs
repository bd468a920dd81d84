//! Checking files without compiling them: parses and verifies.

use rayon::prelude::*;
use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::ir::{Function, Inst, Module, StructTypes};
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
    /// A checker for functions of a file with these `type` items.
    pub fn new(types: &Arc<StructTypes>) -> Self {
        Checker { context: ParseContext::with_types(types), ..Checker::default() }
    }

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

    /// Like [`check`](Self::check), and returns positions and messages with Cranelift's phrases, by which its
    /// tests recognise errors.
    pub(crate) fn phrases(
        &mut self,
        text: &[u8],
        item: &FunctionText,
        env: Environment,
    ) -> Vec<(usize, String)> {
        let source = &text[item.text.clone()];
        if parse::function(source, item.text.start, &mut self.context, &mut self.ir.function).is_err() {
            let diagnostics = std::mem::take(&mut self.context.diagnostics);
            return diagnostics.into_iter().map(|wrong| (wrong.offset, wrong.message)).collect();
        }
        let errors = self.ir.check(env);
        if errors.is_empty() {
            return Vec::new();
        }
        let positions = parse::positions(source, item.text.start, &mut self.context);
        errors.iter().map(|error| (error.location.offset(&positions), error.message.clone())).collect()
    }
}

/// Returns the errors in a file, in the order of its text.
pub fn file(text: &[u8], env: Environment) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let split = parse::split(text, &mut diagnostics);
    let module = parse::module(text, &split, &mut diagnostics);
    let functions = split.functions.par_iter();
    let of_functions =
        functions.map_init(|| Checker::new(&module.types), |checker, item| checker.check(text, item, env));
    diagnostics.par_extend(of_functions.flatten_iter());
    diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
    diagnostics
}

/// A file without errors.
#[derive(Debug)]
pub struct Checked {
    /// The functions, in order.
    pub functions: Vec<Function>,
    /// The items other than functions.
    pub module: Module,
    /// Byte offset of each function in the text.
    pub offsets: Vec<usize>,
}

/// Parses and verifies a whole file.
pub fn whole(text: &[u8], env: Environment) -> Result<Checked, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let split = parse::split(text, &mut diagnostics);
    let module = parse::module(text, &split, &mut diagnostics);
    let read = |checker: &mut Checker, item: &FunctionText| {
        let errors = checker.check(text, item, env);
        (std::mem::take(&mut checker.ir.function), errors)
    };
    let read = split.functions.par_iter().map_init(|| Checker::new(&module.types), read);
    let (functions, errors): (Vec<_>, Vec<_>) = read.unzip();
    diagnostics.extend(errors.into_iter().flatten());
    diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
    let offsets = split.functions.iter().map(|item| item.text.start).collect();
    if diagnostics.is_empty() { Ok(Checked { functions, module, offsets }) } else { Err(diagnostics) }
}

/// Returns the byte offset in the text of an instruction of a function without errors.
pub fn place(text: &[u8], item: &FunctionText, inst: Inst) -> usize {
    let (source, start) = (&text[item.text.clone()], item.text.start);
    let positions = parse::positions(source, start, &mut ParseContext::with_types(&parse::types(text)));
    positions.insts.get(inst).copied().unwrap_or(start)
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
