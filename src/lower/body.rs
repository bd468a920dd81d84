//! Lowering of blocks: their instructions from the last to the first, and the arguments on their edges.
//!
//! An instruction is lowered if it has side effects or its result is used, unless it was folded into its
//! user, or an earlier instruction computes the same value. IR blocks that continue one another are lowered
//! as one, and the parameters of the later one are aliases of the arguments that the jump passes.

use super::blocks::DoubleBranch;
use super::context::{Lower, LowerTables, Lowered, registers};
use super::control::ControlLowering;
use super::families;
use super::families::FamilyLowering;
use super::{call, structures, try_call};
use crate::entity::Span;
use crate::ir::*;
use crate::machine::abi::{AbiSignature, PartLocation};
use crate::machine::reg::{PReg, RegClass, Registers, VBlock, VReg};
use crate::machine::vcode::Origin;
use crate::options::Flags;
use crate::rule;

impl<I: FamilyLowering> Lower<'_, I> {
    /// Moves on to a block.
    fn enter(&mut self, block: Block) {
        self.block = self.f.blocks[block];
        self.tables.loop_constants.enter(self.analysis, Some(block));
    }

    /// Lowers the second of two branches. The operands of its comparison are computed in the block of the
    /// first branch.
    pub(super) fn lower_second_branch(&mut self, vblock: VBlock, block: Block) {
        let last = self.f.terminator(block).expect("it ends with a branch");
        let double = self.tables.double_branch::<I>(self.f, block).expect("the block was made for it");
        self.enter(block);
        self.begin(last);
        self.edge_args(vblock);
        I::branch_on(self, double.conditions[1], false, self.successors());
        self.unshare();
    }

    /// Lowers a block of VCode: the IR block `last`, the one that it continues, and so on back to `first`.
    pub(super) fn lower_blocks(&mut self, vblock: VBlock, first: Block, last: Block) -> Lowered {
        self.enter(last);
        if let Some(inst) = self.f.terminator(last) {
            self.begin(inst);
            self.begin_try(inst)?;
            self.edge_args(vblock);
            match self.tables.double_branch::<I>(self.f, last) {
                Some(double) => I::branch_on(self, double.conditions[0], true, self.successors()),
                None => families::lower(self, inst)?,
            };
        }
        self.lower_body(last)?;
        let mut block = last;
        while block != first {
            block = self.continued(block);
            self.lower_body(block)?;
        }
        self.unshare();
        self.begin_params(first);
        Ok(())
    }

    /// Moves on to the block that `block` continues, which it returns. Makes the parameters of `block`
    /// aliases of the arguments that the jump passes.
    fn continued(&mut self, block: Block) -> Block {
        self.begin_params(block);
        let from = self.analysis.cfg.preds(block)[0];
        self.enter(from);
        let jump = self.f.terminator(from).expect("a reachable block ends");
        self.begin(jump);
        let call = self.f.jump_call(jump).expect("it ends with a jump");
        let args = self.f.block_calls[call].args;
        for (&param, &arg) in self.f.block_params(block).iter().zip(self.f.pool.get(args)) {
            let BlockArg::Value(arg) = BlockArg::unpack(arg) else { unreachable!("a jump passes values") };
            if self.is_used(Value(param)) {
                rule!(self, "block.joined");
                self.same_parts(Value(param), arg);
            }
        }
        from
    }

    /// Zero-extends those parameters of a block whose users asked for it.
    fn begin_params(&mut self, block: Block) {
        if !self.f.block_params(block).is_empty() {
            self.vcode.begin_group(NO_SRCLOC);
            self.extend_params(block);
        }
    }

    /// Lowers the instructions before a block's terminator.
    fn lower_body(&mut self, block: Block) -> Lowered {
        self.make_loop_constants(block);
        let mut insts = self.f.block_insts(block);
        insts.next_back();
        self.tables.local_cse.begin_block(Inst(self.block.end));
        for inst in insts.rev() {
            if let Some(first) = self.tables.local_cse.repeated(inst)
                && self.repeat(inst, first)
            {
                continue;
            }
            if self.is_needed(inst) {
                self.begin(inst);
                if let Some(summand) = self.sum_with_zero(inst) {
                    rule!(self, "sum.zero");
                    self.same(self.f.first_result(inst), summand);
                    continue;
                }
                if self.f.insts[inst].opcode.effects().has(Effects::CALL) {
                    self.unshare();
                }
                self.lower_extending(inst)?;
            }
        }
        Ok(())
    }

    /// Replaces the result of an instruction by that of the first instruction that computes the same, unless
    /// one of the two was folded. Returns false if the instruction must still be lowered.
    fn repeat(&mut self, inst: Inst, first: Inst) -> bool {
        if self.is_sunk(inst) || self.is_sunk(first) || !self.is_in_block(first) {
            return false;
        }
        let result = self.f.first_result(inst);
        if self.is_used(result) {
            rule!(self, "repeated");
            self.same(result, self.f.first_result(first));
        }
        true
    }

    /// Begins the group of an instruction.
    pub(super) fn begin(&mut self, inst: Inst) {
        self.current = inst;
        self.vcode.begin_group(self.f.srcloc(inst).unwrap_or(NO_SRCLOC));
    }

    /// Returns the branch whose critical edge a block splits.
    pub(super) fn source_of_edge(&self, vblock: VBlock) -> Option<Inst> {
        let source = self.vcode.predecessors(vblock)[0];
        match self.vcode.block(source).origin {
            Origin::Blocks { last, .. } => self.f.terminator(last),
            Origin::Second(_) | Origin::Edge(_) => None,
        }
    }

    /// Makes registers for the results and exception payload that a try_call's edges can pass.
    pub(super) fn begin_try(&mut self, inst: Inst) -> Lowered {
        let data = &self.f.insts[inst];
        if !matches!(data.opcode, Opcode::TryCall | Opcode::TryCallIndirect) || self.try_inst == Some(inst) {
            return Ok(());
        }
        self.try_inst = Some(inst);
        self.current = inst;
        let sig = self.f.call_signature(data).expect("a call has a signature");
        let abi = self.abi_of(sig)?;
        let signature = self.f.sig(sig);
        self.try_results.clear();
        self.try_arriving.clear();
        for (param, &place) in signature.returns.iter().zip(&abi.returns) {
            let Registers { class, count, .. } = registers(param.ty);
            let first = self.tmp(class);
            let second = (count == 2).then(|| self.tmp(class));
            self.try_results.push((first, second));
            let is_moved = call::bits_of_vector(abi.parts_of(place), param.ty).is_some();
            let arriving = is_moved.then(|| self.tmp(RegClass::Int));
            self.try_arriving.push(arriving);
        }
        structures::begin_try(self, &abi);
        self.try_payload.clear();
        let count = signature.call_conv.exception_payloads() as usize;
        for &fixed in &I::EXCEPTION_PAYLOAD[..count] {
            // The register holds a result on one edge and a payload on another, but is defined once.
            let shared = self.try_result_in(&abi, fixed);
            let payload = shared.unwrap_or_else(|| self.tmp(RegClass::Int));
            self.try_payload.push(payload);
        }
        Ok(())
    }

    /// Defines the late results of a try_call on the split edge of `call`, if that is the normal one.
    pub(super) fn late_results(&mut self, inst: Inst, call: BlockCallRef) -> Lowered {
        let data = &self.f.insts[inst];
        if !matches!(data.opcode, Opcode::TryCall | Opcode::TryCallIndirect) {
            return Ok(());
        }
        let table = &self.f.exception_tables[ExceptionTable(data.c)];
        if table.normal == call {
            let abi = self.abi_of(table.signature)?;
            try_call::define_late_results(self, &abi, table.signature, call);
        }
        Ok(())
    }

    /// Returns the virtual register for the part of a result that is returned in `fixed`.
    fn try_result_in(&self, abi: &AbiSignature, fixed: PReg) -> Option<VReg> {
        let results = abi.returns.iter().zip(&self.try_results).zip(&self.try_arriving);
        let mut parts = results.flat_map(|((&param, &(low, high)), &arriving)| {
            abi.parts_of(param).iter().zip([Some(arriving.unwrap_or(low)), high].into_iter().flatten())
        });
        let found = parts.find(|(part, _)| part.location == PartLocation::Reg(fixed)).map(|found| found.1);
        let mut pieces = try_call::structure_pieces(self, abi).into_iter();
        let piece = pieces.find(|(part, _)| part.location == PartLocation::Reg(fixed));
        found.or(piece.map(|found| found.1))
    }

    /// Whether to lower an instruction: it has side effects or a used result, and was not sunk.
    fn is_needed(&self, inst: Inst) -> bool {
        if self.tables.sunk[inst] {
            debug_assert!(
                self.f.inst_results(inst).first().is_none_or(|&result| !self.wants_zeros(Value(result))),
                "an instruction whose result is extended is not sunk"
            );
            return false;
        }
        let data = &self.f.insts[inst];
        let effects = self.f.effects(data);
        if effects.any(Effects(!Effects::LOAD.0)) {
            return true;
        }
        self.f.inst_results(inst).iter().any(|&value| self.is_used(Value(value)))
    }

    /// Puts the arguments of a block's edges in registers.
    pub(super) fn edge_args(&mut self, vblock: VBlock) {
        for edge in self.vcode.block(vblock).edges.iter() {
            let start = self.vcode.edge_args.len() as u32;
            if let Some(call) = self.blocks.edge_call(edge as usize) {
                let f = self.f;
                for &word in f.pool.get(f.block_calls[call].args) {
                    let (first, second) = match BlockArg::unpack(word) {
                        BlockArg::Value(value) => self.put_parts(value),
                        BlockArg::TryCallRet(n) => self.try_results[n as usize],
                        BlockArg::TryCallExn(n) => (self.try_payload[n as usize], None),
                    };
                    self.vcode.edge_args.push(first);
                    self.vcode.edge_args.extend(second);
                }
            }
            self.vcode.edges[edge as usize].args = Span::from(start, self.vcode.edge_args.len());
        }
    }

    /// Collects the registers of the parameters of all blocks except the entry.
    pub(super) fn block_params(&mut self) {
        for index in 1..self.vcode.blocks.len() {
            let Origin::Blocks { first, .. } = self.vcode.blocks[index].origin else { continue };
            let start = self.vcode.params.len() as u32;
            for &param in self.f.block_params(first) {
                let (first, second) = self.parts(Value(param));
                self.vcode.params.push(first);
                self.vcode.params.extend(second);
            }
            self.vcode.blocks[index].params = Span::from(start, self.vcode.params.len());
        }
    }

    /// Lowers an instruction, and zero-extends its result if that was requested. The result of a call is
    /// extended into another register, because the convention fixes its own.
    fn lower_extending(&mut self, inst: Inst) -> Lowered {
        let result = self.f.inst_results(inst).first().map(|&result| Value(result));
        match result.filter(|&result| self.wants_zeros(result)) {
            Some(result) if !I::extends_if_asked(self.f.insts[inst].opcode) => {
                let is_fixed = self.f.insts[inst].opcode.effects().has(Effects::CALL);
                let (d, raw) = self.split(result);
                families::lower(self, inst)?;
                I::zero_extend(self, d, raw, !is_fixed);
                Ok(())
            }
            _ => families::lower(self, inst),
        }
    }
}

impl LowerTables {
    /// Whether a block ends with a try_call that has results which are defined after the call. A signature
    /// that can't be located has none: lowering the call refuses it.
    pub(super) fn has_late_results<I: FamilyLowering>(
        &mut self,
        f: &Stencil,
        flags: &Flags,
        block: Block,
    ) -> bool {
        let Some(data) = f.terminator(block).map(|last| &f.insts[last]) else { return false };
        if !matches!(data.opcode, Opcode::TryCall | Opcode::TryCallIndirect) {
            return false;
        }
        let sig = f.exception_tables[ExceptionTable(data.c)].signature;
        let located = self.located::<I>(f, flags, sig);
        located.is_ok_and(|abi| try_call::has_late_results::<I>(&abi, f.sig(sig)))
    }

    /// Returns the two conditions of a block's branch, if they are comparisons that nothing else uses and the
    /// target prefers two branches.
    pub(super) fn double_branch<I: ControlLowering>(
        &self,
        f: &Stencil,
        block: Block,
    ) -> Option<DoubleBranch> {
        let range = f.blocks[block].start..f.blocks[block].end;
        let used_here = |value: Value| match f.value_defs[value].get() {
            ValueDef::Result(inst, _) if range.contains(&inst.0) && self.uses[value] == 1 => {
                Some(&f.insts[inst])
            }
            _ => None,
        };
        let branch = f.insts[f.terminator(block)?];
        if branch.opcode != Opcode::Brif {
            return None;
        }
        let joined = used_here(Value(branch.a))?;
        let all = match joined.opcode {
            Opcode::Band => true,
            Opcode::Bor => false,
            _ => return None,
        };
        let conditions = [Value(joined.a), Value(joined.b)];
        let compares =
            |value| used_here(value).is_some_and(|data| matches!(data.opcode, Opcode::Icmp | Opcode::Fcmp));
        let double = conditions.into_iter().all(compares) && !I::one_branch(f, conditions);
        double.then_some(DoubleBranch { conditions, all })
    }
}
