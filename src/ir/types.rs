//! CLIF value types, one byte each.
//!
//! The low nibble is the lane type. The high nibble encodes the lane count: 0 to 8 is the base-2 logarithm
//! of a fixed count, so 0 is a scalar; 9 to 15 is 8 plus the logarithm of the minimum lane count of a
//! dynamic vector (`i32x4xN`).

use std::fmt;
use zerocopy::{ByteHash, Immutable, IntoBytes};

/// A CLIF type.
#[derive(Clone, Copy, PartialEq, Eq, ByteHash, IntoBytes, Immutable, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Type(pub u8);

/// Name, width in bits and whether it is a float, for each lane type by its code.
const LANES: [(&str, u16, bool); 10] = [
    ("invalid", 0, false),
    ("i8", 8, false),
    ("i16", 16, false),
    ("i32", 32, false),
    ("i64", 64, false),
    ("i128", 128, false),
    ("f16", 16, true),
    ("f32", 32, true),
    ("f64", 64, true),
    ("f128", 128, true),
];

/// No type; stands for the controlling type of an instruction that has none.
pub const INVALID: Type = Type(0);
/// 8-bit integer.
pub const I8: Type = Type(1);
/// 16-bit integer.
pub const I16: Type = Type(2);
/// 32-bit integer.
pub const I32: Type = Type(3);
/// 64-bit integer.
pub const I64: Type = Type(4);
/// 128-bit integer.
pub const I128: Type = Type(5);
/// IEEE 754 binary16.
pub const F16: Type = Type(6);
/// IEEE 754 binary32.
pub const F32: Type = Type(7);
/// IEEE 754 binary64.
pub const F64: Type = Type(8);
/// IEEE 754 binary128.
pub const F128: Type = Type(9);

impl Type {
    /// The largest base-2 logarithm of a fixed lane count.
    pub(crate) const MAX_LOG2_LANES: u8 = 8;

    /// The type with a code, if there is one.
    pub(crate) fn checked(code: u8) -> Option<Type> {
        let lane = usize::from(code & 15);
        (lane != 0 && lane < LANES.len()).then_some(Type(code))
    }

    /// The lane type. For a scalar, the type itself.
    #[inline]
    pub const fn lane(self) -> Type {
        Type(self.0 & 15)
    }

    /// Base-2 logarithm of the lane count. For a dynamic vector, of the minimum.
    #[inline]
    pub(crate) const fn log2_lanes(self) -> u8 {
        let n = self.0 >> 4;
        if n > 8 { n - 8 } else { n }
    }

    /// The lane count. For a dynamic vector, the minimum.
    pub const fn lanes(self) -> u32 {
        1 << self.log2_lanes()
    }

    /// Width of a lane in bits.
    #[inline]
    pub const fn lane_bits(self) -> u32 {
        LANES[(self.0 & 15) as usize].1 as u32
    }

    /// Width of all lanes together in bits. For a dynamic vector, the minimum.
    #[inline]
    pub const fn bits(self) -> u32 {
        self.lane_bits() << self.log2_lanes()
    }

    /// Size in memory in bytes. For a dynamic vector, the minimum.
    #[inline]
    pub const fn bytes(self) -> u32 {
        self.bits() / 8
    }

    /// Whether this is a scalar integer.
    #[inline]
    pub const fn is_int(self) -> bool {
        self.0 >= 1 && self.0 <= 5
    }

    /// Whether this is a scalar float.
    #[inline]
    pub const fn is_float(self) -> bool {
        self.0 >= 6 && self.0 <= 9
    }

    /// Whether this is a fixed or dynamic vector.
    #[inline]
    pub const fn is_vector(self) -> bool {
        self.0 > 15
    }

    /// Whether this is a vector whose lane count depends on the target.
    pub(crate) const fn is_dynamic(self) -> bool {
        self.0 >> 4 > 8
    }

    /// The vector of `1 << log2` lanes of this lane type; `None` if there is no such type.
    pub const fn vector(self, log2: u8) -> Option<Type> {
        if log2 > Self::MAX_LOG2_LANES || self.0 == 0 || self.is_vector() {
            return None;
        }
        Some(Type(self.0 | log2 << 4))
    }

    /// The dynamic vector of at least `1 << log2` lanes of this lane type; `None` if there is no such type.
    pub(crate) const fn dynamic_vector(self, log2: u8) -> Option<Type> {
        if log2 == 0 || log2 > 7 || self.0 == 0 || self.is_vector() {
            return None;
        }
        Some(Type(self.0 | (log2 + 8) << 4))
    }

    /// The type with the same number of lanes of another lane type.
    pub(crate) const fn with_lane(self, lane: Type) -> Type {
        Type(self.0 & 0xf0 | lane.0 & 15)
    }

    /// The integer scalar of `bits` bits.
    pub const fn int(bits: u32) -> Option<Type> {
        match bits {
            8 => Some(I8),
            16 => Some(I16),
            32 => Some(I32),
            64 => Some(I64),
            128 => Some(I128),
            _ => None,
        }
    }

    /// The float scalar of `bits` bits.
    pub const fn float(bits: u32) -> Option<Type> {
        match bits {
            16 => Some(F16),
            32 => Some(F32),
            64 => Some(F64),
            128 => Some(F128),
            _ => None,
        }
    }

    /// The type of a comparison of such values: `i8` for scalars, integer lanes of the same width for
    /// vectors.
    pub(crate) fn truthy(self) -> Type {
        match (self.is_vector(), Type::int(self.lane_bits())) {
            (true, Some(lane)) => self.with_lane(lane),
            _ => I8,
        }
    }

    /// The type with lanes of twice the width (`delta` is 1) or half the width (-1).
    fn lane_step(self, delta: i8) -> Option<Type> {
        let bits = match delta {
            1 => self.lane_bits() * 2,
            _ => self.lane_bits() / 2,
        };
        let of = if self.lane().is_float() { Type::float } else { Type::int };
        Some(self.with_lane(of(bits)?))
    }

    /// The type with lanes of half the width.
    pub(crate) fn half_width(self) -> Option<Type> {
        self.lane_step(-1)
    }

    /// The type with lanes of twice the width.
    pub(crate) fn double_width(self) -> Option<Type> {
        self.lane_step(1)
    }

    /// The type of the same size with twice as many lanes, half as wide.
    pub(crate) fn split_lanes(self) -> Option<Type> {
        let half = self.half_width()?;
        half.step_lanes(1)
    }

    /// The type of the same size with half as many lanes, twice as wide.
    pub(crate) fn merge_lanes(self) -> Option<Type> {
        let wide = self.double_width()?;
        wide.step_lanes(-1)
    }

    fn step_lanes(self, delta: i8) -> Option<Type> {
        let log2 = self.log2_lanes().checked_add_signed(delta)?;
        if self.is_dynamic() { self.lane().dynamic_vector(log2) } else { self.lane().vector(log2) }
    }

    /// The fixed vector with the minimum lane count of a dynamic one.
    pub(crate) fn dynamic_to_fixed(self) -> Option<Type> {
        if !self.is_dynamic() {
            return None;
        }
        self.lane().vector(self.log2_lanes())
    }

    /// The type that `name` spells.
    pub fn parse(name: &[u8]) -> Option<Type> {
        let (head, rest) = match name.iter().position(|&b| b == b'x') {
            Some(at) => (&name[..at], Some(&name[at + 1..])),
            None => (name, None),
        };
        let lane = match head {
            b"i8" => I8,
            b"i16" => I16,
            b"i32" => I32,
            b"i64" => I64,
            b"i128" => I128,
            b"f16" => F16,
            b"f32" => F32,
            b"f64" => F64,
            b"f128" => F128,
            _ => return None,
        };
        let Some(rest) = rest else { return Some(lane) };
        let (count, dynamic) = match rest.strip_suffix(b"xN") {
            Some(count) => (count, true),
            None => (rest, false),
        };
        let count: u32 = std::str::from_utf8(count).ok()?.parse().ok()?;
        if !count.is_power_of_two() || count < 2 || rest[0] == b'0' || rest[0] == b'+' {
            return None;
        }
        let log2 = count.ilog2() as u8;
        if dynamic { lane.dynamic_vector(log2) } else { lane.vector(log2) }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(LANES[(self.0 & 15) as usize].0)?;
        if self.is_vector() {
            write!(f, "x{}", self.lanes())?;
        }
        if self.is_dynamic() {
            f.write_str("xN")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of types: the product of a set of lane types and a set of lane counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TypeSet {
    /// The lane types: bit n stands for code n.
    pub lanes: u16,
    /// The lane counts: bit n stands for the high nibble n of a type.
    pub counts: u16,
}

impl TypeSet {
    /// Whether `ty` is in the set.
    #[inline]
    pub const fn contains(self, ty: Type) -> bool {
        self.lanes >> (ty.0 & 15) & 1 != 0 && self.counts >> (ty.0 >> 4) & 1 != 0
    }

    /// A type in the set, for error messages: i32 if possible.
    pub fn example(self) -> Type {
        let lane = Type(self.lanes.trailing_zeros() as u8);
        if self.lanes & 1 << I32.0 != 0 && self.counts & 1 != 0 {
            return I32;
        }
        Type(lane.0 | (self.counts.trailing_zeros() as u8) << 4)
    }
}

/// `i8x16`.
pub const I8X16: Type = Type(I8.0 | 4 << 4);
/// `i16x8`.
pub const I16X8: Type = Type(I16.0 | 3 << 4);
/// `i32x4`.
pub const I32X4: Type = Type(I32.0 | 2 << 4);
/// `i64x2`.
pub const I64X2: Type = Type(I64.0 | 1 << 4);
/// `f32x4`.
pub const F32X4: Type = Type(F32.0 | 2 << 4);
/// `f64x2`.
pub const F64X2: Type = Type(F64.0 | 1 << 4);
