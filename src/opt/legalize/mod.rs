//! Replaces vectors that no target has registers for, at every optimisation level: those of more than 128
//! bits, and those whose size depends on the target.
//!
//! The scale of dynamic vectors is 1 on all targets, so they become the fixed vectors of their minimum size
//! (`dynamic.rs`). A vector of more than 128 bits becomes several of 128 bits, its parts, in the order of
//! their lanes (`parts.rs`); what computes on it computes on the parts (`large.rs`), and lists of values have
//! the parts instead (`lists.rs`). In a signature, too, a large vector counts as its parts: LLVM passes it
//! like that.
//!
//! Most functions have no such vectors; for them, the pass only looks at the types of values.

mod dynamic;
mod large;
mod lists;
mod parts;

use crate::analysis::Analysis;
use crate::ir::*;

use super::finish;
use large::Large;

/// Something that the pass can't replace.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The instruction.
    pub inst: Inst,
    /// Why.
    pub message: String,
}

/// Which types the pass replaces.
const REPLACED: [bool; 256] = {
    let mut replaced = [false; 256];
    let mut code = 16;
    while code < 256 {
        let ty = Type(code as u8);
        replaced[code] = (code & 15) < 10 && (ty.is_dynamic() || is_large(ty));
        code += 1;
    }
    replaced
};

/// Whether a type is a fixed vector that has parts. Lanes of 128 bits are not in any register.
const fn is_large(ty: Type) -> bool {
    ty.is_vector() && !ty.is_dynamic() && ty.bits() > 128 && ty.lane_bits() <= 64
}

/// Runs the pass. Analyses are those of the function before and after.
pub fn run(
    func: &mut Function,
    analysis: &mut Analysis,
    buffers: &mut EditBuffers,
    origins: &mut Origins,
) -> Result<(), Refusal> {
    let types = &func.stencil.value_types;
    let found = types.values().fold(false, |found, ty| found | REPLACED[usize::from(ty.0)]);
    if !found && func.stencil.dynamic_stack_slots.is_empty() {
        return Ok(());
    }
    dynamic::run(&mut func.stencil)?;
    if !func.stencil.value_types.values().any(|&ty| is_large(ty)) {
        return Ok(());
    }
    large::check(&func.stencil, analysis)?;
    finish(func, buffers, origins, |editor| Large::new(editor).run(analysis));
    analysis.compute(&func.stencil);
    Ok(())
}
