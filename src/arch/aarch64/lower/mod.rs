//! Lowering of CLIF to aarch64, one file for each family of opcodes.
//!
//! | file | family |
//! |---|---|
//! | `operands` | address forms, immediates, shifted and extended registers: what rows take |
//! | `int` | arithmetic up to 64 bits, extensions, shifts |
//! | `bits` | counting, reversing and swapping bits |
//! | `divide` | division, remainder, high halves of products |
//! | `overflow` | arithmetic with carry and overflow |
//! | `wide`, `wide_shift` | i128 |
//! | `compare` | comparisons and what consumes conditions |
//! | `chain` | comparisons joined by `and` and `or` |
//! | `select` | choosing without branches, minima and maxima |
//! | `float` | f32 and f64: all but comparisons and selection |
//! | `convert` | between integers and floats |
//! | `mem` | loads, stores, constants, addresses |
//! | `atomic` | atomic accesses and fences |
//! | `control` | jump tables, traps, the frame |
//! | `call` | what calls are made of |
//! | `tls` | addresses of thread-local variables |

pub mod atomic;
pub mod bits;
pub mod call;
pub mod chain;
pub mod compare;
mod constant;
pub mod control;
pub mod convert;
pub mod divide;
pub mod float;
pub mod int;
pub mod mem;
pub mod operands;
pub mod overflow;
pub mod select;
mod tls;
pub mod wide;
pub mod wide_shift;

use super::Aarch64;
use crate::lower::families::{Families, FamilyLowering};
use crate::lower::vocabulary::Lowering;
use crate::machine::amode::AddressForms;

impl Lowering for Aarch64 {
    const ADDRESS_FORMS: AddressForms = operands::ADDRESS_FORMS;
}

impl FamilyLowering for Aarch64 {
    const FAMILIES: Families<Self> = Families {
        load: mem::load,
        float_load: float::load,
        store: mem::store,
        float_store: float::store,
        add_or_subtract: int::add_or_subtract,
        logic: int::logic,
        negate: int::unary,
        complement: int::unary,
        multiply: int::multiply,
        multiply_high: divide::multiply_high,
        divide: divide::divide,
        extend: int::extend,
        shift: int::shift,
        min_max: select::min_max,
        absolute: select::absolute,
        bits: bits::lower,
        overflow: overflow::lower,
        compare: compare::compare,
        select: select::select,
        bit_select: select::bit_select,
        mask: select::mask_of,
        trap_if: compare::trap_if,
        wide: wide::lower,
        float: float::lower,
        float_logic: float::bitwise,
        float_bit_select: float::bit_select,
        atomic: atomic::lower,
    };
}
