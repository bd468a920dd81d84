//! Prologue, epilogue and frame layout of aarch64.
//!
//! From high to low addresses, a frame consists of incoming arguments, room that tail calls need, saved
//! general registers, saved vector registers, and the part that [`Frame::place_locals`] lays out. Registers
//! are saved in pairs. The topmost pair is the frame pointer and the return address, which together make a
//! frame record. Where Apple's compact unwind information describes a pair, its first register is on top. A
//! function that needs none of this has no prologue.

use super::address::{add_constant, load_constant, load_from_got};
use super::operands::Cond;
use super::regs::*;
use super::{Aarch64, Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::encoding::{Emission, Encoding};
use crate::emit::frame::{Frame, LimitStep};
use crate::emit::inst_view::{Places, physical};
use crate::emit::stack_checks::{StackChecks, calls_probe, check_limit, probe};
use crate::ir::*;
use crate::machine::amode::{Amode, PackedAmode};
use crate::machine::description::Machine;
use crate::machine::inst::{Label, RowId};
use crate::machine::reg::{Allocation, PReg, RegClass};
use crate::machine::size::{L32, Q64};
use crate::machine::symbol::{LibCall, SymbolRef};
use crate::machine::unwind::UnwindOp;
use crate::options::Flags;

impl Emission for Aarch64 {
    fn finish_frame(frame: &mut Frame, stencil: &Stencil, flags: &Flags) -> Result<(), String> {
        frame.check_size::<Aarch64>(stencil, MAX_FRAME)?;
        let call_conv = stencil.signature.call_conv;
        frame.size = frame.place_locals::<Aarch64>(&stencil.stack_slots).next_multiple_of(16);
        frame.whole_vectors = call_conv == CallConv::PreserveAll;
        if frame.whole_vectors && frame.calls {
            // Callees preserve only the low halves of these.
            (8..16).for_each(|number| frame.written.add(vector(number)));
        }
        if frame.calls || frame.frame_pointer || calls_probe(frame.size, flags) {
            frame.saved.push(LR);
        }
        if frame.frame_pointer {
            frame.saved.push(FP);
        }
        let always = frame.saved.len();
        let written = frame.preserved.into_iter().filter(|&reg| frame.written.contains(reg));
        frame.saved.extend(written.filter(|&reg| !(frame.frame_pointer && reg == FP)));
        if flags.enable_compact_unwind_abi() {
            complete_pairs(&mut frame.saved, always);
            frame.saved[always..].sort_by_key(|reg| (reg.class() == RegClass::Float, number(*reg)));
        }
        frame.incoming = frame.size + saved_bytes(frame) + frame.growth;
        Ok(())
    }

    fn set_stack_pointer(frame: &Frame, buffer: &mut CodeBuffer) {
        let sink = &mut Direct::new(Places { frame, constants: Label(0) }, buffer);
        let below = saved_bytes(frame) - UNIT + frame.size;
        add_constant(physical(SP), physical(FP), -i64::from(below), sink);
    }

    fn go_if_selected(selector: u32, handler: Label, frame: &Frame, buffer: &mut CodeBuffer) {
        let sink = &mut Direct::new(Places { frame, constants: Label(0) }, buffer);
        let payload = physical(Aarch64::EXCEPTION_PAYLOAD[1]);
        match selector {
            0..0x1000 => rows::cmp_ri(sink, L32, payload, selector as i32),
            _ => {
                load_constant(physical(X16), selector.into(), sink);
                rows::cmp_rr(sink, L32, payload, physical(X16));
            }
        }
        rows::b_cc(sink, Cond::Eq, handler);
    }

    fn emit_prologue(frame: &Frame, flags: &Flags, buffer: &mut CodeBuffer) {
        let sink = &mut Direct::new(Places { frame, constants: Label(0) }, buffer);
        if signs(frame, flags) {
            match flags.sign_return_address_with_bkey() {
                false => rows::paciasp(sink),
                true => rows::pacibsp(sink),
            }
            sink.buffer().unwind(UnwindOp::NegateReturnAddressState);
        } else if flags.use_bti() {
            rows::bti_c(sink);
        }
        let mut writer = Writer { sink, frame, cfa: 0, from_frame_pointer: false };
        writer.lower_stack(frame.growth);
        writer.save(RegClass::Int);
        if frame.frame_pointer {
            let record = area_bytes(frame, RegClass::Int) - UNIT;
            rows::add_ri(writer.sink, Q64, physical(FP), physical(SP), record as i32);
            writer.from_frame_pointer = true;
            let offset = writer.cfa - record;
            writer.sink.buffer().unwind(UnwindOp::DefCfa { register: dwarf(FP), offset });
        }
        writer.save(RegClass::Float);
        check_limit(frame, writer.sink);
        probe(frame, flags, writer.sink);
        writer.lower_stack(frame.size);
    }
}

/// The largest frame: offsets in it are 32-bit displacements.
const MAX_FRAME: u64 = 0x7fff_0000;

/// Size in bytes of a pair of saved 8-byte registers.
const UNIT: u32 = 16;

/// Adds registers to `saved`, from index `always` on, until all are paired as compact unwind information
/// requires: x19 with x20 and so on, d8 with d9 and so on.
fn complete_pairs(saved: &mut Vec<PReg>, always: usize) {
    for at in always..saved.len() {
        let reg = saved[at];
        let number = number(reg);
        let other = match reg.class() {
            RegClass::Int => gpr(((number - 1) ^ 1) + 1),
            RegClass::Float | RegClass::Vector => vector(number ^ 1),
        };
        if !saved.contains(&other) {
            saved.push(other);
        }
    }
}

/// The saved registers of a class.
fn saved(frame: &Frame, class: RegClass) -> &[PReg] {
    let floats = frame.saved.iter().rev().take_while(|reg| reg.class() == RegClass::Float).count();
    let (ints, floats) = frame.saved.split_at(frame.saved.len() - floats);
    if class == RegClass::Int { ints } else { floats }
}

/// A pair of saved registers, or a single one, saved by one instruction.
struct Unit {
    /// The upper register.
    first: PReg,
    /// The lower register.
    second: Option<PReg>,
    /// Offset in bytes of the unit from the lowest register of its class.
    offset: u32,
}

impl Unit {
    /// The registers with their offsets.
    fn registers(&self, frame: &Frame) -> impl Iterator<Item = (PReg, u32)> {
        let upper = self.offset + if self.second.is_some() { register_bytes(frame, self.first) } else { 0 };
        [(self.second, self.offset), (Some(self.first), upper)]
            .into_iter()
            .filter_map(|(reg, offset)| Some((reg?, offset)))
    }
}

/// Size in bytes of a saved register.
fn register_bytes(frame: &Frame, reg: PReg) -> u32 {
    if frame.whole_vectors && reg.class() == RegClass::Float { 16 } else { 8 }
}

/// The units of a class, topmost first.
fn units(frame: &Frame, class: RegClass) -> impl DoubleEndedIterator<Item = Unit> {
    let regs = saved(frame, class);
    let size = regs.first().map_or(0, |&reg| 2 * register_bytes(frame, reg));
    let last = regs.len().div_ceil(2).saturating_sub(1) as u32;
    regs.chunks(2).enumerate().map(move |(number, pair)| Unit {
        first: pair[0],
        second: pair.get(1).copied(),
        offset: size * (last - number as u32),
    })
}

/// Size in bytes of the saved registers of a class.
fn area_bytes(frame: &Frame, class: RegClass) -> u32 {
    let regs = saved(frame, class);
    let size = regs.first().map_or(UNIT, |&reg| 2 * register_bytes(frame, reg));
    regs.len().div_ceil(2) as u32 * size
}

/// Size in bytes of all saved registers.
fn saved_bytes(frame: &Frame) -> u32 {
    area_bytes(frame, RegClass::Int) + area_bytes(frame, RegClass::Float)
}

/// Whether the return address is saved in the frame.
pub fn saves_return_address(frame: &Frame) -> bool {
    frame.saved.first() == Some(&LR)
}

/// Whether the return address is signed.
pub fn signs(frame: &Frame, flags: &Flags) -> bool {
    flags.sign_return_address_all() || flags.sign_return_address() && saves_return_address(frame)
}

/// Writes a prologue or epilogue and records how the canonical frame address is found in it.
struct Writer<'a, 'b> {
    sink: &'a mut Direct<'b>,
    frame: &'a Frame,
    /// Bytes from the stack pointer to the canonical frame address.
    cfa: u32,
    /// Whether unwinding finds the canonical frame address by the frame pointer.
    from_frame_pointer: bool,
}

/// Undoes the prologue, except for the room that tail calls need: the stack pointer is at its lower end
/// afterwards.
pub fn epilogue(frame: &Frame, buffer: &mut CodeBuffer) {
    let sink = &mut Direct::new(Places { frame, constants: Label(0) }, buffer);
    let from_frame_pointer = frame.frame_pointer;
    let mut writer = Writer { sink, frame, cfa: frame.incoming, from_frame_pointer };
    writer.raise_stack(frame.size);
    writer.restore(RegClass::Float);
    writer.restore(RegClass::Int);
}

impl Writer<'_, '_> {
    /// Records that the stack pointer is `by` bytes lower than before.
    fn moved(&mut self, by: i32) {
        self.cfa = self.cfa.wrapping_add_signed(by);
        if !self.from_frame_pointer {
            self.sink.buffer().unwind(UnwindOp::CfaOffset(self.cfa as i32));
        }
    }

    /// Subtracts from the stack pointer.
    fn lower_stack(&mut self, bytes: u32) {
        for step in stack_steps(bytes) {
            add_constant(physical(SP), physical(SP), -(step as i64), self.sink);
            self.moved(step as i32);
        }
    }

    /// Adds to the stack pointer.
    fn raise_stack(&mut self, bytes: u32) {
        for step in stack_steps(bytes) {
            add_constant(physical(SP), physical(SP), step as i64, self.sink);
            self.moved(-(step as i32));
        }
    }

    /// Saves the registers of a class, lowest unit first: its store moves the stack pointer.
    fn save(&mut self, class: RegClass) {
        let bytes = area_bytes(self.frame, class);
        if bytes == 0 {
            return;
        }
        let rows = SaveRows::of(self.frame, class);
        for unit in units(self.frame, class).rev() {
            if unit.offset > 0 {
                access(self.sink, rows.store, &unit);
            } else if self.frame.whole_vectors && class == RegClass::Float {
                self.lower_stack(bytes);
                access(self.sink, rows.store, &unit);
            } else {
                access_moving(self.sink, rows.push, &unit, -(bytes as i32));
                self.moved(bytes as i32);
            }
            for (reg, offset) in unit.registers(self.frame) {
                let offset = offset as i32 - self.cfa as i32;
                self.sink.buffer().unwind(UnwindOp::SaveRegister { register: dwarf(reg), offset });
            }
        }
    }

    /// Restores the registers of a class, lowest unit last.
    fn restore(&mut self, class: RegClass) {
        let bytes = area_bytes(self.frame, class);
        if bytes == 0 {
            return;
        }
        let rows = SaveRows::of(self.frame, class);
        for unit in units(self.frame, class) {
            if unit.offset > 0 {
                access(self.sink, rows.load, &unit);
            } else if self.frame.whole_vectors && class == RegClass::Float {
                access(self.sink, rows.load, &unit);
                self.raise_stack(bytes);
            } else {
                access_moving(self.sink, rows.pop, &unit, bytes as i32);
                self.moved(-(bytes as i32));
            }
            if self.from_frame_pointer && unit.registers(self.frame).any(|(reg, _)| reg == FP) {
                self.from_frame_pointer = false;
                let op = UnwindOp::DefCfa { register: dwarf(SP), offset: self.cfa };
                self.sink.buffer().unwind(op);
            }
        }
    }
}

/// The steps in which the stack pointer moves by a number of bytes: one instruction each, so that each can be
/// recorded for unwinding.
fn stack_steps(bytes: u32) -> impl Iterator<Item = u32> {
    const LOW: u32 = (1 << 12) - 1;
    let steps = if bytes < 1 << 24 { [bytes & !LOW, bytes & LOW] } else { [bytes, 0] };
    steps.into_iter().filter(|&step| step != 0)
}

/// Rows that save and restore registers of one kind: `[one register, two registers]`.
struct SaveRows {
    /// Stores above the stack pointer.
    store: [RowId; 2],
    /// Loads from above the stack pointer.
    load: [RowId; 2],
    /// Lowers the stack pointer, then stores.
    push: [RowId; 2],
    /// Loads, then raises the stack pointer.
    pop: [RowId; 2],
}

impl SaveRows {
    const INT: SaveRows = SaveRows {
        store: [rows::STRX, rows::STPX],
        load: [rows::LDRX, rows::LDPX],
        push: [rows::STR_PUSH, rows::STP_PUSH],
        pop: [rows::LDR_POP, rows::LDP_POP],
    };
    const FLOAT: SaveRows = SaveRows {
        store: [rows::STRD_F, rows::STPD_F],
        load: [rows::LDRD_F, rows::LDPD_F],
        push: [rows::STRD_PUSH, rows::STPD_PUSH],
        pop: [rows::LDRD_POP, rows::LDPD_POP],
    };
    /// Rows for whole vector registers; the stack pointer is moved by an instruction of its own.
    const VECTOR: SaveRows =
        SaveRows { store: [rows::STRQ_F, rows::STPQ_F], load: [rows::LDRQ_F, rows::LDPQ_F], ..Self::FLOAT };

    fn of(frame: &Frame, class: RegClass) -> &'static Self {
        match class {
            RegClass::Int => &Self::INT,
            RegClass::Float | RegClass::Vector if frame.whole_vectors => &Self::VECTOR,
            RegClass::Float | RegClass::Vector => &Self::FLOAT,
        }
    }
}

/// Writes an access of a unit at the stack pointer that moves the stack pointer by `by` bytes.
fn access_moving(sink: &mut Direct, [one, two]: [RowId; 2], unit: &Unit, by: i32) {
    let first = Allocation::reg(unit.first);
    match unit.second.map(Allocation::reg) {
        Some(second) => sink.write(two, &[second, first], &[by as u32]),
        None => sink.write(one, &[first], &[by as u32]),
    }
}

/// Writes an access of a unit at its offset above the stack pointer.
fn access(sink: &mut Direct, [one, two]: [RowId; 2], unit: &Unit) {
    let (first, base) = (Allocation::reg(unit.first), Allocation::reg(SP));
    let words = &[PackedAmode::BASE, unit.offset];
    match unit.second.map(Allocation::reg) {
        Some(second) => sink.write(two, &[second, first, base], words),
        None => sink.write(one, &[first, base], words),
    }
}

impl StackChecks for Direct<'_> {
    fn limit_step(&mut self, step: LimitStep, from: Option<PReg>) {
        let limit = physical(X16);
        let from = from.map_or(limit, physical);
        match step {
            LimitStep::Start(reg) => rows::mov_r(self, Q64, limit, physical(reg)),
            LimitStep::Symbol(symbol) => load_from_got(limit, symbol, self.buffer()),
            LimitStep::Load(offset) => rows::ldr(self, Q64, limit, Amode::base(from, offset)),
            LimitStep::Add(offset) => add_constant(limit, from, offset as i64, self),
        }
    }

    fn trap_below_limit(&mut self, bytes: u32) {
        let limit = physical(X16);
        add_constant(limit, limit, bytes as i64, self);
        rows::cmpx_rux(self, physical(SP), limit, 0);
        // The trap is not out of line, where unwind information is that of the body, after the prologue.
        let past = self.buffer().label();
        rows::b_cc(self, Cond::Hs, past);
        Aarch64::emit_trap(TrapCode::STACK_OVERFLOW, self.buffer());
        self.buffer().bind(past);
    }

    fn call_probe(&mut self, bytes: u32) {
        load_constant(physical(X15), bytes as u64, self);
        let symbol = SymbolRef::LibCall(LibCall::Probestack);
        rows::bl(self, 0, symbol, 0, &[]);
    }

    fn touch(&mut self, below: u32) {
        add_constant(physical(X16), physical(SP), -(below as i64), self);
        rows::str(self, L32, physical(XZR), Amode::base(physical(X16), 0));
    }

    fn touch_each(&mut self, step: u32, count: u32) {
        /// Larger steps need a register more than there is.
        const LARGE: u32 = 1 << 24;
        if step >= LARGE {
            return (1..=count).for_each(|number| self.touch(number * step));
        }
        let (place, last) = (physical(X16), physical(X17));
        add_constant(last, physical(SP), -((step * count) as i64), self);
        rows::add_ri(self, Q64, place, physical(SP), 0);
        let again = self.buffer().label_here();
        add_constant(place, place, -(step as i64), self);
        rows::str(self, L32, physical(XZR), Amode::base(place, 0));
        rows::cmp_rr(self, Q64, place, last);
        rows::b_cc(self, Cond::Ne, again);
    }
}
