//! Constants and addresses that loops keep in registers.
//!
//! A constant or address is cheaply computed again for each use, except in a loop: there it costs an
//! instruction in each iteration. So an innermost loop keeps those that it uses in registers, computed before
//! the loop, as long as registers are left, the dearest first. How many values the loop needs is estimated
//! from above: those that come from outside, the parameters of its header, and a few more. Constants that are
//! not kept need none, because their uses compute them or have them as immediates. Fewer registers survive a
//! call.
//!
//! The lowering of an instruction may need a constant that is no operand, such as the reciprocal of a
//! divisor. What room is left then is for these.

use crate::analysis::Analysis;
use crate::analysis::loops::Loop;
use crate::entity::{Entity, Map, Span};
use crate::ir::*;
use crate::machine::reg::{RegClass, Registers, VReg};

/// What loops of a target keep in registers.
#[derive(Clone, Copy, Debug)]
pub struct LoopsKeep {
    /// How many registers of each class, integer and float, values can fill before nothing more is kept.
    pub(crate) registers: [usize; 2],
    /// The same for loops with calls.
    pub(crate) over_calls: [usize; 2],
    /// Whether constants that take one cheap instruction are kept.
    pub(crate) small_constants: bool,
    /// Whether the addresses of variables that are accessed by name are kept.
    pub(crate) variables: bool,
}

/// How a loop has a value that is defined outside.
#[derive(Clone, Copy, Debug)]
pub(super) enum FromOutside {
    /// In a register, for the whole loop.
    InRegister,
    /// Computed at each use.
    Recomputed,
    /// Computed by this instruction before the loop, if registers are left.
    Kept(InstData),
    /// The same, after those that are dearer.
    KeptLast(InstData),
}

/// A constant or address that a loop keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// The instruction that computes it.
    pub(super) data: InstData,
    /// The block at whose end it is computed, and the loop.
    before: Block,
    of: Loop,
    /// The register, once a use has asked for it.
    pub(super) reg: Option<VReg>,
}

/// What the loops of a function keep.
#[derive(Debug, Default)]
pub(super) struct LoopConstants {
    /// In the order of the blocks at whose ends they are computed, those of a loop side by side.
    kept: Vec<Kept>,
    /// What the loop being looked at keeps after the rest.
    last: Vec<Kept>,
    /// How many registers of each class are left in each innermost loop, in their order.
    room: Vec<(Loop, [usize; 2])>,
    /// What was added to `kept` during lowering, and has not been computed yet.
    added: Vec<Kept>,
    /// The innermost loop around the current block if it keeps anything, with the block before it.
    current_loop: Option<(Loop, Block)>,
    /// The part of `kept` that is of the innermost loop around the current block.
    current: Span,
    /// The blocks that are in a loop, by their innermost ones.
    blocks: Vec<(Loop, Block)>,
    /// The loop for which a value was last seen.
    seen: Map<Value, Option<Loop>>,
}

/// The values of a loop that are in registers, by class.
#[derive(Clone, Copy, Debug, Default)]
struct Pressure([usize; 2]);

impl Pressure {
    fn of(&mut self, ty: Type) -> Option<&mut usize> {
        let at = match Registers::of_value(ty).class {
            RegClass::Int => 0,
            RegClass::Float => 1,
            RegClass::Vector => return None,
        };
        Some(&mut self.0[at])
    }

    fn add(&mut self, ty: Type) {
        let count = Registers::of_value(ty).count;
        if let Some(of) = self.of(ty) {
            *of += count as usize;
        }
    }
}

impl LoopConstants {
    /// Finds what the loops of a function keep. `from_outside` is asked about values from outside.
    pub(super) fn find(
        &mut self,
        f: &Stencil,
        analysis: &Analysis,
        keep: &LoopsKeep,
        from_outside: impl Fn(Value) -> FromOutside,
    ) {
        self.kept.clear();
        self.added.clear();
        self.room.clear();
        self.current = Span::default();
        self.current_loop = None;
        if analysis.loops.all().is_empty() {
            return;
        }
        self.seen.clear();
        self.seen.resize(f.value_types.len(), None);
        self.blocks.clear();
        let innermost = |&block: &Block| analysis.loops.innermost(block).map(|of| (of, block));
        self.blocks.extend(analysis.order.rpo().iter().filter_map(innermost));
        self.blocks.sort_by_key(|of| of.0);
        let mut has_inner = vec![false; analysis.loops.all().len()];
        let parents = analysis.loops.all().values().filter_map(|data| data.parent);
        parents.for_each(|parent| has_inner[parent.index()] = true);
        let blocks = std::mem::take(&mut self.blocks);
        for of_loop in blocks.chunk_by(|one, other| one.0 == other.0) {
            let of = of_loop[0].0;
            if !has_inner[of.index()] {
                self.find_in_loop(f, analysis, of_loop, keep, &from_outside);
            }
        }
        self.blocks = blocks;
        self.kept.sort_by_key(|kept| (kept.before, kept.of));
    }

    fn find_in_loop(
        &mut self,
        f: &Stencil,
        analysis: &Analysis,
        blocks: &[(Loop, Block)],
        keep: &LoopsKeep,
        from_outside: &impl Fn(Value) -> FromOutside,
    ) {
        let of = blocks[0].0;
        let header = analysis.loops.all()[of].header;
        let Some(before) = analysis.dominators.idom(header) else { return };
        let mut calls = false;
        for &(_, block) in blocks {
            f.block_params(block).iter().for_each(|&param| self.seen[Value(param)] = Some(of));
            for inst in f.block_insts(block) {
                calls |= f.insts[inst].opcode.effects().has(Effects::CALL);
                f.inst_results(inst).iter().for_each(|&result| self.seen[Value(result)] = Some(of));
            }
        }
        let (limits, spare) = match calls {
            false => (keep.registers, SPARE),
            // What is computed and used up between calls needs no register that survives them.
            true => (keep.over_calls, 0),
        };
        let (mut pressure, mut limits) = (Pressure([spare; 2]), Pressure(limits));
        f.block_params(header).iter().for_each(|&param| pressure.add(f.value_types[Value(param)]));
        let first = self.kept.len();
        self.last.clear();
        for &(_, block) in blocks {
            for inst in f.block_insts(block) {
                f.visit_values(&f.insts[inst], |value| {
                    if self.seen[value].replace(of) == Some(of) {
                        return;
                    }
                    let kept = |data| Kept { data, before, of, reg: None };
                    match from_outside(value) {
                        FromOutside::InRegister => pressure.add(f.value_types[value]),
                        FromOutside::Recomputed => {}
                        FromOutside::Kept(data) => self.kept.push(kept(data)),
                        FromOutside::KeptLast(data) => self.last.push(kept(data)),
                    }
                });
            }
        }
        self.kept.append(&mut self.last);
        let mut at = first;
        while at < self.kept.len() {
            let data = &self.kept[at].data;
            let ty = data.opcode.result_type(data.ty);
            let fits = pressure.of(ty).zip(limits.of(ty)).is_some_and(|(used, most)| *used < *most);
            match fits {
                true => {
                    pressure.add(ty);
                    at += 1;
                }
                false => {
                    self.kept.remove(at);
                }
            }
        }
        let left = |class: usize| limits.0[class].saturating_sub(pressure.0[class]);
        self.room.push((of, [left(0), left(1)]));
    }

    /// Moves on to a block, or to none.
    pub(super) fn enter(&mut self, analysis: &Analysis, block: Option<Block>) {
        self.current = Span::default();
        self.current_loop = None;
        if self.room.is_empty() {
            return;
        }
        let Some(of) = block.and_then(|block| analysis.loops.innermost(block)) else { return };
        let Some(before) = analysis.dominators.idom(analysis.loops.all()[of].header) else { return };
        let start = self.kept.partition_point(|kept| (kept.before, kept.of) < (before, of));
        let end = self.kept.partition_point(|kept| (kept.before, kept.of) <= (before, of));
        self.current = Span::from(start as u32, end);
        self.current_loop = Some((of, before));
    }

    /// Lets the innermost loop around the current block keep a constant that is no operand, if it can.
    pub(super) fn add(&mut self, data: InstData, new_register: impl FnOnce() -> VReg) -> Option<VReg> {
        let (of, before) = self.current_loop?;
        let is_same = |kept: &&Kept| kept.of == of && kept.data == data;
        if let Some(known) = self.added.iter().find(is_same) {
            return known.reg;
        }
        let at = self.room.binary_search_by_key(&of, |room| room.0).ok()?;
        let room = &mut self.room[at].1[0];
        *room = room.checked_sub(1)?;
        let reg = Some(new_register());
        self.added.push(Kept { data, before, of, reg });
        reg
    }

    /// What the innermost loop around the current block keeps as the result of an instruction.
    #[inline]
    pub(super) fn get(&mut self, data: &InstData) -> Option<&mut Kept> {
        if self.current.is_empty() {
            return None;
        }
        self.kept[self.current.start as usize..self.current.end as usize]
            .iter_mut()
            .find(|kept| kept.data == *data)
    }

    /// Takes something that was added and is computed at the end of a block.
    pub(super) fn take_added(&mut self, block: Block) -> Option<Kept> {
        let at = self.added.iter().position(|kept| kept.before == block)?;
        Some(self.added.swap_remove(at))
    }

    /// What is computed at the end of a block.
    pub(super) fn made_in(&self, block: Block) -> &[Kept] {
        let start = self.kept.partition_point(|kept| kept.before < block);
        let end = self.kept.partition_point(|kept| kept.before <= block);
        &self.kept[start..end]
    }
}

/// How many registers a loop needs for what it computes and uses up.
const SPARE: usize = 3;
