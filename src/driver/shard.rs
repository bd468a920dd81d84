//! Shards: one of several parts of a module, each compiled to an object of its own, perhaps on another
//! machine.
//!
//! A module's functions are divided by the length of their text, in order, so that parts take about the same
//! time and follow each other as in one object. Only the boundaries of functions are looked for, as for
//! compiling in threads; other parts are neither parsed nor verified, except for their functions' names. The
//! first part has the module's data.
//!
//! Invariant: all shards of a module agree on where each definition is and on what it is called, without
//! knowing of each other. Both depend on the module's text and the number of shards only.

use crate::object::{OtherFunction, Part};
use crate::parse::{self, FunctionText, Split};
use highway::{HighwayHash, HighwayHasher, Key};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// Which part of a module to compile: the `number`th of `count`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// Counted from 1.
    number: u32,
    count: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { digits.parse::<u32>().ok() } else { None }
        };
        let parts = text.split_once('/').and_then(|(k, n)| Some((number(k)?, number(n)?)));
        let (number, count) = parts.ok_or("expected K/N, such as 2/7 for the second of seven parts")?;
        match (1..=count).contains(&number) {
            true => Ok(Shard { number, count }),
            false if count == 0 => Err("there is no part of 0 parts".into()),
            false => Err(format!("the parts of {count} are numbered from 1 to {count}")),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl Shard {
    /// Whether the part is the whole module.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// The number of the part, counted from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Leaves this part's functions in `split`, and returns what else the object has to know of the module.
    pub(super) fn take_from(self, split: &mut Split, text: &[u8]) -> Part {
        let own = self.range(&split.functions);
        let mut functions = std::mem::take(&mut split.functions);
        let after = functions.split_off(own.end);
        split.functions = functions.split_off(own.start);
        let others = functions.iter().chain(&after).filter_map(|function| other_function(function, text));
        Part { functions: others.collect(), has_data: self.number == 1, suffix: self.suffix(text) }
    }

    /// The functions of this part: those whose middle is in its share of all text.
    fn range(self, functions: &[FunctionText]) -> Range<usize> {
        let all: u64 = functions.iter().map(|function| function.text.len() as u64).sum();
        // Lengths are counted twice, so that the middle is a whole number.
        let end_of = |number: u32| (u128::from(all) * 2 * u128::from(number)).div_ceil(self.count.into());
        let (mut before, mut ends) = (0u128, [None; 2]);
        for (index, function) in functions.iter().enumerate() {
            let length = function.text.len() as u128;
            for (end, number) in ends.iter_mut().zip([self.number - 1, self.number]) {
                if end.is_none() && before * 2 + length >= end_of(number) && number < self.count {
                    *end = Some(index);
                }
            }
            before += length;
        }
        let [start, end] = ends.map(|end| end.unwrap_or(functions.len()));
        start..end
    }

    /// What is appended to the names of the module's local definitions. It begins like the suffixes that
    /// demanglers know. The number of parts is in it, so that parts of different divisions do not link.
    fn suffix(self, text: &[u8]) -> String {
        let mut hasher = HighwayHasher::new(Key::default());
        hasher.append(text);
        hasher.append(&self.count.to_le_bytes());
        format!(".clifc.{}", hasher.finalize64())
    }
}

/// Reads the name of another part's function. One without a valid name is reported by its own part.
fn other_function(function: &FunctionText, text: &[u8]) -> Option<OtherFunction> {
    let offset = function.text.start;
    let name = parse::function_name(&text[function.text.clone()])?;
    Some(OtherFunction { name, linkage: function.linkage, offset })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Linkage;

    fn split(text: &str) -> Split {
        parse::split(text.as_bytes(), &mut Vec::new())
    }

    fn shards(count: u32) -> impl Iterator<Item = Shard> {
        (1..=count).map(move |number| Shard { number, count })
    }

    #[test]
    fn parts_are_balanced_and_complete() {
        let body = |n: usize| "; x\n".repeat(n * 37 % 50);
        let text: String = (0..200).map(|n| format!("function %f{n}() {{\n{}}}\n", body(n))).collect();
        let functions = split(&text).functions;
        let longest = functions.iter().map(|function| function.text.len()).max().expect("functions");
        let all: usize = functions.iter().map(|function| function.text.len()).sum();
        for count in [1, 2, 3, 7, 50, 200, 1000] {
            let ranges: Vec<_> = shards(count).map(|shard| shard.range(&functions)).collect();
            assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, functions.len()));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{ranges:?}");
            for range in ranges {
                let length: usize = functions[range].iter().map(|function| function.text.len()).sum();
                let share = all / count as usize;
                assert!(length.abs_diff(share) <= longest + 1, "{length} of {share} in {count} parts");
            }
        }
    }

    #[test]
    fn a_module_without_functions_has_empty_parts() {
        for count in [1, 7] {
            assert!(shards(count).all(|shard| shard.range(&[]) == (0..0)));
        }
    }

    #[test]
    fn parts_know_the_names_of_others() {
        let text = "function %a() {}\nlocal function u0:3() {}\n;! weak function\nfunction %\"b c\"() {}";
        let mut rest = split(text);
        let part = "2/3".parse::<Shard>().expect("a part").take_from(&mut rest, text.as_bytes());
        assert_eq!(rest.functions.len(), 1);
        let names = part.functions.iter().map(|other| (other.name.to_string(), other.linkage));
        let names: Vec<_> = names.collect();
        assert_eq!(names, [("%a".into(), Linkage::Export), ("%\"b c\"".into(), Linkage::Weak)]);
        assert!(!part.has_data && part.suffix.starts_with(".clifc."));
        let other = "1/3".parse::<Shard>().expect("a part").take_from(&mut split(text), text.as_bytes());
        assert_eq!(other.suffix, part.suffix);
    }

    #[test]
    fn wrong_parts_are_refused() {
        assert_eq!("7/7".parse::<Shard>().map(|shard| shard.to_string()), Ok("7/7".into()));
        for wrong in
            ["", "/", "1", "0/3", "4/3", "0/0", "1/0", "+1/2", "1/2/3", "1/99999999999", "a/b", " 1/2"]
        {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
