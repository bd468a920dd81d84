//! Lowering of CLIF to x86_64, one file for each family of opcodes.
//!
//! | file | family |
//! |---|---|
//! | `operands` | address modes, folded loads, immediates: what rows take |
//! | `int` | arithmetic up to 64 bits, extensions, shifts |
//! | `bits` | counting, reversing and swapping bits |
//! | `divide`, `divide_constant` | division and remainder |
//! | `overflow` | arithmetic with carry and overflow |
//! | `wide`, `wide_shift` | i128 |
//! | `compare` | comparisons and what consumes conditions |
//! | `float` | f32 and f64, loads and stores of floats |
//! | `convert` | between integers and floats |
//! | `mem` | loads, stores, addresses |
//! | `atomic` | atomic accesses and fences |
//! | `control` | branches, thread-local addresses |
//! | `call` | what calls are made of |

pub mod atomic;
pub mod bits;
pub mod call;
pub mod compare;
mod constant;
pub mod control;
pub mod convert;
pub mod divide;
pub mod divide_constant;
pub mod float;
pub mod int;
pub mod mem;
pub mod operands;
pub mod overflow;
mod tls;
pub mod wide;
pub mod wide_shift;

use super::X86_64;
use crate::lower::families::{Families, FamilyLowering};
use crate::lower::vocabulary::Lowering;
use crate::machine::amode::AddressForms;

impl Lowering for X86_64 {
    const ADDRESS_FORMS: AddressForms = operands::ADDRESS_FORMS;
}

impl FamilyLowering for X86_64 {
    const FAMILIES: Families<Self> = Families {
        load: mem::load,
        float_load: float::load,
        store: mem::store,
        float_store: float::store,
        add_or_subtract: int::binary,
        logic: int::binary,
        negate: int::unary,
        complement: int::unary,
        multiply: int::multiply,
        multiply_high: divide::multiply_high,
        divide: divide::divide,
        extend: int::extend,
        shift: int::shift,
        min_max: int::min_max,
        absolute: int::absolute,
        bits: bits::lower,
        overflow: overflow::lower,
        compare: compare::compare,
        select: compare::select,
        bit_select: overflow::bit_select,
        mask: overflow::mask,
        trap_if: compare::trap_if,
        wide: wide::lower,
        float: float::lower,
        float_logic: float::bitwise,
        float_bit_select: float::bit_select,
        atomic: atomic::lower,
    };
}
