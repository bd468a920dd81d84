//! Loops, found from the edges alone (Havlak's algorithm).
//!
//! A depth-first search numbers the blocks; then headers are taken innermost first and their bodies walked
//! backwards from the back edges, where an inner loop that was found before counts as its header. Each edge
//! is walked once. A cycle with several entries is a loop of the entry that the search came to first, and
//! *irregular*.

use crate::entity::Span;
use crate::machine::reg::VBlock;
use crate::machine::vcode::VCode;

/// No block, no loop.
pub(super) const NONE: u32 = u32::MAX;

/// A loop.
#[derive(Clone, Copy, Debug)]
struct Loop {
    header: u32,
    /// The innermost loop around it.
    parent: u32,
    depth: u32,
    /// Whether it is entered elsewhere than at its header.
    irregular: bool,
    /// How many loops it consists of: itself and those in it, which have the numbers behind its own in
    /// `order`.
    count: u32,
    /// Its number in an order in which every loop stands before those in it, with nothing between.
    number: u32,
    /// Itself, or the innermost loop around it whose rows are known.
    shallow: u32,
    /// Where its blocks are, if that is known: in [`Loops::rows`].
    rows: Span,
}

/// Of loops that are deeper nested it is not known where their blocks are.
const DEEPEST: u32 = 16;

/// The loops of a function, and what finding them needs by block.
#[derive(Debug, Default)]
pub(super) struct Loops {
    all: Vec<Loop>,
    /// The innermost loop of each block; empty if there are no loops.
    innermost: Vec<u32>,
    /// Rows of blocks that follow one another: the first and the last.
    rows: Vec<(u32, u32)>,
    /// The loop and the rows of blocks, unsorted.
    found: Vec<(u32, u32, u32)>,
    /// Number in the depth-first search.
    number: Vec<u32>,
    /// The highest number of those found from the block.
    last: Vec<u32>,
    /// Blocks by number.
    order: Vec<u32>,
    /// The header of the innermost loop that the block is in but not the header of.
    parent: Vec<u32>,
    /// A block that stands for the loops around it that were found so far; itself outside of them.
    outer: Vec<u32>,
    is_header: Vec<bool>,
    is_irregular: Vec<bool>,
    stack: Vec<(u32, u32)>,
    work: Vec<u32>,
}

/// Whether there can be a loop.
fn has_backward_edge(vcode: &VCode) -> bool {
    vcode
        .blocks
        .iter()
        .enumerate()
        .any(|(number, block)| block.edges.of(&vcode.succs).iter().any(|succ| succ.index() <= number))
}

fn preds(vcode: &VCode, block: u32) -> &[VBlock] {
    vcode.blocks[block as usize].preds.of(&vcode.preds)
}

impl Loops {
    /// Finds the loops of a function; returns whether there are any.
    pub(super) fn find(&mut self, vcode: &VCode) -> bool {
        self.all.clear();
        self.innermost.clear();
        if !has_backward_edge(vcode) {
            return false;
        }
        let count = vcode.blocks.len();
        for list in [&mut self.number, &mut self.last, &mut self.parent] {
            list.clear();
            list.resize(count, NONE);
        }
        self.outer.clear();
        self.outer.extend(0..count as u32);
        for list in [&mut self.is_header, &mut self.is_irregular] {
            list.clear();
            list.resize(count, false);
        }
        self.number_blocks(vcode);
        for at in (0..self.order.len()).rev() {
            self.find_loop(vcode, self.order[at]);
        }
        self.build();
        !self.all.is_empty()
    }

    /// Numbers the blocks in the order of a depth-first search.
    fn number_blocks(&mut self, vcode: &VCode) {
        self.order.clear();
        self.number[0] = 0;
        self.order.push(0);
        self.stack.push((0, vcode.blocks[0].edges.start));
        while let Some((block, edge)) = self.stack.last_mut() {
            let at = *block as usize;
            if *edge == vcode.blocks[at].edges.end {
                self.last[at] = self.order.len() as u32 - 1;
                self.stack.pop();
                continue;
            }
            let succ = vcode.succs[*edge as usize].index();
            *edge += 1;
            if self.number[succ] == NONE {
                self.number[succ] = self.order.len() as u32;
                self.order.push(succ as u32);
                self.stack.push((succ as u32, vcode.blocks[succ].edges.start));
            }
        }
    }

    /// Whether the search came to `block` by way of `ancestor`.
    fn is_below(&self, block: u32, ancestor: u32) -> bool {
        let (number, ancestor) = (self.number[block as usize], ancestor as usize);
        number != NONE && self.number[ancestor] <= number && number <= self.last[ancestor]
    }

    /// Finds the loop of `header`, if it is the header of one.
    fn find_loop(&mut self, vcode: &VCode, header: u32) {
        for pred in preds(vcode, header) {
            let pred = pred.index() as u32;
            if self.is_below(pred, header) {
                self.is_header[header as usize] = true;
                self.add(pred, header);
            }
        }
        while let Some(block) = self.work.pop() {
            if self.is_irregular[block as usize] {
                self.is_irregular[header as usize] = true;
            }
            for pred in preds(vcode, block) {
                self.add(pred.index() as u32, header);
            }
        }
    }

    /// Adds what stands for `block` to the loop of `header`.
    fn add(&mut self, block: u32, header: u32) {
        let block = self.outermost(block);
        if block == header {
            return;
        }
        if !self.is_below(block, header) {
            self.is_irregular[header as usize] = true;
            return;
        }
        self.outer[block as usize] = header;
        self.parent[block as usize] = header;
        self.work.push(block);
    }

    fn outermost(&mut self, mut block: u32) -> u32 {
        while self.outer[block as usize] != block {
            let outer = self.outer[block as usize];
            self.outer[block as usize] = self.outer[outer as usize];
            block = outer;
        }
        block
    }

    /// Lists the loops, and the rows of their blocks.
    fn build(&mut self) {
        self.innermost.resize(self.outer.len(), NONE);
        // Headers come before what is in their loops.
        for &block in &self.order {
            let at = block as usize;
            let around = self.parent[at];
            let parent = if around == NONE { NONE } else { self.innermost[around as usize] };
            self.innermost[at] = parent;
            if self.is_header[at] {
                self.innermost[at] = self.all.len() as u32;
                let depth = self.all.get(parent as usize).map_or(0, |parent| parent.depth) + 1;
                let irregular = self.is_irregular[at];
                let number = self.all.len() as u32;
                let shallow = if depth <= DEEPEST { number } else { self.all[parent as usize].shallow };
                let rows = Span::default();
                self.all.push(Loop {
                    header: block,
                    parent,
                    depth,
                    irregular,
                    count: 1,
                    number: 0,
                    shallow,
                    rows,
                });
            }
        }
        for at in (0..self.all.len()).rev() {
            let Loop { parent, count, .. } = self.all[at];
            if let Some(parent) = self.all.get_mut(parent as usize) {
                parent.count += count;
            }
        }
        self.number_loops();
        self.find_rows();
    }

    /// Numbers the loops so that those in a loop are next to it.
    fn number_loops(&mut self) {
        let mut top = 0;
        for at in 0..self.all.len() {
            let Loop { parent, count, .. } = self.all[at];
            // Until all of its inner loops have numbers, `rows.start` says how many were given.
            self.all[at].number = match self.all.get_mut(parent as usize) {
                None => {
                    top += count;
                    top - count
                }
                Some(parent) => {
                    let number = parent.number + 1 + parent.rows.start;
                    parent.rows.start += count;
                    number
                }
            };
        }
        self.all.iter_mut().for_each(|one| one.rows = Span::default());
    }

    /// Finds which blocks that follow one another are in each loop.
    fn find_rows(&mut self) {
        self.found.clear();
        // Of each loop, its last row so far, plus one.
        self.last.clear();
        self.last.resize(self.all.len(), 0);
        for block in 0..self.innermost.len() as u32 {
            let mut at = self.shallow(block);
            while let Some(one) = self.all.get(at as usize) {
                let row = self.last[at as usize];
                match self.found.get_mut((row as usize).wrapping_sub(1)) {
                    Some(row) if row.2 + 1 == block => row.2 = block,
                    _ => {
                        self.found.push((at, block, block));
                        self.last[at as usize] = self.found.len() as u32;
                    }
                }
                at = one.parent;
            }
        }
        self.rows.clear();
        self.found.sort_unstable();
        for &(number, first, last) in &self.found {
            let one = &mut self.all[number as usize];
            if one.rows.is_empty() {
                one.rows = Span::from(self.rows.len() as u32, self.rows.len());
            }
            self.rows.push((first, last));
            one.rows.end += 1;
        }
    }

    /// The innermost loop around a block whose rows are known.
    #[inline]
    fn shallow(&self, block: u32) -> u32 {
        self.all.get(self.innermost[block as usize] as usize).map_or(NONE, |one| one.shallow)
    }

    /// Whether a block is a loop's header.
    pub(super) fn is_header(&self, block: u32) -> bool {
        self.is_header[block as usize]
    }

    /// How many loops a block is in.
    pub(super) fn depth(&self, block: u32) -> u32 {
        self.all.get(self.innermost[block as usize] as usize).map_or(0, |one| one.depth)
    }

    /// The outermost loop that `block` is in and `other` is not, if all that is entered at its header.
    #[inline]
    pub(super) fn outermost_without(&self, block: u32, other: u32) -> Option<u32> {
        if self.innermost.is_empty() {
            return None;
        }
        let mut at = self.shallow(block);
        let other = self.all.get(self.innermost[other as usize] as usize).map_or(NONE, |one| one.number);
        let mut found = None;
        while let Some(one) = self.all.get(at as usize) {
            if other.wrapping_sub(one.number) < one.count {
                break;
            }
            found = Some(at);
            at = one.parent;
        }
        found.filter(|&found| {
            let one = &self.all[found as usize];
            !one.irregular && !one.rows.is_empty()
        })
    }

    /// The header of a loop, and the rows of its blocks.
    #[inline]
    pub(super) fn blocks(&self, number: u32) -> (u32, &[(u32, u32)]) {
        let one = &self.all[number as usize];
        (one.header, one.rows.of(&self.rows))
    }

    /// Whether a block is in a loop.
    #[inline]
    pub(super) fn is_within(&self, block: u32, number: u32) -> bool {
        let one = &self.all[number as usize];
        let inner = self.all.get(self.innermost[block as usize] as usize);
        inner.is_some_and(|inner| inner.number.wrapping_sub(one.number) < one.count)
    }
}
