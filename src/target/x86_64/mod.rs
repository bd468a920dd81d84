//! x86_64.
//!
//! | file | what |
//! |---|---|
//! | `rows` | instructions, generated from `isa/x86_64` |
//! | `amode`, `regs` | operand values, registers |
//! | `format`, `encode`, `pseudo` | from instructions to bytes |
//! | `print` | from instructions to text |
//! | `abi`, `frame` | calling conventions, prologue and epilogue |
//! | `lower` | from CLIF to instructions |

pub mod abi;
pub mod amode;
pub mod atomic_loop;
pub mod encode;
pub mod format;
pub mod frame;
pub mod lower;
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
use regalloc2::{Allocation, MachineEnv, PReg, PRegSet, VReg};
use regs::*;

/// The target.
pub struct X86_64;

/// A sink for instructions written at once.
pub type Direct<'a> = crate::mach::direct::Direct<'a, X86_64>;

impl Isa for X86_64 {
    const NAME: &'static str = "x86_64";

    const ENDIANNESS: Endianness = Endianness::Little;

    const ADDRESS_FORMS: AddressForms = lower::operands::ADDRESS_FORMS;

    type Branches = encode::Branches;

    const JUMP: RowId = rows::JUMP;

    type Syntax = print::Att;

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn machine_env(flags: &Flags, needs: RegisterNeeds) -> MachineEnv {
        let mut preserved = PRegSet::empty();
        let kept =
            |reg: PReg| (needs.frame_pointer && reg == RBP) || (flags.enable_pinned_reg() && reg == R15);
        for reg in [RBX, R12, R13, R14, R15, RBP].into_iter().filter(|&reg| !kept(reg)) {
            preserved.add(reg);
        }
        let mut scratch = PRegSet::empty();
        for reg in [RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11] {
            scratch.add(reg);
        }
        let mut vectors = PRegSet::empty();
        for number in 0..16 {
            vectors.add(xmm(number));
        }
        MachineEnv {
            preferred_regs_by_class: [scratch, vectors, PRegSet::empty()],
            non_preferred_regs_by_class: [preserved, PRegSet::empty(), PRegSet::empty()],
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
        lower::control::branch_on(cx, value, may_fold, targets);
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

    fn zero_extend(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, _: bool) {
        rows::mov_rm(cx, amode::OperandSize::L32, d, amode::Rm::Reg(a));
    }

    fn abi_signature(sig: &Signature, flags: &Flags) -> Result<AbiSignature, String> {
        call::abi_signature::<Self>(sig, flags)
    }

    fn exception_payload() -> &'static [PReg] {
        &[RAX, RDX]
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

    fn expansions() -> &'static [Expansion] {
        &rows::EXPANSIONS
    }

    fn encode(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
        encode::encode(view, places, buffer);
    }

    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer) {
        buffer.trap(code);
        buffer.put(&[0x0F, 0x0B]);
    }

    const MOVES: MoveRows = MoveRows {
        copy: [rows::MOVQ_RM, rows::MOVAPS_RR],
        load: [rows::MOVQ_RM, rows::MOVUPS_LOAD],
        store: [rows::MOVQ_MR, rows::MOVUPS_STORE],
    };

    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer) {
        encode::transfer(row, register, other, frame, buffer);
    }
}
