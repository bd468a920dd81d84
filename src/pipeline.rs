//! The passes as a table, and the one loop that runs, times, dumps and checks them.
//!
//! A pass works on a [`State`]: the function's stencil and what earlier passes made of it. The table is in
//! running order; `after` says which passes it relies on, and a test holds the order to it. All of a
//! state's buffers are reused from function to function.

use crate::alloc::{Allocator, Demands};
use crate::analysis::Analysis;
use crate::emit::buffer::CodeBuffer;
use crate::emit::encoding::Emission;
use crate::emit::frame::{self, Frame};
use crate::emit::function;
use crate::emit::layout::Layout;
use crate::emit::redundant_moves::Copies;
use crate::ir::{Inst, Params, Stencil};
use crate::lower;
use crate::lower::blocks::Blocks;
use crate::lower::context::{LowerTables, Unsupported};
use crate::lower::families::FamilyLowering;
use crate::lower::function::LowerSummary;
use crate::machine::abi::AbiSignature;
use crate::machine::compiled::CompiledStencil;
use crate::machine::vcode::VCode;
use crate::machine::{convention, description};
use crate::options::Flags;
use crate::text;
use crate::text::inst::Assembly;
use crate::timing::Timing;
use crate::verify::{Environment, Verifier, VerifierError};
use std::fmt;
use std::time::Instant;

/// A target that functions can be compiled for.
pub trait Backend: FamilyLowering + Emission + Assembly {}

impl<T: FamilyLowering + Emission + Assembly> Backend for T {}

/// Why a function could not be compiled.
#[derive(Debug)]
pub enum Failure {
    /// The IR is wrong.
    Invalid(Vec<VerifierError>),
    /// The target cannot do it.
    Unsupported {
        /// The instruction; `None` for the signature.
        inst: Option<Inst>,
        /// What it cannot do.
        message: String,
    },
    /// A defect of clifc.
    Bug {
        /// The pass that found it.
        pass: &'static str,
        /// What was found.
        message: String,
    },
}

impl From<Unsupported> for Failure {
    fn from(unsupported: Unsupported) -> Self {
        Failure::Unsupported { inst: unsupported.inst, message: unsupported.message }
    }
}

/// One pass.
pub struct Pass<I: Backend> {
    /// Its name, for `--time`, `--dump` and error messages.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Passes that must have run before it.
    pub after: &'static [&'static str],
    /// Whether it runs with these settings.
    pub enabled: fn(&Flags) -> bool,
    run: fn(&mut State<I>, &Stencil, &Flags) -> Result<(), Failure>,
}

/// The passes in running order. Parsing comes before and the object after.
pub const fn passes<I: Backend>() -> [Pass<I>; 5] {
    [
        Pass {
            name: "analyse",
            doc: "edges, orders, dominators",
            after: &[],
            enabled: |_| true,
            run: analyse,
        },
        Pass {
            name: "verify",
            doc: "checks the IR",
            after: &["analyse"],
            enabled: |flags| flags.enable_verifier(),
            run: verify,
        },
        Pass { name: "lower", doc: "IR to VCode", after: &["analyse"], enabled: |_| true, run: lower },
        Pass {
            name: "regalloc",
            doc: "register allocation",
            after: &["lower"],
            enabled: |_| true,
            run: allocate,
        },
        Pass {
            name: "emit",
            doc: "frame and machine code",
            after: &["regalloc"],
            enabled: |_| true,
            run: emit,
        },
    ]
}

/// The names of all passes, in running order; they are the same for all targets.
pub fn pass_names() -> impl Iterator<Item = &'static str> {
    passes::<crate::arch::x86_64::X86_64>().into_iter().map(|pass| pass.name)
}

/// What passes make of a function, and the buffers they do it in.
pub struct State<I: Backend> {
    /// Of the IR.
    pub analysis: Analysis,
    verifier: Verifier,
    blocks: Blocks,
    tables: LowerTables,
    abi: AbiSignature,
    summary: LowerSummary,
    /// After lowering.
    pub vcode: VCode,
    allocator: Allocator,
    frame: Frame,
    layout: Layout,
    copies: Copies,
    buffer: CodeBuffer,
    compiled: CompiledStencil,
    isa: std::marker::PhantomData<I>,
}

/// Is called after each pass with what it made.
pub type Dump<'a, I> = &'a dyn Fn(&'static str, &State<I>);

impl<I: Backend> State<I> {
    /// What the function is after a pass, as text; `clif` prints it where it is CLIF still.
    pub fn text(&self, pass: &str, params: &Params, clif: impl fmt::Display) -> String {
        let mut out = String::new();
        let output = || self.allocator.output();
        let allocated = match pass {
            "lower" => None,
            "regalloc" => Some((output(), None)),
            "emit" => Some((output(), Some(&self.frame))),
            _ => return clif.to_string(),
        };
        text::function::write::<I>(&self.vcode, allocated, params, &mut out).expect("writing to a string");
        out
    }
}

/// Compiles functions one after the other, for one target and one set of settings.
pub struct Compiler<I: Backend> {
    state: State<I>,
    flags: Flags,
    /// Time by pass, if asked for.
    pub timing: Option<Timing>,
    /// The pass that is running: what to name when it panics.
    pub current: &'static str,
}

impl<I: Backend> Compiler<I> {
    /// A compiler with empty buffers.
    pub fn new(flags: &Flags) -> Self {
        Compiler {
            state: State {
                analysis: Analysis::default(),
                verifier: Verifier::default(),
                blocks: Blocks::default(),
                tables: LowerTables::default(),
                abi: AbiSignature::default(),
                summary: LowerSummary::default(),
                vcode: VCode::default(),
                allocator: Allocator::new::<I>(flags),
                frame: Frame::default(),
                layout: Layout::default(),
                copies: Copies::default(),
                buffer: CodeBuffer::default(),
                compiled: CompiledStencil::default(),
                isa: std::marker::PhantomData,
            },
            flags: *flags,
            timing: None,
            current: "",
        }
    }

    /// Runs all passes on a function. `dump` is called after each with what it made.
    pub fn compile(
        &mut self,
        stencil: &Stencil,
        dump: Option<Dump<'_, I>>,
    ) -> Result<CompiledStencil, Failure> {
        for pass in const { &passes::<I>() } {
            if !(pass.enabled)(&self.flags) {
                continue;
            }
            self.current = pass.name;
            let start = self.timing.is_some().then(Instant::now);
            let result = (pass.run)(&mut self.state, stencil, &self.flags);
            if let (Some(timing), Some(start)) = (&mut self.timing, start) {
                timing.add(pass.name, start.elapsed());
            }
            result?;
            if let Some(dump) = dump {
                dump(pass.name, &self.state);
            }
        }
        Ok(std::mem::take(&mut self.state.compiled))
    }

    /// Counts which lowering rules fire.
    pub fn trace_rules(&mut self) {
        self.state.tables.trace = Some(Default::default());
    }

    /// How often each lowering rule fired.
    pub fn traced_rules(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.state.tables.trace.iter().flatten().map(|(&name, &count)| (name, count))
    }
}

fn analyse<I: Backend>(state: &mut State<I>, stencil: &Stencil, _: &Flags) -> Result<(), Failure> {
    state.analysis.compute(stencil);
    Ok(())
}

fn verify<I: Backend>(state: &mut State<I>, stencil: &Stencil, flags: &Flags) -> Result<(), Failure> {
    match state.verifier.verify(stencil, &state.analysis, Environment::new(flags)) {
        [] => Ok(()),
        errors => Err(Failure::Invalid(errors.to_vec())),
    }
}

fn lower<I: Backend>(state: &mut State<I>, stencil: &Stencil, flags: &Flags) -> Result<(), Failure> {
    state.abi = convention::places::<I>(&stencil.signature, flags)
        .map_err(|message| Failure::Unsupported { inst: None, message })?;
    state.summary = lower::function::lower_function::<I>(
        stencil,
        flags,
        &state.analysis,
        &mut state.blocks,
        &state.abi,
        &mut state.vcode,
        &mut state.tables,
    )?;
    Ok(())
}

/// What of a lowered function its registers depend on.
fn demands<I: Backend>(summary: &LowerSummary, flags: &Flags) -> Demands {
    let frame_pointer =
        summary.needs_frame_pointer || I::LINKED_BY_REGISTER && flags.preserve_frame_pointers();
    Demands { frame_pointer, calls: summary.calls }
}

fn allocate<I: Backend>(state: &mut State<I>, _: &Stencil, flags: &Flags) -> Result<(), Failure> {
    state
        .allocator
        .run(&state.vcode, demands::<I>(&state.summary, flags), flags)
        .map_err(|message| Failure::Bug { pass: "regalloc", message })
}

fn emit<I: Backend>(state: &mut State<I>, stencil: &Stencil, flags: &Flags) -> Result<(), Failure> {
    let State { frame, vcode, allocator, layout, copies, buffer, abi, summary, .. } = state;
    let output = allocator.output();
    let demands = demands::<I>(summary, flags);
    frame.clear();
    frame.outgoing = summary.outgoing;
    frame.calls = summary.calls;
    frame.frame_pointer = demands.frame_pointer;
    frame.incoming_bytes = abi.stack_bytes;
    frame.growth = summary.tail_bytes.saturating_sub(abi.stack_bytes);
    frame.callee_pops = abi.callee_pops;
    frame.spill_count = output.num_spillslots as u32;
    let allocatable = allocator.allocatable(vcode, demands, flags);
    frame.preserved = description::preserved::<I>(stencil.signature.call_conv, flags);
    frame.written = function::written_registers::<I>(vcode, output, allocatable, frame.preserved);
    let unsupported = |message| Failure::Unsupported { inst: None, message };
    frame.limit = frame::stack_limit::<I>(stencil, abi).map_err(unsupported)?;
    I::finish_frame(frame, stencil, flags).map_err(unsupported)?;
    copies.begin(output.num_spillslots, allocatable);
    state.compiled = function::emit::<I>(vcode, output, frame, layout, flags, copies, buffer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_run_after_what_they_rely_on() {
        let table = passes::<crate::arch::x86_64::X86_64>();
        for (at, pass) in table.iter().enumerate() {
            for needed in pass.after {
                assert!(table[..at].iter().any(|p| p.name == *needed), "{} runs before {needed}", pass.name);
            }
        }
    }
}
