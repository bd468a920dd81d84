//! The view of VCode through which regalloc2 allocates.

use super::permutation;
use crate::machine::inst::{Props, Row};
use crate::machine::reg::{self, RegisterFile};
use crate::machine::vcode::VCode;
use regalloc2::{Block, Inst, InstRange, MachineEnv, Operand, PRegSet, RegClass, VReg};

/// A function of VCode as regalloc2 sees it.
pub(super) struct View<'a> {
    vcode: &'a VCode,
    rows: &'static [Row],
    /// Register operands of all instructions, with regalloc2's register indices.
    operands: &'a [Operand],
    /// The register sets that calls clobber, with regalloc2's register indices.
    clobbers: &'a [PRegSet],
    /// Whether regalloc2's register indices differ from register numbers.
    permuted: bool,
    /// Allocatable registers; others are left out of clobber sets.
    allocatable: PRegSet,
    /// Whether regalloc2's checker will run on the result.
    check: bool,
}

/// Converts a register file to regalloc2's form.
pub(super) fn machine_env(file: &RegisterFile) -> MachineEnv {
    let permuted = |set: PRegSet| if file.spread { permutation::set(set) } else { set };
    MachineEnv {
        preferred_regs_by_class: [
            permuted(file.ints.preferred),
            permuted(file.floats.preferred),
            PRegSet::empty(),
        ],
        non_preferred_regs_by_class: [
            permuted(file.ints.others),
            permuted(file.floats.others),
            PRegSet::empty(),
        ],
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    }
}

impl<'a> View<'a> {
    /// Makes the view of a function. `operands` and `clobbers` are reused memory for permuted copies.
    pub(super) fn new(
        vcode: &'a VCode,
        rows: &'static [Row],
        file: &RegisterFile,
        check: bool,
        operands: &'a mut Vec<Operand>,
        clobbers: &'a mut Vec<PRegSet>,
    ) -> Self {
        if file.spread {
            operands.clear();
            operands.extend(vcode.operands.iter().map(permutation::operand));
            clobbers.clear();
            clobbers.extend(vcode.clobbers.iter().map(|&set| permutation::set(set)));
        }
        View {
            vcode,
            rows,
            operands: if file.spread { operands } else { &vcode.operands },
            clobbers: if file.spread { clobbers } else { &vcode.clobbers },
            permuted: file.spread,
            allocatable: PRegSet::from(&machine_env(file)),
            check,
        }
    }

    #[inline]
    fn row(&self, inst: Inst) -> &'static Row {
        &self.rows[self.vcode.insts[inst.index()].row.0 as usize]
    }
}

impl regalloc2::Function for View<'_> {
    fn num_insts(&self) -> usize {
        self.vcode.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.vcode.blocks.len()
    }

    fn entry_block(&self) -> Block {
        Block::new(0)
    }

    #[inline]
    fn block_insns(&self, block: Block) -> InstRange {
        let insts = self.vcode.block(block).insts;
        InstRange::new(Inst::new(insts.start as usize), Inst::new(insts.end as usize))
    }

    #[inline]
    fn block_succs(&self, block: Block) -> &[Block] {
        self.vcode.successors(block)
    }

    #[inline]
    fn block_preds(&self, block: Block) -> &[Block] {
        self.vcode.predecessors(block)
    }

    #[inline]
    fn block_params(&self, block: Block) -> &[VReg] {
        self.vcode.block(block).params.of(&self.vcode.params)
    }

    #[inline]
    fn is_ret(&self, inst: Inst) -> bool {
        self.row(inst).props.any(Props::RETURN.or(Props::STOP))
    }

    /// The allocator needs to know of branches only for the arguments they pass, so branches without any are
    /// not reported. The checker requires every block to end with a branch or return.
    #[inline]
    fn is_branch(&self, inst: Inst) -> bool {
        self.vcode.insts[inst.index()].passes || self.check && self.row(inst).props.any(Props::BRANCH)
    }

    #[inline]
    fn branch_blockparams(&self, block: Block, _inst: Inst, succ: usize) -> &[VReg] {
        let edge = &self.vcode.block(block).edges.of(&self.vcode.edges)[succ];
        edge.args.of(&self.vcode.edge_args)
    }

    #[inline]
    fn inst_operands(&self, inst: Inst) -> &[Operand] {
        self.vcode.insts[inst.index()].operands().of(self.operands)
    }

    #[inline]
    fn inst_clobbers(&self, inst: Inst) -> PRegSet {
        let row = self.row(inst);
        if !row.props.any(Props::CLOBBERS) {
            return PRegSet::empty();
        }
        let mut clobbers = if self.permuted && row.clobbers != PRegSet::empty() {
            permutation::set(row.clobbers)
        } else {
            row.clobbers
        };
        if let Some(set) = self.vcode.called_clobbers(&self.vcode.insts[inst.index()], row) {
            clobbers.union_from(self.clobbers[set]);
        }
        clobbers.intersect_from(self.allocatable);
        clobbers
    }

    fn num_vregs(&self) -> usize {
        self.vcode.vreg_count()
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        reg::spill_units(class)
    }
}
