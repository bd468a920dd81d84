//! The vocabulary of registers: virtual and physical ones, operands, and what an allocator makes of them.
//!
//! The types are regalloc2's, named here and in `alloc/` only: the rest of clifc knows them by this module,
//! so that an allocator of our own sees the same words. A [`PReg`]'s `hw_enc` is the register's number in
//! instructions; how an allocator indexes registers in its search is its own affair (`alloc/`).

use crate::ir::{Shape, Type};

pub use regalloc2::{
    Allocation, Edit, Inst, InstPosition, Operand, OperandConstraint, OperandKind, OperandPos, Output, PReg,
    PRegSet, ProgPoint, RegClass, SpillSlot, VReg,
};

/// Index of a block of VCode.
pub use regalloc2::Block as VBlock;

/// How much of their registers the values of the float class take, in a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum FloatWidth {
    /// At most 64 bits.
    #[default]
    Scalar,
    /// More than that, of some.
    Vector,
}

/// The registers that a value takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Registers {
    /// Their class.
    pub class: RegClass,
    /// How many: one or two.
    pub count: u8,
    /// For the float class, how much of a register is taken.
    pub width: FloatWidth,
}

impl Registers {
    /// The registers that a value of a type takes; `None` if there are no registers for such values.
    #[inline]
    pub fn of(ty: Type) -> Option<Self> {
        static BY_SHAPE: [Option<Registers>; Shape::ALL.len()] = {
            let mut registers = [None; Shape::ALL.len()];
            let mut at = 0;
            while at < registers.len() {
                registers[at] = Registers::of_shape(Shape::ALL[at]);
                at += 1;
            }
            registers
        };
        BY_SHAPE[Shape::of(ty) as usize]
    }

    /// The registers that a value of a shape takes.
    pub const fn of_shape(shape: Shape) -> Option<Self> {
        let (class, count, width) = match shape {
            Shape::Int => (RegClass::Int, 1, FloatWidth::Scalar),
            Shape::Wide => (RegClass::Int, 2, FloatWidth::Scalar),
            Shape::Float | Shape::Half => (RegClass::Float, 1, FloatWidth::Scalar),
            Shape::Quad | Shape::SmallVector | Shape::Vector => (RegClass::Float, 1, FloatWidth::Vector),
            Shape::None | Shape::LargeVector | Shape::Dynamic => return None,
        };
        Some(Registers { class, count, width })
    }
}

/// The number of 8-byte units in a spill slot of a class. It goes by class alone, since an allocator may give
/// a slot to values of either width: float slots hold a whole vector register.
pub const fn spill_units(class: RegClass) -> usize {
    match class {
        RegClass::Int => 1,
        RegClass::Float | RegClass::Vector => 2,
    }
}

/// The registers that an allocator may use in a function, by class.
#[derive(Clone, Copy, Debug)]
pub struct RegisterFile {
    /// Integer registers.
    pub ints: ClassFile,
    /// Float and vector registers.
    pub floats: ClassFile,
    /// Whether a search for a free register that begins at a random index should find the preferred registers
    /// spread over all indices, rather than next to each other.
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
