//! Groups: runs of consecutive functions that share a pack.
//!
//! A group ends where the digest of a function says so, whatever came before. So an edit changes the group
//! that it is in, and at most its neighbours, and files that have runs of functions in common have groups in
//! common.

use crate::cache::key::Key;
use std::ops::Range;

/// On average one function of so many ends a group: a power of two.
const USUAL: u8 = 32;
/// The most functions of a group.
const MOST: usize = 4 * USUAL as usize;

/// Divides functions, given the digests of their texts, into groups.
pub fn divide(digests: &[Key]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    for (at, digest) in digests.iter().enumerate() {
        let end = at + 1;
        if digest.0[0] % USUAL == 0 || end - start == MOST || end == digests.len() {
            groups.push(start..end);
            start = end;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn digests(numbers: impl Iterator<Item = u32>) -> Vec<Key> {
        numbers.map(|number| Key(Sha256::digest(number.to_le_bytes()).into())).collect()
    }

    #[test]
    fn groups_cover_all_functions() {
        for count in [0, 1, 2, 1000] {
            let groups = divide(&digests(0..count));
            assert!(groups.iter().all(|group| !group.is_empty() && group.len() <= MOST));
            assert_eq!(groups.iter().map(Range::len).sum::<usize>(), count as usize);
            assert!(groups.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
        let same = vec![Key([1; 32]); 1000];
        assert_eq!(divide(&same).len(), 1000usize.div_ceil(MOST));
    }

    #[test]
    fn an_edit_changes_few_groups() {
        let before = digests(0..2000);
        let with = |digests: &[Key]| -> Vec<Vec<Key>> {
            divide(digests).into_iter().map(|group| digests[group].to_vec()).collect()
        };
        let known = with(&before);
        for edited in 0..100 {
            let mut after = before.clone();
            after[edited * 20] = digests(edited as u32 + 10_000..edited as u32 + 10_001)[0];
            after.insert(edited, digests(edited as u32 + 20_000..edited as u32 + 20_001)[0]);
            let new = with(&after).iter().filter(|group| !known.contains(group)).count();
            assert!(new <= 4, "{new} groups are new");
        }
    }
}
