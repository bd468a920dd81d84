//! The machine half of the pipeline: compiles a stencil to machine code for one target.

use super::{
    CompileError, Controls, Facts, Half, IrHalf, Pass, PassDump, Placement, Progress, Run, run_passes,
};
use crate::alloc::{Allocator, Demands};
use crate::emit::allocated::AllocatedFunction;
use crate::emit::encoding::Emission;
use crate::emit::frame::{self, Frame};
use crate::emit::function::{self, EmitBuffers};
use crate::lower::families::FamilyLowering;
use crate::lower::function::{LowerBuffers, LowerInput, LowerSummary, lower_function};
use crate::machine::abi::AbiSignature;
use crate::machine::compiled::CompiledStencil;
use crate::machine::vcode::VCode;
use crate::machine::{convention, description, vcode_check};
use crate::options::Flags;
use crate::text;
use crate::text::inst::Assembly;
use crate::timing::Timing;

/// A target that functions can be compiled for: all that lowering, emission and listings need of it.
pub trait Backend: FamilyLowering + Emission + Assembly {}

impl<T: FamilyLowering + Emission + Assembly> Backend for T {}

/// The passes of the machine half, in running order. Writing the object comes after them.
pub const fn passes<B: Backend>() -> [Pass<MachineHalf<B>>; 3] {
    const CODE: Facts = Facts::ANALYSIS.or(Facts::VCODE);
    [
        Pass {
            name: "lower",
            doc: "IR to VCode",
            needs: Facts::ANALYSIS,
            leaves: CODE,
            why_here: "after all passes that change the IR",
            optional: false,
            enabled: |_| true,
            run: lower,
            check: |state, _, _| vcode_check::check(&state.vcode, B::rows()),
        },
        Pass {
            name: "regalloc",
            doc: "register allocation",
            needs: Facts::VCODE,
            leaves: CODE.or(Facts::ALLOCATION),
            why_here: "after lowering, which chooses the instructions that need registers",
            optional: false,
            enabled: |_| true,
            run: allocate,
            // The allocator has a checker, with the setting `regalloc_checker`; `--check-passes` sets it.
            check: |_, _, _| Ok(()),
        },
        Pass {
            name: "emit",
            doc: "frame and machine code",
            needs: Facts::VCODE.or(Facts::ALLOCATION),
            leaves: CODE.or(Facts::ALLOCATION).or(Facts::CODE),
            why_here: "last: allocation decides which blocks are empty and which registers need saving",
            optional: false,
            enabled: |_| true,
            run: emit,
            check: |state, _, _| state.compiled.check(),
        },
    ]
}

/// The state of the machine half: the results of its passes, and their buffers.
pub struct MachineHalf<B: Backend> {
    lower_buffers: LowerBuffers,
    abi: AbiSignature,
    summary: LowerSummary,
    vcode: VCode,
    allocator: Allocator,
    frame: Frame,
    emit_buffers: EmitBuffers,
    compiled: CompiledStencil,
    /// Whether to say where values are.
    tracks: bool,
    backend: std::marker::PhantomData<B>,
}

impl<B: Backend> Half for MachineHalf<B> {
    type Input = IrHalf;

    fn text(&self, ir: &IrHalf, pass: &'static str, _: &Placement<'_>) -> String {
        let allocated = match pass {
            "lower" => None,
            "regalloc" => Some((self.allocator.output(), None)),
            _ => Some((self.allocator.output(), Some(&self.frame))),
        };
        let mut out = String::new();
        text::function::write::<B>(&self.vcode, allocated, self.tracks, &ir.function.params, &mut out)
            .expect("writing to a string");
        if pass == "regalloc" {
            let name = |register| text::function::register_name::<B>(register).expect("writing to a string");
            self.allocator.describe(&self.vcode, &name, &mut out).expect("writing to a string");
        }
        out
    }
}

/// Both halves of the pipeline: compiles functions one after the other, for one target and set of settings.
pub struct Compiler<B: Backend> {
    /// The IR half, with the function that is to be compiled or was compiled last.
    pub ir: IrHalf,
    state: MachineHalf<B>,
    flags: Flags,
    /// Timing, and the pass that is running.
    pub progress: Progress,
}

impl<B: Backend> Compiler<B> {
    /// Makes a compiler with empty buffers.
    pub fn new(flags: &Flags) -> Self {
        Compiler {
            ir: IrHalf::default(),
            state: MachineHalf {
                lower_buffers: LowerBuffers::default(),
                abi: AbiSignature::default(),
                summary: LowerSummary::default(),
                vcode: VCode::default(),
                allocator: Allocator::new::<B>(flags),
                frame: Frame::default(),
                emit_buffers: EmitBuffers::default(),
                compiled: CompiledStencil::default(),
                tracks: false,
                backend: std::marker::PhantomData,
            },
            flags: *flags,
            progress: Progress::default(),
        }
    }

    /// Compiles the function in [`Compiler::ir`], running the passes that the controls and settings enable.
    pub fn compile(
        &mut self,
        controls: &Controls,
        placement: Placement<'_>,
        dump: Option<PassDump<'_>>,
    ) -> Result<CompiledStencil, CompileError> {
        self.complete(controls, placement, dump)?;
        self.finish(controls, placement, dump)
    }

    /// Runs the first passes on the function: up to inlining, after which it depends on no other.
    pub(crate) fn complete(
        &mut self,
        controls: &Controls,
        placement: Placement<'_>,
        dump: Option<PassDump<'_>>,
    ) -> Result<(), CompileError> {
        let run = Run { flags: &self.flags, controls, placement, dump };
        self.ir.complete(&run, &mut self.progress)
    }

    /// Runs the passes that [`complete`](Self::complete) leaves.
    pub(crate) fn finish(
        &mut self,
        controls: &Controls,
        placement: Placement<'_>,
        dump: Option<PassDump<'_>>,
    ) -> Result<CompiledStencil, CompileError> {
        let run = Run { flags: &self.flags, controls, placement, dump };
        self.ir.optimise(&run, &mut self.progress)?;
        let passes = const { &passes::<B>() };
        let result = run_passes(passes, &mut self.state, &self.ir, &run, &mut self.progress);
        result.map_err(|error| match error {
            CompileError::Unsupported { inst, message } => {
                CompileError::Unsupported { inst: inst.map(|inst| self.ir.origins.of(inst)), message }
            }
            CompileError::Invalid(_) | CompileError::Bug { .. } => error,
        })?;
        Ok(std::mem::take(&mut self.state.compiled))
    }

    /// Sets whether compiled functions say where their values are.
    pub fn track_values(&mut self, tracks: bool) {
        self.state.tracks = tracks;
    }

    /// Sets whether compiled functions are without source locations.
    pub fn omit_locations(&mut self, omits: bool) {
        self.state.emit_buffers.buffer.omits_locations = omits;
    }

    /// Starts counting how often each rule of the optimiser and of lowering is used.
    pub fn trace_rules(&mut self) {
        self.ir.trace_rules();
        self.state.lower_buffers.tables.trace = Some(Default::default());
    }

    /// Returns how often each rule of the optimiser and of lowering was used.
    pub fn traced_rules(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let lowering = self.state.lower_buffers.tables.trace.iter().flatten();
        self.ir.traced_rules().chain(lowering.map(|(&name, &count)| (name, count)))
    }

    /// Returns the time by pass, if it is measured.
    pub fn timing(&self) -> Option<&Timing> {
        self.progress.timing.as_ref()
    }
}

fn lower<B: Backend>(state: &mut MachineHalf<B>, ir: &IrHalf, flags: &Flags) -> Result<(), CompileError> {
    let stencil = &ir.function.stencil;
    state.abi = convention::abi_signature::<B>(&stencil.signature, &stencil.structures, flags)
        .map_err(|message| CompileError::Unsupported { inst: None, message })?;
    let (analysis, abi, describes) = (&ir.analysis, &state.abi, state.tracks);
    let input = LowerInput { stencil, flags, analysis, abi, describes };
    state.summary = lower_function::<B>(&input, &mut state.lower_buffers, &mut state.vcode)?;
    Ok(())
}

/// Returns the properties of a lowered function that affect its register allocation.
fn demands<B: Backend>(summary: &LowerSummary, flags: &Flags) -> Demands {
    let frame_pointer =
        summary.needs_frame_pointer || B::LINKED_BY_REGISTER && flags.preserve_frame_pointers();
    Demands { frame_pointer, calls: summary.calls }
}

fn allocate<B: Backend>(state: &mut MachineHalf<B>, _: &IrHalf, flags: &Flags) -> Result<(), CompileError> {
    state
        .allocator
        .run(&state.vcode, demands::<B>(&state.summary, flags), flags)
        .map_err(|message| CompileError::Bug { pass: "regalloc", message })
}

fn emit<B: Backend>(state: &mut MachineHalf<B>, ir: &IrHalf, flags: &Flags) -> Result<(), CompileError> {
    let stencil = &ir.function.stencil;
    let MachineHalf { frame, vcode, allocator, emit_buffers, abi, summary, tracks, lower_buffers, .. } =
        state;
    let output = allocator.output();
    let demands = demands::<B>(summary, flags);
    frame.clear();
    frame.outgoing = summary.outgoing;
    frame.calls = summary.calls;
    frame.frame_pointer = demands.frame_pointer;
    frame.incoming_bytes = abi.stack_bytes;
    frame.growth = summary.tail_bytes.saturating_sub(abi.stack_bytes);
    frame.callee_pops = abi.callee_pops;
    frame.spill_count = output.num_spillslots as u32;
    let allocatable = allocator.allocatable(vcode, demands, flags);
    frame.preserved = description::preserved::<B>(stencil.signature.call_conv, flags);
    let mut of_allocator = allocatable;
    of_allocator.intersect_from(frame.preserved);
    let allocated = allocator.written(of_allocator);
    frame.written = function::written_registers::<B>(vcode, allocated, frame.preserved);
    let unsupported = |message| CompileError::Unsupported { inst: None, message };
    frame.limit = frame::stack_limit::<B>(stencil, abi).map_err(unsupported)?;
    let lists = convention::list_convention::<B>(stencil.signature.call_conv, flags);
    frame.made_slots.extend_from_slice(&lower_buffers.tables.slots);
    B::finish_frame(frame, stencil, flags).map_err(unsupported)?;
    if summary.starts_list {
        frame.save_arguments(lists, abi.used, summary.list_slot).map_err(unsupported)?;
    }
    emit_buffers.copies.begin(output.num_spillslots, allocatable);
    let function = AllocatedFunction { vcode, output, frame, stack_maps: &stencil.stack_maps };
    state.compiled = match tracks {
        true => {
            let described = (stencil, &ir.analysis, ir.written);
            function::emit_tracked::<B>(&function, described, flags, emit_buffers)
        }
        false => function::emit::<B>(&function, flags, emit_buffers),
    };
    Ok(())
}
