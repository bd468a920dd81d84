//! Checking files without compiling them: parses and verifies.

use rayon::prelude::*;
use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::ir::{ExceptionTable, Format, Function, Handler, Inst, Module, StructTypes};
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
        verify::diagnostics(errors, &positions, text).collect()
    }

    /// Returns the errors in the handlers of the function that was checked last: tags that the file does not
    /// define. They are those that the object writer finds, and reports in the same place.
    fn check_handlers(&self, module: &Module, item: &FunctionText) -> Vec<Diagnostic> {
        let stencil = &self.ir.function.stencil;
        let mut errors = Vec::new();
        if module.personality.is_none() || stencil.exception_tables.is_empty() {
            return errors;
        }
        for &block in self.ir.analysis.order.rpo() {
            let Some(data) = stencil.terminator(block).map(|inst| &stencil.insts[inst]) else { continue };
            if !matches!(data.opcode.format(), Format::TryCall | Format::TryCallIndirect) {
                continue;
            }
            let handlers = &stencil.exception_tables[ExceptionTable(data.c)].handlers;
            let tags = handlers.iter().filter_map(|handler| match *handler {
                Handler::Tag(tag, _) => Some(Some(tag)),
                Handler::Default(_) => Some(None),
                Handler::Context(_) => None,
            });
            if let Err(message) = module.check_handlers(tags) {
                errors.push(Diagnostic::error(item.text.start, message));
            }
        }
        errors.dedup();
        errors
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
    let of_functions = functions.map_init(
        || Checker::new(&module.types),
        |checker, item| {
            let errors = checker.check(text, item, env);
            if errors.is_empty() { checker.check_handlers(&module, item) } else { errors }
        },
    );
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

    #[test]
    fn tags_of_handlers_are_defined() {
        let function = "function %f() {\n sig0 = () system_v\n fn0 = %g sig0\nblock0:\n \
                        try_call fn0(), sig0, block1, [ tag1: block1 ]\nblock1:\n return\n}\n";
        let errors = |items: &str| file((items.to_string() + function).as_bytes(), Environment::ANY).len();
        assert_eq!(errors(""), 0);
        assert_eq!(errors("personality %p\n"), 1);
        assert_eq!(errors("personality %p\ntag 1 = %x\n"), 0);
    }
}
