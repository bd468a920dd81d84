//! f16: conversions by operations on bits, and what it needs of f32 and f64.

use super::compare::{Test, float_cond};
use super::float;
use super::inputs::Cx;
use crate::arch::s390x::{S390x, rows};
use crate::ir::*;
use crate::lower::half;
use crate::lower::half::HalfLowering;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, exact_size};

impl HalfLowering for S390x {
    fn float_from_bits(cx: &mut Cx, d: VReg, bits: VReg, ty: Type) {
        float::from_bits(cx, d, bits, ty);
    }

    fn float_to_bits(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        float::to_bits(cx, d, a, ty);
    }

    fn single_of_half(cx: &mut Cx, d: VReg, a: VReg) {
        half::single_by_bits(cx, d, a);
    }

    fn half_of_single(cx: &mut Cx, d: VReg, a: VReg) {
        half::half_by_bits(cx, d, a);
    }

    fn half_of_double(cx: &mut Cx, d: VReg, a: VReg) {
        let odd = cx.tmp(RegClass::Float);
        rows::ledbra_odd(cx, odd, a);
        half::half_by_bits(cx, d, odd);
    }

    fn single_of_word(cx: &mut Cx, d: VReg, a: VReg) {
        rows::fromw(cx, L32, d, a);
    }

    fn convert_float(cx: &mut Cx, d: VReg, a: VReg, to: Type) {
        match to {
            types::F64 => rows::ldebr_rr(cx, d, a),
            _ => rows::ledbr(cx, d, a),
        }
    }

    fn compute(cx: &mut Cx, opcode: Opcode, ty: Type, d: VReg, [a, b, _]: [VReg; 3]) {
        float::compute(cx, opcode, exact_size(ty), d, a, b);
    }

    fn compare_singles(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Test {
        rows::fcmp_rr(cx, L32, a, b);
        Test::Code(float_cond(cc))
    }
}
