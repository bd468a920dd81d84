//! The vocabulary of registers: virtual and physical ones, operands, and what an allocator makes of them.
//!
//! The types are regalloc2's, named here and in `alloc/` only: the rest of clifc knows them by this module, so that
//! an allocator of our own sees the same words. A [`PReg`]'s `hw_enc` is the register's number in instructions; how an
//! allocator indexes registers in its search is its own affair (`alloc/`).

pub use regalloc2::{
    Allocation, Edit, Inst, InstPosition, Operand, OperandConstraint, OperandKind, OperandPos, Output, PReg,
    PRegSet, ProgPoint, RegClass, SpillSlot, VReg,
};

/// Index of a block of VCode.
pub use regalloc2::Block as VBlock;

/// The registers that an allocator may use in a function, by class.
#[derive(Clone, Copy, Debug)]
pub struct RegisterFile {
    /// Integer registers.
    pub ints: ClassFile,
    /// Float and vector registers.
    pub floats: ClassFile,
    /// Whether a search for a free register that begins at a random index should find the preferred registers spread
    /// over all indices, rather than next to each other.
    pub spread: bool,
}

/// The allocatable registers of one class.
#[derive(Clone, Copy, Debug)]
pub struct ClassFile {
    /// Registers to be used first: as a rule, those that calls clobber.
    pub preferred: PRegSet,
    /// Registers that cost something when they are first used: as a rule, callee-saved ones.
    pub others: PRegSet,
}

impl ClassFile {
    /// No registers.
    pub const NONE: ClassFile = ClassFile { preferred: PRegSet::empty(), others: PRegSet::empty() };
}

impl RegisterFile {
    /// All allocatable registers.
    pub fn all(&self) -> PRegSet {
        let mut all = self.ints.preferred;
        for set in [self.ints.others, self.floats.preferred, self.floats.others] {
            all.union_from(set);
        }
        all
    }
}
