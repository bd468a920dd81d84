//! The IR half of the pipeline, which knows no target: from a parsed function to a stencil ready for
//! lowering.

use super::{CompileError, Facts, Half, Pass, Placement, Progress, Run, run_passes};
use crate::analysis::Analysis;
use crate::ir::{Block, EditBuffers, Function, Origins, Stencil, Value, Written};

use crate::opt::control_flow::ControlFlow;
use crate::opt::induction::Induction;
use crate::opt::inline::{Callees, Inline, Site};
use crate::opt::legalize;
use crate::opt::narrow::Narrow;
use crate::opt::promote::Promote;
use crate::opt::rotate::Rotate;
use crate::opt::thread_jumps::ThreadJumps;
use crate::opt::unroll::Unroll;
use crate::opt::value_numbering::ValueNumbering;
use crate::options::{Flags, OptLevel};
use crate::verify::{Environment, Verifier, VerifierError};

/// The passes over the IR, in running order. Parsing comes before them.
pub const PASSES: &[Pass<IrHalf>] = &[
    Pass {
        name: "analyse",
        doc: "edges, orders, dominators",
        needs: Facts::NONE,
        leaves: Facts::ANALYSIS,
        why_here: "first: all other passes need edges or dominators",
        optional: false,
        enabled: |_| true,
        run: analyse,
        check: unchanged,
    },
    Pass {
        name: "verify",
        doc: "checks the IR",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "before any pass that relies on what it checks",
        optional: true,
        enabled: Flags::enable_verifier,
        run: verify,
        check: unchanged,
    },
    Pass {
        name: "inline",
        doc: "bodies of small functions in the place of calls",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "before all others, to which calls are opaque; the cache knows a function as it is then",
        optional: true,
        enabled: optimizes,
        run: inline,
        check: verified,
    },
    Pass {
        name: "legalize",
        doc: "vectors that no register holds become others",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "before all other passes, which need not know such vectors then",
        optional: false,
        enabled: |_| true,
        run: legalize,
        check: verified,
    },
    Pass {
        name: "rotate",
        doc: "loops test at the bottom",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "before promotion: a test is easily copied while it reads its variables from memory",
        optional: true,
        enabled: optimizes,
        run: rotate,
        check: verified,
    },
    Pass {
        name: "promote",
        doc: "stack slots to values",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "before all that works on values: it makes values of memory",
        optional: true,
        enabled: optimizes,
        run: promote,
        check: verified,
    },
    Pass {
        name: "control_flow",
        doc: "branches that always go one way, blocks that only jump",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "before values are numbered: the walk knows memory along straight lines only",
        optional: true,
        enabled: optimizes,
        run: control_flow,
        check: verified,
    },
    Pass {
        name: "narrow",
        doc: "the low halves of i128s alone, where nobody needs the high ones",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after memory has become values, before wide operations nobody needs are removed",
        optional: true,
        enabled: optimizes,
        run: narrow,
        check: verified,
    },
    Pass {
        name: "value_numbering",
        doc: "applies rules, computes values once and outside loops, removes known loads and stores",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after memory has become values",
        optional: true,
        enabled: optimizes,
        run: value_numbering,
        check: verified,
    },
    Pass {
        name: "thread_jumps",
        doc: "edges past branches whose outcome is known",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after equal conditions have become one value, before loops take their final shape",
        optional: true,
        enabled: optimizes,
        run: thread_jumps,
        check: verified,
    },
    Pass {
        name: "late_control_flow",
        doc: "`control_flow` again, where conditions have become constants",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after conditions have been folded",
        optional: true,
        enabled: optimizes,
        run: late_control_flow,
        check: verified,
    },
    Pass {
        name: "induction",
        doc: "counters of loops are as wide as what indexes memory",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after loops have their final shape, and what does not change in them has left them",
        optional: true,
        enabled: optimizes,
        run: induction,
        check: verified,
    },
    Pass {
        name: "unroll",
        doc: "small loops do several iterations in one",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after counters are compared as they are counted",
        optional: true,
        enabled: |flags| flags.opt_level() == OptLevel::Speed,
        run: unroll,
        check: verified,
    },
    Pass {
        name: "late_value_numbering",
        doc: "values are numbered again where jumps were threaded or loops have changed",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after the passes over loops, which leave sums of constants and dead values behind",
        optional: true,
        enabled: optimizes,
        run: late_value_numbering,
        check: verified,
    },
];

/// The index of the first pass after inlining.
pub(super) const OPTIMISER: usize = 3;

/// The state of the IR half: a function and its analyses; reused from function to function.
#[derive(Default)]
pub struct IrHalf {
    /// The function, which the parser fills in and passes change.
    pub function: Function,
    /// Edges, orders and dominators of the function.
    pub analysis: Analysis,
    /// The instructions of the text that those of the function come from.
    pub origins: Origins,
    /// What is in the text, so that debug information describes it.
    pub written: Written,
    /// The bodies of the function's callees, for inlining. The caller sets this for each function.
    pub callees: Callees,
    verifier: Verifier,
    editing: EditBuffers,
    inline: Inline,
    rotate: Rotate,
    promote: Promote,
    control_flow: ControlFlow,
    narrow: Narrow,
    value_numbering: ValueNumbering,
    thread_jumps: ThreadJumps,
    induction: Induction,
    unroll: Unroll,
    /// What has changed since values were numbered.
    changes: Changes,
}

/// What of a function has changed.
#[derive(Debug, Default)]
struct Changes {
    /// Whether anything has.
    any: bool,
    /// Whether more than `blocks` has.
    everywhere: bool,
    /// The blocks that have; some more than once.
    blocks: Vec<Block>,
}

impl Changes {
    fn clear(&mut self) {
        (self.any, self.everywhere) = (false, false);
        self.blocks.clear();
    }

    /// Adds the blocks that the edits which were carried out last have touched.
    fn add(&mut self, editing: &EditBuffers) {
        self.any = true;
        self.blocks.extend_from_slice(editing.touched());
    }
}

impl IrHalf {
    /// Notes what of the function is in its text: the values below `first`, or all that there are now, and
    /// the stack slots that there are now.
    pub fn note_written(&mut self, first: Option<u32>) {
        let Stencil { value_types, stack_slots, .. } = &self.function.stencil;
        let values = first.map_or(value_types.len(), |first| first as usize);
        self.written = Written { values, slots: stack_slots.len() };
    }

    /// Runs all passes on the function.
    pub fn run(&mut self, run: &Run<'_>, progress: &mut Progress) -> Result<(), CompileError> {
        run_passes(PASSES, self, &(), run, progress)
    }

    /// Runs the passes up to inlining, after which the function depends on no other.
    pub(super) fn complete(&mut self, run: &Run<'_>, progress: &mut Progress) -> Result<(), CompileError> {
        run_passes(&PASSES[..OPTIMISER], self, &(), run, progress)
    }

    /// Runs the passes that [`complete`](Self::complete) leaves.
    pub(super) fn optimise(&mut self, run: &Run<'_>, progress: &mut Progress) -> Result<(), CompileError> {
        run_passes(&PASSES[OPTIMISER..], self, &(), run, progress)
    }

    /// What replaced a value when the function was last changed; the value itself if nothing did.
    pub(crate) fn replacement_of(&self, value: Value) -> Value {
        self.editing.replacement_of(value)
    }

    /// Starts counting how often each rule of the optimiser is applied.
    pub fn trace_rules(&mut self) {
        self.value_numbering.trace = Some(Default::default());
    }

    /// Returns how often each rule of the optimiser was applied.
    pub fn traced_rules(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.value_numbering.trace.iter().flatten().map(|(&name, &count)| (name, count))
    }

    /// Notes what becomes of calls, or no longer does.
    pub(crate) fn note_calls(&mut self, wanted: bool) {
        self.inline.notes_sites = wanted;
    }

    /// Returns what has become of the function's calls, in order, if that is noted.
    pub(crate) fn take_noted_calls(&mut self) -> Vec<Site> {
        std::mem::take(&mut self.inline.noted)
    }

    /// Verifies the function as it was parsed, and returns the errors.
    pub fn check(&mut self, environment: Environment) -> &[VerifierError] {
        self.analysis.compute(&self.function.stencil);
        self.verifier.verify(&self.function.stencil, &self.analysis, environment)
    }
}

impl Half for IrHalf {
    type Input = ();

    fn text(&self, _: &(), _: &'static str, placement: &Placement<'_>) -> String {
        self.function.placed(*placement).to_string()
    }
}

fn analyse(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    state.origins.clear();
    state.changes.clear();
    state.analysis.compute(&state.function.stencil);
    Ok(())
}

fn inline(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, callees, analysis, origins, editing, inline, .. } = state;
    inline.run(function, callees, analysis, editing, origins);
    Ok(())
}

fn legalize(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, .. } = state;
    let refused =
        |legalize::Refusal { inst, message }| CompileError::Unsupported { inst: Some(inst), message };
    legalize::run(function, analysis, editing, origins).map_err(refused)
}

fn rotate(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, rotate, .. } = state;
    rotate.run(function, analysis, editing, origins);
    Ok(())
}

fn promote(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, promote, .. } = state;
    promote.run(function, analysis, editing, origins);
    Ok(())
}

fn control_flow(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, control_flow, .. } = state;
    control_flow.run(function, analysis, editing, origins);
    Ok(())
}

fn late_control_flow(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, control_flow, .. } = state;
    control_flow.run_late(function, analysis, editing, origins);
    Ok(())
}

fn value_numbering(state: &mut IrHalf, _: &(), flags: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, value_numbering, .. } = state;
    value_numbering.run(function, analysis, editing, origins, flags.enable_alias_analysis(), None);
    Ok(())
}

fn narrow(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, narrow, .. } = state;
    narrow.run(function, analysis, editing, origins);
    Ok(())
}

fn thread_jumps(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, thread_jumps, control_flow, .. } = state;
    if thread_jumps.run(function, analysis, editing, origins) {
        control_flow.run(function, analysis, editing, origins);
        (state.changes.any, state.changes.everywhere) = (true, true);
    }
    Ok(())
}

fn induction(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, induction, changes, .. } = state;
    if induction.run(function, analysis, editing, origins) {
        changes.add(editing);
    }
    Ok(())
}

fn unroll(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, unroll, changes, .. } = state;
    if unroll.run(function, analysis, editing, origins) {
        changes.add(editing);
    }
    Ok(())
}

fn late_value_numbering(state: &mut IrHalf, _: &(), flags: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, value_numbering, changes, .. } = state;
    if changes.any {
        let only = (!changes.everywhere).then_some(&changes.blocks[..]);
        value_numbering.run(function, analysis, editing, origins, flags.enable_alias_analysis(), only);
    }
    // Lowering wants to know the loops.
    analysis.compute_loops();
    Ok(())
}

/// Whether the settings ask for optimised code.
fn optimizes(flags: &Flags) -> bool {
    flags.opt_level() != OptLevel::None
}

/// The check of a pass that changes the function: it is still valid, if it was verified before.
fn verified(state: &mut IrHalf, _: &(), flags: &Flags) -> Result<(), String> {
    if !flags.enable_verifier() {
        return Ok(());
    }
    state.analysis.compute(&state.function.stencil);
    match state.verifier.verify(&state.function.stencil, &state.analysis, Environment::new(flags)) {
        [] => Ok(()),
        [first, ..] => Err(first.to_string()),
    }
}

fn verify(state: &mut IrHalf, _: &(), flags: &Flags) -> Result<(), CompileError> {
    match state.verifier.verify(&state.function.stencil, &state.analysis, Environment::new(flags)) {
        [] => Ok(()),
        errors => Err(CompileError::Invalid(errors.to_vec())),
    }
}

/// The check of a pass that changes nothing.
fn unchanged(_: &mut IrHalf, _: &(), _: &Flags) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_optimiser_begins_after_inlining() {
        assert_eq!(PASSES[OPTIMISER - 1].name, "inline");
    }
}
