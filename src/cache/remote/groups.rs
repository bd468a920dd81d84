//! Groups: runs of consecutive functions that share a pack.
//!
//! A group ends where the head of a function says so, whatever came before. So an edit changes the group that
//! it is in, and at most its neighbours, and files of about the same length that have runs of functions in
//! common have groups in common. The larger a file, the larger its groups: each is a request, and of more
//! requests than a client has under way at a time, some wait for others.

use std::ops::Range;

/// The average number of functions in a group, at least and at most: powers of two.
const SIZES: Range<usize> = 32..128;
/// The number of groups that a file is divided into, within the limits of their sizes.
const GROUPS: usize = 32;
/// The most functions of a group, in terms of the average.
const MOST: usize = 4;
/// Number of bytes at the beginning of a function that decide whether it ends a group.
const HEAD: usize = 128;

/// Divides functions, given their texts, into groups.
pub fn divide<'a>(texts: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<Range<usize>> {
    let count = texts.len();
    let usual = (count / GROUPS).next_power_of_two().clamp(SIZES.start, SIZES.end);
    let mut groups = Vec::new();
    let mut start = 0;
    for (at, text) in texts.enumerate() {
        let end = at + 1;
        let mark = crc32fast::hash(&text[..text.len().min(HEAD)]) as usize;
        if mark.is_multiple_of(usual) || end - start == MOST * usual || end == count {
            groups.push(start..end);
            start = end;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(numbers: impl Iterator<Item = usize>) -> Vec<String> {
        numbers.map(|number| format!("function u0:{number}(i32) -> i32 {{\nblock0(v0: i32):\n")).collect()
    }

    fn divided(texts: &[String]) -> Vec<Range<usize>> {
        divide(texts.iter().map(String::as_bytes))
    }

    #[test]
    fn groups_cover_all_functions() {
        for count in [0, 1, 2, 1000, 10_000] {
            let groups = divided(&texts(0..count));
            assert!(groups.iter().all(|group| !group.is_empty() && group.len() <= MOST * SIZES.end));
            assert_eq!(groups.iter().map(Range::len).sum::<usize>(), count);
            assert!(groups.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
        let same = vec!["function %f() {}".to_string(); 1000];
        assert_eq!(divided(&same).len(), 1000usize.div_ceil(MOST * SIZES.start));
    }

    #[test]
    fn large_files_have_few_groups() {
        let groups = divided(&texts(0..4000)).len();
        assert!((16..=64).contains(&groups), "{groups} groups");
    }

    #[test]
    fn an_edit_changes_few_groups() {
        let before = texts(0..2000);
        let with = |texts: &[String]| -> Vec<Vec<String>> {
            divided(texts).into_iter().map(|group| texts[group].to_vec()).collect()
        };
        let known = with(&before);
        for edited in 0..100 {
            let mut after = before.clone();
            after[edited * 20] = texts(edited + 10_000..edited + 10_001).remove(0);
            after.insert(edited, texts(edited + 20_000..edited + 20_001).remove(0));
            let new = with(&after).iter().filter(|group| !known.contains(group)).count();
            assert!(new <= 4, "{new} groups are new");
        }
    }
}
