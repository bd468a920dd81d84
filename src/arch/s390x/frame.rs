//! Prologue, epilogue and frame layout of s390x.
//!
//! From high to low addresses, a frame consists of incoming arguments; the 160 bytes in which the caller lets
//! us save general registers; room that tail calls need (the 160 bytes are then below it); saved
//! floating-point registers; the part that [`Frame::place_locals`] lays out; and, in functions with calls,
//! 160 bytes for callees. One instruction saves all general registers from the first one written up to the
//! stack pointer, and one restores them. A function that writes none has no prologue.
//!
//! The stack pointer is a multiple of 8. A backchain, on request, is the caller's stack pointer, stored at
//! ours.

use super::abi::{SAVE_AREA, save_slot};
use super::address::{LONG, SCRATCH};
use super::operands::Cond;
use super::regs::*;
use super::{Direct, S390x, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::encoding::Emission;
use crate::emit::frame::{Frame, LimitStep};
use crate::emit::inst_view::{Places, physical};
use crate::emit::stack_checks::{StackChecks, check_limit, probe, probes};
use crate::ir::*;
use crate::machine::amode::{Amode, Place};
use crate::machine::description::Machine;
use crate::machine::inst::Label;
use crate::machine::reg::{PReg, RegClass, VReg};
use crate::machine::size::{L32, Q64};
use crate::machine::symbol::{LibCall, SymbolRef};
use crate::machine::unwind::UnwindOp;
use crate::options::{Flags, ProbestackStrategy};

impl Emission for S390x {
    const RESERVED_BY_CALLER: u32 = SAVE_AREA;

    fn finish_frame(frame: &mut Frame, stencil: &Stencil, flags: &Flags) -> Result<(), String> {
        frame.check_size::<S390x>(stencil, MAX_FRAME)?;
        let locals = frame.place_locals::<S390x>(&stencil.stack_slots);
        let outline = flags.probestack_strategy() == ProbestackStrategy::Outline;
        if outline && probes(locals + 8 * FLOATS, flags) {
            frame.written.add(R14);
        }
        let is_saved = |frame: &Frame, reg| frame.written.contains(reg) || (frame.frame_pointer && reg == FP);
        for reg in frame.preserved {
            if is_saved(frame, reg) {
                frame.saved.push(reg);
            }
        }
        frame.saved.sort_by_key(|reg| (reg.class() == RegClass::Float, reg.hw_enc()));
        let floats = saved_floats(frame).count() as u32;
        frame.saved_vectors = locals;
        frame.size = frame.saved_vectors + 8 * floats;
        frame.incoming = frame.size + frame.growth;
        Ok(())
    }

    fn set_stack_pointer(frame: &Frame, buffer: &mut CodeBuffer) {
        rows::l_rr(&mut sink(frame, buffer), Q64, SP, physical(FP));
    }

    fn go_if_selected(selector: u32, handler: Label, frame: &Frame, buffer: &mut CodeBuffer) {
        let sink = &mut sink(frame, buffer);
        rows::clfi_ri(sink, L32, physical(S390x::EXCEPTION_PAYLOAD[1]), selector as i32);
        rows::brc_label(sink, Cond::E, handler);
    }

    fn emit_prologue(frame: &Frame, flags: &Flags, buffer: &mut CodeBuffer) {
        let sink = &mut sink(frame, buffer);
        let mut cfa = SAVE_AREA;
        if frame.growth > 0 {
            move_stack(sink, -(frame.growth as i32));
            cfa += frame.growth;
            sink.buffer().unwind(UnwindOp::CfaOffset(cfa as i32));
        }
        if first_saved(frame).is_none() && frame.incoming > 0 {
            // Unwinding does not derive the caller's stack pointer, which is not the canonical frame address.
            sink.buffer().unwind(UnwindOp::IsOffset { register: dwarf(R15), offset: -(SAVE_AREA as i32) });
        }
        if let Some(first) = first_saved(frame) {
            rows::stmg(sink, physical(first), SP, Amode::base(SP, save_slot(first) as i32));
            for number in restored_numbers(frame, flags) {
                let offset = save_slot(gpr(number)) as i32 - cfa as i32;
                sink.buffer().unwind(UnwindOp::SaveRegister { register: number.into(), offset });
            }
        }
        check_limit(frame, sink);
        probe(frame, flags, sink);
        if frame.size > 0 {
            let chain = flags.preserve_frame_pointers() && frame.calls;
            match frame.growth {
                _ if !chain => {}
                0 => rows::l_rr(sink, Q64, SCRATCH, SP),
                growth => rows::la(sink, SCRATCH, Amode::base(SP, growth as i32)),
            }
            move_stack(sink, -(frame.size as i32));
            cfa += frame.size;
            sink.buffer().unwind(UnwindOp::CfaOffset(cfa as i32));
            if chain {
                rows::st_mr(sink, Q64, SCRATCH, Amode::base(SP, 0));
            }
        }
        if frame.frame_pointer {
            rows::l_rr(sink, Q64, physical(FP), SP);
            sink.buffer().unwind(UnwindOp::DefCfa { register: dwarf(FP), offset: cfa });
        }
        for (number, &reg) in saved_floats(frame).enumerate() {
            let at = frame.saved_vectors + 8 * number as u32;
            rows::fst_mr(sink, Q64, physical(reg), Amode::base(SP, at as i32));
            let offset = at as i32 - cfa as i32;
            sink.buffer().unwind(UnwindOp::SaveRegister { register: dwarf(reg), offset });
        }
    }
}

const SP: VReg = physical(R15);

/// The largest frame: even with the largest stack arguments, sizes are signed 32-bit immediates.
const MAX_FRAME: u64 = 0x6fff_0000;

/// Number of floating-point registers, which may all have to be saved.
const FLOATS: u32 = 16;

/// The saved floating-point registers.
fn saved_floats(frame: &Frame) -> impl Iterator<Item = &PReg> {
    frame.saved.iter().filter(|reg| reg.class() == RegClass::Float)
}

/// The first saved general register. All registers from it up to the stack pointer are saved.
fn first_saved(frame: &Frame) -> Option<PReg> {
    frame.saved.first().copied().filter(|reg| reg.class() == RegClass::Int)
}

/// The general registers that the epilogue restores, as runs from first to last. The pinned register, which
/// may lie among the saved ones, is not restored.
fn restored(frame: &Frame, flags: &Flags) -> impl Iterator<Item = (PReg, PReg)> {
    let first = first_saved(frame);
    let split = flags.enable_pinned_reg() && first.is_some_and(|first| first.hw_enc() <= PINNED.hw_enc());
    let runs = match first {
        Some(first) if split => [Some((first, BELOW_PINNED)), Some((ABOVE_PINNED, R15))],
        first => [first.map(|first| (first, R15)), None],
    };
    runs.into_iter().flatten().filter(|(first, last)| first.hw_enc() <= last.hw_enc())
}

const BELOW_PINNED: PReg = gpr(PINNED.hw_enc() as u8 - 1);
const ABOVE_PINNED: PReg = gpr(PINNED.hw_enc() as u8 + 1);

/// Whether the return address is saved, and may not be in its register any more.
pub fn saves_return_address(frame: &Frame) -> bool {
    first_saved(frame).is_some()
}

/// The numbers of the general registers that the epilogue restores.
fn restored_numbers(frame: &Frame, flags: &Flags) -> impl Iterator<Item = u8> {
    restored(frame, flags).flat_map(|(first, last)| first.hw_enc() as u8..=last.hw_enc() as u8)
}

/// A sink for prologue and epilogue.
fn sink<'a>(frame: &'a Frame, buffer: &'a mut CodeBuffer) -> Direct<'a> {
    Direct::new(Places { frame, constants: Label(0) }, buffer)
}

/// Adds to the stack pointer, by the shortest instruction.
pub fn move_stack(sink: &mut Direct, by: i32) {
    match by {
        -0x8000..0 => rows::ahi_ri(sink, Q64, SP, SP, by),
        _ if LONG.contains(&by) => rows::la(sink, SP, Amode::base(SP, by)),
        _ => rows::afi_ri(sink, Q64, SP, SP, by),
    }
}

impl StackChecks for Direct<'_> {
    fn limit_step(&mut self, step: LimitStep, from: Option<PReg>) {
        let from = from.map_or(SCRATCH, physical);
        match step {
            LimitStep::Start(reg) => rows::l_rr(self, Q64, SCRATCH, physical(reg)),
            LimitStep::Symbol(symbol) => rows::l_rm(self, Q64, SCRATCH, Amode::at(Place::Got(symbol), 0)),
            LimitStep::Load(offset) => rows::l_rm(self, Q64, SCRATCH, Amode::base(from, offset)),
            LimitStep::Add(offset) => {
                if from != SCRATCH {
                    rows::l_rr(self, Q64, SCRATCH, from);
                }
                rows::afi_ri(self, Q64, SCRATCH, SCRATCH, offset);
            }
        }
    }

    fn trap_below_limit(&mut self, bytes: u32) {
        if bytes > 0 {
            rows::afi_ri(self, Q64, SCRATCH, SCRATCH, bytes as i32);
        }
        rows::trap_clr(self, Q64, SP, SCRATCH, Cond::L, TrapCode::STACK_OVERFLOW.0);
    }

    /// Passes the size in r1. The routine changes no other register than r14.
    fn call_probe(&mut self, bytes: u32) {
        rows::lgfi(self, SCRATCH, bytes as i32);
        rows::call_symbol(self, 0, SymbolRef::LibCall(LibCall::Probestack), 0, &[]);
    }

    fn touch(&mut self, below: u32) {
        rows::cl_rm(self, Q64, SP, Amode::base(SP, -(below as i32)));
    }

    fn touch_each(&mut self, step: u32, count: u32) {
        rows::lgfi(self, SCRATCH, -(step as i32));
        let again = self.buffer().label_here();
        rows::cl_rm(self, Q64, SP, Amode::indexed(SP, SCRATCH, 0, 0));
        rows::afi_ri(self, Q64, SCRATCH, SCRATCH, -(step as i32));
        rows::cfi_ri(self, Q64, SCRATCH, -((count * step) as i32));
        rows::brc_label(self, Cond::Eh, again);
    }
}

/// Whether the epilogue overwrites a register.
pub fn restores(frame: &Frame, flags: &Flags, register: VReg) -> bool {
    restored_numbers(frame, flags).any(|number| usize::from(number) == register.vreg())
}

/// Whether the epilogue reaches all saved registers without computing an address.
pub fn is_near(frame: &Frame) -> bool {
    frame.size < (LONG.end as u32) - SAVE_AREA
}

/// Undoes the prologue, and moves the stack pointer `up` bytes above the position it had after
/// [`Frame::growth`] was subtracted.
pub fn epilogue(frame: &Frame, up: u32, flags: &Flags, buffer: &mut CodeBuffer) {
    let sink = &mut sink(frame, buffer);
    for (number, &reg) in saved_floats(frame).enumerate() {
        let at = frame.saved_vectors + 8 * number as u32;
        rows::fl_rm(sink, Q64, physical(reg), Amode::base(SP, at as i32));
    }
    for (first, last) in restored(frame, flags) {
        let at = Amode::base(SP, (frame.size + save_slot(first)) as i32);
        rows::lmg(sink, physical(first), physical(last), at);
    }
    if first_saved(frame).is_none() && frame.size > 0 {
        move_stack(sink, frame.size as i32);
    }
    if frame.has_unwind_state() {
        sink.buffer().unwind(UnwindOp::DefCfa { register: dwarf(R15), offset: SAVE_AREA + frame.growth });
    }
    if up > 0 {
        move_stack(sink, up as i32);
        // The saved registers are below the stack pointer now, and have been restored.
        for number in restored_numbers(frame, flags) {
            sink.buffer().unwind(UnwindOp::RestoreRegister(number.into()));
        }
        sink.buffer().unwind(UnwindOp::CfaOffset((SAVE_AREA + frame.growth) as i32 - up as i32));
    }
}
