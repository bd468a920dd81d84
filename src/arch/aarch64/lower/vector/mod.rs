//! Lowering of vectors of 128 bits. `lower/vector.rs` has the list of files.

pub(super) mod memory;

mod int;
mod lane;
mod logic;

use crate::arch::aarch64::Aarch64;
use crate::lower::vector::{VectorFamilies, VectorLowering};

impl VectorLowering for Aarch64 {
    const VECTORS: VectorFamilies<Self> = VectorFamilies {
        load: Some(memory::load),
        load_widening: None,
        store: Some(memory::store),
        add_or_subtract: Some(int::add_or_subtract),
        logic: Some(logic::logic),
        complement: Some(logic::complement),
        negate: None,
        absolute: None,
        multiply: None,
        multiply_high: None,
        shift: None,
        min_max: None,
        bits: None,
        saturate: None,
        average: None,
        fixed_point: None,
        pairwise: None,
        compare: None,
        select: Some(logic::select),
        bit_select: Some(logic::bit_select),
        lane_select: None,
        lane: Some(lane::lower),
        permute: None,
        lane_test: None,
        narrow: None,
        widen: None,
        float: None,
        float_width: None,
        from_int: None,
        to_int_saturated: None,
        to_int_x86: None,
    };
}
