//! f16: conversions by F16C or by operations on bits, and what it needs of f32 and f64.

use super::compare::{Test, compare_singles};
use super::convert::{DEMOTE, PROMOTE, convert_signed};
use super::float;
use super::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::ir::*;
use crate::lower::half;
use crate::lower::half::HalfLowering;
use crate::machine::reg::VReg;
use crate::machine::size::{L32, OperandSize, Q64, exact_size};
use crate::rule;

/// The size of moves between register files: at least 32 bits.
fn move_size(ty: Type) -> OperandSize {
    exact_size(ty).max(L32)
}

impl HalfLowering for X86_64 {
    fn float_from_bits(cx: &mut Cx, d: VReg, bits: VReg, ty: Type) {
        rows::mov_xr(cx, move_size(ty), d, bits);
    }

    fn float_to_bits(cx: &mut Cx, d: VReg, a: VReg, ty: Type) {
        rows::mov_rx(cx, move_size(ty), d, a);
    }

    fn single_of_half(cx: &mut Cx, d: VReg, a: VReg) {
        if cx.flags.has_f16c() {
            rule!(cx, "half.f16c");
            return rows::vcvtph2ps_r(cx, d, a);
        }
        half::single_by_bits(cx, d, a);
    }

    fn half_of_single(cx: &mut Cx, d: VReg, a: VReg) {
        if cx.flags.has_f16c() {
            // To nearest.
            return rows::vcvtps2ph_ri(cx, d, a, 0);
        }
        half::half_by_bits(cx, d, a);
    }

    fn half_of_double(cx: &mut Cx, d: VReg, a: VReg) {
        half::half_of_double_by_bits(cx, d, a);
    }

    fn single_of_word(cx: &mut Cx, d: VReg, a: VReg) {
        convert_signed(cx, d, types::F32, L32, Rm::Reg(a));
    }

    fn convert_float(cx: &mut Cx, d: VReg, a: VReg, to: Type) {
        let op = if to == types::F64 { &PROMOTE } else { &DEMOTE };
        op.push(cx, Q64, d, a);
    }

    fn compute(cx: &mut Cx, opcode: Opcode, ty: Type, d: VReg, [a, b, _]: [VReg; 3]) {
        float::compute(cx, opcode, ty, d, a, b);
    }

    fn compare_singles(cx: &mut Cx, cc: FloatCc, a: VReg, b: VReg) -> Test {
        compare_singles(cx, cc, a, b)
    }
}
