//! Changes functions.
//!
//! In a stencil, a block's instructions lie side by side, so nothing can be put between two of them. An
//! [`Editor`] therefore records what changes, and [`Editor::finish`] rebuilds the function in one walk
//! (`rebuild.rs`). That costs time in proportion to the function, however much has changed: a pass records
//! all its edits, then finishes once.
//!
//! While edits are recorded, the function keeps its numbers. New instructions are made by a
//! [`FunctionBuilder`]; they have numbers behind all others, so that the stencil can be asked about them and
//! their results as about any, and get their place when the function is rebuilt. Places are named by
//! instructions and blocks that were there before.
//!
//! Invariants of what comes out: values and blocks keep their numbers, instructions don't, and [`Origins`]
//! tells which instruction each one comes from. Lists, tables, flags and masks are those that reading the
//! function's text would make; without edits, so is the whole stencil.

mod rebuild;

use super::builder::Buffers;
use super::*;
use crate::entity::{Entity, Map};

/// For each instruction of a changed function, the one it was before all changes, or that it was made for.
///
/// It leads from what the verifier or a back end complains about to a place in the text.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Empty for a function that has not been changed.
    of: Map<Inst, Inst>,
}

impl Origins {
    /// Begins another function, which has not been changed yet.
    pub fn clear(&mut self) {
        self.of.clear();
    }

    /// The origin of an instruction.
    pub fn of(&self, inst: Inst) -> Inst {
        self.of.get(inst).copied().unwrap_or(inst)
    }
}

/// Buffers of editors, kept from function to function.
#[derive(Debug, Default)]
pub struct EditBuffers {
    builder: Buffers,
    edits: Edits,
    /// The function as it was, while it is rebuilt; memory for the next one otherwise.
    old: Stencil,
    /// Origins of the instructions that there are already.
    origins: Map<Inst, Inst>,
}

/// Instructions made together, for one place.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: Inst,
    end: Inst,
    /// What they were made for.
    origin: Inst,
}

/// What is to change.
#[derive(Debug, Default)]
struct Edits {
    /// What comes before an instruction.
    before: Chains<Inst, Run>,
    /// What comes at the end of a block.
    at_end: Chains<Block, Run>,
    /// Blocks that come after a block.
    after: Chains<Block, Block>,
    /// Where a block ends, and which one goes on from there.
    splits: Map<Inst, Option<Block>>,
    removed: Map<Inst, bool>,
    removed_blocks: Map<Block, bool>,
    replacements: Replacements,
}

impl Edits {
    fn clear(&mut self) {
        self.before.clear();
        self.at_end.clear();
        self.after.clear();
        self.splits.clear();
        self.removed.clear();
        self.removed_blocks.clear();
        self.replacements.clear();
    }
}

/// Lists that grow, by key, in one vector: each entry has the index of the next.
#[derive(Debug)]
struct Chains<K, T> {
    /// The first and the last entry of each list.
    ends: Map<K, Option<(u32, u32)>>,
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

/// A function that is being changed.
#[derive(Debug)]
pub struct Editor<'a> {
    /// Makes the new instructions.
    builder: FunctionBuilder<'a>,
    edits: &'a mut Edits,
    old: &'a mut Stencil,
    origins: &'a mut Map<Inst, Inst>,
    /// Where the buffers of the builder go in the end.
    buffers: &'a mut Buffers,
    /// The number of the first new instruction.
    first_new: Inst,
}

impl<'a> Editor<'a> {
    /// Begins to change a function.
    pub fn new(func: &'a mut Function, buffers: &'a mut EditBuffers) -> Self {
        let EditBuffers { builder: buffers, edits, old, origins } = buffers;
        edits.clear();
        let first_new = Inst::new(func.stencil.insts.len());
        let builder = FunctionBuilder::detached(func, std::mem::take(buffers));
        Editor { builder, edits, old, origins, buffers, first_new }
    }

    /// The function as it was, and the instructions made for it.
    pub fn stencil(&self) -> &Stencil {
        self.builder.stencil
    }

    /// What a value has been replaced by; itself if it hasn't been.
    pub fn resolve(&mut self, value: Value) -> Value {
        self.edits.replacements.shorten(value).expect("replacements are never circular")
    }

    /// Declares what new instructions refer to.
    pub fn declare<R>(&mut self, make: impl FnOnce(&mut FunctionBuilder) -> R) -> R {
        let before = self.stencil().insts.len();
        let made = make(&mut self.builder);
        assert!(before == self.stencil().insts.len(), "instructions need a place");
        made
    }

    /// Puts what `make` appends before an instruction, whose source location it gets.
    pub fn insert_before<R>(&mut self, at: Inst, make: impl FnOnce(&mut FunctionBuilder) -> R) -> R {
        let (run, made) = self.make_for(at, make);
        self.edits.before.push(at, run);
        made
    }

    /// Puts what `make` appends at the end of a block, on behalf of the instruction `origin`, whose source
    /// location it gets.
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
        assert!(origin < self.first_new, "{origin} has no place yet");
        let first = Inst::new(self.stencil().insts.len());
        self.builder.set_srcloc(self.builder.srcloc_of(origin));
        let made = make(&mut self.builder);
        (Run { first, end: Inst::new(self.stencil().insts.len()), origin }, made)
    }

    /// Puts what `make` appends in the place of an instruction. The one it gives takes over the results.
    pub fn replace(&mut self, old: Inst, make: impl FnOnce(&mut FunctionBuilder) -> Inst) {
        let new = self.insert_before(old, make);
        assert!(new >= self.first_new, "{new} is not made for {old}");
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

    /// Removes an instruction, with its results.
    pub fn remove(&mut self, inst: Inst) {
        for n in 0..self.stencil().inst_results(inst).len() {
            let value = Value(self.stencil().inst_results(inst)[n]);
            self.builder.stencil.value_defs[value] = PackedDef::NONE;
        }
        self.edits.removed.ensure(inst, false);
        self.edits.removed[inst] = true;
    }

    /// Replaces a value by another wherever it is used, in instructions made later too.
    pub fn replace_value(&mut self, old: Value, new: Value) {
        assert!(self.builder.type_of(old) == self.builder.type_of(new), "{old} and {new} differ in type");
        let new = self.resolve(new);
        let old = self.resolve(old);
        if new != old {
            self.edits.replacements.set(old, new);
        }
    }

    /// Makes a block that comes after `after`, behind those made for that place before. It is filled by
    /// [`append_to`](Self::append_to).
    pub fn new_block(&mut self, after: Block, params: &[Type]) -> Block {
        let block = self.builder.new_block(params);
        self.edits.after.push(after, block);
        block
    }

    /// Ends a block before an instruction, and makes another that goes on from there. What is inserted before
    /// that instruction comes at the start of the new block. The old one needs a terminator, by
    /// [`append_to`](Self::append_to).
    pub fn split_before(&mut self, at: Inst) -> Block {
        assert!(at < self.first_new, "{at} has no place yet");
        let block = self.builder.new_block(&[]);
        self.edits.splits.ensure(at, None);
        assert!(self.edits.splits[at].replace(block).is_none(), "the block is split before {at} already");
        block
    }

    /// Removes a block with all that is in it.
    pub fn remove_block(&mut self, block: Block) {
        self.edits.removed_blocks.ensure(block, false);
        self.edits.removed_blocks[block] = true;
    }

    /// Changes the function, and adds to `origins` where its instructions come from now.
    pub fn finish(self, origins: &mut Origins) {
        let Editor { builder, edits, old, origins: spare, buffers, .. } = self;
        edits.replacements.shorten_all();
        *buffers = rebuild::rebuild(builder, old, edits, |inst| origins.of(inst), spare);
        std::mem::swap(&mut origins.of, spare);
    }
}
