//! Facts about a target that lowering, allocation, emission and listings all need.

use super::convention::Convention;
use super::inst::{Row, RowId};
use super::reg::{FloatWidth, PReg, PRegSet, RegClass, RegisterFile};
use crate::ir::{CallConv, Endianness, Shape, StackSlotData};
use crate::options::Flags;

/// Properties of a function that decide which registers are allocatable in it.
#[derive(Clone, Copy, Debug)]
pub struct RegisterNeeds {
    /// Whether the function keeps a frame pointer.
    pub frame_pointer: bool,
    /// Whether the function calls others.
    pub calls: bool,
    /// Whether the single-pass allocator is used, which takes registers round-robin.
    pub single_pass: bool,
}

/// The rows that move values of one register class between registers and spill slots.
#[derive(Clone, Copy)]
pub struct Moves {
    /// Copies a register to another, which is the first operand.
    pub copy: RowId,
    /// Loads a register from a spill slot.
    pub load: RowId,
    /// Stores a register to a spill slot.
    pub store: RowId,
}

/// Move rows by register class and width.
pub struct MoveRows {
    /// Integer registers.
    pub int: Moves,
    /// Float registers whose values have at most 64 bits.
    pub float: Moves,
    /// Whole vector registers.
    pub vector: Moves,
    /// How much of a float register a variadic function saves.
    pub saved: FloatWidth,
}

impl MoveRows {
    /// Returns the rows for a register class, given the greatest width of values of the float class.
    #[inline]
    pub const fn of(&self, class: RegClass, width: FloatWidth) -> &Moves {
        match (class, width) {
            (RegClass::Int, _) => &self.int,
            (RegClass::Float, FloatWidth::Scalar) => &self.float,
            (RegClass::Float | RegClass::Vector, _) => &self.vector,
        }
    }
}

/// A target as a machine: its name, instructions, registers and calling conventions.
pub trait Machine: Sized + Send + Sync + 'static {
    /// Name of the target in messages.
    const NAME: &'static str;

    /// Byte order.
    const ENDIANNESS: Endianness;

    /// Alignment of the stack pointer in bytes: at least 8.
    const STACK_ALIGNMENT: u32 = 16;

    /// Whether a frame pointer register links frames; if not, `preserve_frame_pointers` links them in memory
    /// only.
    const LINKED_BY_REGISTER: bool = true;

    /// The row of the jump to a VCode block, whose label is the only word.
    const JUMP: RowId;

    /// Rows of the moves that the allocator asks for.
    const MOVES: MoveRows;

    /// The register that `enable_pinned_reg` reserves.
    const PINNED: PReg;

    /// The frame pointer, in functions that keep one.
    const FRAME_POINTER: PReg;

    /// The register that holds the return address on entry, if it is allocatable: functions that write it
    /// save it.
    const RETURN_ADDRESS: Option<PReg> = None;

    /// Registers in which an exception's payload words arrive, all distinct.
    const EXCEPTION_PAYLOAD: &'static [PReg];

    /// The target's instruction table.
    fn rows() -> &'static [Row];

    /// Returns the allocatable registers of a function. Each register costs allocation time, and again at
    /// every call that clobbers it. The single-pass allocator uses them round-robin, so offering a
    /// callee-saved one makes most functions save it.
    fn register_file(flags: &Flags, needs: RegisterNeeds) -> RegisterFile;

    /// Returns the row of a calling convention; `None` if the target does not support it.
    fn convention(call_conv: CallConv) -> Option<&'static Convention>;

    /// Returns the number by which DWARF knows a register.
    fn dwarf(register: PReg) -> u16;

    /// Whether values of a shape can be in registers.
    fn supports(shape: Shape) -> bool {
        match shape {
            Shape::Int | Shape::Wide | Shape::Float | Shape::Half | Shape::Quad => true,
            Shape::Vector | Shape::HalfVector | Shape::SmallVector | Shape::SmallHalfVector => true,
            Shape::None | Shape::LargeVector | Shape::Dynamic => false,
        }
    }
}

/// Returns those of some registers that a function may allocate: not the pinned register or the frame
/// pointer, if they are in use.
pub fn allocatable<M: Machine>(
    flags: &Flags,
    needs: RegisterNeeds,
    registers: impl IntoIterator<Item = PReg>,
) -> PRegSet {
    let reserved = |register| {
        (needs.frame_pointer && register == M::FRAME_POINTER)
            || (flags.enable_pinned_reg() && register == M::PINNED)
    };
    let registers = registers.into_iter().filter(|&register| !reserved(register));
    registers.fold(PRegSet::empty(), PRegSet::with)
}

/// Returns the registers that a function saves if it writes them. The target must support the convention.
pub fn preserved<M: Machine>(call_conv: CallConv, flags: &Flags) -> PRegSet {
    let convention = M::convention(call_conv).expect("the function's signature was located");
    let mut preserved = convention.preserved;
    if flags.enable_pinned_reg() {
        preserved.remove(M::PINNED);
    }
    M::RETURN_ADDRESS.map_or(preserved, |register| preserved.with(register))
}

/// Whether a slot asks for more than the stack pointer's alignment. If so, its address is rounded up wherever
/// it is taken.
pub fn is_overaligned<M: Machine>(slot: &StackSlotData) -> bool {
    1 << slot.align_shift > M::STACK_ALIGNMENT
}
