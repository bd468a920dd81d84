//! Loops, found from the edges alone (Havlak's algorithm).
//!
//! A depth-first search numbers the blocks; then headers are taken innermost first and their bodies walked
//! backwards from the back edges, where an inner loop that was found before counts as its header. Each edge
//! is walked once. A cycle with several entries is a loop of the entry that the search came to first.

use crate::machine::reg::VBlock;
use crate::machine::vcode::VCode;

/// No block.
const NONE: u32 = u32::MAX;

/// The loops of a function, and what finding them needs by block.
#[derive(Debug, Default)]
pub(super) struct Loops {
    /// How many loops the block is in.
    depths: Vec<u32>,
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
        self.find_depths();
        self.is_header.contains(&true)
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

    fn find_depths(&mut self) {
        self.depths.clear();
        self.depths.resize(self.parent.len(), 0);
        // Headers come before what is in their loops.
        for &block in &self.order {
            let outer = self.depths.get(self.parent[block as usize] as usize).copied().unwrap_or(0);
            self.depths[block as usize] = outer + u32::from(self.is_header[block as usize]);
        }
    }

    /// Whether a block is a loop's header.
    pub(super) fn is_header(&self, block: u32) -> bool {
        self.is_header[block as usize]
    }

    /// How many loops a block is in.
    pub(super) fn depth(&self, block: u32) -> u32 {
        self.depths[block as usize]
    }
}
