//! The IR half of the pipeline, which knows no target: from a parsed function to a stencil ready for
//! lowering.

use super::{CompileError, Facts, Half, Pass, Placement, Progress, Run, run_passes};
use crate::analysis::Analysis;
use crate::ir::{EditBuffers, Function, Origins};
use crate::opt::control_flow::ControlFlow;
use crate::opt::promote::Promote;
use crate::opt::rotate::Rotate;
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
        name: "value_numbering",
        doc: "each value is computed once, constants are folded",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after memory has become values",
        optional: true,
        enabled: optimizes,
        run: value_numbering,
        check: verified,
    },
    Pass {
        name: "late_control_flow",
        doc: "the same, where conditions have become constants",
        needs: Facts::ANALYSIS,
        leaves: Facts::ANALYSIS,
        why_here: "after conditions have been folded",
        optional: true,
        enabled: optimizes,
        run: control_flow,
        check: verified,
    },
];

/// The state of the IR half: a function and its analyses; reused from function to function.
#[derive(Default)]
pub struct IrHalf {
    /// The function, which the parser fills in and passes change.
    pub function: Function,
    /// Edges, orders and dominators of the function.
    pub analysis: Analysis,
    /// The instructions of the text that those of the function come from.
    pub origins: Origins,
    /// The number from which on values are not in the text, and debug information does not describe them.
    pub first_unwritten: usize,
    verifier: Verifier,
    editing: EditBuffers,
    rotate: Rotate,
    promote: Promote,
    control_flow: ControlFlow,
    value_numbering: ValueNumbering,
}

impl IrHalf {
    /// Notes which values of the function are in its text: those below `first`, or all that there are now.
    pub fn note_unwritten(&mut self, first: Option<u32>) {
        let all = self.function.stencil.value_types.len();
        self.first_unwritten = first.map_or(all, |first| first as usize);
    }

    /// Runs all passes on the function.
    pub fn run(&mut self, run: &Run<'_>, progress: &mut Progress) -> Result<(), CompileError> {
        run_passes(PASSES, self, &(), run, progress)
    }

    /// Starts counting how often each rule of the optimiser is applied.
    pub fn trace_rules(&mut self) {
        self.value_numbering.trace = Some(Default::default());
    }

    /// Returns how often each rule of the optimiser was applied.
    pub fn traced_rules(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.value_numbering.trace.iter().flatten().map(|(&name, &count)| (name, count))
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
    state.analysis.compute(&state.function.stencil);
    Ok(())
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

fn value_numbering(state: &mut IrHalf, _: &(), _: &Flags) -> Result<(), CompileError> {
    let IrHalf { function, analysis, origins, editing, value_numbering, .. } = state;
    value_numbering.run(function, analysis, editing, origins);
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
