//! Parses CLIF text to IR.
//!
//! [`split()`] finds the functions and module items of a file without parsing them. [`function`] parses one
//! function in a single pass over its bytes, straight into the arrays of the IR. There are no tokens, no
//! strings and no maps by name: the number in `v123` is the index. If numbers are far larger than the
//! function is long, it is parsed again with compact numbers, which it is then printed with.
//!
//! The parser checks what it needs to build a function: references, numbers, names, result counts. The types
//! of operands are left to the verifier.
//!
//! Parsing valid text records no positions. When a message needs one, [`positions`] parses the function again
//! and records them.

mod body;
mod bytes8;
mod context;
mod cursor;
mod errors;
mod examples;
mod finish;
mod foreign;
mod hints;
mod mentions;
mod mnemonic;
mod module;
mod names;
mod number;
mod numbering;
mod older;
mod operands;
mod parser;
mod places;
mod preamble;
mod source_checks;
mod source_items;
mod split;
mod structures;
mod sugar;
#[cfg(test)]
mod tests;

pub use context::{Failed, ParseContext};
pub use examples::example;
pub(crate) use mentions::{has_stack_limit, mentions};
pub use module::{module, types};
pub(crate) use number::Integer;
pub use older::{older_spelling, older_spellings};
pub use split::{Comment, FunctionText, Split, comments, header, split};
pub(crate) use split::{Pieces, function_name, split_with};

use crate::ir::{Function, Name, SourceMap};
use cursor::Cursor;
use parser::Parser;

/// Parses one function, from `function` to `}`. `offset` is its position in the file. Overwrites `function`,
/// and adds errors to the diagnostics of the context.
pub fn function(
    text: &[u8],
    offset: usize,
    cx: &mut ParseContext,
    function: &mut Function,
) -> Result<(), Failed> {
    read(Parser::new(text, offset, cx, function, None))
}

/// Returns the linker names that a file's comments say, as dumps of rustc's Cranelift back end have them: a
/// line `; symbol NAME` at the beginning of a function, whose own name is a number.
pub fn symbol_comments<'t>(text: &'t [u8], split: &Split) -> Vec<(Name, &'t str)> {
    let mut names = Vec::new();
    for function in &split.functions {
        let mut cur = Cursor::new(&text[function.text.clone()]);
        if !cur.eat_word(b"function") {
            continue;
        }
        let Some(name) = cur.name() else { continue };
        let lines = cur.text[cur.pos..].split(|byte| *byte == b'\n').skip(1).map(<[u8]>::trim_ascii);
        let mut comments = lines.take_while(|line| line.starts_with(b";") || line.is_empty());
        let symbol = comments.find_map(|line| line.strip_prefix(b"; symbol "));
        if let Some(Ok(symbol)) = symbol.map(std::str::from_utf8) {
            names.push((name, symbol.trim()));
        }
    }
    names
}

/// Like [`function`], and records the positions of all parts.
pub(crate) fn function_with_positions(
    text: &[u8],
    offset: usize,
    cx: &mut ParseContext,
    function: &mut Function,
    positions: &mut SourceMap,
) -> Result<(), Failed> {
    read(Parser::new(text, offset, cx, function, Some(positions)))
}

/// The positions of all parts of a function that [`function`] has parsed without errors.
///
/// # Panics
///
/// If the text has errors.
pub fn positions(text: &[u8], offset: usize, cx: &mut ParseContext) -> SourceMap {
    let (mut function, mut positions) = (Function::default(), SourceMap::default());
    function_with_positions(text, offset, cx, &mut function, &mut positions)
        .expect("the text has been parsed before");
    positions
}

fn read(mut parser: Parser) -> Result<(), Failed> {
    parser.whole_function();
    if parser.needs_numbering {
        parser.renumber();
        parser.whole_function();
    }
    parser.done()
}
