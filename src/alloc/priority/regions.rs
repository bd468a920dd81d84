//! Regions: what lies between two blocks that all paths to the later one pass.
//!
//! Two blocks are *linked* if the edges that lead past the one, in the order of the text, are those that lead
//! past the other, and no block from the one up to the other ends the function. Then all edges out of the
//! earlier one and of the blocks between lead to these or to the later one, and all edges into these and the
//! later one come from there. So a value that is live into the later block and not defined in between is live
//! through all blocks between, and out of the earlier one.
//!
//! They are linked *widely* if only the latter holds: all edges into the later one and the blocks between
//! come from these or from the earlier one. The value can then be had in all blocks between, even where it is
//! not live.
//!
//! Each block has a link to the nearest such block before it; links of links lead to all others. A second
//! link, some way up, makes climbing take logarithmic time (Myers's skew-binary jump pointers).
//!
//! A block is a *candidate* for later ones as long as nothing leads past one of them only: where an edge
//! arrives, the candidates that it led past go; and while an edge is *open*, has left but not arrived, no
//! candidate before it can be linked to. The edges back to a header count as edges that leave before it and
//! arrive behind the block that they come from. For wide links, only these are open.

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

/// The links of all blocks, of one kind.
#[derive(Debug, Default)]
pub(super) struct Links {
    all: Vec<Link>,
    candidates: Vec<u32>,
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
    pub(super) links: Links,
    pub(super) wide: Links,
    open: Vec<Open>,
    /// Blocks with open edges back to them, in order. Those of which none is open any more are removed as
    /// soon as they are last.
    headers: Vec<u32>,
    /// The same for edges from blocks.
    sources: Vec<u32>,
}

impl Regions {
    /// Forgets all links.
    pub(super) fn clear(&mut self) {
        self.links.clear();
        self.wide.clear();
    }

    /// Links the blocks of a function.
    #[inline(never)]
    pub(super) fn find(&mut self, vcode: &VCode) {
        self.clear();
        self.headers.clear();
        self.sources.clear();
        self.open.clear();
        self.open.resize(vcode.blocks.len(), Open::default());
        for block in 0..vcode.blocks.len() as u32 {
            self.arrive(vcode, block);
            let is_reached = |up: &u32| self.headers.last() <= Some(up);
            self.wide.link(block, is_reached);
            self.links.link(block, |up| is_reached(up) && self.sources.last() < Some(up));
            self.leave(vcode, block);
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
            self.headers.push(block);
        }
        let open = &self.open;
        while self.headers.pop_if(|&mut block| open[block as usize].back == 0).is_some() {}
        while self.sources.pop_if(|&mut block| open[block as usize].out == 0).is_some() {}
    }

    /// Begins the edges from a block to later ones, and ends those back to earlier ones.
    fn leave(&mut self, vcode: &VCode, block: u32) {
        self.links.candidates.push(block);
        self.wide.candidates.push(block);
        let succs = vcode.blocks[block as usize].edges.of(&vcode.succs);
        if succs.is_empty() {
            self.links.candidates.clear();
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
            self.sources.push(block);
        }
    }

    fn drop_candidates(&mut self, from: u32) {
        self.links.drop_candidates(from);
        self.wide.drop_candidates(from);
    }
}

impl Links {
    fn clear(&mut self) {
        self.all.clear();
        self.candidates.clear();
    }

    /// Removes the candidates from a block on.
    fn drop_candidates(&mut self, from: u32) {
        while self.candidates.pop_if(|last| *last >= from).is_some() {}
    }

    /// Links a block to the last candidate, unless an open edge forbids that.
    fn link(&mut self, block: u32, is_open_to: impl Fn(&u32) -> bool) {
        let Some(up) = self.candidates.last().copied().filter(is_open_to) else {
            return self.all.push(Link { up: block, far: block, height: 0 });
        };
        let above = self.all[up as usize];
        let beyond = self.all[above.far as usize];
        let is_even = above.height - beyond.height == beyond.height - self.all[beyond.far as usize].height;
        let far = if is_even { beyond.far } else { up };
        self.all.push(Link { up, far, height: above.height + 1 });
    }

    /// The first block not before `limit` that links lead to from a later one; that one itself if it has no
    /// link that short.
    #[inline]
    pub(super) fn climb(&self, mut block: u32, limit: u32) -> u32 {
        loop {
            let Some(&Link { up, far, .. }) = self.all.get(block as usize) else { return block };
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

    /// A function's edges, and the blocks that end it.
    struct Flow {
        edges: Vec<(u32, u32)>,
        ends: Vec<u32>,
    }

    impl Flow {
        /// Whether two blocks are linked, by the definition.
        fn are_linked(&self, up: u32, block: u32) -> bool {
            let passes = |at: u32, &(from, to): &(u32, u32)| (from < at) != (to <= at);
            !self.ends.iter().any(|end| (up..block).contains(end))
                && self.edges.iter().all(|edge| passes(up, edge) == passes(block, edge))
        }

        fn are_linked_widely(&self, up: u32, block: u32) -> bool {
            let mut into = self.edges.iter().filter(|(_, to)| up < *to && *to <= block);
            into.all(|(from, _)| (up..block).contains(from))
        }
    }

    /// The blocks that links lead to from one, itself included.
    fn chain(links: &Links, mut block: u32) -> Vec<u32> {
        let mut chain = vec![block];
        while links.all[block as usize].up != block {
            block = links.all[block as usize].up;
            chain.push(block);
        }
        chain
    }

    #[test]
    fn links_are_those_of_the_definition() {
        let mut regions = Regions::default();
        let mut counts = [0, 0];
        for seed in 1..400 {
            let vcode = random_vcode::flow(seed);
            let succs = |block: u32| vcode.blocks[block as usize].edges.of(&vcode.succs);
            let blocks = 0..vcode.blocks.len() as u32;
            let of = |from| succs(from).iter().map(move |to| (from, to.index() as u32));
            let edges = blocks.clone().flat_map(of).collect();
            let ends = blocks.clone().filter(|&block| succs(block).is_empty()).collect();
            let flow = Flow { edges, ends };
            regions.find(&vcode);
            for block in blocks {
                let [exact, wide] = [&regions.links, &regions.wide].map(|links| chain(links, block));
                let nearest = (0..block).rev().find(|&up| flow.are_linked(up, block));
                assert_eq!(exact.get(1).copied(), nearest, "{seed}: {block}");
                assert!(wide[1..].iter().all(|&up| flow.are_linked_widely(up, block)), "{seed}: {block}");
                for limit in 0..=block {
                    let last = exact.iter().copied().rfind(|&up| up >= limit);
                    assert_eq!(
                        Some(regions.links.climb(block, limit)),
                        last,
                        "{seed}: {block} up to {limit}"
                    );
                }
                counts[0] += exact.len();
                counts[1] += wide.len();
            }
        }
        assert!(counts[0] > 5_000 && counts[1] > counts[0], "{counts:?} links are too few to tell");
    }
}
