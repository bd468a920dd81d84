//! Applies the rules (`rules`) in the walk of value numbering.
//!
//! The walk writes each instruction back with its operands replaced, so that definitions are as simple as
//! what is known. What a rule makes goes before the instruction that it is made for, and into the
//! table of values.

use super::rules::{self, Replacement, Subject};
use super::value_numbering::{ValueNumbering, folded};
use crate::analysis::Analysis;
use crate::ir::*;

/// How often an instruction is replaced by a simpler one at most. Rewriting ends by itself; this bounds its
/// cost.
const MOST_STEPS: usize = 16;

/// How deep the simplification of what rules make goes.
const DEEPEST: usize = 3;

/// An instruction that is being simplified.
pub(super) struct Simplification<'a, 'b> {
    pub numbering: &'a mut ValueNumbering,
    pub editor: &'a mut Editor<'b>,
    pub analysis: &'a Analysis,
    pub block: Block,
    /// The instruction, before which others are inserted.
    pub at: Inst,
    pub depth: usize,
}

impl Subject for Simplification<'_, '_> {
    #[inline]
    fn definition(&self, value: Value) -> Option<InstData> {
        let stencil = self.editor.stencil();
        match stencil.value_defs[value].get() {
            ValueDef::Result(inst, 0) => Some(stencil.insts[inst]),
            ValueDef::Result(..) | ValueDef::Param(..) | ValueDef::None => None,
        }
    }

    #[inline]
    fn value_type(&self, value: Value) -> Type {
        self.editor.stencil().value_types[value]
    }

    fn make(&mut self, data: InstData) -> Value {
        let simple = match self.depth {
            DEEPEST.. => Ok(data),
            _ => {
                self.depth += 1;
                let simple = self.simplified(data);
                self.depth -= 1;
                simple
            }
        };
        match simple {
            Ok(data) => {
                let data = folded(self.editor.stencil(), &data).unwrap_or(data);
                self.numbering.value_of(self.editor, self.analysis, self.block, self.at, data)
            }
            Err(value) => value,
        }
    }

    fn fired(&mut self, rule: &'static str) {
        if let Some(trace) = &mut self.numbering.trace {
            *trace.entry(rule).or_default() += 1;
        }
    }
}

impl Simplification<'_, '_> {
    /// An instruction in its simplest form, or a value that it computes.
    pub fn simplified(&mut self, mut data: InstData) -> Result<InstData, Value> {
        for _ in 0..MOST_STEPS {
            match rules::simplify(self, &data) {
                None => break,
                Some(Replacement::Value(value)) => return Err(value),
                Some(Replacement::Inst(simpler)) => data = simpler,
            }
        }
        Ok(data)
    }
}
