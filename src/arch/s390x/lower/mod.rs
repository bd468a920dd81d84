//! Lowering of CLIF to s390x, one file for each family of opcodes.
//!
//! | file | what it lowers or supplies |
//! |---|---|
//! | `inputs` | operands: immediates, memory, extended registers; rows by kind of operand |
//! | `constant` | constants and addresses |
//! | `int`, `logic`, `shift` | integers of up to 64 bits: arithmetic, extensions, bitwise, shifts |
//! | `bits` | counting, reversing and swapping bits |
//! | `divide` | division, remainder, high halves of products |
//! | `overflow` | arithmetic with carry and overflow |
//! | `wide` | i128 |
//! | `compare` | comparisons, and the instructions that set or trap by them |
//! | `select` | selection without branches, minima and maxima, absolute values |
//! | `float` | arithmetic of f32 and f64 |
//! | `convert` | conversions between integers and floats |
//! | `half`, `quad` | f16; f128 |
//! | `mem` | loads and stores |
//! | `atomic` | atomic accesses and fences |
//! | `control`, `tls` | branches, the frame, thread-local addresses |
//! | `call` | calls |
//! | `vector/` | vectors of 128 bits |
//! | `field` | bit fields, by instructions that rotate, mask and insert at once |

mod atomic;
mod bits;
mod call;
mod compare;
mod constant;
mod control;
mod convert;
mod divide;
mod field;
mod float;
mod half;
mod inputs;
mod int;
mod logic;
mod mem;
mod overflow;
mod quad;
mod select;
mod shift;
mod tls;
mod vector;
mod wide;

use crate::arch::s390x::S390x;
use crate::lower::families::{Families, FamilyLowering};
use crate::lower::vocabulary::Lowering;
use crate::machine::amode::AddressForms;

impl Lowering for S390x {
    const ADDRESS_FORMS: AddressForms = inputs::INDEXED;
}

impl FamilyLowering for S390x {
    const FAMILIES: Families<Self> = Families {
        load: mem::load,
        float_load: mem::load_float,
        store: mem::store,
        float_store: mem::store_float,
        add_or_subtract: int::add_or_subtract,
        logic: logic::logic,
        negate: int::negate,
        complement: logic::complement,
        multiply: int::multiply,
        multiply_high: divide::multiply_high,
        divide: divide::divide,
        extend: int::extend,
        shift: shift::shift,
        min_max: select::min_max,
        absolute: select::absolute,
        bits: bits::lower,
        compare: compare::compare,
        select: select::select,
        mask: select::mask,
        float: float::lower,
        float_logic: float::bitwise,
        float_bit_select: float::bit_select,
    };
}
