//! Source locations of code.
//!
//! There are nearly as many locations as CLIF instructions, each close to the previous one, and only debug
//! information needs them. They are therefore stored as differences of a byte or two each: a build that finds
//! its functions in the cache passes them on as one block of bytes.

use crate::ir::differences::{read, read_signed, write, write_signed};
use serde::{Deserialize, Serialize};

/// Where the source location of code changes, and to what, in the order of the code.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SrcLocs {
    /// For each change, the wrapping differences of offset and location to the previous change, as LEB128
    /// numbers. That of the location is zigzag-encoded.
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

impl FromIterator<(u32, u32)> for SrcLocs {
    fn from_iter<T: IntoIterator<Item = (u32, u32)>>(locations: T) -> Self {
        let locations = locations.into_iter();
        let mut bytes = Vec::with_capacity(2 * locations.size_hint().0);
        let (mut offset, mut location) = (0, 0);
        for (next_offset, next_location) in locations {
            write(&mut bytes, next_offset.wrapping_sub(offset));
            write_signed(&mut bytes, next_location, location);
            (offset, location) = (next_offset, next_location);
        }
        SrcLocs { bytes }
    }
}

impl SrcLocs {
    /// Iterates over pairs of a byte offset in the code and the location from there on, which is relative to
    /// the function's base or [`NO_SRCLOC`](crate::ir::NO_SRCLOC). Corrupt bytes yield wrong or fewer pairs,
    /// but never panic.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        let mut bytes = self.bytes.iter();
        let (mut offset, mut location) = (0u32, 0u32);
        std::iter::from_fn(move || {
            offset = offset.wrapping_add(read(&mut bytes)?);
            location = read_signed(&mut bytes, location)?;
            Some((offset, location))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let locations = [(0, 0), (3, 1), (4, u32::MAX), (200, 5), (70_000, 1 << 31), (u32::MAX, 7)];
        let packed: SrcLocs = locations.into_iter().collect();
        assert_eq!(packed.iter().collect::<Vec<_>>(), locations);
        assert_eq!(SrcLocs::default().iter().next(), None);
    }

    #[test]
    fn any_bytes_can_be_read() {
        for bytes in [&[0x80; 40][..], &[0xff; 7], &[1], &[1, 0x80]] {
            assert!(SrcLocs { bytes: bytes.to_vec() }.iter().count() <= 4);
        }
    }
}
