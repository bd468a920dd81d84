//! Sets of blocks.

/// A set of block numbers: a bit for each, and one for each word of these, so that long gaps are skipped.
#[derive(Debug, Default)]
pub(super) struct BlockSet {
    words: Vec<u64>,
    filled: Vec<u64>,
}

const BITS: u32 = u64::BITS;

impl BlockSet {
    /// Makes an empty set for numbers below `count`.
    pub(super) fn reset(&mut self, count: usize) {
        let count = count / BITS as usize + 1;
        self.words.clear();
        self.words.resize(count, 0);
        self.filled.clear();
        self.filled.resize(count.div_ceil(BITS as usize), 0);
    }

    #[inline]
    pub(super) fn insert(&mut self, block: u32) {
        let word = block / BITS;
        self.words[word as usize] |= 1 << (block % BITS);
        self.filled[(word / BITS) as usize] |= 1 << (word % BITS);
    }

    #[inline]
    pub(super) fn remove(&mut self, block: u32) {
        let word = block / BITS;
        self.words[word as usize] &= !(1 << (block % BITS));
        if self.words[word as usize] == 0 {
            self.filled[(word / BITS) as usize] &= !(1 << (word % BITS));
        }
    }

    /// The last member before `block`.
    #[inline]
    pub(super) fn last_before(&self, block: u32) -> Option<u32> {
        let last = |word: u32, bits: u64| word * BITS + bits.ilog2();
        let below = |bits: u64, count: u32| bits & !(u64::MAX << (count % BITS));
        let word = block / BITS;
        let bits = below(self.words[word as usize], block);
        if bits != 0 {
            return Some(last(word, bits));
        }
        let mut at = (word / BITS) as usize;
        let mut filled = below(self.filled[at], word);
        while filled == 0 {
            at = at.checked_sub(1)?;
            filled = self.filled[at];
        }
        let word = last(at as u32, filled);
        Some(last(word, self.words[word as usize]))
    }

    /// Removes all members, calling `f` with each, in order.
    pub(super) fn drain(&mut self, mut f: impl FnMut(u32)) {
        for (at, filled) in self.filled.iter_mut().enumerate() {
            while *filled != 0 {
                let word = at as u32 * BITS + filled.trailing_zeros();
                *filled &= *filled - 1;
                let mut bits = std::mem::take(&mut self.words[word as usize]);
                while bits != 0 {
                    f(word * BITS + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_across_words_and_words_of_words() {
        let mut set = BlockSet::default();
        set.reset(64 * 64 * 3);
        let members = [0, 5, 63, 64, 4095, 4096, 12_287];
        members.into_iter().for_each(|block| set.insert(block));
        let mut bound = 64 * 64 * 3;
        for block in members.into_iter().rev() {
            assert_eq!(set.last_before(bound), Some(block));
            bound = block;
        }
        assert_eq!(set.last_before(0), None);
        set.remove(4095);
        assert_eq!(set.last_before(4096), Some(64));
        let mut left = Vec::new();
        set.drain(|block| left.push(block));
        assert_eq!(left, [0, 5, 63, 64, 4096, 12_287]);
        assert_eq!(set.last_before(12_288), None);
    }
}
