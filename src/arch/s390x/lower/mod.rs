//! Lowering of CLIF to s390x, one file for each family of opcodes.
//!
//! | file | family |
//! |---|---|
//! | `operands`, `constant`, `field` | what rows take, constants, bit fields |
//! | `int`, `logic`, `shift` | arithmetic, bitwise operations, shifts up to 64 bits, extensions |
//! | `bits` | counting, reversing and swapping bits |
//! | `divide` | division, remainder, high halves of products |
//! | `overflow` | arithmetic with carry and overflow |
//! | `wide`, `wide_shift` | i128 |
//! | `compare` | comparisons and what consumes conditions |
//! | `float` | f32 and f64, loads and stores of floats |
//! | `convert` | between integers and floats |
//! | `mem` | loads, stores, addresses |
//! | `atomic` | atomic accesses and fences |
//! | `control`, `tls` | ends of blocks, the frame, thread-local addresses |
//! | `call` | calls, parameters, returns |

pub mod atomic;
pub mod bits;
pub mod call;
pub mod compare;
pub mod constant;
pub mod control;
pub mod convert;
pub mod divide;
pub mod field;
pub mod float;
pub mod int;
pub mod logic;
pub mod mem;
pub mod operands;
pub mod overflow;
pub mod shift;
pub mod tls;
pub mod wide;
pub mod wide_shift;

use super::S390x;
use crate::lower::families::{Families, FamilyLowering};
use crate::lower::vocabulary::Lowering;
use crate::machine::amode::AddressForms;

impl Lowering for S390x {
    const ADDRESS_FORMS: AddressForms = operands::INDEXED;
}

impl FamilyLowering for S390x {
    const FAMILIES: Families<Self> = Families {
        load: mem::load,
        float_load: float::load,
        store: mem::store,
        float_store: float::store,
        add_or_subtract: int::add_or_subtract,
        logic: logic::binary,
        negate: int::negate,
        complement: logic::complement,
        multiply: int::multiply,
        multiply_high: divide::multiply_high,
        divide: divide::divide,
        extend: int::extend,
        shift: shift::shift,
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
