//! What pure opcodes compute: on every type, in terms of bits, and independently of any target.
//!
//! [`pure`] looks the opcode up in a table that the families put together, a file each: integer arithmetic,
//! overflow, bits, comparison, selection, lanes, floats, conversions, constants. Whether an opcode belongs
//! there follows from its row in [`crate::ir::opcode`] ([`is_pure`]), and the table is complete or clifc
//! does not build.
//!
//! Where CLIF leaves a choice, eval makes one:
//! - A NaN that floating-point arithmetic yields is the positive quiet NaN without a payload, whatever its
//!   operands. Opcodes that only move bits or change the sign (`fneg`, `fabs`, `fcopysign`, `bitcast`,
//!   `select`) keep NaNs.
//! - A dynamic vector has its minimum size.
//!
//! Operands must be what the verifier allows.

mod arith;
mod bits;
mod compare;
mod constant;
mod convert;
mod float;
mod lanes;
mod meaning;
mod overflow;
mod select;
mod sqrt;
#[cfg(test)]
mod tests;
mod value;

use crate::ir::{Constant, Endianness, FloatCc, Format, InstData, IntCc, Opcode, Stencil, TrapCode, Type};
use meaning::{Operation, Table, table};

pub(crate) use compare::int_holds;
pub use meaning::{Results, is_pure};
pub use value::Value;

/// Why there are no results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The opcode traps on these operands.
    Trap(TrapCode),
    /// The opcode is not pure.
    Impure,
    /// There is no such part of a dynamic vector whose scale is 1.
    NoSuchPart,
}

/// What an opcode takes besides values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Immediate<'a> {
    /// Nothing.
    None,
    /// The bits of a scalar constant.
    Bits(u64),
    /// The bytes of a constant or of a shuffle mask.
    Bytes(&'a [u8]),
    /// The number of a lane.
    Lane(u32),
    /// An integer condition.
    IntCc(IntCc),
    /// A float condition.
    FloatCc(FloatCc),
    /// A trap code.
    Trap(TrapCode),
    /// The byte order of a `bitcast`, which may leave it open if it changes nothing.
    Order(Option<Endianness>),
}

impl<'a> Immediate<'a> {
    /// The immediate of an instruction whose opcode is pure.
    pub fn of(stencil: &'a Stencil, data: &InstData) -> Self {
        let bytes = |constant| stencil.constants.get(Constant(constant)).and_then(Option::as_deref);
        match data.opcode.format() {
            Format::Imm | Format::ImmF64 => Immediate::Bits(data.imm64()),
            Format::ImmF16 | Format::ImmF32 => Immediate::Bits(u64::from(data.a)),
            Format::Const => Immediate::Bytes(bytes(data.a).unwrap_or_default()),
            Format::Shuffle => Immediate::Bytes(bytes(data.c).unwrap_or_default()),
            Format::BinaryImm8 | Format::TernaryImm8 => Immediate::Lane(u32::from(data.aux)),
            Format::IntCompare => Immediate::IntCc(data.int_cc()),
            Format::FloatCompare => Immediate::FloatCc(data.float_cc()),
            Format::CondTrap | Format::AddTrap => Immediate::Trap(data.trap_code()),
            Format::LoadNoOffset => Immediate::Order(stencil.mem_flags[data.mem_flags()].endianness),
            Format::Nullary
            | Format::Unary
            | Format::GlobalValue
            | Format::Binary
            | Format::Ternary
            | Format::Multiary
            | Format::Jump
            | Format::Brif
            | Format::BrTable
            | Format::Call
            | Format::CallIndirect
            | Format::TryCall
            | Format::TryCallIndirect
            | Format::Trap
            | Format::FuncAddr
            | Format::AtomicRmw
            | Format::AtomicCas
            | Format::Load
            | Format::Store
            | Format::StoreNoOffset
            | Format::StackAddr
            | Format::DynamicStackAddr
            | Format::HandlerAddr
            | Format::TakeStructure => Immediate::None,
        }
    }
}

static MEANINGS: Table = table(&[
    arith::ROWS,
    bits::ROWS,
    compare::ROWS,
    constant::ROWS,
    convert::ROWS,
    float::ROWS,
    lanes::ROWS,
    overflow::ROWS,
    select::ROWS,
]);

/// What a pure opcode with the controlling type `ty` computes.
pub fn pure(opcode: Opcode, ty: Type, immediate: Immediate, args: &[Value]) -> Result<Results, Fault> {
    match MEANINGS[opcode as usize] {
        Some(meaning) => meaning.apply(&Operation { opcode, ty, immediate, args }),
        None => Err(Fault::Impure),
    }
}
