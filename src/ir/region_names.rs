//! Descriptions of alias regions, which are for readers of the text. Functions of some front ends have
//! dozens, so all are in one text.

use super::Region;
use crate::entity::{Map, Span};

/// The descriptions of a function's alias regions.
#[derive(Clone, Debug, Default)]
pub struct RegionNames {
    text: String,
    /// The part of `text` that describes each region.
    parts: Map<Region, Span>,
}

impl RegionNames {
    /// Removes all descriptions, keeping the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.parts.clear();
    }

    /// Sets the description of a region.
    pub fn set(&mut self, region: Region, description: &str) {
        if self.parts.is_empty() {
            // Most functions that have any have some.
            self.text.reserve(256);
            self.parts.reserve(16);
        }
        let start = self.text.len() as u32;
        self.text.push_str(description);
        self.parts.ensure(region, Span::default());
        self.parts[region] = Span::from(start, self.text.len());
    }

    /// The description of a region; empty if it has none.
    pub fn get(&self, region: Region) -> &str {
        let part = self.parts.get(region).copied().unwrap_or_default();
        &self.text[part.start as usize..part.end as usize]
    }
}

impl PartialEq for RegionNames {
    /// Whether all descriptions are the same, in whatever order they were set.
    fn eq(&self, other: &Self) -> bool {
        let same = |region| self.get(region) == other.get(region);
        self.parts.keys().chain(other.parts.keys()).all(same)
    }
}

impl Eq for RegionNames {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_does_not_matter() {
        let (mut names, mut others) = (RegionNames::default(), RegionNames::default());
        names.set(Region(2), "heap");
        names.set(Region(0), "table");
        assert_ne!(names, others);
        others.set(Region(0), "table");
        others.set(Region(2), "heap");
        assert_eq!(names, others);
        assert_eq!([0, 1, 2, 3].map(|n| names.get(Region(n))), ["table", "", "heap", ""]);
    }
}
