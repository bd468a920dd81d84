//! The instructions on vectors by what they do, each in its SSE and its VEX form.

use crate::arch::x86_64::lower::float::{Op, op};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::rows;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;

/// An operation `d = op b`, whose SSE and VEX forms differ only in the memory operands that they take.
pub struct UnaryOp {
    sse: fn(&mut Cx<'_>, OperandSize, VReg, Rm),
    avx: fn(&mut Cx<'_>, OperandSize, VReg, Rm),
}

/// The [`UnaryOp`] of two rows, which have sizes unless `fixed`, perhaps with an immediate.
macro_rules! unary {
    ($sse:ident $avx:ident $($imm:literal)?) => {
        UnaryOp {
            sse: |cx, size, d, b| rows::$sse(cx, size, d, b $(, $imm)?),
            avx: |cx, size, d, b| rows::$avx(cx, size, d, b $(, $imm)?),
        }
    };
    (fixed $sse:ident $avx:ident) => {
        UnaryOp { sse: |cx, _, d, b| rows::$sse(cx, d, b), avx: |cx, _, d, b| rows::$avx(cx, d, b) }
    };
}

impl UnaryOp {
    /// Pushes the instruction.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: VReg, b: impl Into<Rm>) {
        let row = if cx.flags.has_avx() { self.avx } else { self.sse };
        row(cx, size, d, b.into());
    }

    /// Pushes the instruction with a new register as result.
    pub fn value(&self, cx: &mut Cx, size: OperandSize, b: impl Into<Rm>) -> VReg {
        let d = cx.tmp(RegClass::Float);
        self.push(cx, size, d, b);
        d
    }
}

/// Pushes `d = a` shifted by an immediate.
type ImmediateRow = fn(&mut Cx<'_>, OperandSize, VReg, VReg, i32);

/// A shift of lanes of 16 to 64 bits.
pub struct Shift {
    /// By a register.
    pub by_register: Op,
    sse: ImmediateRow,
    avx: ImmediateRow,
}

macro_rules! shift {
    (fixed $rm:ident $ri:ident) => {
        Shift {
            by_register: op!(fixed $rm $rm),
            sse: |cx, _, d, a, amount| rows::$ri(cx, d, a, amount),
            avx: |cx, _, d, a, amount| rows::$ri(cx, d, a, amount),
        }
    };
    ($sse_rm:ident $avx_rm:ident $sse:ident $avx:ident) => {
        Shift {
            by_register: op!($sse_rm $avx_rm),
            sse: |cx, size, d, a, amount| rows::$sse(cx, size, d, a, amount),
            avx: |cx, size, d, a, amount| rows::$avx(cx, size, d, a, amount),
        }
    };
}

impl Shift {
    /// `a` shifted by a constant, in a new register.
    pub fn value(&self, cx: &mut Cx, size: OperandSize, a: VReg, amount: u32) -> VReg {
        let d = cx.tmp(RegClass::Float);
        self.push(cx, size, d, a, amount);
        d
    }

    /// `d = a` shifted by a constant.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, amount: u32) {
        let row = if cx.flags.has_avx() { self.avx } else { self.sse };
        row(cx, size, d, a, amount as i32);
    }
}

/// Addition.
pub static ADD: Op = op!(padd_rm vpadd_rm);
/// Subtraction.
pub static SUBTRACT: Op = op!(psub_rm vpsub_rm);
/// Unsigned minima of 8 to 64 bits; those of 16 and 32 from SSE4.1 on, of 64 from AVX-512 on.
pub static MIN_UNSIGNED: [Op; 4] = [
    op!(fixed pminub_rm vpminub_rm),
    op!(fixed pminuw_rm vpminuw_rm),
    op!(fixed pminud_rm vpminud_rm),
    op!(fixed vpminuq_rm vpminuq_rm),
];
/// Unsigned maxima of 8 to 64 bits; those of 16 and 32 from SSE4.1 on, of 64 from AVX-512 on.
pub static MAX_UNSIGNED: [Op; 4] = [
    op!(fixed pmaxub_rm vpmaxub_rm),
    op!(fixed pmaxuw_rm vpmaxuw_rm),
    op!(fixed pmaxud_rm vpmaxud_rm),
    op!(fixed vpmaxuq_rm vpmaxuq_rm),
];
/// Signed minima of 8 to 64 bits; those of 8 and 32 from SSE4.1 on, of 64 from AVX-512 on.
pub static MIN_SIGNED: [Op; 4] = [
    op!(fixed pminsb_rm vpminsb_rm),
    op!(fixed pminsw_rm vpminsw_rm),
    op!(fixed pminsd_rm vpminsd_rm),
    op!(fixed vpminsq_rm vpminsq_rm),
];
/// Signed maxima of 8 to 64 bits; those of 8 and 32 from SSE4.1 on, of 64 from AVX-512 on.
pub static MAX_SIGNED: [Op; 4] = [
    op!(fixed pmaxsb_rm vpmaxsb_rm),
    op!(fixed pmaxsw_rm vpmaxsw_rm),
    op!(fixed pmaxsd_rm vpmaxsd_rm),
    op!(fixed vpmaxsq_rm vpmaxsq_rm),
];
/// Absolute values (SSSE3).
pub static ABSOLUTE: UnaryOp = unary!(pabs_rm vpabs_rm);
/// Absolute values of 64 bits (AVX-512).
pub static ABSOLUTE_QUAD: UnaryOp = unary!(fixed vpabsq_rm vpabsq_rm);
/// Unsigned averages, rounded up.
pub static AVERAGE: Op = op!(pavg_rm vpavg_rm);
pub static ADD_SIGNED: Op = op!(padds_rm vpadds_rm);
pub static ADD_UNSIGNED: Op = op!(paddus_rm vpaddus_rm);
pub static SUBTRACT_SIGNED: Op = op!(psubs_rm vpsubs_rm);
/// Unsigned differences, at least 0.
pub static SUBTRACT_UNSIGNED: Op = op!(psubus_rm vpsubus_rm);

/// Low halves of products of words.
pub static MULTIPLY_WORDS: Op = op!(fixed pmullw_rm vpmullw_rm);
/// Low halves of products of 32-bit lanes (SSE4.1).
pub static MULTIPLY_DOUBLE: Op = op!(fixed pmulld_rm vpmulld_rm);
/// Low halves of products of 64-bit lanes (AVX-512DQ).
pub static MULTIPLY_QUAD: Op = op!(fixed vpmullq_rm vpmullq_rm);
/// High halves of signed products of words.
pub static HIGH_SIGNED: Op = op!(fixed pmulhw_rm vpmulhw_rm);
/// High halves of unsigned products of words.
pub static HIGH_UNSIGNED: Op = op!(fixed pmulhuw_rm vpmulhuw_rm);
/// Rounded high halves of signed products of words, doubled (SSSE3).
pub static HIGH_ROUNDED: Op = op!(fixed pmulhrsw_rm vpmulhrsw_rm);
/// Unsigned products of the low halves of 64-bit lanes.
pub static WIDE_UNSIGNED: Op = op!(fixed pmuludq_rm vpmuludq_rm);
/// Signed products of the low halves of 64-bit lanes (SSE4.1).
pub static WIDE_SIGNED: Op = op!(fixed pmuldq_rm vpmuldq_rm);
/// Sums of two neighbouring products of words, in 32-bit lanes.
pub static MULTIPLY_ADD_WORDS: Op = op!(fixed pmaddwd_rm vpmaddwd_rm);
/// Saturated sums of two neighbouring products of bytes: unsigned ones by signed ones (SSSE3).
pub static MULTIPLY_ADD_BYTES: Op = op!(fixed pmaddubsw_rm vpmaddubsw_rm);
/// Sums of the differences of bytes, in 64-bit lanes.
pub static SUM_DIFFERENCES: Op = op!(fixed psadbw_rm vpsadbw_rm);
/// Sums of neighbours of 16 and 32 bits (SSSE3).
pub static ADD_NEIGHBOURS: Op = op!(phadd_rm vphadd_rm);

/// Bitwise and.
pub static AND: Op = op!(fixed pand_rm vpand_rm);
/// `!a & b`.
pub static AND_NOT: Op = op!(fixed pandn_rm vpandn_rm);
/// Bitwise or.
pub static OR: Op = op!(fixed por_rm vpor_rm);
/// Exclusive or.
pub static XOR: Op = op!(fixed pxor_rm vpxor_rm);

/// To the left.
pub static LEFT: Shift = shift!(psll_rm vpsll_rm psll_ri vpsll_ri);
/// To the right, with zeros.
pub static RIGHT: Shift = shift!(psrl_rm vpsrl_rm psrl_ri vpsrl_ri);
/// To the right, with copies of the sign; of 16 and 32 bits only.
pub static RIGHT_SIGNED: Shift = shift!(psra_rm vpsra_rm psra_ri vpsra_ri);
/// To the right, with copies of the sign, of 64 bits (AVX-512).
pub static RIGHT_SIGNED_QUAD: Shift = shift!(fixed vpsraq_rm vpsraq_ri);

/// Equality of lanes of 8 to 32 bits.
pub static EQUAL: Op = op!(pcmpeq_rm vpcmpeq_rm);
/// Equality of lanes of 64 bits (SSE4.1).
pub static EQUAL_QUAD: Op = op!(fixed pcmpeqq_rm vpcmpeqq_rm);
/// Signed order of lanes of 8 to 32 bits.
pub static GREATER: Op = op!(pcmpgt_rm vpcmpgt_rm);
/// Signed order of lanes of 64 bits (SSE4.2).
pub static GREATER_QUAD: Op = op!(fixed pcmpgtq_rm vpcmpgtq_rm);
/// Comparisons of floats, by the instruction's predicate.
pub static FLOAT_COMPARE: [Op; 8] = [
    op!(imm cmpp_rmi vcmpp_rmi 0),
    op!(imm cmpp_rmi vcmpp_rmi 1),
    op!(imm cmpp_rmi vcmpp_rmi 2),
    op!(imm cmpp_rmi vcmpp_rmi 3),
    op!(imm cmpp_rmi vcmpp_rmi 4),
    op!(imm cmpp_rmi vcmpp_rmi 5),
    op!(imm cmpp_rmi vcmpp_rmi 6),
    op!(imm cmpp_rmi vcmpp_rmi 7),
];
/// `a == b`, of floats.
pub static FLOAT_EQUAL: &Op = &FLOAT_COMPARE[0];
/// `a <= b`, of floats.
pub static FLOAT_LESS_OR_EQUAL: &Op = &FLOAT_COMPARE[2];
/// Whether either is a NaN.
pub static FLOAT_UNORDERED: &Op = &FLOAT_COMPARE[3];

/// Selects bytes by indices; one with its top bit set gives 0 (SSSE3).
pub static SHUFFLE_BYTES: Op = op!(fixed pshufb_rm vpshufb_rm);
/// The low lanes of two vectors, taking turns.
pub static UNPACK_LOW: Op = op!(punpckl_rm vpunpckl_rm);
/// The high lanes of two vectors, taking turns.
pub static UNPACK_HIGH: Op = op!(punpckh_rm vpunpckh_rm);

/// Narrows signed lanes of 16 or 32 bits to signed ones.
pub static PACK_SIGNED: Op = op!(packss_rm vpackss_rm);
/// Narrows signed words to unsigned bytes.
pub static PACK_UNSIGNED: Op = op!(fixed packuswb_rm vpackuswb_rm);
/// Narrows signed lanes of 32 bits to unsigned words (SSE4.1).
pub static PACK_UNSIGNED_DOUBLE: Op = op!(fixed packusdw_rm vpackusdw_rm);
/// Widens the low half of the lanes by sign (SSE4.1).
pub static WIDEN_SIGNED: UnaryOp = unary!(pmovsx_rm vpmovsx_rm);
/// Widens the low half of the lanes by zeros (SSE4.1).
pub static WIDEN_UNSIGNED: UnaryOp = unary!(pmovzx_rm vpmovzx_rm);

/// Addition.
pub static FLOAT_ADD: Op = op!(addp_rm vaddp_rm);
/// Subtraction.
pub static FLOAT_SUBTRACT: Op = op!(subp_rm vsubp_rm);
/// Multiplication.
pub static FLOAT_MULTIPLY: Op = op!(mulp_rm vmulp_rm);
pub static FLOAT_DIVIDE: Op = op!(divp_rm vdivp_rm);
/// `a < b ? a : b`.
pub static FLOAT_LESSER: Op = op!(minp_rm vminp_rm);
/// `a > b ? a : b`.
pub static FLOAT_GREATER: Op = op!(maxp_rm vmaxp_rm);
pub static SQUARE_ROOT: UnaryOp = unary!(sqrtp_rm vsqrtp_rm);
pub static ROUND_NEAREST: UnaryOp = unary!(roundp_rmi vroundp_rmi 8);
pub static ROUND_DOWN: UnaryOp = unary!(roundp_rmi vroundp_rmi 9);
pub static ROUND_UP: UnaryOp = unary!(roundp_rmi vroundp_rmi 10);
pub static ROUND_TO_ZERO: UnaryOp = unary!(roundp_rmi vroundp_rmi 11);

/// Signed integers of 32 bits to f32.
pub static FROM_INT: UnaryOp = unary!(fixed cvtdq2ps_rm vcvtdq2ps_rm);
/// Unsigned integers of 32 bits to f32 (AVX-512).
pub static FROM_UNSIGNED: UnaryOp = unary!(fixed vcvtudq2ps_rm vcvtudq2ps_rm);
/// Signed integers of 64 bits to f64 (AVX-512DQ).
pub static FROM_QUAD: UnaryOp = unary!(fixed vcvtqq2pd_rm vcvtqq2pd_rm);
/// Unsigned integers of 64 bits to f64 (AVX-512DQ).
pub static FROM_UNSIGNED_QUAD: UnaryOp = unary!(fixed vcvtuqq2pd_rm vcvtuqq2pd_rm);
/// f32 to signed integers of 32 bits, towards zero. What is out of range gives the smallest one.
pub static TO_INT: UnaryOp = unary!(fixed cvttps2dq_rm vcvttps2dq_rm);
