//! The half of the pipeline that makes machine code of a stencil, for one target.

use super::{Controls, Dump, Facts, Failure, Half, IrHalf, Pass, Placement, Progress, Run, run_passes};
use crate::alloc::{Allocator, Demands};
use crate::emit::buffer::CodeBuffer;
use crate::emit::encoding::Emission;
use crate::emit::frame::{self, Frame};
use crate::emit::function;
use crate::emit::layout::Layout;
use crate::emit::redundant_moves::Copies;
use crate::lower;
use crate::lower::blocks::Blocks;
use crate::lower::context::LowerTables;
use crate::lower::families::FamilyLowering;
use crate::lower::function::LowerSummary;
use crate::machine::abi::AbiSignature;
use crate::machine::compiled::CompiledStencil;
use crate::machine::vcode::VCode;
use crate::machine::{convention, description, vcode_check};
use crate::options::Flags;
use crate::text;
use crate::text::inst::Assembly;
use crate::timing::Timing;

/// A target that functions can be compiled for.
pub trait Backend: FamilyLowering + Emission + Assembly {}

impl<T: FamilyLowering + Emission + Assembly> Backend for T {}

/// The passes that make code, in running order. The object comes after.
pub const fn passes<B: Backend>() -> [Pass<State<B>>; 3] {
    const CODE: Facts = Facts::ANALYSIS.or(Facts::VCODE);
    [
        Pass {
            name: "lower",
            doc: "IR to VCode",
            needs: Facts::ANALYSIS,
            leaves: CODE,
            place: "after all that changes the IR",
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
            place: "after lowering, which has chosen the instructions that registers are wanted for",
            optional: false,
            enabled: |_| true,
            run: allocate,
            // The allocator's own checker goes over the result: see `Compiler::new`.
            check: |_, _, _| Ok(()),
        },
        Pass {
            name: "emit",
            doc: "frame and machine code",
            needs: Facts::VCODE.or(Facts::ALLOCATION),
            leaves: CODE.or(Facts::ALLOCATION).or(Facts::CODE),
            place: "last: only now is it known which blocks are empty and which registers need saving",
            optional: false,
            enabled: |_| true,
            run: emit,
            check: |state, _, _| state.compiled.check(),
        },
    ]
}

/// What passes make of a stencil, and the buffers they do it in.
pub struct State<B: Backend> {
    blocks: Blocks,
    tables: LowerTables,
    abi: AbiSignature,
    summary: LowerSummary,
    vcode: VCode,
    allocator: Allocator,
    frame: Frame,
    layout: Layout,
    copies: Copies,
    buffer: CodeBuffer,
    compiled: CompiledStencil,
    backend: std::marker::PhantomData<B>,
}

impl<B: Backend> Half for State<B> {
    type Input = IrHalf;

    fn text(&self, ir: &IrHalf, pass: &'static str, _: &Placement<'_>) -> String {
        let allocated = match pass {
            "lower" => None,
            "regalloc" => Some((self.allocator.output(), None)),
            _ => Some((self.allocator.output(), Some(&self.frame))),
        };
        let mut out = String::new();
        text::function::write::<B>(&self.vcode, allocated, &ir.function.params, &mut out)
            .expect("writing to a string");
        out
    }
}

/// Compiles functions one after the other, for one target and one set of settings: both halves of the
/// pipeline.
pub struct Compiler<B: Backend> {
    /// The function that is compiled next, or was last.
    pub ir: IrHalf,
    state: State<B>,
    flags: Flags,
    /// What is noted while passes run.
    pub progress: Progress,
}

impl<B: Backend> Compiler<B> {
    /// A compiler with empty buffers.
    pub fn new(flags: &Flags) -> Self {
        Compiler {
            ir: IrHalf::default(),
            state: State {
                blocks: Blocks::default(),
                tables: LowerTables::default(),
                abi: AbiSignature::default(),
                summary: LowerSummary::default(),
                vcode: VCode::default(),
                allocator: Allocator::new::<B>(flags),
                frame: Frame::default(),
                layout: Layout::default(),
                copies: Copies::default(),
                buffer: CodeBuffer::default(),
                compiled: CompiledStencil::default(),
                backend: std::marker::PhantomData,
            },
            flags: *flags,
            progress: Progress::default(),
        }
    }

    /// Compiles [`Compiler::ir`]'s function: runs all passes that the controls let run.
    pub fn compile(
        &mut self,
        controls: &Controls,
        placement: Placement<'_>,
        dump: Option<Dump<'_>>,
    ) -> Result<CompiledStencil, Failure> {
        let run = Run { flags: &self.flags, controls, placement, dump };
        self.ir.run(&run, &mut self.progress)?;
        let passes = const { &passes::<B>() };
        run_passes(passes, &mut self.state, &self.ir, &run, &mut self.progress)?;
        Ok(std::mem::take(&mut self.state.compiled))
    }

    /// Starts to count which lowering rules fire.
    pub fn trace_rules(&mut self) {
        self.state.tables.trace = Some(Default::default());
    }

    /// How often each lowering rule fired.
    pub fn traced_rules(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.state.tables.trace.iter().flatten().map(|(&name, &count)| (name, count))
    }

    /// Time by pass, if that was asked for.
    pub fn timing(&self) -> Option<&Timing> {
        self.progress.timing.as_ref()
    }
}

fn lower<B: Backend>(state: &mut State<B>, ir: &IrHalf, flags: &Flags) -> Result<(), Failure> {
    let stencil = &ir.function.stencil;
    state.abi = convention::places::<B>(&stencil.signature, flags)
        .map_err(|message| Failure::Unsupported { inst: None, message })?;
    state.summary = lower::function::lower_function::<B>(
        stencil,
        flags,
        &ir.analysis,
        &mut state.blocks,
        &state.abi,
        &mut state.vcode,
        &mut state.tables,
    )?;
    Ok(())
}

/// What of a lowered function its registers depend on.
fn demands<B: Backend>(summary: &LowerSummary, flags: &Flags) -> Demands {
    let frame_pointer =
        summary.needs_frame_pointer || B::LINKED_BY_REGISTER && flags.preserve_frame_pointers();
    Demands { frame_pointer, calls: summary.calls }
}

fn allocate<B: Backend>(state: &mut State<B>, _: &IrHalf, flags: &Flags) -> Result<(), Failure> {
    state
        .allocator
        .run(&state.vcode, demands::<B>(&state.summary, flags), flags)
        .map_err(|message| Failure::Bug { pass: "regalloc", message })
}

fn emit<B: Backend>(state: &mut State<B>, ir: &IrHalf, flags: &Flags) -> Result<(), Failure> {
    let stencil = &ir.function.stencil;
    let State { frame, vcode, allocator, layout, copies, buffer, abi, summary, .. } = state;
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
    frame.written = function::written_registers::<B>(vcode, output, allocatable, frame.preserved);
    let unsupported = |message| Failure::Unsupported { inst: None, message };
    frame.limit = frame::stack_limit::<B>(stencil, abi).map_err(unsupported)?;
    let lists = convention::list_convention::<B>(stencil.signature.call_conv, flags);
    if summary.starts_list {
        frame.argument_area = lists.list.area();
    }
    B::finish_frame(frame, stencil, flags).map_err(unsupported)?;
    if summary.starts_list {
        frame.save_arguments(lists, abi.used).map_err(unsupported)?;
    }
    copies.begin(output.num_spillslots, allocatable);
    state.compiled = function::emit::<B>(vcode, output, frame, layout, flags, copies, buffer);
    Ok(())
}
