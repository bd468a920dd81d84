//! Regions: what lies between two blocks that all paths through it pass.
//!
//! Two blocks are *linked* if the edges that lead past the one, in the order of the text, are those that lead
//! past the other, and no block from the one up to the other ends the function. Then all edges out of the
//! earlier one and of the blocks between lead to these or to the later one, and all edges into these and the
//! later one come from there. So a value that is live into the later block and not defined in between is live
//! through all blocks between, and out of the earlier one.
//!
//! Each block has a link to the nearest such block before it; links of links lead to all others. A second
//! link, some way up, makes climbing take logarithmic time (Myers's skew-binary jump pointers).
//!
//! A block is a *candidate* for later ones as long as nothing leads past one of them only: where an edge
//! arrives, the candidates that it led past go; and while an edge is *open*, has left but not arrived, no
//! candidate before it can be linked to. The edges back to a header count as edges that leave before it and
//! arrive behind the block that they come from.

use crate::machine::vcode::VCode;

#[derive(Clone, Copy, Debug)]
struct Link {
    /// The nearest linked block before this one; itself if there is none.
    up: u32,
    /// One further up, or the same.
    far: u32,
    /// How many links up it is to the block that has none.
    height: u32,
}

/// Edges of a block that are open.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    /// Edges from it that have not arrived.
    out: u32,
    /// Edges back to it that have not left.
    back: u32,
}

/// The linked blocks of a function.
#[derive(Debug, Default)]
pub(super) struct Regions {
    links: Vec<Link>,
    candidates: Vec<u32>,
    open: Vec<Open>,
    /// Where open edges begin, in order: twice the block's number for edges back to it, one more for those
    /// from it. Those of which none is open any more are removed as soon as they are last.
    begins: Vec<u32>,
}

impl Regions {
    /// Forgets all links.
    pub(super) fn clear(&mut self) {
        self.links.clear();
    }

    /// Links the blocks of a function.
    #[inline(never)]
    pub(super) fn find(&mut self, vcode: &VCode) {
        self.links.clear();
        self.candidates.clear();
        self.begins.clear();
        self.open.clear();
        self.open.resize(vcode.blocks.len(), Open::default());
        for number in 0..vcode.blocks.len() as u32 {
            self.arrive(vcode, number);
            let up = self.candidates.last().copied().filter(|up| self.begins.last() < Some(&(2 * up + 1)));
            self.link(number, up.unwrap_or(number));
            self.leave(vcode, number);
        }
    }

    /// Ends the edges from earlier blocks to one, and begins those from later ones.
    fn arrive(&mut self, vcode: &VCode, block: u32) {
        for pred in vcode.blocks[block as usize].preds.of(&vcode.preds) {
            let pred = pred.index() as u32;
            if pred < block {
                self.open[pred as usize].out -= 1;
                self.drop_candidates(pred + 1);
            } else {
                self.open[block as usize].back += 1;
            }
        }
        if self.open[block as usize].back > 0 {
            self.begins.push(2 * block);
        }
        while let Some(&begin) = self.begins.last() {
            let Open { out, back } = self.open[begin as usize / 2];
            if (if begin % 2 == 0 { back } else { out }) > 0 {
                break;
            }
            self.begins.pop();
        }
    }

    /// Begins the edges from a block to later ones, and ends those back to earlier ones.
    fn leave(&mut self, vcode: &VCode, block: u32) {
        self.candidates.push(block);
        let succs = vcode.blocks[block as usize].edges.of(&vcode.succs);
        if succs.is_empty() {
            self.candidates.clear();
        }
        for succ in succs {
            let succ = succ.index() as u32;
            if succ > block {
                self.open[block as usize].out += 1;
            } else {
                self.open[succ as usize].back -= 1;
                self.drop_candidates(succ);
            }
        }
        if self.open[block as usize].out > 0 {
            self.begins.push(2 * block + 1);
        }
    }

    /// Removes the candidates from a block on.
    fn drop_candidates(&mut self, from: u32) {
        while self.candidates.last().is_some_and(|&last| last >= from) {
            self.candidates.pop();
        }
    }

    fn link(&mut self, block: u32, up: u32) {
        if up == block {
            return self.links.push(Link { up, far: up, height: 0 });
        }
        let above = self.links[up as usize];
        let beyond = self.links[above.far as usize];
        let is_even = above.height - beyond.height == beyond.height - self.links[beyond.far as usize].height;
        let far = if is_even { beyond.far } else { up };
        self.links.push(Link { up, far, height: above.height + 1 });
    }

    /// The first block not before `limit` that links lead to from a later one; that one itself if it has no
    /// link that short.
    #[inline]
    pub(super) fn climb(&self, mut block: u32, limit: u32) -> u32 {
        loop {
            let Some(&Link { up, far, .. }) = self.links.get(block as usize) else { return block };
            if far >= limit && far != block {
                block = far;
            } else if up >= limit && up != block {
                block = up;
            } else {
                return block;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::random_vcode;

    /// The nearest block linked to another, by the definition of links.
    fn nearest(edges: &[(u32, u32)], ends: &[u32], block: u32) -> u32 {
        let passes = |at: u32, &(from, to): &(u32, u32)| (from < at) != (to <= at);
        let is_linked = |up: &u32| {
            !ends.iter().any(|end| (*up..block).contains(end))
                && edges.iter().all(|edge| passes(*up, edge) == passes(block, edge))
        };
        (0..block).rev().find(is_linked).unwrap_or(block)
    }

    #[test]
    fn links_are_those_of_the_definition() {
        let mut regions = Regions::default();
        let mut count = 0;
        for seed in 1..400 {
            let vcode = random_vcode::flow(seed);
            let succs = |block: u32| vcode.blocks[block as usize].edges.of(&vcode.succs);
            let blocks = 0..vcode.blocks.len() as u32;
            let edges: Vec<(u32, u32)> = blocks
                .clone()
                .flat_map(|from| succs(from).iter().map(move |to| (from, to.index() as u32)))
                .collect();
            let ends: Vec<u32> = blocks.clone().filter(|&block| succs(block).is_empty()).collect();
            regions.find(&vcode);
            for block in blocks {
                let mut chain = vec![block];
                let mut at = block;
                while regions.links[at as usize].up != at {
                    at = regions.links[at as usize].up;
                    chain.push(at);
                }
                assert_eq!(
                    regions.links[block as usize].up,
                    nearest(&edges, &ends, block),
                    "{seed}: {block}"
                );
                for limit in 0..=block {
                    let last = chain.iter().copied().rfind(|&up| up >= limit);
                    assert_eq!(Some(regions.climb(block, limit)), last, "{seed}: {block} up to {limit}");
                }
                count += chain.len();
            }
        }
        assert!(count > 5_000, "{count} links are too few to tell");
    }
}
