//! The scopes of values: a value can be named in the blocks that the block of its definition dominates.
//!
//! Scopes are nested like the dominator tree, except that debuggers would not bear thousands of levels: below
//! some depth, values belong to the scope further out. A register may hold a value's equal before the value
//! is defined, such as the argument that becomes a parameter. So the places of such values are cut to where
//! the value is in scope, as are those of all others by their scope.

use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::Block;
use crate::machine::reg::VBlock;
use crate::machine::variables::{Scope, Variables};
use crate::machine::vcode::{Origin, VCode};

/// How deep scopes are nested.
const DEEPEST: u32 = 12;

/// A piece of the code.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    end: u32,
    /// The block of the IR that it is the end of.
    block: Block,
}

/// A block whose values are described.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scoped {
    pub(super) block: Block,
    /// The scope of its values, by number.
    pub(super) scope: u32,
    /// Whether they are not in scope in all of that.
    pub(super) deeper: bool,
}

/// A scope that was found.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// The number of the scope around it.
    parent: u32,
    depth: u32,
    /// The first and the last of its ranges, as numbers plus 1; 0 if there is none.
    first: u32,
    last: u32,
}

/// A range of a scope's code.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: u32,
    end: u32,
    /// The number of the scope's next range plus 1, or 0.
    next: u32,
}

/// Scopes of a function.
pub(super) struct Scopes<'a> {
    analysis: &'a Analysis,
    pieces: Vec<Piece>,
    /// The scope of each block, and whether the block is deeper than that.
    of: Map<Block, Option<(u32, bool)>>,
    /// Scopes, in the order in which they were found.
    all: Vec<Found>,
    /// Their ranges, a list for each.
    ranges: Vec<Range>,
    /// Blocks whose scopes are to be found.
    path: Vec<Block>,
    /// Pieces by the preorder number of their blocks in the dominator tree. Empty until it is needed.
    by_dominator: Vec<(u32, u32)>,
    /// The code that a block dominates.
    dominated: (Option<Block>, Vec<(u32, u32)>),
    /// How many pieces may still be looked at for values that are deeper than their scope.
    patience: usize,
}

impl<'a> Scopes<'a> {
    /// Finds the scopes. `code` has the pieces of code, by their start, with the block of VCode that each
    /// belongs to, up to `end`; `has_values` says whether a block of the IR defines values.
    pub(super) fn new(
        vcode: &VCode,
        analysis: &'a Analysis,
        code: &[(u32, VBlock)],
        end: u32,
        has_values: impl Fn(Block) -> bool,
    ) -> Self {
        let mut scopes = Scopes {
            analysis,
            pieces: Vec::with_capacity(code.len()),
            of: Map::new(),
            all: vec![Found { parent: 0, depth: 0, first: 0, last: 0 }],
            ranges: Vec::with_capacity(code.len()),
            path: Vec::new(),
            by_dominator: Vec::new(),
            dominated: (None, Vec::new()),
            patience: 1 << 22,
        };
        scopes.of.resize(analysis.cfg.block_count(), None);
        for (number, &(start, block)) in code.iter().enumerate() {
            let end = code.get(number + 1).map_or(end, |next| next.0);
            if start < end {
                scopes.piece(Piece { start, end, block: owner(vcode, block) }, &has_values);
            }
        }
        scopes
    }

    /// Adds a piece of code to the scopes that it is in.
    fn piece(&mut self, piece: Piece, has_values: &impl Fn(Block) -> bool) {
        self.pieces.push(piece);
        let Piece { start, end, block } = piece;
        let mut number = self.find(block, has_values).0;
        while number != 0 {
            let scope = &mut self.all[number as usize];
            number = scope.parent;
            let next = self.ranges.len() as u32 + 1;
            match scope.last.checked_sub(1).map(|last| &mut self.ranges[last as usize]) {
                Some(last) if last.end == start => {
                    last.end = end;
                    continue;
                }
                Some(last) => last.next = next,
                None => scope.first = next,
            }
            scope.last = next;
            self.ranges.push(Range { start, end, next: 0 });
        }
    }

    /// Finds the scope of a block, after those of the blocks that dominate it.
    fn find(&mut self, block: Block, has_values: &impl Fn(Block) -> bool) -> (u32, bool) {
        let mut at = block;
        let mut found = loop {
            if let Some(found) = self.of.get(at).copied().flatten() {
                break found;
            }
            match self.analysis.dominators.idom(at) {
                Some(above) => self.path.push(std::mem::replace(&mut at, above)),
                None => {
                    self.of[at] = Some((0, false));
                    break (0, false);
                }
            }
        };
        while let Some(block) = self.path.pop() {
            let (outer, _) = found;
            let depth = self.all[outer as usize].depth + 1;
            found = match depth <= DEEPEST && has_values(block) {
                true => {
                    self.all.push(Found { parent: outer, depth, first: 0, last: 0 });
                    (self.all.len() as u32 - 1, false)
                }
                false => (outer, true),
            };
            self.of[block] = Some(found);
        }
        found
    }

    /// Lists the scopes and their code in `variables`, each scope followed by those in it. Returns the blocks
    /// that have values, of all those in `blocks`, in the order of their scopes. `place` maps positions to
    /// their final ones.
    pub(super) fn list(
        &self,
        (blocks, has_values): (&[Block], impl Fn(Block) -> bool),
        place: impl Fn(u32) -> u32,
        variables: &mut Variables,
    ) -> Vec<Scoped> {
        let count = self.all.len();
        // How many scopes each stands for, with those in it; scopes come after those around them.
        let mut sizes = vec![1; count];
        for number in (1..count).rev() {
            sizes[self.all[number].parent as usize] += sizes[number];
        }
        // Where the next scope in each goes. Once a scope has its place, that is one before its own entry.
        let mut next = vec![1u32; count];
        let mut order = vec![0; count];
        let mut numbers = vec![0u32; count];
        for number in 1..count {
            let free = &mut next[self.all[number].parent as usize];
            let place = *free;
            *free += sizes[number];
            next[number] = place + 1;
            numbers[number] = place;
            order[place as usize] = number;
        }
        for number in order {
            let Found { parent, mut first, .. } = self.all[number];
            let start = variables.code.len();
            while let Some(range) = first.checked_sub(1).map(|number| self.ranges[number as usize]) {
                variables.code.push((place(range.start), place(range.end)));
                first = range.next;
            }
            let ranges = (variables.code.len() - start) as u32;
            variables.scopes.push(Scope { parent: numbers[parent as usize], ranges, values: 0 });
        }
        let scoped = blocks.iter().filter(|block| has_values(**block)).map(|&block| {
            // Values without code can be named everywhere.
            let (scope, deeper) = self.of.get(block).copied().flatten().unwrap_or((0, true));
            Scoped { block, scope: numbers[scope as usize], deeper }
        });
        let mut scoped: Vec<Scoped> = scoped.collect();
        scoped.sort_by_key(|scoped| scoped.scope);
        scoped
    }

    /// Calls `f` with the parts of a range of code that a block dominates.
    pub(super) fn clip(&mut self, block: Block, start: u32, end: u32, mut f: impl FnMut(u32, u32)) {
        if self.dominated.0 != Some(block) {
            self.find_dominated(block);
        }
        let code = &self.dominated.1;
        let first = code.partition_point(|(_, end)| *end <= start);
        for &(from, to) in code[first..].iter().take_while(|(from, _)| *from < end) {
            f(from.max(start), to.min(end));
        }
    }

    /// Finds the code that a block dominates; none if that would take too long.
    fn find_dominated(&mut self, block: Block) {
        if self.by_dominator.is_empty() {
            let preorder = |piece: &Piece| self.analysis.dominators.interval(piece.block).start;
            self.by_dominator.extend(self.pieces.iter().map(preorder).zip(0..));
            self.by_dominator.sort_unstable();
        }
        let (found, code) = &mut self.dominated;
        *found = Some(block);
        code.clear();
        let interval = self.analysis.dominators.interval(block);
        let bounds =
            [interval.start, interval.end].map(|at| self.by_dominator.partition_point(|piece| piece.0 < at));
        let inside = &self.by_dominator[bounds[0]..bounds[1]];
        let Some(left) = self.patience.checked_sub(inside.len()) else { return };
        self.patience = left;
        code.extend(inside.iter().map(|&(_, piece)| {
            let Piece { start, end, .. } = self.pieces[piece as usize];
            (start, end)
        }));
        code.sort_unstable();
        code.dedup_by(|next, last| {
            let meet = last.1 == next.0;
            last.1 = if meet { next.1 } else { last.1 };
            meet
        });
    }
}

/// The block of the IR that the end of a block of VCode was made from.
fn owner(vcode: &VCode, block: VBlock) -> Block {
    let mut block = block;
    loop {
        match vcode.block(block).origin {
            Origin::Blocks { last, .. } => return last,
            Origin::Second(block) => return block,
            // What splits an edge has one predecessor, which was made from blocks.
            Origin::Edge(_) => block = vcode.predecessors(block)[0],
        }
    }
}
