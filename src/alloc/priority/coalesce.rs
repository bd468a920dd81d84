//! Values that copies connect become bundles: they share a register, and in memory a slot.
//!
//! Affinities are the pairs of a tied use and its definition, and of an edge's argument and its parameter,
//! those of one argument and parameter summed over all edges. Pairs are taken in order of weight; their webs
//! are merged if nowhere live at once.
//!
//! A web's ranges are kept in runs, sorted slices of which each is more than twice as long as the next:
//! merging webs merges runs of like length only, so that a web may grow value by value and a range is still
//! copied a logarithmic number of times.
//!
//! Invariant: the members of a bundle are never live at the same position.

use super::edges::Passed;
use super::positions::Range;
use super::values::END;
use super::{Bundle, Effort, Input, State, Tie};
use crate::entity::Span;
use crate::machine::vcode::VCode;

/// A set of values that are to share a register; the record of one of them stands for it.
#[derive(Clone, Copy, Debug)]
struct Web {
    /// A member on the way to the one that stands for the web; itself for that.
    parent: u32,
    /// The next member, round in a circle.
    next: u32,
    /// The longest run of ranges.
    run: Span,
    /// The other runs: in [`Webs::runs`].
    more: u32,
    /// The web that it was last found to be live at once with.
    refused: u32,
}

/// Calls `f` with the arguments of all edges, those of one parameter one after the other.
#[inline(always)]
fn for_each_passed(vcode: &VCode, mut f: impl FnMut(Passed)) {
    for (number, block) in vcode.blocks.iter().enumerate() {
        for edge in block.edges.of(&vcode.edges).iter().filter(|edge| !edge.args.is_empty()) {
            let to = &vcode.blocks[edge.to.index()];
            if to.preds.len() == 1 {
                let params = to.params.of(&vcode.params);
                for (arg, param) in edge.args.of(&vcode.edge_args).iter().zip(params) {
                    let (arg, param) = (arg.vreg() as u32, param.vreg() as u32);
                    f(Passed { arg, param, from: number as u32, to: edge.to.index() as u32 });
                }
            }
        }
        if block.preds.len() == 1 {
            continue;
        }
        for (index, param) in block.params.of(&vcode.params).iter().enumerate() {
            for pred in block.preds.of(&vcode.preds) {
                // There are no critical edges: it has no other one.
                let edge = vcode.edges[vcode.blocks[pred.index()].edges.start as usize];
                let arg = vcode.edge_args[edge.args.start as usize + index].vreg() as u32;
                f(Passed { arg, param: param.vreg() as u32, from: pred.index() as u32, to: number as u32 });
            }
        }
    }
}

/// Working memory of coalescing.
#[derive(Debug, Default)]
pub(super) struct Webs {
    all: Vec<Web>,
    /// Runs besides a web's longest, in lists from the second longest on.
    runs: Vec<(Span, u32)>,
    scratch: Vec<Span>,
    pairs: Vec<Tie>,
    sorted: Vec<u32>,
    touched: Vec<u32>,
}

impl State {
    /// Makes the bundles.
    #[inline(never)]
    pub(super) fn coalesce(&mut self, input: &Input) {
        let values = &self.values.all;
        self.webs.all.clear();
        self.webs.runs.clear();
        self.webs.all.extend(values.iter().enumerate().map(|(number, value)| Web {
            parent: number as u32,
            next: number as u32,
            run: value.ranges,
            more: END,
            refused: END,
        }));
        match self.effort {
            Effort::Low => self.merge_in_order(input),
            Effort::High => {
                self.collect_pairs(input);
                self.webs.sort_pairs();
                for at in 0..self.webs.sorted.len() {
                    let Tie { from, to, .. } = self.webs.pairs[self.webs.sorted[at] as usize];
                    self.webs.try_merge(&mut self.ranges, from, to);
                }
            }
        }
        self.make_bundles();
    }

    /// Merges what it can in the order of the text, tied operands first.
    fn merge_in_order(&mut self, input: &Input) {
        let vcode = input.vcode;
        for &Tie { from, to, .. } in &self.ties {
            self.webs.try_merge(&mut self.ranges, from, to);
        }
        for edge in vcode.edges.iter().filter(|edge| !edge.args.is_empty()) {
            let params = vcode.blocks[edge.to.index()].params.of(&vcode.params);
            for (arg, param) in edge.args.of(&vcode.edge_args).iter().zip(params) {
                self.webs.try_merge(&mut self.ranges, arg.vreg() as u32, param.vreg() as u32);
            }
        }
    }

    /// Collects the affinities, those of edges summed per argument and parameter.
    #[inline(never)]
    fn collect_pairs(&mut self, input: &Input) {
        let Webs { pairs, touched, .. } = &mut self.webs;
        pairs.clear();
        pairs.append(&mut self.ties);
        let sums = &mut self.sums;
        sums.clear();
        sums.resize(self.values.all.len(), 0.0);
        let mut add_sums = |touched: &mut Vec<u32>, sums: &mut [f32], to: u32| {
            for from in touched.drain(..) {
                pairs.push(Tie { from, to, weight: std::mem::take(&mut sums[from as usize]) });
            }
        };
        let mut last = END;
        let blocks = &self.flow.blocks;
        for_each_passed(input.vcode, |Passed { arg, param, from, to }| {
            if param != last {
                add_sums(touched, sums, last);
                last = param;
            }
            if arg != param {
                let sum = &mut sums[arg as usize];
                if *sum == 0.0 {
                    touched.push(arg);
                }
                *sum += blocks[from as usize].share.min(blocks[to as usize].share).frequency();
            }
        });
        add_sums(touched, sums, last);
    }

    /// Numbers the bundles and puts together what is known of their members; each gets a piece.
    #[inline(never)]
    fn make_bundles(&mut self) {
        self.bundles.clear();
        self.members.clear();
        self.pieces.reset();
        for vreg in 0..self.values.all.len() as u32 {
            if self.webs.all[vreg as usize].parent != vreg || self.values.all[vreg as usize].ranges.is_empty()
            {
                continue;
            }
            if self.webs.all[vreg as usize].next == vreg {
                self.make_single_bundle(vreg);
                continue;
            }
            let ranges = self.webs.flatten(&mut self.ranges, vreg);
            let number = self.bundles.len() as u32;
            let start = self.members.len() as u32;
            let mut cost = 0.0;
            let mut has_hints = false;
            let mut has_fixed = false;
            let mut at = vreg;
            loop {
                let value = &mut self.values.all[at as usize];
                value.bundle = number;
                cost += value.cost;
                has_hints |= value.copies != END;
                has_fixed |= value.has_fixed;
                self.members.push(at);
                at = self.webs.all[at as usize].next;
                if at == vreg {
                    break;
                }
            }
            let members = Span { start, end: self.members.len() as u32 };
            let class = self.values.all[vreg as usize].class;
            let bundle = Bundle::new(ranges, members, class, cost, has_hints, has_fixed);
            self.pieces.add_whole(&bundle, ranges.of(&self.ranges));
            self.bundles.push(bundle);
        }
    }

    /// Makes the bundle of a value that is alone in its web.
    #[inline]
    fn make_single_bundle(&mut self, vreg: u32) {
        let value = &mut self.values.all[vreg as usize];
        value.bundle = self.bundles.len() as u32;
        let start = self.members.len() as u32;
        let members = Span { start, end: start + 1 };
        let has_hints = value.copies != END;
        let bundle = Bundle::new(value.ranges, members, value.class, value.cost, has_hints, value.has_fixed);
        self.members.push(vreg);
        self.pieces.add_whole(&bundle, bundle.ranges.of(&self.ranges));
        self.bundles.push(bundle);
    }
}

impl Webs {
    /// Sorts the pairs by weight, the heaviest first, those alike in the order they were found in.
    fn sort_pairs(&mut self) {
        const STEPS: u32 = 3;
        const BUCKETS: usize = 512;
        /// So few are sorted faster by comparing them.
        const FEW: usize = 64;
        /// Less than any weight.
        const LEAST: f32 = 1.0 / 128.0;
        let bucket = |weight: f32| {
            let key = (weight.to_bits() >> (23 - STEPS)).saturating_sub(LEAST.to_bits() >> (23 - STEPS));
            BUCKETS - 1 - (key as usize).min(BUCKETS - 1)
        };
        if self.pairs.len() <= FEW {
            let pairs = &self.pairs;
            self.sorted.clear();
            self.sorted.extend(0..pairs.len() as u32);
            return self.sorted.sort_by_key(|&pair| bucket(pairs[pair as usize].weight));
        }
        let mut starts = [0u32; BUCKETS + 1];
        for pair in &self.pairs {
            starts[bucket(pair.weight) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        self.sorted.clear();
        self.sorted.resize(self.pairs.len(), 0);
        for (number, pair) in self.pairs.iter().enumerate() {
            let start = &mut starts[bucket(pair.weight)];
            self.sorted[*start as usize] = number as u32;
            *start += 1;
        }
    }

    /// The member that stands for the web of a value.
    fn find(&mut self, mut vreg: u32) -> u32 {
        loop {
            let parent = self.all[vreg as usize].parent;
            if parent == vreg {
                return vreg;
            }
            let above = self.all[parent as usize].parent;
            self.all[vreg as usize].parent = above;
            vreg = above;
        }
    }

    /// Merges the webs of two values unless they are live at once.
    #[inline]
    fn try_merge(&mut self, ranges: &mut Vec<Range>, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        let (web, other) = (self.all[a as usize], self.all[b as usize]);
        if web.refused == b || other.refused == a {
            return;
        }
        match (web.run.of(ranges), other.run.of(ranges)) {
            ([], _) | (_, []) => {}
            (&[one], &[two]) if one.to == two.from || two.to == one.from => {
                // As it is with tied operands, mostly.
                let run = Span { start: ranges.len() as u32, end: ranges.len() as u32 + 1 };
                ranges.push(Range { from: one.from.min(two.from), to: one.to.max(two.to) });
                self.join(a, b);
                self.all[a as usize].run = run;
            }
            _ => self.merge_long(ranges, a, b),
        }
    }

    /// Adds the members of the web of `small` to that of `big`.
    fn join(&mut self, big: u32, small: u32) {
        self.all[small as usize].parent = big;
        let next = self.all[small as usize].next;
        self.all[small as usize].next = std::mem::replace(&mut self.all[big as usize].next, next);
    }

    /// Merges two webs, whatever their ranges, unless they are live at once.
    #[inline(never)]
    fn merge_long(&mut self, ranges: &mut Vec<Range>, a: u32, b: u32) {
        if self.meet(ranges, a, b) {
            self.all[a as usize].refused = b;
            self.all[b as usize].refused = a;
            return;
        }
        // The one with more ranges stands for both.
        let lengths = [a, b].map(|web| self.all[web as usize].run.len());
        let (big, small) = if lengths[0] >= lengths[1] { (a, b) } else { (b, a) };
        self.join(big, small);
        self.merge_runs(ranges, big, small);
    }

    /// Whether two webs are live at once.
    fn meet(&mut self, ranges: &[Range], a: u32, b: u32) -> bool {
        let (mut run, mut more) = (self.all[a as usize].run, self.all[a as usize].more);
        loop {
            let (mut other, mut others) = (self.all[b as usize].run, self.all[b as usize].more);
            loop {
                if overlap(run.of(ranges), other.of(ranges)) {
                    return true;
                }
                let Some(&next) = self.runs.get(others as usize) else { break };
                (other, others) = next;
            }
            let Some(&next) = self.runs.get(more as usize) else { return false };
            (run, more) = next;
        }
    }

    /// Puts the runs of `small` to those of `big`.
    fn merge_runs(&mut self, ranges: &mut Vec<Range>, big: u32, small: u32) {
        let (web, other) = (self.all[big as usize], self.all[small as usize]);
        if web.more == END && other.more == END && web.run.len() <= 2 * other.run.len() {
            self.all[big as usize].run = merge(ranges, web.run, other.run);
            return;
        }
        self.scratch.clear();
        for web in [web, other] {
            self.scratch.push(web.run);
            let mut more = web.more;
            while let Some(&(run, next)) = self.runs.get(more as usize) {
                self.scratch.push(run);
                more = next;
            }
        }
        // From the shortest on, each is merged with the next unless that is much longer.
        self.scratch.sort_unstable_by_key(|run| run.len());
        let mut list = END;
        let mut current = self.scratch[0];
        for &run in &self.scratch[1..] {
            if run.len() <= 2 * current.len() {
                current = merge(ranges, run, current);
            } else {
                self.runs.push((current, list));
                list = self.runs.len() as u32 - 1;
                current = run;
            }
        }
        self.all[big as usize].run = current;
        self.all[big as usize].more = list;
    }

    /// Merges all runs of a web.
    fn flatten(&mut self, ranges: &mut Vec<Range>, vreg: u32) -> Span {
        let web = self.all[vreg as usize];
        if web.more == END {
            return web.run;
        }
        self.scratch.clear();
        self.scratch.push(web.run);
        let mut more = web.more;
        while let Some(&(run, next)) = self.runs.get(more as usize) {
            self.scratch.push(run);
            more = next;
        }
        let mut current = self.scratch.pop().expect("it has runs");
        while let Some(run) = self.scratch.pop() {
            current = merge(ranges, run, current);
        }
        current
    }
}

/// Whether sorted ranges of two lists overlap.
fn overlap(a: &[Range], b: &[Range]) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let (Some(first), Some(last)) = (short.first(), short.last()) else { return false };
    if long[long.len() - 1].to <= first.from || last.to <= long[0].from {
        return false;
    }
    if long.len() > 8 * short.len() {
        let mut rest = long;
        return short.iter().any(|range| {
            rest = &rest[rest.partition_point(|other| other.to <= range.from)..];
            rest.first().is_some_and(|other| other.from < range.to)
        });
    }
    let (mut i, mut j) = (0, 0);
    while i < long.len() && j < short.len() {
        let (a, b) = (long[i], short[j]);
        if a.to <= b.from {
            i += 1;
        } else if b.to <= a.from {
            j += 1;
        } else {
            return true;
        }
    }
    false
}

/// Appends the ranges of two sorted slices that do not overlap, in order and joined where one ends and the
/// next begins.
fn merge(ranges: &mut Vec<Range>, a: Span, b: Span) -> Span {
    let start = ranges.len();
    ranges.reserve((a.len() + b.len()) as usize);
    let (mut next, mut other) = if a.of(ranges)[0].from < b.of(ranges)[0].from { (a, b) } else { (b, a) };
    while !other.is_empty() {
        let end = ranges[other.start as usize].from;
        let count = next.of(ranges).iter().take_while(|range| range.from < end).count() as u32;
        append(ranges, start, Span { start: next.start, end: next.start + count });
        next.start += count;
        std::mem::swap(&mut next, &mut other);
    }
    append(ranges, start, next);
    Span { start: start as u32, end: ranges.len() as u32 }
}

/// Appends ranges to those from `start` on, joined with the last of these if they touch.
#[inline]
fn append(ranges: &mut Vec<Range>, start: usize, mut part: Span) {
    let first = ranges[part.start as usize];
    if let Some(last) = ranges[start..].last_mut()
        && last.to == first.from
    {
        last.to = first.to;
        part.start += 1;
    }
    ranges.extend_from_within(part.start as usize..part.end as usize);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(bounds: &[(u32, u32)]) -> Vec<Range> {
        bounds.iter().map(|&(from, to)| Range { from, to }).collect()
    }

    #[test]
    fn ranges_that_touch_do_not_overlap() {
        assert!(!overlap(&list(&[(0, 4), (8, 10)]), &list(&[(4, 8), (10, 11)])));
        assert!(overlap(&list(&[(0, 4), (8, 10)]), &list(&[(4, 9)])));
        let long: Vec<Range> = (0..100).map(|at| Range { from: 10 * at, to: 10 * at + 5 }).collect();
        assert!(!overlap(&long, &list(&[(15, 20), (995, 1000)])));
        assert!(overlap(&long, &list(&[(15, 20), (994, 1000)])));
    }

    #[test]
    fn merged_ranges_are_sorted_and_joined() {
        let mut pool = list(&[(0, 4), (8, 10), (4, 6), (12, 13)]);
        let merged = merge(&mut pool, Span { start: 0, end: 2 }, Span { start: 2, end: 4 });
        assert_eq!(merged.of(&pool), list(&[(0, 6), (8, 10), (12, 13)]));
    }

    /// Of three pairs of two values that exclude each other, the heaviest decides.
    #[test]
    fn heavy_pairs_come_first() {
        let tie = |from, to, weight| Tie { from, to, weight };
        let mut webs =
            Webs { pairs: vec![tie(0, 1, 8.0), tie(0, 2, 64.0), tie(1, 2, 8.0)], ..Webs::default() };
        webs.sort_pairs();
        assert_eq!(webs.sorted, [1, 0, 2]);
    }
}
