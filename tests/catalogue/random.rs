//! Choices and operands for generated tests: the edges of types, numbers next to powers of two, and anything.
//!
//! Choices come from a string of bytes while there are any, so that a fuzzer that changes a byte changes one
//! choice; then, or if there is no such string, from a sequence of pseudo-random numbers.

use clifc::eval::Value;
use clifc::ir::{FloatFormat, Type};

/// A source of choices.
pub struct Random<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl Random<'static> {
    /// The sequence of a name.
    pub fn new(name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Random { bytes: &[], state: hash | 1 }
    }
}

impl<'a> Random<'a> {
    /// Choices that bytes decide.
    #[allow(dead_code, reason = "not for every test")]
    pub fn of_bytes(bytes: &'a [u8]) -> Self {
        Random { bytes, state: bytes.len() as u64 }
    }

    /// Returns the next bytes of the string, as a little-endian number.
    fn take(&mut self, count: usize) -> Option<u64> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// Returns any number.
    pub fn next(&mut self) -> u64 {
        if let Some(number) = self.take(8) {
            return number;
        }
        // splitmix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        let number = match n {
            0..=256 => self.take(1),
            _ => self.take(4),
        };
        (number.unwrap_or_else(|| self.next()) % n as u64) as usize
    }

    /// Whether something of this percentage happens.
    #[allow(dead_code, reason = "not for every test")]
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns an element of a list, which must not be empty.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    /// Returns an integer of `bits` bits.
    pub fn integer(&mut self, bits: u32) -> u128 {
        let mask = u128::MAX >> (128 - bits);
        let power = 1u128 << self.below(bits as usize);
        let small = self.wide() % 20;
        let any = self.wide();
        let value = match self.below(12) {
            0 => 0,
            1 => 1,
            2 => mask,
            3 => mask >> 1,
            4 => (mask >> 1) + 1,
            5 => power,
            6 => power - 1,
            7 => power.wrapping_neg(),
            8 => small,
            9 => small.wrapping_neg(),
            // A narrow number below what is garbage to whoever takes it for one.
            10 => (any << 8) | (self.wide() % 3),
            _ => any,
        };
        value & mask
    }

    /// Returns a float of `bits` bits.
    fn float(&mut self, bits: u32) -> u128 {
        let fraction = FloatFormat::new(bits).fraction;
        let exponents = (1u128 << (bits - 1 - fraction)) - 1;
        let (bias, one) = (exponents >> 1, (exponents >> 1) << fraction);
        let low = (1u128 << fraction) - 1;
        let near_one = bias + self.wide() % 8 - 4;
        let any_fraction = self.wide() & low;
        let magnitude = match self.below(14) {
            0 => 0,
            1 => one,
            // 1.5, and 2.5, which is a tie when rounded to an integer.
            2 => one | 1 << (fraction - 1),
            3 => (one + (1 << fraction)) | (1 << (fraction - 2)),
            4 => exponents << fraction,
            5 => (exponents - 1) << fraction | low,
            // The least normal and subnormal numbers.
            6 => 1 << fraction,
            7 => 1,
            8 => exponents << fraction | 1 << (fraction - 1),
            // Numbers that are whole, some of which are not even.
            9 => ((bias + u128::from(fraction)) << fraction) | (self.wide() % 4),
            10 => near_one << fraction,
            11 | 12 => near_one << fraction | any_fraction,
            _ => (self.wide() % exponents) << fraction | any_fraction,
        };
        magnitude | u128::from(self.next() & 1) << (bits - 1)
    }

    /// Returns a value of a type.
    pub fn value(&mut self, ty: Type) -> Value {
        let lane = ty.lane();
        let lanes: Vec<u128> = (0..ty.lanes())
            .map(|_| if lane.is_float() { self.float(lane.bits()) } else { self.integer(lane.bits()) })
            .collect();
        Value::from_lanes(ty, |n| lanes[n as usize])
    }
}
