//! A function's body while it is checked: the current instruction, and what every check of it asks.

use super::{Check, Location, Shown};
use crate::entity::Entity;
use crate::ir::types::INVALID;
use crate::ir::{Block, Inst, PackedDef, Type, Value, ValueDef};

/// Stands for no block, as the block of an instruction that was removed.
pub(super) const NO_BLOCK: Block = Block(u32::MAX);

/// What to do about a value that is not defined on every path.
const BY_PATH: &str = "; a value that differs by path is a parameter of a block";

/// A function's body and the current position in it.
pub(super) struct Body<'a> {
    pub(super) check: Check<'a>,
    /// The block of each instruction.
    pub(super) inst_blocks: &'a [Block],
    /// The instruction being checked.
    pub(super) at: Inst,
    /// The block of that instruction.
    pub(super) block: Block,
    /// The first instruction of that block.
    pub(super) block_start: Inst,
    /// Whether that block is reachable. In an unreachable block, uses need not be dominated by definitions.
    pub(super) reachable: bool,
}

impl Body<'_> {
    /// Reports an error in the current instruction.
    #[cold]
    pub(super) fn report(&mut self, message: impl Into<String>) {
        self.check.report(Location::Inst(self.at), message);
    }

    /// Says the last error in words for users: about an operand, if one is given.
    #[cold]
    pub(super) fn say(&mut self, operand: Option<Value>, message: String) {
        self.say_with(operand, message, None);
    }

    /// Like [`say`](Self::say), with a second place and what is there.
    #[cold]
    pub(super) fn say_with(
        &mut self,
        operand: Option<Value>,
        message: String,
        related: Option<(Location, &'static str)>,
    ) {
        self.check.show(Shown { location: Location::Inst(self.at), message, operand, related });
    }

    /// The type of a value. It is `INVALID` if there is no such value, which is reported where it is used.
    #[inline]
    pub(super) fn type_of(&self, value: Value) -> Type {
        self.check.stencil.value_types.get(value).copied().unwrap_or(INVALID)
    }

    /// Checks that `value` is result `n` of the current instruction.
    #[inline]
    pub(super) fn defined_here(&mut self, value: Value, n: usize) -> bool {
        let def = PackedDef::result(self.at, n as u32);
        let here = self.check.stencil.value_defs.get(value) == Some(&def);
        if !here {
            self.report(format!("result {n} ({value}) is not defined by the instruction"));
        }
        here
    }

    /// Checks that the current instruction may use a value. Returns whether the value exists.
    #[inline]
    pub(super) fn use_value(&mut self, value: Value) -> bool {
        let stencil = self.check.stencil;
        let def = stencil.value_defs.get(value).map_or(ValueDef::None, |def| def.get());
        let dominates = match def {
            ValueDef::Result(inst, _) if inst < self.at && inst >= self.block_start => true,
            ValueDef::Result(inst, _) => self.inst_dominates(inst),
            ValueDef::Param(block, _) => block == self.block || self.block_dominates(block),
            ValueDef::None => false,
        };
        if !dominates {
            self.wrong_use(value, def);
        }
        def != ValueDef::None
    }

    /// Whether `inst`, which does not precede the current instruction in its block, dominates it.
    fn inst_dominates(&self, inst: Inst) -> bool {
        match self.inst_blocks.get(inst.index()) {
            Some(&block) if block != NO_BLOCK => {
                !self.reachable || (block != self.block && self.block_dominates(block))
            }
            _ => false,
        }
    }

    #[inline]
    fn block_dominates(&self, block: Block) -> bool {
        !self.reachable || self.check.analysis.dominators.dominates(block, self.block)
    }
}

/// Messages that several checks share.
impl Body<'_> {
    #[cold]
    pub(super) fn wrong_count(&mut self, got: usize, expected: usize) {
        self.report(format!("expected {expected} result values, found {got}"));
    }

    #[cold]
    pub(super) fn wrong_result(&mut self, n: usize, value: Value, expected: &str) {
        let ty = self.type_of(value);
        self.report(format!("expected result {n} ({value}) to have type {expected}, found {ty}"));
    }

    #[cold]
    fn wrong_use(&mut self, value: Value, def: ValueDef) {
        let message = match def {
            ValueDef::Result(inst, _) if inst == self.at => format!("uses value {value} from itself"),
            ValueDef::Result(inst, _) => {
                let place = match self.inst_blocks.get(inst.index()) {
                    Some(&block) if block != NO_BLOCK => format!("in {block}"),
                    _ => "in no block".to_string(),
                };
                format!("uses value {value} from non-dominating {inst} {place}")
            }
            ValueDef::Param(block, _) => format!("uses value arg from non-dominating {block}: {value}"),
            ValueDef::None => format!("uses value {value}, which is not defined"),
        };
        self.report(message);
        let place = match def {
            ValueDef::Result(inst, _) if inst == self.at => return,
            ValueDef::Result(inst, _) => Location::Inst(inst),
            ValueDef::Param(block, _) => Location::Block(block),
            ValueDef::None => return,
        };
        self.check.show(Shown {
            location: Location::Inst(self.at),
            message: format!(
                "uses {value}, whose definition does not come first on every path to here{BY_PATH}"
            ),
            operand: None,
            related: Some((place, "defined here")),
        });
    }
}
