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
use crate::machine::variables::Scope;
use crate::machine::vcode::{Origin, VCode};

/// How deep scopes are nested.
const DEEPEST: u32 = 12;

/// A piece of the code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The block of the IR that it is the end of.
    block: Block,
}

/// Scopes of a function.
pub(super) struct Scopes<'a> {
    analysis: &'a Analysis,
    pub(super) pieces: Vec<Piece>,
    /// The scope of each block, and whether the block is deeper than that.
    of: Map<Block, Option<(u32, bool)>>,
    depths: Vec<u32>,
    pub(super) all: Vec<Scope>,
    /// How many pieces may still be looked at for values that are deeper than their scope.
    patience: u32,
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
        let ends = code.iter().skip(1).map(|piece| piece.0).chain([end]);
        let pieces = code.iter().zip(ends).filter(|((start, _), end)| start < end);
        let pieces = pieces.map(|(&(start, block), end)| Piece { start, end, block: owner(vcode, block) });
        let mut scopes = Scopes {
            analysis,
            pieces: pieces.collect(),
            of: Map::new(),
            depths: vec![0],
            all: vec![Scope::default()],
            patience: 1 << 20,
        };
        scopes.of.resize(analysis.cfg.block_count(), None);
        for at in 0..scopes.pieces.len() {
            let Piece { start, end, block } = scopes.pieces[at];
            let mut scope = scopes.find(block, &has_values).0;
            while scope != 0 {
                let ranges = &mut scopes.all[scope as usize].ranges;
                match ranges.last_mut() {
                    Some(last) if last.1 == start => last.1 = end,
                    _ => ranges.push((start, end)),
                }
                scope = scopes.all[scope as usize].parent;
            }
        }
        scopes
    }

    /// The scope of the values that a block defines, and whether the block is deeper than that.
    pub(super) fn of(&self, block: Block) -> (u32, bool) {
        self.of.get(block).copied().flatten().unwrap_or((0, true))
    }

    /// Finds the scope of a block, after those of the blocks that dominate it.
    fn find(&mut self, block: Block, has_values: &impl Fn(Block) -> bool) -> (u32, bool) {
        let mut path = Vec::new();
        let mut at = block;
        let mut found = loop {
            if let Some(found) = self.of.get(at).copied().flatten() {
                break found;
            }
            match self.analysis.dominators.idom(at) {
                Some(above) => path.push(std::mem::replace(&mut at, above)),
                None => {
                    self.of[at] = Some((0, false));
                    break (0, false);
                }
            }
        };
        for block in path.into_iter().rev() {
            let (outer, _) = found;
            let depth = self.depths[outer as usize] + 1;
            found = match has_values(block) {
                true if depth <= DEEPEST => {
                    self.depths.push(depth);
                    self.all.push(Scope { parent: outer, ranges: Vec::new() });
                    (self.all.len() as u32 - 1, false)
                }
                _ => (outer, true),
            };
            self.of[block] = Some(found);
        }
        found
    }

    /// Calls `f` with the parts of a range of code that `block` dominates.
    pub(super) fn clip(&mut self, block: Block, start: u32, end: u32, mut f: impl FnMut(u32, u32)) {
        let first = self.pieces.partition_point(|piece| piece.end <= start);
        for piece in self.pieces[first..].iter().take_while(|piece| piece.start < end) {
            let Some(left) = self.patience.checked_sub(1) else { return };
            self.patience = left;
            if self.analysis.dominators.dominates(block, piece.block) {
                f(piece.start.max(start), piece.end.min(end));
            }
        }
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
