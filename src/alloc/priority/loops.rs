//! Loops, found from the edges alone (Havlak's algorithm).
//!
//! A depth-first search numbers the blocks; then headers are taken innermost first and their bodies walked
//! backwards from the back edges, where an inner loop that was found before counts as its header. Each edge
//! is walked once. A cycle with several entries is a loop of the entry that the search came to first.

use crate::machine::reg::VBlock;
use crate::machine::vcode::VCode;

/// No block, no loop.
pub(super) const NONE: u32 = u32::MAX;

/// A loop.
#[derive(Clone, Copy, Debug)]
struct Loop {
    /// The innermost loop around it.
    parent: u32,
    depth: u32,
    /// How many loops it consists of: itself and those in it, which have the numbers behind its own in
    /// `order`.
    count: u32,
    /// Its number in an order in which every loop stands before those in it, with nothing between.
    number: u32,
    /// Itself, or the innermost loop around it that is not nested deeper than [`DEEPEST`].
    shallow: u32,
    /// The last of its blocks.
    last: u32,
    /// While numbers are given: how many those in it have taken.
    taken: u32,
}

/// Deeper loops are not told apart when it comes to where values live.
const DEEPEST: u32 = 16;

/// The loops of a function, and what finding them needs by block.
#[derive(Debug, Default)]
pub(super) struct Loops {
    all: Vec<Loop>,
    /// The innermost loop of each block; empty if there are no loops.
    innermost: Vec<u32>,
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
    /// For each block, the last of the other entries of the loop that it is the header of.
    other_entries: Vec<u32>,
    /// Lists of edges into loops past their headers: where from, and the next one.
    entries: Vec<(u32, u32)>,
    stack: Vec<(u32, u32)>,
    work: Vec<u32>,
}

fn preds(vcode: &VCode, block: u32) -> &[VBlock] {
    vcode.blocks[block as usize].preds.of(&vcode.preds)
}

impl Loops {
    /// Forgets all loops.
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.innermost.clear();
    }

    /// Finds the loops of a function; returns whether there are any.
    pub(super) fn find(&mut self, vcode: &VCode) -> bool {
        let count = vcode.blocks.len();
        self.entries.clear();
        for list in [&mut self.number, &mut self.last, &mut self.parent, &mut self.other_entries] {
            list.clear();
            list.resize(count, NONE);
        }
        self.outer.clear();
        self.outer.extend(0..count as u32);
        self.is_header.clear();
        self.is_header.resize(count, false);
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
            for pred in preds(vcode, block) {
                self.add(pred.index() as u32, header);
            }
            let mut at = self.other_entries[block as usize];
            while let Some(&(pred, next)) = self.entries.get(at as usize) {
                self.add(pred, header);
                at = next;
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
            let next = std::mem::replace(&mut self.other_entries[header as usize], self.entries.len() as u32);
            return self.entries.push((block, next));
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
                let number = self.all.len() as u32;
                let shallow = if depth <= DEEPEST { number } else { self.all[parent as usize].shallow };
                self.all.push(Loop { parent, depth, count: 1, number: 0, shallow, last: block, taken: 0 });
            }
        }
        for (block, &innermost) in self.innermost.iter().enumerate() {
            if let Some(one) = self.all.get_mut(innermost as usize) {
                one.last = one.last.max(block as u32);
            }
        }
        for at in (0..self.all.len()).rev() {
            let Loop { parent, count, last, .. } = self.all[at];
            if let Some(parent) = self.all.get_mut(parent as usize) {
                parent.count += count;
                parent.last = parent.last.max(last);
            }
        }
        self.number_loops();
    }

    /// Numbers the loops so that those in a loop are next to it.
    fn number_loops(&mut self) {
        let mut top = 0;
        for at in 0..self.all.len() {
            let Loop { parent, count, .. } = self.all[at];
            self.all[at].number = match self.all.get_mut(parent as usize) {
                None => {
                    top += count;
                    top - count
                }
                Some(parent) => {
                    let number = parent.number + 1 + parent.taken;
                    parent.taken += count;
                    number
                }
            };
        }
    }

    /// Whether a block is a loop's header.
    pub(super) fn is_header(&self, block: u32) -> bool {
        self.is_header[block as usize]
    }

    /// How many loops a block is in.
    pub(super) fn depth(&self, block: u32) -> u32 {
        self.all.get(self.innermost[block as usize] as usize).map_or(0, |one| one.depth)
    }

    /// The last block of the outermost loop that `block` is in and `other` is not, `block` itself if there is
    /// none. A later one, if loops are deeply nested.
    #[inline]
    pub(super) fn last_without(&self, block: u32, other: u32) -> u32 {
        let Some(&innermost) = self.innermost.get(block as usize) else { return block };
        let Some(inner) = self.all.get(innermost as usize) else { return block };
        let other = self.all.get(self.innermost[other as usize] as usize).map_or(NONE, |one| one.number);
        let mut at = inner.shallow;
        let mut last = if at == innermost { block } else { self.all[at as usize].last };
        while let Some(one) = self.all.get(at as usize) {
            if other.wrapping_sub(one.number) < one.count {
                break;
            }
            last = last.max(one.last);
            at = one.parent;
        }
        last
    }
}
