//! The vocabulary of registers: virtual and physical registers, operands, and allocations.
//!
//! The types are regalloc2's, which only this module and `alloc/` name: an allocator of our own can replace
//! it without touching the rest of clifc. A [`PReg`]'s `hw_enc` is the register's number in instructions.
//! Allocators may index registers in another way internally (`alloc/permutation.rs`).

use crate::ir::{Shape, Type};

pub use regalloc2::{
    Allocation, Edit, Inst, InstPosition, Operand, OperandConstraint, OperandKind, OperandPos, Output, PReg,
    PRegSet, ProgPoint, RegClass, SpillSlot, VReg,
};

/// Index of a block of VCode.
pub use regalloc2::Block as VBlock;

/// Whether an operand with these bits, or any of several of which they are the union, asks for more than a
/// register or memory.
#[inline]
pub const fn is_constrained(bits: u64) -> bool {
    bits >> CONSTRAINT > REGISTER
}

/// Where in an operand's bits its constraint begins.
pub const CONSTRAINT: u32 = 36;

/// The constraint that any register satisfies.
pub const REGISTER: u64 = 1;

/// The greatest width of values of the float class in a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum FloatWidth {
    /// No value is wider than 64 bits.
    #[default]
    Scalar,
    /// Some value is wider than 64 bits.
    Vector,
}

/// The registers that hold a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Registers {
    /// Class of the registers.
    pub class: RegClass,
    /// Number of registers: one or two.
    pub count: u8,
    /// Width of the value; always `Scalar` for the integer class.
    pub width: FloatWidth,
}

impl Registers {
    /// Returns the registers that hold values of a type. Functions with values that no register holds must
    /// have been refused.
    #[inline]
    pub(crate) fn of_value(ty: Type) -> Self {
        Self::of(ty).expect("functions with other types are refused")
    }

    /// Returns the registers for values of a type; `None` if such values can't be in registers.
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
            // What computes on small vectors uses whole registers.
            Shape::Quad | Shape::SmallVector | Shape::SmallHalfVector | Shape::Vector | Shape::HalfVector => {
                (RegClass::Float, 1, FloatWidth::Vector)
            }
            Shape::None | Shape::LargeVector | Shape::Dynamic => return None,
        };
        Some(Registers { class, count, width })
    }
}

/// Returns the size of a class's spill slots in units of 8 bytes. Float slots hold a whole vector register,
/// since the allocator may use a slot for values of either width.
pub const fn spill_units(class: RegClass) -> usize {
    match class {
        RegClass::Int => 1,
        RegClass::Float | RegClass::Vector => 2,
    }
}

/// The registers that a call clobbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clobbered {
    /// All of them.
    pub all: PRegSet,
    /// Those of which one half is preserved. It is all that a function has to save for its own callers.
    pub halves: PRegSet,
}

impl Clobbered {
    /// Registers that are clobbered whole.
    pub const fn whole(all: PRegSet) -> Self {
        Clobbered { all, halves: PRegSet::empty() }
    }

    /// What either of two calls clobbers.
    pub fn union(self, other: Self) -> Self {
        let whole = |Clobbered { mut all, halves }: Clobbered| {
            all.intersect_from(halves.invert());
            all
        };
        let (mut all, mut halves, mut wholes) = (self.all, self.halves, whole(self));
        all.union_from(other.all);
        halves.union_from(other.halves);
        wholes.union_from(whole(other));
        halves.intersect_from(wholes.invert());
        Clobbered { all, halves }
    }
}

/// The allocatable registers of a function, by class.
#[derive(Clone, Copy, Debug)]
pub struct RegisterFile {
    /// Integer registers.
    pub ints: ClassFile,
    /// Float and vector registers.
    pub floats: ClassFile,
    /// Whether to spread the preferred registers over all indices, for an allocator whose search for a free
    /// register begins at a random index.
    pub spread: bool,
}

/// The allocatable registers of one class.
#[derive(Clone, Copy, Debug)]
pub struct ClassFile {
    /// Registers to use first: usually those that calls clobber.
    pub preferred: PRegSet,
    /// Registers whose first use has a cost: usually callee-saved ones.
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
