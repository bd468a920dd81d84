//! f16: conversions, and what it needs of f32 and f64.

use super::compare::{Test, float_test};
use super::float;
use super::inputs::Cx;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::half::HalfLowering;
use crate::machine::reg::VReg;
use crate::machine::size::{L32, OperandSize, W16, exact_size};
use crate::rule;

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

    fn single_of_word(cx: &mut Cx, d: VReg, a: VReg) {
        rows::scvtf_w(cx, L32, d, a);
    }

    fn convert_float(cx: &mut Cx, d: VReg, a: VReg, to: Type) {
        match to {
            types::F64 => rows::fcvt_sd(cx, d, a),
            types::F32 => rows::fcvt_ds(cx, d, a),
            other => unexpected(other),
        }
    }

    fn compute(cx: &mut Cx, opcode: Opcode, ty: Type, d: VReg, [a, b, _]: [VReg; 3]) {
        float::compute(cx, opcode, exact_size(ty), d, a, b);
    }

    fn compute_half(cx: &mut Cx, opcode: Opcode, d: VReg, [a, b, c]: [VReg; 3]) -> bool {
        if !cx.flags.has_fp16() || opcode == Opcode::Fcopysign {
            return false;
        }
        rule!(cx, "half.fp16");
        match opcode {
            Opcode::Fma => rows::fmadd(cx, W16, d, a, b, c),
            Opcode::Fneg => rows::fneg(cx, W16, d, a),
            Opcode::Fabs => rows::fabs(cx, W16, d, a),
            Opcode::Fadd | Opcode::Fsub | Opcode::Fmul | Opcode::Fdiv | Opcode::Sqrt => {
                float::compute(cx, opcode, W16, d, a, b);
            }
            Opcode::Fmin | Opcode::Fmax | Opcode::Ceil | Opcode::Floor | Opcode::Trunc | Opcode::Nearest => {
                float::compute(cx, opcode, W16, d, a, b);
            }
            other => unexpected(other),
        }
        true
    }

    fn has_half_lanes(cx: &Cx) -> bool {
        cx.flags.has_fp16()
    }

    fn compare_halves(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Option<Test> {
        if !cx.flags.has_fp16() {
            return None;
        }
        rows::fcmp(cx, W16, a, b);
        Some(Test::Flags(float_test(cc)))
    }

    fn compare_singles(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Test {
        rows::fcmp(cx, L32, a, b);
        Test::Flags(float_test(cc))
    }
}
