//! s390x.
//!
//! | file | what |
//! |---|---|
//! | `rows` | instructions, generated from `isa/s390x` |
//! | `cond`, `regs` | conditions, registers |
//! | `format`, `encode`, `pseudo`, `atomic_loop` | from instructions to bytes |
//! | `print` | from instructions to text |
//! | `abi`, `frame` | calling conventions, prologue and epilogue |
//! | `lower` | from CLIF to instructions |

pub mod abi;
pub mod atomic_loop;
pub mod cond;
pub mod encode;
pub mod format;
pub mod frame;
pub mod lower;
pub mod print;
pub mod pseudo;
pub mod regs;
pub mod rows;

use crate::ir::{
    CallConv, Endianness, Inst, InstData, Opcode, Signature, StackSlot, Stencil, TrapCode, Type, Value,
};
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
pub struct S390x;

/// A sink for instructions written at once.
pub type Direct<'a> = crate::mach::direct::Direct<'a, S390x>;

impl Isa for S390x {
    const NAME: &'static str = "s390x";

    const ENDIANNESS: Endianness = Endianness::Big;

    const STACK_ALIGNMENT: u32 = 8;

    const TRUSTS_EXTENSIONS: bool = true;

    const LINKED_BY_REGISTER: bool = false;

    const ADDRESS_FORMS: AddressForms = lower::operands::INDEXED;

    type Branches = encode::Branches;

    const JUMP: RowId = rows::JUMP;

    type Syntax = print::Assembler;

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn machine_env(flags: &Flags, needs: RegisterNeeds) -> MachineEnv {
        let kept = |reg: PReg| {
            (needs.frame_pointer && reg == abi::FRAME_POINTER)
                || (flags.enable_pinned_reg() && reg == abi::PINNED)
        };
        let set = |regs: &mut dyn Iterator<Item = PReg>| {
            regs.filter(|&reg| !kept(reg)).fold(PRegSet::empty(), PRegSet::with)
        };
        MachineEnv {
            preferred_regs_by_class: [set(&mut (2..6).map(gpr)), set(&mut (0..8).map(fpr)), PRegSet::empty()],
            // What must be saved to be used.
            non_preferred_regs_by_class: [
                set(&mut (6..15).map(gpr)),
                set(&mut (8..16).map(fpr)),
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
        lower::compare::branch_on(cx, value, may_fold, targets);
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
        lower::operands::zero_extends(data, ty)
    }

    fn extends_if_asked(opcode: Opcode) -> bool {
        opcode == Opcode::Load
    }

    fn zero_extend(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, overwrite: bool) {
        match overwrite {
            true => rows::llgf_t(cx, d, a),
            false => rows::llgf_rr(cx, d, a),
        }
    }

    fn abi_signature(sig: &Signature, flags: &Flags) -> Result<AbiSignature, String> {
        call::abi_signature::<Self>(sig, flags)
    }

    fn exception_payload() -> &'static [PReg] {
        &[R6, R7]
    }

    fn preserved(call_conv: CallConv, flags: &Flags) -> PRegSet {
        call::preserved::<Self>(call_conv, flags).with(regs::R14)
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
        buffer.put(&[0, 0]);
    }

    const MOVES: MoveRows = MoveRows {
        copy: [rows::LG_RR, rows::FLD_RR],
        load: [rows::LG_RM, rows::FLD_RM],
        store: [rows::STG_MR, rows::FSTD_MR],
    };

    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer) {
        encode::transfer(row, register, other, frame, buffer);
    }
}
