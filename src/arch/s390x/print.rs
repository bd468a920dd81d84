//! The spelling of operands in assembly text.

use super::format::{AddressField, Format, OTHERS, OtherForms};
use super::operands::Cond;
use super::{S390x, regs};
use crate::machine::amode::Place;
use crate::machine::reg::PReg;
use crate::text::inst::{Address, Assembly, Printer, Syntax, offset};
use std::fmt;
use std::fmt::Write;

/// The syntax of GNU as for s390x.
pub struct Assembler;

impl Assembly for S390x {
    type Syntax = Assembler;
}

impl Syntax for Assembler {
    const IMMEDIATE: &'static str = "";
    const STACK_POINTER: &'static str = "%r15";

    fn register(register: PReg, _: u16, out: &mut dyn Write) -> fmt::Result {
        write!(out, "%{}", regs::name(register))
    }

    fn condition(small: u8, out: &mut dyn Write) -> fmt::Result {
        out.write_str(Cond::from_code(small as u16 & 15).name())
    }

    fn memory(printer: &Printer<'_, Self>, address: &Address, out: &mut dyn Write) -> fmt::Result {
        if printer.named(address, out)? {
            if matches!(address.place, Place::Got(_)) {
                out.write_str("@GOTENT")?;
            }
            return offset(address.amode.disp, out);
        }
        printer.write_displacement(address, out)?;
        let based = address.amode.has_base || address.place != Place::Registers;
        let index = printer.index(address);
        if !based && index.is_none() {
            return Ok(());
        }
        out.write_str("(")?;
        if let Some(index) = index {
            printer.register(index, 64, out)?;
            out.write_str(if based { "," } else { "" })?;
        }
        printer.base(address, out)?;
        out.write_str(")")
    }

    /// The mnemonic's suffix `y` or `rl`, if the address selects the long-displacement or the relative form.
    fn suffix(printer: &Printer<'_, Self>) -> &'static str {
        let Some(address) = printer.address() else { return "" };
        let others = OtherForms::unpack(printer.row.params[OTHERS]);
        let layout = &Format::LAYOUTS[printer.row.format as usize];
        match (address.place, layout.address) {
            (Place::Symbol(_) | Place::Got(_) | Place::Label(_) | Place::Constant(_), _) => {
                ["rl", ""][usize::from(others.relative == 0)]
            }
            (_, AddressField::Memory { long: false, .. }) if others.long != 0 => {
                let short = printer.displacement(&address).is_none_or(|disp| (0..1 << 12).contains(&disp));
                if short { "" } else { "y" }
            }
            _ => "",
        }
    }
}
