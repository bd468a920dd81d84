//! How operands are spelled in AT&T syntax.

use super::amode::Cond;
use super::regs;
use crate::mach::amode::Place;
use crate::mach::print::{Memory, Printer, Syntax};
use regalloc2::PReg;
use std::fmt::{self, Write};

/// AT&T syntax.
pub struct AttSyntax;

impl Syntax for AttSyntax {
    const IMMEDIATE: &'static str = "$";

    fn register(register: PReg, bits: u16) -> &'static str {
        regs::name(register, bits)
    }

    fn cond(small: u8) -> &'static str {
        Cond::from_code(small as u16 & 15).name()
    }

    fn memory(printer: &Printer<Self>, memory: &Memory, out: &mut dyn Write) -> fmt::Result {
        if printer.relative(memory, "@GOTPCREL", out)? {
            return out.write_str("(%rip)");
        }
        let amode = &memory.amode;
        printer.displacement(memory, out)?;
        if memory.place == Place::Registers && !amode.has_base && !amode.has_index {
            return Ok(());
        }
        out.write_str("(")?;
        match (amode.has_base, memory.place) {
            (true, _) => printer.register(memory.first, 64, out)?,
            (false, Place::Registers) => {}
            _ => out.write_str("%rsp")?,
        }
        if amode.has_index {
            out.write_str(",")?;
            printer.register(memory.first + amode.has_base as usize, 64, out)?;
            write!(out, ",{}", 1 << amode.scale)?;
        }
        out.write_str(")")
    }
}
