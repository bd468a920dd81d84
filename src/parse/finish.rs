//! What can be checked and resolved only when a function's whole text has been read.

use super::parser::Parser;
use crate::entity::{Entity, Map};
use crate::ir::*;

impl Parser<'_> {
    /// Replaces aliases, and checks that what the text names is defined.
    pub fn finish(&mut self) {
        self.resolve_aliases();
        self.check_globals();
        for i in 0..self.cx.scratch.named_blocks.len() {
            let (block, at) = self.cx.scratch.named_blocks[i];
            if !self.func.stencil.blocks.get(block).is_some_and(|data| data.defined) {
                let block = self.spelled_block(block);
                self.error_at(at, format!("invalid block reference {block}: it is not defined"));
            }
        }
        for i in 0..self.cx.scratch.forward_values.len() {
            let (value, at) = self.cx.scratch.forward_values[i];
            let value = self.cx.scratch.alias_of.get(value.index()).copied().unwrap_or(value);
            let def = self.func.stencil.value_defs.get(value);
            if def.is_none_or(|def| *def == PackedDef::NONE) {
                let value = self.spelled_value(value);
                self.error_at(at, format!("{value} is not defined"));
            }
        }
    }

    /// Makes every alias stand for a value that is none, and replaces them wherever they are used.
    fn resolve_aliases(&mut self) {
        if self.cx.scratch.aliases.is_empty() {
            return;
        }
        for i in 0..self.cx.scratch.aliases.len() {
            let alias = self.cx.scratch.aliases[i];
            if !self.shorten_chain(alias.from) {
                let from = self.spelled_value(alias.from);
                self.error_at(alias.at, format!("{from} is an alias of itself"));
                return;
            }
        }
        for alias in &self.cx.scratch.aliases {
            if let Some(def) = self.func.stencil.value_defs.get(alias.from)
                && *def != PackedDef::NONE
            {
                self.func.stencil.value_defs[alias.from] = PackedDef::NONE;
                self.func.stencil.value_types[alias.from] = types::INVALID;
            }
        }
        let stencil = &mut self.func.stencil;
        let used = stencil.value_defs.values().rposition(|def| *def != PackedDef::NONE).map_or(0, |n| n + 1);
        stencil.value_types.resize(used, types::INVALID);
        stencil.value_defs.resize(used, PackedDef::NONE);
        replace_values(stencil, &self.cx.scratch.alias_of);
    }

    /// Makes each alias from `first` on one of the chain's last value; false if there is none.
    fn shorten_chain(&mut self, first: Value) -> bool {
        let table = &mut self.cx.scratch.alias_of;
        let mut last = first;
        let mut steps = 0;
        while table[last.index()] != last {
            last = table[last.index()];
            steps += 1;
            if steps > self.cx.scratch.aliases.len() {
                return false;
            }
        }
        let mut value = first;
        while value != last {
            value = std::mem::replace(&mut table[value.index()], last);
        }
        true
    }
}

/// Replaces every operand `v` by `table[v]`.
fn replace_values(stencil: &mut Stencil, table: &[Value]) {
    let replaced = |word: u32| table.get(word as usize).map_or(word, |value| value.0);
    for data in stencil.insts.values_mut() {
        let fixed = data.fixed_args();
        for word in [&mut data.a, &mut data.b, &mut data.c].into_iter().take(fixed) {
            *word = replaced(*word);
        }
        if let Some(list) = data.list() {
            for word in stencil.pool.get_mut(list) {
                *word = replaced(*word);
            }
        }
    }
    let calls: &Map<BlockCallRef, BlockCall> = &stencil.block_calls;
    for call in calls.values() {
        for word in stencil.pool.get_mut(call.args) {
            if let BlockArg::Value(value) = BlockArg::unpack(*word) {
                *word = replaced(value.0);
            }
        }
    }
    for table in stencil.exception_tables.values_mut() {
        for handler in &mut table.handlers {
            if let Handler::Context(value) = handler {
                value.0 = replaced(value.0);
            }
        }
    }
}
