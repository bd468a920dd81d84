//! Lowering of vectors of 128 bits. `lower/vector.rs` has the list of files.

pub(super) mod memory;

mod bits;
mod compare;
mod convert;
mod float;
mod int;
mod lane;
pub(super) mod logic;
mod permute;
mod product;
mod shift;
mod width;

use crate::arch::aarch64::Aarch64;
use crate::lower::vector::{VectorFamilies, VectorLowering};

impl VectorLowering for Aarch64 {
    const VECTORS: VectorFamilies<Self> = VectorFamilies {
        load: Some(memory::load),
        load_widening: Some(memory::load_widening),
        store: Some(memory::store),
        add_or_subtract: Some(int::add_or_subtract),
        logic: Some(logic::logic),
        complement: Some(logic::complement),
        negate: Some(int::negate),
        absolute: Some(int::absolute),
        multiply: Some(product::multiply),
        multiply_high: Some(product::multiply_high),
        shift: Some(shift::lower),
        min_max: Some(int::min_max),
        bits: Some(bits::lower),
        saturate: Some(int::saturate),
        average: Some(int::average),
        fixed_point: Some(product::fixed_point),
        pairwise: Some(product::pairwise),
        compare: Some(compare::lower),
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
