//! The source positions of a function's instructions, for debug information.
//!
//! With debug information, instruction n of a stencil has the source location n, wherever optimisation and
//! layout take it. What n stands for is here, among the function's params: a function that only moved in its
//! file, or got another comment, keeps its stencil and its code. Inlined instructions have higher numbers,
//! which `inlined` explains.

use super::differences::{read, read_signed, write, write_signed};
use super::function::NO_SRCLOC;

/// Positions by number of the instruction in the text. Empty without debug information.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Positions {
    /// For each instruction, how many bytes of text it begins after the previous one, as LEB128 numbers; for
    /// the first, after the function's first byte. Lines are counted when they are needed: they cost more.
    offsets: Vec<u8>,
    /// For each instruction, the difference of its source location (`@1f`) to the previous instruction's, in
    /// the same way with a sign. An instruction that has no location counts as [`NO_SRCLOC`]. Empty if no
    /// instruction has a location.
    locations: Vec<u8>,
    /// The numbers of values in the text, as differences, if those of the stencil are their ranks.
    values: Vec<u8>,
}

impl Positions {
    /// Packs where instructions begin, counted from the function's first byte, and their source locations.
    /// Offsets must not decrease.
    pub fn new(offsets: impl Iterator<Item = u32>, locations: impl Iterator<Item = Option<u32>>) -> Self {
        let mut positions = Positions::default();
        // Few take two bytes.
        positions.offsets.reserve(offsets.size_hint().0 * 5 / 4);
        let mut last = 0;
        for offset in offsets {
            write(&mut positions.offsets, offset.saturating_sub(last));
            last = last.max(offset);
        }
        positions.locations.reserve(locations.size_hint().0 * 5 / 4);
        let mut last = 0u32;
        let mut found = false;
        for location in locations {
            found |= location.is_some();
            let location = location.unwrap_or(NO_SRCLOC);
            write_signed(&mut positions.locations, location, last);
            last = location;
        }
        if !found {
            positions.locations.clear();
        }
        positions
    }

    /// Whether there is no debug information.
    pub(crate) fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Records the numbers that values have in the text, which ascend.
    pub(crate) fn number_values(&mut self, numbers: &[u32]) {
        let mut last = 0;
        for &number in numbers {
            write(&mut self.values, number.saturating_sub(last));
            last = number;
        }
    }

    /// Positions from what [`Positions::bytes`] returned. Other bytes yield wrong or fewer positions.
    pub(crate) fn from_bytes([offsets, locations, values]: [Vec<u8>; 3]) -> Self {
        Positions { offsets, locations, values }
    }

    /// The packed offsets, locations and numbers of values.
    pub(crate) fn bytes(&self) -> [&[u8]; 3] {
        [&self.offsets, &self.locations, &self.values]
    }

    /// The numbers of values in the text, if those of the stencil are their ranks; otherwise nothing.
    pub fn values(&self) -> impl Iterator<Item = u32> {
        let mut bytes = self.values.iter();
        let mut number = 0u32;
        std::iter::from_fn(move || {
            number = number.wrapping_add(read(&mut bytes)?);
            Some(number)
        })
    }

    /// Where instructions begin, counted from the function's first byte.
    pub fn offsets(&self) -> impl Iterator<Item = u32> {
        let mut bytes = self.offsets.iter();
        let mut offset = 0u32;
        std::iter::from_fn(move || {
            offset = offset.wrapping_add(read(&mut bytes)?);
            Some(offset)
        })
    }

    /// The source locations of instructions; [`NO_SRCLOC`] for those that have none.
    pub fn locations(&self) -> impl Iterator<Item = u32> {
        let mut bytes = self.locations.iter();
        let mut location = 0u32;
        std::iter::from_fn(move || {
            location = read_signed(&mut bytes, location)?;
            Some(location)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let (offsets, locations) =
            ([0, 1, 1, 300, 70_000], [Some(7), None, Some(0), Some(u32::MAX - 1), Some(8)]);
        let positions = Positions::new(offsets.into_iter(), locations.into_iter());
        assert_eq!(positions.offsets().collect::<Vec<_>>(), offsets);
        let read = positions.locations().map(|location| Some(location).filter(|l| *l != NO_SRCLOC));
        assert_eq!(read.collect::<Vec<_>>(), locations);
        assert_eq!(Positions::from_bytes(positions.bytes().map(<[u8]>::to_vec)), positions);
    }

    #[test]
    fn functions_without_locations_store_none() {
        let positions = Positions::new([1, 2].into_iter(), [None, None].into_iter());
        assert_eq!(positions.locations().next(), None);
        assert_eq!(positions.offsets().count(), 2);
    }

    #[test]
    fn any_bytes_can_be_read() {
        for bytes in [&[0x80; 40][..], &[0xff; 7], &[1], &[1, 0x80]] {
            let positions = Positions::from_bytes([bytes.to_vec(), bytes.to_vec(), bytes.to_vec()]);
            assert!(positions.values().count() <= bytes.len());
            assert!(
                positions.offsets().count() <= bytes.len() && positions.locations().count() <= bytes.len()
            );
        }
    }
}
