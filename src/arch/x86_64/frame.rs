//! Prologue, epilogue and frame layout of x86_64.
//!
//! From high to low addresses, a frame consists of incoming arguments, room that tail calls need, the return
//! address, the saved rbp if a frame pointer is kept, pushed registers, and the part that
//! [`Frame::place_locals`] lays out. A function that needs none of this has no prologue.

use super::operands::Cond;
use super::regs::*;
use super::{Direct, X86_64, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::encoding::{Emission, Encoding};
use crate::emit::frame::{Frame, LimitStep};
use crate::emit::inst_view::{Places, physical};
use crate::emit::stack_checks::{StackChecks, check_limit, probe, probes};
use crate::ir::*;
use crate::machine::amode::{Amode, Place};
use crate::machine::description::Machine;
use crate::machine::inst::Label;
use crate::machine::reg::{PReg, RegClass};
use crate::machine::reloc::RelocKind;
use crate::machine::size::{L32, Q64};
use crate::machine::symbol::{LibCall, SymbolRef};
use crate::machine::unwind::UnwindOp;
use crate::options::Flags;

impl Emission for X86_64 {
    fn finish_frame(frame: &mut Frame, stencil: &Stencil, flags: &Flags) -> Result<(), String> {
        frame.check_size::<X86_64>(stencil, MAX_FRAME)?;
        if pops_too_much(frame) {
            return Err("more than 64 KiB of stack arguments, which x86_64 can't remove".to_string());
        }
        let locals = frame.place_locals::<X86_64>(&stencil.stack_slots);
        if stencil.stack_limit.is_some() || probes(locals + 16 * VECTORS, flags) {
            frame.written.add(SCRATCH);
        }
        let mut vectors = 0;
        for reg in frame.preserved {
            if frame.written.contains(reg) && !(frame.frame_pointer && reg == RBP) {
                frame.saved.push(reg);
                vectors += (reg.class() == RegClass::Float) as u32;
            }
        }
        frame.saved.sort_by_key(|reg| (reg.class() == RegClass::Float, reg.hw_enc()));
        frame.saved_vectors = locals.next_multiple_of(16);
        let size = if vectors > 0 { frame.saved_vectors + 16 * vectors } else { locals };
        let pushed = pushed_bytes(frame);
        // A frame with calls or contents ends at a multiple of 16.
        frame.size = if size > 0 || frame.calls { (size + pushed).next_multiple_of(16) - pushed } else { 0 };
        frame.incoming = frame.size + pushed + frame.growth;
        Ok(())
    }

    fn set_stack_pointer(frame: &Frame, buffer: &mut CodeBuffer) {
        let sink = &mut Direct::new(Places { frame, constants: Label(0) }, buffer);
        // rbp points to where it is saved itself, below the return address.
        let below = frame.incoming - frame.growth - 16;
        rows::lea_rm(sink, Q64, physical(RSP), Amode::base(physical(RBP), -(below as i32)));
    }

    fn go_if_selected(selector: u32, handler: Label, frame: &Frame, buffer: &mut CodeBuffer) {
        let sink = &mut Direct::new(Places { frame, constants: Label(0) }, buffer);
        rows::cmp_mi(sink, L32, physical(X86_64::EXCEPTION_PAYLOAD[1]), selector as i32);
        rows::j_label(sink, Cond::E, handler);
    }

    fn emit_prologue(frame: &Frame, flags: &Flags, buffer: &mut CodeBuffer) {
        let sink = &mut Direct::new(Places { frame, constants: Label(0) }, buffer);
        let (rsp, rbp) = (physical(RSP), physical(RBP));
        let mut cfa = 8;
        if frame.growth > 0 {
            grow_incoming(frame, sink);
            cfa += frame.growth;
        }
        if frame.frame_pointer {
            rows::push_r(sink, rbp);
            cfa += 8;
            sink.buffer().unwind(UnwindOp::CfaOffset(cfa as i32));
            sink.buffer().unwind(save(RBP, cfa));
            rows::mov_rm(sink, Q64, rbp, rsp);
            sink.buffer().unwind(UnwindOp::DefCfa { register: dwarf(RBP), offset: cfa });
        }
        for &reg in frame.saved.iter().filter(|reg| reg.class() == RegClass::Int) {
            rows::push_r(sink, physical(reg));
            cfa += 8;
            if !frame.frame_pointer {
                sink.buffer().unwind(UnwindOp::CfaOffset(cfa as i32));
            }
            sink.buffer().unwind(save(reg, cfa));
        }
        check_limit(frame, sink);
        probe(frame, flags, sink);
        if frame.size > 0 {
            rows::sub_ri(sink, Q64, rsp, rsp, frame.size as i32);
            cfa += frame.size;
            if !frame.frame_pointer {
                sink.buffer().unwind(UnwindOp::CfaOffset(cfa as i32));
            }
        }
        for (number, &reg) in saved_vectors(frame).enumerate() {
            let at = frame.saved_vectors + 16 * number as u32;
            rows::movup_store(sink, L32, physical(reg), Amode::base(rsp, at as i32));
            sink.buffer().unwind(save(reg, cfa - at));
        }
    }
}

/// Number of vector registers, which may all have to be saved.
const VECTORS: u32 = 16;

/// The largest frame: offsets in it are 32-bit displacements.
const MAX_FRAME: u64 = 0x7fff_0000;

/// Whether the callee removes more stack arguments than `ret` can: it has a 16-bit immediate.
fn pops_too_much(frame: &Frame) -> bool {
    frame.callee_pops && frame.incoming_bytes + frame.growth > u16::MAX as u32
}

/// Bytes from the return address, inclusive, to the local part.
fn pushed_bytes(frame: &Frame) -> u32 {
    let pushed = frame.saved.iter().filter(|reg| reg.class() == RegClass::Int).count() as u32;
    8 * (1 + pushed + frame.frame_pointer as u32)
}

/// Unwind information for a register saved `below` bytes below the canonical frame address.
fn save(register: PReg, below: u32) -> UnwindOp {
    UnwindOp::SaveRegister { register: dwarf(register), offset: -(below as i32) }
}

/// The saved vector registers.
fn saved_vectors(frame: &Frame) -> impl Iterator<Item = &PReg> {
    frame.saved.iter().filter(|reg| reg.class() == RegClass::Float)
}

/// Moves the return address down to make room for a tail call's arguments.
fn grow_incoming(frame: &Frame, sink: &mut Direct) {
    let (rsp, scratch) = (physical(RSP), physical(SCRATCH));
    let growth = frame.growth as i32;
    rows::sub_ri(sink, Q64, rsp, rsp, growth);
    sink.buffer().unwind(UnwindOp::CfaOffset((8 + frame.growth) as i32));
    rows::mov_rm(sink, Q64, scratch, Amode::base(rsp, growth));
    rows::mov_mr(sink, Q64, scratch, Amode::base(rsp, 0));
    // The return address is now lower than at entry.
    let offset = -8 - growth;
    sink.buffer().unwind(UnwindOp::SaveRegister { register: RETURN_ADDRESS, offset });
}

/// A register that no convention passes anything in.
const SCRATCH: PReg = RAX;

/// The DWARF number of the return address column.
const RETURN_ADDRESS: u16 = 16;

impl StackChecks for Direct<'_> {
    fn limit_step(&mut self, step: LimitStep, from: Option<PReg>) {
        let scratch = physical(SCRATCH);
        let from = from.map_or(scratch, physical);
        match step {
            LimitStep::Start(reg) => rows::mov_rm(self, Q64, scratch, physical(reg)),
            LimitStep::Symbol(symbol) => {
                rows::mov_rm(self, Q64, scratch, Amode::at(Place::Got(symbol), 0));
            }
            LimitStep::Load(offset) => {
                rows::mov_rm(self, Q64, scratch, Amode::base(from, offset));
            }
            LimitStep::Add(offset) if from == scratch => {
                rows::add_ri(self, Q64, scratch, scratch, offset);
            }
            LimitStep::Add(offset) => {
                rows::lea_rm(self, Q64, scratch, Amode::base(from, offset));
            }
        }
    }

    fn trap_below_limit(&mut self, bytes: u32) {
        let (rsp, scratch) = (physical(RSP), physical(SCRATCH));
        if bytes > 0 {
            rows::add_ri(self, Q64, scratch, scratch, bytes as i32);
        }
        rows::cmp_rm(self, Q64, rsp, scratch);
        // The trap is not out of line, where unwind information is that of the body, after the prologue.
        let past = self.buffer().label();
        rows::j_label(self, Cond::Ae, past);
        X86_64::emit_trap(TrapCode::STACK_OVERFLOW, self.buffer());
        self.buffer().bind(past);
    }

    fn call_probe(&mut self, bytes: u32) {
        rows::movl_ri(self, physical(SCRATCH), bytes as i32);
        let buffer = self.buffer();
        buffer.put1(0xE8);
        let symbol = SymbolRef::LibCall(LibCall::Probestack);
        buffer.reloc(buffer.position(), RelocKind::X86Plt32, symbol, -4);
        buffer.put4(0);
    }

    fn touch(&mut self, below: u32) {
        rows::or_mi(self, L32, Amode::base(physical(RSP), -(below as i32)), 0);
    }

    fn touch_each(&mut self, step: u32, count: u32) {
        let (rsp, scratch) = (physical(RSP), physical(SCRATCH));
        rows::movq_ri(self, scratch, -(step as i32));
        let again = self.buffer().label_here();
        rows::or_mi(self, L32, Amode::indexed(rsp, scratch, 0, 0), 0);
        rows::sub_ri(self, Q64, scratch, scratch, step as i32);
        rows::cmp_mi(self, Q64, scratch, -((count * step) as i32));
        rows::j_label(self, Cond::Ge, again);
    }
}

/// Undoes the prologue down to the return address, which rsp points to afterwards.
pub fn epilogue(frame: &Frame, buffer: &mut CodeBuffer) {
    let sink = &mut Direct::new(Places { frame, constants: Label(0) }, buffer);
    let rsp = physical(RSP);
    for (number, &reg) in saved_vectors(frame).enumerate() {
        let at = frame.saved_vectors + 16 * number as u32;
        rows::movup_load(sink, L32, physical(reg), Amode::base(rsp, at as i32));
    }
    let mut cfa = frame.incoming;
    if frame.size > 0 {
        rows::add_ri(sink, Q64, rsp, rsp, frame.size as i32);
        cfa -= frame.size;
        if !frame.frame_pointer {
            sink.buffer().unwind(UnwindOp::CfaOffset(cfa as i32));
        }
    }
    for &reg in frame.saved.iter().rev().filter(|reg| reg.class() == RegClass::Int) {
        rows::pop_r(sink, physical(reg));
        cfa -= 8;
        if !frame.frame_pointer {
            sink.buffer().unwind(UnwindOp::CfaOffset(cfa as i32));
        }
    }
    if frame.frame_pointer {
        rows::pop_r(sink, physical(RBP));
        let offset = 8 + frame.growth;
        sink.buffer().unwind(UnwindOp::DefCfa { register: dwarf(RSP), offset });
    }
}

/// Records that registers saved in the frame have the caller's values again. This is needed after an epilogue
/// only if the stack pointer moves again before the function is left: saved registers are then no longer at
/// the recorded distance from it.
pub fn registers_are_back(frame: &Frame, buffer: &mut CodeBuffer) {
    for &reg in frame.saved.iter().chain(frame.frame_pointer.then_some(&RBP)) {
        buffer.unwind(UnwindOp::RestoreRegister(dwarf(reg)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::regs;
    use super::super::rows;
    use super::Direct;
    use crate::emit::buffer::CodeBuffer;
    use crate::emit::frame::Frame;
    use crate::emit::inst_view::{Places, physical};
    use crate::machine::amode::{Amode, Place};
    use crate::machine::inst::Label;
    use crate::machine::size::{L32, Q64};

    #[test]
    fn writes_a_prologue() {
        let mut buffer = CodeBuffer::default();
        let frame = Frame::default();
        let places = Places { frame: &frame, constants: Label(0) };
        let mut sink = Direct::new(places, &mut buffer);
        let (rsp, rbp, rdi) = (physical(regs::RSP), physical(regs::RBP), physical(regs::RDI));
        rows::push_r(&mut sink, rbp);
        rows::mov_rm(&mut sink, Q64, rbp, rsp);
        rows::sub_ri(&mut sink, Q64, rsp, rsp, 0x20);
        rows::mov_mr(&mut sink, L32, rdi, Amode::at(Place::Outgoing, 8));
        rows::add_ri(&mut sink, L32, rdi, rdi, 0x1234);
        let code: &[u8] = &[
            0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xEC, 0x20, 0x89, 0x7C, 0x24, 0x08, 0x81, 0xC7, 0x34, 0x12,
            0, 0,
        ];
        assert_eq!(buffer.bytes_from(0), code);
    }
}
