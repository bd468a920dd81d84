//! f16: conversions, and what it needs of f32 and f64.

use super::compare::{Test, float_test};
use super::float;
use super::inputs::Cx;
use crate::arch::aarch64::{Aarch64, rows};
use crate::ir::*;
use crate::lower::half::HalfLowering;
use crate::machine::reg::VReg;
use crate::machine::size::{L32, OperandSize, exact_size};

/// The size of moves between register files: at least 32 bits.
fn move_size(ty: Type) -> OperandSize {
    exact_size(ty).max(L32)
}

impl HalfLowering for Aarch64 {
    fn float_from_bits(cx: &mut Cx, d: VReg, bits: VReg, ty: Type) {
        rows::fmov_fr(cx, move_size(ty), d, bits);
    }

    fn float_to_bits(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        rows::fmov_rf(cx, move_size(ty), d, a);
    }

    fn single_of_half(cx: &mut Cx, d: VReg, a: VReg) {
        rows::fcvt_sh(cx, d, a);
    }

    fn half_of_single(cx: &mut Cx, d: VReg, a: VReg) {
        rows::fcvt_hs(cx, d, a);
    }

    fn half_of_double(cx: &mut Cx, d: VReg, a: VReg) {
        rows::fcvt_hd(cx, d, a);
    }

    fn convert_float(cx: &mut Cx, d: VReg, a: VReg, to: Type) {
        match to {
            types::F64 => rows::fcvt_sd(cx, d, a),
            _ => rows::fcvt_ds(cx, d, a),
        }
    }

    fn compute(cx: &mut Cx, opcode: Opcode, ty: Type, d: VReg, [a, b, _]: [VReg; 3]) {
        float::compute(cx, opcode, exact_size(ty), d, a, b);
    }

    fn compare_singles(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Test {
        rows::fcmp(cx, L32, a, b);
        Test::Flags(float_test(cc))
    }
}
