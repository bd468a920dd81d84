//! VCode: a function of machine instructions over virtual registers, in flat arrays.
//!
//! Lowering goes from the last IR instruction to the first. The machine instructions of one IR instruction, a
//! *group*, are pushed in order, and the groups from last to first; `VCode::finish` then puts everything in
//! order with one copy. Operands and data words stay where they are: instructions refer to them by index.
//!
//! Invariants after `finish`: blocks are in order, and each is a range of instructions that ends with its
//! only terminator; block 0 is the entry and has no parameters or predecessors; there are no critical edges.

mod redundant_params;

use super::inst::{ConstantRef, InstSink, MachInst, Props, Row, RowId};
use super::reg::{self, Clobbered, FloatWidth, Operand, PRegSet, RegClass, VBlock, VReg};
use crate::entity::Span;
use crate::ir::{self, NO_SRCLOC};
use std::collections::HashMap;

/// An edge of the control-flow graph, with the arguments that it passes to the destination's parameters.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Destination.
    pub(crate) to: VBlock,
    /// Range in [`VCode::edge_args`].
    pub(crate) args: Span,
}

/// What a block of VCode was made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// IR blocks, each of which continues the previous one.
    Blocks {
        /// The first IR block, whose parameters are the block's.
        first: ir::Block,
        /// The last IR block, whose terminator is the block's.
        last: ir::Block,
    },
    /// The second of the two branches that this IR block's terminator was split into.
    Second(ir::Block),
    /// A split critical edge: passes the arguments of this block call and jumps.
    Edge(ir::BlockCallRef),
}

/// A block of VCode.
#[derive(Clone, Copy, Debug)]
pub struct VBlockData {
    /// Range in [`VCode::insts`].
    pub(crate) insts: Span,
    /// Range in [`VCode::params`].
    pub(crate) params: Span,
    /// Range in [`VCode::edges`] and [`VCode::succs`].
    pub(crate) edges: Span,
    /// Range in [`VCode::preds`].
    pub(crate) preds: Span,
    /// What the block was made from.
    pub(crate) origin: Origin,
    /// Whether the block is rarely executed.
    pub(crate) cold: bool,
}

/// A function of machine instructions.
#[derive(Debug, Default)]
pub struct VCode {
    /// Instructions, in order after [`VCode::finish`].
    pub(crate) insts: Vec<MachInst>,
    /// Register operands of all instructions.
    pub(crate) operands: Vec<Operand>,
    /// Data words of all instructions.
    pub(crate) words: Vec<u32>,
    /// Blocks, in order.
    pub(crate) blocks: Vec<VBlockData>,
    /// Outgoing edges of all blocks.
    pub(crate) edges: Vec<Edge>,
    /// Destinations of `edges`, as a separate array: regalloc2 takes a slice of blocks.
    pub(crate) succs: Vec<VBlock>,
    /// Predecessors of all blocks.
    pub(crate) preds: Vec<VBlock>,
    /// Parameters of all blocks.
    pub(crate) params: Vec<VReg>,
    /// Arguments of all edges.
    pub(crate) edge_args: Vec<VReg>,
    /// Register sets that calls clobber; instructions refer to them by index.
    pub(crate) clobbers: Vec<PRegSet>,
    /// For each of these sets, the registers of which one half is preserved.
    clobbered_halves: Vec<PRegSet>,
    /// Runs of instructions with the same source location.
    pub(crate) srclocs: Vec<SrcLocRun>,
    /// Constants in memory: ranges in `constant_bytes`, indexed by [`ConstantRef`].
    pub(crate) constants: Vec<Span>,
    /// Bytes of all constants.
    pub(crate) constant_bytes: Vec<u8>,
    /// If debug information is to say where values are, the registers that hold each value of the IR, by its
    /// number: of an i128 the low and the high half, otherwise twice the same; invalid if there are none.
    pub(crate) described: Vec<[VReg; 2]>,
    constant_index: HashMap<Vec<u8>, ConstantRef>,
    vreg_count: u32,
    has_floats: bool,
    float_width: FloatWidth,
    pushed: Vec<MachInst>,
    groups: Vec<Group>,
    /// For each block, last block first, its range in `groups`, last group first.
    block_groups: Vec<Span>,
    /// For each vreg, the vreg it is an alias of, or itself. May be shorter than the number of vregs: the
    /// others have no alias.
    aliases: Vec<VReg>,
    /// For each of `params`, whether it turned out to be redundant.
    dropped: Vec<bool>,
    /// Where the operands and the words of the instruction under construction begin.
    pending: (u32, u32),
    /// The union of the bits of its operands.
    asked: u64,
    /// Instructions to insert, each with the number of the group that it goes before.
    inserted: Vec<(u32, MachInst)>,
}

/// A run of instructions with the same source location; it ends where the next one begins.
#[derive(Clone, Copy, Debug)]
pub struct SrcLocRun {
    /// Index of the first instruction.
    pub(crate) inst: u32,
    /// The source location.
    pub(crate) srcloc: u32,
}

/// The instructions of one IR instruction.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: u32,
    srcloc: u32,
}

impl InstSink for VCode {
    #[inline]
    fn push_operand(&mut self, operand: Operand) {
        self.asked |= operand.bits();
        self.operands.push(operand);
    }

    #[inline]
    fn push_word(&mut self, word: u32) {
        self.words.push(word);
    }

    #[inline]
    fn finish(&mut self, row: RowId, small: u8, trap: u8) {
        let (operands, words) = self.pending;
        self.pushed.push(MachInst {
            row,
            operand_count: (self.operands.len() as u32 - operands) as u16,
            small,
            trap,
            passes: false,
            constrained: reg::is_constrained(std::mem::take(&mut self.asked)),
            operands,
            words,
        });
        self.pending = (self.operands.len() as u32, self.words.len() as u32);
    }
}

impl VCode {
    /// Empties the VCode, keeping its memory.
    pub(crate) fn clear(&mut self) {
        self.insts.clear();
        self.operands.clear();
        self.words.clear();
        self.blocks.clear();
        self.edges.clear();
        self.succs.clear();
        self.preds.clear();
        self.params.clear();
        self.edge_args.clear();
        self.clobbers.clear();
        self.clobbered_halves.clear();
        self.srclocs.clear();
        self.constants.clear();
        self.constant_bytes.clear();
        self.described.clear();
        self.constant_index.clear();
        self.vreg_count = 0;
        self.has_floats = false;
        self.float_width = FloatWidth::Scalar;
        self.pushed.clear();
        self.groups.clear();
        self.block_groups.clear();
        self.aliases.clear();
        self.pending = (0, 0);
        self.asked = 0;
        self.inserted.clear();
    }

    /// Number of instructions pushed so far.
    pub(crate) fn pushed_count(&self) -> usize {
        self.pushed.len()
    }

    /// Number of the group that is being pushed.
    pub(crate) fn current_group(&self) -> u32 {
        self.groups.len() as u32 - 1
    }

    /// Moves the instructions pushed since [`VCode::pushed_count`] was `mark` to before group number `group`.
    pub(crate) fn move_before_group(&mut self, mark: usize, group: u32) {
        self.inserted.extend(self.pushed.drain(mark..).map(|inst| (group, inst)));
    }

    /// Makes a new virtual register.
    #[inline]
    pub(crate) fn vreg(&mut self, class: RegClass) -> VReg {
        let vreg = VReg::new(self.vreg_count as usize, class);
        self.vreg_count += 1;
        self.has_floats |= class == RegClass::Float;
        vreg
    }

    /// Whether there are virtual registers of the float class.
    pub(crate) fn has_floats(&self) -> bool {
        self.has_floats
    }

    /// The greatest width of values of the float class.
    pub(crate) fn float_width(&self) -> FloatWidth {
        self.float_width
    }

    /// Notes that a value of the float class has this width.
    pub(crate) fn note_float_width(&mut self, width: FloatWidth) {
        self.float_width = self.float_width.max(width);
    }

    /// Returns the number of a register set that calls clobber.
    pub(crate) fn clobber_set(&mut self, Clobbered { all, halves }: Clobbered) -> u32 {
        let mut sets = self.clobbers.iter().zip(&self.clobbered_halves);
        let found = sets.position(|old| old == (&all, &halves));
        found.unwrap_or_else(|| {
            self.clobbers.push(all);
            self.clobbered_halves.push(halves);
            self.clobbers.len() - 1
        }) as u32
    }

    /// Adds a constant in memory, aligned to its size, or returns an equal one.
    pub(crate) fn constant(&mut self, bytes: &[u8]) -> ConstantRef {
        if let Some(&constant) = self.constant_index.get(bytes) {
            return constant;
        }
        let start = self.constant_bytes.len() as u32;
        self.constant_bytes.extend_from_slice(bytes);
        let constant = ConstantRef(self.constants.len() as u32);
        self.constants.push(Span::from(start, self.constant_bytes.len()));
        self.constant_index.insert(bytes.to_vec(), constant);
        constant
    }

    /// Number of virtual registers.
    pub(crate) fn vreg_count(&self) -> usize {
        self.vreg_count as usize
    }

    /// Begins the lowering of a block's instructions, the last one first.
    pub(crate) fn begin_block(&mut self) {
        let at = self.groups.len() as u32;
        self.block_groups.push(Span::new(at, at));
    }

    /// Begins a group.
    #[inline]
    pub(crate) fn begin_group(&mut self, srcloc: u32) {
        self.groups.push(Group { start: self.pushed.len() as u32, srcloc });
    }

    /// Ends a block begun with [`VCode::begin_block`].
    pub(crate) fn end_block(&mut self) {
        let at = self.groups.len() as u32;
        self.block_groups.last_mut().expect("a block was begun").end = at;
    }

    /// The data words from an instruction's first one on.
    #[inline]
    pub(crate) fn inst_words(&self, inst: &MachInst) -> &[u32] {
        &self.words[inst.words as usize..]
    }

    /// Makes `vreg` an alias of `target`, wherever it was or will be used.
    pub(crate) fn alias(&mut self, vreg: VReg, target: VReg) {
        let from = self.aliases.len();
        self.aliases.extend((from..self.vreg_count as usize).map(|i| VReg::new(i, RegClass::Int)));
        let target = resolve(&mut self.aliases, target);
        debug_assert_ne!(vreg.vreg(), target.vreg(), "an alias of itself");
        self.aliases[vreg.vreg()] = target;
    }

    /// Puts the instructions in order, after all blocks were lowered from the last to the first.
    pub(crate) fn finish(&mut self) {
        self.insts.reserve(self.pushed.len());
        let mut last_loc = NO_SRCLOC;
        let end_of_pushed = self.pushed.len() as u32;
        self.inserted.sort_by_key(|inserted| inserted.0);
        let mut inserted = self.inserted.len();
        for index in 0..self.blocks.len() {
            let start = self.insts.len() as u32;
            let Span { start: first, end } = self.block_groups[self.blocks.len() - 1 - index];
            let mut end_of_group = self.groups.get(end as usize).map_or(end_of_pushed, |next| next.start);
            for group in (first..end).rev() {
                let Group { start, srcloc } = self.groups[group as usize];
                let end = std::mem::replace(&mut end_of_group, start);
                if inserted > 0 {
                    let first = self.inserted[..inserted].partition_point(|entry| entry.0 < group);
                    self.insts.extend(self.inserted[first..inserted].iter().map(|entry| entry.1));
                    inserted = first;
                }
                if srcloc != last_loc && start != end {
                    self.srclocs.push(SrcLocRun { inst: self.insts.len() as u32, srcloc });
                    last_loc = srcloc;
                }
                // Most groups are of one instruction.
                for inst in &self.pushed[start as usize..end as usize] {
                    self.insts.push(*inst);
                }
            }
            let block = &mut self.blocks[index];
            block.insts = Span::from(start, self.insts.len());
            if block.edges.of(&self.edges).iter().any(|edge| !edge.args.is_empty()) {
                self.insts.last_mut().expect("a block ends with a branch").passes = true;
            }
        }
        if !self.aliases.is_empty() {
            self.rename();
        }
    }

    /// Records which registers hold the values of the IR, after [`VCode::finish`].
    pub(crate) fn describe(&mut self, values: impl Iterator<Item = [VReg; 2]>) {
        let aliases = &mut self.aliases;
        self.described.extend(values.map(|[low, high]| match (low == VReg::invalid(), low == high) {
            (true, _) => [low; 2],
            (false, true) => [resolve(aliases, low); 2],
            (false, false) => [resolve(aliases, low), resolve(aliases, high)],
        }));
    }

    /// The registers that hold the values that are in any.
    pub(crate) fn described(&self) -> impl Iterator<Item = [VReg; 2]> {
        self.described.iter().copied().filter(|registers| registers[0] != VReg::invalid())
    }

    /// Replaces aliases in operands, parameters and arguments.
    fn rename(&mut self) {
        let mut name = |vreg: VReg| resolve(&mut self.aliases, vreg);
        for operand in &mut self.operands {
            let target = name(operand.vreg());
            if target != operand.vreg() {
                *operand = Operand::new(target, operand.constraint(), operand.kind(), operand.pos());
            }
        }
        for vreg in self.params.iter_mut().chain(&mut self.edge_args) {
            *vreg = name(*vreg);
        }
    }

    /// Returns the registers that an instruction clobbers, given its row.
    #[inline]
    pub(crate) fn clobbers(&self, inst: &MachInst, row: &Row) -> PRegSet {
        let mut clobbers = row.clobbers;
        if let Some(set) = self.called_clobbers(inst, row) {
            clobbers.union_from(self.clobbers[set]);
        }
        clobbers
    }

    /// Returns the registers that an instruction clobbers entirely.
    pub(crate) fn clobbers_whole(&self, inst: &MachInst, row: &Row) -> PRegSet {
        let mut clobbers = self.clobbers(inst, row);
        if let Some(set) = self.called_clobbers(inst, row) {
            let mut kept = self.clobbered_halves[set].invert();
            kept.union_from(row.clobbers);
            clobbers.intersect_from(kept);
        }
        clobbers
    }

    /// Returns the index in [`VCode::clobbers`] of the set that a call clobbers, given the instruction's row.
    #[inline]
    pub(crate) fn called_clobbers(&self, inst: &MachInst, row: &Row) -> Option<usize> {
        row.props.any(Props::CALL).then(|| self.inst_words(inst)[0] as usize)
    }

    /// Iterates over the indices of all blocks, in order.
    pub(crate) fn block_indices(&self) -> impl Iterator<Item = VBlock> + use<> {
        (0..self.blocks.len()).map(VBlock::new)
    }

    /// Returns a block.
    #[inline]
    pub(crate) fn block(&self, block: VBlock) -> &VBlockData {
        &self.blocks[block.index()]
    }

    /// The destinations of a block's edges.
    #[inline]
    pub(crate) fn successors(&self, block: VBlock) -> &[VBlock] {
        self.block(block).edges.of(&self.succs)
    }

    /// The blocks whose edges lead to a block.
    #[inline]
    pub(crate) fn predecessors(&self, block: VBlock) -> &[VBlock] {
        self.block(block).preds.of(&self.preds)
    }

    /// The register operands of an instruction.
    #[inline]
    pub(crate) fn inst_operands(&self, inst: &MachInst) -> &[Operand] {
        inst.operands().of(&self.operands)
    }
}

/// Follows aliases to the register that `vreg` stands for. Chains are shortened on the way, so that following
/// a long one repeatedly stays cheap.
#[inline]
fn resolve(aliases: &mut [VReg], mut vreg: VReg) -> VReg {
    while let Some(&next) = aliases.get(vreg.vreg())
        && next.vreg() != vreg.vreg()
    {
        let after = aliases[next.vreg()];
        if after.vreg() != next.vreg() {
            aliases[vreg.vreg()] = after;
        }
        vreg = next;
    }
    vreg
}
