//! VCode in the block order that regalloc2's checker needs.
//!
//! The checker visits blocks in order of their numbers. If it visits a block before any of its predecessors,
//! it assumes for good that all registers are empty on entry, and so rejects a loop that is entered in the
//! middle. In reverse postorder, every block comes after a predecessor. Instruction numbers must ascend with
//! block numbers, so both are renumbered, in the function and in the allocator's output.

use super::adapter::View;
use regalloc2::{
    Block, Function, Inst, InstPosition, InstRange, Operand, Output, PRegSet, ProgPoint, RegClass, VReg,
};

/// A function with its blocks renumbered in reverse postorder; unreachable ones come last.
pub(super) struct InReversePostorder<'a> {
    view: View<'a>,
    /// The original number of each block.
    own: Vec<Block>,
    /// The new number of each block's first instruction, and as the last entry the number of instructions.
    starts: Vec<usize>,
    /// The original number of each instruction.
    insts: Vec<Inst>,
    succs: Vec<Vec<Block>>,
    preds: Vec<Vec<Block>>,
}

impl<'a> InReversePostorder<'a> {
    pub(super) fn new(view: View<'a>) -> Self {
        let own = reverse_postorder(&view);
        let mut number = vec![Block::invalid(); own.len()];
        for (at, block) in own.iter().enumerate() {
            number[block.index()] = Block::new(at);
        }
        let renumber = |blocks: &[Block]| blocks.iter().map(|block| number[block.index()]).collect();
        let succs = own.iter().map(|&block| renumber(view.block_succs(block))).collect();
        let preds = own.iter().map(|&block| renumber(view.block_preds(block))).collect();
        let (mut starts, mut insts) = (vec![0], Vec::with_capacity(view.num_insts()));
        for &block in &own {
            insts.extend(view.block_insns(block).iter());
            starts.push(insts.len());
        }
        InReversePostorder { view, own, starts, insts, succs, preds }
    }

    /// Renumbers the allocator's output.
    pub(super) fn output(&self, output: &Output) -> Output {
        let mut renumbered =
            Output { num_spillslots: output.num_spillslots, stats: output.stats, ..Output::default() };
        for (at, &inst) in self.insts.iter().enumerate() {
            renumbered.inst_alloc_offsets.push(renumbered.allocs.len() as u32);
            renumbered.allocs.extend_from_slice(output.inst_allocs(inst));
            for position in [InstPosition::Before, InstPosition::After] {
                let (own, new) = (ProgPoint::new(inst, position), ProgPoint::new(Inst::new(at), position));
                let from = output.edits.partition_point(|(point, _)| *point < own);
                let edits = output.edits[from..].iter().take_while(|(point, _)| *point == own);
                renumbered.edits.extend(edits.map(|(_, edit)| (new, edit.clone())));
            }
        }
        renumbered
    }

    fn own_inst(&self, inst: Inst) -> Inst {
        self.insts[inst.index()]
    }
}

fn reverse_postorder(view: &View<'_>) -> Vec<Block> {
    let mut seen = vec![false; view.num_blocks()];
    let mut order = Vec::with_capacity(seen.len());
    let mut stack = vec![(view.entry_block(), 0)];
    seen[view.entry_block().index()] = true;
    while let Some((block, next)) = stack.last_mut() {
        let Some(&succ) = view.block_succs(*block).get(*next) else {
            order.push(*block);
            stack.pop();
            continue;
        };
        *next += 1;
        if !std::mem::replace(&mut seen[succ.index()], true) {
            stack.push((succ, 0));
        }
    }
    order.reverse();
    order.extend((0..seen.len()).filter(|&block| !seen[block]).map(Block::new));
    order
}

impl Function for InReversePostorder<'_> {
    fn num_insts(&self) -> usize {
        self.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.own.len()
    }

    fn entry_block(&self) -> Block {
        Block::new(0)
    }

    fn block_insns(&self, block: Block) -> InstRange {
        let at = block.index();
        InstRange::new(Inst::new(self.starts[at]), Inst::new(self.starts[at + 1]))
    }

    fn block_succs(&self, block: Block) -> &[Block] {
        &self.succs[block.index()]
    }

    fn block_preds(&self, block: Block) -> &[Block] {
        &self.preds[block.index()]
    }

    fn block_params(&self, block: Block) -> &[VReg] {
        self.view.block_params(self.own[block.index()])
    }

    fn is_ret(&self, inst: Inst) -> bool {
        self.view.is_ret(self.own_inst(inst))
    }

    fn is_branch(&self, inst: Inst) -> bool {
        self.view.is_branch(self.own_inst(inst))
    }

    fn branch_blockparams(&self, block: Block, inst: Inst, succ: usize) -> &[VReg] {
        self.view.branch_blockparams(self.own[block.index()], self.own_inst(inst), succ)
    }

    fn inst_operands(&self, inst: Inst) -> &[Operand] {
        self.view.inst_operands(self.own_inst(inst))
    }

    fn inst_clobbers(&self, inst: Inst) -> PRegSet {
        self.view.inst_clobbers(self.own_inst(inst))
    }

    fn num_vregs(&self) -> usize {
        self.view.num_vregs()
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        self.view.spillslot_size(class)
    }
}
