//! The square root of a float of any format, correctly rounded.
//!
//! The significand's root is found by the schoolbook method, two bits of the radicand for each bit of the
//! root: with two bits more than the format holds and the knowledge of a remainder, rounding is exact. A
//! root is never subnormal, and it never overflows.

use crate::ir::FloatFormat;

/// The square root of the float of `width` bits with the bits `x`.
pub(super) fn sqrt(width: u32, x: u128) -> u128 {
    let format = FloatFormat::new(width);
    let fraction_bits = format.fraction;
    let sign = 1u128 << (width - 1);
    let infinity = (sign - 1) >> fraction_bits << fraction_bits;
    let nan = infinity | 1 << (fraction_bits - 1);
    if x & !sign == 0 || x == infinity {
        return x;
    }
    if x > infinity {
        // Negative or a NaN.
        return nan;
    }
    let bias = (infinity >> fraction_bits >> 1) as i32;
    let (significand, exponent) = decompose(x, fraction_bits, bias);
    let (significand, exponent) = match exponent % 2 {
        0 => (significand, exponent),
        _ => (significand << 1, exponent - 1),
    };
    let pairs = (128 - significand.leading_zeros()).div_ceil(2);
    let more_pairs = fraction_bits + 3 - pairs;
    let (root, is_exact) = integer_root(significand, pairs, more_pairs);
    let exponent = exponent / 2 - more_pairs as i32;
    let (rounded, exponent) = round(root, is_exact, exponent, fraction_bits);
    let biased = (exponent + fraction_bits as i32 + bias) as u128;
    biased << fraction_bits | rounded & ((1 << fraction_bits) - 1)
}

/// A positive finite float as `significand * 2^exponent`.
fn decompose(x: u128, fraction_bits: u32, bias: i32) -> (u128, i32) {
    let fraction = x & ((1 << fraction_bits) - 1);
    match (x >> fraction_bits) as i32 {
        0 => (fraction, 1 - bias - fraction_bits as i32),
        biased => (fraction | 1 << fraction_bits, biased - bias - fraction_bits as i32),
    }
}

/// The root of `radicand * 4^more_pairs`, rounded down, and whether nothing remains. The radicand has
/// `pairs` pairs of bits.
fn integer_root(radicand: u128, pairs: u32, more_pairs: u32) -> (u128, bool) {
    let (mut root, mut remainder) = (0u128, 0u128);
    for pair in (0..pairs + more_pairs).rev() {
        let next = match pair.checked_sub(more_pairs) {
            Some(pair) => radicand >> (2 * pair) & 3,
            None => 0,
        };
        remainder = remainder << 2 | next;
        let step = root << 2 | 1;
        root <<= 1;
        if remainder >= step {
            remainder -= step;
            root |= 1;
        }
    }
    (root, remainder == 0)
}

/// Rounds `root * 2^exponent`, and what lies beyond it unless it is exact, to a significand with
/// `fraction_bits` bits below the first.
fn round(root: u128, is_exact: bool, exponent: i32, fraction_bits: u32) -> (u128, i32) {
    let surplus = 127 - root.leading_zeros() - fraction_bits;
    let kept = root >> surplus;
    let (rest, half) = (root & ((1 << surplus) - 1), 1 << (surplus - 1));
    let up = rest > half || rest == half && (!is_exact || kept & 1 != 0);
    let rounded = kept + u128::from(up);
    match rounded >> (fraction_bits + 1) {
        0 => (rounded, exponent + surplus as i32),
        _ => (rounded >> 1, exponent + surplus as i32 + 1),
    }
}
