//! Shuffles: permutations of bytes whose indices are constant, and the patterns that targets look for in
//! them.
//!
//! A shuffle of one vector is one whose operands are the same and whose indices are below 16, however the
//! text says it.

use super::context::{Lower, Unsupported};
use super::vocabulary::Lowering;
use crate::ir::{Constant, Inst, Value};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};

/// The operands and indices of a shuffle.
pub(crate) struct Shuffle {
    /// The vector that indices below 16 select from.
    pub a: Value,
    /// The vector that other indices select from; `a` if there are none.
    pub b: Value,
    /// The byte of both vectors, one after the other, for each byte of the result.
    pub indices: [u8; 16],
}

impl Shuffle {
    /// The shuffle of an instruction.
    pub fn of<I: Lowering>(cx: &Lower<'_, I>, inst: Inst) -> Result<Self, Unsupported> {
        let data = &cx.f.insts[inst];
        let given = cx.f.constants.get(Constant(data.c)).and_then(Option::as_deref);
        let Some(mut indices) = given.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()) else {
            return Err(cx.unsupported("shuffle needs 16 indices"));
        };
        let (mut a, mut b) = (Value(data.a), Value(data.b));
        if a == b {
            indices = indices.map(|index| index & 15);
        }
        if indices.iter().all(|&index| index >= 16) {
            indices = indices.map(|index| index - 16);
            (a, b) = (b, a);
        }
        if indices.iter().all(|&index| index < 16) {
            b = a;
        }
        Ok(Shuffle { a, b, indices })
    }

    /// Whether all bytes come from one vector.
    pub fn is_single(&self) -> bool {
        self.a == self.b
    }

    /// Whether byte `from(at)` of both vectors becomes byte `at`, for all of them. Indices of a shuffle of
    /// one vector count modulo its size.
    fn selects(&self, from: impl Fn(usize) -> usize) -> bool {
        let bytes = if self.is_single() { 16 } else { 32 };
        self.indices.iter().enumerate().all(|(at, &index)| index as usize == from(at) % bytes)
    }

    /// Whether the result is the vector itself.
    pub fn is_copy(&self) -> bool {
        self.is_single() && self.selects(|at| at)
    }

    /// The lane of the first vector that is in all lanes of the result: the widest one.
    pub fn repeated_lane(&self) -> Option<(OperandSize, i32)> {
        let first = self.indices[0] as usize;
        [Q64, L32, W16, B8].into_iter().find_map(|size| {
            let bytes = size.bytes() as usize;
            let repeats = first.is_multiple_of(bytes) && self.selects(|at| first + at % bytes);
            (first < 16 && repeats).then_some((size, (first / bytes) as i32))
        })
    }

    /// The size of the lanes of the first vector whose bytes are reversed.
    pub fn reversed_lanes(&self) -> Option<OperandSize> {
        [W16, L32, Q64].into_iter().find(|size| {
            let last = size.bytes() as usize - 1;
            self.selects(|at| at ^ last)
        })
    }

    /// Where in both vectors consecutive bytes begin; in a shuffle of one vector, they go on at its
    /// beginning.
    pub fn consecutive(&self) -> Option<i32> {
        let first = self.indices[0] as usize;
        (first < 16 && self.selects(|at| first + at)).then_some(first as i32)
    }

    /// The first of some patterns that the shuffle has, in lanes of a size.
    pub fn interleaves(&self, patterns: &[Interleave]) -> Option<(Interleave, OperandSize)> {
        let in_lanes = |size: OperandSize| {
            let bytes = size.bytes() as usize;
            let from = |pattern: Interleave, at| pattern.lane(at / bytes, 16 / bytes) * bytes + at % bytes;
            let found = patterns.iter().find(|&&pattern| self.selects(|at| from(pattern, at)));
            found.map(|&pattern| (pattern, size))
        };
        [B8, W16, L32, Q64].into_iter().find_map(in_lanes)
    }
}

/// A pattern that takes lanes of two vectors alternately, or every second lane of both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interleave {
    /// The low halves of both vectors, alternately.
    ZipLow,
    /// The high halves of both vectors, alternately.
    ZipHigh,
    /// The even lanes of the first vector, then those of the second.
    Even,
    /// The odd lanes of the first vector, then those of the second.
    Odd,
    /// The even lanes of both vectors, alternately.
    TransposeEven,
    /// The odd lanes of both vectors, alternately.
    TransposeOdd,
}

impl Interleave {
    /// The lane of both vectors, each with `count` lanes, that becomes lane `at`.
    fn lane(self, at: usize, count: usize) -> usize {
        let alternating = at / 2 + at % 2 * count;
        match self {
            Interleave::ZipLow => alternating,
            Interleave::ZipHigh => alternating + count / 2,
            Interleave::Even => at * 2,
            Interleave::Odd => at * 2 + 1,
            Interleave::TransposeEven => at / 2 * 2 + at % 2 * count,
            Interleave::TransposeOdd => at / 2 * 2 + 1 + at % 2 * count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(indices: [u8; 16]) -> Shuffle {
        Shuffle { a: Value(0), b: Value(1), indices }
    }

    fn one(indices: [u8; 16]) -> Shuffle {
        Shuffle { a: Value(0), b: Value(0), indices }
    }

    #[test]
    fn patterns_are_found() {
        use Interleave::*;
        let all = [ZipLow, ZipHigh, Even, Odd, TransposeEven, TransposeOdd];
        let zip = two([4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31]);
        assert_eq!(zip.interleaves(&all), Some((TransposeOdd, L32)));
        assert_eq!(zip.interleaves(&[ZipLow, ZipHigh]), None);
        let low = one([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
        assert_eq!(low.interleaves(&all), Some((ZipLow, B8)));
        assert_eq!(one([6, 7, 6, 7, 6, 7, 6, 7, 6, 7, 6, 7, 6, 7, 6, 7]).repeated_lane(), Some((W16, 3)));
        assert_eq!(one([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4]).consecutive(), Some(5));
        assert_eq!(
            two([15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]).consecutive(),
            Some(15)
        );
        assert_eq!(one([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]).reversed_lanes(), Some(L32));
        assert!(one(std::array::from_fn(|at| at as u8)).is_copy());
        assert!(!two(std::array::from_fn(|at| at as u8 + 1)).is_copy());
    }
}
