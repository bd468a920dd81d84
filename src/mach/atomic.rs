//! Atomic read-modify-write operations that take a loop: what one round computes.

use super::size::OperandSize;
use crate::ir::AtomicRmwOp;

/// What one round of the loop computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The operation.
    pub op: AtomicRmwOp,
    /// Size of the access; of 128 bits, of a half.
    pub size: OperandSize,
    /// Memory has the bytes in the other order.
    pub swap: bool,
}

impl Step {
    /// As an immediate of 8 bits.
    pub fn pack(self) -> i32 {
        self.op as i32 | (self.size as i32) << 4 | (self.swap as i32) << 6
    }

    /// From such an immediate.
    pub fn unpack(word: u32) -> Self {
        let op = AtomicRmwOp::from_code((word & 15) as u16);
        let size = OperandSize::from_bits(8 << (word >> 4 & 3));
        Step { op, size, swap: word >> 6 & 1 != 0 }
    }
}

/// Whether an operation treats all bits alike: then its operands may as well have their bytes in another order.
pub fn is_bitwise(op: AtomicRmwOp) -> bool {
    use AtomicRmwOp::*;
    matches!(op, And | Or | Xor | Nand | Xchg)
}
