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
    number_instructions(function, positions, offset);
    Ok(())
}

/// Makes the number of each instruction its source location, and records what these numbers stand for in the
/// params. The function's text begins at `offset` in the file; `map` has the positions of its instructions.
fn number_instructions(function: &mut Function, map: &SourceMap, offset: usize) {
    let Function { stencil, params } = function;
    let count = stencil.insts.len();
    let base = params.base_srcloc.unwrap_or(0);
    let located = if stencil.srclocs.is_empty() { 0 } else { count };
    let locations = (0..located).map(|n| stencil.srcloc(Inst::new(n)).map(|at| base.wrapping_add(at)));
    let offsets = map.insts.values().take(count).map(|position| position.saturating_sub(offset) as u32);
    params.positions = Positions::new(offsets, locations);
    params.positions.number_values(&map.value_numbers);
    params.base_srcloc = Some(0);
    stencil.srclocs.clear();
    stencil.srclocs.extend(0..count as u32);
}
