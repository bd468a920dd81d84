//! Numbers a parsed function's instructions for debug information, and packs their positions into its params.

use crate::entity::Entity;
use crate::ir::{Function, Inst, Positions, SourceMap};
use crate::parse::{self, Failed, ParseContext};

/// Parses a function, whose text begins at `offset` in the file. With `positions`, a map to fill in, numbers
/// its instructions.
pub(super) fn parse_numbered(
    text: &[u8],
    offset: usize,
    parser: &mut ParseContext,
    function: &mut Function,
    positions: Option<&mut SourceMap>,
) -> Result<(), Failed> {
    let Some(positions) = positions else { return parse::function(text, offset, parser, function) };
    positions.clear();
    parse::function_with_positions(text, offset, parser, function, positions)?;
    number_instructions(function, positions, text, offset);
    Ok(())
}

/// Makes the number of each instruction its source location, and records what these numbers stand for in the
/// params. `text` is the function's text, which begins at `offset` in the file; `map` has the positions of
/// its instructions.
fn number_instructions(function: &mut Function, map: &SourceMap, text: &[u8], offset: usize) {
    let Function { stencil, params } = function;
    let count = stencil.insts.len();
    let base = params.base_srcloc.unwrap_or(0);
    let located = if stencil.srclocs.is_empty() { 0 } else { count };
    let locations = (0..located).map(|n| stencil.srcloc(Inst::new(n)).map(|at| base.wrapping_add(at)));
    let mut line = 0;
    let mut ends = memchr::memchr_iter(b'\n', text).peekable();
    let lines = map.insts.values().take(count).map(|position| {
        let at = position.saturating_sub(offset);
        while ends.next_if(|end| *end < at).is_some() {
            line += 1;
        }
        line
    });
    params.positions = Positions::new(lines, locations);
    params.positions.number_values(&map.value_numbers);
    params.base_srcloc = Some(0);
    stencil.srclocs.clear();
    (0..count).for_each(|n| {
        stencil.srclocs.push(n as u32);
    });
}
