//! Lists of values that have large vectors: parameters, arguments, results, and what branches pass.

use super::is_large;
use super::large::Large;
use super::parts::types_for;
use crate::ir::*;

impl Large<'_, '_> {
    /// Replaces large vectors in all signatures, and notes the results that calls had before.
    pub(super) fn split_signatures(&mut self) {
        let stencil = self.editor.stencil();
        let results = |signature: &Signature| signature.returns.iter().map(|result| result.ty).collect();
        let returned =
            stencil.signatures.values().map(|signature| signature.as_ref().map_or(vec![], results));
        self.returned = returned.collect::<Vec<Vec<Type>>>().into();
        self.editor.change_signatures(|signature| {
            for list in [&mut signature.params, &mut signature.returns] {
                if list.iter().any(|param| is_large(param.ty)) {
                    let split =
                        list.iter().flat_map(|param| types_for(param.ty).map(|ty| AbiParam { ty, ..*param }));
                    *list = split.collect();
                }
            }
        });
    }

    /// Replaces large parameters of a block.
    pub(super) fn split_params(&mut self, block: Block) {
        let params = self.editor.stencil().block_params(block);
        if !params.iter().any(|&param| self.is_large(Value(param))) {
            return;
        }
        let params: Vec<Value> = params.iter().map(|&param| Value(param)).collect();
        let new =
            self.editor.split_params(block, |ty| if is_large(ty) { types_for(ty).collect() } else { vec![] });
        for (param, parts) in params.into_iter().zip(new) {
            if !parts.is_empty() {
                self.parts.set(param, parts);
            }
        }
    }

    /// Replaces large vectors in what a block's branch passes on.
    pub(super) fn split_branch_args(&mut self, block: Block) {
        let branch = self.editor.stencil().terminator(block).expect("a block has a terminator");
        let data = self.editor.stencil().insts[branch];
        let signature = self.editor.stencil().call_signature(&data);
        let mut calls = std::mem::take(&mut self.calls);
        self.editor.stencil().list_block_calls(block, &mut calls);
        for &call in &calls {
            let BlockCall { block, args } = self.editor.stencil().block_calls[call];
            let args = self.editor.stencil().pool.get(args).to_vec();
            let new: Vec<u32> = args.iter().flat_map(|&word| self.branch_arg(word, signature)).collect();
            if new != args {
                self.editor.redirect(call, block, &new);
            }
        }
        self.calls = calls;
    }

    /// What a branch passes in the place of an argument, packed in words.
    fn branch_arg(&self, word: u32, signature: Option<SigRef>) -> Vec<u32> {
        match (BlockArg::unpack(word), signature) {
            (BlockArg::Value(value), _) => {
                self.parts.or_whole(value).into_iter().map(|part| BlockArg::Value(part).pack()).collect()
            }
            (BlockArg::TryCallRet(n), Some(signature)) => {
                let returned = &self.returned[signature];
                let count =
                    |types: &[Type]| types.iter().map(|&ty| types_for(ty).count() as u32).sum::<u32>();
                let (before, through) = returned.split_at(n as usize);
                let first = count(before);
                let last = first + count(&through[..1]);
                (first..last).map(|n| BlockArg::TryCallRet(n).pack()).collect()
            }
            (BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_), _) => vec![word],
        }
    }

    /// Whether an instruction's list of arguments or its results have large vectors.
    pub(super) fn has_large_list(&self, inst: Inst) -> bool {
        let stencil = self.editor.stencil();
        let list = stencil.insts[inst].list().map_or(&[][..], |list| stencil.pool.get(list));
        let results = stencil.inst_results(inst);
        let returned =
            stencil.call_signature(&stencil.insts[inst]).map_or(&[][..], |sig| &self.returned[sig]);
        list.iter().chain(results).any(|&value| self.is_large(Value(value)))
            || returned.iter().any(|&ty| is_large(ty))
    }

    /// Replaces an instruction that has a list of arguments: a call or a return.
    pub(super) fn split_list(&mut self, inst: Inst) {
        let stencil = self.editor.stencil();
        let data = stencil.insts[inst];
        let list = data.list().expect("calls and returns have lists");
        let args: Vec<u32> = stencil
            .pool
            .get(list)
            .iter()
            .flat_map(|&arg| self.parts.or_whole(Value(arg)))
            .map(|part| part.0)
            .collect();
        let results: Vec<Value> = stencil.inst_results(inst).iter().map(|&result| Value(result)).collect();
        let new = self.editor.insert_before(inst, |b| b.with_list(data, &args));
        self.editor.copy_notes(inst, new);
        let mut next = 0;
        for result in results {
            let count = types_for(self.editor.stencil().value_types[result]).count();
            let made = &self.editor.stencil().inst_results(new)[next..next + count];
            next += count;
            if self.is_large(result) {
                self.parts.set(result, made.iter().map(|&part| Value(part)).collect::<Vec<_>>());
            } else {
                let made = Value(made[0]);
                self.editor.replace_value(result, made);
            }
        }
        self.editor.remove(inst);
    }
}
