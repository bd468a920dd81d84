//! Replacements of values by others: aliases in the text, and values that a pass found to be equal.
//!
//! A replacement may be replaced in turn. [`Replacements::shorten`] makes every value on such a chain point
//! to its end, so that resolving all values takes linear time.

use super::*;
use crate::entity::{Entity, Map};

/// For each value, what replaces it.
#[derive(Debug, Default)]
pub(crate) struct Replacements {
    /// The replacement of each value; the value itself if it has none, as have those beyond the end.
    by: Vec<Value>,
    /// The values that have been replaced.
    replaced: Vec<Value>,
}

impl Replacements {
    /// Removes all replacements, keeping the memory.
    pub fn clear(&mut self) {
        self.by.clear();
        self.replaced.clear();
    }

    /// Whether there are no replacements.
    pub fn is_empty(&self) -> bool {
        self.replaced.is_empty()
    }

    /// The direct replacement of `value`; itself if it has none.
    #[inline]
    pub fn of(&self, value: Value) -> Value {
        self.by.get(value.index()).copied().unwrap_or(value)
    }

    /// Replaces `from` by `to`.
    pub fn set(&mut self, from: Value, to: Value) {
        let len = self.by.len() as u32;
        self.by.extend((len..=from.0).map(Value));
        self.by[from.index()] = to;
        self.replaced.push(from);
    }

    /// The end of the chain from `value` on, which must not be circular. Shortens the chain.
    #[inline]
    pub fn resolve(&mut self, value: Value) -> Value {
        let next = self.of(value);
        if next == value { value } else { self.shorten(value).expect("replacements are never circular") }
    }

    /// Makes every value on the chain from `first` on point to the end, and returns the end; `None` if the
    /// chain is circular.
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

    /// Shortens all chains. None may be circular.
    pub fn shorten_all(&mut self) {
        for n in 0..self.replaced.len() {
            self.shorten(self.replaced[n]).expect("a chain of replacements has an end");
        }
    }

    /// Replaces the operands of all instructions, whose chains must have been shortened.
    pub fn apply(&self, stencil: &mut Stencil) {
        for data in stencil.insts.values_mut() {
            data.replace_fixed_args(|value| self.of(value));
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
        self.apply_to_contexts(stencil);
    }

    /// Replaces the contexts of all handlers.
    pub fn apply_to_contexts(&self, stencil: &mut Stencil) {
        for table in stencil.exception_tables.values_mut() {
            for handler in &mut table.handlers {
                if let Handler::Context(value) = handler {
                    *value = self.of(*value);
                }
            }
        }
    }
}
