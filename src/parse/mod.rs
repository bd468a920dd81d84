//! CLIF text to IR.
//!
//! [`split()`] finds the functions and module items of a file without reading them; [`function`] reads
//! one function in one pass over its bytes straight into the IR's arrays: no tokens, no strings, no
//! maps by name, since the number in `v123` is the index; a function with numbers far above its size is
//! read again with compact ones, which is what is printed then. What a function needs to be built is checked
//! here: references, numbers, names, result counts. Whether operands have the right types is for the
//! verifier to say.
//!
//! Text that is right costs no positions; when one is needed, [`positions`] reads the function again
//! and notes them.

mod body;
mod bytes8;
mod context;
mod cursor;
mod finish;
mod mnemonic;
mod module;
mod names;
mod number;
mod numbering;
mod operands;
mod parser;
mod preamble;
mod split;
mod sugar;
#[cfg(test)]
mod tests;

pub use context::{Failed, ParseContext};
pub use module::module;
pub use number::Integer;
pub use split::{Comment, FunctionText, Split, comments, split, split_with};

use crate::ir::{Function, SourceMap};
use parser::Parser;

/// Reads one function, `function` to `}`, that stands at `offset` in its file, into `function`, which
/// is cleared first. What is wrong is added to the context's diagnostics.
pub fn function(
    text: &[u8],
    offset: usize,
    cx: &mut ParseContext,
    function: &mut Function,
) -> Result<(), Failed> {
    read(Parser::new(text, offset, cx, function, None))
}

/// As [`function`], noting where everything stands.
pub fn function_with_positions(
    text: &[u8],
    offset: usize,
    cx: &mut ParseContext,
    function: &mut Function,
    positions: &mut SourceMap,
) -> Result<(), Failed> {
    read(Parser::new(text, offset, cx, function, Some(positions)))
}

/// Where everything stands in a function that [`function`] could read.
///
/// # Panics
///
/// If it could not.
pub fn positions(text: &[u8], offset: usize, cx: &mut ParseContext) -> SourceMap {
    let (mut function, mut positions) = (Function::default(), SourceMap::default());
    function_with_positions(text, offset, cx, &mut function, &mut positions)
        .expect("the same text, which could be parsed");
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
