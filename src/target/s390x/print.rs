//! How operands are spelled for the assembler of s390x.

use super::cond::Cond;
use super::format::{Address, Format, OTHERS, Others};
use super::regs;
use crate::mach::amode::Place;
use crate::mach::print::{Memory, Printer, Syntax};
use regalloc2::PReg;
use std::fmt::{self, Write};

/// The assembler's syntax.
pub struct S390xSyntax;

impl Syntax for S390xSyntax {
    const IMMEDIATE: &'static str = "";

    fn register(register: PReg, _: u16) -> &'static str {
        regs::name(register)
    }

    fn cond(small: u8) -> &'static str {
        Cond::from_code(small as u16 & 15).name()
    }

    fn memory(printer: &Printer<Self>, memory: &Memory, out: &mut dyn Write) -> fmt::Result {
        if printer.relative(memory, "@GOTENT", out)? {
            return Ok(());
        }
        printer.displacement(memory, out)?;
        let amode = &memory.amode;
        let based = amode.has_base || memory.place != Place::Registers;
        if !based && !amode.has_index {
            return Ok(());
        }
        out.write_str("(")?;
        if amode.has_index {
            printer.register(memory.first + amode.has_base as usize, 64, out)?;
            out.write_str(if based { "," } else { "" })?;
        }
        match (amode.has_base, based) {
            (true, _) => printer.register(memory.first, 64, out)?,
            (_, true) => out.write_str("%r15")?,
            _ => {}
        }
        out.write_str(")")
    }

    /// `y` or `rl` of forms that are chosen by the address.
    fn suffix(printer: &Printer<Self>) -> &'static str {
        let Some(memory) = printer.memory() else { return "" };
        let others = Others::unpack(printer.row.params[OTHERS]);
        let relative =
            matches!(memory.place, Place::Symbol(_) | Place::Got(_) | Place::Label(_) | Place::Constant(_));
        let layout = &Format::LAYOUTS[printer.row.format as usize];
        let disp = memory.amode.disp.wrapping_add(printer.offset_of(memory.place).unwrap_or(0) as i32);
        match layout.address {
            _ if relative => {
                if others.relative != 0 {
                    "rl"
                } else {
                    ""
                }
            }
            Address::Memory { long: false, .. } if others.long != 0 && !(0..1 << 12).contains(&disp) => "y",
            _ => "",
        }
    }
}
