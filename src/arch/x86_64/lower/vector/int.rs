//! Lane-wise arithmetic of integers.

use super::memory::{binary, commutative};
use crate::arch::x86_64::lower::float::{Op, op};
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::rows;
use crate::ir::*;
use crate::lower::context::Lowered;

/// Addition.
static ADD: Op = op!(padd_rm vpadd_rm);
/// Subtraction.
static SUBTRACT: Op = op!(psub_rm vpsub_rm);

/// Lowers iadd and isub.
pub fn add_or_subtract(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    match data.opcode {
        Opcode::Iadd => commutative(cx, &ADD, d, &data),
        _ => binary(cx, &SUBTRACT, d, Value(data.a), Value(data.b)),
    }
    Ok(())
}
