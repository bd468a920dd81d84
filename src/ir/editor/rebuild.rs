//! Rebuilds a function with its edits: instructions move to their new places.
//!
//! Operands have been replaced where they are. One walk over the old layout appends each instruction that
//! stays to new arrays, with its results, source location and origin. Lists, tables, flags and constants
//! stay where they are; what only removed instructions referred to is no longer reached.

use super::{Edits, Marks, Run};
use crate::entity::{Entity, Map, Span};
use crate::ir::*;

/// What a function was before it was rebuilt, as far as it is built anew. The memory is reused.
#[derive(Debug, Default)]
pub(super) struct Old {
    insts: Map<Inst, InstData>,
    results: Map<Inst, Results>,
    srclocs: Map<Inst, u32>,
    origins: Map<Inst, Inst>,
    layout: Vec<Block>,
    spans: Map<Block, Span>,
    debug_tags: Vec<(Inst, Vec<DebugTag>)>,
    stack_maps: Vec<(Inst, Vec<StackMapEntry>)>,
    /// Inserted blocks that are still to be opened.
    following: Vec<Block>,
    /// The blocks that got new instructions; some more than once.
    pub touched: Vec<Block>,
}

/// Carries out edits, for which the instructions from `first_new` on were made. Brings `origins` up to date:
/// those of the instructions before, or none if each is its own.
pub(super) fn rebuild(
    stencil: &mut Stencil,
    old: &mut Old,
    edits: &mut Edits,
    first_new: Inst,
    origins: &mut Map<Inst, Inst>,
) {
    undefine(stencil, edits, first_new);
    edits.marks.resize(stencil.insts.len(), Marks::default());
    old.take_from(stencil, origins);
    let has_notes = !(old.debug_tags.is_empty() && old.stack_maps.is_empty());
    let layout = std::mem::take(&mut old.layout);
    let mut rebuild = Rebuild { has_notes, old, edits, new: stencil, origins };
    for &block in &layout {
        rebuild.block(block);
    }
    rebuild.old.layout = layout;
    let located = stencil.srclocs.values().rposition(|&location| location != NO_SRCLOC);
    stencil.srclocs.resize(located.map_or(0, |last| last + 1), NO_SRCLOC);
}

/// Removes the definitions of what goes, and of what may: new instructions, and those that follow the ones of
/// another block. These get them back where they are placed.
fn undefine(stencil: &mut Stencil, edits: &Edits, first_new: Inst) {
    let Stencil { blocks, results, value_defs, pool, .. } = stencil;
    let mut undefine = |value: &u32| value_defs[Value(*value)] = PackedDef::NONE;
    let made = results.as_slice()[first_new.index()..].iter();
    made.for_each(|results| results.get(pool).iter().for_each(&mut undefine));
    for (block, _) in edits.removed_blocks.iter().filter(|(_, removed)| **removed) {
        let BlockData { start, end, params, .. } = blocks[block];
        let results = results.as_slice()[start as usize..end as usize].iter();
        results.for_each(|results| results.get(pool).iter().for_each(&mut undefine));
        pool.get(params).iter().for_each(&mut undefine);
    }
    edits.dropped.iter().for_each(&mut undefine);
}

impl Old {
    /// Takes what is built anew out of a function, which gets empty arrays instead.
    fn take_from(&mut self, stencil: &mut Stencil, origins: &mut Map<Inst, Inst>) {
        self.insts.clear();
        self.results.clear();
        self.srclocs.clear();
        self.origins.clear();
        self.layout.clear();
        self.spans.clear();
        self.touched.clear();
        std::mem::swap(&mut self.insts, &mut stencil.insts);
        std::mem::swap(&mut self.results, &mut stencil.results);
        std::mem::swap(&mut self.srclocs, &mut stencil.srclocs);
        std::mem::swap(&mut self.origins, origins);
        std::mem::swap(&mut self.layout, &mut stencil.layout);
        // Full length, so that a range of instructions has a range of each.
        if !self.srclocs.is_empty() {
            self.srclocs.resize(self.insts.len(), NO_SRCLOC);
        }
        for inst in self.origins.len()..self.insts.len() {
            self.origins.push(Inst(inst as u32));
        }
        self.debug_tags = std::mem::take(&mut stencil.debug_tags);
        self.stack_maps = std::mem::take(&mut stencil.stack_maps);
        for block in stencil.blocks.values_mut() {
            self.spans.push(Span::new(block.start, block.end));
            block.defined = false;
        }
        stencil.insts.reserve(self.insts.len());
        stencil.results.reserve(self.insts.len());
        stencil.srclocs.reserve(self.srclocs.len());
        origins.reserve(self.insts.len());
    }
}

/// The state of rebuilding a function.
struct Rebuild<'a> {
    /// Whether instructions have debug tags or stack maps.
    has_notes: bool,
    old: &'a mut Old,
    edits: &'a Edits,
    new: &'a mut Stencil,
    origins: &'a mut Map<Inst, Inst>,
}

impl Rebuild<'_> {
    /// Rebuilds an old block, with the blocks that are split off it, joined to it and inserted after it.
    fn block(&mut self, block: Block) {
        let mut current = block;
        let mut exists = self.open(current);
        let mut source = Some(block);
        while let Some(from) = source {
            let Span { start: mut at, end } = self.old.spans[from];
            while at < end {
                let marks = &self.edits.marks.as_slice()[at as usize..end as usize];
                let unmarked = marks.iter().position(|marks| !marks.is_empty()).unwrap_or(marks.len());
                if exists && unmarked > 0 {
                    self.insts(Span::new(at, at + unmarked as u32), None);
                }
                at += unmarked as u32;
                if at == end {
                    break;
                }
                let inst = Inst(at);
                at += 1;
                let marks = self.edits.marks[inst];
                if marks.has(Marks::SPLIT)
                    && let Some(next) = self.edits.splits[inst]
                {
                    self.end(current, exists);
                    current = next;
                    exists = self.open(current);
                }
                if marks.has(Marks::BEFORE) && exists {
                    self.edits.before.of(inst).for_each(|run| self.run(run));
                    self.old.touched.push(current);
                }
                if exists && !marks.has(Marks::REMOVED) {
                    self.insts(Span::new(inst.0, at), None);
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
        let Stencil { blocks, layout, insts, value_defs, pool, .. } = &mut *self.new;
        let data = &mut blocks[block];
        assert!(!data.defined, "{block} has one place");
        data.defined = true;
        data.start = insts.len() as u32;
        data.end = data.start;
        for (n, &param) in pool.get(data.params).iter().enumerate() {
            value_defs[Value(param)] = PackedDef::param(block, n as u32);
        }
        layout.push(block);
        true
    }

    /// Appends the instructions for the end of a block, then the blocks inserted after it.
    fn end(&mut self, block: Block, exists: bool) {
        self.close(block, exists);
        if self.edits.after.is_empty() {
            return;
        }
        // Blocks inserted after an inserted block come before its next sibling. Chains can be of any length,
        // so this is a stack rather than a recursion.
        let mut following = std::mem::take(&mut self.old.following);
        let mut last = block;
        loop {
            let first = following.len();
            following.extend(self.edits.after.of(last));
            following[first..].reverse();
            let Some(next) = following.pop() else { break };
            let exists = self.open(next);
            self.close(next, exists);
            last = next;
        }
        self.old.following = following;
    }

    /// Appends the instructions for the end of a block that exists.
    fn close(&mut self, block: Block, exists: bool) {
        if exists {
            let first = self.new.insts.len();
            self.edits.at_end.of(block).for_each(|run| self.run(run));
            if self.new.insts.len() > first {
                self.old.touched.push(block);
            }
            self.new.blocks[block].end = self.new.insts.len() as u32;
        }
    }

    fn run(&mut self, run: Run) {
        for inst in (run.first.0..run.end.0).map(Inst) {
            if !self.edits.marks[inst].has(Marks::REMOVED) {
                self.insts(Span::new(inst.0, inst.0 + 1), Some(run.origin));
            }
        }
    }

    /// Appends instructions with their results, source locations, debug tags and stack maps. They come from
    /// `origin`, or else each from itself.
    fn insts(&mut self, span: Span, origin: Option<Inst>) {
        let Rebuild { old, new, origins, .. } = self;
        let first = new.insts.len() as u32;
        let range = span.start as usize..span.end as usize;
        new.insts.extend_from_slice(&old.insts.as_slice()[range.clone()]);
        let results = &old.results.as_slice()[range.clone()];
        new.results.extend_from_slice(results);
        for (at, results) in (first..).map(Inst).zip(results) {
            if let Some(value) = results.single() {
                new.value_defs[value] = PackedDef::result(at, 0);
            } else {
                for (n, &value) in results.get(&new.pool).iter().enumerate() {
                    new.value_defs[Value(value)] = PackedDef::result(at, n as u32);
                }
            }
        }
        if !old.srclocs.is_empty() {
            new.srclocs.extend_from_slice(&old.srclocs.as_slice()[range.clone()]);
        }
        match origin {
            Some(origin) => range.for_each(|_| _ = origins.push(old.origins[origin])),
            None => origins.extend_from_slice(&old.origins.as_slice()[range]),
        }
        if self.has_notes {
            for n in 0..span.end - span.start {
                self.notes(Inst(span.start + n), Inst(first + n));
            }
        }
    }

    /// Gives the debug tags and the stack map of an old instruction to a new one.
    fn notes(&mut self, inst: Inst, new: Inst) {
        if let Some(tags) = take_sorted(&mut self.old.debug_tags, inst) {
            self.new.debug_tags.push((new, tags));
        }
        if let Some(entries) = take_sorted(&mut self.old.stack_maps, inst) {
            self.new.stack_maps.push((new, entries));
        }
    }
}

/// Takes the entry of `inst` from a list sorted by instruction.
fn take_sorted<T>(list: &mut [(Inst, Vec<T>)], inst: Inst) -> Option<Vec<T>> {
    let at = list.binary_search_by_key(&inst, |entry| entry.0).ok()?;
    Some(std::mem::take(&mut list[at].1))
}
