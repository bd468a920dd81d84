//! Edits existing functions.
//!
//! The instructions of a block are side by side in a stencil, so none can be inserted in place. An [`Editor`]
//! records edits, and [`Editor::finish`] rebuilds the function in one pass (`rebuild.rs`). This takes time
//! proportional to the size of the function, whatever the number of edits: a pass over the IR records all
//! its edits and finishes once.
//!
//! Until then, the function keeps its numbers. New instructions are made by a [`FunctionBuilder`] and
//! numbered after all others, so that the stencil can be queried about them and their results as about any
//! other. They move to their place when the function is rebuilt. A place is given by an instruction or block
//! that existed before.
//!
//! Invariants of a rebuilt function: values and blocks have kept their numbers; instructions have new ones,
//! whose [`Origins`] are known. Lists, tables, flags and constants may have entries to which nothing refers
//! any more.

mod rebuild;

use super::builder::Buffers;
use super::*;
use crate::entity::{Entity, Map};
use rebuild::Old;

/// Maps each instruction of an edited function to its origin: the instruction of the text that it was, or on
/// whose behalf it was made.
///
/// This gives messages of the verifier and the back ends a position in the text.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// The origins; empty for a function that has not been edited.
    of: Map<Inst, Inst>,
}

impl Origins {
    /// Resets the map for a function that has not been edited.
    pub fn clear(&mut self) {
        self.of.clear();
    }

    /// The origin of an instruction.
    pub fn of(&self, inst: Inst) -> Inst {
        self.of.get(inst).copied().unwrap_or(inst)
    }
}

/// Buffers of editors, whose memory is reused from function to function.
#[derive(Debug, Default)]
pub struct EditBuffers {
    builder: Buffers,
    edits: Edits,
    old: Old,
}

impl EditBuffers {
    /// What replaced a value in the edits that were carried out last; the value itself if nothing did.
    pub fn replacement_of(&self, value: Value) -> Value {
        self.edits.replacements.of(value)
    }

    /// The blocks that got new instructions in the edits that were carried out last; some more than once.
    pub(crate) fn touched(&self) -> &[Block] {
        &self.old.touched
    }
}

/// New instructions that were made together, for one place.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: Inst,
    end: Inst,
    /// The instruction on whose behalf they were made.
    origin: Inst,
}

/// What is to be done about an instruction: a set of bits. Most instructions have none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Marks(u8);

impl Marks {
    /// It is removed.
    const REMOVED: Marks = Marks(1);
    /// Others are inserted before it.
    const BEFORE: Marks = Marks(2);
    /// It begins a new block.
    const SPLIT: Marks = Marks(4);

    /// Whether there are no marks.
    fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a mark is in the set.
    fn has(self, mark: Marks) -> bool {
        self.0 & mark.0 != 0
    }
}

/// The recorded edits.
#[derive(Debug, Default)]
struct Edits {
    /// New instructions to insert before an instruction.
    before: Chains<Inst, Run>,
    /// New instructions to append to a block.
    at_end: Chains<Block, Run>,
    /// New blocks to insert after a block.
    after: Chains<Block, Block>,
    /// For an instruction before which its block is split, the new block that it begins.
    splits: Map<Inst, Option<Block>>,
    /// What is to be done about each instruction.
    marks: Map<Inst, Marks>,
    removed_blocks: Map<Block, bool>,
    /// For a block, the one whose instructions follow its own.
    joined: Map<Block, Option<Block>>,
    /// Parameters that blocks have lost.
    dropped: Vec<u32>,
    replacements: Replacements,
}

impl Edits {
    fn clear(&mut self) {
        self.before.clear();
        self.at_end.clear();
        self.after.clear();
        self.splits.clear();
        self.marks.clear();
        self.removed_blocks.clear();
        self.joined.clear();
        self.dropped.clear();
        self.replacements.clear();
    }

    fn mark(&mut self, inst: Inst, mark: Marks) {
        self.marks.ensure(inst, Marks::default());
        self.marks[inst].0 |= mark.0;
    }

    /// The marks of an instruction.
    #[inline]
    fn marks(&self, inst: Inst) -> Marks {
        self.marks.get(inst).copied().unwrap_or_default()
    }

    fn insert_before(&mut self, at: Inst, run: Run) {
        self.mark(at, Marks::BEFORE);
        self.before.push(at, run);
    }
}

/// Linked lists by key, all in one vector.
#[derive(Debug)]
struct Chains<K, T> {
    /// The first and the last entry of each list.
    ends: Map<K, Option<(u32, u32)>>,
    /// Items, each with the index of the next in its list.
    entries: Vec<(T, Option<u32>)>,
}

impl<K: Entity, T> Default for Chains<K, T> {
    fn default() -> Self {
        Chains { ends: Map::new(), entries: Vec::new() }
    }
}

impl<K: Entity, T: Copy> Chains<K, T> {
    fn clear(&mut self) {
        self.ends.clear();
        self.entries.clear();
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn push(&mut self, key: K, item: T) {
        let new = self.entries.len() as u32;
        self.entries.push((item, None));
        self.ends.ensure(key, None);
        let ends = &mut self.ends[key];
        if let Some((_, last)) = ends {
            self.entries[*last as usize].1 = Some(new);
            *last = new;
        } else {
            *ends = Some((new, new));
        }
    }

    fn of(&self, key: K) -> impl Iterator<Item = T> + '_ {
        let mut next = self.ends.get(key).copied().flatten().map(|ends| ends.0);
        std::iter::from_fn(move || {
            let (item, after) = self.entries[next? as usize];
            next = after;
            Some(item)
        })
    }
}

/// A function being edited.
#[derive(Debug)]
pub struct Editor<'a> {
    /// The builder that makes new instructions.
    builder: FunctionBuilder<'a>,
    edits: &'a mut Edits,
    old: &'a mut Old,
    /// Takes back the buffers of the builder at the end.
    buffers: &'a mut Buffers,
    /// The number of the first new instruction.
    first_new: Inst,
    /// Whether there are any edits.
    changed: bool,
    /// Whether operands have been replaced where they are.
    operands_replaced: bool,
}

impl<'a> Editor<'a> {
    /// Starts editing a function.
    pub fn new(func: &'a mut Function, buffers: &'a mut EditBuffers) -> Self {
        let EditBuffers { builder: buffers, edits, old } = buffers;
        edits.clear();
        let first_new = Inst::new(func.stencil.insts.len());
        let builder = FunctionBuilder::detached(func, std::mem::take(buffers));
        Editor { builder, edits, old, buffers, first_new, changed: false, operands_replaced: false }
    }

    /// The function before the edits, followed by the new instructions.
    pub fn stencil(&self) -> &Stencil {
        self.builder.stencil
    }

    /// The absolute source location of an instruction.
    pub(crate) fn srcloc_of(&self, inst: Inst) -> Option<u32> {
        self.builder.srcloc_of(inst)
    }

    /// The replacement of a value; the value itself if it has none.
    #[inline]
    pub fn resolve(&mut self, value: Value) -> Value {
        self.edits.replacements.resolve(value)
    }

    /// The function as [`stencil`](Self::stencil) returns it, and the replacements so far.
    #[inline]
    pub(crate) fn with_replacements(&mut self) -> (&Stencil, &mut Replacements) {
        (self.builder.stencil, &mut self.edits.replacements)
    }

    /// Makes declarations for new instructions to refer to.
    pub fn declare<R>(&mut self, make: impl FnOnce(&mut FunctionBuilder) -> R) -> R {
        self.changed = true;
        let before = self.stencil().insts.len();
        let made = make(&mut self.builder);
        assert!(before == self.stencil().insts.len(), "instructions need a place");
        made
    }

    /// Inserts the instructions that `make` appends before `at`. They get its source location.
    pub fn insert_before<R>(&mut self, at: Inst, make: impl FnOnce(&mut FunctionBuilder) -> R) -> R {
        let (run, made) = self.make_for(at, make);
        self.edits.insert_before(at, run);
        made
    }

    /// Appends the instructions that `make` appends to a block, on behalf of `origin`. They get its source
    /// location.
    pub fn append_to<R>(
        &mut self,
        block: Block,
        origin: Inst,
        make: impl FnOnce(&mut FunctionBuilder) -> R,
    ) -> R {
        let (run, made) = self.make_for(origin, make);
        self.edits.at_end.push(block, run);
        made
    }

    fn make_for<R>(&mut self, origin: Inst, make: impl FnOnce(&mut FunctionBuilder) -> R) -> (Run, R) {
        self.changed = true;
        assert!(origin < self.first_new, "{origin} has no place yet");
        let first = Inst::new(self.stencil().insts.len());
        self.builder.set_srcloc(self.builder.srcloc_of(origin));
        let made = make(&mut self.builder);
        (Run { first, end: Inst::new(self.stencil().insts.len()), origin }, made)
    }

    /// Replaces an instruction by those that `make` appends. The one that it returns takes over the results,
    /// and is returned.
    pub fn replace(&mut self, old: Inst, make: impl FnOnce(&mut FunctionBuilder) -> Inst) -> Inst {
        let new = self.insert_before(old, make);
        assert!(new >= self.first_new, "{new} is not made for {old}");
        self.take_over(old, new);
        new
    }

    /// Gives the results of `old`, which is removed, to `new`.
    fn take_over(&mut self, old: Inst, new: Inst) {
        self.changed = true;
        let Stencil { results, value_types, value_defs, pool, .. } = &mut *self.builder.stencil;
        let count = results[old].get(pool).len();
        assert!(count == results[new].get(pool).len(), "{new} has other results than {old}");
        for n in 0..count {
            let [kept, unused] = [old, new].map(|inst| Value(results[inst].get(pool)[n]));
            assert!(value_types[kept] == value_types[unused], "{kept} and {unused} differ in type");
            value_defs[kept] = PackedDef::result(new, n as u32);
            value_defs[unused] = PackedDef::NONE;
            self.edits.replacements.set(unused, kept);
        }
        results[new] = results[old];
        results[old] = Results::NONE;
        self.remove(old);
    }

    /// Removes an instruction and its results.
    pub fn remove(&mut self, inst: Inst) {
        self.changed = true;
        let Stencil { results, value_defs, pool, .. } = &mut *self.builder.stencil;
        for &value in results[inst].get(pool) {
            value_defs[Value(value)] = PackedDef::NONE;
        }
        self.edits.mark(inst, Marks::REMOVED);
    }

    /// Makes an instruction another one with as many results of the same types.
    pub(crate) fn rewrite(&mut self, inst: Inst, data: InstData) {
        self.changed = true;
        self.builder.stencil.insts[inst] = data;
    }

    /// Whether an instruction has been removed.
    pub(crate) fn is_removed(&self, inst: Inst) -> bool {
        self.edits.marks(inst).has(Marks::REMOVED)
    }

    /// Appends the instructions that `make` appends to a block, before its terminator, on behalf of `origin`.
    /// They get its source location.
    pub(crate) fn insert_at_end<R>(
        &mut self,
        block: Block,
        origin: Inst,
        make: impl FnOnce(&mut FunctionBuilder) -> R,
    ) -> R {
        let at = self.stencil().terminator(block).expect("a block has a terminator");
        let (run, made) = self.make_for(origin, make);
        self.edits.insert_before(at, run);
        made
    }

    /// Moves an instruction to the end of a block, before its terminator, as `data`. It keeps its results,
    /// and its place in the text.
    pub(crate) fn move_to_end(&mut self, inst: Inst, data: InstData, block: Block) -> Inst {
        let new = self.insert_at_end(block, inst, |builder| builder.inst(data));
        self.take_over(inst, new);
        new
    }

    /// Replaces all uses of a value by another, also in instructions that are made later.
    pub fn replace_value(&mut self, old: Value, new: Value) {
        assert!(self.builder.type_of(old) == self.builder.type_of(new), "{old} and {new} differ in type");
        assert!(!self.operands_replaced, "{old} may be replaced too late");
        let new = self.resolve(new);
        let old = self.resolve(old);
        if new != old {
            self.changed = true;
            self.edits.replacements.set(old, new);
        }
    }

    /// Lets a pass that looks at all operands replace them by the way. It must replace those of all
    /// instructions that stay, and the arguments for all parameters that do. No value can be replaced
    /// afterwards. The last argument tells whether an instruction has been removed.
    pub(crate) fn replace_operands(
        &mut self,
        replace: impl FnOnce(&mut Stencil, &mut Replacements, &dyn Fn(Inst) -> bool),
    ) {
        let Edits { marks, replacements, .. } = &mut *self.edits;
        let is_removed = |inst| marks.get(inst).is_some_and(|marks| marks.has(Marks::REMOVED));
        replace(self.builder.stencil, replacements, &is_removed);
        replacements.shorten_all();
        replacements.apply_to_contexts(self.builder.stencil);
        self.operands_replaced = true;
    }

    /// Makes a block to insert after `after` and the blocks inserted there before. Use
    /// [`append_to`](Self::append_to) to fill it.
    pub fn new_block(&mut self, after: Block, params: &[Type]) -> Block {
        self.changed = true;
        let block = self.builder.new_block(params);
        self.edits.after.push(after, block);
        block
    }

    /// Adds a parameter of each type to a block, and returns the first new value; the others follow it.
    /// Every branch to the block must get arguments for them, by [`extend_args`](Self::extend_args).
    pub(crate) fn extend_params(&mut self, block: Block, types: &[Type]) -> Value {
        self.changed = true;
        self.builder.extend_params(block, types)
    }

    /// Appends values to the arguments of a branch destination.
    pub(crate) fn extend_args(&mut self, call: BlockCallRef, values: impl Iterator<Item = Value>) {
        self.changed = true;
        self.builder.extend_args(call, values);
    }

    /// Replaces the parameters of a block for whose type `split` returns others. Returns the new parameters
    /// for each old one, none for those that stay. Every branch to the block must get arguments for them, by
    /// [`redirect`](Self::redirect).
    pub(crate) fn split_params(
        &mut self,
        block: Block,
        split: impl Fn(Type) -> Vec<Type>,
    ) -> Vec<Vec<Value>> {
        self.builder.split_params(block, split)
    }

    /// Changes the signature of the function and of its callees. The instructions and parameters that they
    /// concern must be replaced.
    pub(crate) fn change_signatures(&mut self, change: impl Fn(&mut Signature)) {
        change(&mut self.builder.stencil.signature);
        self.builder.stencil.signatures.values_mut().flatten().for_each(change);
    }

    /// Gives `new` the debug tags and the stack map of `old`.
    pub(crate) fn copy_notes(&mut self, old: Inst, new: Inst) {
        let Stencil { debug_tags, stack_maps, .. } = self.stencil();
        let tags = entry_of(debug_tags, old).cloned();
        let map = entry_of(stack_maps, old).cloned();
        if let Some(tags) = tags {
            self.builder.set_debug_tags(new, tags);
        }
        if let Some(map) = map {
            self.builder.set_stack_map(new, map);
        }
    }

    /// Makes a branch destination another block with other arguments, each packed in a word.
    pub(crate) fn redirect(&mut self, call: BlockCallRef, block: Block, args: &[u32]) {
        self.changed = true;
        let args = self.builder.stencil.pool.add(args);
        self.builder.stencil.block_calls[call] = BlockCall { block, args };
    }

    /// Makes a branch a jump to one of its destinations.
    pub(crate) fn branch_always(&mut self, branch: Inst, call: BlockCallRef) {
        self.changed = true;
        self.builder.stencil.insts[branch] = InstData::jump(call);
    }

    /// Removes the block parameters that are not to be kept, and the arguments for them.
    pub(crate) fn retain_params(&mut self, keep: impl Fn(Value) -> bool) {
        let stencil = &mut *self.builder.stencil;
        let mut kept = Vec::new();
        for call in stencil.block_calls.values_mut() {
            let [params, args] =
                [stencil.blocks[call.block].params, call.args].map(|list| stencil.pool.get(list));
            if params.iter().all(|&param| keep(Value(param))) {
                continue;
            }
            kept.clear();
            let pairs = params.iter().zip(args);
            kept.extend(pairs.filter(|(param, _)| keep(Value(**param))).map(|(_, &arg)| arg));
            if kept.len() < args.len() {
                self.changed = true;
                call.args = stencil.pool.add(&kept);
            }
        }
        for &block in &stencil.layout {
            let params = stencil.pool.get(stencil.blocks[block].params);
            kept.clear();
            kept.extend(params.iter().copied().filter(|&param| keep(Value(param))));
            if kept.len() < params.len() {
                self.changed = true;
                self.edits.dropped.extend(params.iter().filter(|&&param| !keep(Value(param))));
                stencil.blocks[block].params = stencil.pool.add(&kept);
            }
        }
    }

    /// Removes a stack slot that no instruction refers to. The numbers of the others stay.
    pub(crate) fn remove_stack_slot(&mut self, slot: StackSlot) {
        self.changed = true;
        self.builder.stencil.stack_slots[slot] = StackSlotData::default();
    }

    /// Splits a block before an instruction, and returns the new block that begins with it. Instructions
    /// inserted before that instruction are at the start of the new block. Use
    /// [`append_to`](Self::append_to) to give the old block a terminator.
    pub fn split_before(&mut self, at: Inst) -> Block {
        self.changed = true;
        assert!(at < self.first_new, "{at} has no place yet");
        let block = self.builder.new_block(&[]);
        self.edits.splits.ensure(at, None);
        assert!(self.edits.splits[at].replace(block).is_none(), "the block is split before {at} already");
        self.edits.mark(at, Marks::SPLIT);
        block
    }

    /// Removes a block and its instructions.
    pub fn remove_block(&mut self, block: Block) {
        self.changed = true;
        self.edits.removed_blocks.ensure(block, false);
        self.edits.removed_blocks[block] = true;
    }

    /// Lets the instructions of `second` follow those of `first`, which jumps to it and to nothing else. The
    /// parameters of `second`, which must be replaced by their values, vanish.
    pub(crate) fn join(&mut self, first: Block, second: Block) {
        let jump = self.stencil().terminator(first).expect("a block has a terminator");
        self.remove(jump);
        self.remove_block(second);
        self.edits.joined.ensure(first, None);
        self.edits.joined[first] = Some(second);
    }

    /// Rebuilds the function with all edits, and brings `origins` up to date. Returns whether there were any.
    pub fn finish(self, origins: &mut Origins) -> bool {
        let Editor { builder, edits, old, buffers, first_new, changed, operands_replaced } = self;
        if changed {
            if !operands_replaced && !edits.replacements.is_empty() {
                edits.replacements.shorten_all();
                edits.replacements.apply(builder.stencil);
            }
            rebuild::rebuild(builder.stencil, old, edits, first_new, &mut origins.of);
        }
        *buffers = builder.into_buffers();
        changed
    }
}

/// The entry of an instruction in a list that is sorted by instruction.
fn entry_of<T>(list: &[(Inst, T)], inst: Inst) -> Option<&T> {
    list.binary_search_by_key(&inst, |entry| entry.0).ok().map(|at| &list[at].1)
}
