//! Floating-point arithmetic, by software and for all formats alike: `rustc_apfloat`, and a square root of
//! our own, which that has not.

use std::cmp::Ordering;

use rustc_apfloat::ieee::{Double, Half, Quad, Single};
use rustc_apfloat::{Float, FloatConvert, Round, Status};

use super::convert::Sign;
use super::meaning::Meaning::{Lanes1, Lanes2, Lanes3};
use super::meaning::Row;
use super::sqrt::sqrt;
use super::value::{mask, signed};
use crate::ir::Opcode::*;

pub(super) const ROWS: &[Row] = &[
    (Fadd, Lanes2(|bits, x, y| by_format!(bits, add(x, y)))),
    (Fsub, Lanes2(|bits, x, y| by_format!(bits, subtract(x, y)))),
    (Fmul, Lanes2(|bits, x, y| by_format!(bits, multiply(x, y)))),
    (Fdiv, Lanes2(|bits, x, y| by_format!(bits, divide(x, y)))),
    (Fma, Lanes3(|bits, x, y, z| by_format!(bits, multiply_add(x, y, z)))),
    (Sqrt, Lanes1(sqrt)),
    (Fneg, Lanes1(|bits, x| x ^ sign_bit(bits))),
    (Fabs, Lanes1(|bits, x| x & !sign_bit(bits))),
    (Fcopysign, Lanes2(|bits, x, y| x & !sign_bit(bits) | y & sign_bit(bits))),
    (Fmin, Lanes2(|bits, x, y| by_format!(bits, minimum(x, y)))),
    (Fmax, Lanes2(|bits, x, y| by_format!(bits, maximum(x, y)))),
    (Ceil, Lanes1(|bits, x| by_format!(bits, round(x, Round::TowardPositive)))),
    (Floor, Lanes1(|bits, x| by_format!(bits, round(x, Round::TowardNegative)))),
    (Trunc, Lanes1(|bits, x| by_format!(bits, round(x, Round::TowardZero)))),
    (Nearest, Lanes1(|bits, x| by_format!(bits, round(x, Round::NearestTiesToEven)))),
];

/// Calls a function that is generic over the float format with the format of this width.
macro_rules! by_format {
    ($bits:expr, $function:ident($($arg:expr),*)) => {
        match $bits {
            16 => $function::<Half>($($arg),*),
            32 => $function::<Single>($($arg),*),
            64 => $function::<Double>($($arg),*),
            128 => $function::<Quad>($($arg),*),
            bits => unreachable!("no float has {bits} bits"),
        }
    };
}
use by_format;

const fn sign_bit(bits: u32) -> u128 {
    1 << (bits - 1)
}

/// The bits of what arithmetic gave: every NaN is the same one.
fn result<F: Float>(value: F) -> u128 {
    if value.is_nan() { F::NAN.to_bits() } else { value.to_bits() }
}

fn add<F: Float>(x: u128, y: u128) -> u128 {
    result(F::from_bits(x).add_r(F::from_bits(y), Round::NearestTiesToEven).value)
}

fn subtract<F: Float>(x: u128, y: u128) -> u128 {
    result(F::from_bits(x).sub_r(F::from_bits(y), Round::NearestTiesToEven).value)
}

fn multiply<F: Float>(x: u128, y: u128) -> u128 {
    result(F::from_bits(x).mul_r(F::from_bits(y), Round::NearestTiesToEven).value)
}

fn divide<F: Float>(x: u128, y: u128) -> u128 {
    result(F::from_bits(x).div_r(F::from_bits(y), Round::NearestTiesToEven).value)
}

fn multiply_add<F: Float>(x: u128, y: u128, z: u128) -> u128 {
    let [x, y, z] = [x, y, z].map(F::from_bits);
    result(x.mul_add_r(y, z, Round::NearestTiesToEven).value)
}

fn minimum<F: Float>(x: u128, y: u128) -> u128 {
    result(F::from_bits(x).minimum(F::from_bits(y)))
}

fn maximum<F: Float>(x: u128, y: u128) -> u128 {
    result(F::from_bits(x).maximum(F::from_bits(y)))
}

fn round<F: Float>(x: u128, to: Round) -> u128 {
    result(F::from_bits(x).round_to_integral(to).value)
}

/// How two floats of `bits` bits compare; `None` if either is a NaN.
pub(super) fn compare(bits: u32, x: u128, y: u128) -> Option<Ordering> {
    fn order<F: Float>(x: u128, y: u128) -> Option<Ordering> {
        F::from_bits(x).partial_cmp(&F::from_bits(y))
    }
    by_format!(bits, order(x, y))
}

/// A float in the format of another width.
pub(super) fn resize(from: u32, to: u32, x: u128) -> u128 {
    fn to_format<T: Float>(from: u32, x: u128) -> u128
    where
        Half: FloatConvert<T>,
        Single: FloatConvert<T>,
        Double: FloatConvert<T>,
        Quad: FloatConvert<T>,
    {
        fn convert<F: Float + FloatConvert<T>, T: Float>(x: u128) -> u128 {
            result(F::from_bits(x).convert_r(Round::NearestTiesToEven, &mut false).value)
        }
        match from {
            16 => convert::<Half, T>(x),
            32 => convert::<Single, T>(x),
            64 => convert::<Double, T>(x),
            128 => convert::<Quad, T>(x),
            bits => unreachable!("no float has {bits} bits"),
        }
    }
    by_format!(to, to_format(from, x))
}

/// Why a float is no integer of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NotAnInteger {
    /// It is a NaN.
    Nan,
    /// It is out of range; the nearest integer is this one.
    Beyond(u128),
}

/// A float as an integer of `width` bits, rounded towards zero.
pub(super) fn to_integer(bits: u32, x: u128, width: u32, sign: Sign) -> Result<u128, NotAnInteger> {
    fn convert<F: Float>(x: u128, width: u32, sign: Sign) -> Result<u128, NotAnInteger> {
        let x = F::from_bits(x);
        if x.is_nan() {
            return Err(NotAnInteger::Nan);
        }
        let converted = match sign {
            Sign::Signed => x.to_i128(width as usize).map(|integer| integer as u128),
            Sign::Unsigned => x.to_u128(width as usize),
        };
        let integer = converted.value & mask(width);
        if converted.status.contains(Status::INVALID_OP) {
            return Err(NotAnInteger::Beyond(integer));
        }
        Ok(integer)
    }
    by_format!(bits, convert(x, width, sign))
}

/// An integer of `width` bits as a float of `bits` bits.
pub(super) fn from_integer(width: u32, x: u128, bits: u32, sign: Sign) -> u128 {
    fn convert<F: Float>(width: u32, x: u128, sign: Sign) -> u128 {
        let converted = match sign {
            Sign::Signed => F::from_i128(signed(width, x)),
            Sign::Unsigned => F::from_u128(x),
        };
        result(converted.value)
    }
    by_format!(bits, convert(width, x, sign))
}
