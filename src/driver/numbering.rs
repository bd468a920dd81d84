//! Numbers a parsed function's instructions for debug information, and packs their positions into its params.

use crate::entity::Entity;
use crate::ir::{Function, Inst, Positions, SourceMap};

/// Makes the number of each instruction its source location, and records what these numbers stand for in the
/// params. `text` is the function's text, which begins at `offset` in the file; `map` has the positions of
/// its instructions.
pub(super) fn number_instructions(function: &mut Function, map: &SourceMap, text: &[u8], offset: usize) {
    let Function { stencil, params } = function;
    let count = stencil.insts.len();
    let base = params.base_srcloc.unwrap_or(0);
    let locations = (0..count).map(|n| stencil.srcloc(Inst::new(n)).map(|at| base.wrapping_add(at)));
    let (mut at, mut line) = (0, 0);
    let lines = map.insts.values().take(count).map(|position| {
        let next = position.saturating_sub(offset).min(text.len());
        if next > at {
            // Mostly a line, for which setting up a search takes longer than looking at each byte.
            line += text[at..next].iter().filter(|byte| **byte == b'\n').count() as u32;
            at = next;
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
