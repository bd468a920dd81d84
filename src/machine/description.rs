//! What a machine is: the facts about a target that lowering, allocation, emission and listings all need.

use super::convention::Convention;
use super::inst::{Row, RowId};
use super::reg::{FloatWidth, PReg, PRegSet, RegClass, RegisterFile};
use crate::ir::{CallConv, Endianness, Shape, StackSlotData};
use crate::options::Flags;

/// What decides which registers are allocatable in a function.
#[derive(Clone, Copy, Debug)]
pub struct RegisterNeeds {
    /// Whether the function keeps a frame pointer.
    pub frame_pointer: bool,
    /// Whether the function calls others.
    pub calls: bool,
    /// Whether registers are allocated in a single pass, which uses all of them in turn.
    pub single_pass: bool,
}

/// Rows that move a value between registers and spill slots.
#[derive(Clone, Copy)]
pub struct Moves {
    /// From a register to another, which is the first operand.
    pub copy: RowId,
    /// From a spill slot to a register.
    pub load: RowId,
    /// From a register to a spill slot.
    pub store: RowId,
}

/// Move rows by register class and width.
pub struct MoveRows {
    /// Integer registers.
    pub int: Moves,
    /// Float registers whose values have at most 64 bits.
    pub float: Moves,
    /// Whole vector registers, if the target supports types that need them.
    pub vector: Option<Moves>,
}

impl MoveRows {
    /// The rows for all of a register.
    pub fn whole(&self, class: RegClass) -> &Moves {
        match class {
            RegClass::Int => &self.int,
            RegClass::Float | RegClass::Vector => self.vector.as_ref().unwrap_or(&self.float),
        }
    }

    /// The rows for a class of registers, of which float ones hold values of up to this width.
    #[inline]
    pub const fn of(&self, class: RegClass, width: FloatWidth) -> &Moves {
        match (class, width) {
            (RegClass::Int, _) => &self.int,
            (RegClass::Float, FloatWidth::Scalar) => &self.float,
            (RegClass::Float | RegClass::Vector, _) => match &self.vector {
                Some(moves) => moves,
                None => panic!("a type of this width is supported only with rows that move it"),
            },
        }
    }
}

/// A target as a machine: its name, instructions, registers and calling conventions.
pub trait Machine: Sized + Send + Sync + 'static {
    /// Its name in messages.
    const NAME: &'static str;

    /// Its byte order.
    const ENDIANNESS: Endianness;

    /// What the stack pointer is a multiple of: at least 8.
    const STACK_ALIGNMENT: u32 = 16;

    /// Whether frames are linked by a register that is kept as frame pointer; if not, what
    /// `preserve_frame_pointers` asks for is in memory.
    const LINKED_BY_REGISTER: bool = true;

    /// Its jump to a VCode block, which is the row's only word.
    const JUMP: RowId;

    /// Rows of the moves that the allocator asks for.
    const MOVES: MoveRows;

    /// The register that `enable_pinned_reg` reserves.
    const PINNED: PReg;

    /// The frame pointer, in functions that keep one.
    const FRAME_POINTER: PReg;

    /// An allocatable register that holds the return address on entry, so that a function that writes it
    /// saves it.
    const RETURN_ADDRESS: Option<PReg> = None;

    /// Registers that an exception's payload words arrive in, all different from each other.
    const EXCEPTION_PAYLOAD: &'static [PReg];

    /// Its table of instructions.
    fn rows() -> &'static [Row];

    /// The allocatable registers of a function. Each register costs allocation time, and again at every call
    /// that clobbers it. The single-pass allocator uses them round-robin, so offering a callee-saved one
    /// makes most functions save it.
    fn register_file(flags: &Flags, needs: RegisterNeeds) -> RegisterFile;

    /// The row of a calling convention; `None` if the target does not have it.
    fn convention(call_conv: CallConv) -> Option<&'static Convention>;

    /// Whether values of a shape can be in registers.
    fn supports(shape: Shape) -> bool {
        matches!(shape, Shape::Int | Shape::Wide | Shape::Float)
    }
}

/// Those of some registers that a function can allocate: neither the pinned register nor the frame pointer,
/// if they
/// are in use.
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

/// Registers that a function of a convention saves if it writes them. The target has the convention.
pub fn preserved<M: Machine>(call_conv: CallConv, flags: &Flags) -> PRegSet {
    let convention = M::convention(call_conv).expect("places were found by this convention");
    let mut preserved = convention.preserved;
    if flags.enable_pinned_reg() {
        preserved.remove(M::PINNED);
    }
    M::RETURN_ADDRESS.map_or(preserved, |register| preserved.with(register))
}

/// Whether a slot asks for more than the stack pointer's alignment. Its address is then rounded up wherever
/// it is taken.
pub fn is_overaligned<M: Machine>(slot: &StackSlotData) -> bool {
    1 << slot.align_shift > M::STACK_ALIGNMENT
}
