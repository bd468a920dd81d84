//! The order in which blocks are emitted, found after allocation when it is known which are empty.

use super::inst::Props;
use super::isa::Isa;
use super::vcode::VCode;
use regalloc2::{Output, ProgPoint};

/// Block order of one function; reused.
#[derive(Debug, Default)]
pub struct Layout {
    order: Vec<u32>,
    /// For each block: itself, or where it sends on to because all it does is jump.
    sent: Vec<u32>,
    /// Blocks that were skipped, grouped by where they send on to.
    skipped: Vec<u32>,
    ranges: Vec<(u32, u32)>,
    cold: Vec<u32>,
    /// Place of each block in `order`; `u32::MAX` if it has none.
    positions: Vec<u32>,
    /// For each block whether an indirect branch goes to it; empty if nobody asks.
    landings: Vec<bool>,
}

impl Layout {
    /// Finds the order for a function.
    pub fn compute<I: Isa>(&mut self, vcode: &VCode, output: &Output) {
        self.landings.clear();
        self.find_empty::<I>(vcode, output);
        self.group_skipped();
        self.order.clear();
        self.cold.clear();
        for block in 0..vcode.blocks.len() as u32 {
            if self.sent[block as usize] != block {
                continue;
            }
            if vcode.blocks[block as usize].cold && block != 0 {
                self.cold.push(block);
            } else {
                self.order.push(block);
            }
        }
        self.rotate_loops(vcode);
        self.order.extend_from_slice(&self.cold);
    }

    /// Finds the blocks that indirect branches go to, after [`Layout::compute`].
    pub fn find_landings<I: Isa>(&mut self, vcode: &VCode) {
        self.landings.clear();
        self.landings.resize(vcode.blocks.len(), false);
        for (number, block) in vcode.blocks.iter().enumerate() {
            let last = &vcode.insts[block.insts.1 as usize - 1];
            if I::rows()[last.row.0 as usize].props.any(Props::INDIRECT) {
                for to in successors(vcode, number as u32) {
                    self.landings[self.sent[to.index()] as usize] = true;
                }
            }
        }
    }

    /// Whether an indirect branch goes to a block, if that was asked for.
    pub fn is_landing(&self, block: u32) -> bool {
        self.landings.get(block as usize).is_some_and(|&lands| lands)
    }

    /// Blocks in emission order.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Whether a latch should stand before the header: at most one of several blocks that lead to it falls through to
    /// it now, or a branch does whose other target falls through without it. Only one latch can.
    fn goes_before(&self, vcode: &VCode, header: usize, latch: usize) -> bool {
        if self.order[header - 1] > self.order[header] {
            return false;
        }
        let (start, end) = vcode.blocks[self.order[latch] as usize].preds;
        let pred = match vcode.preds[start as usize..end as usize] {
            [pred] => pred,
            _ => return true,
        };
        let [a, b] = successors(vcode, pred.index() as u32) else { return false };
        let other = if a.index() as u32 == self.order[latch] { b } else { a };
        let after = self.positions[pred.index()] as usize + 1;
        let next = if after == latch { after + 1 } else { after };
        self.order.get(next) == Some(&self.sent[other.index()])
    }

    /// The block whose code stands for that of `block`.
    pub fn emitted(&self, block: u32) -> u32 {
        self.sent[block as usize]
    }

    /// Blocks that are not emitted because they only jump to `block`.
    pub fn sent_to(&self, block: u32) -> &[u32] {
        let (start, end) = self.ranges[block as usize];
        &self.skipped[start as usize..end as usize]
    }

    /// Finds blocks that only jump, and where chains of them end.
    fn find_empty<I: Isa>(&mut self, vcode: &VCode, output: &Output) {
        let count = vcode.blocks.len();
        self.sent.clear();
        self.sent.extend(0..count as u32);
        for index in 1..count {
            let (start, end) = vcode.blocks[index].insts;
            if end - start != 1 {
                continue;
            }
            let inst = &vcode.insts[start as usize];
            if inst.row != I::JUMP {
                continue;
            }
            let target = vcode.inst_words(inst)[0];
            let point = ProgPoint::before(regalloc2::Inst::new(start as usize));
            let edit = output.edits.partition_point(|edit| edit.0 < point);
            let mut moves = output.edits[edit..].iter().take_while(|edit| edit.0 == point);
            let stays = moves.all(|(_, regalloc2::Edit::Move { from, to })| from == to);
            let root = self.root(target);
            if stays && root != index as u32 {
                self.sent[index] = root;
            }
        }
        for index in 1..count {
            self.sent[index] = self.root(index as u32);
        }
    }

    /// The end of the chain of jumps from `block`; there are no cycles, since none is ever closed.
    fn root(&mut self, mut block: u32) -> u32 {
        while self.sent[block as usize] != block {
            let next = self.sent[block as usize];
            self.sent[block as usize] = self.sent[next as usize];
            block = next;
        }
        block
    }

    fn group_skipped(&mut self) {
        let count = self.sent.len();
        self.ranges.clear();
        self.ranges.resize(count, (0, 0));
        for (block, &target) in self.sent.iter().enumerate() {
            if target != block as u32 {
                self.ranges[target as usize].1 += 1;
            }
        }
        let mut at = 0;
        for range in &mut self.ranges {
            let len = range.1;
            *range = (at, at);
            at += len;
        }
        self.skipped.clear();
        self.skipped.resize(at as usize, 0);
        for (block, &target) in self.sent.iter().enumerate() {
            if target != block as u32 {
                let range = &mut self.ranges[target as usize];
                self.skipped[range.1 as usize] = block as u32;
                range.1 += 1;
            }
        }
    }

    /// Makes conditional branches the back edges of loops.
    ///
    /// A latch is a block whose only successor, the header, comes before it. If the header leaves the loop on
    /// one side, it is moved behind the latch, whose jump becomes a fallthrough. Else, if a conditional branch
    /// leads to the latch (which then is little more than the moves of a split edge), the latch is moved before the header. Long loops are left alone: moving the blocks between would cost more than linear time, and
    /// a jump is a small part of them.
    fn rotate_loops(&mut self, vcode: &VCode) {
        const LONGEST: usize = 200;
        self.positions.clear();
        self.positions.resize(vcode.blocks.len(), u32::MAX);
        for (position, &block) in self.order.iter().enumerate() {
            self.positions[block as usize] = position as u32;
        }
        for latch in 1..self.order.len() {
            let [back] = successors(vcode, self.order[latch]) else { continue };
            let header = self.positions[self.sent[back.index()] as usize] as usize;
            if header == 0 || header >= latch || latch - header > LONGEST {
                continue;
            }
            let inside = |block: &regalloc2::Block| {
                let position = self.positions[self.sent[block.index()] as usize] as usize;
                position > header && position <= latch
            };
            let leaves = matches!(successors(vcode, self.order[header]), [a, b] if inside(a) != inside(b));
            if leaves {
                self.order[header..=latch].rotate_left(1);
            } else if self.goes_before(vcode, header, latch) {
                // The latch is only reached by a conditional branch: that becomes the back edge.
                self.order[header..=latch].rotate_right(1);
            } else {
                continue;
            }
            for position in header..=latch {
                self.positions[self.order[position] as usize] = position as u32;
            }
        }
    }
}

fn successors(vcode: &VCode, block: u32) -> &[regalloc2::Block] {
    let (start, end) = vcode.blocks[block as usize].edges;
    &vcode.succs[start as usize..end as usize]
}
