//! Checks and resolves references once the whole text of a function has been parsed.

use super::parser::Parser;
use crate::ir::*;

impl Parser<'_> {
    /// Replaces aliases, and checks that all global values, blocks and values in use are defined.
    pub fn finish(&mut self) {
        self.resolve_aliases();
        self.check_globals();
        for i in 0..self.cx.scratch.named_blocks.len() {
            let (block, at) = self.cx.scratch.named_blocks[i];
            if !self.func.stencil.blocks.get(block).is_some_and(|data| data.defined) {
                let block = self.spelled_block(block).to_string();
                if !self.lost_block && !self.in_failed_text(&block) {
                    self.error_at(at, format!("invalid block reference {block}: it is not defined"));
                }
            }
        }
        for i in 0..self.cx.scratch.forward_values.len() {
            let (value, at) = self.cx.scratch.forward_values[i];
            let value = self.cx.scratch.alias_of.of(value);
            let def = self.func.stencil.value_defs.get(value);
            if def.is_none_or(|def| *def == PackedDef::NONE) {
                let value = self.spelled_value(value).to_string();
                self.undefined(at, &value, "is not defined");
            }
        }
    }

    /// Replaces all uses of aliases by the values they stand for.
    fn resolve_aliases(&mut self) {
        if self.cx.scratch.aliases.is_empty() {
            return;
        }
        for i in 0..self.cx.scratch.aliases.len() {
            let alias = self.cx.scratch.aliases[i];
            if self.cx.scratch.alias_of.shorten(alias.from).is_none() {
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
        self.cx.scratch.alias_of.apply(stencil);
    }
}
