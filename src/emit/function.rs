//! Emission of a function: one pass that writes VCode and the allocator's moves to the code buffer.
//!
//! Blocks are emitted in the order of [`BlockLayout`]. Block n of VCode has label n in the buffer.

use super::allocated::AllocatedFunction;
use super::encoding::{Emission, Encoding};
use super::inst_view::Places;
use super::landing_pads;
use crate::analysis::Analysis;
use crate::emit::buffer::CodeBuffer;
use crate::emit::frame::Frame;
use crate::emit::inst_view::EmitContext;
use crate::emit::inst_view::InstView;
use crate::emit::layout::BlockLayout;
use crate::emit::redundant_moves::Copies;
use crate::emit::tracking::{Described, Emitted, Tracker, Watch};
use crate::entity::Span;
use crate::ir::{Stencil, Written};
use crate::machine::compiled::CompiledStencil;
use crate::machine::description::Machine;
use crate::machine::description::Moves;
use crate::machine::inst::Label;
use crate::machine::inst::{MachInst, Props};
use crate::machine::reg::{Allocation, Edit, Inst, Output, PReg, PRegSet, ProgPoint, RegClass, VBlock};
use crate::machine::vcode::VCode;
use crate::options::{Flags, OptLevel};

/// Memory that emission reuses from function to function.
#[derive(Default)]
pub struct EmitBuffers {
    /// The order of blocks.
    pub(crate) layout: BlockLayout,
    /// The values of registers and slots.
    pub(crate) copies: Copies,
    /// The code.
    pub(crate) buffer: CodeBuffer,
    /// Where values are, if debug information is to say that.
    pub(crate) tracker: Tracker,
}

/// Emits a function.
pub(crate) fn emit<I: Emission>(
    function: &AllocatedFunction,
    flags: &Flags,
    buffers: &mut EmitBuffers,
) -> CompiledStencil {
    emit_watched::<I, ()>(function, flags, buffers, &mut ())
}

/// Emits a function, and says where its values are: `values` of them, of a stencil with its analyses.
pub(crate) fn emit_tracked<I: Emission>(
    function: &AllocatedFunction,
    (stencil, analysis, written): (&Stencil, &Analysis, Written),
    flags: &Flags,
    buffers: &mut EmitBuffers,
) -> CompiledStencil {
    let mut tracker = std::mem::take(&mut buffers.tracker);
    let mut compiled = emit_watched::<I, Tracker>(function, flags, buffers, &mut tracker);
    let (AllocatedFunction { vcode, frame, .. }, buffer) = (*function, &buffers.buffer);
    compiled.variables =
        tracker.variables::<I>(&Described { stencil, analysis, vcode, frame, buffer, written });
    compiled.variables.is_foreign = !stencil.signature.call_conv.is_c();
    buffers.tracker = tracker;
    compiled
}

fn emit_watched<I: Emission, W: Watch>(
    function: &AllocatedFunction,
    flags: &Flags,
    buffers: &mut EmitBuffers,
    watch: &mut W,
) -> CompiledStencil {
    let AllocatedFunction { vcode, output, frame, stack_maps } = *function;
    let EmitBuffers { layout, copies, buffer, .. } = buffers;
    watch.begin(function);
    buffer.clear();
    buffer.reserve_labels(vcode.blocks.len() as u32);
    let constants = buffer.reserve_labels(vcode.constants.len() as u32);
    for (number, range) in vcode.constants.iter().enumerate() {
        let bytes = range.of(&vcode.constant_bytes);
        buffer.constant(Label(constants.0 + number as u32), bytes, bytes.len() as u32);
    }
    layout.compute::<I>(vcode, output);
    if I::marks_landings(flags) {
        layout.find_landings::<I>(vcode);
    }
    I::emit_prologue(frame, flags, buffer);
    for &(register, slot) in &frame.saved_arguments {
        let row = I::MOVES.of(register.class(), I::MOVES.saved).store;
        I::encode_move(row, register, Allocation::stack(slot), frame, buffer);
    }
    let padding = padding(flags);
    let moves = [RegClass::Int, RegClass::Float].map(|class| *I::MOVES.of(class, vcode.float_width()));
    let mut cursor = Cursor::default();
    for position in 0..layout.order().len() {
        let block = layout.order()[position];
        let next = layout.order().get(position + 1).copied().filter(|_| padding == 0);
        buffer.bind(Label::of(block));
        for &skipped in layout.forwarding_to(block) {
            buffer.bind(Label::of(skipped));
        }
        if layout.is_landing(block) {
            I::emit_landing(buffer);
        }
        let cx = EmitContext { frame, next, constants, stack_maps, flags, layout, moves: &moves };
        watch.block(block, buffer.position());
        emit_block::<I, W>(function, &cx, buffer, copies, watch, &mut cursor, block);
        buffer.skip(padding);
    }
    landing_pads::emit::<I>(frame, flags, buffer);
    for (number, stub) in buffer.take_trap_stubs().into_iter().enumerate() {
        watch.trap(number, buffer.position());
        buffer.bind(stub.label);
        buffer.srcloc(stub.srcloc);
        I::emit_trap(stub.code, buffer);
    }
    watch.end(buffer.position());
    let mut compiled = buffer.finish::<I::Branches>();
    compiled.frame_size = frame.incoming + I::RESERVED_BY_CALLER;
    compiled.align = compiled.align.max(alignment(flags));
    compiled
}

/// The least alignment of a function in bytes.
fn alignment(flags: &Flags) -> u32 {
    // That of the instructions of every target, or what fetching them is faster with.
    let usual = if flags.opt_level() == OptLevel::SpeedAndSize { 4 } else { 16 };
    let wanted = 1u32.checked_shl(flags.log2_min_function_alignment().into());
    wanted.unwrap_or(1 << 31).max(usual)
}

/// Returns the number of padding bytes after each block, a multiple of every target's instruction alignment.
/// The padding is never executed.
fn padding(flags: &Flags) -> u32 {
    const LARGEST_LOG2: u8 = 27;
    match flags.bb_padding_log2_minus_one() {
        0 => 0,
        value => (1u32 << (value - 1).min(LARGEST_LOG2)).next_multiple_of(4),
    }
}

/// Positions in `edits` and `srclocs` of the first entries at or after `inst`.
#[derive(Default)]
struct Cursor {
    inst: u32,
    edit: usize,
    loc: usize,
}

impl Cursor {
    /// Moves to an instruction. Mostly the cursor is there already, since layout keeps most blocks in order.
    fn seek(&mut self, inst: u32, vcode: &VCode, output: &Output) {
        if self.inst != inst {
            let first = before(inst);
            self.edit = output.edits.partition_point(|edit| edit.0 < first);
            self.loc = vcode.srclocs.partition_point(|run| run.inst < inst);
        }
    }
}

/// Returns the program point before an instruction.
fn before(inst: u32) -> ProgPoint {
    ProgPoint::before(Inst::new(inst as usize))
}

/// Emits a block: its instructions, with the allocator's moves in between.
fn emit_block<I: Encoding, W: Watch>(
    function: &AllocatedFunction,
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
    copies: &mut Copies,
    watch: &mut W,
    cursor: &mut Cursor,
    block: VBlock,
) {
    let AllocatedFunction { vcode, output, .. } = *function;
    copies.clear();
    let Span { start, end } = vcode.block(block).insts;
    cursor.seek(start, vcode, output);
    let mut edits = &output.edits[cursor.edit..];
    let mut allocs = &output.allocs[output.inst_alloc_offsets[start as usize] as usize..];
    if let Some(earlier) = cursor.loc.checked_sub(1) {
        buffer.srcloc(vcode.srclocs[earlier].srcloc);
    }
    let mut locs = &vcode.srclocs[cursor.loc..];
    let behind = before(end);
    for (index, inst) in (start..end).zip(&vcode.insts[start as usize..end as usize]) {
        let point = before(index);
        while let Some(((at, Edit::Move { from, to }), rest)) = edits.split_first()
            && *at <= point
        {
            if from != to
                && let Some(from) = copies.replace(*from, *to)
            {
                emit_move::<I>(from, *to, cx.moves, cx.frame, buffer);
            }
            watch.moved(*from, *to, buffer.position());
            edits = rest;
        }
        if let Some((run, rest)) = locs.split_first()
            && run.inst == index
        {
            buffer.srcloc(run.srcloc);
            locs = rest;
        }
        let (own, rest) = allocs.split_at(inst.operand_count as usize);
        allocs = rest;
        let view = InstView::new::<I>(inst, own, vcode.inst_words(inst));
        let start = buffer.position();
        emit_inst::<I>(&view, cx, buffer);
        let (end, traps) = (buffer.position(), buffer.trap_count());
        watch.inst(&Emitted { function, inst, row: view.row, allocs: own, start, end, traps });
        let more_moves = edits.first().is_some_and(|edit| edit.0 < behind);
        if more_moves && !copies.is_empty() {
            forget_written(vcode, inst, &view, copies);
        }
    }
    // The allocator puts moves of a branch's results after it, where nothing executes them, and repeats them
    // at the start of its successors.
    let unreachable = edits.iter().take_while(|edit| edit.0 < behind).count();
    let (edit, loc) = (output.edits.len() - edits.len() + unreachable, vcode.srclocs.len() - locs.len());
    *cursor = Cursor { inst: end, edit, loc };
}

/// Emits a move that the allocator asked for; `moves` is that of [`EmitContext`].
#[inline]
fn emit_move<I: Encoding>(
    from: Allocation,
    to: Allocation,
    moves: &[Moves; 2],
    frame: &Frame,
    buffer: &mut CodeBuffer,
) {
    let rows = |register: PReg| &moves[usize::from(register.class() != RegClass::Int)];
    let (row, register, other) = match (from.as_reg(), to.as_reg()) {
        (Some(_), Some(to)) => (rows(to).copy, to, from),
        (None, Some(to)) => (rows(to).load, to, from),
        (Some(from), None) => (rows(from).store, from, to),
        (None, None) => unreachable!("the allocator makes no moves between stack slots"),
    };
    I::encode_move(row, register, other, frame, buffer);
}

/// Forgets the values of the registers that an instruction writes: its clobbers and its results.
#[inline]
fn forget_written(vcode: &VCode, inst: &MachInst, view: &InstView, copies: &mut Copies) {
    if view.row.props.any(Props::CLOBBERS) {
        copies.forget_all(vcode.clobbers(inst, view.row));
    }
    for (operand, alloc) in vcode.inst_operands(inst).iter().zip(view.allocs) {
        if operand.kind() == crate::machine::reg::OperandKind::Def
            && let Some(reg) = alloc.as_reg()
        {
            copies.forget(reg);
        }
    }
}

/// Returns the registers of `preserved` that the function writes: `allocated` by results and moves, others as
/// clobbers of instructions.
pub(crate) fn written_registers<I: Machine>(
    vcode: &VCode,
    allocated: PRegSet,
    preserved: PRegSet,
) -> PRegSet {
    let mut written = allocated;
    let rows = I::rows();
    for inst in &vcode.insts {
        let row = &rows[inst.row.0 as usize];
        if row.props.any(Props::CLOBBERS) {
            written.union_from(vcode.clobbers_whole(inst, row));
        }
    }
    written.intersect_from(preserved);
    written
}

/// Emits an instruction, expanding it if it is a pseudo-instruction.
#[inline]
pub fn emit_inst<I: Encoding>(view: &InstView, context: &EmitContext, buffer: &mut CodeBuffer) {
    if view.row.props.any(Props::PSEUDO) {
        I::EXPANSIONS[view.row.params[0] as usize](view, context, buffer);
    } else {
        I::encode(view, Places::of(context), buffer);
    }
}
