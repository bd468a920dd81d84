//! Emission: one pass over VCode, with the allocator's moves in between, into the code buffer.
//!
//! Blocks are emitted in an order of their own: cold blocks last, blocks that only jump not at all (branches
//! to them are sent on), and a loop whose header tests at the top is rotated, so that the back edge is the
//! conditional branch. Block n of VCode is label n of the buffer.

use super::buffer::{CodeBuffer, Label};
use super::compiled::CompiledStencil;
use super::frame::Frame;
use super::inst::{MachInst, Props};
use super::isa::{EmitContext, Isa};
use super::layout::Layout;
use super::spills::Copies;
use super::vcode::VCode;
use super::view;
use crate::options::Flags;
use regalloc2::{Allocation, Edit, MachineEnv, Output, PRegSet, ProgPoint};

/// Emits a function.
pub fn emit<I: Isa>(
    vcode: &VCode,
    output: &Output,
    frame: &Frame,
    layout: &mut Layout,
    flags: &Flags,
    copies: &mut Copies,
    buffer: &mut CodeBuffer,
) -> CompiledStencil {
    buffer.clear();
    buffer.reserve_labels(vcode.blocks.len() as u32);
    let constants = buffer.reserve_labels(vcode.constants.len() as u32);
    for (number, &(start, end)) in vcode.constants.iter().enumerate() {
        let bytes = &vcode.constant_bytes[start as usize..end as usize];
        buffer.constant(Label(constants.0 + number as u32), bytes, bytes.len() as u32);
    }
    for &(number, kind, symbol, addend) in &vcode.constant_relocs {
        buffer.constant_reloc(Label(constants.0 + number), kind, symbol, addend);
    }
    copies.begin(output.num_spillslots);
    layout.compute::<I>(vcode, output);
    if I::marks_landings(flags) {
        layout.find_landings::<I>(vcode);
    }
    I::emit_prologue(frame, flags, buffer);
    let padding = padding(flags);
    for position in 0..layout.order().len() {
        let block = layout.order()[position];
        let behind = layout.order().get(position + 1).filter(|_| padding == 0);
        let next = behind.map_or(Label(u32::MAX), |&next| Label(next));
        buffer.bind(Label(block));
        for &skipped in layout.sent_to(block) {
            buffer.bind(Label(skipped));
        }
        if layout.is_landing(block) {
            I::emit_landing(buffer);
        }
        let around = Surroundings { frame, flags, layout, next, constants };
        emit_block::<I>(vcode, output, around, buffer, copies, block as usize);
        buffer.skip(padding);
    }
    for (label, code, loc) in buffer.take_trap_stubs() {
        buffer.bind(label);
        buffer.srcloc(loc);
        I::emit_trap(code, buffer);
    }
    let mut compiled = buffer.finish::<I::Branches>();
    compiled.frame_size = frame.incoming;
    let wanted = 1u32.checked_shl(flags.log2_min_function_alignment().into());
    compiled.align = compiled.align.max(wanted.unwrap_or(1 << 31));
    compiled
}

/// Bytes behind each block: whole instructions on all targets, and none that are executed.
fn padding(flags: &Flags) -> u32 {
    const LARGEST_LOG2: u8 = 27;
    match flags.bb_padding_log2_minus_one() {
        0 => 0,
        value => (1u32 << (value - 1).min(LARGEST_LOG2)).next_multiple_of(4),
    }
}

/// What all instructions of a block see.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    frame: &'a Frame,
    flags: &'a Flags,
    layout: &'a Layout,
    next: Label,
    constants: Label,
}

fn emit_block<I: Isa>(
    vcode: &VCode,
    output: &Output,
    around: Surroundings,
    buffer: &mut CodeBuffer,
    copies: &mut Copies,
    block: usize,
) {
    copies.clear();
    let Surroundings { frame, flags, layout, next, constants } = around;
    let (start, end) = vcode.blocks[block].insts;
    let first = ProgPoint::before(regalloc2::Inst::new(start as usize));
    let mut edit = output.edits.partition_point(|edit| edit.0 < first);
    let mut loc = vcode.srclocs.partition_point(|loc| loc.0 < start);
    if let Some(before) = loc.checked_sub(1) {
        buffer.srcloc(vcode.srclocs[before].1);
    }
    for index in start..end {
        let point = ProgPoint::before(regalloc2::Inst::new(index as usize));
        while let Some((at, Edit::Move { from, to })) = output.edits.get(edit)
            && *at <= point
        {
            if from != to
                && let Some(from) = copies.replace(*from, *to)
            {
                emit_move::<I>(from, *to, frame, buffer);
            }
            edit += 1;
        }
        if let Some(&(at, srcloc)) = vcode.srclocs.get(loc)
            && at == index
        {
            buffer.srcloc(srcloc);
            loc += 1;
        }
        let inst = &vcode.insts[index as usize];
        let cx = EmitContext {
            frame,
            words: vcode.inst_words(inst),
            allocs: output.inst_allocs(regalloc2::Inst::new(index as usize)),
            next,
            constants,
            flags,
            layout,
        };
        view::emit::<I>(inst, &cx, buffer);
        if !copies.is_empty() {
            forget_written::<I>(vcode, inst, cx.allocs, copies);
        }
    }
}

fn emit_move<I: Isa>(from: Allocation, to: Allocation, frame: &Frame, buffer: &mut CodeBuffer) {
    let reg = from.as_reg().or(to.as_reg()).expect("the allocator makes no moves between stack slots");
    I::emit_move(from, to, reg.class(), frame, buffer);
}

/// Forgets what the registers had that an instruction writes: those it clobbers and those of its results.
#[inline]
fn forget_written<I: Isa>(vcode: &VCode, inst: &MachInst, allocs: &[Allocation], copies: &mut Copies) {
    let row = &I::rows()[inst.row.0 as usize];
    match row.props.any(Props::CALL) {
        true => copies.forget_all(vcode.clobbers[vcode.inst_words(inst)[0] as usize]),
        false => copies.forget_all(row.clobbers),
    }
    for (operand, alloc) in vcode.inst_operands(inst).iter().zip(allocs) {
        if operand.kind() == regalloc2::OperandKind::Def
            && let Some(reg) = alloc.as_reg()
        {
            copies.forget(reg);
        }
    }
}

/// All registers the function writes: by its instructions' results and clobbers, and by moves. One of the
/// allocator's that is read was written before.
pub fn written_registers<I: Isa>(vcode: &VCode, output: &Output, env: &MachineEnv) -> PRegSet {
    let mut written = PRegSet::empty();
    for reg in output.allocs.iter().filter_map(|alloc| alloc.as_reg()) {
        written.add(reg);
    }
    for (_, Edit::Move { to, .. }) in &output.edits {
        if let Some(reg) = to.as_reg() {
            written.add(reg);
        }
    }
    let mut allocatable = PRegSet::empty();
    for set in env.preferred_regs_by_class.iter().chain(&env.non_preferred_regs_by_class) {
        allocatable.union_from(*set);
    }
    written.intersect_from(allocatable);
    let rows = I::rows();
    for inst in &vcode.insts {
        written.union_from(rows[inst.row.0 as usize].clobbers);
    }
    for &clobbers in &vcode.clobbers {
        written.union_from(clobbers);
    }
    written
}
