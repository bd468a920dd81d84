//! Positions in a function, and ranges of them.
//!
//! Instruction `i` has three positions: the gap before it (`3i`), where moves happen; its early half
//! (`3i + 1`), where it reads; and its late half (`3i + 2`), where it writes.

/// A position.
pub(super) type Pos = u32;

/// No position.
pub(super) const NOWHERE: Pos = Pos::MAX;

/// The gap before an instruction.
#[inline]
pub(super) const fn gap(inst: u32) -> Pos {
    3 * inst
}

/// The half in which an instruction reads.
#[inline]
pub(super) const fn early(inst: u32) -> Pos {
    3 * inst + 1
}

/// The half in which an instruction writes.
#[inline]
pub(super) const fn late(inst: u32) -> Pos {
    3 * inst + 2
}

/// The instruction that a position belongs to.
#[inline]
pub(super) const fn inst_of(pos: Pos) -> u32 {
    pos / 3
}

/// A half-open range of positions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub(super) from: Pos,
    pub(super) to: Pos,
}

impl Range {
    /// The part of the range within `[lo, hi)`; it may be empty.
    #[inline]
    pub(super) fn clip(self, lo: Pos, hi: Pos) -> Range {
        Range { from: self.from.max(lo), to: self.to.min(hi) }
    }
}

/// The part of sorted `ranges` that lies in `[lo, hi)`.
#[inline]
pub(super) fn clipped(ranges: &[Range], lo: Pos, hi: Pos) -> impl Iterator<Item = Range> + '_ {
    let first = match ranges {
        [first, ..] if first.to > lo => 0,
        _ => ranges.partition_point(|range| range.to <= lo),
    };
    ranges[first..].iter().take_while(move |range| range.from < hi).map(move |range| range.clip(lo, hi))
}

/// Whether sorted `ranges` contain `pos`.
#[inline]
pub(super) fn covers(ranges: &[Range], pos: Pos) -> bool {
    let at = ranges.partition_point(|range| range.to <= pos);
    ranges.get(at).is_some_and(|range| range.from <= pos)
}
