//! aarch64.
//!
//! | file | what |
//! |---|---|
//! | `rows` | instructions, generated from `isa/aarch64` |
//! | `operands`, `regs` | operand values, registers |
//! | `format`, `encode`, `address`, `branch`, `pseudo` | from instructions to bytes |
//! | `print` | from instructions to text |
//! | `abi`, `frame` | calling conventions, prologue and epilogue |
//! | `lower` | from CLIF to instructions |

pub mod abi;
pub mod address;
pub mod atomic_loop;
pub mod branch;
pub mod encode;
pub mod format;
pub mod frame;
pub mod lower;
pub mod operands;
pub mod print;
pub mod pseudo;
pub mod regs;
pub mod rows;

use crate::ir::{CallConv, Endianness, Inst, InstData, Signature, StackSlot, Stencil, TrapCode, Type, Value};
use crate::mach::abi::AbiSignature;
use crate::mach::address::AddressForms;
use crate::mach::buffer::CodeBuffer;
use crate::mach::compiled::SymbolRef;
use crate::mach::frame::Frame;
use crate::mach::inst::{Row, RowId};
use crate::mach::isa::{Isa, MoveRows, RegisterNeeds, Remaking};
use crate::mach::lower::{Lower, Unsupported};
use crate::mach::view::{Expansion, InstView, Places};
use crate::mach::{call, control, families};
use crate::options::Flags;
use operands::OperandSize;
use regalloc2::{Allocation, MachineEnv, PReg, PRegSet, VReg};
use regs::*;

/// The target.
pub struct Aarch64;

/// A sink for instructions written at once.
pub type Direct<'a> = crate::mach::direct::Direct<'a, Aarch64>;

impl Isa for Aarch64 {
    const NAME: &'static str = "aarch64";

    const ENDIANNESS: Endianness = Endianness::Little;

    const ADDRESS_FORMS: AddressForms = lower::operands::ADDRESS_FORMS;

    type Branches = branch::Branches;

    const JUMP: RowId = rows::JUMP;

    type Syntax = print::Arm;

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn machine_env(flags: &Flags, needs: RegisterNeeds) -> MachineEnv {
        let kept =
            |reg: PReg| (needs.frame_pointer && reg == FP) || (flags.enable_pinned_reg() && reg == PINNED);
        let set = |registers: &mut dyn Iterator<Item = PReg>| {
            registers.filter(|&reg| !kept(reg)).fold(PRegSet::empty(), PRegSet::with)
        };
        // With calls, there are the fewer of those that are lost at each; but the call of an address takes eight arguments,
        // a pointer to results in memory, and the address.
        let (ints, vectors) = if needs.calls { (11, 20) } else { (16, 32) };
        // To the single-pass allocator, none that have to be saved: the others are enough.
        let (saved_ints, saved_vectors) = if needs.single_pass { (19, 8) } else { (30, 16) };
        MachineEnv {
            preferred_regs_by_class: [
                set(&mut (0..ints).map(gpr)),
                set(&mut (0..8).chain(16..vectors).map(vector)),
                PRegSet::empty(),
            ],
            non_preferred_regs_by_class: [
                set(&mut (19..saved_ints).map(gpr)),
                set(&mut (8..saved_vectors).map(vector)),
                PRegSet::empty(),
            ],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        }
    }

    fn lower(cx: &mut Lower<'_, Self>, inst: Inst) -> Result<(), Unsupported> {
        families::lower(cx, inst)
    }

    fn lower_terminator(cx: &mut Lower<'_, Self>, inst: Inst, targets: &[u32]) -> Result<(), Unsupported> {
        control::lower(cx, inst, targets)
    }

    fn lower_branch(cx: &mut Lower<'_, Self>, value: Value, may_fold: bool, targets: &[u32]) {
        lower::branch_on(cx, value, may_fold, targets);
    }

    fn lower_params(cx: &mut Lower<'_, Self>) -> Result<(), Unsupported> {
        call::params(cx)
    }

    fn constant_remaking(data: &InstData) -> Remaking {
        lower::mem::constant_remaking(data)
    }

    fn make_constant(cx: &mut Lower<'_, Self>, data: &InstData, d: VReg) {
        lower::mem::make_constant(cx, data, d);
    }

    fn make_slot_address(cx: &mut Lower<'_, Self>, d: VReg, slot: StackSlot, offset: i32) {
        lower::mem::slot_address(cx, d, slot, offset);
    }

    fn make_symbol_address(
        cx: &mut Lower<'_, Self>,
        d: VReg,
        symbol: SymbolRef,
        offset: i64,
        colocated: bool,
    ) {
        lower::mem::symbol_address(cx, d, symbol, offset, colocated);
    }

    fn zero_extends(data: &InstData, ty: Type) -> bool {
        lower::int::zero_extends(data, ty)
    }

    fn one_branch(f: &Stencil, conditions: [Value; 2]) -> bool {
        lower::chain::one_branch(f, conditions)
    }

    fn zero_extend(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, _: bool) {
        rows::mov_r(cx, OperandSize::L32, d, a);
    }

    fn abi_signature(sig: &Signature, flags: &Flags) -> Result<AbiSignature, String> {
        call::abi_signature::<Self>(sig, flags)
    }

    fn exception_payload() -> &'static [PReg] {
        &[X0, X1]
    }

    fn preserved(call_conv: CallConv, flags: &Flags) -> PRegSet {
        call::preserved::<Self>(call_conv, flags)
    }

    fn finish_frame(frame: &mut Frame, stencil: &Stencil, flags: &Flags) -> Result<(), String> {
        frame::finish(frame, stencil, flags)
    }

    fn emit_prologue(frame: &Frame, flags: &Flags, buffer: &mut CodeBuffer) {
        frame::prologue(frame, flags, buffer);
    }

    fn marks_landings(flags: &Flags) -> bool {
        flags.use_bti()
    }

    fn emit_landing(buffer: &mut CodeBuffer) {
        buffer.put4(rows::ROWS[rows::BTI_J.0 as usize].params[format::PATTERN]);
    }

    fn expansions() -> &'static [Expansion] {
        &rows::EXPANSIONS
    }

    fn encode(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
        encode::encode(view, places, buffer);
    }

    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer) {
        buffer.trap(code);
        buffer.put4(encode::UDF);
    }

    const MOVES: MoveRows = MoveRows {
        copy: [rows::MOVX_R, rows::MOV_16B],
        load: [rows::LDRX, rows::LDRD_F],
        store: [rows::STRX, rows::STRD_F],
    };

    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer) {
        encode::transfer(row, register, other, frame, buffer);
    }
}
