//! Warns of functions that are imported with another signature than the file defines them with. Such a call
//! passes what the function does not expect, and no linker finds it.

use std::collections::HashMap;

use crate::diag::{Diagnostic, Source};
use crate::ir::{Function, Module, SourceMap};
use crate::object::Contradiction;
use crate::parse::{self, ParseContext, Split};

/// Returns the warnings. The functions are parsed again for the signatures and their positions.
pub(super) fn diagnostics(
    source: &Source,
    split: &Split,
    module: &Module,
    found: &[Contradiction],
) -> Vec<Diagnostic> {
    let mut parser = ParseContext::with_types(&module.types);
    let mut read = |offset: usize| read_again(source, split, offset, &mut parser);
    let mut definitions: HashMap<usize, Option<String>> = HashMap::new();
    let mut user = None;
    let mut warnings = Vec::new();
    for contradiction in found {
        if user.as_ref().is_none_or(|(offset, _)| *offset != contradiction.user) {
            user = Some((contradiction.user, read(contradiction.user)));
        }
        let defined = definitions.entry(contradiction.definition).or_insert_with(|| {
            let (function, _) = read(contradiction.definition)?;
            Some(function.signature(&function.stencil.signature).to_string())
        });
        let (Some((_, Some((function, positions)))), Some(defined)) = (&user, defined) else { continue };
        let declared = function.stencil.functions.iter();
        let declared = declared.filter_map(|(key, function)| function.as_ref().map(|data| (key, data)));
        for (key, data) in declared.filter(|(_, data)| data.name == contradiction.name) {
            let Some(Some(signature)) = function.stencil.signatures.get(data.signature) else { continue };
            let name = &function.params.names[data.name];
            let imported = function.signature(signature);
            let message = format!("{name} is declared as `{imported}`, but it is defined as `{defined}`");
            let at = positions.functions.get(key).copied().unwrap_or(contradiction.user);
            warnings.push(Diagnostic::warning(at, message).also(contradiction.definition, "defined here"));
        }
    }
    warnings
}

/// Parses the function that begins at an offset again, for positions.
pub(super) fn read_again(
    source: &Source,
    split: &Split,
    offset: usize,
    parser: &mut ParseContext,
) -> Option<(Function, SourceMap)> {
    let at = split.functions.binary_search_by_key(&offset, |function| function.text.start).ok()?;
    let text = &source.text[split.functions[at].text.clone()];
    let (mut function, mut positions) = (Function::default(), SourceMap::default());
    parse::function_with_positions(text, offset, parser, &mut function, &mut positions).ok()?;
    Some((function, positions))
}
