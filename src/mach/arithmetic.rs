//! Arithmetic on registers as every target has it: what sequences that are the same everywhere are made of.

use super::isa::Isa;
use super::lower::Lower;
use super::size::OperandSize;
use crate::ir::{Type, Value};
use regalloc2::{RegClass, VReg};

/// An operator on two integers of 32 or 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    /// Addition.
    Add,
    /// Subtraction.
    Sub,
    /// Multiplication.
    Mul,
    /// Bitwise and.
    And,
    /// Shift to the left.
    Shl,
    /// Shift to the right, of zeros.
    Shr,
    /// Shift to the right, of the sign.
    Sar,
}

/// What a target tells of its arithmetic. In all of it the flags may be changed.
pub trait Arithmetic: Isa {
    /// `d = a op b`; for shifts only [`Arithmetic::with_constant`] is used.
    fn binary(cx: &mut Lower<'_, Self>, op: Operator, size: OperandSize, d: VReg, a: VReg, b: VReg);

    /// `d = a op b` with a constant of any size.
    fn with_constant(cx: &mut Lower<'_, Self>, op: Operator, size: OperandSize, d: VReg, a: VReg, b: i64);

    /// The upper 64 bits of the product with a constant, as unsigned or signed numbers.
    fn high_product(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, factor: u64, signed: bool);

    /// `d = -a`.
    fn negate(cx: &mut Lower<'_, Self>, size: OperandSize, d: VReg, a: VReg);

    /// `d = a`.
    fn copy(cx: &mut Lower<'_, Self>, size: OperandSize, d: VReg, a: VReg);

    /// A constant in a register.
    fn load_constant(cx: &mut Lower<'_, Self>, d: VReg, bits: u64);

    /// A value extended from its type to a size of at least that.
    fn extended(cx: &mut Lower<'_, Self>, value: Value, size: OperandSize, signed: bool) -> VReg;

    /// The negation of a value of type `ty`, with a trap if it overflows.
    fn negate_or_trap(cx: &mut Lower<'_, Self>, ty: Type, d: VReg, value: Value);

    /// Whether an unsigned 64-bit number is at least a constant, as 0 or 1.
    fn at_least(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, least: u64);

    /// `d = a - b * factor`.
    fn minus_product(
        cx: &mut Lower<'_, Self>,
        size: OperandSize,
        d: VReg,
        a: VReg,
        b: VReg,
        factor: i64,
    ) {
        let product = cx.tmp(RegClass::Int);
        Self::with_constant(cx, Operator::Mul, size, product, b, factor);
        Self::binary(cx, Operator::Sub, size, d, a, product);
    }

    /// `d = a + (x < 0)`, where a 64-bit `x` is negative, or the negation of that.
    fn plus_sign(
        cx: &mut Lower<'_, Self>,
        size: OperandSize,
        d: VReg,
        a: VReg,
        x: VReg,
        negated: bool,
    ) {
        let sign = cx.tmp(RegClass::Int);
        Self::with_constant(cx, Operator::Sar, OperandSize::Q64, sign, x, 63);
        match negated {
            false => Self::binary(cx, Operator::Sub, size, d, a, sign),
            true => Self::binary(cx, Operator::Sub, size, d, sign, a),
        }
    }

    /// `d = x + bias`, where the bias is `2^shift - 1` for a negative `x` and else 0: what makes shifting `x` to the right by
    /// that much round towards zero.
    fn biased(cx: &mut Lower<'_, Self>, size: OperandSize, d: VReg, x: VReg, shift: u32) {
        let width = size.bits() as i64;
        let bias = cx.tmp(RegClass::Int);
        if shift == 1 {
            Self::with_constant(cx, Operator::Shr, size, bias, x, width - 1);
        } else {
            let sign = cx.tmp(RegClass::Int);
            Self::with_constant(cx, Operator::Sar, size, sign, x, width - 1);
            Self::with_constant(cx, Operator::Shr, size, bias, sign, width - shift as i64);
        }
        Self::binary(cx, Operator::Add, size, d, bias, x);
    }
}
