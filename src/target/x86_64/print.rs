//! Assembly text of machine instructions, in AT&T syntax.
//!
//! The text column of a row has `{operand}` in it; this module fills them in from the same operands that
//! the encoder reads. Before register allocation registers are virtual, and places in the frame have no offset yet:
//! they are printed by name.

use super::amode::{Cond, PackedAmode, Place, frame_offset};
use super::regs;
use super::rows::ROWS;
use crate::mach::buffer::Label;
use crate::mach::compiled::SymbolRef;
use crate::mach::inst::{MachInst, OperandKind, Row};
use crate::mach::text::{Names, Registers};
use std::fmt::{self, Write};

/// Writes an instruction. `registers` and `words` begin with its own.
pub fn print(
    inst: &MachInst,
    registers: Registers,
    words: &[u32],
    names: &dyn Names,
    out: &mut dyn Write,
) -> fmt::Result {
    let row = &ROWS[inst.row.0 as usize];
    let printer = Printer { row, small: inst.small, registers, words, names };
    let mut rest = row.text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("checked when the row was read");
        out.write_str(before)?;
        printer.operand(name, out)?;
        rest = after;
    }
    out.write_str(rest)
}

struct Printer<'a> {
    row: &'static Row,
    small: u8,
    registers: Registers<'a>,
    words: &'a [u32],
    names: &'a dyn Names,
}

impl Printer<'_> {
    /// Finds an operand by name, counting registers and words on the way.
    fn operand(&self, name: &str, out: &mut dyn Write) -> fmt::Result {
        let (mut register, mut word) = (0, 0);
        for operand in self.row.operands {
            if operand.name == name {
                return self.value(operand.kind, register, word, out);
            }
            match operand.kind {
                OperandKind::Reg { .. } => register += 1,
                OperandKind::Cond => {}
                OperandKind::Imm { .. }
                | OperandKind::Code { .. }
                | OperandKind::Label
                | OperandKind::Clobbers => word += 1,
                // What follows has no registers.
                OperandKind::Mem { .. } | OperandKind::RegMem { .. } => word += 2,
                OperandKind::Imm64 | OperandKind::Symbol => word += 2,
            }
        }
        unreachable!("names in the text are checked when the row is read")
    }

    fn value(&self, kind: OperandKind, register: usize, word: usize, out: &mut dyn Write) -> fmt::Result {
        match kind {
            OperandKind::Reg { bits, .. } => self.register(register, bits, out),
            OperandKind::Mem { bits } | OperandKind::RegMem { bits, .. } => {
                self.memory(register, word, bits, out)
            }
            OperandKind::Imm { bits, signed } => {
                let value = (self.words[word] as i32 as i64) << (64 - bits.min(32)) >> (64 - bits.min(32));
                let mask = if signed { -1 } else { (1i64 << bits) - 1 };
                write!(out, "${}", value & mask)
            }
            OperandKind::Imm64 => {
                write!(out, "${}", self.words[word] as u64 | (self.words[word + 1] as u64) << 32)
            }
            OperandKind::Label => self.names.label(Label(self.words[word]), out),
            OperandKind::Symbol => {
                self.names.symbol(SymbolRef::unpack(self.words[word]), out)?;
                offset(self.words[word + 1] as i32, out)
            }
            OperandKind::Code { .. } => write!(out, "{}", self.words[word]),
            OperandKind::Cond => out.write_str(Cond::from_code(self.small as u16 & 15).name()),
            OperandKind::Clobbers => write!(out, "{}", self.words[word]),
        }
    }

    fn register(&self, index: usize, bits: u16, out: &mut dyn Write) -> fmt::Result {
        match self.registers {
            Registers::Virtual(operands) => write!(out, "%{}", operands[index].vreg()),
            Registers::Allocated(allocs, frame) => match (allocs[index].as_reg(), allocs[index].as_stack()) {
                (Some(register), _) => write!(out, "%{}", regs::name(register, bits)),
                (_, Some(slot)) => {
                    let place = Place::Spill(slot.index() as u32);
                    match frame.and_then(|frame| frame_offset(frame, place)) {
                        Some(at) => write!(out, "{at}(%rsp)"),
                        None => write!(out, "spill{}(%rsp)", slot.index()),
                    }
                }
                _ => out.write_str("%none"),
            },
        }
    }

    /// The memory operand, whose first register and word have these numbers.
    fn memory(&self, first: usize, word: usize, bits: u16, out: &mut dyn Write) -> fmt::Result {
        let amode = PackedAmode::unpack(self.words[word], self.words[word + 1]);
        let Some(place) = amode.place else { return self.register(first, bits, out) };
        match place {
            Place::Symbol(symbol) | Place::Got(symbol) => self.names.symbol(symbol, out)?,
            Place::Label(label) => self.names.label(label, out)?,
            Place::Constant(number) => self.names.constant(number, out)?,
            _ => return self.based(&amode, place, first, out),
        }
        if matches!(place, Place::Got(_)) {
            out.write_str("@GOTPCREL")?;
        }
        offset(amode.disp, out)?;
        out.write_str("(%rip)")
    }

    /// An address of registers, or in the frame.
    fn based(&self, amode: &PackedAmode, place: Place, first: usize, out: &mut dyn Write) -> fmt::Result {
        let at = match self.registers {
            Registers::Allocated(_, frame) => frame.and_then(|frame| frame_offset(frame, place)),
            Registers::Virtual(_) => None,
        };
        match (place, at) {
            (_, Some(at)) => write!(out, "{}", amode.disp.wrapping_add(at as i32))?,
            (Place::Registers, _) => write!(out, "{}", amode.disp)?,
            (Place::Slot(slot), _) => write!(out, "{slot}{:+}", amode.disp)?,
            (Place::Incoming, _) => write!(out, "incoming{:+}", amode.disp)?,
            (Place::Outgoing, _) => write!(out, "outgoing{:+}", amode.disp)?,
            _ => write!(out, "spill{:+}", amode.disp)?,
        }
        if place == Place::Registers && !amode.has_base && !amode.has_index {
            return Ok(());
        }
        out.write_str("(")?;
        match (amode.has_base, place) {
            (true, _) => self.register(first, 64, out)?,
            (false, Place::Registers) => {}
            _ => out.write_str("%rsp")?,
        }
        if amode.has_index {
            out.write_str(",")?;
            self.register(first + amode.has_base as usize, 64, out)?;
            write!(out, ",{}", 1 << amode.scale)?;
        }
        out.write_str(")")
    }
}

/// `+8`, `-8` or nothing.
fn offset(disp: i32, out: &mut dyn Write) -> fmt::Result {
    if disp == 0 { Ok(()) } else { write!(out, "{disp:+}") }
}
