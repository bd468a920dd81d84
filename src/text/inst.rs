//! Assembly text of machine instructions.
//!
//! A row's text has `{name}` where an operand goes. This module substitutes the operands, which are those
//! that the encoder reads, in the target's syntax ([`Syntax`]). Virtual registers, and places in a frame that
//! is not laid out yet, are printed by name.

use crate::emit::frame::{Frame, frame_offset};
use crate::machine::amode::{PackedAmode, Place};
use crate::machine::description::Machine;
use crate::machine::inst::{ConstantRef, Label};
use crate::machine::inst::{MachInst, OperandForm, OperandSpec, Row};
use crate::machine::reg::PReg;
use crate::machine::reg::{Allocation, Operand};
use crate::machine::symbol::SymbolRef;
use std::fmt::{self, Write};

/// Names of the symbols, labels and constants that instructions refer to.
pub trait Names {
    /// Writes a symbol's name.
    fn symbol(&self, symbol: SymbolRef, out: &mut dyn Write) -> fmt::Result;
    /// Writes a label's name.
    fn label(&self, label: Label, out: &mut dyn Write) -> fmt::Result {
        write!(out, ".L{}", label.0)
    }
    /// Writes the name of a constant's label.
    fn constant(&self, constant: ConstantRef, out: &mut dyn Write) -> fmt::Result {
        write!(out, ".LC{}", constant.0)
    }
}

/// The register operands of an instruction.
#[derive(Clone, Copy)]
pub enum OperandRegisters<'a> {
    /// Before allocation.
    Virtual(&'a [Operand]),
    /// After allocation, with the frame once it is laid out.
    Allocated(&'a [Allocation], Option<&'a Frame>),
}

/// A target whose instructions can be printed.
pub trait Assembly: Machine {
    /// The target's assembly syntax.
    type Syntax: Syntax;
}

/// How a target's assembly syntax spells operands.
pub trait Syntax {
    /// The prefix of immediates.
    const IMMEDIATE: &'static str;
    /// The name of the stack pointer.
    const STACK_POINTER: &'static str;

    /// Writes the name of a register's low `bits` bits.
    fn register(register: PReg, bits: u16, out: &mut dyn Write) -> fmt::Result;

    /// Writes the operand in [`MachInst::small`]: a condition code, as a rule.
    fn condition(small: u8, out: &mut dyn Write) -> fmt::Result;

    /// Writes an operand of form [`OperandForm::Code`].
    fn code(_code: u8, _bits: u16, word: u32, out: &mut dyn Write) -> fmt::Result {
        write!(out, "{}{word}", Self::IMMEDIATE)
    }

    /// Writes an address, with the help of the printer's methods for its parts.
    fn memory(printer: &Printer<'_, Self>, address: &Address, out: &mut dyn Write) -> fmt::Result
    where
        Self: Sized;

    /// Returns a suffix of the mnemonic that depends on the address.
    fn suffix(_: &Printer<'_, Self>) -> &'static str
    where
        Self: Sized,
    {
        ""
    }

    /// Writes a spill slot, for an operand that is in one.
    fn spilled(printer: &Printer<'_, Self>, slot: u32, out: &mut dyn Write) -> fmt::Result
    where
        Self: Sized,
    {
        let amode = PackedAmode { place: Some(Place::Spill(slot)), ..PackedAmode::unpack(0, 0) };
        Self::memory(printer, &Address { amode, place: Place::Spill(slot), first: 0, bits: 64 }, out)
    }
}

/// A memory operand to be printed.
pub struct Address {
    /// The unpacked words.
    pub amode: PackedAmode,
    /// What the address is relative to.
    pub place: Place,
    /// Index of the first register operand.
    pub first: usize,
    /// Number of bits accessed; 0 for an address computation.
    pub bits: u16,
}

/// Writes an instruction, whose operands are the first of `registers` and `words`.
pub fn print<I: Assembly>(
    inst: &MachInst,
    registers: OperandRegisters,
    words: &[u32],
    names: &dyn Names,
    out: &mut dyn Write,
) -> fmt::Result {
    let row = &I::rows()[inst.row.0 as usize];
    let syntax = std::marker::PhantomData::<I::Syntax>;
    let printer = Printer { row, small: inst.small, registers, words, names, syntax };
    let mnemonic = row.text.find(' ').unwrap_or(row.text.len());
    printer.fill(&row.text[..mnemonic], out)?;
    out.write_str(I::Syntax::suffix(&printer))?;
    printer.fill(&row.text[mnemonic..], out)
}

/// An instruction being printed.
pub struct Printer<'a, S> {
    /// The instruction's row.
    pub row: &'static Row,
    small: u8,
    registers: OperandRegisters<'a>,
    words: &'a [u32],
    names: &'a dyn Names,
    syntax: std::marker::PhantomData<S>,
}

impl<S: Syntax> Printer<'_, S> {
    /// Writes a piece of the row's text, substituting operands.
    fn fill(&self, mut text: &str, out: &mut dyn Write) -> fmt::Result {
        while let Some((before, after)) = text.split_once('{') {
            let (name, after) = after.split_once('}').expect("checked when the row was read");
            out.write_str(before)?;
            if let Some(literal) = name.strip_prefix(' ') {
                out.write_str(literal)?;
                text = after;
                continue;
            }
            let found = self.find(|operand| operand.name == name);
            let (kind, register, word) = found.expect("checked when the row was read");
            // The number of a lane, in brackets, has no prefix.
            let prefix = if before.ends_with('[') { "" } else { S::IMMEDIATE };
            self.value(kind, (register, word), prefix, out)?;
            text = after;
        }
        out.write_str(text)
    }

    /// Finds an operand, and returns its form and the indices of its first register operand and word.
    fn find(&self, wanted: impl Fn(&OperandSpec) -> bool) -> Option<(OperandForm, usize, usize)> {
        let (mut register, mut word) = (0, 0);
        for operand in self.row.operands {
            if wanted(operand) {
                return Some((operand.kind, register, word));
            }
            match operand.kind {
                OperandForm::Reg { .. } => register += 1,
                OperandForm::Cond => {}
                OperandForm::Imm { .. }
                | OperandForm::Code { .. }
                | OperandForm::Label
                | OperandForm::Clobbers => word += 1,
                // No registers follow, so they need not be counted.
                OperandForm::Mem { .. } | OperandForm::RegMem { .. } => word += 2,
                OperandForm::Imm64 | OperandForm::Symbol => word += 2,
            }
        }
        None
    }

    /// Returns the memory operand, if there is one.
    pub fn address(&self) -> Option<Address> {
        let is_memory = |kind| matches!(kind, OperandForm::Mem { .. } | OperandForm::RegMem { .. });
        let (_, register, word) = self.find(|operand| is_memory(operand.kind))?;
        self.address_at(register, word, 64)
    }

    /// Writes an operand whose first register operand and word have these indices, an immediate with
    /// `prefix`.
    fn value(
        &self,
        kind: OperandForm,
        (register, word): (usize, usize),
        prefix: &str,
        out: &mut dyn Write,
    ) -> fmt::Result {
        match kind {
            OperandForm::Reg { bits, .. } => self.register(register, bits, out),
            OperandForm::Mem { bits } | OperandForm::RegMem { bits, .. } => {
                match self.address_at(register, word, bits) {
                    None => self.register(register, bits, out),
                    Some(address) => S::memory(self, &address, out),
                }
            }
            OperandForm::Imm { bits, signed } => {
                let value = (self.words[word] as i32 as i64) << (64 - bits.min(32)) >> (64 - bits.min(32));
                let mask = if signed { -1 } else { (1i64 << bits) - 1 };
                write!(out, "{prefix}{}", value & mask)
            }
            OperandForm::Imm64 => {
                let value = self.words[word] as u64 | (self.words[word + 1] as u64) << 32;
                write!(out, "{}{value}", S::IMMEDIATE)
            }
            OperandForm::Label => self.names.label(Label(self.words[word]), out),
            OperandForm::Symbol => {
                self.names.symbol(SymbolRef::unpack(self.words[word]), out)?;
                offset(self.words[word + 1] as i32, out)
            }
            OperandForm::Code { code, bits } => S::code(code, bits, self.words[word], out),
            OperandForm::Cond => S::condition(self.small, out),
            OperandForm::Clobbers => write!(out, "{}", self.words[word]),
        }
    }

    /// Returns the address that begins with this register operand and word; `None` if it is a register.
    fn address_at(&self, first: usize, word: usize, bits: u16) -> Option<Address> {
        let amode = PackedAmode::unpack(self.words[word], self.words[word + 1]);
        Some(Address { amode, place: amode.place?, first, bits })
    }

    /// Writes the name of a register operand's low `bits` bits.
    pub fn register(&self, index: usize, bits: u16, out: &mut dyn Write) -> fmt::Result {
        match self.registers {
            OperandRegisters::Virtual(operands) => match operands[index].as_fixed_nonallocatable() {
                Some(register) => S::register(register, bits, out),
                None => write!(out, "%{}", operands[index].vreg()),
            },
            OperandRegisters::Allocated(allocs, _) => {
                match (allocs[index].as_reg(), allocs[index].as_stack()) {
                    (Some(register), _) => S::register(register, bits, out),
                    (_, Some(slot)) => S::spilled(self, slot.index() as u32, out),
                    _ => out.write_str("%none"),
                }
            }
        }
    }

    /// Writes the base register, which is the stack pointer for a place in the frame. Returns whether there
    /// is one.
    pub fn base(&self, address: &Address, out: &mut dyn Write) -> Result<bool, fmt::Error> {
        match (address.amode.has_base, address.place) {
            (true, _) => self.register(address.first, 64, out)?,
            (false, Place::Registers) => return Ok(false),
            _ => out.write_str(S::STACK_POINTER)?,
        }
        Ok(true)
    }

    /// Returns the index register's number among the register operands, if there is one.
    pub fn index(&self, address: &Address) -> Option<usize> {
        address.amode.has_index.then_some(address.first + address.amode.has_base as usize)
    }

    /// Writes the name of a place outside of the frame. Returns false if the address is not relative to one.
    pub fn named(&self, address: &Address, out: &mut dyn Write) -> Result<bool, fmt::Error> {
        match address.place {
            Place::Symbol(symbol) | Place::Got(symbol) => self.names.symbol(symbol, out)?,
            Place::Label(label) => self.names.label(label, out)?,
            Place::Constant(constant) => self.names.constant(constant, out)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Returns the displacement of an address from its registers or the stack pointer; `None` if the frame is
    /// not laid out yet.
    pub fn displacement(&self, address: &Address) -> Option<i32> {
        let at = match (address.place, self.registers) {
            (Place::Registers, _) => Some(0),
            (place, OperandRegisters::Allocated(_, frame)) => {
                frame.and_then(|frame| frame_offset(frame, place))
            }
            (_, OperandRegisters::Virtual(_)) => None,
        };
        at.map(|at| address.amode.disp.wrapping_add(at as i32))
    }

    /// Writes the displacement, or a symbolic one if the frame is not laid out yet.
    pub fn write_displacement(&self, address: &Address, out: &mut dyn Write) -> fmt::Result {
        let disp = address.amode.disp;
        match (self.displacement(address), address.place) {
            (Some(disp), _) => write!(out, "{disp}"),
            (None, Place::Slot(slot)) => write!(out, "{slot}{disp:+}"),
            (None, Place::Incoming) => write!(out, "incoming{disp:+}"),
            (None, Place::Outgoing) => write!(out, "outgoing{disp:+}"),
            (None, Place::Spill(slot)) => write!(out, "spill{slot}"),
            (None, _) => write!(out, "{disp}"),
        }
    }
}

/// Writes an offset as `+8` or `-8`, or nothing if it is 0.
pub fn offset(disp: i32, out: &mut dyn Write) -> fmt::Result {
    if disp == 0 { Ok(()) } else { write!(out, "{disp:+}") }
}
