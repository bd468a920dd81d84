//! Rebuilds a function with its edits: the old stencil is walked once, and a builder writes the new one.

use super::{Edits, Marks, Run};
use crate::entity::{Entity, List, Map};
use crate::ir::builder::Buffers;
use crate::ir::formats::with_formats;
use crate::ir::*;

/// Carries out the edits of the function that `builder` holds, and moves the stencil before them to `old`.
/// Fills in `origins`, where `origin` has those of the old instructions.
pub(super) fn rebuild(
    builder: FunctionBuilder,
    old: &mut Stencil,
    edits: &Edits,
    origin: impl Fn(Inst) -> Inst,
    origins: &mut Map<Inst, Inst>,
) -> Buffers {
    let base_srcloc = builder.params.base_srcloc;
    let new = builder.begin_again(old);
    origins.clear();
    let has_notes = !(old.debug_tags.is_empty() && old.stack_maps.is_empty());
    let flags = Map::new();
    let mut rebuild = Rebuild { first_srcloc: None, has_notes, old, edits, new, flags, origin, origins };
    rebuild.declarations();
    rebuild.keep_numbers();
    for n in 0..rebuild.old.layout.len() {
        rebuild.block(rebuild.old.layout[n]);
    }
    rebuild.new.close_block();
    let first = rebuild.first_srcloc;
    rebuild.new.params.base_srcloc = first.map(|first| base_srcloc.unwrap_or(0).wrapping_add(first));
    rebuild.new.into_buffers()
}

/// Copies a piece of an instruction's operands, if the words of `$old` refer to something that is rebuilt.
#[rustfmt::skip]
macro_rules! copy_piece {
    ($cx:ident, $old:ident, $new:ident, ,) => {};
    ($cx:ident, $old:ident, $new:ident, (value $w:ident)) => { $new.$w = $cx.value(Value($old.$w)).0 };
    ($cx:ident, $old:ident, $new:ident, (list $text:ident $w:ident)) => { $new.$w = $cx.list($old.$w) };
    ($cx:ident, $old:ident, $new:ident, (call $w:ident)) => {
        $new.$w = $cx.block_call(BlockCallRef($old.$w)).0
    };
    ($cx:ident, $old:ident, $new:ident, (jump_table $w:ident)) => {
        $new.$w = $cx.jump_table(JumpTable($old.$w)).0
    };
    ($cx:ident, $old:ident, $new:ident, (exception_table $w:ident)) => {
        $new.$w = $cx.exception_table(ExceptionTable($old.$w)).0
    };
    ($cx:ident, $old:ident, $new:ident, {mask $w:ident}) => { $new.$w = $cx.mask(Constant($old.$w)).0 };
    // A reference fits its word: the new function has no more different flags than the old one.
    ($cx:ident, $old:ident, $new:ident, {flags $w:ident}) => {
        $new.$w = $cx.flags(MemFlagsRef($old.$w.into())).0 as u16
    };
    ($cx:ident, $old:ident, $new:ident, {$($itself:tt)*}) => {};
}

/// The state of rebuilding a function.
struct Rebuild<'a, 'b, F> {
    /// The first source location, relative to the base of `old`.
    first_srcloc: Option<u32>,
    /// Whether instructions have debug tags or stack maps.
    has_notes: bool,
    old: &'a mut Stencil,
    edits: &'a Edits,
    new: FunctionBuilder<'b>,
    /// The new numbers of memory flags.
    flags: Map<MemFlagsRef, Option<MemFlagsRef>>,
    origin: F,
    origins: &'a mut Map<Inst, Inst>,
}

impl<F: Fn(Inst) -> Inst> Rebuild<'_, '_, F> {
    /// Makes the new tables as long as the old ones. Otherwise the numbers of values that went could be given
    /// to others later, which debug information would take for those of the text.
    fn keep_numbers(&mut self) {
        let (old, new) = (&*self.old, &mut *self.new.stencil);
        new.value_types.resize(old.value_types.len(), types::INVALID);
        new.value_defs.resize(old.value_types.len(), PackedDef::NONE);
        new.insts.reserve(old.insts.len());
        new.results.reserve(old.insts.len());
        new.srclocs.reserve(old.srclocs.len());
        self.origins.reserve(old.insts.len());
        self.flags.resize(old.mem_flags.len(), None);
    }

    /// Defines a value, which has the same number and type as before.
    #[inline]
    fn define(&mut self, value: Value, def: PackedDef) {
        let new = &mut *self.new.stencil;
        debug_assert!(new.value_defs[value] == PackedDef::NONE, "{value} has one definition");
        new.value_types[value] = self.old.value_types[value];
        new.value_defs[value] = def;
    }

    /// Moves the preamble over.
    fn declarations(&mut self) {
        let (old, new) = (&mut *self.old, &mut *self.new.stencil);
        std::mem::swap(&mut old.signature, &mut new.signature);
        std::mem::swap(&mut old.signatures, &mut new.signatures);
        std::mem::swap(&mut old.structures, &mut new.structures);
        std::mem::swap(&mut old.functions, &mut new.functions);
        std::mem::swap(&mut old.global_values, &mut new.global_values);
        std::mem::swap(&mut old.stack_slots, &mut new.stack_slots);
        std::mem::swap(&mut old.dynamic_stack_slots, &mut new.dynamic_stack_slots);
        std::mem::swap(&mut old.dynamic_types, &mut new.dynamic_types);
        std::mem::swap(&mut old.regions, &mut new.regions);
        new.stack_limit = old.stack_limit;
        self.constants();
        for n in 0..self.new.stencil.global_values.len() {
            let global = GlobalValue(n as u32);
            if let GlobalValueData::Load { flags, .. } = self.new.stencil.global_values[global] {
                let interned = self.new.intern_flags(self.old.mem_flags[flags]);
                if let GlobalValueData::Load { flags, .. } = &mut self.new.stencil.global_values[global] {
                    *flags = interned;
                }
            }
        }
    }

    /// Moves the declared constants over. Masks are not declared: `mask` adds them again.
    fn constants(&mut self) {
        let (old, new) = (&mut self.old.constants, &mut self.new.stencil.constants);
        std::mem::swap(old, new);
        old.clear();
        old.resize(new.len(), None);
        for data in self.old.insts.values().filter(|data| data.opcode.format() == Format::Shuffle) {
            let mask = Constant(data.c);
            if let Some(bytes) = new[mask].take() {
                self.old.constants[mask] = Some(bytes);
            }
        }
        let used = new.values().rposition(Option::is_some).map_or(0, |last| last + 1);
        new.resize(used, None);
    }

    /// Rebuilds an old block, with the blocks that are split off it, joined to it and inserted after it.
    fn block(&mut self, block: Block) {
        let mut current = block;
        let mut exists = self.open(current);
        let mut source = Some(block);
        while let Some(from) = source {
            for inst in self.old.block_insts(from) {
                let marks = self.edits.marks(inst);
                if !marks.is_empty() {
                    if marks.has(Marks::SPLIT)
                        && let Some(next) = self.edits.splits[inst]
                    {
                        self.end(current, exists);
                        current = next;
                        exists = self.open(current);
                    }
                    if marks.has(Marks::BEFORE) && exists {
                        self.edits.before.of(inst).for_each(|run| self.run(run));
                    }
                }
                if exists && !marks.has(Marks::REMOVED) {
                    self.inst(inst, inst);
                }
            }
            source = self.edits.joined.get(from).copied().flatten().filter(|_| exists);
        }
        self.end(current, exists);
    }

    /// Opens a block unless it is removed, and returns whether it did.
    fn open(&mut self, block: Block) -> bool {
        if self.edits.removed_blocks.get(block).is_some_and(|&removed| removed) {
            return false;
        }
        self.new.open_numbered(block).expect("a block has one place");
        for n in 0..self.old.block_params(block).len() {
            let value = Value(self.old.block_params(block)[n]);
            self.define(value, PackedDef::param(block, n as u32));
        }
        let params = self.new.stencil.pool.add(self.old.block_params(block));
        let data = &mut self.new.stencil.blocks[block];
        data.params = params;
        data.cold = self.old.blocks[block].cold;
        true
    }

    /// Appends the instructions for the end of a block, then the blocks inserted after it.
    fn end(&mut self, block: Block, exists: bool) {
        if exists {
            self.edits.at_end.of(block).for_each(|run| self.run(run));
        }
        if self.edits.after.is_empty() {
            return;
        }
        // Blocks inserted after an inserted block come before its next sibling. Chains can be of any length,
        // so this is a stack rather than a recursion.
        let mut following = Vec::new();
        let mut last = block;
        loop {
            let first = following.len();
            following.extend(self.edits.after.of(last));
            following[first..].reverse();
            let Some(next) = following.pop() else { return };
            if self.open(next) {
                self.edits.at_end.of(next).for_each(|run| self.run(run));
            }
            last = next;
        }
    }

    fn run(&mut self, run: Run) {
        for inst in (run.first.0..run.end.0).map(Inst) {
            if !self.edits.marks(inst).has(Marks::REMOVED) {
                self.inst(inst, run.origin);
            }
        }
    }

    /// Appends an instruction with its results, source location, debug tags and stack map.
    #[inline(always)]
    fn inst(&mut self, inst: Inst, origin: Inst) {
        let data = self.operands(self.old.insts[inst]);
        let new = self.new.stencil.insts.push(data);
        self.results(inst, new);
        if let Some(location) = self.old.srcloc(inst) {
            // The first location becomes the base.
            let base = *self.first_srcloc.get_or_insert(location);
            let srclocs = &mut self.new.stencil.srclocs;
            if srclocs.len() < new.index() {
                srclocs.resize(new.index(), NO_SRCLOC);
            }
            srclocs.push(location.wrapping_sub(base));
        }
        self.origins.push((self.origin)(origin));
        if self.has_notes {
            self.notes(inst, new);
        }
    }

    /// Gives the debug tags and the stack map of an old instruction to a new one.
    fn notes(&mut self, inst: Inst, new: Inst) {
        if let Some(tags) = take_sorted(&mut self.old.debug_tags, inst) {
            self.new.stencil.debug_tags.push((new, tags));
        }
        if let Some(entries) = take_sorted(&mut self.old.stack_maps, inst) {
            self.new.stencil.stack_maps.push((new, entries));
        }
    }

    /// Gives the results of an old instruction to a new one.
    #[inline(always)]
    fn results(&mut self, old: Inst, new: Inst) {
        let mut results = self.old.results[old];
        if let Some(value) = results.single() {
            self.define(value, PackedDef::result(new, 0));
        } else if results != Results::NONE {
            let values = self.old.inst_results(old);
            let count = values.len();
            results = Results::list(self.new.stencil.pool.add(values));
            for n in 0..count {
                let value = Value(self.old.inst_results(old)[n]);
                self.define(value, PackedDef::result(new, n as u32));
            }
        }
        self.new.stencil.results.push(results);
    }

    /// The instruction with its values replaced, and with copies of the lists and tables it refers to.
    #[inline(always)]
    fn operands(&mut self, data: InstData) -> InstData {
        let mut new = data;
        macro_rules! copy_all {
            ($($format:ident [$($piece:tt)*])*) => {
                match data.opcode.format() {
                    $(Format::$format => { $(copy_piece!(self, data, new, $piece);)* })*
                }
            };
        }
        with_formats!(copy_all);
        new
    }

    #[inline]
    fn value(&self, value: Value) -> Value {
        self.edits.replacements.of(value)
    }

    #[inline]
    fn flags(&mut self, flags: MemFlagsRef) -> MemFlagsRef {
        if let Some(known) = self.flags[flags] {
            return known;
        }
        let interned = self.new.intern_flags(self.old.mem_flags[flags]);
        self.flags[flags] = Some(interned);
        interned
    }

    fn mask(&mut self, mask: Constant) -> Constant {
        self.new.add_constant(self.old.constants[mask].clone().unwrap_or_default())
    }

    fn list(&mut self, list: u32) -> u32 {
        let Rebuild { old, edits, new, .. } = self;
        let words = old.pool.get(List(list)).iter();
        new.list(words.map(|&word| edits.replacements.of(Value(word)).0)).0
    }

    fn block_call(&mut self, call: BlockCallRef) -> BlockCallRef {
        let Rebuild { old, edits, new, .. } = self;
        let BlockCall { block, args } = old.block_calls[call];
        let args = old.pool.get(args).iter().map(|&word| match BlockArg::unpack(word) {
            BlockArg::Value(value) => BlockArg::Value(edits.replacements.of(value)),
            arg @ (BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_)) => arg,
        });
        new.block_call_with(block, args)
    }

    fn jump_table(&mut self, table: JumpTable) -> JumpTable {
        let default = self.block_call(self.old.jump_tables[table].default);
        let mut entries = std::mem::take(&mut self.old.jump_tables[table].entries);
        entries.iter_mut().for_each(|entry| *entry = self.block_call(*entry));
        self.new.stencil.jump_tables.push(JumpTableData { entries, default })
    }

    fn exception_table(&mut self, table: ExceptionTable) -> ExceptionTable {
        let data = &mut self.old.exception_tables[table];
        let (signature, normal) = (data.signature, data.normal);
        let mut handlers = std::mem::take(&mut data.handlers);
        let normal = self.block_call(normal);
        for handler in &mut handlers {
            match handler {
                Handler::Tag(_, call) | Handler::Default(call) => *call = self.block_call(*call),
                Handler::Context(value) => *value = self.value(*value),
            }
        }
        self.new.stencil.exception_tables.push(ExceptionTableData { signature, normal, handlers })
    }
}

/// Takes the entry of `inst` from a list sorted by instruction.
fn take_sorted<T>(list: &mut [(Inst, Vec<T>)], inst: Inst) -> Option<Vec<T>> {
    let at = list.binary_search_by_key(&inst, |entry| entry.0).ok()?;
    Some(std::mem::take(&mut list[at].1))
}
