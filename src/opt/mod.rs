//! Passes over the IR. They know no target. All but `legalize` are the optimiser's, and make code faster or
//! smaller.
//!
//! Each pass is a file or directory, and a row of the table in `pipeline/ir.rs`, which says when it runs:
//!
//! | file | what |
//! |---|---|
//! | `inline` | bodies of small functions in the place of calls |
//! | `legalize` | vectors that no register holds become others, at every optimisation level |
//! | `rotate` | loops that test at the top come to test at the bottom |
//! | `promote` | stack slots to values |
//! | `control_flow` | branches that always go one way, blocks that only jump, blocks in a straight line |
//! | `narrow` | the low halves of i128s alone, where nobody needs the high ones |
//! | `value_numbering` | each value is computed once; constants are folded |
//! | `rules`, `simplify` | for value numbering: an instruction is replaced by a simpler one |
//! | `known_memory` | for value numbering: what memory is known to hold |
//! | `dead_code` | for value numbering: what nobody needs is removed |
//! | `thread_jumps` | edges past branches whose outcome is known |
//! | `induction` | wide counters in the place of narrow ones that are extended |
//! | `unroll` | several iterations of a small loop in one |
//!
//! A pass reads the function as it is, records edits in an [`Editor`], and has the
//! function rebuilt once at the end.

pub mod control_flow;
mod dead_code;
pub mod induction;
pub mod inline;
mod known_memory;
pub mod legalize;
pub mod narrow;
pub mod promote;
pub mod rotate;
pub mod rules;
mod simplify;
pub mod thread_jumps;
pub mod unroll;
pub mod value_numbering;

use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::*;

/// Has the edits of an editor carried out. Returns whether there were any.
fn finish(
    func: &mut Function,
    buffers: &mut EditBuffers,
    origins: &mut Origins,
    edit: impl FnOnce(&mut Editor),
) -> bool {
    let mut editor = Editor::new(func, buffers);
    edit(&mut editor);
    editor.finish(origins)
}

/// The type and bits of a value that is a scalar constant of up to 64 bits.
fn constant(stencil: &Stencil, value: Value) -> Option<(Type, u64)> {
    let ValueDef::Result(inst, _) = stencil.value_defs[value].get() else { return None };
    let data = &stencil.insts[inst];
    match data.opcode {
        Opcode::Iconst => Some((data.ty, data.imm64())),
        Opcode::F32const => Some((types::F32, data.a.into())),
        Opcode::F64const => Some((types::F64, data.imm64())),
        _ => None,
    }
}

/// Whether an instruction can be copied: it only computes, loads or stores, and has no list of operands.
fn can_copy(stencil: &Stencil, inst: Inst) -> bool {
    let data = &stencil.insts[inst];
    data.list().is_none() && !stencil.effects(data).any(Effects::CALL.or(Effects::OTHER))
}

/// Appends a copy of an instruction to a block, with other operands, and returns it.
fn append_copy(editor: &mut Editor, to: Block, inst: Inst, copy_of: impl Fn(Value) -> Value) -> Inst {
    let data = editor.stencil().insts[inst].map_fixed_args(copy_of);
    editor.append_to(to, inst, |builder| builder.inst(data))
}

/// The results of an instruction, each with that of its copy.
fn results_of_copy(stencil: &Stencil, inst: Inst, copy: Inst) -> impl Iterator<Item = (Value, Value)> {
    let [old, new] = [inst, copy].map(|inst| stencil.inst_results(inst).iter());
    old.zip(new).map(|(&old, &new)| (Value(old), Value(new)))
}

/// Finds the uses of what some blocks define in other blocks.
#[derive(Debug, Default)]
struct Leaks {
    /// The block that defines a value, if it is one of those.
    owners: Map<Value, Option<Block>>,
    /// Whether a block is one of those, or dominated by one.
    below: Map<Block, bool>,
}

impl Leaks {
    /// Calls `found` with the block and the value for each such use, of values as `resolve` gives them.
    fn find(
        &mut self,
        stencil: &Stencil,
        analysis: &Analysis,
        owners: impl Iterator<Item = Block>,
        mut resolve: impl FnMut(Value) -> Value,
        mut found: impl FnMut(Block, Value),
    ) {
        self.owners.clear();
        self.below.clear();
        // What is not reached may use anything.
        self.below.resize(stencil.blocks.len(), true);
        analysis.order.rpo().iter().for_each(|&block| self.below[block] = false);
        for owner in owners.filter(|&owner| analysis.dominators.dominates_others(owner)) {
            self.owners.resize(stencil.value_defs.len(), None);
            self.below[owner] = true;
            let results = stencil.block_insts(owner).flat_map(|inst| stencil.inst_results(inst));
            for &value in stencil.block_params(owner).iter().chain(results) {
                self.owners[Value(value)] = Some(owner);
            }
        }
        if self.owners.is_empty() {
            return;
        }
        for &block in analysis.order.rpo() {
            self.below[block] |= analysis.dominators.idom(block).is_some_and(|above| self.below[above]);
        }
        for &block in stencil.layout.iter().filter(|&&block| self.below[block]) {
            let mut used = |value: Value| {
                let value = resolve(value);
                if let Some(owner) = self.owners[value].filter(|&owner| owner != block) {
                    found(owner, value);
                }
            };
            for inst in stencil.block_insts(block) {
                stencil.visit_values(&stencil.insts[inst], &mut used);
            }
        }
    }
}

/// The block that defines a value, which must be there already.
fn owner_of(stencil: &Stencil, value: Value) -> Option<Block> {
    match stencil.value_defs[value].get() {
        ValueDef::Param(owner, _) => Some(owner),
        ValueDef::Result(inst, _) => Some(block_of(stencil, inst)),
        ValueDef::None => None,
    }
}

/// The block of an instruction, which must not be a new one of an editor.
fn block_of(stencil: &Stencil, inst: Inst) -> Block {
    let after = stencil.layout.partition_point(|&block| stencil.blocks[block].start <= inst.0);
    stencil.layout[after - 1]
}
