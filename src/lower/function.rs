//! Lowering of a whole function: its blocks from the last to the first.

use super::blocks::Blocks;
use super::call;
use super::context::{Lower, LowerTables, Lowered, Unsupported};
use super::families::FamilyLowering;
use crate::analysis::Analysis;
use crate::ir::*;
use crate::machine::abi::AbiSignature;
use crate::machine::description::Machine;
use crate::machine::reg::{RegClass, Registers, VBlock};
use crate::machine::vcode::{Origin, VCode};
use crate::options::Flags;

/// Lowers a whole function into `vcode`; see [`Lower`] for the fields of the result.
pub fn lower_function<'a, I: FamilyLowering>(
    f: &'a Stencil,
    flags: &'a Flags,
    analysis: &'a Analysis,
    blocks: &'a mut Blocks,
    abi: &'a AbiSignature,
    vcode: &'a mut VCode,
    tables: &'a mut LowerTables,
) -> Lowered<LowerSummary> {
    vcode.clear();
    tables.prepare(f);
    blocks.build(f, analysis, vcode, |block| tables.double_branch::<I>(f, block));
    check_types::<I>(f, vcode)?;
    if let Some((inst, _)) = f.stack_maps.first() {
        let message = format!("stack maps are not supported yet on {}", I::NAME);
        return Err(Unsupported { inst: Some(*inst), message });
    }
    let mut cx = Lower::<I> {
        f,
        flags,
        vcode,
        abi,
        outgoing: 0,
        calls: false,
        tail_bytes: 0,
        return_area: None,
        needs_frame_pointer: false,
        starts_list: false,
        tables,
        blocks,
        try_results: Vec::new(),
        try_payload: Vec::new(),
        try_inst: None,
        current: Inst(0),
        block: BlockData::default(),
        vblock: VBlock::new(0),
        analysis,
        isa: std::marker::PhantomData,
    };
    if abi.return_area.is_some() {
        cx.return_area = Some(cx.tmp(RegClass::Int));
    }
    for index in (0..cx.vcode.blocks.len()).rev() {
        let vblock = VBlock::new(index);
        cx.vblock = vblock;
        cx.vcode.begin_block();
        match cx.vcode.block(vblock).origin {
            Origin::Blocks { first, last } => cx.lower_blocks(vblock, first, last)?,
            Origin::Second(block) => cx.lower_second_branch(vblock, block),
            Origin::Edge(_) => {
                if let Some(inst) = cx.source_of_edge(vblock) {
                    cx.begin_try(inst)?;
                }
                cx.vcode.begin_group(NO_SRCLOC);
                cx.edge_args(vblock);
                let to = cx.blocks.successors(vblock)[0];
                cx.jump(to);
                cx.unshare();
            }
        }
        if index == 0 {
            cx.vcode.begin_group(NO_SRCLOC);
            call::params(&mut cx)?;
        }
        cx.vcode.end_block();
    }
    cx.block_params();
    cx.vcode.finish();
    Ok(LowerSummary {
        outgoing: cx.outgoing,
        calls: cx.calls,
        tail_bytes: cx.tail_bytes,
        needs_frame_pointer: cx.needs_frame_pointer,
        starts_list: cx.starts_list,
    })
}

/// Refuses functions with values of types that the target has no registers for, and tells `vcode` how wide
/// they are.
fn check_types<M: Machine>(f: &Stencil, vcode: &mut VCode) -> Lowered {
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

/// What emission has to know of a lowered function besides its VCode.
#[derive(Clone, Copy, Debug, Default)]
pub struct LowerSummary {
    /// Bytes of outgoing stack arguments.
    pub outgoing: u32,
    /// Whether anything is called.
    pub calls: bool,
    /// Bytes of stack arguments of tail calls: the most of any.
    pub tail_bytes: u32,
    /// Whether a frame pointer must be set up.
    pub needs_frame_pointer: bool,
    /// Whether a list of the function's arguments is started.
    pub starts_list: bool,
}
