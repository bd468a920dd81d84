//! The one interface to register allocation: VCode in, allocations, moves and spill slots out.
//!
//! regalloc2 is behind it today. Nothing else of clifc calls it, so that another allocator can take its
//! place: it would see the same flat slices and fill the same [`Output`].

use super::inst::{Props, Row};
use super::regalloc_order::InReversePostorder;
use super::vcode::VCode;
use regalloc2::{
    Block, Inst, InstRange, MachineEnv, Operand, Output, PRegSet, RegClass, RegallocOptions, VReg,
};

/// VCode as the allocator sees it.
pub(super) struct View<'a> {
    vcode: &'a VCode,
    rows: &'static [Row],
    /// Registers of which it matters whether calls clobber them.
    allocatable: PRegSet,
    /// Whether the result will be checked.
    check: bool,
}

impl View<'_> {
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
        let (start, end) = self.vcode.blocks[block.index()].insts;
        InstRange::new(Inst::new(start as usize), Inst::new(end as usize))
    }

    #[inline]
    fn block_succs(&self, block: Block) -> &[Block] {
        let (start, end) = self.vcode.blocks[block.index()].edges;
        &self.vcode.succs[start as usize..end as usize]
    }

    #[inline]
    fn block_preds(&self, block: Block) -> &[Block] {
        let (start, end) = self.vcode.blocks[block.index()].preds;
        &self.vcode.preds[start as usize..end as usize]
    }

    #[inline]
    fn block_params(&self, block: Block) -> &[VReg] {
        let (start, end) = self.vcode.blocks[block.index()].params;
        &self.vcode.params[start as usize..end as usize]
    }

    #[inline]
    fn is_ret(&self, inst: Inst) -> bool {
        self.row(inst).props.any(Props::RETURN.or(Props::STOP))
    }

    /// The allocator asks because of the arguments that branches pass; without any, it is spared the work. The checker
    /// wants each block to end with a branch or return.
    #[inline]
    fn is_branch(&self, inst: Inst) -> bool {
        self.vcode.insts[inst.index()].passes || self.check && self.row(inst).props.any(Props::BRANCH)
    }

    #[inline]
    fn branch_blockparams(&self, block: Block, _inst: Inst, succ: usize) -> &[VReg] {
        let edge = self.vcode.blocks[block.index()].edges.0 as usize + succ;
        let (start, end) = self.vcode.edges[edge].args;
        &self.vcode.edge_args[start as usize..end as usize]
    }

    #[inline]
    fn inst_operands(&self, inst: Inst) -> &[Operand] {
        self.vcode.inst_operands(&self.vcode.insts[inst.index()])
    }

    #[inline]
    fn inst_clobbers(&self, inst: Inst) -> PRegSet {
        let row = self.row(inst);
        if !row.props.any(Props::CLOBBERS) {
            return PRegSet::empty();
        }
        let mut clobbers = self.vcode.clobbers(&self.vcode.insts[inst.index()], row);
        clobbers.intersect_from(self.allocatable);
        clobbers
    }

    fn num_vregs(&self) -> usize {
        self.vcode.vreg_count()
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        match class {
            RegClass::Int => 1,
            RegClass::Float | RegClass::Vector => 2,
        }
    }
}

/// For the message of a failed allocation: a register that is read and that nothing defines.
fn undefined(vcode: &VCode) -> String {
    let mut defined = vec![false; vcode.vreg_count()];
    let is_def = |operand: &&Operand| operand.kind() == regalloc2::OperandKind::Def;
    vcode.insts.iter().flat_map(|inst| vcode.inst_operands(inst)).filter(is_def).for_each(|operand| {
        defined[operand.vreg().vreg()] = true;
    });
    vcode.params.iter().for_each(|param| defined[param.vreg()] = true);
    let lost = vcode.insts.iter().enumerate().find_map(|(at, inst)| {
        let lost = vcode
            .inst_operands(inst)
            .iter()
            .find(|operand| defined.get(operand.vreg().vreg()) == Some(&false))?;
        Some(format!(": instruction {at} reads {}, which nothing defines", lost.vreg()))
    });
    lost.unwrap_or_default()
}

/// Register allocation, with the memory it reuses from function to function.
#[derive(Default)]
pub struct Allocator {
    context: regalloc2::Ctx,
}

impl Allocator {
    /// Allocates registers. With `check`, the symbolic checker goes over the result.
    ///
    /// An error is a defect of lowering or of the allocator; its text says which instruction.
    pub fn run(
        &mut self,
        vcode: &VCode,
        rows: &'static [Row],
        env: &MachineEnv,
        algorithm: regalloc2::Algorithm,
        check: bool,
    ) -> Result<(), String> {
        let view = View { vcode, rows, allocatable: PRegSet::from(env), check };
        let options = RegallocOptions { verbose_log: false, validate_ssa: check, algorithm };
        regalloc2::run_with_ctx(&view, env, &options, &mut self.context)
            .map_err(|error| format!("{error:?}{}", undefined(vcode)))?;
        if check {
            let view = InReversePostorder::new(view);
            let mut checker = regalloc2::checker::Checker::new(&view, env);
            checker.prepare(&view.output(&self.context.output));
            checker.run().map_err(|errors| format!("checker, in reverse postorder: {errors:?}"))?;
        }
        Ok(())
    }

    /// The result of the last run.
    pub fn output(&self) -> &Output {
        &self.context.output
    }
}
