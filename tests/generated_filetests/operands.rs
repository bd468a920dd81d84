//! Operands that are likely to matter: the edges of types, numbers next to powers of two, and anything.

use clifc::eval::Value;
use clifc::ir::{FloatFormat, Type};

/// Pseudo-random numbers that a name decides.
pub struct Random(u64);

impl Random {
    pub fn new(name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Random(hash | 1)
    }

    /// splitmix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    /// An integer of `bits` bits.
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

    /// A float of `bits` bits.
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

    /// A value of a type.
    pub fn value(&mut self, ty: Type) -> Value {
        let lane = ty.lane();
        let lanes: Vec<u128> = (0..ty.lanes())
            .map(|_| if lane.is_float() { self.float(lane.bits()) } else { self.integer(lane.bits()) })
            .collect();
        Value::from_lanes(ty, |n| lanes[n as usize])
    }
}
