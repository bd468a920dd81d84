//! VCode: a function of machine instructions over virtual registers, in flat arrays.
//!
//! Lowering goes from the last instruction to the first, so instructions are pushed in *groups* (those of
//! one IR instruction, in order) and the groups come last to first; [`VCode::finish`] puts all in order with
//! one copy. Operands and data words are never moved: an instruction refers to them by index.
//!
//! Invariants after `finish`: blocks stand in order, each a range of instructions that ends with its only
//! terminator; block 0 is the entry, without parameters or predecessors; there are no critical edges.

use super::compiled::{RelocKind, SymbolRef};
use super::inst::{InstSink, MachInst, Props, Row, RowId};
use crate::ir::{self, NO_SRCLOC};
use regalloc2::{Operand, PRegSet, RegClass, VReg};
use std::collections::HashMap;

/// A branch from one block to another, with what it passes to its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Destination.
    pub to: regalloc2::Block,
    /// Range in [`VCode::edge_args`].
    pub args: (u32, u32),
}

/// Where a block comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Blocks of the IR, each of which the next one continues.
    Blocks {
        /// Its parameters are the block's.
        first: ir::Block,
        /// Its terminator is the block's.
        last: ir::Block,
    },
    /// The second branch of the condition that this block ends with.
    Second(ir::Block),
    /// A critical edge that was split: it only passes the arguments of this block call.
    Edge(ir::BlockCallRef),
}

/// A block.
#[derive(Clone, Copy, Debug)]
pub struct VBlock {
    /// Range of instructions.
    pub insts: (u32, u32),
    /// Range in [`VCode::params`].
    pub params: (u32, u32),
    /// Range in [`VCode::edges`] and [`VCode::succs`].
    pub edges: (u32, u32),
    /// Range in [`VCode::preds`].
    pub preds: (u32, u32),
    /// What it comes from.
    pub origin: Origin,
    /// Whether it is rarely executed.
    pub cold: bool,
}

/// A function of machine instructions.
#[derive(Debug, Default)]
pub struct VCode {
    /// Instructions in order (after [`VCode::finish`]).
    pub insts: Vec<MachInst>,
    /// Register operands.
    pub operands: Vec<Operand>,
    /// Data words.
    pub words: Vec<u32>,
    /// Blocks in order.
    pub blocks: Vec<VBlock>,
    /// Outgoing edges, by block.
    pub edges: Vec<Edge>,
    /// The edges' destinations, for the allocator.
    pub succs: Vec<regalloc2::Block>,
    /// Predecessors, by block.
    pub preds: Vec<regalloc2::Block>,
    /// Block parameters.
    pub params: Vec<VReg>,
    /// Arguments of edges.
    pub edge_args: Vec<VReg>,
    /// Register sets that calls clobber, by number.
    pub clobbers: Vec<PRegSet>,
    /// Source locations: first instruction of each run.
    pub srclocs: Vec<(u32, u32)>,
    /// Constants that instructions load from memory: ranges in `constant_bytes`.
    pub constants: Vec<(u32, u32)>,
    /// Their bytes.
    pub constant_bytes: Vec<u8>,
    /// Relocations of whole constants: number, kind, symbol and addend.
    pub constant_relocs: Vec<(u32, RelocKind, SymbolRef, i64)>,
    constant_index: HashMap<Vec<u8>, u32>,
    vreg_count: u32,
    has_floats: bool,
    pushed: Vec<MachInst>,
    groups: Vec<Group>,
    /// For each block, the range of `groups`, last group first.
    block_groups: Vec<(u32, u32)>,
    /// What a renamed vreg stands for, by vreg; itself if not renamed. Empty if none is.
    aliases: Vec<VReg>,
    pending: (u32, u32),
    /// Instructions inserted before the groups with these numbers.
    inserted: Vec<(u32, MachInst)>,
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
            operands,
            words,
        });
        self.pending = (self.operands.len() as u32, self.words.len() as u32);
    }
}

impl VCode {
    /// Empties it, keeping the memory.
    pub fn clear(&mut self) {
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
        self.srclocs.clear();
        self.constants.clear();
        self.constant_bytes.clear();
        self.constant_relocs.clear();
        self.constant_index.clear();
        self.vreg_count = 0;
        self.has_floats = false;
        self.pushed.clear();
        self.groups.clear();
        self.block_groups.clear();
        self.aliases.clear();
        self.pending = (0, 0);
        self.inserted.clear();
    }

    /// How many instructions were pushed so far.
    pub fn pushed_count(&self) -> usize {
        self.pushed.len()
    }

    /// The number of the group that is being pushed.
    pub fn current_group(&self) -> u32 {
        self.groups.len() as u32 - 1
    }

    /// Moves the instructions pushed since there were `mark` to before the group with number `group`.
    pub fn move_before_group(&mut self, mark: usize, group: u32) {
        self.inserted.extend(self.pushed.drain(mark..).map(|inst| (group, inst)));
    }

    /// A new virtual register.
    #[inline]
    pub fn vreg(&mut self, class: RegClass) -> VReg {
        let vreg = VReg::new(self.vreg_count as usize, class);
        self.vreg_count += 1;
        self.has_floats |= class == RegClass::Float;
        vreg
    }

    /// Whether there is a virtual register for other than integers.
    pub fn has_floats(&self) -> bool {
        self.has_floats
    }

    /// The number of a set of registers that calls clobber.
    pub fn clobber_set(&mut self, set: PRegSet) -> u32 {
        let found = self.clobbers.iter().position(|old| *old == set);
        found.unwrap_or_else(|| {
            self.clobbers.push(set);
            self.clobbers.len() - 1
        }) as u32
    }

    /// The number of a constant in memory, aligned to its size.
    pub fn constant(&mut self, bytes: &[u8]) -> u32 {
        if let Some(&number) = self.constant_index.get(bytes) {
            return number;
        }
        let number = self.new_constant(bytes);
        self.constant_index.insert(bytes.to_vec(), number);
        number
    }

    /// The number of an 8-byte constant in memory that a linker computes from a symbol.
    pub fn symbol_constant(&mut self, kind: RelocKind, symbol: SymbolRef, addend: i64) -> u32 {
        let same =
            |reloc: &&(u32, RelocKind, SymbolRef, i64)| (reloc.1, reloc.2, reloc.3) == (kind, symbol, addend);
        if let Some(found) = self.constant_relocs.iter().find(same) {
            return found.0;
        }
        let number = self.new_constant(&[0; 8]);
        self.constant_relocs.push((number, kind, symbol, addend));
        number
    }

    fn new_constant(&mut self, bytes: &[u8]) -> u32 {
        let start = self.constant_bytes.len() as u32;
        self.constant_bytes.extend_from_slice(bytes);
        let number = self.constants.len() as u32;
        self.constants.push((start, self.constant_bytes.len() as u32));
        number
    }

    /// How many virtual registers there are.
    pub fn vreg_count(&self) -> usize {
        self.vreg_count as usize
    }

    /// Begins the lowering of a block's instructions, the last one first.
    pub fn begin_block(&mut self) {
        let at = self.groups.len() as u32;
        self.block_groups.push((at, at));
    }

    /// Begins a group.
    #[inline]
    pub fn begin_group(&mut self, srcloc: u32) {
        self.groups.push(Group { start: self.pushed.len() as u32, srcloc });
    }

    /// Ends a block begun with [`VCode::begin_block`].
    pub fn end_block(&mut self) {
        let at = self.groups.len() as u32;
        self.block_groups.last_mut().expect("a block was begun").1 = at;
    }

    /// The data words of an instruction just pushed or finished.
    #[inline]
    pub fn inst_words(&self, inst: &MachInst) -> &[u32] {
        &self.words[inst.words as usize..]
    }

    /// From now on `vreg` stands for `target`, wherever it was or will be used.
    pub fn alias(&mut self, vreg: VReg, target: VReg) {
        let from = self.aliases.len();
        self.aliases.extend((from..self.vreg_count as usize).map(|i| VReg::new(i, RegClass::Int)));
        let target = resolve(&mut self.aliases, target);
        debug_assert_ne!(vreg.vreg(), target.vreg(), "an alias of itself");
        self.aliases[vreg.vreg()] = target;
    }

    /// Puts the instructions in order, after all blocks were lowered from the last to the first.
    pub fn finish(&mut self) {
        self.insts.reserve(self.pushed.len());
        let mut last_loc = NO_SRCLOC;
        let end_of_pushed = self.pushed.len() as u32;
        self.inserted.sort_by_key(|inserted| inserted.0);
        let mut inserted = self.inserted.len();
        for index in 0..self.blocks.len() {
            let start = self.insts.len() as u32;
            let (first, end) = self.block_groups[self.blocks.len() - 1 - index];
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
                    self.srclocs.push((self.insts.len() as u32, srcloc));
                    last_loc = srcloc;
                }
                // Most groups are of one instruction.
                for inst in &self.pushed[start as usize..end as usize] {
                    self.insts.push(*inst);
                }
            }
            let block = &mut self.blocks[index];
            block.insts = (start, self.insts.len() as u32);
            let edges = &self.edges[block.edges.0 as usize..block.edges.1 as usize];
            if edges.iter().any(|edge| edge.args.0 != edge.args.1) {
                self.insts.last_mut().expect("a block ends with a branch").passes = true;
            }
        }
        if !self.aliases.is_empty() {
            self.rename();
        }
    }

    /// Puts what it stands for in each register's place.
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

    /// The registers that an instruction writes besides its results, given its row.
    #[inline]
    pub fn clobbers(&self, inst: &MachInst, row: &Row) -> PRegSet {
        let mut clobbers = row.clobbers;
        if row.props.any(Props::CALL) {
            clobbers.union_from(self.clobbers[self.inst_words(inst)[0] as usize]);
        }
        clobbers
    }

    /// The register operands of an instruction.
    #[inline]
    pub fn inst_operands(&self, inst: &MachInst) -> &[Operand] {
        let start = inst.operands as usize;
        &self.operands[start..start + inst.operand_count as usize]
    }
}

/// What a virtual register stands for. Chains become shorter on the way, so that a long one is not gone through again
/// and again.
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
