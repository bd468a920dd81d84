//! Where a function's parts stand in its file.
//!
//! Functions carry no positions. Whoever needs one, for a message, has the function read again and gets this
//! map with it.

use super::*;
use crate::entity::{Entity, Map};

/// Where the parts of a function stand in the file: byte offsets. Numbers that the text skips, and
/// instructions made by the desugaring of another, have those of their neighbours.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    /// The function's name.
    pub function: usize,
    /// Block headers.
    pub blocks: Map<Block, usize>,
    /// Instructions: their first byte, results included.
    pub insts: Map<Inst, usize>,
    /// Declared signatures; of one written in a function's declaration, that declaration.
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
    /// Notes the offset of `key` in one of the maps.
    pub(crate) fn record<K: Entity>(map: &mut Map<K, usize>, key: K, offset: usize) {
        map.ensure(key, offset);
        map[key] = offset;
    }
}
