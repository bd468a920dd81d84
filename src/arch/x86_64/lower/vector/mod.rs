//! Lowering of vectors of 128 bits. `lower/vector.rs` has the list of files.
//!
//! SSE2 suffices for every opcode. Later extensions shorten sequences; the functions here say which of them
//! the settings enable. An [`Op`](super::float::Op) has an SSE and a VEX form, of which the latter keeps its
//! first operand and takes any memory operand.

pub(super) mod memory;

mod bits;
mod compare;
mod convert;
mod float;
mod int;
mod lane;
mod logic;
mod ops;
mod permute;
mod product;
mod shift;
mod width;

use super::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::ir::*;
use crate::lower::vector::{VectorFamilies, VectorLowering};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize};

/// The operand size of a vector's lanes.
fn lane_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.lane_bits())
}

/// Whether there are SSSE3 or later instructions.
fn has_ssse3(cx: &Cx) -> bool {
    cx.flags.has_ssse3() || has_sse41(cx)
}

/// Whether there are SSE4.1 or later instructions.
fn has_sse41(cx: &Cx) -> bool {
    cx.flags.has_sse41() || has_sse42(cx)
}

/// Whether there are SSE4.2 or later instructions.
fn has_sse42(cx: &Cx) -> bool {
    cx.flags.has_sse42() || cx.flags.has_avx()
}

/// Whether AVX-512 has its forms on 128 bits.
fn has_avx512(cx: &Cx) -> bool {
    cx.flags.has_avx() && cx.flags.has_avx512f() && cx.flags.has_avx512vl()
}

/// Whether there are products of lanes of 64 bits, and their conversions.
fn has_quads(cx: &Cx) -> bool {
    has_avx512(cx) && cx.flags.has_avx512dq()
}

/// Whether there are permutations of the bytes of two vectors.
fn has_byte_permutations(cx: &Cx) -> bool {
    has_avx512(cx) && cx.flags.has_avx512vbmi()
}

/// Whether there are counts of the bits of bytes and words.
fn has_bit_counts(cx: &Cx) -> bool {
    has_avx512(cx) && cx.flags.has_avx512bitalg()
}

/// Whether there are sums of products.
fn has_dot_products(cx: &Cx) -> bool {
    has_avx512(cx) && cx.flags.has_avx512vnni()
}

/// A new register with zeros.
fn zero(cx: &mut Cx) -> VReg {
    let d = cx.tmp(RegClass::Float);
    memory::make_constant(cx, d, [0; 16]);
    d
}

/// A new register with ones.
fn ones(cx: &mut Cx) -> VReg {
    let d = cx.tmp(RegClass::Float);
    memory::make_constant(cx, d, [0xFF; 16]);
    d
}

/// The low bytes of a number in all lanes.
fn in_all_lanes(size: OperandSize, bits: u64) -> [u8; 16] {
    let (bytes, lane) = (bits.to_le_bytes(), (size.bits() / 8) as usize);
    std::array::from_fn(|at| bytes[at % lane])
}

/// A constant in memory with the low bits of a number in all lanes.
fn repeated(cx: &mut Cx, size: OperandSize, bits: u64) -> Rm {
    Rm::Mem(memory::pool(cx, in_all_lanes(size, bits)))
}

/// A new register with the low bits of a number in all lanes.
fn constant(cx: &mut Cx, size: OperandSize, bits: u64) -> VReg {
    let d = cx.tmp(RegClass::Float);
    memory::make_constant(cx, d, in_all_lanes(size, bits));
    d
}

/// `d` = the lanes of `chosen` where `mask` has ones, those of `other` where it has zeros.
fn blend(cx: &mut Cx, d: VReg, mask: VReg, chosen: VReg, other: VReg) {
    if cx.flags.has_avx() {
        return rows::vpblendvb_rrr(cx, d, other, chosen, mask);
    }
    if has_sse41(cx) {
        return rows::pblendvb_rrr(cx, d, other, chosen, mask);
    }
    blend_bits(cx, d, mask, chosen, other);
}

/// `d` = the bits of `chosen` where `mask` has ones, those of `other` where it has zeros.
fn blend_bits(cx: &mut Cx, d: VReg, mask: VReg, chosen: VReg, other: VReg) {
    if has_avx512(cx) {
        return rows::vpternlogq_rmi(cx, d, mask, chosen, other, 0b1100_1010);
    }
    let chosen = ops::AND.value(cx, L32, chosen, mask);
    let other = ops::AND_NOT.value(cx, L32, mask, other);
    ops::OR.push(cx, L32, d, chosen, other);
}

/// The operands of an operation on two vectors, in registers.
fn both(cx: &mut Cx, data: &InstData) -> (VReg, VReg) {
    (cx.put(Value(data.a)), cx.put(Value(data.b)))
}

impl VectorLowering for X86_64 {
    const VECTORS: VectorFamilies<Self> = VectorFamilies {
        load: Some(memory::load),
        load_widening: Some(width::load),
        store: Some(memory::store),
        add_or_subtract: Some(int::add_or_subtract),
        logic: Some(logic::logic),
        complement: Some(logic::complement),
        negate: Some(int::negate),
        absolute: Some(int::absolute),
        multiply: Some(product::multiply),
        multiply_high: Some(product::multiply_high),
        shift: Some(shift::shift),
        min_max: Some(int::min_max),
        bits: Some(bits::lower),
        saturate: Some(int::saturate),
        average: Some(int::average),
        fixed_point: Some(product::fixed_point),
        pairwise: Some(product::pairwise),
        compare: Some(compare::compare),
        select: Some(logic::select),
        bit_select: Some(logic::bit_select),
        lane_select: Some(logic::lane_select),
        lane: Some(lane::lower),
        permute: Some(permute::lower),
        any_lane: compare::any_lane,
        all_lanes: compare::all_lanes,
        high_bits: compare::high_bits,
        narrow: width::narrow,
        add_neighbours: product::add_neighbours,
        widen_first: width::widen_first,
        lanes_from_int: convert::lanes_from_int,
        lanes_to_int: convert::lanes_to_int,
        promote_first: convert::promote_first,
        widen: Some(width::widen),
        float: Some(float::lower),
        float_width: Some(convert::change_width),
        from_int: Some(convert::from_int),
        to_int_saturated: Some(convert::to_int_saturated),
        to_int_x86: Some(convert::to_int_x86),
    };
}
