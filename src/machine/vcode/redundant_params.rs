//! Block parameters that have but one value: they become another name for it.
//!
//! Code from WebAssembly hands every local variable round its loops, changed or not. A parameter to which all
//! edges pass the same value, or the parameter itself, is that value; in bzip2 that is half of them, with two
//! fifths of all arguments. One that goes comes into others as its value, so the blocks are gone through a
//! few times; that more would follow is rare.

use super::{VCode, resolve};
use crate::entity::Span;
use crate::machine::reg::{OperandKind, VReg};

/// How often the blocks are gone through at most.
const ROUNDS: usize = 4;

impl VCode {
    /// Gives redundant parameters the names of their values, and drops them and their arguments.
    pub(crate) fn drop_redundant_params(&mut self) {
        if self.params.is_empty() {
            return;
        }
        self.dropped.clear();
        self.dropped.resize(self.params.len(), false);
        let mut found = self.name_after_only_argument();
        for _ in 0..ROUNDS {
            let mut more = false;
            for block in 0..self.blocks.len() {
                more |= self.find_redundant(block);
            }
            found |= more;
            if !more {
                break;
            }
        }
        if found {
            self.remove_dropped();
        }
    }

    /// Finds the parameters of blocks with a single predecessor. What the branch there defines is not to be
    /// seen beyond its edges, so that is left alone.
    fn name_after_only_argument(&mut self) -> bool {
        let mut found = false;
        for block in 0..self.blocks.len() {
            for edge in self.blocks[block].edges.iter() {
                let edge = self.edges[edge as usize];
                let to = &self.blocks[edge.to.index()];
                if edge.args.is_empty() || to.preds.len() != 1 || self.branch_defines(block) {
                    continue;
                }
                for (param, arg) in to.params.iter().zip(edge.args.iter()) {
                    found |= self.drop_param(param as usize, self.edge_args[arg as usize]);
                }
            }
        }
        found
    }

    /// Whether the last instruction of a block defines a register. Instructions are not in order yet.
    fn branch_defines(&self, block: usize) -> bool {
        let groups = self.block_groups[self.blocks.len() - 1 - block];
        let Some(last) = self.groups.get(groups.start as usize) else { return true };
        let end =
            self.groups.get(groups.start as usize + 1).map_or(self.pushed.len(), |next| next.start as usize);
        let insts = &self.pushed[last.start as usize..end];
        let Some(branch) = insts.last() else { return true };
        self.inst_operands(branch).iter().any(|operand| operand.kind() == OperandKind::Def)
    }

    /// Finds the redundant parameters of a block; returns whether there are any.
    fn find_redundant(&mut self, block: usize) -> bool {
        let block = &self.blocks[block];
        let (params, preds) = (block.params, block.preds);
        if preds.len() < 2 {
            return false;
        }
        let mut found = false;
        for (index, param) in params.iter().enumerate() {
            if self.dropped[param as usize] {
                continue;
            }
            let own = self.params[param as usize];
            let mut value: Option<VReg> = None;
            let same = preds.iter().all(|pred| {
                // There are no critical edges: it has no other one.
                let pred = &self.blocks[self.preds[pred as usize].index()];
                let args = self.edges[pred.edges.start as usize].args;
                let arg = resolve(&mut self.aliases, self.edge_args[args.start as usize + index]);
                arg == own || *value.get_or_insert(arg) == arg
            });
            if let Some(value) = value.filter(|_| same) {
                found |= self.drop_param(param as usize, value);
            }
        }
        found
    }

    fn drop_param(&mut self, param: usize, value: VReg) -> bool {
        let own = self.params[param];
        if resolve(&mut self.aliases, value) == own {
            return false;
        }
        self.alias(own, value);
        self.dropped[param] = true;
        true
    }

    fn remove_dropped(&mut self) {
        let mut args = Vec::with_capacity(self.edge_args.len());
        for edge in &mut self.edges {
            let params = self.blocks[edge.to.index()].params;
            let start = args.len() as u32;
            let kept =
                edge.args.iter().zip(params.iter()).filter(|(_, param)| !self.dropped[*param as usize]);
            args.extend(kept.map(|(arg, _)| self.edge_args[arg as usize]));
            edge.args = Span::from(start, args.len());
        }
        self.edge_args = args;
        let mut params = Vec::with_capacity(self.params.len());
        for block in &mut self.blocks {
            let start = params.len() as u32;
            let kept = block.params.iter().filter(|&param| !self.dropped[param as usize]);
            params.extend(kept.map(|param| self.params[param as usize]));
            block.params = Span::from(start, params.len());
        }
        self.params = params;
    }
}
