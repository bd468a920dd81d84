//! The scopes of values: a value can be named in the blocks that the block of its definition dominates.
//!
//! Scopes are nested like the dominator tree, except that debuggers would not bear thousands of levels: below
//! some depth, values belong to the scope further out. A register may hold a value's equal before the value
//! is defined, such as the argument that becomes a parameter. So the places of such values are cut to where
//! the value is in scope, as are those of all others by their scope.

use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::{Block, Value};
use crate::machine::reg::{VBlock, VReg};
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

/// A value to describe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scoped {
    pub(super) value: Value,
    /// The block that defines it.
    pub(super) block: Block,
    /// Its scope, by number.
    pub(super) scope: u32,
    /// Whether it is not in scope in all of that.
    pub(super) deeper: bool,
    /// The virtual registers that hold it: of an i128 those of its halves, otherwise twice the same.
    pub(super) registers: Option<[VReg; 2]>,
}

/// Scopes of a function.
pub(super) struct Scopes<'a> {
    analysis: &'a Analysis,
    pub(super) pieces: Vec<Piece>,
    /// The scope of each block, and whether the block is deeper than that.
    of: Map<Block, Option<(u32, bool)>>,
    depths: Vec<u32>,
    /// Scopes, in the order in which they were found.
    all: Vec<Scope>,
    /// Their numbers in the result of [`Scopes::take_filled`].
    numbers: Vec<u32>,
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
            numbers: Vec::new(),
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
                    self.all.push(Scope { parent: outer, ..Scope::default() });
                    (self.all.len() as u32 - 1, false)
                }
                _ => (outer, true),
            };
            self.of[block] = Some(found);
        }
        found
    }

    /// Takes the scopes in which there are any of some values, each followed by those in it.
    pub(super) fn take_filled(&mut self, values: &[Scoped]) -> Vec<Scope> {
        let count = self.all.len();
        // How many scopes each stands for, with those in it; scopes come after those around them.
        let mut sizes = vec![0; count];
        values.iter().for_each(|value| sizes[value.scope as usize] = 1);
        sizes[0] = 1;
        for number in (1..count).rev() {
            if sizes[number] > 0 {
                let parent = self.all[number].parent as usize;
                sizes[parent] = sizes[parent].max(1) + sizes[number];
            }
        }
        let mut next = vec![0u32; count];
        let mut filled = vec![Scope::default(); sizes[0]];
        self.numbers = vec![0; count];
        next[0] = 1;
        for number in 1..count {
            let Scope { parent, ranges, .. } = std::mem::take(&mut self.all[number]);
            if sizes[number] == 0 {
                continue;
            }
            let place = next[parent as usize];
            next[parent as usize] += sizes[number] as u32;
            next[number] = place + 1;
            self.numbers[number] = place;
            filled[place as usize] = Scope { parent: self.numbers[parent as usize], ranges, values: 0 };
        }
        filled
    }

    /// The indices of values in the order of their scopes, and otherwise as they are. Gives the values the
    /// new numbers of scopes.
    pub(super) fn in_order(&self, values: &mut [Scoped]) -> Vec<u32> {
        let mut starts = vec![0u32; self.numbers.len() + 1];
        for value in values.iter_mut() {
            value.scope = self.numbers[value.scope as usize];
            starts[value.scope as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut order = vec![0; values.len()];
        for (value, index) in values.iter().zip(0..) {
            let place = &mut starts[value.scope as usize];
            order[*place as usize] = index;
            *place += 1;
        }
        order
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
