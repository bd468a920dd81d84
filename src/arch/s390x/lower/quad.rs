//! f128, by the instructions on vector registers.
//!
//! Conversions between f128 and integers exist for pairs of floating-point registers only: a fixed pair is
//! used.

use super::compare::Test;
use super::inputs::Cx;
use crate::arch::s390x::{S390x, rows};
use crate::ir::*;
use crate::lower::quad::{QuadLowering, constant, power_of_two, sign_operation};
use crate::lower::whole_registers::WholeRegisters;
use crate::lower::wide::Pair;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::Q64;

impl QuadLowering for S390x {
    const CALLS: bool = false;

    fn quad_arithmetic(cx: &mut Cx, opcode: Opcode, d: VReg, operands: [VReg; 3]) {
        use Opcode::*;
        let [a, b, c] = operands;
        match opcode {
            Fadd => rows::qadd(cx, d, a, b),
            Fsub => rows::qsub(cx, d, a, b),
            Fmul => rows::qmul(cx, d, a, b),
            Fdiv => rows::qdiv(cx, d, a, b),
            Fma => rows::qfma(cx, d, a, b, c),
            Fmin => rows::qmin(cx, d, a, b),
            Fmax => rows::qmax(cx, d, a, b),
            Fneg => rows::qneg(cx, d, a),
            Fabs => rows::qabs(cx, d, a),
            Sqrt => rows::qsqrt(cx, d, a),
            Ceil => rows::qceil(cx, d, a),
            Floor => rows::qfloor(cx, d, a),
            Trunc => rows::qtrunc(cx, d, a),
            Nearest => rows::qnearest(cx, d, a),
            _ => sign_operation(cx, opcode, types::F128, d, operands),
        }
    }

    fn promote_to_quad(cx: &mut Cx, d: VReg, a: VReg, from: Type) {
        let double = match from {
            types::F32 => {
                let double = cx.tmp(RegClass::Float);
                rows::ldebr_rr(cx, double, a);
                double
            }
            _ => a,
        };
        rows::qfromd(cx, d, double);
    }

    fn demote_quad(cx: &mut Cx, d: VReg, a: VReg, to: Type) {
        if to == types::F64 {
            return rows::qtod(cx, d, a);
        }
        let double = cx.tmp(RegClass::Float);
        rows::qtod_odd(cx, double, a);
        rows::ledbr(cx, d, double);
    }

    fn quad_from_int(cx: &mut Cx, d: VReg, a: VReg, signed: bool) {
        let [high, low] = [(); 2].map(|()| cx.tmp(RegClass::Float));
        match signed {
            true => rows::qfromg(cx, high, low, a),
            false => rows::qfromug(cx, high, low, a),
        }
        rows::vmrh(cx, Q64, d, high, low);
    }

    /// Both halves are exact, and their sum is rounded once.
    fn quad_from_wide(cx: &mut Cx, d: VReg, (low, high): Pair, signed: bool) {
        let [upper, lower] = [(); 2].map(|()| cx.tmp(RegClass::Float));
        Self::quad_from_int(cx, upper, high, signed);
        Self::quad_from_int(cx, lower, low, false);
        let scale = constant(cx, types::F128, power_of_two(64));
        rows::qfma(cx, d, upper, scale, lower);
    }

    fn quad_to_int(cx: &mut Cx, d: VReg, a: VReg, signed: bool) {
        let low = cx.tmp(RegClass::Float);
        rows::vrep(cx, Q64, low, a, 1);
        match signed {
            true => rows::qtog(cx, d, a, low),
            false => rows::qtoug(cx, d, a, low),
        }
    }

    /// Splits the whole number at 2^64; neither half is rounded.
    fn quad_to_wide(cx: &mut Cx, d: Pair, a: VReg, signed: bool) {
        let [whole, shifted, upper, lower] = [(); 4].map(|()| cx.tmp(RegClass::Float));
        let divisor = constant(cx, types::F128, power_of_two(-64));
        let negated = constant(cx, types::F128, 1 << 127 | power_of_two(64));
        rows::qtrunc(cx, whole, a);
        rows::qmul(cx, shifted, whole, divisor);
        rows::qfloor(cx, upper, shifted);
        rows::qfma(cx, lower, upper, negated, whole);
        Self::quad_to_int(cx, d.1, upper, signed);
        Self::quad_to_int(cx, d.0, lower, false);
    }

    fn demote_to_odd(cx: &mut Cx, d: VReg, a: VReg) {
        let double = cx.tmp(RegClass::Float);
        rows::qtod_odd(cx, double, a);
        rows::ledbra_odd(cx, d, double);
    }
}

impl WholeRegisters for S390x {
    fn bitwise_whole(cx: &mut Cx, opcode: Opcode, d: VReg, a: VReg, b: VReg) {
        match opcode {
            Opcode::Band => rows::vn(cx, d, a, b),
            Opcode::Bor => rows::vo(cx, d, a, b),
            _ => rows::vx(cx, d, a, b),
        }
    }

    fn select_whole(cx: &mut Cx, d: VReg, test: Test, chosen: VReg, other: VReg) {
        let cond = test.code(cx);
        rows::select_v(cx, d, other, chosen, cond);
    }
}
