//! Assembly text of machine instructions.
//!
//! The text column of a row has `{operand}` in it; this module fills them in from the same operands that
//! the encoder reads, as the target's [`Syntax`] spells them. Before register allocation registers are virtual, and
//! places in the frame have no offset yet: they are printed by name.

use super::amode::{PackedAmode, Place, frame_offset};
use super::buffer::Label;
use super::compiled::SymbolRef;
use super::inst::{MachInst, OperandKind, Row};
use super::text::{Names, Registers};
use regalloc2::PReg;
use std::fmt::{self, Write};
use std::marker::PhantomData;

/// How a target's assembler spells operands.
pub trait Syntax: Sized {
    /// What immediates begin with.
    const IMMEDIATE: &'static str;

    /// The low `bits` of a register, without `%`.
    fn register(register: PReg, bits: u16) -> &'static str;

    /// A condition.
    fn cond(small: u8) -> &'static str;

    /// Writes a memory operand.
    fn memory(printer: &Printer<Self>, memory: &Memory, out: &mut dyn Write) -> fmt::Result;

    /// What is appended to the mnemonic.
    fn suffix(_: &Printer<Self>) -> &'static str {
        ""
    }
}

/// A memory operand.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What it consists of.
    pub amode: PackedAmode,
    /// What it is relative to.
    pub place: Place,
    /// The number of its first register operand.
    pub first: usize,
}

/// Writes an instruction of a row. `registers` and `words` begin with its own.
pub fn print<S: Syntax>(
    row: &'static Row,
    inst: &MachInst,
    registers: Registers,
    words: &[u32],
    names: &dyn Names,
    out: &mut dyn Write,
) -> fmt::Result {
    let printer: Printer<S> =
        Printer { row, small: inst.small, registers, words, names, syntax: PhantomData };
    let mnemonic = row.text.find(' ').unwrap_or(row.text.len());
    printer.fill(&row.text[..mnemonic], out)?;
    out.write_str(S::suffix(&printer))?;
    printer.fill(&row.text[mnemonic..], out)
}

/// An instruction being printed.
pub struct Printer<'a, S> {
    /// Its row.
    pub row: &'static Row,
    small: u8,
    registers: Registers<'a>,
    words: &'a [u32],
    /// Names of what it refers to.
    pub names: &'a dyn Names,
    syntax: PhantomData<S>,
}

impl<S: Syntax> Printer<'_, S> {
    /// Writes a part of the row's text.
    fn fill(&self, mut text: &str, out: &mut dyn Write) -> fmt::Result {
        while let Some((before, after)) = text.split_once('{') {
            let (name, after) = after.split_once('}').expect("checked when the row was read");
            out.write_str(before)?;
            self.operand(name, out)?;
            text = after;
        }
        out.write_str(text)
    }

    /// The first operand for which `wanted` holds, with the numbers of its first register and word.
    fn find(&self, wanted: impl Fn(&str, OperandKind) -> bool) -> Option<(OperandKind, usize, usize)> {
        let (mut register, mut word) = (0, 0);
        for operand in self.row.operands {
            if wanted(operand.name, operand.kind) {
                return Some((operand.kind, register, word));
            }
            match operand.kind {
                OperandKind::Reg { .. } => register += 1,
                OperandKind::Cond => {}
                OperandKind::Imm { .. } | OperandKind::Label | OperandKind::Clobbers => word += 1,
                // What follows has no registers.
                OperandKind::Mem { .. } | OperandKind::RegMem { .. } => word += 2,
                OperandKind::Imm64 | OperandKind::Symbol => word += 2,
            }
        }
        None
    }

    fn operand(&self, name: &str, out: &mut dyn Write) -> fmt::Result {
        let found = self.find(|operand, _| operand == name);
        let (kind, register, word) = found.expect("names in the text are checked when the row is read");
        match kind {
            OperandKind::Reg { bits, .. } => self.register(register, bits, out),
            OperandKind::Mem { bits } | OperandKind::RegMem { bits, .. } => {
                match self.memory_at(register, word) {
                    Some(memory) => S::memory(self, &memory, out),
                    None => self.register(register, bits, out),
                }
            }
            OperandKind::Imm { bits, signed } => {
                let value = (self.words[word] as i32 as i64) << (64 - bits.min(32)) >> (64 - bits.min(32));
                let mask = if signed { -1 } else { (1i64 << bits) - 1 };
                write!(out, "{}{}", S::IMMEDIATE, value & mask)
            }
            OperandKind::Imm64 => {
                let value = self.words[word] as u64 | (self.words[word + 1] as u64) << 32;
                write!(out, "{}{value}", S::IMMEDIATE)
            }
            OperandKind::Label => self.names.label(Label(self.words[word]), out),
            OperandKind::Symbol => {
                self.names.symbol(SymbolRef::unpack(self.words[word]), out)?;
                offset(self.words[word + 1] as i32, out)
            }
            OperandKind::Cond => out.write_str(S::cond(self.small)),
            OperandKind::Clobbers => write!(out, "{}", self.words[word]),
        }
    }

    /// The memory operand, if there is one.
    pub fn memory(&self) -> Option<Memory> {
        let is_memory = |kind| matches!(kind, OperandKind::Mem { .. } | OperandKind::RegMem { .. });
        let (_, register, word) = self.find(|_, kind| is_memory(kind))?;
        self.memory_at(register, word)
    }

    /// The memory operand with these first register and word, if it is none in a register.
    fn memory_at(&self, first: usize, word: usize) -> Option<Memory> {
        let amode = PackedAmode::unpack(self.words[word], self.words[word + 1]);
        Some(Memory { amode, place: amode.place?, first })
    }

    /// Writes a register, or the spill slot that it is replaced by.
    pub fn register(&self, index: usize, bits: u16, out: &mut dyn Write) -> fmt::Result {
        let alloc = match self.registers {
            Registers::Virtual(operands) => return write!(out, "%{}", operands[index].vreg()),
            Registers::Allocated(allocs, _) => allocs[index],
        };
        match (alloc.as_reg(), alloc.as_stack()) {
            (Some(register), _) => write!(out, "%{}", S::register(register, bits)),
            (_, Some(slot)) => {
                let place = Place::Spill(slot.index() as u32);
                S::memory(self, &Memory { amode: PackedAmode::in_frame(place), place, first: index }, out)
            }
            _ => out.write_str("%none"),
        }
    }

    /// The offset from the stack pointer of a place in the frame, once that is laid out.
    pub fn offset_of(&self, place: Place) -> Option<u32> {
        match self.registers {
            Registers::Allocated(_, frame) => frame.and_then(|frame| frame_offset(frame, place)),
            Registers::Virtual(_) => None,
        }
    }

    /// Writes the displacement of an address of registers or in the frame.
    pub fn displacement(&self, memory: &Memory, out: &mut dyn Write) -> fmt::Result {
        let disp = memory.amode.disp;
        match (memory.place, self.offset_of(memory.place)) {
            (_, Some(at)) => write!(out, "{}", disp.wrapping_add(at as i32)),
            (Place::Slot(slot), _) => write!(out, "{slot}{disp:+}"),
            (Place::Incoming, _) => write!(out, "incoming{disp:+}"),
            (Place::Outgoing, _) => write!(out, "outgoing{disp:+}"),
            (Place::Spill(slot), _) => write!(out, "spill{slot}{disp:+}"),
            _ => write!(out, "{disp}"),
        }
    }

    /// Writes what an address relative to the instruction refers to, with `mark` if that is an entry of the global
    /// offset table; returns whether there was such a thing.
    pub fn relative(&self, memory: &Memory, mark: &str, out: &mut dyn Write) -> Result<bool, fmt::Error> {
        match memory.place {
            Place::Symbol(symbol) | Place::Got(symbol) => self.names.symbol(symbol, out)?,
            Place::Label(label) => self.names.label(label, out)?,
            Place::Constant(number) => self.names.constant(number, out)?,
            _ => return Ok(false),
        }
        if matches!(memory.place, Place::Got(_)) {
            out.write_str(mark)?;
        }
        offset(memory.amode.disp, out)?;
        Ok(true)
    }
}

/// `+8`, `-8` or nothing.
fn offset(disp: i32, out: &mut dyn Write) -> fmt::Result {
    if disp == 0 { Ok(()) } else { write!(out, "{disp:+}") }
}
