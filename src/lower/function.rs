//! Lowering of a whole function: its blocks from the last to the first.

use super::blocks::{Blocks, BranchPlan};
use super::call;
use super::context::{Lower, LowerTables, Lowered, Unsupported};
use super::families::FamilyLowering;
use super::rematerialize::from_outside;
use crate::analysis::Analysis;
use crate::ir::*;
use crate::machine::abi::AbiSignature;
use crate::machine::description::Machine;
use crate::machine::reg::{FloatWidth, RegClass, Registers, VBlock, VReg};
use crate::machine::vcode::{Origin, VCode};
use crate::options::Flags;

/// What a function is lowered from.
#[derive(Clone, Copy)]
pub struct LowerInput<'a> {
    /// The function.
    pub(crate) stencil: &'a Stencil,
    /// The settings.
    pub(crate) flags: &'a Flags,
    /// Analyses of the function.
    pub(crate) analysis: &'a Analysis,
    /// Where the function's own parameters and results are passed.
    pub(crate) abi: &'a AbiSignature,
    /// Whether to record which registers hold which values.
    pub(crate) describes: bool,
}

/// Memory that lowering reuses from function to function.
#[derive(Default)]
pub struct LowerBuffers {
    /// The correspondence of IR blocks and VCode blocks.
    pub(crate) blocks: Blocks,
    /// Tables indexed by value and instruction.
    pub(crate) tables: LowerTables,
}

/// Lowers a whole function into `vcode`.
pub(crate) fn lower_function<I: FamilyLowering>(
    input: &LowerInput,
    buffers: &mut LowerBuffers,
    vcode: &mut VCode,
) -> Result<LowerSummary, Unsupported> {
    let (f, LowerBuffers { blocks, tables }) = (input.stencil, buffers);
    vcode.clear();
    tables.prepare(f);
    blocks.build(f, input.analysis, vcode, |block| BranchPlan {
        double: tables.double_branch::<I>(f, block),
        has_late_results: tables.has_late_results::<I>(f, input.flags, block),
    });
    check_types::<I>(f, vcode)?;
    tables.loop_constants.find(f, input.analysis, &I::LOOPS_KEEP, |value| from_outside::<I>(f, value));
    let mut cx = Lower::<I>::new(input, blocks, tables, vcode);
    if f.structures.values().any(|layouts| layouts.on(I::STACK_ALIGNMENT).has_vector) {
        cx.vcode.note_float_width(FloatWidth::Vector);
    }
    if input.abi.return_area.is_some() {
        cx.return_area = Some(cx.tmp(RegClass::Int));
    }
    for index in (0..cx.vcode.blocks.len()).rev() {
        let vblock = VBlock::new(index);
        cx.vblock = vblock;
        cx.vcode.begin_block();
        cx.lower_vblock(vblock)?;
        if index == 0 {
            cx.vcode.begin_group(NO_SRCLOC);
            call::params(&mut cx)?;
        }
        cx.vcode.end_block();
    }
    cx.block_params();
    cx.vcode.drop_redundant_params();
    cx.vcode.finish();
    if input.describes {
        cx.describe_values();
    }
    Ok(LowerSummary {
        outgoing: cx.outgoing,
        calls: cx.calls,
        tail_bytes: cx.tail_bytes,
        needs_frame_pointer: cx.needs_frame_pointer,
        starts_list: cx.starts_list,
        list_slot: cx.list_slot,
    })
}

impl<'a, I: FamilyLowering> Lower<'a, I> {
    fn new(
        input: &LowerInput<'a>,
        blocks: &'a Blocks,
        tables: &'a mut LowerTables,
        vcode: &'a mut VCode,
    ) -> Self {
        Lower {
            f: input.stencil,
            flags: input.flags,
            vcode,
            abi: input.abi,
            outgoing: 0,
            calls: false,
            tail_bytes: 0,
            return_area: None,
            needs_frame_pointer: false,
            starts_list: false,
            list_slot: None,
            tables,
            blocks,
            try_results: Vec::new(),
            try_structure: None,
            try_arriving: Vec::new(),
            try_payload: Vec::new(),
            try_inst: None,
            current: Inst(0),
            block: BlockData::default(),
            vblock: VBlock::new(0),
            analysis: input.analysis,
            isa: std::marker::PhantomData,
        }
    }

    /// Records the registers of all values that have any.
    fn describe_values(&mut self) {
        let (tables, types) = (&self.tables, &self.f.value_types);
        self.vcode.describe(tables.regs.iter().map(|(value, &low)| {
            let is_wide = types[value] == types::I128 && low != VReg::invalid();
            [low, if is_wide { VReg::new(low.vreg() + 1, low.class()) } else { low }]
        }));
    }

    /// Lowers a block of VCode, except for the function's parameters.
    fn lower_vblock(&mut self, vblock: VBlock) -> Result<(), Unsupported> {
        match self.vcode.block(vblock).origin {
            Origin::Blocks { first, last } => self.lower_blocks(vblock, first, last)?,
            Origin::Second(block) => self.lower_second_branch(vblock, block),
            Origin::Edge(call) => {
                self.tables.loop_constants.enter(self.analysis, None);
                let branch = self.source_of_edge(vblock);
                if let Some(inst) = branch {
                    self.begin_try(inst)?;
                }
                self.vcode.begin_group(NO_SRCLOC);
                self.edge_args(vblock);
                if let Some(inst) = branch {
                    self.late_results(inst, call)?;
                }
                let to = self.blocks.successors(vblock)[0];
                self.jump(to);
                self.unshare();
            }
        }
        Ok(())
    }
}

/// Refuses functions with values of types that the target can't hold in registers, and notes the width of
/// values in `vcode`.
fn check_types<M: Machine>(f: &Stencil, vcode: &mut VCode) -> Result<(), Unsupported> {
    let seen = f.value_types.values().fold(0, |seen: u32, &ty| seen | 1 << Shape::of(ty) as u32);
    let is_seen = |shape: Shape| seen >> shape as u32 & 1 != 0;
    // Numbers that stand for no value have no type.
    for &shape in Shape::ALL.iter().filter(|&&shape| shape != Shape::None && is_seen(shape)) {
        match Registers::of_shape(shape).filter(|_| M::supports(shape)) {
            Some(registers) => vcode.note_float_width(registers.width),
            None => refuse_shape::<M>(f, shape)?,
        }
    }
    Ok(())
}

/// Refuses a function that defines a value of a shape that the target does not support.
#[cold]
fn refuse_shape<M: Machine>(f: &Stencil, shape: Shape) -> Lowered {
    let is_defined = |value| f.value_defs[value].get() != ValueDef::None;
    let bad = f.value_types.iter().find(|&(value, &ty)| Shape::of(ty) == shape && is_defined(value));
    let Some((value, ty)) = bad else { return Ok(()) };
    let inst = match f.value_defs[value].get() {
        ValueDef::Result(inst, _) => Some(inst),
        ValueDef::Param(..) | ValueDef::None => None,
    };
    Err(Unsupported { inst, message: format!("values of type {ty} are not supported yet on {}", M::NAME) })
}

/// What allocation and emission need to know of a lowered function besides its VCode.
#[derive(Clone, Copy, Debug, Default)]
pub struct LowerSummary {
    /// Maximum size in bytes of the outgoing stack arguments of a call.
    pub(crate) outgoing: u32,
    /// Whether the function calls others.
    pub(crate) calls: bool,
    /// Maximum size in bytes of the stack arguments of a tail call.
    pub(crate) tail_bytes: u32,
    /// Whether the function needs a frame pointer.
    pub(crate) needs_frame_pointer: bool,
    /// Whether the function starts a list of its arguments.
    pub(crate) starts_list: bool,
    /// The slot in which such a list's registers are saved, if they are in a slot.
    pub(crate) list_slot: Option<StackSlot>,
}
