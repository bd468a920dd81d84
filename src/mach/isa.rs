//! What a target tells the shared back end.

use super::abi::AbiSignature;
use super::address::AddressForms;
use super::buffer::{BranchForms, CodeBuffer, Label};
use super::compiled::SymbolRef;
use super::frame::Frame;
use super::inst::{Row, RowId};
use super::layout::Layout;
use super::lower::{Lower, Unsupported};
use super::print::Syntax;
use super::view::{Expansion, InstView, Places};
use crate::ir::{
    CallConv, Endianness, Inst, InstData, Opcode, Signature, StackSlot, Stencil, TrapCode, Type, Value, types,
};
use crate::options::Flags;
use regalloc2::{Allocation, MachineEnv, PReg, PRegSet, VReg};

/// What decides which registers there are for a function.
#[derive(Clone, Copy, Debug)]
pub struct RegisterNeeds {
    /// It keeps a frame pointer.
    pub frame_pointer: bool,
    /// It calls others.
    pub calls: bool,
    /// It gets the single-pass allocator.
    pub single_pass: bool,
}

/// Rows of moves, each for integers and for others.
pub struct MoveRows {
    /// From a register to another, which is the first operand.
    pub copy: [RowId; 2],
    /// From a spill slot to a register.
    pub load: [RowId; 2],
    /// From a register to a spill slot.
    pub store: [RowId; 2],
}

/// What instructions being emitted may look at: the same for those of a block.
pub struct EmitContext<'a> {
    /// Where things are in the frame.
    pub frame: &'a Frame,
    /// The block that is emitted next; block n is `Label(n)`.
    pub next: Label,
    /// The label of the function's constant 0; those of the others follow.
    pub constants: Label,
    /// The settings.
    pub flags: &'a Flags,
    /// Where blocks are.
    pub layout: &'a Layout,
}

impl EmitContext<'_> {
    /// Whether the code of a block comes next.
    pub fn falls_through_to(&self, block: Label) -> bool {
        Label(self.layout.emitted(block.0)) == self.next
    }
}

/// Whether and how a value is made again where it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remaking {
    /// It is not.
    No,
    /// At every use: it costs next to nothing.
    EachUse,
    /// Once for uses close to each other.
    Nearby,
}

/// A target: rows, registers, lowering, calling conventions and emission.
pub trait Isa: Sized + Send + Sync + 'static {
    /// Its name in messages.
    const NAME: &'static str;

    /// Its byte order.
    const ENDIANNESS: Endianness;

    /// What the stack pointer is a multiple of: at least 8.
    const STACK_ALIGNMENT: u32 = 16;

    /// Whether frames are linked by a register that is kept as frame pointer; else what `preserve_frame_pointers` asks
    /// for is in memory.
    const LINKED_BY_REGISTER: bool = true;

    /// Addresses that most of its memory operands can have.
    const ADDRESS_FORMS: AddressForms;

    /// Forms of its relaxable branches.
    type Branches: BranchForms;

    /// How its assembly text is spelt.
    type Syntax: Syntax;

    /// Its table of instructions.
    fn rows() -> &'static [Row];

    /// The allocatable registers of a function. Allocators take their time for each, for each at each call that it does not
    /// survive, and the single-pass one takes them in turn, so that most functions save those that have to be saved.
    fn machine_env(flags: &Flags, needs: RegisterNeeds) -> MachineEnv;

    /// Lowers an instruction that does not end a block.
    fn lower(cx: &mut Lower<'_, Self>, inst: Inst) -> Result<(), Unsupported>;

    /// Lowers the last instruction of a block; `targets` are the VCode blocks of its block calls.
    fn lower_terminator(cx: &mut Lower<'_, Self>, inst: Inst, targets: &[u32]) -> Result<(), Unsupported>;

    /// Lowers a branch on whether `value` is not zero, to the first or the second of two VCode blocks.
    /// `may_fold` says whether it may do loads that the condition depends on.
    fn lower_branch(cx: &mut Lower<'_, Self>, value: Value, may_fold: bool, targets: &[u32]);

    /// Its jump to a VCode block, which is the row's only word.
    const JUMP: RowId;

    /// Brings the function's parameters into the entry block's values.
    fn lower_params(cx: &mut Lower<'_, Self>) -> Result<(), Unsupported>;

    /// Whether and how an iconst, f32const or f64const is made again where it is used.
    fn constant_remaking(data: &InstData) -> Remaking;

    /// Makes the value of one.
    fn make_constant(cx: &mut Lower<'_, Self>, data: &InstData, d: VReg);

    /// Makes an address in a stack slot.
    fn make_slot_address(cx: &mut Lower<'_, Self>, d: VReg, slot: StackSlot, offset: i32);

    /// Makes the address of a symbol plus an offset.
    fn make_symbol_address(
        cx: &mut Lower<'_, Self>,
        d: VReg,
        symbol: SymbolRef,
        offset: i64,
        colocated: bool,
    );

    /// Whether parameters and results that are declared to be extended come extended to 64 bits, whoever made them.
    const TRUSTS_EXTENSIONS: bool = false;

    /// Whether the instruction that makes `data`'s result of type `ty` leaves zeros above it in the register.
    fn zero_extends(data: &InstData, ty: Type) -> bool;

    /// Whether instructions of an opcode extend their result themselves if it [wants zeros](Lower::wants_zeros).
    fn extends_if_asked(_: Opcode) -> bool {
        false
    }

    /// Pushes `d = a`, extended from 32 bits with zeros; flags stay. `overwrite` says that `d` had better be the register of `a`,
    /// which nothing else uses.
    fn zero_extend(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, overwrite: bool);

    /// Whether a branch on both or either of two comparisons is better one than two.
    fn one_branch(_: &Stencil, _: [Value; 2]) -> bool {
        false
    }

    /// Whether there are registers for values of a type.
    fn supports(ty: Type) -> bool {
        !ty.is_vector() && !matches!(ty, types::F16 | types::F128)
    }

    /// Where a signature's parameters and results are passed.
    fn abi_signature(sig: &Signature, flags: &Flags) -> Result<AbiSignature, String>;

    /// Registers that an exception's payload words come back in, all different from each other.
    fn exception_payload() -> &'static [PReg];

    /// Registers that a function of a convention saves if it writes them.
    fn preserved(call_conv: CallConv, flags: &Flags) -> PRegSet;

    /// Lays out the frame: what is saved where. An error says what is too large.
    fn finish_frame(frame: &mut Frame, stencil: &Stencil, flags: &Flags) -> Result<(), String>;

    /// Emits the function's entry sequence.
    fn emit_prologue(frame: &Frame, flags: &Flags, buffer: &mut CodeBuffer);

    /// Whether blocks that indirect branches go to begin with [`Isa::emit_landing`].
    fn marks_landings(_: &Flags) -> bool {
        false
    }

    /// Emits what an indirect branch may go to.
    fn emit_landing(_: &mut CodeBuffer) {}

    /// What expands its pseudo-instructions, by the first parameter of their rows.
    fn expansions() -> &'static [Expansion];

    /// Writes an instruction that is none, and notes where it can trap.
    fn encode(view: &InstView<'_>, places: Places<'_>, buffer: &mut CodeBuffer);

    /// Emits code out of line that traps.
    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer);

    /// What the allocator's moves are made of.
    const MOVES: MoveRows;

    /// Writes one of [`Isa::MOVES`], whose operands are a register and another or a spill slot.
    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer);
}
