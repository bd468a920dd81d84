//! The stack frame.
//!
//! From high to low addresses: incoming stack arguments, return address, saved registers, stack slots, spill
//! slots, outgoing stack arguments. Everything is addressed from the stack pointer, which does not move
//! between prologue and epilogue; a frame pointer is kept only on request.

use crate::entity::Map;
use crate::ir::{GlobalValueData, Purpose, StackSlot, StackSlotData, Stencil};
use crate::machine::abi::{AbiSignature, PartLocation, Used};
use crate::machine::amode::{Amode, Place};
use crate::machine::convention::Convention;
use crate::machine::description::Machine;
use crate::machine::description::is_overaligned;
use crate::machine::reg::{PReg, PRegSet, SpillSlot};
use crate::machine::symbol::SymbolRef;

/// The layout of a function's frame. Sizes are in bytes, offsets in bytes from the stack pointer after the
/// prologue.
#[derive(Debug, Default)]
pub struct Frame {
    /// Offset of each stack slot.
    pub slots: Map<StackSlot, u32>,
    /// Offset of the first spill slot. Slots are numbered in units of 8 bytes.
    pub spills: u32,
    /// Number of 8-byte units of spill slots.
    pub spill_count: u32,
    /// Size of the outgoing stack arguments, which begin at the stack pointer.
    pub outgoing: u32,
    /// Size of what the prologue allocates after saving registers.
    pub size: u32,
    /// Offset of the first incoming stack argument.
    pub incoming: u32,
    /// Size of the incoming stack arguments.
    pub incoming_bytes: u32,
    /// Registers to save, in order.
    pub saved: Vec<PReg>,
    /// Whether to set up a frame pointer.
    pub frame_pointer: bool,
    /// Whether the function calls others.
    pub calls: bool,
    /// Whether this function pops its stack arguments.
    pub callee_pops: bool,
    /// Registers that the function must preserve.
    pub preserved: PRegSet,
    /// The subset of `preserved` that the function writes.
    pub written: PRegSet,
    /// Number of bytes by which the stack arguments of tail calls exceed the incoming ones: the prologue
    /// makes room for them.
    pub growth: u32,
    /// Sizes of slots that lowering made, which are numbered behind those of the function.
    pub made_slots: Vec<u32>,
    /// Registers of further arguments, and where the prologue saves each.
    pub saved_arguments: Vec<(PReg, SpillSlot)>,
    /// Steps that compute the stack limit on entry; empty if there is none.
    pub limit: Vec<LimitStep>,
    /// Offset of the saved vector registers.
    pub saved_vectors: u32,
    /// Whether to save vector registers whole, on targets where that depends on the function.
    pub whole_vectors: bool,
}

/// One step of computing the stack limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitStep {
    /// Start with a register.
    Start(PReg),
    /// Start with a symbol's address.
    Symbol(SymbolRef),
    /// Load from the current value plus an offset.
    Load(i32),
    /// Add an offset to the current value.
    Add(i32),
}

/// Returns the steps that compute a function's stack limit, from a register parameter or a symbol.
pub(crate) fn stack_limit<I: Machine>(
    stencil: &Stencil,
    abi: &AbiSignature,
) -> Result<Vec<LimitStep>, String> {
    let mut steps = Vec::new();
    let Some(mut gv) = stencil.stack_limit else { return Ok(steps) };
    let add = |offset| match i32::try_from(offset) {
        Ok(offset) => Ok(LimitStep::Add(offset)),
        Err(_) => Err("the stack limit's offset is too large"),
    };
    loop {
        match stencil.global_values[gv] {
            GlobalValueData::Load { base, offset, .. } => {
                steps.push(LimitStep::Load(offset));
                gv = base;
            }
            GlobalValueData::IaddImm { base, offset, .. } => {
                steps.push(add(offset)?);
                gv = base;
            }
            GlobalValueData::VmContext => {
                let at = stencil.signature.params.iter().position(|p| p.purpose == Purpose::VmContext);
                let at = at.ok_or("the stack limit needs a vmctx parameter")?;
                match abi.parts_of(abi.params[at])[0].location {
                    PartLocation::Reg(reg) => steps.push(LimitStep::Start(reg)),
                    PartLocation::Stack(_) => return Err("vmctx must be in a register".to_string()),
                }
                break;
            }
            GlobalValueData::Symbol { name, offset, tls: false, .. } => {
                steps.push(add(offset)?);
                steps.push(LimitStep::Symbol(SymbolRef::Name(name)));
                break;
            }
            _ => return Err(format!("this global value can't be a stack limit on {}", I::NAME)),
        }
    }
    steps.reverse();
    Ok(steps)
}

/// Returns the number of bytes to reserve for a slot.
pub(crate) fn slot_room<I: Machine>(slot: &StackSlotData) -> u64 {
    let rounding =
        if is_overaligned::<I>(slot) { (1u64 << slot.align_shift) - I::STACK_ALIGNMENT as u64 } else { 0 };
    slot.size as u64 + rounding
}

impl Frame {
    /// Whether the epilogue changes what unwinding has to know.
    pub fn has_unwind_state(&self) -> bool {
        self.size > 0 || !self.saved.is_empty() || self.frame_pointer
    }

    /// Resets the frame for the next function.
    pub(crate) fn clear(&mut self) {
        let (mut slots, mut saved) = (std::mem::take(&mut self.slots), std::mem::take(&mut self.saved));
        let mut made_slots = std::mem::take(&mut self.made_slots);
        slots.clear();
        saved.clear();
        made_slots.clear();
        *self = Frame { slots, saved, made_slots, ..Frame::default() };
    }

    /// Rejects frames of more than `most` bytes, and functions with more items than an [`Amode`] can number.
    pub(crate) fn check_size<I: Machine>(&self, stencil: &Stencil, most: u64) -> Result<(), String> {
        let slots: u64 = stencil.stack_slots.values().map(|slot| slot_room::<I>(slot) + 16).sum();
        let made: u64 = self.made_slots.iter().map(|&size| u64::from(size) + 16).sum();
        if slots + made + self.outgoing as u64 + self.spill_count as u64 * 8 > most {
            let gigabytes = most.next_power_of_two() >> 30;
            return Err(format!(
                "the stack frame is larger than {gigabytes} GiB, which {} can't address",
                I::NAME
            ));
        }
        let numbers = [
            stencil.stack_slots.len() + self.made_slots.len(),
            stencil.functions.len(),
            stencil.global_values.len(),
            stencil.insts.len(),
        ];
        if numbers.iter().any(|&count| count >= Amode::LIMIT as usize) {
            let name = I::NAME;
            return Err(format!(
                "more stack slots, symbols or instructions than a {name} address can refer to"
            ));
        }
        Ok(())
    }

    /// Lays out outgoing arguments, spill slots and stack slots, in this order from the stack pointer up;
    /// returns the offset of the end.
    pub fn place_locals<I: Machine>(&mut self, stack_slots: &Map<StackSlot, StackSlotData>) -> u32 {
        let mut at = self.outgoing.next_multiple_of(8);
        self.spills = at;
        at += self.spill_count * 8;
        self.slots.clear();
        for slot in stack_slots.values() {
            // Slots that may be meant for 16-byte accesses are aligned for them.
            let natural = if slot.size >= 16 { I::STACK_ALIGNMENT } else { 8 };
            at = at.next_multiple_of((1 << slot.align_shift).clamp(natural, I::STACK_ALIGNMENT));
            self.slots.push(at);
            at += slot_room::<I>(slot) as u32;
        }
        for &size in &self.made_slots {
            at = at.next_multiple_of(I::STACK_ALIGNMENT.max(8));
            self.slots.push(at);
            at += size;
        }
        at.next_multiple_of(8)
    }

    /// Has the prologue save the registers of further arguments, in a slot or, without one, among the stack
    /// arguments. The frame has been laid out.
    pub fn save_arguments(
        &mut self,
        convention: &Convention,
        used: Used,
        slot: Option<StackSlot>,
    ) -> Result<(), String> {
        let start = slot.map_or(self.incoming, |slot| self.slots[slot]);
        for (register, offset) in convention.saved_arguments(used) {
            let number = (start + offset - self.spills) / 8;
            if number >= Amode::LIMIT {
                return Err("the frame of a variadic function is too large".to_string());
            }
            self.saved_arguments.push((register, SpillSlot::new(number as usize)));
        }
        Ok(())
    }
}

/// Returns the offset from the stack pointer of a place in the frame; `None` for other places.
#[inline]
pub fn frame_offset(frame: &Frame, place: Place) -> Option<u32> {
    match place {
        Place::Slot(slot) => Some(frame.slots[slot]),
        Place::Incoming => Some(frame.incoming),
        Place::Outgoing => Some(0),
        Place::Spill(slot) => Some(frame.spills.wrapping_add(slot.wrapping_mul(8))),
        _ => None,
    }
}
