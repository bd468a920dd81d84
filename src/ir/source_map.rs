//! Positions of a function's parts in its file.
//!
//! Functions carry no positions. When a message needs one, the function is parsed again with such a map to
//! fill in.

use super::*;
use crate::entity::{Entity, Map};

/// Byte offsets in the file of the parts of a function. Numbers that the text skips, and instructions that
/// desugaring adds, have the offset of a neighbour.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    /// The function's name.
    pub function: usize,
    /// The numbers of values in the text, if those of the stencil are their ranks.
    pub value_numbers: Vec<u32>,
    /// The number of the first value that is not in the text, if there are any: desugaring adds them.
    pub first_unwritten: Option<u32>,
    /// Block headers.
    pub blocks: Map<Block, usize>,
    /// Instructions: the first byte of the line, where the results are.
    pub insts: Map<Inst, usize>,
    /// Declared signatures. One that is written in the declaration of a function has its offset.
    pub signatures: Map<SigRef, usize>,
    /// Declared functions.
    pub functions: Map<FuncRef, usize>,
    /// Global values.
    pub global_values: Map<GlobalValue, usize>,
    /// Stack slots.
    pub stack_slots: Map<StackSlot, usize>,
    /// Dynamic stack slots.
    pub dynamic_stack_slots: Map<DynamicStackSlot, usize>,
    /// Dynamic types.
    pub dynamic_types: Map<DynamicType, usize>,
    /// Alias regions.
    pub regions: Map<Region, usize>,
    /// Constants.
    pub constants: Map<Constant, usize>,
}

impl SourceMap {
    /// Empties the map, keeping its memory.
    pub(crate) fn clear(&mut self) {
        self.value_numbers.clear();
        self.first_unwritten = None;
        self.blocks.clear();
        self.insts.clear();
        self.signatures.clear();
        self.functions.clear();
        self.global_values.clear();
        self.stack_slots.clear();
        self.dynamic_stack_slots.clear();
        self.dynamic_types.clear();
        self.regions.clear();
        self.constants.clear();
    }

    /// Records the offset of `key` in one of the maps.
    pub(crate) fn record<K: Entity>(map: &mut Map<K, usize>, key: K, offset: usize) {
        if key.index() == map.len() {
            map.push(offset);
        } else {
            map.ensure(key, offset);
            map[key] = offset;
        }
    }
}

/// How many of a function's values and stack slots are in its text: those with the lowest numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Number of values.
    pub values: usize,
    /// Number of stack slots.
    pub slots: usize,
}
