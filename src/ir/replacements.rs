//! What values are replaced by: aliases of the text, and what a pass found to be equal.
//!
//! A replacement may itself be replaced. [`Replacements::shorten`] makes everything on such a chain point to
//! its end, so that looking all of them up costs no more than there are values.

use super::*;
use crate::entity::{Entity, Map};

/// For each value, what replaces it.
#[derive(Debug, Default)]
pub(crate) struct Replacements {
    /// The value itself where nothing does, and for numbers beyond the end.
    by: Vec<Value>,
}

impl Replacements {
    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.by.clear();
    }

    /// What directly replaces `value`; itself if nothing does.
    #[inline]
    pub fn of(&self, value: Value) -> Value {
        self.by.get(value.index()).copied().unwrap_or(value)
    }

    /// Replaces `from` by `to`.
    pub fn set(&mut self, from: Value, to: Value) {
        while self.by.len() <= from.index() {
            self.by.push(Value(self.by.len() as u32));
        }
        self.by[from.index()] = to;
    }

    /// Makes all that `first` leads to point to the end, and gives it; `None` if there is no end.
    pub fn shorten(&mut self, first: Value) -> Option<Value> {
        let mut last = first;
        let mut steps = 0;
        while self.of(last) != last {
            last = self.of(last);
            steps += 1;
            if steps > self.by.len() {
                return None;
            }
        }
        let mut value = first;
        while value != last {
            value = std::mem::replace(&mut self.by[value.index()], last);
        }
        Some(last)
    }

    /// Shortens all chains, of which none is circular.
    pub fn shorten_all(&mut self) {
        for n in 0..self.by.len() {
            self.shorten(Value(n as u32)).expect("a chain of replacements has an end");
        }
    }

    /// Replaces the operands of all instructions.
    pub fn apply(&self, stencil: &mut Stencil) {
        for data in stencil.insts.values_mut() {
            let fixed = data.fixed_args();
            for word in [&mut data.a, &mut data.b, &mut data.c].into_iter().take(fixed) {
                *word = self.of(Value(*word)).0;
            }
            if let Some(list) = data.list() {
                for word in stencil.pool.get_mut(list) {
                    *word = self.of(Value(*word)).0;
                }
            }
        }
        let calls: &Map<BlockCallRef, BlockCall> = &stencil.block_calls;
        for call in calls.values() {
            for word in stencil.pool.get_mut(call.args) {
                if let BlockArg::Value(value) = BlockArg::unpack(*word) {
                    *word = self.of(value).0;
                }
            }
        }
        for table in stencil.exception_tables.values_mut() {
            for handler in &mut table.handlers {
                if let Handler::Context(value) = handler {
                    *value = self.of(*value);
                }
            }
        }
    }
}
