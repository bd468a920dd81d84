//! Which registers are taken at each position: the interference test.
//!
//! One bit for each register and position, with two summaries for each chunk of positions, and summaries of
//! summaries, so that asking about a range costs a pass over its ends on each level, and taking it one word
//! for each chunk between.
//!
//! Invariants: a register is busy at `p` if its bit is set in `words[p]` or in `full[p / CHUNK]`; `sums[0]`
//! has at least the bits that are set anywhere in a chunk, each other level those of [`STRETCH`] words of the
//! one below.

use super::positions::{Pos, Range};

const CHUNK: u32 = 32;

/// How many words of a level have one in the next.
const STRETCH: usize = 32;

/// The busy registers of one class.
#[derive(Debug, Default)]
pub(super) struct Busy {
    words: Vec<u32>,
    /// What is reserved, by position.
    reserved: Vec<u32>,
    full: Vec<u32>,
    /// By level; the last one has [`STRETCH`] words at most. Vectors behind the last level are spare.
    sums: Vec<Vec<u32>>,
    levels: usize,
}

/// So many words are combined at once. In slices of at least as many, the last ones overlap those before,
/// so that no single words are left over.
const LANES: usize = 8;

#[inline]
fn union(words: &[u32]) -> u32 {
    let Some(last) = words.last_chunk::<LANES>() else {
        return words.iter().fold(0, |union, word| union | word);
    };
    let mut lanes = *last;
    for chunk in words.as_chunks::<LANES>().0 {
        lanes.iter_mut().zip(chunk).for_each(|(lane, word)| *lane |= word);
    }
    lanes.iter().fold(0, |union, word| union | word)
}

#[inline]
fn add(words: &mut [u32], bit: u32) {
    if let Some(last) = words.last_chunk_mut::<LANES>() {
        last.iter_mut().for_each(|word| *word |= bit);
        let chunks = words.as_chunks_mut::<LANES>().0;
        return chunks.iter_mut().flatten().for_each(|word| *word |= bit);
    }
    words.iter_mut().for_each(|word| *word |= bit);
}

impl Busy {
    /// Makes all registers free at `positions` positions.
    pub(super) fn reset(&mut self, positions: u32) {
        let chunks = positions.div_ceil(CHUNK) as usize;
        self.words.clear();
        self.words.resize(chunks * CHUNK as usize, 0);
        self.full.clear();
        self.full.resize(chunks, 0);
    }

    /// Takes registers at a position before [`Busy::summarise`].
    #[inline]
    pub(super) fn reserve(&mut self, pos: Pos, mask: u32) {
        self.words[pos as usize] |= mask;
    }

    /// Ends the reservations: from here on the summaries are kept up to date.
    pub(super) fn summarise(&mut self) {
        self.reserved.clear();
        self.reserved.extend_from_slice(&self.words);
        self.levels = 0;
        loop {
            if self.levels == self.sums.len() {
                self.sums.push(Vec::new());
            }
            let (below, rest) = self.sums.split_at_mut(self.levels);
            let sums = &mut rest[0];
            sums.clear();
            match below.last() {
                None => sums.extend(self.words.chunks_exact(CHUNK as usize).map(union)),
                Some(below) => sums.extend(below.chunks(STRETCH).map(union)),
            }
            self.levels += 1;
            if sums.len() <= STRETCH {
                break;
            }
        }
    }

    /// The registers that are busy at a position.
    #[inline]
    pub(super) fn at(&self, pos: Pos) -> u32 {
        self.words[pos as usize] | self.full[(pos / CHUNK) as usize]
    }

    /// The registers that are busy anywhere in a range that is not empty.
    #[inline]
    pub(super) fn within(&self, range: Range) -> u32 {
        let (first, last) = ((range.from / CHUNK) as usize, ((range.to - 1) / CHUNK) as usize);
        if first == last {
            return union(&self.words[range.from as usize..range.to as usize]) | self.full[first];
        }
        self.within_chunks(range, first, last)
    }

    #[inline(never)]
    fn within_chunks(&self, range: Range, first: usize, last: usize) -> u32 {
        let (from, to) = (range.from as usize, range.to as usize);
        let (head, tail) = ((first + 1) * CHUNK as usize, last * CHUNK as usize);
        union(&self.words[from..head])
            | self.full[first]
            | self.within_sums(0, first + 1, last)
            | union(&self.words[tail..to])
            | self.full[last]
    }

    /// The union of a level's words from `first` up to `end`.
    fn within_sums(&self, level: usize, first: usize, end: usize) -> u32 {
        let sums = &self.sums[level];
        let (from, to) = (first.div_ceil(STRETCH), end / STRETCH);
        if from >= to || level + 1 == self.levels {
            return union(&sums[first..end]);
        }
        union(&sums[first..from * STRETCH])
            | self.within_sums(level + 1, from, to)
            | union(&sums[to * STRETCH..end])
    }

    /// Takes a register over a range that is not empty.
    #[inline]
    pub(super) fn mark(&mut self, range: Range, bit: u32) {
        let (first, last) = ((range.from / CHUNK) as usize, ((range.to - 1) / CHUNK) as usize);
        if first == last {
            self.mark_sums(first, last, bit);
            return add(&mut self.words[range.from as usize..range.to as usize], bit);
        }
        self.mark_chunks(range, first, last, bit);
    }

    #[inline(never)]
    fn mark_chunks(&mut self, range: Range, first: usize, last: usize, bit: u32) {
        let (from, to) = (range.from as usize, range.to as usize);
        self.mark_sums(first, last, bit);
        let (head, tail) = ((first + 1) * CHUNK as usize, last * CHUNK as usize);
        add(&mut self.words[from..head], bit);
        add(&mut self.full[first + 1..last], bit);
        add(&mut self.words[tail..to], bit);
    }

    #[inline]
    fn mark_sums(&mut self, mut first: usize, mut last: usize, bit: u32) {
        for sums in &mut self.sums[..self.levels] {
            add(&mut sums[first..=last], bit);
            (first, last) = (first / STRETCH, last / STRETCH);
        }
    }

    /// Gives a register back over a range over which it was taken; reservations stay.
    pub(super) fn unmark(&mut self, range: Range, bit: u32) {
        let (first, last) = (range.from / CHUNK, (range.to - 1) / CHUNK);
        for chunk in first..=last {
            let (from, to) = (chunk * CHUNK, (chunk + 1) * CHUNK);
            if self.full[chunk as usize] & bit != 0 {
                self.full[chunk as usize] &= !bit;
                add(&mut self.words[from as usize..to as usize], bit);
            }
            let part = range.clip(from, to);
            for pos in part.from as usize..part.to as usize {
                self.words[pos] = self.words[pos] & !bit | self.reserved[pos] & bit;
            }
        }
        self.sum_up(first as usize, last as usize);
    }

    /// Makes the summaries of the chunks from `first` to `last` anew.
    fn sum_up(&mut self, mut first: usize, mut last: usize) {
        for chunk in first..=last {
            let from = chunk * CHUNK as usize;
            self.sums[0][chunk] = union(&self.words[from..from + CHUNK as usize]) | self.full[chunk];
        }
        for level in 1..self.levels {
            (first, last) = (first / STRETCH, last / STRETCH);
            let (below, rest) = self.sums.split_at_mut(level);
            let below = &below[level - 1];
            for at in first..=last {
                let end = below.len().min((at + 1) * STRETCH);
                rest[0][at] = union(&below[at * STRETCH..end]);
            }
        }
    }

    /// Whether a register is reserved at a position.
    pub(super) fn is_reserved(&self, pos: Pos, bit: u32) -> bool {
        self.reserved[pos as usize] & bit != 0
    }

    /// Lifts a reservation until it is made anew by [`Busy::mark`].
    pub(super) fn lift(&mut self, pos: Pos, bit: u32) {
        self.words[pos as usize] &= !bit;
        let chunk = (pos / CHUNK) as usize;
        self.sum_up(chunk, chunk);
    }

    /// The end of the longest stretch of positions from `pos` on that has a summary, ends at `limit` at most,
    /// and leaves any register of `free`; and that summary.
    #[inline]
    fn next_free(&self, pos: Pos, limit: Pos, free: u32) -> Option<(Pos, u32)> {
        let (at, length) = (pos as usize, (limit - pos) as usize);
        let (mut size, mut found) = (CHUNK as usize, None);
        for sums in &self.sums[..self.levels] {
            if !at.is_multiple_of(size) || length < size {
                break;
            }
            let busy = sums[at / size];
            if free & !busy == 0 {
                break;
            }
            found = Some(((at + size) as Pos, busy));
            size *= STRETCH;
        }
        found
    }

    /// How far into sorted, non-empty `ranges` any one register of `free` stays free: the registers that stay
    /// free longest and the first position where none is, if there is such a position.
    pub(super) fn free_prefix(
        &self,
        ranges: impl Iterator<Item = Range>,
        mut free: u32,
    ) -> (u32, Option<Pos>) {
        for range in ranges {
            let mut pos = range.from;
            while pos < range.to {
                if let Some((end, busy)) = self.next_free(pos, range.to, free) {
                    free &= !busy;
                    pos = end;
                    continue;
                }
                let chunk = (pos / CHUNK) as usize;
                let end = range.to.min((pos / CHUNK + 1) * CHUNK);
                let full = self.full[chunk];
                let busy = union(&self.words[pos as usize..end as usize]) | full;
                if free & !busy != 0 {
                    free &= !busy;
                    pos = end;
                    continue;
                }
                for at in pos..end {
                    let rest = free & !(self.words[at as usize] | full);
                    if rest == 0 {
                        return (free, Some(at));
                    }
                    free = rest;
                }
                pos = end;
            }
        }
        (free, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(from: Pos, to: Pos) -> Range {
        Range { from, to }
    }

    fn busy(marks: &[(Range, u32)]) -> Busy {
        let mut busy = Busy::default();
        busy.reset(200);
        busy.reserve(70, 8);
        busy.summarise();
        marks.iter().for_each(|&(range, bit)| busy.mark(range, bit));
        busy
    }

    #[test]
    fn a_range_asks_for_what_is_taken_in_it() {
        let busy = busy(&[(range(3, 150), 1), (range(150, 160), 2)]);
        assert_eq!(busy.within(range(0, 3)), 0);
        assert_eq!(busy.within(range(2, 4)), 1);
        assert_eq!(busy.within(range(40, 64)), 1);
        assert_eq!(busy.within(range(40, 120)), 9);
        assert_eq!(busy.within(range(149, 151)), 3);
        assert_eq!(busy.within(range(160, 200)), 0);
        assert_eq!(busy.at(70), 9);
    }

    #[test]
    fn what_is_given_back_is_free_again() {
        let mut busy = busy(&[(range(3, 150), 1), (range(3, 150), 4)]);
        busy.unmark(range(3, 150), 1);
        assert_eq!(busy.within(range(0, 200)), 12);
        assert_eq!(busy.within(range(64, 69)), 4);
        busy.mark(range(60, 80), 8);
        busy.unmark(range(60, 80), 8);
        assert_eq!((busy.at(69), busy.at(70), busy.at(71)), (4, 12, 4));
        busy.unmark(range(40, 50), 4);
        assert_eq!((busy.at(39), busy.at(40), busy.at(49), busy.at(50)), (4, 0, 0, 4));
    }

    #[test]
    fn the_longest_free_prefix_ends_where_the_last_register_is_taken() {
        let busy = busy(&[(range(10, 20), 1), (range(100, 101), 2)]);
        assert_eq!(busy.free_prefix([range(0, 200)].into_iter(), 3), (2, Some(100)));
        assert_eq!(busy.free_prefix([range(0, 50), range(110, 200)].into_iter(), 3), (2, None));
        assert_eq!(busy.free_prefix([range(12, 13)].into_iter(), 1), (1, Some(12)));
    }
}
